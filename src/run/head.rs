//! The head of a journal, the hash of its last line, kept in a file beside it. The chain holds every line but the last; the
//! head holds that one, and shows where lines were cut off the end.
//!
//! It is written after each line, in one call and in place, so a killed process leaves it at most one line behind; the line
//! that says how a run ended is named before it is written, so that none can be added behind a killed run. It is not
//! synced: after a power cut it may name a line that the disk did not keep. So it also names the last line that was on disk
//! for certain, and the boot in which it was written: only within one boot the two must agree to the line.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use serde::Serialize;

use super::journal::{ROOT, Read};
use super::record::Record;

/// The file's name in a run's directory.
pub const FILE: &str = "journal.head";

/// The head of a journal that is being written.
#[derive(Debug)]
pub(super) struct Head {
    file: File,
    boot: String,
    synced: String,
}

/// What a file of the head says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The hash of the last line.
    pub last: String,
    /// The hash of the last line that the disk has for certain.
    pub synced: String,
    /// The boot in which that was written.
    pub boot: String,
}

/// How a journal and its head agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    /// To the last line.
    Whole,
    /// Lines at the end are missing that were not synced to the disk: the machine went down.
    WentDown,
    /// No head is kept beside the journal.
    NoHead,
}

impl Head {
    /// Opens the head of a journal in a directory, or makes one.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        let path = dir.join(FILE);
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        Ok(Head { file, boot: boot(), synced: ROOT.into() })
    }

    /// Waits until it is on disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Names a line that is about to be written, behind one that is on disk.
    pub(super) fn announce(&mut self, next: &str, last: &str) -> io::Result<()> {
        self.write(last, true)?;
        self.write(next, false)
    }

    /// Names a line that was written; `synced`: it is on disk.
    pub(super) fn write(&mut self, last: &str, synced: bool) -> io::Result<()> {
        if synced {
            self.synced = last.to_string();
        }
        // of one length, so that it is written over in one call
        let text = format!("last {last:-<64}\nsynced {:-<64}\nboot {:-<36}\n", self.synced, self.boot);
        self.file.write_all_at(text.as_bytes(), 0)
    }
}

/// The head kept in a directory; `None` where there is none.
///
/// # Errors
/// It cannot be read, or is no head.
pub fn read(dir: &Path) -> io::Result<Option<Kept>> {
    let text = match std::fs::read_to_string(dir.join(FILE)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    let mut lines = text.lines();
    let mut field = |name: &str| -> Option<String> {
        let value = lines.next()?.strip_prefix(name)?.strip_prefix(' ')?;
        Some(value.trim_end_matches('-').to_string())
    };
    match (field("last"), field("synced"), field("boot"), lines.next()) {
        (Some(last), Some(synced), Some(boot), None) => Ok(Some(Kept { last, synced, boot })),
        // made, and nothing written yet
        (None, ..) if text.is_empty() => Ok(None),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, format!("{FILE} is not a journal's head"))),
    }
}

/// Holds a journal against its head.
///
/// # Errors
/// Why the journal is not the one that was written.
pub fn agree(journal: &Read, head: Option<&Kept>) -> Result<Agreement, &'static str> {
    let Some(head) = head else { return Ok(Agreement::NoHead) };
    let entries = &journal.entries;
    let behind = |hash: &str| {
        let chained = entries.iter().map(|e| e.prev.as_str()).chain([journal.last_hash.as_str()]);
        chained.rev().position(|known| known == hash)
    };
    // an end is named at once and on disk: no lines that say how a run ended can be added behind its head
    let ends =
        entries.iter().rposition(|e| matches!(e.record, Record::RunEnd { .. } | Record::RunResume { .. }));
    let behind_end = match ends.map(|at| (at, &entries[at].record)) {
        Some((at, Record::RunEnd { .. })) => entries.len() - 1 - at,
        _ => usize::MAX,
    };
    if behind(&head.last).is_some_and(|lines| lines > behind_end) {
        return Err("the end of the run was added to it");
    }
    let same_boot = !head.boot.is_empty() && head.boot == boot();
    match (behind(&head.last), behind(&head.synced)) {
        (Some(0 | 1), _) => Ok(Agreement::Whole),
        (Some(_), _) if same_boot => Err("lines were added at its end"),
        (Some(_), _) => Ok(Agreement::Whole),
        // the end was announced, and the process was killed before it wrote it
        (None, Some(0)) if same_boot => Ok(Agreement::Whole),
        (None, Some(_)) if !same_boot => Ok(Agreement::WentDown),
        (None, _) => Err("its last line was changed, or lines were cut off its end"),
    }
}

/// What tells this boot of the machine from any other.
fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_string()
}
