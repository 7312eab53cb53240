//! How lock files are opened: in their directory, without following a link, and so that all who may write into
//! the directory can lock them.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::process::Gid;

use crate::base::{Error, ErrorKind, Result, private};

/// Opens a lock file to read and write. It is made where it is missing, and so is its directory; what is there is
/// left as it is.
///
/// # Errors
/// [`ErrorKind::Journal`] where it cannot be opened, and for what is no lock file: a link, another name of
/// some file, a pipe.
pub(super) fn open(path: &Path) -> Result<File> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(refused(path, "it is not the path of a file"));
    };
    let wrong = |e: io::Error| failed(path, &e);
    private::make(parent).map_err(wrong)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(parent, flags, Mode::empty()).map_err(|e| wrong(e.into()))?;
    let directory = File::from(directory);
    let about = directory.metadata().map_err(wrong)?;
    if about.mode() & 0o1002 == 0o002 {
        return Err(refused(path, "everybody may replace the files of its directory")
            .advise(format!("chmod +t {}", parent.display())));
    }
    let file = match beside(&directory, name) {
        // made apart and named at once: nobody sees it before all may lock it
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            make(path, parent, about.mode(), about.gid()).map_err(wrong)?;
            beside(&directory, name)
        }
        other => other,
    };
    let file = File::from(file.map_err(wrong)?);
    let about = file.metadata().map_err(wrong)?;
    if !about.is_file() || about.nlink() != 1 {
        return Err(refused(path, "it is no file of its own"));
    }
    Ok(file)
}

/// Opens what is there. Never with `O_CREAT`: in a directory with the sticky bit the kernel then refuses files of
/// other users.
fn beside(directory: &File, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(directory, name, flags, Mode::empty())?)
}

/// Makes an empty one, unless somebody has made it meanwhile. Those who may write into the directory may write into
/// it.
fn make(path: &Path, parent: &Path, mode: u32, group: u32) -> io::Result<()> {
    let made = tempfile::Builder::new().prefix(".rhumb-lock-").tempfile_in(parent)?;
    // who owns the directory need not be of its group: then its members are told at their first try
    let _ = rustix::fs::fchown(made.as_file(), None, Some(Gid::from_raw(group)));
    let shared =
        [0o020, 0o002].into_iter().filter(|bit| mode & bit != 0).fold(0o600, |all, bit| all | (bit * 3));
    made.as_file().set_permissions(Permissions::from_mode(shared))?;
    match made.persist_noclobber(path) {
        Err(e) if e.error.kind() != io::ErrorKind::AlreadyExists => Err(e.error),
        _ => Ok(()),
    }
}

/// What is there is no lock file.
pub(super) fn refused(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Journal, format!("cannot lock {}: {why}", path.display()))
        .help("nothing was sent; look at what is there, and move it away if it is not Rhumb's")
}

fn failed(path: &Path, error: &io::Error) -> Error {
    let what = format!("cannot lock {}", path.display());
    let help = match (error.kind(), std::fs::symlink_metadata(path)) {
        (_, Ok(there)) if there.is_symlink() => {
            return refused(path, "it is a symbolic link");
        }
        (io::ErrorKind::PermissionDenied, Ok(there)) => format!(
            "it belongs to user id {} and has mode {:04o}; who shares it needs to read and write it: chmod g+rw {}",
            there.uid(),
            there.mode() & 0o7777,
            path.display()
        ),
        _ => {
            "nothing was sent; fix the directory's rights, or keep the runs elsewhere with --state-dir".into()
        }
    };
    Error::new(ErrorKind::Journal, what).from_source(error).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn who_may_write_into_the_directory_may_lock_its_files() {
        for (directory, file) in
            [(0o700, 0o600), (0o755, 0o600), (0o2775, 0o660), (0o770, 0o660), (0o1777, 0o666)]
        {
            let dir = tempfile::tempdir().unwrap();
            std::fs::set_permissions(dir.path(), Permissions::from_mode(directory)).unwrap();
            let path = dir.path().join("amphora-1.lock");
            open(&path).unwrap();
            assert_eq!(mode(&path), file, "{directory:o}");
            open(&path).unwrap();
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        }
    }

    #[test]
    fn a_directory_that_is_missing_is_its_makers_alone() {
        let dir = tempfile::tempdir().unwrap();
        open(&dir.path().join("a/b/lock")).unwrap();
        assert_eq!((mode(&dir.path().join("a")), mode(&dir.path().join("a/b"))), (0o700, 0o700));
    }

    #[test]
    fn what_is_no_lock_file_is_refused_and_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let precious = dir.path().join("precious");
        std::fs::write(&precious, "keep me").unwrap();
        let at = |name: &str| dir.path().join(name);
        std::os::unix::fs::symlink(&precious, at("link")).unwrap();
        std::os::unix::fs::symlink(at("absent"), at("dangling")).unwrap();
        std::fs::hard_link(&precious, at("second-name")).unwrap();
        std::fs::create_dir(at("directory")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), Mode::RUSR | Mode::WUSR).unwrap();
        for name in ["link", "dangling", "second-name", "directory", "pipe"] {
            let error = open(&at(name)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Journal, "{name}: {error}");
        }
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "keep me");
        assert!(!at("absent").exists(), "a link leads nowhere");
    }

    #[test]
    fn a_directory_whose_files_anybody_may_replace_keeps_no_locks() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
        let error = open(&dir.path().join("lock")).unwrap_err();
        assert!(error.detail().help.as_ref().unwrap().starts_with("chmod +t "), "{error}");
    }
}
