//! `rhumb sweep`: which answers of a cloud would pass though they should not.

mod found;
mod hunt;
mod play;

use std::path::PathBuf;

use super::rehearse::LabArguments;
use super::selection::SelectionArguments;
use super::{SiteArguments, print_json, show, usage};
use crate::base::screen::drawn;
use crate::base::{Error, ErrorKind, Result};
use crate::lab::sweep::Reviewed;
use crate::site::Site;
use found::Found;
use play::Piece;

/// What a site calls its own table of what was looked at.
const TABLE: &str = "sweep.toml";

/// Arguments of `rhumb sweep`.
#[derive(clap::Args)]
#[command(
    after_help = "It rehearses the runbook once, keeps what each request was answered, and rehearses it again for each \
thing that could have been answered instead. `docs/sweep.md` says what is changed and how outcomes are classed. Exits with 3 \
where a change passes silently or stops a run that it must not stop."
)]
pub(super) struct Arguments {
    /// The runbook's name, as `rhumb list` shows it
    runbook: String,
    /// A shipped scenario, or a file
    #[arg(long, value_name = "NAME|FILE")]
    scenario: Option<String>,
    #[command(flatten)]
    site: SiteArguments,
    #[command(flatten)]
    steps: SelectionArguments,
    /// Try so many of all changes, chosen by --seed
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
    /// Decides which changes --sample and --once take
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Try each change of a kind of field on one thing only, chosen by --seed
    #[arg(long)]
    once: bool,
    /// Rehearse so many at a time; without it, as many as there are processors
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Try only changes whose line in the table contains this, such as `octavia loadbalancer`
    #[arg(long, value_name = "TEXT")]
    matching: Option<String>,
    /// Write a scenario for each silent change, and for each that stops though it must not
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print all outcomes as JSON
    #[arg(long)]
    json: bool,
}

/// Sweeps. Exits with 3 where silent changes are left, or some that stop though they must not.
pub(super) fn main(arguments: &Arguments) -> Result<u8> {
    if arguments.sample == Some(0) || arguments.jobs == Some(0) {
        return Err(usage("--sample and --jobs take a number from 1 on"));
    }
    let site = arguments.site.load_or_example()?;
    let selection = arguments.steps.of(&site.layers, &arguments.runbook)?;
    site.layers.find(&arguments.runbook)?;
    let lab = LabArguments::maybe(arguments.scenario.clone());
    let (scenario, world) = lab.scenario(&site, &arguments.runbook)?;
    let reviewed = reviewed(&site)?.within(&scenario);
    let runbook = arguments.runbook.clone();
    let piece = Piece { site, runbook, scenario: world, selection };
    let hunt = hunt::Hunt {
        piece: &piece,
        scenario: &scenario,
        reviewed: &reviewed,
        sample: arguments.sample,
        seed: arguments.seed,
        once: arguments.once,
        jobs: arguments.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from)),
        matching: arguments.matching.as_deref(),
    };
    let found: Found = hunt.run()?;
    if let Some(dir) = &arguments.out {
        let written = found.write(dir)?;
        super::screen::complain(&drawn!("{} scenarios in {}\n", written, dir.display()));
    }
    match arguments.json {
        true => print_json(&found)?,
        false => show(&found.draw())?,
    }
    Ok(if found.is_clean() { 0 } else { ErrorKind::Gate.exit_code() })
}

/// The shipped table of what was looked at, and the site's own behind it.
fn reviewed(site: &Site) -> Result<Reviewed> {
    let shipped = Reviewed::shipped()?;
    let Some(path) = site.layers.site_directory().map(|dir| dir.join(TABLE)).filter(|p| p.is_file()) else {
        return Ok(shipped);
    };
    let text = std::fs::read_to_string(&path).map_err(|e| {
        Error::new(ErrorKind::Site, format!("{} cannot be read", path.display())).from_source(&e)
    })?;
    Ok(shipped.with(Reviewed::parse(&path.display().to_string(), &text)?))
}
