//! `--approve`: what is approved before the run begins.

use crate::base::Result;
use crate::run::Grant;
use crate::script::prose::Prose;
use crate::site::Layers;

/// What is approved beforehand.
#[derive(clap::Args)]
pub(super) struct ApproveArguments {
    /// Approve changes beforehand: those of a step that destroy nothing (step:5.1), what destroys in it
    /// (step:5.1:destroys), what of it is in doubt since a cut and is to be sent again (step:5.1:again), or all that is
    /// aimed at one thing (id:UUID); repeatable, or separated by commas
    #[arg(long = "approve", value_name = "step:ID|step:ID:destroys|step:ID:again|id:ID", value_delimiter = ',', value_parser = read)]
    grants: Vec<Grant>,
}

impl ApproveArguments {
    /// What it names, with nothing to compare it with.
    pub(super) fn any(self) -> Vec<Grant> {
        self.grants
    }

    /// What it names. Every step is one of the runbook's as these layers have it.
    pub(super) fn of(&self, layers: &Layers, runbook: &str) -> Result<Vec<Grant>> {
        let mut steps = self.grants.iter().filter_map(Grant::step).peekable();
        if steps.peek().is_some() {
            let prose = Prose::of(layers, runbook)?;
            // an id that the script computes is known to a run alone
            let all_known = !prose.steps.iter().any(|step| step.computed);
            for id in steps.filter(|_| all_known) {
                prose.step(id)?;
            }
        }
        Ok(self.grants.clone())
    }
}

/// One entry. The command line shows an error's text alone, so the right form goes with it.
fn read(text: &str) -> std::result::Result<Grant, String> {
    text.parse::<Grant>().map_err(|e| match &e.detail().help {
        Some(help) => format!("{e}: {help}"),
        None => e.to_string(),
    })
}
