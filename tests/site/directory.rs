//! A site directory in a temporary place, and errors as an operator is told them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rhumb::base::{Clock, Error, SimClock};
use rhumb::site::credentials::NobodyToAsk;
use rhumb::site::{Machine, Site};

/// A site directory, removed at the end.
pub struct SiteDir {
    _temporary: tempfile::TempDir,
    root: PathBuf,
}

impl SiteDir {
    /// A directory with files, each its name, mode and text.
    pub fn new(files: &[(&str, u32, &str)]) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().canonicalize().unwrap();
        let dir = SiteDir { _temporary: temporary, root };
        files.iter().for_each(|(name, mode, text)| dir.write(name, *mode, text));
        dir
    }

    /// Writes a file.
    pub fn write(&self, name: &str, mode: u32, text: &str) {
        let path = self.root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The site, with nobody to ask for a secret.
    pub fn load(&self) -> Site {
        let site = Site::load_over(&self.root, &[], None).unwrap_or_else(|e| panic!("{}", told(&e)));
        site.rewired(Arc::new(Machine::asking(Arc::new(NobodyToAsk))))
    }

    /// An error as it is told, with the directory called SITE.
    pub fn told(&self, error: &Error) -> String {
        told(error).replace(&*self.root.to_string_lossy(), "SITE")
    }
}

/// An error as it is told: place and sentence, then the help.
pub fn told(error: &Error) -> String {
    let detail = error.detail();
    let place = detail.place.as_ref().map_or(String::new(), |p| format!("{p}: "));
    let help = detail.help.as_ref().map_or(String::new(), |h| format!("\n  help: {h}"));
    format!("{place}{error}{help}\n  exit code {}", error.kind().exit_code())
}

/// A clock for sessions that send nothing.
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(SimClock::new("2026-06-10T02:00:00Z".parse().unwrap()))
}

/// Compares a text with its recorded one.
pub fn golden(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
