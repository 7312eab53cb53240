//! `rhumb runs`: the runs that are kept.

use super::place::KeptArguments;
use super::{print_json, show};
use crate::base::screen::drawn;
use crate::base::{ErrorKind, Result};
use crate::report::runs;

/// Arguments of `rhumb runs`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    kept: KeptArguments,
    /// How many, from the newest
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 20)]
    most: usize,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Lists them. One whose journal and reports cannot be believed is an error of the whole list.
pub(super) fn main(arguments: &Arguments) -> Result<u8> {
    let dir = arguments.kept.runs()?;
    let listed = runs::list(&dir, arguments.most)?;
    match (arguments.json, listed.is_empty()) {
        (true, _) => print_json(&listed)?,
        (false, true) => show(&drawn!("no run is kept in {}\n", dir.display()))?,
        (false, false) => show(&runs::render(&listed))?,
    }
    let damaged = listed.iter().any(|run| run.error.is_some());
    Ok(if damaged { ErrorKind::Journal.exit_code() } else { 0 })
}
