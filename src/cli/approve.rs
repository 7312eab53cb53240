//! `--approve`: what is approved before the run begins.

use crate::base::{Error, ErrorKind, Result, again};
use crate::run::{Approvals, Grant, Past};
use crate::script::prose::Prose;
use crate::site::Layers;

/// What is approved beforehand.
#[derive(clap::Args)]
pub(super) struct ApproveArguments {
    /// Approve changes beforehand: those of a step that destroy nothing (step:5.1), what destroys in it
    /// (step:5.1:destroys), what of it is in doubt since a cut and is to be sent again (step:5.1:again), or all that is
    /// aimed at one thing (id:UUID). What is in doubt, and of which you have seen that it was done, is not sent again with
    /// step:5.1:done. Repeatable, or separated by commas
    #[arg(
        long = "approve",
        value_name = "step:ID|step:ID:destroys|step:ID:again|step:ID:done|id:ID",
        value_delimiter = ',',
        value_parser = read
    )]
    grants: Vec<Grant>,
}

impl ApproveArguments {
    /// What it names of a session, which has no runbook to compare it with.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`]: it says of what is in doubt that it was done.
    pub(super) fn of_session(self) -> Result<Vec<Grant>> {
        match self.grants.iter().find(|grant| matches!(grant, Grant::Done(_))) {
            Some(done) => {
                Err(Error::new(ErrorKind::Usage, format!("nothing is in doubt here: --approve {done}"))
                    .help("it is for a run that goes on, and says that what is in doubt took effect"))
            }
            None => Ok(self.grants),
        }
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
        for done in &self.grants {
            let Grant::Done(step) = done else { continue };
            if self.grants.contains(&Grant::Again(step.clone())) {
                let what =
                    format!("step {step}: what is in doubt is said to be done, and is to be sent again");
                let help = format!("leave out --approve {done}, or --approve {}", Grant::Again(step.clone()));
                return Err(Error::new(ErrorKind::Usage, what).help(help));
            }
        }
        Ok(self.grants.clone())
    }
}

/// Holds that what is said to be done is in doubt.
///
/// # Errors
/// [`ErrorKind::Usage`], which names the step that has nothing in doubt.
pub(super) fn hold_doubts(approvals: &Approvals, past: &Past, run: &str) -> Result<()> {
    for step in approvals.steps_said_done() {
        if !past.in_doubt().any(|effect| effect.step == step) {
            let what = format!(
                "nothing of step {step} is in doubt, so --approve {} says nothing",
                Grant::Done(step.into())
            );
            let show = again::command(&["show-run", run]);
            return Err(Error::new(ErrorKind::Usage, what).help(format!("`{show}` lists what is in doubt")));
        }
    }
    Ok(())
}

/// One entry. The command line shows an error's text alone, so the right form goes with it.
fn read(text: &str) -> std::result::Result<Grant, String> {
    text.parse::<Grant>().map_err(|e| match &e.detail().help {
        Some(help) => format!("{e}: {help}"),
        None => e.to_string(),
    })
}
