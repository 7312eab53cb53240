//! All reports of a run, written into its directory: each file appears whole or not at all.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{html, json, junit, markdown};
use crate::base::{Error, ErrorKind, Result, again};
use crate::run::report::RunReport;

/// Where a run's reports lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The acceptance summary.
    pub markdown: PathBuf,
    /// The page to hand over.
    pub html: PathBuf,
    /// The report as data.
    pub json: PathBuf,
    /// For a CI server.
    pub junit: PathBuf,
}

impl Paths {
    /// The reports' places in a run's directory.
    pub fn of(dir: &Path) -> Self {
        Paths {
            markdown: dir.join("report.md"),
            html: dir.join("report.html"),
            json: dir.join("report.json"),
            junit: dir.join("junit.xml"),
        }
    }
}

/// Writes all reports into a run's directory, over those of an earlier call.
///
/// Errors with [`ErrorKind::Journal`] where a file cannot be written; reports written before stay.
pub fn write_all(dir: &Path, report: &RunReport) -> Result<Paths> {
    let paths = Paths::of(dir);
    replace(&paths.json, &json::render(report)?)?;
    replace(&paths.junit, &junit::render(report))?;
    replace(&paths.markdown, &markdown::render(report))?;
    replace(&paths.html, &html::render(report)?)?;
    Ok(paths)
}

/// Puts a text in the place of a file in one move. Nobody waits for the disk: after a power cut the journal is there
/// to write the report anew (`rhumb show-run`).
fn replace(path: &Path, text: &str) -> Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let written = || -> std::io::Result<()> {
        // private from the start, as a temporary file is: a report names hosts and quotes what services answered
        let mut file = tempfile::Builder::new().prefix(".report-").tempfile_in(dir)?;
        file.write_all(text.as_bytes())?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    written().map_err(|e| {
        Error::new(ErrorKind::Journal, format!("the report {} cannot be written", path.display()))
            .from_source(&e)
            .help(format!(
                "the journal is whole: free space or fix the directory's rights, then `{}`",
                again::command(&["show-run", &again::in_full(dir), "--write"])
            ))
    })
}
