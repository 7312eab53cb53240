//! `rhumb show`: a runbook as prose, or one of its steps with its text.

use super::SiteArguments;
use crate::base::Result;
use crate::base::screen::{Stream, drawn};
use crate::script::prose::Prose;

/// Arguments of `rhumb show`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The runbook's name, as `rhumb list` shows it
    runbook: String,
    /// The id of one of its steps
    step: Option<String>,
    #[command(flatten)]
    site: SiteArguments,
}

/// Shows it.
pub(super) fn main(arguments: &Arguments) -> Result<u8> {
    let (width, _) = super::layout(Stream::Out);
    let prose = Prose::of(&arguments.site.layers()?, &arguments.runbook)?;
    let page = match &arguments.step {
        Some(id) => prose.step(id)?.draw(width),
        None => prose.draw(width),
    };
    super::show(&drawn!("{}\n", page.trimmed()))?;
    Ok(0)
}
