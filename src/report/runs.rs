//! The runs kept in a directory: one directory a run, named by its id, which begins with the time.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::agree;
use super::summary::{self, Standing, Summary};
use crate::base::duration::show_seconds;
use crate::base::error::nearest;
use crate::base::screen::{Drawn, drawn};
use crate::base::{Error, ErrorKind, Result, again};
use crate::run::journal;
use crate::run::record::{Entry, Record};
use crate::run::{Mode, RunReport, SESSION};

/// What the first line of a journal tells.
#[derive(Clone, Debug, Serialize)]
pub struct Opening {
    /// The run's id.
    pub run: String,
    /// Logical name of the runbook.
    pub runbook: String,
    /// Name of the site.
    pub site: String,
    /// `run`, `observe` or `rehearse`.
    pub mode: String,
    /// `user@machine`.
    pub by: String,
    /// When.
    pub began: Timestamp,
}

/// A run in a line.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    /// How it began.
    #[serde(flatten)]
    pub opening: Opening,
    /// How it stands; `None` where its journal is damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    /// The damage of its journal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    /// How many steps ended with which verdict.
    pub tally: String,
    /// Seconds at work.
    pub seconds: f64,
}

/// The runs' directories, newest first. None where nothing ran yet.
pub fn directories(dir: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |e: &std::io::Error| {
        Error::new(ErrorKind::Io, format!("cannot read the runs in {}", dir.display())).from_source(e)
    };
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(unreadable(&e)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| unreadable(&e))?.path();
        if path.join(journal::FILE).is_file() {
            found.push(path);
        }
    }
    found.sort_unstable_by(|a, b| b.file_name().cmp(&a.file_name()));
    Ok(found)
}

/// How the run in a directory began; `None` where its journal has no first line.
pub fn opening(run: &Path) -> Option<Opening> {
    /// A first line is short; what is longer is no journal.
    const LONGEST: u64 = 16 << 20;
    let file = File::open(run.join(journal::FILE)).ok()?;
    let mut line = String::new();
    BufReader::new(file.take(LONGEST)).read_line(&mut line).ok()?;
    let entry: Entry = serde_json::from_str(&line).ok()?;
    match entry.record {
        Record::RunBegin { run, runbook, site, mode, by, .. } => {
            Some(Opening { run, runbook, site, mode, by, began: entry.at })
        }
        _ => None,
    }
}

/// What the name of a run's directory tells, where its journal tells nothing.
fn unopened(run: &Path) -> Opening {
    let began = std::fs::metadata(run).and_then(|about| about.modified()).ok();
    Opening {
        run: name_of(run),
        runbook: String::new(),
        site: String::new(),
        mode: "run".into(),
        by: String::new(),
        began: began.and_then(|time| Timestamp::try_from(time).ok()).unwrap_or_default(),
    }
}

fn name_of(run: &Path) -> String {
    run.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Holds that a directory is named after the run whose journal lies in it.
fn named(run: &Path) -> Result<()> {
    match opening(run) {
        Some(opening) if opening.run != name_of(run) => {
            let what = format!("{} holds the journal of another run: {}", run.display(), opening.run);
            Err(Error::new(ErrorKind::Journal, what)
                .help("a run's directory is named after it: look at what was moved there"))
        }
        _ => Ok(()),
    }
}

/// The newest runs, at most `most` of them.
pub fn list(dir: &Path, most: usize) -> Result<Vec<Listed>> {
    let opened =
        directories(dir)?.into_iter().map(|run| (opening(&run).unwrap_or_else(|| unopened(&run)), run));
    let listed = opened.take(most).map(|(opening, run)| match named(&run).and_then(|()| agree::load(&run)) {
        Ok(report) => Listed {
            opening,
            standing: Some(Summary::of(&report).standing),
            error: None,
            tally: Summary::tally(&report),
            seconds: summary::seconds(&report),
        },
        Err(e) => Listed { opening, standing: None, error: Some(e), tally: String::new(), seconds: 0.0 },
    });
    Ok(listed.collect())
}

/// The list as text, one line a run.
pub fn render(listed: &[Listed]) -> Drawn {
    let wide = listed.iter().map(|l| Drawn::line(&l.opening.run).width()).max().unwrap_or(0);
    let line = |l: &Listed| {
        let (word, what) = match (&l.standing, &l.error) {
            (Some(standing), _) => (standing.words(), format!("{}  {}", show_seconds(l.seconds), l.tally)),
            (None, error) => ("DAMAGED", error.as_ref().map(ToString::to_string).unwrap_or_default()),
        };
        let mode = match l.opening.mode.as_str() {
            "run" => String::new(),
            other => format!("  ({other})"),
        };
        let run = Drawn::line(&l.opening.run);
        let gap = " ".repeat(wide - run.width());
        drawn!("{}{}  {:<22}  {}{}\n", run, gap, word, what, mode)
    };
    listed.iter().map(line).collect()
}

/// What `last` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// The newest run.
    Kept,
    /// The newest run that can be gone on with: it has not passed, and no later run of its runbook has.
    Resumable,
}

/// The word for the newest run.
pub const LAST: &str = "last";

/// The word for the newest session: `last` is none.
pub const LAST_SESSION: &str = "last-session";

/// The newest run in that sense.
fn last(all: Vec<PathBuf>, last: Last) -> Result<PathBuf> {
    let none = |what: String| {
        Error::new(ErrorKind::NotFound, what).help(format!("`{}` lists them", again::command(&["runs"])))
    };
    let (mut newest, mut passed) = (None, BTreeSet::new());
    for run in all {
        let opening = opening(&run);
        if opening.as_ref().is_some_and(|o| o.runbook == SESSION) {
            continue;
        }
        let newest = newest.get_or_insert_with(|| run.clone());
        if last == Last::Kept {
            return Ok(newest.clone());
        }
        // what cannot be read is not stepped over: it may be the one that is meant
        let Some(opening) = opening else { return Ok(run) };
        let ok = RunReport::load(&run)?.end.is_some_and(|end| end.ok);
        match ok {
            true if opening.mode == Mode::Run.name() => drop(passed.insert(opening.runbook)),
            true => {}
            false if passed.contains(&opening.runbook) => {}
            false => return Ok(run),
        }
    }
    match newest {
        None => Err(none("there is no run yet".into())),
        Some(newest) => {
            let what = format!(
                "run {} has passed, and so did what went before: there is nothing to resume",
                name_of(&newest)
            );
            Err(Error::new(ErrorKind::Usage, what)
                .help(format!("`{}` lists the runs", again::command(&["runs"]))))
        }
    }
}

/// The directory of one run: by its id, by a part of the id that only one run has, the newest one for `last`, or the
/// newest session for `last-session`.
///
/// Errors with [`ErrorKind::NotFound`] or [`ErrorKind::Ambiguous`], naming candidates, and with [`ErrorKind::Journal`]
/// where the directory holds another run.
pub fn find(dir: &Path, which: &str, meaning: Last) -> Result<PathBuf> {
    let all = directories(dir)?;
    let name =
        |path: &PathBuf| path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if let Some(exact) = all.iter().find(|p| name(p) == which) {
        return named(exact).map(|()| exact.clone());
    }
    let none = |what: String| {
        Error::new(ErrorKind::NotFound, what).help(format!("`{}` lists them", again::command(&["runs"])))
    };
    if which == LAST {
        let newest = last(all, meaning)?;
        return named(&newest).map(|()| newest);
    }
    if which == LAST_SESSION {
        let session = |run: &PathBuf| opening(run).is_some_and(|o| o.runbook == SESSION);
        let newest = all.into_iter().find(session).ok_or_else(|| none("there is no session yet".into()))?;
        return named(&newest).map(|()| newest);
    }
    let matching: Vec<_> = all.iter().filter(|p| !which.is_empty() && name(p).contains(which)).collect();
    match matching.as_slice() {
        [one] => named(one).map(|()| (*one).clone()),
        [] => {
            let names: Vec<_> = all.iter().map(name).collect();
            let e = none(format!("there is no run `{which}`"));
            Err(match nearest(which, names.iter().map(String::as_str)) {
                Some(near) => e.cause(format!("did you mean {near}?")),
                None => e,
            })
        }
        several => {
            let names: Vec<_> = several.iter().take(5).map(|p| name(p)).collect();
            let what = format!("{} runs match `{which}`: {}", several.len(), names.join(", "));
            Err(Error::new(ErrorKind::Ambiguous, what).help("give more of the id"))
        }
    }
}
