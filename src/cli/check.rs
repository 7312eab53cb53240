//! `rhumb check`: what is wrong in scripts, found without running them.

use super::SiteArguments;
use crate::base::screen::{Stream, drawn};
use crate::base::{ErrorKind, Result};
use crate::script::check;

/// Arguments of `rhumb check`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Runbooks and modules; without any, all there are
    names: Vec<String>,
    /// For programs: one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    site: SiteArguments,
}

/// Checks them.
pub(super) fn main(arguments: Arguments) -> Result<u8> {
    let layers = arguments.site.layers()?;
    let names = match arguments.names.is_empty() {
        true => layers.list()?.into_iter().map(|l| l.name).collect(),
        false => arguments.names,
    };
    let checked = check::check(&layers, &names)?;
    if arguments.json {
        super::print_json(&checked.json())?;
    } else {
        let (width, colours) = super::layout(Stream::Out);
        super::show(&drawn!("{}{}\n", checked.draw(width, colours), checked.summary()))?;
    }
    Ok(if checked.errors() == 0 { 0 } else { ErrorKind::Script.exit_code() })
}
