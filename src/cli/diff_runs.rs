//! `rhumb diff-runs`: what changed from one run to another.

use super::place::KeptArguments;
use super::{print_json, show};
use crate::base::Result;
use crate::report::{RunDiff, diff};
use crate::run::RunReport;

/// Arguments of `rhumb diff-runs`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The earlier run: its id, a part of it that no other has, or a directory
    before: String,
    /// The later run
    #[arg(default_value = "last")]
    after: String,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    kept: KeptArguments,
}

/// Compares them.
pub(super) fn main(arguments: &Arguments) -> Result<u8> {
    let load = |which: &str| RunReport::load(&arguments.kept.run(which)?);
    let found = RunDiff::of(&load(&arguments.before)?, &load(&arguments.after)?);
    if arguments.json {
        print_json(&found)?
    } else {
        show(&diff::render(&found))?
    }
    Ok(0)
}
