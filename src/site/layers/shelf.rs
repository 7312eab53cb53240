//! One layer of files, embedded or in a directory, by logical names.

use std::path::{Path, PathBuf};

use include_dir::{Dir, DirEntry, include_dir};

use crate::base::{Error, ErrorKind, Result};
use crate::site::trust;

static STDLIB: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/stdlib");
static RUNBOOKS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/runbooks");

/// The deepest directory that is looked into.
pub(super) const DEEPEST: usize = 8;

/// How the files of a directory are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// `stdlib/` and `runbooks/`, as in the source tree.
    Shipped,
    /// Logical names from the top: `phase-08.rhai`, `std/octavia.rhai`.
    Site,
}

impl Layout {
    /// The file of a logical name; a shipped layer has room for modules of `std/` and for runbooks.
    fn file(self, name: &str) -> Option<String> {
        match (self, name.strip_prefix("std/")) {
            (Layout::Site, _) => Some(format!("{name}.rhai")),
            (Layout::Shipped, Some(module)) => Some(format!("stdlib/{module}.rhai")),
            (Layout::Shipped, None) if name.contains('/') => None,
            (Layout::Shipped, None) => Some(format!("runbooks/{name}.rhai")),
        }
    }

    /// The logical name of a file, before it is checked.
    fn name(self, file: &str) -> Option<String> {
        let stem = file.strip_suffix(".rhai")?;
        match self {
            Layout::Site => Some(stem.to_string()),
            Layout::Shipped => {
                let runbook =
                    stem.strip_prefix("runbooks/").filter(|name| !name.contains('/')).map(String::from);
                runbook.or_else(|| stem.strip_prefix("stdlib/").map(|module| format!("std/{module}")))
            }
        }
    }
}

/// What the binary holds of a file, by its path in the source tree.
pub(super) fn embedded_file(path: &str) -> Option<&'static str> {
    let (dir, below) = match path.split_once('/')? {
        ("stdlib", below) => (&STDLIB, below),
        ("runbooks", below) => (&RUNBOOKS, below),
        _ => return None,
    };
    dir.get_file(below)?.contents_utf8()
}

/// The text of a logical name in the binary, with its path in the source tree.
pub(super) fn embedded(name: &str) -> Option<(String, &'static str)> {
    let file = Layout::Shipped.file(name)?;
    let text = embedded_file(&file)?;
    Some((file, text))
}

/// Every logical name in the binary.
pub(super) fn embedded_names() -> Vec<String> {
    fn walk(dir: &Dir<'_>, prefix: &str, names: &mut Vec<String>) {
        for entry in dir.entries() {
            match entry {
                DirEntry::Dir(dir) => walk(dir, prefix, names),
                DirEntry::File(file) => {
                    let path = format!("{prefix}/{}", file.path().display());
                    names.extend(Layout::Shipped.name(&path));
                }
            }
        }
    }
    let mut names = Vec::new();
    walk(&STDLIB, "stdlib", &mut names);
    walk(&RUNBOOKS, "runbooks", &mut names);
    names
}

/// A directory of scripts.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    /// Its path without symbolic links.
    root: PathBuf,
    layout: Layout,
}

impl Directory {
    /// Takes a directory whose files may be believed.
    pub(super) fn open(path: &Path, layout: Layout) -> Result<Self> {
        trust::guard_directory(path)?;
        let root = path.canonicalize().map_err(|e| unreadable(path, &e))?;
        Ok(Directory { root, layout })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The file and the text of a logical name, if it is here.
    pub(super) fn find(&self, name: &str) -> Result<Option<(PathBuf, String)>> {
        self.layout.file(name).map_or(Ok(None), |file| self.read(&file))
    }

    /// A file by its path below the directory, and its text, if it is here.
    pub(super) fn read(&self, file: &str) -> Result<Option<(PathBuf, String)>> {
        let path = self.root.join(file);
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && !path.is_symlink() => return Ok(None),
            Err(e) => return Err(unreadable(&path, &e)),
        };
        self.hold_inside(&path, &real)?;
        let between = real.ancestors().skip(1).take_while(|dir| *dir != self.root);
        for dir in between {
            self.refuse_other_site(dir)?;
            trust::guard_directory(dir)?;
        }
        let text = trust::read_text(&real)?;
        Ok(Some((path, text)))
    }

    /// Every logical name that has a file here, in the order of the alphabet.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let mut files = Vec::new();
        self.walk(&self.root, "", 0, &mut files)?;
        files.sort();
        Ok(files.iter().filter_map(|file| self.layout.name(file)).collect())
    }

    fn walk(&self, dir: &Path, below: &str, depth: usize, files: &mut Vec<String>) -> Result<()> {
        if depth > DEEPEST {
            return Err(Error::new(ErrorKind::Site, format!("{} is nested too deeply", dir.display())));
        }
        for entry in std::fs::read_dir(dir).map_err(|e| unreadable(dir, &e))? {
            let entry = entry.map_err(|e| unreadable(dir, &e))?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
            let kind = entry.file_type().map_err(|e| unreadable(&entry.path(), &e))?;
            let inner = if below.is_empty() { name.to_string() } else { format!("{below}/{name}") };
            if kind.is_dir() {
                self.refuse_other_site(&entry.path())?;
                self.walk(&entry.path(), &inner, depth + 1, files)?;
            } else if name.ends_with(".rhai") {
                let real = entry.path().canonicalize().map_err(|e| unreadable(&entry.path(), &e))?;
                self.hold_inside(&entry.path(), &real)?;
                files.push(inner);
            }
        }
        Ok(())
    }

    pub(super) fn hold_inside(&self, path: &Path, real: &Path) -> Result<()> {
        if real.starts_with(&self.root) {
            return Ok(());
        }
        let what = format!("{} is a symbolic link that leads out of {}", path.display(), self.root.display());
        Err(Error::new(ErrorKind::Site, what).help("copy the file into the directory"))
    }

    pub(super) fn refuse_other_site(&self, dir: &Path) -> Result<()> {
        if self.layout == Layout::Shipped || !dir.join("site.toml").exists() {
            return Ok(());
        }
        let what = format!("{} is another site inside the site {}", dir.display(), self.root.display());
        Err(Error::new(ErrorKind::Site, what)
            .help("two sites' files must not mix: move one of them beside the other"))
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Site, format!("{} cannot be read: {error}", path.display()))
}
