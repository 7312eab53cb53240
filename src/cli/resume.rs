//! `rhumb resume`: goes on with a run that was cut off. Finished changes return what the journal holds,
//! verify steps run again, and a change whose outcome nobody knows is settled by looking.

use super::conduct::{Conduct, Plan};
use super::place::{self, RUNS};
use crate::base::{Error, ErrorKind, Result, again};
use crate::report::agree;
use crate::report::runs::Last;
use crate::report::summary::is_session;
use crate::run::Mode;

/// Arguments of `rhumb resume`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The run: its id, a part of it that no other has, or `last`: the last one that can be gone on with
    #[arg(default_value = "last")]
    run: String,
    #[command(flatten)]
    conduct: Conduct,
}

/// Goes on with it.
pub(super) fn main(arguments: Arguments) -> Result<u8> {
    let (site, home) = arguments.conduct.site()?;
    let runs = home.join(RUNS);
    let found = place::find(&runs, &arguments.run, Last::Resumable)?;
    let run = found.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let report = agree::load(&found)?;
    if report.site != site.name {
        let what = format!("run {run} belongs to site `{}`, not to `{}`", report.site, site.name);
        return Err(Error::new(ErrorKind::Usage, what));
    }
    if is_session(&report) {
        let what =
            format!("run {run} is a session: its lines were tried out, and there is nothing to resume");
        let show = again::command(&["show-run", &run]);
        return Err(Error::new(ErrorKind::Usage, what).help(format!("`{show}` shows it")));
    }
    if report.end.as_ref().is_some_and(|end| end.ok) {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("run {run} has passed: there is nothing to resume"),
        ));
    }
    let mode = if report.mode == Mode::Observe.name() { Mode::Observe } else { Mode::Run };
    let selection = arguments.conduct.steps.of(&site.layers, &report.runbook)?;
    let selection = selection.going_on(&report.wanted);
    arguments.conduct.conduct(Plan {
        site,
        home,
        run,
        runbook: report.runbook,
        mode,
        selection,
        resumed: true,
    })
}
