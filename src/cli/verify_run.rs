//! `rhumb verify-run`: whether a run's journal is what was written.

use super::place::KeptArguments;
use super::{print_json, show};
use crate::base::Result;
use crate::base::screen::Drawn;
use crate::report::verify;

/// Arguments of `rhumb verify-run`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The run: its id, a part of it that no other has, a directory, `last`, or `last-session`
    #[arg(default_value = "last")]
    run: String,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    kept: KeptArguments,
}

/// Checks it. A broken chain is an error that names the line.
pub(super) fn main(arguments: &Arguments) -> Result<u8> {
    let found = verify(&arguments.kept.run(&arguments.run)?)?;
    if arguments.json {
        print_json(&found)?
    } else {
        show(&Drawn::lines(&found.to_string()))?
    }
    Ok(0)
}
