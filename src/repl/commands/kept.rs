//! The runs that are kept beside the session's own, by their ids.

use std::path::PathBuf;

use crate::base::Result;
use crate::repl::session::Session;
use crate::report::runs;
use crate::run::{Entry, journal};

/// The directory of all runs: the session's is one of them.
pub fn directory(session: &Session) -> PathBuf {
    let own = session.run().directory();
    own.parent().map_or_else(PathBuf::new, PathBuf::from)
}

/// Their ids, from the newest.
pub fn ids(session: &Session) -> Vec<String> {
    let all = runs::directories(&directory(session)).unwrap_or_default();
    all.iter().filter_map(|run| run.file_name()).map(|name| name.to_string_lossy().into_owned()).collect()
}

/// What happened in one of them; nothing where no run has this id.
///
/// # Errors
/// Its journal cannot be read, or is not the one that was written.
pub fn entries(session: &Session, id: &str) -> Result<Option<Vec<Entry>>> {
    let directory = directory(session).join(id);
    let kept = !id.is_empty() && ids(session).iter().any(|kept| kept == id);
    kept.then(|| journal::sound(&directory).map(|read| read.entries)).transpose()
}
