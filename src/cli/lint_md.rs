//! `rhumb lint-md`: what in a Markdown runbook can pass though it should fail.

use std::path::PathBuf;

use crate::base::screen::{Stream, drawn};
use crate::base::{Error, ErrorKind, Result};
use crate::lint::{self, Text};

/// Arguments of `rhumb lint-md`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Markdown runbooks; read together, so that contradictions between them are found
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// For programs: one JSON document
    #[arg(long)]
    json: bool,
}

/// Reads them.
pub(super) fn main(arguments: &Arguments) -> Result<u8> {
    let texts = arguments.files.iter().map(|file| {
        let bytes = std::fs::read(file).map_err(|e| {
            Error::new(ErrorKind::Io, format!("cannot read {}", file.display())).from_source(&e)
        })?;
        Ok(Text { file: file.display().to_string(), text: String::from_utf8_lossy(&bytes).into_owned() })
    });
    let linted = lint::lint(&texts.collect::<Result<Vec<Text>>>()?);
    if arguments.json {
        super::print_json(&linted)?;
    } else {
        let (width, colours) = super::layout(Stream::Out);
        super::show(&drawn!("{}{}\n", linted.draw(width, colours), linted.summary()))?;
    }
    Ok(if linted.findings.is_empty() { 0 } else { ErrorKind::Script.exit_code() })
}
