//! `rhumb show`: a runbook as prose, or one of its steps with its text.

use super::SiteArguments;
use super::place::{RUNS, StateArguments};
use crate::base::screen::{Stream, drawn};
use crate::base::{ErrorKind, Result};
use crate::report::Estimates;
use crate::script::diagnostic::Report;
use crate::script::prose::{Look, Prose};
use crate::site::{Site, Values};

/// Arguments of `rhumb show`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The runbook's name, as `rhumb list` shows it
    runbook: String,
    /// The id of one of its steps
    step: Option<String>,
    /// Print it as data
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    site: SiteArguments,
    #[command(flatten)]
    state: StateArguments,
}

/// Shows it.
pub(super) fn main(arguments: &Arguments) -> Result<u8> {
    let site = match arguments.site.site.is_some().then(|| arguments.site.load()).transpose() {
        // a site file that is broken keeps nobody from reading: the shipped defaults stand in
        Err(e) if e.kind() == ErrorKind::Site => {
            super::complain(&Report::plain(&e));
            None
        }
        site => site?,
    };
    let layers = arguments.site.layers()?;
    let shipped = Values::shipped(&layers, &arguments.site.sets)?;
    let values: &Values = site.as_ref().map_or(&shipped, Site::values);
    let value = |name: &str| values.get(name).ok().flatten().map(|setting| setting.value.to_string());
    let mut prose = Prose::with(&layers, &arguments.runbook, &value)?;
    if let Some(site) = &site {
        // what is usual is a help, not a need: where it cannot be read, none is said
        let home = arguments.state.home(site);
        let usual = home.and_then(|home| Estimates::of_earlier(&home.join(RUNS), &prose.name, &site.name));
        let usual = usual.unwrap_or_default();
        for step in &mut prose.steps {
            step.usually = usual.step(&prose.name, &step.id).map(|usual| usual.to_string());
        }
    }
    if arguments.json {
        match &arguments.step {
            Some(id) => super::print_json(prose.step(id)?)?,
            None => super::print_json(&prose)?,
        }
        return Ok(0);
    }
    let (width, colours) = super::layout(Stream::Out);
    let look = Look { width, colours };
    let page = match &arguments.step {
        Some(id) => prose.step(id)?.draw(look),
        None => prose.draw(look),
    };
    super::show(&drawn!("{}\n", page.trimmed()))?;
    Ok(0)
}
