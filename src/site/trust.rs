//! Which files may be believed: scripts and site files that only their owner or root can have
//! written, and secrets that only their owner can read.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::base::{Error, ErrorKind, Result, Secret};

/// The largest file read. What operators write is far smaller; what is larger is a mistake.
const LARGEST: u64 = 4 << 20;

/// Reads a file that decides what is run: it must belong to this user or to root, and not be
/// writable by everybody.
///
/// # Errors
/// [`ErrorKind::Site`], also where the file does not exist.
pub fn read_text(path: &Path) -> Result<String> {
    let (mut file, meta) = open(path)?;
    guard_writers(path, &meta)?;
    read(path, &mut file)
}

/// Reads a text that may hold a secret. Whether it does is known only afterwards: then
/// [`SecretFile::guard`] it.
///
/// # Errors
/// Those of [`read_text`].
pub fn read_maybe_secret(path: &Path) -> Result<SecretFile> {
    let (mut file, meta) = open(path)?;
    guard_writers(path, &meta)?;
    let text = read(path, &mut file)?;
    Ok(SecretFile { path: path.to_path_buf(), text, mode: meta.mode(), owner: meta.uid() })
}

/// A file that may hold a secret, with who may read it.
pub struct SecretFile {
    path: PathBuf,
    text: String,
    mode: u32,
    owner: u32,
}

impl SecretFile {
    /// What it holds.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Holds that nobody but this user can read it.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] with the command that makes it so.
    pub fn guard(&self) -> Result<()> {
        let path = self.path.display();
        if self.owner != own_uid() {
            let what = format!("{path} holds a secret and belongs to user id {}, not to you", self.owner);
            return Err(Error::new(ErrorKind::Site, what).help("keep your own copy, with mode 0600"));
        }
        if self.mode & 0o077 != 0 {
            let mode = self.mode & 0o7777;
            let what = format!("{path} holds a secret and others may read it (mode {mode:04o})");
            return Err(Error::new(ErrorKind::Site, what).help(format!("chmod 600 {path}")));
        }
        Ok(())
    }
}

/// Reads a file that holds one secret and nothing else. Line ends at its end are not part of it.
///
/// # Errors
/// Those of [`SecretFile::guard`], and [`ErrorKind::Site`] for an empty file.
pub fn read_secret(path: &Path) -> Result<Secret> {
    let file = read_maybe_secret(path)?;
    file.guard()?;
    let text = file.text.trim_end_matches(['\n', '\r']);
    if text.is_empty() {
        return Err(Error::new(ErrorKind::Site, format!("{} is empty", path.display())));
    }
    Ok(Secret::new(text))
}

/// Holds that a directory is one whose files may be believed.
///
/// # Errors
/// [`ErrorKind::Site`], also where it does not exist.
pub fn guard_directory(path: &Path) -> Result<()> {
    let meta = std::fs::metadata(path).map_err(|e| unreadable(path, &e))?;
    if !meta.is_dir() {
        return Err(Error::new(ErrorKind::Site, format!("{} is not a directory", path.display())));
    }
    guard_writers(path, &meta)
}

/// Holds that a file is one that may be believed, without reading it.
///
/// # Errors
/// [`ErrorKind::Site`], also where it does not exist.
pub fn guard_file(path: &Path) -> Result<()> {
    let meta = std::fs::metadata(path).map_err(|e| unreadable(path, &e))?;
    if !meta.is_file() {
        return Err(Error::new(ErrorKind::Site, format!("{} is not a plain file", path.display())));
    }
    guard_writers(path, &meta)
}

fn guard_writers(path: &Path, meta: &Metadata) -> Result<()> {
    let shown = path.display();
    let (owner, own) = (meta.uid(), own_uid());
    if owner != own && owner != 0 {
        let what = format!("{shown} belongs to user id {owner}, neither to you (user id {own}) nor to root");
        return Err(Error::new(ErrorKind::Site, what)
            .help("what it says would run with your rights; keep your own copy"));
    }
    if meta.permissions().mode() & 0o002 != 0 {
        let what = format!("{shown} is writable by everybody");
        return Err(Error::new(ErrorKind::Site, what).help(format!("chmod o-w {shown}")));
    }
    Ok(())
}

fn open(path: &Path) -> Result<(File, Metadata)> {
    // looked at before it is opened: opening a named pipe would wait for its other end
    if !std::fs::metadata(path).map_err(|e| unreadable(path, &e))?.is_file() {
        return Err(Error::new(ErrorKind::Site, format!("{} is not a plain file", path.display())));
    }
    let file = File::open(path).map_err(|e| unreadable(path, &e))?;
    let meta = file.metadata().map_err(|e| unreadable(path, &e))?;
    Ok((file, meta))
}

fn read(path: &Path, file: &mut File) -> Result<String> {
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|e| unreadable(path, &e))?;
    if bytes.len() as u64 > LARGEST {
        let what = format!("{} is larger than {} MiB", path.display(), LARGEST >> 20);
        return Err(Error::new(ErrorKind::Site, what));
    }
    String::from_utf8(bytes).map_err(|e| {
        let line = e.as_bytes()[..e.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
        Error::new(ErrorKind::Site, format!("{} is not UTF-8 text", path.display())).place(
            path.display().to_string(),
            line,
            0,
        )
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let shown = path.display();
    let what = match error.kind() {
        std::io::ErrorKind::NotFound => format!("{shown} does not exist"),
        std::io::ErrorKind::PermissionDenied => format!("{shown} cannot be read: permission denied"),
        _ => format!("{shown} cannot be read: {error}"),
    };
    Error::new(ErrorKind::Site, what)
}

fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions, write};

    fn file(mode: u32, text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        write(&path, text).unwrap();
        set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    #[test]
    fn a_secret_is_read_without_its_line_end() {
        for (text, secret) in
            [("s3cret\n", "s3cret"), ("s3cret", "s3cret"), (" a b \r\n", " a b "), ("a\r\n\n", "a")]
        {
            let (_dir, path) = file(0o600, text);
            assert_eq!(read_secret(&path).unwrap().expose(), secret);
        }
    }

    #[test]
    fn a_secret_that_others_may_read_is_refused() {
        for mode in [0o640, 0o604, 0o644, 0o660] {
            let (_dir, path) = file(mode, "s3cret\n");
            let error = read_secret(&path).unwrap_err();
            assert!(error.to_string().ends_with(&format!("others may read it (mode {mode:04o})")), "{error}");
            assert_eq!(error.detail().help, Some(format!("chmod 600 {}", path.display())));
        }
    }

    #[test]
    fn what_everybody_may_write_is_not_run() {
        let (_dir, path) = file(0o666, "name = \"x\"");
        assert!(read_text(&path).unwrap_err().to_string().ends_with("is writable by everybody"));
        let (_dir, path) = file(0o664, "name = \"x\"");
        assert_eq!(read_text(&path).unwrap(), "name = \"x\"");
    }

    #[test]
    fn a_directory_a_huge_file_and_bytes_that_are_no_text_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read_text(dir.path()).unwrap_err().to_string().ends_with("is not a plain file"));
        let path = dir.path().join("huge");
        File::create(&path).unwrap().set_len(LARGEST + 1).unwrap();
        assert!(read_text(&path).unwrap_err().to_string().ends_with("is larger than 4 MiB"));
        write(&path, b"a\nb\xff\n").unwrap();
        let error = read_text(&path).unwrap_err();
        assert_eq!(error.detail().place.as_ref().unwrap().line, 2);
    }
}
