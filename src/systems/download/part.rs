//! What is on disk: the file, or the part of it that has come, with a note of what it is a part of.

use std::io::{ErrorKind as Io, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha512};
use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use super::super::file::{self, There, hash, unchanged};
use super::{Download, Downloaded};
use crate::base::permit::hex;
use crate::base::{Error, ErrorKind, Result, duration};

/// Room that is left on a disk for everybody else.
const SPARE: u64 = 64 << 20;

/// The file, if it is there with the digest that the download states.
///
/// # Errors
/// [`ErrorKind::Io`] where a file is there that cannot be read.
pub async fn present(download: &Download) -> Result<Option<Downloaded>> {
    let Some(wanted) = &download.sha512 else { return Ok(None) };
    let there = file::digest(&download.to).await?.filter(|there| there.sha512.eq_ignore_ascii_case(wanted));
    Ok(there.map(|file::Digest { path, size, sha512 }| Downloaded {
        path,
        size,
        sha512,
        fetched: 0,
        resumed: 0,
    }))
}

/// Of what a part is a part. Only where all of it is as before may a transfer go on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    /// The URL asked for.
    pub(super) url: String,
    /// The server's name for this very content: a strong `ETag`, or else `Last-Modified`.
    pub(super) validator: Option<String>,
}

/// The part of a file that has come.
pub(super) struct Part {
    file: File,
    path: PathBuf,
    note: PathBuf,
    digest: Sha512,
    /// Bytes of it.
    pub(super) size: u64,
    /// Of what.
    pub(super) origin: Origin,
}

impl Part {
    /// Takes up what an earlier call has left for this download, or starts with nothing.
    pub(super) async fn open(download: &Download) -> Result<Self> {
        let (path, note) = (beside(&download.to, ".part"), beside(&download.to, ".part.json"));
        file::make_directory_of(&path).map_err(|e| unusable(&path, &e))?;
        let file = file::open_own(&path).map_err(|e| unusable(&path, &e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                let what = format!("{} is being downloaded by somebody else", download.to.display());
                return Err(Error::new(ErrorKind::Conflict, what));
            }
            Err(std::fs::TryLockError::Error(e)) => return Err(unusable(&path, &e)),
        }
        let origin = tokio::fs::read(&note).await.ok().and_then(|text| serde_json::from_slice(&text).ok());
        let origin: Origin = origin.unwrap_or_default();
        let mut part =
            Part { file: File::from_std(file), path, note, digest: Sha512::new(), size: 0, origin };
        // with a digest a mixture of two contents would be found out; without one it would not
        let known = part.origin.validator.is_some() || download.sha512.is_some();
        if part.origin.url == download.url && known {
            let (digest, size) = hash(&mut part.file).await.map_err(|e| unusable(&part.path, &e))?;
            (part.digest, part.size) = (digest, size);
        } else {
            part.restart(Origin::default()).await?;
        }
        Ok(part)
    }

    /// Forgets what has come: from here on it is a part of something else.
    pub(super) async fn restart(&mut self, origin: Origin) -> Result<()> {
        let wrong = |e| unusable(&self.path, &e);
        self.file.set_len(0).await.map_err(wrong)?;
        self.file.rewind().await.map_err(wrong)?;
        (self.digest, self.size) = (Sha512::new(), 0);
        let note = serde_json::to_vec(&origin).unwrap_or_default();
        let written = file::open_own(&self.note).and_then(|mut file| {
            file.set_len(0)?;
            file.write_all(&note)
        });
        written.map_err(|e| unusable(&self.note, &e))?;
        self.origin = origin;
        Ok(())
    }

    /// Appends a piece.
    pub(super) async fn append(&mut self, piece: &[u8]) -> Result<()> {
        self.file.write_all(piece).await.map_err(|e| unusable(&self.path, &e))?;
        self.digest.update(piece);
        self.size += piece.len() as u64;
        Ok(())
    }

    /// Brings to disk what was appended.
    pub(super) async fn flush(&mut self) -> Result<()> {
        self.file.flush().await.map_err(|e| unusable(&self.path, &e))
    }

    /// Makes the whole part the file, if its digest is right; otherwise removes it. It takes the place of what was shown
    /// to be there, and of nothing else.
    pub(super) async fn finish(
        mut self,
        download: &Download,
        shown: Option<&There>,
    ) -> Result<(u64, String)> {
        self.flush().await?;
        let sha512 = hex(&self.digest.clone().finalize());
        if let Some(wanted) = download.sha512.as_ref().filter(|wanted| !sha512.eq_ignore_ascii_case(wanted)) {
            self.remove().await;
            let what = format!("{} has the SHA-512 {sha512}, and {wanted} was stated", download.url);
            return Err(Error::new(ErrorKind::Failed, what).help(
                "nothing of it was kept; compare the stated digest with the publisher's, then try again",
            ));
        }
        self.file.sync_all().await.map_err(|e| unusable(&self.path, &e))?;
        unchanged(&download.to, shown, There::look(&download.to).await?.as_ref())?;
        tokio::fs::rename(&self.path, &download.to).await.map_err(|e| unusable(&download.to, &e))?;
        if let Some(dir) = download.to.parent()
            && let Ok(dir) = File::open(dir).await
        {
            // the file is there; at worst a power cut takes the name back
            let _ = dir.sync_all().await;
        }
        let _ = tokio::fs::remove_file(&self.note).await;
        Ok((self.size, sha512))
    }

    async fn remove(&self) {
        for path in [&self.path, &self.note] {
            let _ = tokio::fs::remove_file(path).await;
        }
    }

    /// Refuses a transfer that the disk has no room for.
    pub(super) fn check_room(&self, total: Option<u64>) -> Result<()> {
        let Some(total) = total else { return Ok(()) };
        let dir = self.path.parent().unwrap_or(Path::new("/"));
        let disk = rustix::fs::statvfs(dir).map_err(|e| unusable(dir, &e.into()))?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let needed = total.saturating_sub(self.size);
        if needed.saturating_add(SPARE) <= free {
            return Ok(());
        }
        let (needed, free) = (duration::show_size(needed), duration::show_size(free));
        let what = format!("{needed} are still to come, and {} has {free} free", dir.display());
        Err(Error::new(ErrorKind::Io, what).help("free some space there, or download to another disk"))
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn unusable(path: &Path, error: &std::io::Error) -> Error {
    let full = matches!(error.kind(), Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge);
    let what = if full { "has no room any more" } else { "cannot be used" };
    Error::new(ErrorKind::Io, format!("{} {what}", path.display())).from_source(error)
}
