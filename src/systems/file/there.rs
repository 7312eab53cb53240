//! What is at the place of a file that is about to be replaced.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

use crate::base::permit::hex;
use crate::base::{Error, ErrorKind, Intent, Result, Undo};

/// Bytes read at once.
const BLOCK: usize = 1 << 20;

/// What is at a place: a file, or a link, which would be replaced and not what it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum There {
    /// A file.
    File {
        /// Its size in bytes.
        size: u64,
        /// When it was last written, as the file system has it.
        modified: Option<Timestamp>,
        /// Its SHA-512 in lower-case hexadecimal.
        sha512: String,
    },
    /// A link to somewhere.
    Link(PathBuf),
}

impl There {
    /// What is at a path; `None` where nothing is.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where it is neither a file nor a link; [`ErrorKind::Io`] where it cannot be read.
    pub fn at(path: &Path) -> Result<Option<Self>> {
        let wrong = |e: &std::io::Error| {
            Error::new(ErrorKind::Io, format!("what is at {} cannot be looked at", path.display()))
                .from_source(e)
        };
        let about = match std::fs::symlink_metadata(path) {
            Ok(about) => about,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(wrong(&e)),
        };
        if about.is_symlink() {
            return Ok(Some(There::Link(std::fs::read_link(path).map_err(|e| wrong(&e))?)));
        }
        if !about.is_file() {
            let what = format!("{} is neither a file nor a link", path.display());
            return Err(Error::new(ErrorKind::Argument, what).help("name another place"));
        }
        let (size, sha512) = digest(path).map_err(|e| wrong(&e))?;
        let modified = about.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
        Ok(Some(There::File { size, modified, sha512 }))
    }

    /// The same of a file that may be large.
    ///
    /// # Errors
    /// As [`There::at`].
    pub async fn look(path: &Path) -> Result<Option<Self>> {
        let path = path.to_path_buf();
        let looked = tokio::task::spawn_blocking(move || There::at(&path)).await;
        looked.map_err(|e| Error::new(ErrorKind::Internal, "a look at a file broke off").from_source(&e))?
    }

    /// Whether it is a file that holds just these bytes.
    pub fn holds(&self, bytes: &[u8]) -> bool {
        matches!(self, There::File { sha512, .. } if *sha512 == hex(&Sha512::digest(bytes)))
    }

    /// Puts what goes into what is shown of a change that puts something in its place.
    pub fn shown(there: Option<&Self>, mut intent: Intent) -> Intent {
        let Some(there) = there else { return intent };
        let (what, replaces) = match there {
            There::File { size, modified, sha512 } => (
                "file",
                json!({ "size": size, "modified": modified.map(|t| t.to_string()), "sha512": sha512 }),
            ),
            There::Link(to) => ("link", json!({ "link_to": Value::from(to.display().to_string()) })),
        };
        intent.summary = format!("{}, in place of the {what} that is there", intent.summary);
        (intent.replaces, intent.undo, intent.destroys) = (replaces, Undo::Never, true);
        intent
    }
}

/// Refuses to replace what is not what was shown.
pub(in crate::systems) fn unchanged(path: &Path, shown: Option<&There>, there: Option<&There>) -> Result<()> {
    if shown == there {
        return Ok(());
    }
    let what = format!("what is at {} is not what was shown", path.display());
    Err(Error::new(ErrorKind::Conflict, what)
        .help("somebody else writes there: look at it, then run the step again"))
}

fn digest(path: &Path) -> std::io::Result<(u64, String)> {
    let (mut file, mut digest, mut size) = (std::fs::File::open(path)?, Sha512::new(), 0);
    let mut block = vec![0; BLOCK];
    loop {
        let n = file.read(&mut block)?;
        if n == 0 {
            return Ok((size, hex(&digest.finalize())));
        }
        digest.update(&block[..n]);
        size += n as u64;
    }
}
