//! `rhumb repl`: a session to look around in, and to change things once it is unlocked.

use std::sync::Arc;

use super::ask::Terminal;
use super::place::{self, StateArguments};
use super::view::View;
use super::{SiteArguments, conduct};
use crate::base::{Clock, Result, SystemClock};
use crate::repl;
use crate::run::{Approvals, Mode};

/// Arguments of `rhumb repl`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    site: SiteArguments,
    /// Approve the changes aimed at these ids, once the session is unlocked
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    approve: Vec<String>,
    /// After how long without a key an unlocked session locks itself
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = crate::base::duration::parse)]
    idle: std::time::Duration,
    #[command(flatten)]
    state: StateArguments,
}

/// Runs a session.
pub(super) fn main(arguments: Arguments) -> Result<u8> {
    let site = arguments.site.load()?;
    let home = arguments.state.home(&site)?;
    let runtime = conduct::runtime()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(runtime.handle().clone()));
    let view = Arc::new(View::still("repl"));
    let observer = view.clone();
    let code = repl::run(repl::Settings {
        site,
        runs: home.join(place::RUNS),
        home,
        run_id: place::run_id,
        by: place::who(),
        mode: Mode::Run,
        clock,
        runtime: runtime.handle().clone(),
        observer,
        approver: Box::new(move |cancel| Box::new(Terminal::in_session(view.clone(), cancel, repl::ask))),
        approvals: Approvals::of(None, arguments.approve),
        idle: arguments.idle,
    });
    // what is still under way in the background is not waited for
    runtime.shutdown_background();
    code
}
