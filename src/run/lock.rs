//! One run a site: a lock that shows its holder, and what a holder that was cut off has left.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::base::{Error, ErrorKind, Result, private};

/// Who holds a site, or a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The run's id.
    pub run: String,
    /// `user@machine`.
    pub by: String,
    /// Process id on that machine.
    pub pid: u32,
    /// When it took the lock.
    pub since: String,
    /// The step that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

/// `run r1 of ops@jump, process 7, in step 5.2, since 02:00`.
impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "run {} of {}, process {}", self.run, self.by, self.pid)?;
        if let Some(step) = &self.step {
            write!(f, ", in step {step}")?;
        }
        write!(f, ", since {}", self.since)
    }
}

/// `user@machine` of this process.
pub fn who() -> String {
    let user =
        std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "unknown".into());
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{user}@{}", machine.trim())
}

/// A file that is locked. The kernel lets it go with the process, however that ends; a holder that ends in order
/// empties it, so that what stands in an unlocked file was left by one that did not.
#[derive(Debug)]
pub(super) struct LockFile(File);

/// What came of trying to lock a file.
pub(super) enum Attempt {
    /// It is locked now; the holder before, if that was cut off.
    Taken(LockFile, Option<Holder>),
    /// Somebody has it; who, where that can be read.
    Busy(Option<Holder>),
}

impl LockFile {
    /// Locks a file for a holder, or says who has it.
    pub(super) fn attempt(path: &Path, holder: &Holder) -> Result<Attempt> {
        let broken = |e: &std::io::Error| {
            Error::new(ErrorKind::Journal, format!("cannot lock {}", path.display())).from_source(e).help(
                "nothing was sent; fix the directory's rights, or keep the runs elsewhere with --state-dir",
            )
        };
        if let Some(dir) = path.parent() {
            private::make(dir).map_err(|e| broken(&e))?;
        }
        let mut options = private::options();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).open(path).map_err(|e| broken(&e))?;
        let locked = file.try_lock();
        let mut text = String::new();
        let _ = file.read_to_string(&mut text); // what cannot be read names nobody
        let before = serde_json::from_str::<Holder>(&text).ok();
        match locked {
            Ok(()) => {
                let file = LockFile(file);
                file.write(holder).map_err(|e| broken(&e))?;
                Ok(Attempt::Taken(file, before))
            }
            Err(TryLockError::WouldBlock) => Ok(Attempt::Busy(before)),
            Err(TryLockError::Error(e)) => Err(broken(&e)),
        }
    }

    fn write(&self, holder: &Holder) -> std::io::Result<()> {
        let mut file = &self.0;
        let text = serde_json::to_string(holder).unwrap_or_default();
        file.seek(SeekFrom::Start(0))?;
        file.write_all(text.as_bytes())?;
        file.set_len(text.len() as u64)?;
        file.sync_data()
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        let _ = self.0.set_len(0);
    }
}

/// A held lock of a site.
#[derive(Debug)]
pub struct SiteLock {
    file: LockFile,
    holder: Mutex<Holder>,
    left: Option<Holder>,
}

impl SiteLock {
    /// Takes the lock file of a site, or says who holds it.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] with the holder; [`ErrorKind::Journal`] for a file that cannot be locked.
    pub fn take(path: &Path, holder: &Holder) -> Result<Self> {
        match LockFile::attempt(path, holder)? {
            Attempt::Taken(file, left) => Ok(SiteLock { file, holder: Mutex::new(holder.clone()), left }),
            Attempt::Busy(other) => {
                let what = match other {
                    Some(other) => format!("another run holds this site: {other}"),
                    None => "another run holds this site".to_string(),
                };
                Err(Error::new(ErrorKind::Locked, what)
                    .help("one run a site: wait for it, or end it; nothing was sent"))
            }
        }
    }

    /// A holder before this one that was cut off.
    pub fn left(&self) -> Option<&Holder> {
        self.left.as_ref()
    }

    /// Shows others which step the run is in. A file that cannot be written to shows the step before.
    pub fn mark(&self, step: &str) {
        let mut holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        holder.step = Some(step.to_string());
        let _ = self.file.write(&holder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder() -> Holder {
        Holder { run: "r1".into(), by: "ops@jump".into(), pid: 7, since: "2026-06-10".into(), step: None }
    }

    #[test]
    fn the_second_is_told_who_holds_it_and_in_which_step() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("site/lock");
        let first = SiteLock::take(&path, &holder()).unwrap();
        let e = SiteLock::take(&path, &holder()).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Locked);
        assert_eq!(
            e.to_string(),
            "another run holds this site: run r1 of ops@jump, process 7, since 2026-06-10"
        );
        first.mark("8.2.1");
        first.mark("9");
        let e = SiteLock::take(&path, &holder()).unwrap_err();
        assert!(e.to_string().contains("in step 9, since"), "{e}");
        drop(first);
        assert_eq!(SiteLock::take(&path, &holder()).unwrap().left(), None);
    }

    #[test]
    fn what_a_holder_that_was_cut_off_has_left_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        std::fs::write(&path, serde_json::to_string(&holder()).unwrap()).unwrap();
        assert_eq!(SiteLock::take(&path, &holder()).unwrap().left(), Some(&holder()));
        std::fs::write(&path, "{torn").unwrap();
        assert_eq!(SiteLock::take(&path, &holder()).unwrap().left(), None);
    }
}
