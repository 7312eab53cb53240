//! The journal: append-only JSON lines, hash-chained, synced before anything irrevocable.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::audit::{Contradiction, audit};
use super::head::{self, Agreement, Head, Kept};
use super::readable;
use super::record::{Entry, Record};
use crate::base::permit::hex;
use crate::base::{Error, ErrorKind, Result, again, private};

/// The file's name in a run's directory.
pub const FILE: &str = "journal.jsonl";

/// What the first entry chains to.
pub const ROOT: &str = "rhumb-journal-1";

/// A journal open for appending.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    next: u64,
    prev: String,
    head: Head,
    durable: bool,
    /// The file's name is on disk as well.
    named: bool,
    /// A write failed: nothing more may be done in this run.
    broken: Option<Error>,
}

impl Journal {
    /// Creates the directory and an empty journal in it, both closed to others. `durable` is false in rehearsals,
    /// which nobody resumes after a power cut.
    pub fn create(dir: &Path, durable: bool) -> Result<Self> {
        let path = dir.join(FILE);
        private::make_own(dir).map_err(|e| unwritable(dir, &e))?;
        let file = private::options()
            .append(true)
            .read(true)
            .create_new(true)
            .open(&path)
            .map_err(|e| unwritable(&path, &e))?;
        let head = Head::open(dir).map_err(|e| unwritable(&path, &e))?;
        Ok(Journal { file, path, next: 1, prev: ROOT.into(), head, durable, named: false, broken: None })
    }

    /// Opens a journal to go on with it: holds it against its head, and its records against each other, and cuts a
    /// torn last line off.
    pub fn reopen(dir: &Path) -> Result<(Self, Vec<Entry>)> {
        let path = dir.join(FILE);
        let read = sound(dir)?;
        let mut file =
            private::options().read(true).write(true).open(&path).map_err(|e| unwritable(&path, &e))?;
        private::make_own(dir).map_err(|e| unwritable(dir, &e))?;
        private::close(&file, private::FILE).map_err(|e| unwritable(&path, &e))?;
        file.set_len(read.whole).map_err(|e| unwritable(&path, &e))?;
        file.seek(SeekFrom::End(0)).map_err(|e| unwritable(&path, &e))?;
        let next = read.entries.last().map_or(1, |e| e.n + 1);
        file.sync_data().map_err(|e| unwritable(&path, &e))?;
        let mut head = Head::open(dir).map_err(|e| unwritable(&path, &e))?;
        head.write(&read.last_hash, true).map_err(|e| unwritable(&path, &e))?;
        let (prev, entries) = (read.last_hash, read.entries);
        Ok((Journal { file, path, next, prev, head, durable: true, named: true, broken: None }, entries))
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a record, and waits until it is on disk where it must be. After one failure
    /// every further call fails: what cannot be recorded must not be done.
    pub fn append(&mut self, at: Timestamp, record: Record) -> Result<Entry> {
        if let Some(e) = &self.broken {
            return Err(e.clone());
        }
        let sync = self.durable && record.must_sync();
        let ends = self.durable && matches!(record, Record::RunEnd { .. });
        let entry = Entry { n: self.next, at, prev: self.prev.clone(), record };
        // as it will be read: what is shown now is what a report shows later
        let written = readable::line(&entry).and_then(|(line, entry)| {
            let hash = digest(line.trim_end_matches('\n'));
            self.write(&line, &hash, sync, ends).map_err(|e| unwritable(&self.path, &e))?;
            if ends {
                self.head.sync().map_err(|e| unwritable(&self.path, &e))?;
            }
            Ok((hash, entry))
        });
        match written {
            Ok((hash, entry)) => {
                self.prev = hash;
                self.next += 1;
                Ok(entry)
            }
            Err(e) => {
                self.broken = Some(e.clone());
                Err(e)
            }
        }
    }

    fn write(&mut self, line: &str, hash: &str, sync: bool, ends: bool) -> std::io::Result<()> {
        if ends {
            // announced: a process that is killed in between leaves the head of a line that is missing, and never a line
            // that says how the run ended and that no head names
            self.sync()?;
            let last = self.prev.clone();
            self.head.announce(hash, &last)?;
        }
        self.file.write_all(line.as_bytes())?;
        if sync {
            self.sync()?;
        }
        self.head.write(hash, sync || !self.durable)
    }

    /// Waits until all that was appended is on disk, and with the first of it the name.
    fn sync(&mut self) -> std::io::Result<()> {
        self.file.sync_data()?;
        if let (false, Some(dir)) = (self.named, self.path.parent()) {
            File::open(dir)?.sync_all()?;
            self.named = true;
        }
        Ok(())
    }
}

fn digest(line: &str) -> String {
    hex(&Sha256::digest(line.as_bytes()))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    let run = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    Error::new(ErrorKind::Journal, format!("the journal {} cannot be written", path.display()))
        .from_source(error)
        .help(format!(
            "nothing more was sent; free space or fix the directory's rights, then `{}`",
            again::resume(&run.unwrap_or_default())
        ))
}

/// What a file held.
#[derive(Debug)]
pub struct Read {
    /// The entries, in order.
    pub entries: Vec<Entry>,
    /// Bytes of whole lines; what is behind is a torn line of a killed run.
    pub whole: u64,
    /// Hash of the last whole line.
    pub last_hash: String,
}

/// Reads a journal and checks its chain. A torn last line is left out; any other damage is an
/// error that names the line.
pub fn read(path: &Path) -> Result<Read> {
    let mut text = Vec::new();
    File::open(path).and_then(|mut f| f.read_to_end(&mut text)).map_err(|e| {
        Error::new(ErrorKind::Journal, format!("cannot read {}", path.display())).from_source(&e)
    })?;
    let (mut entries, mut whole, mut last_hash) = (Vec::<Entry>::new(), 0u64, ROOT.to_string());
    for (n, raw) in text.split_inclusive(|b| *b == b'\n').enumerate() {
        let Some(raw) = raw.strip_suffix(b"\n") else { break };
        let damaged = |why: String| {
            Error::new(ErrorKind::Journal, format!("the journal is damaged: {why}"))
                .place(path.display().to_string(), n + 1, 0)
                .help("the lines before this one are sound; keep the file as evidence and start a new run")
        };
        let line = std::str::from_utf8(raw).map_err(|_| damaged("not UTF-8".into()))?;
        let entry: Entry = serde_json::from_str(line).map_err(|e| damaged(e.to_string()))?;
        if entry.prev != last_hash {
            return Err(damaged("its chain is broken: a line was changed, added or removed".into()));
        }
        if entry.n != n as u64 + 1 {
            return Err(damaged(format!("entry {} stands where {} should", entry.n, n + 1)));
        }
        last_hash = digest(line);
        whole += raw.len() as u64 + 1;
        entries.push(entry);
    }
    Ok(Read { entries, whole, last_hash })
}

/// Reads the journal of a run's directory, and holds it to be the one that was written: its chain, its last line against the
/// head beside it, and its records against each other.
///
/// # Errors
/// [`ErrorKind::Journal`], with the line that does not fit.
pub fn sound(dir: &Path) -> Result<Read> {
    let path = dir.join(FILE);
    // a run that is at work moves its head: once that was read, the journal is at least as long
    let before = kept(dir)?;
    let read = read(&path)?;
    if let Err(e) = agree(dir, &read, before.as_ref())
        && kept(dir)? == before
    {
        return Err(e);
    }
    let ended = matches!(read.entries.last().map(|e| &e.record), Some(Record::RunEnd { .. }));
    if ended && std::fs::metadata(&path).is_ok_and(|about| about.len() > read.whole) {
        let line = read.entries.len() as u64 + 1;
        return Err(changed(
            &path,
            line,
            "the journal has a piece of a line behind the end of the run".into(),
        ));
    }
    match audit(&read.entries) {
        Ok(()) => Ok(read),
        Err(found) => Err(contradicts(dir, &found)),
    }
}

/// How a journal agrees with the head that is kept beside it.
///
/// # Errors
/// As [`sound`].
pub fn agreement(dir: &Path, read: &Read) -> Result<Agreement> {
    agree(dir, read, kept(dir)?.as_ref())
}

fn kept(dir: &Path) -> Result<Option<Kept>> {
    head::read(dir).map_err(|e| {
        let what = format!("cannot read {}", dir.join(head::FILE).display());
        Error::new(ErrorKind::Journal, what).from_source(&e)
    })
}

fn agree(dir: &Path, read: &Read, kept: Option<&Kept>) -> Result<Agreement> {
    head::agree(read, kept).map_err(|why| {
        let what = format!("the journal is not the one that was written: {why}");
        changed(&dir.join(FILE), read.entries.len() as u64, what)
            .cause(format!("{} names another last line", dir.join(head::FILE).display()))
    })
}

/// What no run writes, in the journal of a directory.
pub fn contradicts(dir: &Path, found: &Contradiction) -> Error {
    changed(&dir.join(FILE), found.line, format!("the journal contradicts itself: {}", found.what))
}

fn changed(path: &Path, line: u64, what: String) -> Error {
    Error::new(ErrorKind::Journal, what)
        .place(path.display().to_string(), usize::try_from(line).unwrap_or(usize::MAX), 0)
        .help("keep the run's directory as evidence and start a new run")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin() -> Record {
        Record::RunBegin {
            run: "r".into(),
            runbook: "x".into(),
            site: "s".into(),
            mode: "run".into(),
            version: "1".into(),
            by: "ops".into(),
            pid: 1,
            values: serde_json::Value::Null,
            with: Default::default(),
        }
    }

    fn note(text: &str) -> Record {
        Record::Note { step: String::new(), text: text.into() }
    }

    fn filled(dir: &Path) {
        let mut j = Journal::create(dir, true).unwrap();
        for record in [begin(), note("two"), note("three")] {
            j.append(Timestamp::UNIX_EPOCH, record).unwrap();
        }
    }

    #[test]
    fn what_is_written_is_read_again_and_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path());
        let (mut j, entries) = Journal::reopen(dir.path()).unwrap();
        assert_eq!(entries.iter().map(|e| e.n).collect::<Vec<_>>(), [1, 2, 3]);
        j.append(Timestamp::UNIX_EPOCH, note("four")).unwrap();
        assert_eq!(read(&dir.path().join(FILE)).unwrap().entries.len(), 4);
    }

    #[test]
    fn a_torn_last_line_is_cut_off_at_every_byte() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path());
        let path = dir.path().join(FILE);
        let whole = std::fs::read(&path).unwrap();
        let second = whole.iter().enumerate().filter(|(_, b)| **b == b'\n').nth(1).unwrap().0 + 1;
        for cut in second..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            std::fs::remove_file(dir.path().join(head::FILE)).unwrap(); // it names the line that is cut off
            let (mut j, entries) = Journal::reopen(dir.path()).unwrap();
            assert_eq!(entries.len(), 2, "cut at {cut}");
            j.append(Timestamp::UNIX_EPOCH, note("again")).unwrap();
            assert_eq!(read(&path).unwrap().entries.len(), 3);
        }
    }

    #[test]
    fn a_changed_line_is_found() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path());
        let path = dir.path().join(FILE);
        let text = std::fs::read_to_string(&path).unwrap().replace("\"two\"", "\"tww\"");
        std::fs::write(&path, text).unwrap();
        let e = read(&path).unwrap_err();
        assert_eq!((e.kind(), e.detail().place.as_ref().unwrap().line), (ErrorKind::Journal, 3));
    }

    #[test]
    fn one_failed_write_ends_the_journal() {
        let dir = tempfile::tempdir().unwrap();
        let mut j = Journal::create(dir.path(), true).unwrap();
        j.append(Timestamp::UNIX_EPOCH, note("one")).unwrap();
        j.file = File::open(j.path()).unwrap(); // read-only: every write fails
        for _ in 0..2 {
            assert_eq!(j.append(Timestamp::UNIX_EPOCH, note("two")).unwrap_err().kind(), ErrorKind::Journal);
        }
    }
}
