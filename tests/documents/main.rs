//! What operators read: the linter of Markdown runbooks, the pages that are held against the code, and the examples
//! of packaging.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

mod commands;
mod lab_page;
mod lint;
mod packaging;
mod pages;

use std::path::Path;
use std::process::{Command, Output};

/// The project's own directory.
fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs the program with an environment of its own.
fn rhumb(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rhumb"));
    command.env_clear().current_dir(home()).args(arguments).output().unwrap()
}

/// What it printed, where it ended well.
fn printed(arguments: &[&str]) -> String {
    let output = rhumb(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
