//! `rhumb repl`: a session to look around in, and to change things once it is unlocked.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::approve::ApproveArguments;
use super::ask::Terminal;
use super::place::{self, StateArguments};
use super::rehearse::LabArguments;
use super::view::View;
use super::{SiteArguments, conduct};
use crate::base::screen::Stream;
use crate::base::{Clock, Result, SimClock, SystemClock};
use crate::lab::{Lab, Rehearsal};
use crate::repl;
use crate::run::{Approvals, Mode};
use crate::site::Site;

/// How often a lab's time is moved on while it is looked at.
const BEAT: Duration = Duration::from_millis(100);

/// Arguments of `rhumb repl`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    site: SiteArguments,
    /// Practise in the lab inside the program: a shipped scenario, one of the site's `scenarios/`, or a file
    #[arg(long, value_name = "SCENARIO")]
    lab: Option<String>,
    // a step is one that `:step` runs
    #[command(flatten)]
    approve: ApproveArguments,
    /// After how long without a key an unlocked session locks itself
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = crate::base::duration::parse)]
    idle: Duration,
    #[command(flatten)]
    state: StateArguments,
}

/// The cloud that a session looks at.
struct Ground {
    site: Site,
    clock: Arc<dyn Clock>,
    mode: Mode,
    /// What the prompt calls it.
    title: String,
    /// The lab ends with it.
    _lab: Option<Arc<Lab>>,
}

impl Arguments {
    fn ground(&self, runtime: &Handle) -> Result<Ground> {
        let Some(name) = &self.lab else {
            let site = self.site.load()?;
            let clock = Arc::new(SystemClock::new(runtime.clone()));
            let title = site.name.clone();
            return Ok(Ground { site, clock, mode: Mode::Run, title, _lab: None });
        };
        let site = self.site.load_or_example()?;
        let (title, scenario) = LabArguments::of(name).scenario(&site, repl::NAME)?;
        let Rehearsal { lab, clock, site } = Rehearsal::begin(&site, scenario, &[], runtime)?;
        runtime.spawn(beat(clock.clone()));
        Ok(Ground { site, clock, mode: Mode::Rehearse, title: format!("lab:{title}"), _lab: Some(lab) })
    }
}

/// Lets a lab's time pass as it does for whoever looks at it; waits still jump.
async fn beat(clock: Arc<SimClock>) {
    let mut beat = tokio::time::interval(BEAT);
    loop {
        beat.tick().await;
        clock.advance_to(clock.elapsed() + BEAT);
    }
}

/// Runs a session.
pub(super) fn main(arguments: Arguments) -> Result<u8> {
    let runtime = conduct::runtime()?;
    let ground = arguments.ground(runtime.handle())?;
    let mut home = arguments.state.home(&ground.site)?;
    if ground.mode == Mode::Rehearse {
        home.push(place::REHEARSALS);
    }
    // a session at a terminal draws a line of its own
    let real = ground.mode != Mode::Rehearse && !Stream::Out.is_terminal();
    let view = Arc::new(View::still(repl::NAME).telling(real));
    let observer = view.clone();
    let code = repl::run(repl::Settings {
        site: ground.site,
        title: ground.title,
        scenario: arguments.lab,
        runs: home.join(place::RUNS),
        home,
        run_id: place::run_id,
        by: place::who(),
        mode: ground.mode,
        clock: ground.clock,
        runtime: runtime.handle().clone(),
        observer,
        approver: Box::new(move |cancel| Box::new(Terminal::in_session(view.clone(), cancel, repl::ask))),
        approvals: Approvals::of(None, arguments.approve.of_session()?),
        idle: arguments.idle,
    });
    // what is still under way in the background is not waited for
    runtime.shutdown_background();
    code
}
