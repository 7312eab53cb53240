//! The texts that took part in a run, kept beside its journal under their fingerprints: a later resume can show
//! what has changed, and an auditor what was run.

use std::fs;
use std::path::{Path, PathBuf};

use super::record::{Record, SourceMark};
use super::state::Run;
use crate::base::{Error, ErrorKind, Result, private};

/// The directory in that of the run.
const DIRECTORY: &str = "sources";

fn file(run: &Path, mark: &SourceMark) -> PathBuf {
    run.join(DIRECTORY).join(format!("{}.rhai", mark.sha256))
}

impl Run {
    /// Keeps a text, and journals that it takes part.
    pub fn source(&self, mark: SourceMark, text: &str) -> Result<()> {
        let path = file(&self.directory(), &mark);
        if !path.exists() {
            let parent = path.parent().unwrap_or(&path);
            private::make(parent).and_then(|()| private::write_new(&path, text)).map_err(|e| {
                Error::new(ErrorKind::Journal, format!("cannot write {}", path.display())).from_source(&e)
            })?;
        }
        self.append(Record::Source(mark)).map(drop)
    }
}

/// A text as a run had it; `None` where the run's directory has lost it.
pub fn kept(run: &Path, mark: &SourceMark) -> Option<String> {
    fs::read_to_string(file(run, mark)).ok()
}
