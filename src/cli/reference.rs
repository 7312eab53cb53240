//! `rhumb reference`, `rhumb explain`, `rhumb defs` and `rhumb man`: what the binary knows about itself.

use std::path::{Path, PathBuf};

use super::{layout, print, show, usage};
use crate::base::error::nearest;
use crate::base::screen::{Stream, drawn};
use crate::base::{Error, ErrorKind, Result};
use crate::lint;
use crate::script::check::codes;
use crate::script::primitives;
use crate::script::reference::{self, definitions};

/// Arguments of `rhumb explain`.
#[derive(clap::Args)]
pub(super) struct Explain {
    /// A word of runbooks (`poll`, `Collection.get`), or the code of a finding (`outside-step`); without one, all
    /// codes
    name: Option<String>,
}

/// Arguments of `rhumb defs` and `rhumb man`.
#[derive(clap::Args)]
pub(super) struct Into {
    /// The directory to write into; made where it does not exist
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// Prints the reference.
pub(super) fn main() -> Result<u8> {
    print(&reference::markdown())?;
    Ok(0)
}

/// Explains a name.
pub(super) fn explain(arguments: &Explain) -> Result<u8> {
    let Some(name) = &arguments.name else {
        let scripts = codes::ALL.iter().map(|c| (c.name, c.title));
        let all = scripts.chain(lint::codes::ALL.iter().map(|c| (c.name, c.title)));
        let lines: Vec<String> = all.map(|(name, title)| format!("{name:<24} {title}\n")).collect();
        print(&lines.concat())?;
        return Ok(0);
    };
    let primitives: Vec<String> = reference::find(name).into_iter().map(reference::entry).collect();
    let page = if !primitives.is_empty() {
        primitives.concat()
    } else if let Some(code) = codes::ALL.iter().find(|c| c.name == name) {
        format!("{} ({})\n{}\n\n{}\n", code.name, code.severity.word(), code.title, code.about)
    } else if let Some(code) = lint::codes::ALL.iter().find(|c| c.name == name) {
        format!(
            "{} (in a Markdown runbook)\n{}\n\n{}\n\nIn Rhumb: {}\n",
            code.name, code.title, code.passes, code.instead
        )
    } else {
        return Err(unknown(name));
    };
    let (width, _) = layout(Stream::Out);
    print(&match page.starts_with('#') {
        true => page,
        false => page.lines().map(|line| format!("{}\n", textwrap::fill(line, width))).collect(),
    })?;
    Ok(0)
}

fn unknown(name: &str) -> Error {
    let paths: Vec<String> = primitives::all().iter().map(|p| p.path()).collect();
    let codes = codes::ALL.iter().map(|c| c.name).chain(lint::codes::ALL.iter().map(|c| c.name));
    let e = usage(format!("nothing is called `{name}`"));
    match nearest(name, paths.iter().map(String::as_str).chain(codes)) {
        Some(near) => e.help(format!("did you mean `{near}`?")),
        None => {
            e.help("`rhumb reference` lists the words of runbooks, `rhumb explain` the codes of findings")
        }
    }
}

/// Writes definitions for editors.
pub(super) fn defs(arguments: &Into) -> Result<u8> {
    let directory = made(&arguments.directory)?;
    let files = definitions::files();
    for (name, text) in &files {
        let path = directory.join(name);
        std::fs::write(&path, text).map_err(|e| unwritable(&path, &e))?;
    }
    show(&drawn!("{} definition files in {}\n", files.len(), directory.display()))?;
    Ok(0)
}

/// Writes manual pages.
pub(super) fn man(arguments: &Into) -> Result<u8> {
    let directory = made(&arguments.directory)?;
    clap_mangen::generate_to(super::command(), directory).map_err(|e| unwritable(directory, &e))?;
    show(&drawn!(
        "manual pages in {}; read one with: man -l {}\n",
        directory.display(),
        directory.join("rhumb.1").display()
    ))?;
    Ok(0)
}

fn made(directory: &Path) -> Result<&Path> {
    std::fs::create_dir_all(directory).map_err(|e| unwritable(directory, &e))?;
    Ok(directory)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot write {}", path.display())).from_source(error)
}
