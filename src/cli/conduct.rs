//! What `run`, `resume` and `rehearse` share: one run from its lock to its reports.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::approve::{ApproveArguments, hold_doubts};
use super::ask::{Rehearser, Terminal};
use super::lease::Held;
use super::place::StateArguments;
use super::selection::SelectionArguments;
use super::view::View;
use super::watch::{Front, Watch};
use super::{SiteArguments, complain, interrupt, place, watch};
use crate::base::screen::{self, Drawn, Stream, drawn};
use crate::base::{Clock, Error, ErrorKind, Result, SystemClock, again};
use crate::report::{Estimates, prose, runs, terminal, write_all};
use crate::run::lock::{Holder, SiteLock};
use crate::run::{
    Approvals, Cancel, Journal, Mode, Past, Record, Run, RunReport, RunSettings, SESSION, Selection,
};
use crate::script::Host;
use crate::script::drift::Drift;
use crate::script::handles::SiteHandle;
use crate::script::modules::Library;
use crate::script::overlay::Review;
use crate::script::promised;
use crate::script::runbook::{self, Ended};
use crate::site::Site;

/// How long the clean-up of one step may take, unless the site says otherwise.
pub(super) const CLEANUP_WITHIN: Duration = Duration::from_secs(20 * 60);

/// What `run` and `resume` take alike.
#[derive(clap::Args)]
pub(super) struct Conduct {
    #[command(flatten)]
    site: SiteArguments,
    /// Approve every change beforehand; each is still shown and journaled
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    approve: ApproveArguments,
    #[command(flatten)]
    pub(super) steps: SelectionArguments,
    #[command(flatten)]
    state: StateArguments,
}

/// A run about to begin, or to go on.
pub(super) struct Plan {
    pub(super) site: Site,
    pub(super) home: PathBuf,
    pub(super) run: String,
    pub(super) runbook: String,
    pub(super) mode: Mode,
    pub(super) selection: Selection,
    /// The run goes on from its journal.
    pub(super) resumed: bool,
}

impl Conduct {
    /// The site, and the directory that its runs are kept in.
    pub(super) fn site(&self) -> Result<(Site, PathBuf)> {
        let site = self.site.load()?;
        let home = self.state.home(&site)?;
        again::conducts(again::With::of(self.site.site.as_deref(), &self.site.sets, self.state.given()));
        Ok((site, home))
    }

    /// Conducts a run of the real thing to its end. Returns the exit code.
    pub(super) fn conduct(self, plan: Plan) -> Result<u8> {
        let runtime = runtime()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(runtime.handle().clone()));
        let granted = self.approve.of(&plan.site.layers, &plan.runbook)?;
        let approvals = Approvals::of(self.yes.then_some("--yes"), granted);
        Stage { runtime, clock, approvals }.conduct(plan)
    }
}

/// What a run stands on: the machine's own time and this operator, or a rehearsal's.
pub(super) struct Stage {
    pub(super) runtime: tokio::runtime::Runtime,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) approvals: Approvals,
}

impl Stage {
    /// Conducts a run to its end. Returns the exit code. Nothing real is at stake in a rehearsal: it excludes
    /// nobody, waits for no disk, and nobody is asked.
    pub(super) fn conduct(self, mut plan: Plan) -> Result<u8> {
        let Stage { runtime, clock, approvals } = self;
        let rehearsed = plan.mode == Mode::Rehearse;
        if !plan.resumed
            && let Some(step) = approvals.steps_said_done().next()
        {
            let what = format!("nothing is in doubt in a run that begins: --approve step:{step}:done");
            return Err(Error::new(ErrorKind::Usage, what)
                .help("it is for `rhumb resume`, and says that what is in doubt took effect"));
        }
        let (by, pid) = (place::who(), std::process::id());
        let since = clock.now().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let holder = Holder { run: plan.run.clone(), by: by.clone(), pid, since, step: None };
        let cancel = Cancel::default();
        let held = match rehearsed {
            true => None,
            false => {
                let lock = Arc::new(SiteLock::take(&plan.home.join("lock"), &holder)?);
                let tell = |text: &str| screen::complain(&drawn!("{}\n", text));
                // let go of in this order
                Some((Held::take(&plan.site, &holder, runtime.handle(), &cancel, tell)?, lock))
            }
        };
        let lock = held.as_ref().map(|(_, lock)| lock.clone());

        let dir = plan.home.join(place::RUNS).join(&plan.run);
        let library = Library::new(plan.site.layers.clone());
        let (journal, past) = match plan.resumed {
            false => (Journal::create(&dir, !rehearsed)?, Past::default()),
            true => {
                let (journal, entries) = Journal::reopen(&dir)?;
                let values = SiteHandle::new(plan.site.clone(), clock.clone()).values();
                let drift = Drift::of(&entries, &dir, library.shelf(), &values)?;
                hold(&drift, &plan.selection, &plan.run)?;
                if drift.of_values() {
                    plan.selection = plan.selection.with_values(values);
                }
                let past = Past::of(&entries);
                hold_doubts(&approvals, &past, &plan.run)?;
                (journal, past)
            }
        };
        // what is usual is a help, not a need: where it cannot be read, none is told
        let usual = Estimates::of_earlier(&plan.home.join(place::RUNS), &plan.runbook, &plan.site.name);
        let view = Arc::new(View::new(&plan.runbook, usual.unwrap_or_default()).telling(!rehearsed));
        let drifted = drifted(&plan.site, &plan.runbook);
        let cleanup_within = plan.site.run.cleanup_within.unwrap_or(CLEANUP_WITHIN);
        let told = Arc::new(OnceLock::new());
        let notifier = match rehearsed {
            true => None,
            false => {
                watch::notifier(&plan.site, &holder, &plan.runbook, &dir, runtime.handle(), told.clone())
            }
        };
        let handle = SiteHandle::new(plan.site, clock.clone());
        let journal_path = journal.path().display();
        view.line(&drawn!("site {} · run {}\njournal {}\n", handle.name(), plan.run, journal_path));
        // a session that was cut off cannot be gone on with
        let session = |run: &str| {
            runs::opening(&plan.home.join(place::RUNS).join(run)).is_some_and(|o| o.runbook == SESSION)
        };
        let left = lock.as_ref().and_then(|lock| lock.left());
        if let Some(left) = left.filter(|left| left.run != plan.run && !session(&left.run)) {
            let kept = RunReport::load(&plan.home.join(place::RUNS).join(&left.run));
            let resume = kept.map(|report| report.with).unwrap_or_default().resume(&left.run);
            view.line(&drawn!("{} was cut off; `{}` goes on with it\n", left, resume));
        }
        let said = view.clone();
        interrupt::listen(runtime.handle(), cancel.clone(), plan.run.clone(), move |text| {
            said.line(&drawn!("         {}", text))
        });

        let (excuses, name) = (handle.clone(), plan.runbook.clone());
        let settings = RunSettings {
            mode: plan.mode,
            clock,
            journal,
            observer: Arc::new(Watch::new(view.clone(), lock, notifier.clone())),
            approver: match rehearsed {
                true => Box::new(Rehearser),
                false => Box::new(Front::new(Terminal::new(view.clone(), cancel.clone()), notifier.clone())),
            },
            approvals,
            excuse: Box::new(move |step, claim, observed| excuses.excuse(&name, step, claim, observed)),
            past,
            selection: plan.selection,
            cancel,
            cleanup_within,
        };
        let version = env!("CARGO_PKG_VERSION").to_string();
        let first = match plan.resumed {
            true => Record::RunResume { version, by, pid, with: again::of_run() },
            false => Record::RunBegin {
                run: plan.run,
                runbook: plan.runbook.clone(),
                site: handle.name().to_string(),
                mode: plan.mode.name().into(),
                version,
                by,
                pid,
                values: handle.values(),
                with: again::of_run(),
            },
        };
        if plan.mode != Mode::Rehearse {
            // masked from the first record on, whether or not the run comes to use them
            handle.site().secrets_at_hand();
        }
        let run = Run::begin(settings, first)?;
        let _ = told.set(run.clone());
        if let Some(drifted) = drifted {
            run.note(&drifted)?;
        }
        let host = Host::new(run.clone(), handle, library.clone(), runtime.handle().clone());
        let Ended { error, report } = runbook::evaluate(&plan.runbook, &host);
        let finished = run.finish(error.as_ref());
        if let Some(notifier) = notifier {
            notifier.close();
        }
        view.end();
        if let Some(report) = report {
            complain(&report);
        }
        let exit = match finished {
            Ok((_, exit)) => exit,
            // it is what ended the run, and has been told
            Err(e) if error.is_some_and(|known| known.kind() == e.kind()) => return Ok(e.kind().exit_code()),
            Err(e) => return Err(e),
        };
        close(&view, &dir, &library, exit)
    }
}

/// What requests run on.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Error::new(ErrorKind::Io, "no runtime for requests").from_source(&e))
}

/// What a run meets of overrides that nobody has looked at since what they change is another. Where that cannot be
/// told, the run itself will say why.
fn drifted(site: &Site, runbook: &str) -> Option<String> {
    site.layers.site_directory()?;
    Review::of_overlaid(&site.layers).ok()?.warning(runbook)
}

/// Holds that a run goes on with the texts and values it had, or from a step before they part, if the operator wants that.
fn hold(drift: &Drift, selection: &Selection, run: &str) -> Result<()> {
    // what an earlier resume was wanted from was said before this changed
    let from = selection.from().filter(|_| !selection.goes_on());
    if drift.is_none() || from.is_some_and(|from| drift.allows(from)) {
        return Ok(());
    }
    screen::complain(&Drawn::lines(&drift.draw()).behind("│ "));
    let what = format!("not what it was when the run was cut off: {}", drift.summary());
    let help = match drift.first() {
        Some(step) => format!(
            "put it back, or go on from where it matters, with the steps from there on run anew: `{}`",
            again::from(run, step)
        ),
        None => "put it back, or start a new run".into(),
    };
    Err(Error::new(ErrorKind::Drift, what).help(help))
}

/// Writes the reports, and says how the run stands and where they lie.
fn close(view: &View, dir: &Path, library: &Library, exit: u8) -> Result<u8> {
    let mut report = RunReport::load(dir)?;
    match promised::kept_in(dir) {
        Some(kept) => prose::explain(&mut report, &kept),
        None => prose::explain(&mut report, library.shelf()),
    }
    let paths = write_all(dir, &report)?;
    let (width, colours) = super::layout(Stream::Out);
    let options = terminal::Options { width, colours, reports: Some(&paths) };
    view.line(&terminal::render(&report, &options).trimmed());
    Ok(exit)
}
