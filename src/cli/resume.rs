//! `rhumb resume`: goes on with a run that was cut off. Finished changes return what the journal holds,
//! verify steps run again, and a change whose outcome nobody knows is settled by looking.

use std::path::Path;

use super::conduct::{Conduct, Plan};
use super::place::RUNS;
use crate::base::{Error, ErrorKind, Result};
use crate::run::journal::{self, FILE};
use crate::run::{Mode, RunReport};

/// Arguments of `rhumb resume`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The run's id; without it, the newest run of the site
    run: Option<String>,
    #[command(flatten)]
    conduct: Conduct,
}

/// Goes on with it.
pub(super) fn main(arguments: Arguments) -> Result<u8> {
    let (site, home) = arguments.conduct.site()?;
    let runs = home.join(RUNS);
    let run = match arguments.run {
        Some(run) => run,
        None => newest(&runs)?,
    };
    if run.contains(['/', '.']) || !runs.join(&run).join(FILE).exists() {
        let e = Error::new(ErrorKind::Usage, format!("site `{}` has no run `{run}`", site.name));
        return Err(e.help(format!("its runs lie in {}", runs.display())));
    }
    let report = RunReport::of(&journal::read(&runs.join(&run).join(FILE))?.entries);
    if report.site != site.name {
        let what = format!("run {run} belongs to site `{}`, not to `{}`", report.site, site.name);
        return Err(Error::new(ErrorKind::Usage, what));
    }
    if report.end.as_ref().is_some_and(|end| end.ok) {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("run {run} has passed: there is nothing to resume"),
        ));
    }
    let mode = if report.mode == Mode::Observe.name() { Mode::Observe } else { Mode::Run };
    let selection = arguments.conduct.steps.of(&site.layers, &report.runbook)?;
    let selection = if selection.is_all() { report.selection.unwrap_or_default() } else { selection };
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

/// The newest run: ids begin with their time.
fn newest(runs: &Path) -> Result<String> {
    let none = || Error::new(ErrorKind::Usage, "this site has no run to resume");
    let entries = std::fs::read_dir(runs).map_err(|_| none())?;
    entries.flatten().filter_map(|e| e.file_name().into_string().ok()).max().ok_or_else(none)
}
