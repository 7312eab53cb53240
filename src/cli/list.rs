//! `rhumb list`: the runbooks and what each is for.

use super::SiteArguments;
use crate::base::Result;
use crate::base::screen::{Drawn, drawn};
use crate::site::ScriptKind;

/// Arguments of `rhumb list`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    site: SiteArguments,
}

/// Lists them.
pub(super) fn main(arguments: &Arguments) -> Result<u8> {
    let layers = arguments.site.layers()?;
    let mut page = Drawn::default();
    for listing in layers.list()?.into_iter().filter(|l| l.kind == ScriptKind::Runbook) {
        let texts = layers.stack(&listing.name)?;
        let what = texts.first().map(|t| first_sentence(&t.text)).unwrap_or_default();
        let from = listing.layers.iter().map(|l| l.name()).collect::<Vec<_>>().join(" + ");
        page.push(drawn!("{:<16} {}  ({})\n", listing.name, what, from));
    }
    super::show(&page)?;
    Ok(0)
}

/// The first line of a script's `//!` header.
fn first_sentence(text: &str) -> String {
    text.lines().find_map(|l| l.strip_prefix("//!")).map(|l| l.trim().to_string()).unwrap_or_default()
}
