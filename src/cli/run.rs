//! `rhumb run`: a runbook against the site's cloud.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::ask::Terminal;
use super::view::View;
use super::{SiteArguments, complain, interrupt, place};
use crate::base::{Clock, Error, ErrorKind, Result, SystemClock};
use crate::report::terminal;
use crate::run::lock::{Holder, SiteLock};
use crate::run::{Approvals, Cancel, Journal, Mode, Past, Record, Run, RunReport, RunSettings};
use crate::script::diagnostic::Report;
use crate::script::handles::SiteHandle;
use crate::script::modules::Library;
use crate::script::{Host, Runbook};

/// How long the clean-up of one step may take.
const CLEANUP_WITHIN: Duration = Duration::from_secs(20 * 60);

/// Arguments of `rhumb run`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The runbook's name, as `rhumb list` shows it
    runbook: String,
    #[command(flatten)]
    site: SiteArguments,
    /// Run the verify steps only; change nothing
    #[arg(long)]
    observe: bool,
    /// Approve every change beforehand; each is still shown and journaled
    #[arg(long)]
    yes: bool,
    /// Approve the changes of these steps, or those aimed at these ids
    #[arg(long, value_name = "STEP|ID", value_delimiter = ',')]
    approve: Vec<String>,
    /// Where runs are kept
    #[arg(long, value_name = "DIR", env = "RHUMB_STATE")]
    state_dir: Option<PathBuf>,
}

/// Runs it.
pub(super) fn main(arguments: Arguments) -> Result<u8> {
    let site = arguments.site.load()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Error::new(ErrorKind::Io, "no runtime for requests").from_source(&e))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(runtime.handle().clone()));
    let home = match arguments.state_dir.or_else(|| site.run.state_dir.clone()) {
        Some(dir) => dir,
        None => place::state_home()?.join(&site.name),
    };
    let id = place::run_id(&arguments.runbook, clock.now());
    let holder = Holder {
        run: id.clone(),
        by: place::who(),
        pid: std::process::id(),
        since: clock.now().strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
    };
    let _lock = SiteLock::take(&home.join("lock"), &holder)?;
    let dir = home.join("runs").join(&id);
    let journal = Journal::create(&dir, true)?;

    let (view, cancel) = (Arc::new(View::new()), Cancel::default());
    let cleanup_within = site.run.cleanup_within;
    let library = Library::new(site.layers.clone());
    let handle = SiteHandle::new(site, clock.clone());
    view.line(&format!("site {} · run {id}\njournal {}\n", handle.name(), journal.path().display()));
    let said = view.clone();
    interrupt::listen(runtime.handle(), cancel.clone(), move |text| said.line(&format!("         {text}")));

    let mode = if arguments.observe { Mode::Observe } else { Mode::Run };
    let approvals = Approvals::of(arguments.yes.then_some("--yes"), arguments.approve);
    let (excuses, name) = (handle.clone(), arguments.runbook.clone());
    let settings = RunSettings {
        mode,
        clock,
        journal,
        observer: view.clone(),
        approver: Box::new(Terminal::new(view.clone(), cancel.clone())),
        approvals,
        excuse: Box::new(move |step, claim, observed| excuses.excuse(&name, step, claim, observed)),
        past: Past::default(),
        cancel,
        cleanup_within: cleanup_within.unwrap_or(CLEANUP_WITHIN),
    };
    let first = Record::RunBegin {
        run: id,
        runbook: arguments.runbook.clone(),
        site: handle.name().to_string(),
        mode: mode.name().into(),
        version: env!("CARGO_PKG_VERSION").into(),
        by: holder.by,
        pid: holder.pid,
        values: handle.values(),
    };
    let run = Run::begin(settings, first)?;
    let host = Host::new(run.clone(), handle, library.clone(), runtime.handle().clone());
    let (error, report) = match Runbook::load(&arguments.runbook, &host) {
        Err(thrown) => {
            let e = thrown.error();
            (Some(e.clone()), Some(Report::of(&thrown, &e, &library)))
        }
        Ok(runbook) => {
            let ended = runbook.run();
            let report = ended.error.as_ref().map(|e| match &ended.thrown {
                Some(thrown) => Report::of(thrown, e, &library),
                None => Report::plain(e),
            });
            (ended.error, report)
        }
    };
    let finished = run.finish(error.as_ref());
    view.end();
    if let Some(report) = report {
        complain(&report);
    }
    let (_, exit) = finished?;
    close(&view, &dir, exit)
}

/// Writes the reports, and says how the run stands and where they lie.
fn close(view: &View, dir: &Path, exit: u8) -> Result<u8> {
    let read = crate::run::journal::read(&dir.join(crate::run::journal::FILE))?;
    let report = RunReport::of(&read.entries);
    let paths = crate::report::write_all(dir, &report)?;
    let (width, colours) = super::terminal_of(&std::io::stdout(), &console::Term::stdout());
    let options = terminal::Options { width, colours, reports: Some(&paths) };
    view.line(terminal::render(&report, &options).trim_end());
    Ok(exit)
}
