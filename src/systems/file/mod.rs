//! Files of this machine: secrets written where their owner alone can read them, and digests of what
//! is there.

mod digest;
mod there;

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use rustix::fs::OFlags;
use serde_json::json;

use crate::base::{Error, ErrorKind, Intent, Mutation, Permit, Result, Secret, Undo};

pub(super) use digest::hash;
pub use digest::{Digest, digest};
pub use there::There;
pub(super) use there::unchanged;

/// A text to be written into a file that its owner alone can read.
#[derive(Clone, Debug)]
pub struct SecretFile {
    what: String,
    to: PathBuf,
    text: Secret,
    /// The text is no secret, and is shown.
    plain: bool,
    /// What goes with it, as it was when the change was shown.
    there: Option<There>,
}

/// A path without links in its directory: what is shown and approved is where the file goes.
pub fn really(path: PathBuf) -> PathBuf {
    let directory = path.parent().and_then(|dir| dir.canonicalize().ok());
    match (directory, path.file_name()) {
        (Some(directory), Some(name)) => directory.join(name),
        _ => path,
    }
}

impl SecretFile {
    /// A file to write; `what` says to people what it holds.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if `to` is no absolute path of a file in a directory that exists, or can be made
    /// in one that does; [`ErrorKind::Io`] where a file is there that cannot be read.
    pub fn new(what: impl Into<String>, to: impl Into<PathBuf>, text: Secret) -> Result<Self> {
        let (what, to) = (what.into(), to.into());
        match to.parent().filter(|dir| !dir.exists()) {
            Some(absent) if to.file_name().is_some() => place(absent)?,
            _ => place(&to)?,
        }
        let to = really(to);
        let there = There::at(&to)?.filter(|there| !there.holds(text.expose().as_bytes()));
        Ok(SecretFile { what, to, text, plain: false, there })
    }

    /// The same of a text that is no secret.
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.plain = true;
        self
    }

    /// Where it goes.
    pub fn path(&self) -> &Path {
        &self.to
    }

    /// Whether the file is there and holds just this text.
    pub fn is_there(&self) -> bool {
        std::fs::read(&self.to).is_ok_and(|bytes| bytes == self.text.expose().as_bytes())
    }

    /// Writes it, readable by its owner alone, as is the directory where that has to be made. It appears in one step,
    /// synced, or not at all; a file that is there is replaced, if it is the one that was shown.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the directory cannot be written; [`ErrorKind::Conflict`] where another file is there
    /// than was shown.
    pub fn write(permit: Permit<SecretFile>) -> Result<PathBuf> {
        let file = permit.spend();
        let wrong = |e: std::io::Error| {
            Error::new(ErrorKind::Io, format!("{} cannot be written", file.to.display())).from_source(&e)
        };
        make_directory_of(&file.to).map_err(wrong)?;
        let dir = file.to.parent().unwrap_or(Path::new("/"));
        // a temporary file is its owner's alone from the first moment
        let mut beside = tempfile::Builder::new().prefix(".rhumb-").tempfile_in(dir).map_err(wrong)?;
        beside.write_all(file.text.expose().as_bytes()).map_err(wrong)?;
        beside.as_file().sync_all().map_err(wrong)?;
        let there = There::at(&file.to)?.filter(|there| !there.holds(file.text.expose().as_bytes()));
        unchanged(&file.to, file.there.as_ref(), there.as_ref())?;
        beside.persist(&file.to).map_err(|e| wrong(e.error))?;
        Ok(file.to)
    }
}

impl Mutation for SecretFile {
    fn intent(&self) -> Intent {
        let (name, to) = (self.to.file_name().unwrap_or_default(), self.to.display().to_string());
        let mut body = json!({ "holds": self.what, "mode": "0600" });
        if self.plain {
            body["text"] = self.text.expose().into();
        }
        There::shown(
            self.there.as_ref(),
            Intent {
                system: "file".into(),
                handle: name.to_string_lossy().into_owned(),
                identity: "this machine".into(),
                method: "write".into(),
                summary: format!("write {} to {to}", self.what),
                body,
                undo: Undo::By(format!("delete {to}")),
                ids: vec![to.clone()],
                target: to,
                ..Intent::default()
            },
        )
    }
}

/// Makes the directory of a file where it is missing, with those above it, each its owner's alone.
///
/// # Errors
/// Those of the operating system.
pub(super) fn make_directory_of(to: &Path) -> std::io::Result<()> {
    let dir = to.parent().unwrap_or(Path::new("/"));
    match dir.exists() {
        true => Ok(()),
        false => std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir),
    }
}

/// Opens a file to read and write that a system keeps beside another, and makes it where it is missing. What lies
/// there under its name and is a link or no plain file is left alone.
///
/// # Errors
/// Those of the operating system.
pub(super) fn open_own(path: &Path) -> std::io::Result<File> {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
    let file =
        File::options().read(true).write(true).create(true).truncate(false).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(std::io::Error::other("it is no plain file")) }
}

/// Refuses what is no place for a file. Directories that are missing are made when it is written.
///
/// # Errors
/// [`ErrorKind::Argument`].
pub fn place(to: &Path) -> Result<()> {
    let above = to.ancestors().skip(1).find(|dir| dir.exists());
    let directory = above.filter(|dir| dir.is_dir());
    let straight = !to.components().any(|part| part == Component::ParentDir);
    if to.is_absolute() && straight && to.file_name().is_some() && directory.is_some() && !to.is_dir() {
        return Ok(());
    }
    let what = format!("`{}` is not an absolute path of a file", to.display());
    Err(Error::new(ErrorKind::Argument, what)
        .help("name a file from the root on, below a directory, that is none itself"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::base::Ledger;

    struct Willing;

    impl Ledger for Willing {
        fn authorise(&self, _: &Intent) -> Result<u64> {
            Ok(1)
        }
    }

    #[test]
    fn a_secret_is_its_owners_alone_and_is_not_in_the_intent() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("config");
        std::fs::write(&to, "old").unwrap();
        let file = SecretFile::new("a kubeconfig", &to, Secret::new("hunter2")).unwrap();
        assert!(!file.is_there());
        let intent = file.intent();
        assert!(!format!("{intent:?}").contains("hunter2"));
        assert!(intent.summary.ends_with("in place of the file that is there"), "{}", intent.summary);
        assert!(intent.destroys && intent.undo == Undo::Never);
        assert_eq!(intent.replaces["size"], 3);
        assert!(intent.replaces["sha512"].as_str().is_some_and(|digest| digest.len() == 128));
        assert!(intent.replaces["modified"].as_str().is_some_and(|time| time.ends_with('Z')));
        SecretFile::write(Permit::obtain(&Willing, file.clone()).unwrap()).unwrap();
        assert!(file.is_there());
        assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
        let again = SecretFile::new("a kubeconfig", &to, Secret::new("hunter2")).unwrap().intent();
        assert_eq!(again.digest(), intent.digest(), "what is there is no part of what is sent");
        assert!(!again.destroys, "the same again destroys nothing");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_directory_that_is_missing_is_made_for_the_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("clusters/capi-test-1/config");
        let file = SecretFile::new("a kubeconfig", &to, Secret::new("hunter2")).unwrap();
        assert!(!to.parent().unwrap().exists(), "naming it makes nothing");
        SecretFile::write(Permit::obtain(&Willing, file).unwrap()).unwrap();
        for made in [dir.path().join("clusters"), dir.path().join("clusters/capi-test-1")] {
            assert_eq!(std::fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }

    #[test]
    fn another_file_than_was_shown_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("config");
        for (before, after) in [(None, "new"), (Some("old"), "newer")] {
            if let Some(text) = before {
                std::fs::write(&to, text).unwrap();
            }
            let permit =
                Permit::obtain(&Willing, SecretFile::new("x", &to, Secret::new("hunter2")).unwrap()).unwrap();
            std::fs::write(&to, after).unwrap();
            assert_eq!(SecretFile::write(permit).unwrap_err().kind(), ErrorKind::Conflict);
            assert_eq!(std::fs::read_to_string(&to).unwrap(), after);
        }
    }

    #[test]
    fn a_link_goes_and_what_it_leads_to_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (to, kept) = (dir.path().join("config"), dir.path().join("kept"));
        std::fs::write(&kept, "kept").unwrap();
        std::os::unix::fs::symlink(&kept, &to).unwrap();
        let file = SecretFile::new("x", &to, Secret::new("hunter2")).unwrap();
        let intent = file.intent();
        assert!(intent.destroys && intent.replaces["link_to"] == kept.display().to_string(), "{intent:?}");
        SecretFile::write(Permit::obtain(&Willing, file).unwrap()).unwrap();
        assert_eq!(std::fs::read_to_string(kept).unwrap(), "kept");
    }

    #[test]
    fn a_text_that_is_no_secret_is_shown() {
        let dir = tempfile::tempdir().unwrap();
        let file = SecretFile::new("a text", dir.path().join("note"), Secret::new("behind it")).unwrap();
        assert_eq!(file.intent().body.get("text"), None);
        assert_eq!(file.plain().intent().body["text"], "behind it");
    }

    #[test]
    fn what_is_no_place_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a-file"), "").unwrap();
        for to in [
            PathBuf::from("config"),
            dir.path().into(),
            dir.path().join("a-file/too/config"),
            "/".into(),
            dir.path().join("../config"),
        ] {
            let error = SecretFile::new("x", &to, Secret::new("x")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Argument, "{}", to.display());
        }
    }
}
