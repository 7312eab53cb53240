//! `rhumb rehearse`: a runbook against the lab inside the program, in virtual time. It needs no cloud, no network
//! and no configuration, and approves by itself: nothing real can be touched.

use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Timestamp;
use tokio::runtime::Handle;

use super::conduct::{Plan, Stage, runtime};
use super::place::{self, StateArguments};
use super::selection::SelectionArguments;
use super::{SiteArguments, show, usage};
use crate::base::screen::drawn;
use crate::base::{Clock as _, Error, ErrorKind, Result, duration};
use crate::lab::{Fault, Rehearsal, Scenario};
use crate::run::{Approvals, Mode, Selection};
use crate::site::Site;

/// The site of a rehearsal that names none.
const EXAMPLE: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/sites/roosevelt/site.toml"));
const EXAMPLE_TITLE: &str = "examples/sites/roosevelt/site.toml";
/// The scenario of runbooks that have none of their own.
const QUIET: &str = "phase-08";

/// The lab of a rehearsal.
#[derive(clap::Args)]
#[command(next_help_heading = "Lab")]
pub(super) struct LabArguments {
    /// What exists at the start: a shipped scenario, one of the site's `scenarios/`, or a file
    #[arg(long, value_name = "NAME|FILE")]
    scenario: Option<String>,
    /// What goes wrong: a fault of the shipped deck by name, or one in TOML: 'service = "nova", do = { status = 503 }'
    #[arg(long = "fault", value_name = "NAME|TOML")]
    faults: Vec<String>,
    /// Decides every id
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// Arguments of `rhumb rehearse`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The runbook's name, as `rhumb list` shows it
    runbook: String,
    #[command(flatten)]
    lab: LabArguments,
    #[command(flatten)]
    site: SiteArguments,
    #[command(flatten)]
    steps: SelectionArguments,
    #[command(flatten)]
    state: StateArguments,
}

impl SiteArguments {
    /// The site that is named, or an example that is in the program.
    pub(super) fn load_or_example(&self) -> Result<Site> {
        match &self.site {
            Some(_) => self.load(),
            None => Site::from_embedded(EXAMPLE, EXAMPLE_TITLE, &self.sets),
        }
    }
}

impl LabArguments {
    /// A lab of a scenario, in which nothing goes wrong besides.
    pub(super) fn of(scenario: &str) -> Self {
        LabArguments { scenario: Some(scenario.to_string()), faults: Vec::new(), seed: None }
    }

    /// A lab of a scenario, or of the runbook's own where none is named.
    pub(super) fn maybe(scenario: Option<String>) -> Self {
        LabArguments { scenario, faults: Vec::new(), seed: None }
    }

    /// The scenario for a runbook and its name.
    pub(super) fn scenario(&self, site: &Site, runbook: &str) -> Result<(String, Scenario)> {
        let name = match &self.scenario {
            Some(name) => name.as_str(),
            None => Scenario::of_runbook(runbook).unwrap_or(QUIET),
        };
        let (file, text) = match scenario_file(site, name)? {
            None => (None, None),
            Some((file, text)) => (Some(file.display().to_string()), Some(text)),
        };
        let values = Scenario::values_of(site);
        let mut scenario = match (&file, text) {
            (Some(file), Some(text)) => Scenario::parse(file, &text, &values)?,
            _ => Scenario::shipped(name, &values)?,
        };
        scenario.seed = self.seed.unwrap_or(scenario.seed);
        Ok((file.unwrap_or_else(|| name.to_string()), scenario))
    }

    /// The faults of the command line.
    pub(super) fn faults(&self) -> Result<Vec<Fault>> {
        let mut all = Vec::new();
        for text in &self.faults {
            all.extend(Fault::named_or_written(text).map_err(|e| e.with_kind(ErrorKind::Usage))?);
        }
        Ok(all)
    }
}

/// A scenario that is a file: by its path, or the site's own of that name.
fn scenario_file(site: &Site, name: &str) -> Result<Option<(PathBuf, String)>> {
    let own = site.layers.site_directory().map(|dir| dir.join("scenarios").join(format!("{name}.toml")));
    let path = match (name.contains('/') || name.ends_with(".toml"), own) {
        (true, _) => Path::new(name).to_path_buf(),
        (false, Some(own)) if own.is_file() => own,
        (false, _) => return Ok(None),
    };
    let unreadable = |e: std::io::Error| {
        Error::new(ErrorKind::Site, format!("{} cannot be read", path.display())).from_source(&e)
    };
    let text = std::fs::read_to_string(&path).map_err(unreadable)?;
    Ok(Some((path, text)))
}

/// A rehearsal whose lab is at work.
pub(super) struct Ready {
    pub(super) stage: Rehearsal,
    pub(super) runbook: String,
    pub(super) selection: Selection,
    /// Name and title of the scenario.
    scenario: (String, String),
}

impl Arguments {
    /// The arguments, from words as on a command line behind `rhumb rehearse`, and of this site or of the example.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`].
    pub(super) fn of_words(words: &[String], site: Option<&Path>) -> Result<Self> {
        let command = <Self as clap::Args>::augment_args(clap::Command::new("rehearse"));
        let words = std::iter::once("rehearse").chain(words.iter().map(String::as_str));
        let matches = command.try_get_matches_from(words);
        let arguments =
            matches.and_then(|matches| <Self as clap::FromArgMatches>::from_arg_matches(&matches));
        let mut arguments = arguments.map_err(|e| usage(e.to_string()))?;
        arguments.site.site = site.map(Path::to_path_buf);
        Ok(arguments)
    }

    /// Reads all that is named, and starts the lab.
    pub(super) fn ready(&self, runtime: &Handle) -> Result<Ready> {
        let site = self.site.load_or_example()?;
        let selection = self.steps.of(&site.layers, &self.runbook)?;
        site.layers.find(&self.runbook)?;
        let (name, scenario) = self.lab.scenario(&site, &self.runbook)?;
        let (faults, title) = (self.lab.faults()?, scenario.title.clone());
        let stage = Rehearsal::begin(&site, scenario, &faults, runtime)?;
        Ok(Ready { stage, runbook: self.runbook.clone(), selection, scenario: (name, title) })
    }
}

/// Rehearses it.
pub(super) fn main(arguments: &Arguments) -> Result<u8> {
    let began = Instant::now();
    let runtime = runtime()?;
    let Ready { stage, selection, scenario: (name, title), .. } = arguments.ready(runtime.handle())?;
    let Rehearsal { lab, clock, site } = stage;
    let home = arguments.state.home(&site)?.join(place::REHEARSALS);
    show(&drawn!(
        "rehearsal in the lab of this program: nothing real is reached\nscenario {}: {}\n",
        name,
        title
    ))?;
    let plan = Plan {
        site,
        home,
        run: place::run_id(&arguments.runbook, Timestamp::now()),
        runbook: arguments.runbook.clone(),
        mode: Mode::Rehearse,
        selection,
        resumed: false,
    };
    let approvals = Approvals::of(Some("rehearsal"), []);
    let exit = Stage { runtime, clock: clock.clone(), approvals }.conduct(plan);
    let requests: u64 = lab.requests().values().sum();
    show(&drawn!(
        "rehearsed {} in {}, with {} requests to the lab\n",
        duration::show(clock.elapsed()),
        duration::show(began.elapsed()),
        requests
    ))?;
    exit
}
