//! `--from`, `--only` and `--skip`, on every command that runs steps.

use crate::base::Result;
use crate::run::Selection;
use crate::script::prose::Prose;
use crate::site::Layers;

/// Which steps are to run.
#[derive(clap::Args)]
#[command(next_help_heading = "Steps")]
pub(super) struct SelectionArguments {
    /// Leave out the steps before this one
    #[arg(long, value_name = "STEP")]
    from: Option<String>,
    /// Leave out all steps but these
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    only: Vec<String>,
    /// Leave out these steps
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    skip: Vec<String>,
    /// Why steps are left out; it stands in the report
    #[arg(long, value_name = "REASON", default_value = "", hide_default_value = true)]
    because: String,
}

impl SelectionArguments {
    /// The choice. Every id is one of the runbook's as these layers have it.
    pub(super) fn of(&self, layers: &Layers, runbook: &str) -> Result<Selection> {
        let selection =
            Selection::new(self.from.clone(), self.only.clone(), self.skip.clone(), &self.because)?;
        if !selection.is_all() {
            let prose = Prose::of(layers, runbook)?;
            for id in selection.ids() {
                prose.step(id)?;
            }
        }
        Ok(selection)
    }
}
