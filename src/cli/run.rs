//! `rhumb run`: a runbook against the site's cloud.

use jiff::Timestamp;

use super::conduct::{Conduct, Plan};
use super::place;
use crate::base::Result;
use crate::run::Mode;

/// Arguments of `rhumb run`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The runbook's name, as `rhumb list` shows it
    runbook: String,
    /// Run the verify steps only; change nothing
    #[arg(long)]
    observe: bool,
    #[command(flatten)]
    conduct: Conduct,
}

/// Runs it.
pub(super) fn main(arguments: Arguments) -> Result<u8> {
    let (site, home) = arguments.conduct.site()?;
    let selection = arguments.conduct.steps.of(&site.layers, &arguments.runbook)?;
    arguments.conduct.conduct(Plan {
        site,
        home,
        run: place::run_id(&arguments.runbook, Timestamp::now()),
        runbook: arguments.runbook,
        mode: if arguments.observe { Mode::Observe } else { Mode::Run },
        selection,
        resumed: false,
    })
}
