//! Files and directories that nobody but their owner can read, from the moment that they are there: what a run keeps
//! names hosts, projects and what services answered. The umask decides nothing.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// The mode of a file.
pub const FILE: u32 = 0o600;
/// The mode of a directory.
pub const DIRECTORY: u32 = 0o700;

/// Makes a directory, with all that are missing above it. One that is there keeps its mode: others may share it.
///
/// # Errors
/// It cannot be made.
pub fn make(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(DIRECTORY).create(directory)
}

/// Makes a directory of a run's own; one that is there is closed to others.
///
/// # Errors
/// It cannot be made, or closed.
pub fn make_own(directory: &Path) -> io::Result<()> {
    make(directory)?;
    close(&File::open(directory)?, DIRECTORY)
}

/// How a file is opened so that it is private where it is made.
pub fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(FILE);
    options
}

/// Takes the rights of others away from what was made with a wider mode.
///
/// # Errors
/// It belongs to somebody else.
pub fn close(file: &File, mode: u32) -> io::Result<()> {
    match file.metadata()?.permissions().mode() & 0o077 {
        0 => Ok(()),
        _ => file.set_permissions(Permissions::from_mode(mode)),
    }
}

/// Makes a file that must not be there yet, with a text in it.
///
/// # Errors
/// It is there, or cannot be written.
pub fn write_new(path: &Path, text: &str) -> io::Result<()> {
    io::Write::write_all(&mut options().write(true).create_new(true).open(path)?, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_made_is_private_and_what_was_open_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let (own, file) = (dir.path().join("a/own"), dir.path().join("a/own/file"));
        make_own(&own).unwrap();
        write_new(&file, "x").unwrap();
        assert_eq!((mode(&dir.path().join("a")), mode(&own), mode(&file)), (DIRECTORY, DIRECTORY, FILE));
        assert!(write_new(&file, "y").is_err());
        for path in [&own, &file] {
            std::fs::set_permissions(path, Permissions::from_mode(0o777)).unwrap();
        }
        make_own(&own).unwrap();
        close(&File::open(&file).unwrap(), FILE).unwrap();
        assert_eq!((mode(&own), mode(&file)), (DIRECTORY, FILE));
    }
}
