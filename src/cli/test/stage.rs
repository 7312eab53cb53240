//! One rehearsal within this process and without a word: what `rhumb rehearse` does, over other texts, and within bounds.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rhai::Map;
use serde_json::Value;

use super::pages::Pages;
use super::rehearsal;
use crate::base::{Clock as _, Error, ErrorKind, Result, SimClock};
use crate::cli::rehearse;
use crate::cli::unseen::{self, Unseen};
use crate::lab::Rehearsal;
use crate::run::{Cancel, Entry, Observer, RunReport, Waiting};
use crate::script::modules::Library;
use crate::script::mutate::shelf::{Instead, Swapped};
use crate::script::mutate::trial::Trial;

/// How far a rehearsal may go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Operations of the language.
    pub(super) operations: u64,
    /// Time of the lab.
    pub(super) played: Duration,
    /// Time of this machine.
    pub(super) real: Duration,
}

impl Bounds {
    /// As far as a rehearsal of anybody's own may go.
    pub(super) const FAR: Bounds = Bounds {
        operations: 200_000_000,
        played: Duration::from_secs(365 * 24 * 3600),
        real: Duration::from_secs(600),
    };
}

/// A rehearsal that was played.
pub(super) struct Played {
    /// What came of it, as tests see it.
    pub(super) told: Value,
    /// It went past a bound.
    pub(super) over: bool,
    /// Time of the lab that it took.
    pub(super) played: Duration,
}

/// What is rehearsed, and over which texts.
pub(super) struct Part<'p> {
    pub(super) site: Option<&'p Path>,
    /// The directory of the test file.
    pub(super) beside: &'p Path,
    pub(super) runbook: &'p str,
    pub(super) options: &'p Map,
    pub(super) instead: Arc<Instead>,
    pub(super) pages: &'p Pages,
}

/// What stands for a rehearsal: all that decides what comes of it besides the scripts.
pub(super) fn key(beside: &Path, runbook: &str, options: &Map) -> String {
    format!("{} {runbook} {options:?}", beside.display())
}

/// Plays it to its end or to a bound. `trial` bounds its operations, and takes note of what it comes through.
///
/// # Errors
/// The rehearsal did not begin.
pub(super) fn play(part: &Part<'_>, bounds: Bounds, trial: Option<&Arc<Trial>>) -> Result<Played> {
    let mut words = vec![part.runbook.to_string()];
    words.extend(rehearsal::arguments(part.options, part.beside)?);
    let arguments = rehearse::Arguments::of_words(&words, part.site)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let io = |e: std::io::Error| Error::new(ErrorKind::Io, "the rehearsal cannot be started").from_source(&e);
    let runtime = runtime.map_err(io)?;
    let ready = arguments.ready(runtime.handle())?;
    let Rehearsal { lab, clock, site } = ready.stage;
    let state = tempfile::tempdir().map_err(io)?;
    let dir = state.path().join("run");
    let cancel = Cancel::default();
    let watch = Arc::new(Watch {
        clock: clock.clone(),
        began: Instant::now(),
        bounds,
        cancel: cancel.clone(),
        over: AtomicBool::new(false),
        at_the_end: OnceLock::new(),
    });
    let guard = watch.clone();
    runtime.spawn(async move {
        tokio::time::sleep(bounds.real).await;
        guard.end();
    });
    let shelf = Swapped::new(site.layers.clone(), part.instead.clone());
    let library = Library::new(shelf.clone());
    let unseen = Unseen {
        runbook: &ready.runbook,
        selection: ready.selection,
        by: "rhumb test",
        directory: &dir,
        observer: watch.clone(),
        cancel,
    };
    let host = unseen.begin(site, clock.clone(), library, runtime.handle())?;
    if let Some(trial) = trial {
        host.set_trial(trial.clone());
    }
    let (error, exit) = unseen::play(&host, &ready.runbook);
    let too_much = error.as_ref().is_some_and(|e| e.to_string().contains(TOO_MANY));
    let mut report = RunReport::load(&dir)?;
    part.pages.explain(&mut report, &shelf);
    let told = rehearsal::told(&report, i32::from(exit));
    drop((host, lab));
    runtime.shutdown_background();
    Ok(Played { told, over: too_much || watch.over.load(Ordering::SeqCst), played: clock.elapsed() })
}

/// What Rhai says of a script that takes more operations than it may.
const TOO_MANY: &str = "Too many operations";

/// Ends a run that goes past its bounds.
struct Watch {
    clock: Arc<SimClock>,
    began: Instant,
    bounds: Bounds,
    cancel: Cancel,
    over: AtomicBool,
    at_the_end: OnceLock<()>,
}

impl Watch {
    fn end(&self) {
        if self.at_the_end.set(()).is_ok() {
            self.over.store(true, Ordering::SeqCst);
            self.cancel.interrupt();
        }
    }

    fn look(&self) {
        if self.clock.elapsed() > self.bounds.played || self.began.elapsed() > self.bounds.real {
            self.end();
        }
    }
}

impl Observer for Watch {
    fn entry(&self, _: &Entry) {
        self.look();
    }

    fn waiting(&self, _: &Waiting) {
        self.look();
    }
}
