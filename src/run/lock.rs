//! One run a site: a lock that shows its holder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::base::{Error, ErrorKind, Result};

/// Who holds a site.
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
}

/// A held lock. Ends with the value, and with the process however it ends: the kernel holds it.
#[derive(Debug)]
pub struct SiteLock(#[allow(dead_code, reason = "held for its lock, never read")] File);

impl SiteLock {
    /// Takes the lock file of a site, or says who holds it.
    pub fn take(path: &Path, holder: &Holder) -> Result<Self> {
        let broken = |e: &std::io::Error| {
            Error::new(ErrorKind::Journal, format!("cannot lock {}", path.display())).from_source(e)
        };
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir).map_err(|e| broken(&e))?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|e| broken(&e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(&mut file)),
            Err(TryLockError::Error(e)) => return Err(broken(&e)),
        }
        let text = serde_json::to_string(holder).unwrap_or_default();
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(text.as_bytes()))
            .map_err(|e| broken(&e))?;
        Ok(SiteLock(file))
    }
}

fn held(file: &mut File) -> Error {
    let mut text = String::new();
    let _ = file.read_to_string(&mut text);
    let what = match serde_json::from_str::<Holder>(&text) {
        Ok(h) => format!("run {} holds this site: {}, process {}, since {}", h.run, h.by, h.pid, h.since),
        Err(_) => "another run holds this site".to_string(),
    };
    Error::new(ErrorKind::Locked, what).help("one run a site: wait for it, or end it; nothing was sent")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("site/lock");
        let holder = Holder { run: "r1".into(), by: "ops@jump".into(), pid: 7, since: "2026-06-10".into() };
        let first = SiteLock::take(&path, &holder).unwrap();
        let e = SiteLock::take(&path, &holder).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Locked);
        assert!(e.to_string().contains("run r1 holds this site: ops@jump, process 7"), "{e}");
        drop(first);
        SiteLock::take(&path, &holder).unwrap();
    }
}
