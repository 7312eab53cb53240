//! The digest of a file.

use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::Serialize;
use sha2::{Digest as _, Sha512};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use crate::base::permit::hex;
use crate::base::{Error, ErrorKind, Result};

/// Bytes read at once.
const BLOCK: usize = 1 << 20;

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Digest {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-512 in lower-case hexadecimal.
    pub sha512: String,
}

/// The digest of a file; `None` where there is none.
///
/// # Errors
/// [`ErrorKind::Io`] where there is one that cannot be read.
pub async fn digest(path: &Path) -> Result<Option<Digest>> {
    let wrong = |e: std::io::Error| {
        Error::new(ErrorKind::Io, format!("{} cannot be read", path.display())).from_source(&e)
    };
    // a pipe would keep who opens it waiting for its other end
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let mut file = match File::options().read(true).custom_flags(flags).open(path).await {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(wrong(e)),
    };
    if !file.metadata().await.map_err(wrong)?.is_file() {
        return Err(Error::new(ErrorKind::Io, format!("{} is no plain file", path.display())));
    }
    let (digest, size) = hash(&mut file).await.map_err(wrong)?;
    Ok(Some(Digest { path: path.to_path_buf(), size, sha512: hex(&digest.finalize()) }))
}

/// The digest so far and the size of a file, which is left at its end.
pub(in crate::systems) async fn hash(file: &mut File) -> std::io::Result<(Sha512, u64)> {
    file.rewind().await?;
    let (mut digest, mut size) = (Sha512::new(), 0);
    let mut block = vec![0; BLOCK];
    loop {
        let n = file.read(&mut block).await?;
        if n == 0 {
            return Ok((digest, size));
        }
        digest.update(&block[..n]);
        size += n as u64;
    }
}
