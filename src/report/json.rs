//! The report as data, for others' programs.

use serde::Serialize;

use super::summary::Summary;
use crate::base::{Error, ErrorKind, Result};
use crate::run::report::RunReport;

/// The version of the document. It grows when a field changes its meaning or goes away; a new
/// field does not change it.
pub const SCHEMA: u32 = 1;

/// The version of Rhumb that writes a report: another one may say the same in other words.
pub const WRITER: &str = env!("CARGO_PKG_VERSION");

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    writer: &'static str,
    summary: Summary,
    tally: serde_json::Map<String, serde_json::Value>,
    #[serde(flatten)]
    report: &'a RunReport,
}

/// The document, indented, with a line feed at its end.
pub fn render(report: &RunReport) -> Result<String> {
    let tally = report.tally().into_iter().map(|(word, n)| (word.to_string(), n.into())).collect();
    let document = Document { schema: SCHEMA, writer: WRITER, summary: Summary::of(report), tally, report };
    let mut text = serde_json::to_string_pretty(&document)
        .map_err(|e| Error::new(ErrorKind::Internal, "a report cannot be written as JSON").from_source(&e))?;
    text.push('\n');
    Ok(text)
}
