//! Whether a run's journal is what was written: an offline check of its chain, and of the report
//! made from it.

use std::fmt;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::agree::{self, Made};
use super::when::stamp;
use crate::base::screen::line;
use crate::base::{Error, ErrorKind, Result};
use crate::run::Lacking;
use crate::run::conclusion::INCOMPLETE;
use crate::run::head::Agreement;
use crate::run::journal;
use crate::run::report::RunReport;
use crate::script::promised;

/// What the check found in a sound journal.
#[derive(Clone, Debug, Serialize)]
pub struct Verification {
    /// The run's id.
    pub run: String,
    /// How many entries chain up without a gap.
    pub entries: u64,
    /// Time of the first entry.
    pub first: Option<Timestamp>,
    /// Time of the last entry.
    pub last: Option<Timestamp>,
    /// What the first entry chains to.
    pub root: &'static str,
    /// SHA-256 of the last line. It stands for every entry: whoever keeps it can tell later
    /// whether the journal is the same.
    pub head: String,
    /// How it ends.
    pub ending: Ending,
    /// The steps that keep it from passing though none failed.
    pub lacks: Vec<Lacking>,
    /// Entries whose time is before that of the entry before: the clock was set back.
    pub clock_went_back: Vec<u64>,
    /// Whether `report.json` was made of exactly these entries, or of those before the run went on; `None` without one.
    pub report_agrees: Option<bool>,
    /// How the head that is kept beside the journal agrees with it.
    pub kept_head: Agreement,
}

/// How a journal ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Ending {
    /// With the run's last record.
    Whole {
        /// Whether the run passed.
        ok: bool,
        /// Its exit code.
        exit: u8,
    },
    /// Before the run's end: killed, or still running.
    Cut {
        /// Bytes of a last line that was never finished.
        torn: u64,
    },
}

/// Checks the run in a directory.
///
/// Errors with [`ErrorKind::Journal`] where a line was changed, added or removed, where the records contradict each other,
/// and where journal, head and reports disagree; the error names the first line that does not fit. Nothing is written.
pub fn verify(dir: &Path) -> Result<Verification> {
    let path = dir.join(journal::FILE);
    let read = journal::sound(dir)?;
    promised::hold(&read.entries, dir).map_err(|found| journal::contradicts(dir, &found))?;
    let made = agree::hold(dir, &read)?;
    if made == Made::Whole {
        agree::hold_pages(dir, &read)?;
    }
    let bytes = std::fs::metadata(&path).map(|m| m.len()).map_err(|e| {
        Error::new(ErrorKind::Journal, format!("cannot read {}", path.display())).from_source(&e)
    })?;
    let entries = &read.entries;
    let report = RunReport::of(entries);
    let ending = match &report.end {
        Some(end) if bytes == read.whole => Ending::Whole { ok: end.ok, exit: end.exit },
        _ => Ending::Cut { torn: bytes.saturating_sub(read.whole) },
    };
    let went_back = entries.windows(2).filter(|pair| pair[1].at < pair[0].at).map(|pair| pair[1].n);
    Ok(Verification {
        run: report.run,
        entries: entries.len() as u64,
        first: report.began,
        last: report.ended,
        root: journal::ROOT,
        ending,
        lacks: report.end.map(|end| end.lacks).unwrap_or_default(),
        clock_went_back: went_back.collect(),
        report_agrees: (made != Made::Nowhere).then_some(made == Made::Whole),
        kept_head: journal::agreement(dir, &read)?,
        head: read.last_hash,
    })
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |at: Option<Timestamp>| at.map_or_else(|| "never".into(), stamp);
        writeln!(f, "The chain of run {} holds.", self.run)?;
        writeln!(f, "  entries  {}, without a gap", self.entries)?;
        writeln!(f, "  first    {}", time(self.first))?;
        writeln!(f, "  last     {}", time(self.last))?;
        match self.ending {
            Ending::Whole { ok: true, .. } => writeln!(f, "  ending   properly: the run passed")?,
            Ending::Whole { exit: INCOMPLETE, .. } => {
                writeln!(
                    f,
                    "  ending   properly: the run is INCOMPLETE and did not pass (exit code {INCOMPLETE})"
                )?;
                for lacks in &self.lacks {
                    writeln!(f, "           its verdict needs {}: {}", line(&lacks.step), line(&lacks.why))?;
                }
            }
            Ending::Whole { exit, .. } => {
                writeln!(f, "  ending   properly: the run did not pass (exit code {exit})")?;
            }
            Ending::Cut { torn: 0 } => writeln!(f, "  ending   cut: no last record of the run")?,
            Ending::Cut { torn } => {
                writeln!(f, "  ending   cut inside of a line: {torn} bytes are not part of the chain")?;
            }
        }
        for n in &self.clock_went_back {
            writeln!(f, "  clock    set back before entry {n}; the numbers tell the order")?;
        }
        match self.kept_head {
            Agreement::Whole => {}
            Agreement::WentDown => writeln!(
                f,
                "  missing  lines at the end, which were not on the disk yet when the machine went down"
            )?,
            Agreement::NoHead => writeln!(f, "  missing  the head beside the journal (journal.head)")?,
        }
        match self.report_agrees {
            Some(true) => writeln!(f, "  report   the reports are of these entries")?,
            Some(false) => writeln!(f, "  report   report.json is of the entries before the run went on")?,
            None => {}
        }
        writeln!(f, "  root     {}", self.root)?;
        writeln!(f, "  head     {}", self.head)
    }
}
