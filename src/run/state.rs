//! The state of one run, shared by its threads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::approval::{Approvals, Approver};
use super::attest::Evidence;
use super::bounds;
use super::cancel::Cancel;
use super::conclusion::{Conclusion, Grounds};
use super::effect_state::Effects;
use super::frame::{Entered, Frame, enter, frame, here};
use super::journal::Journal;
use super::past::Past;
use super::record::{Entry, Record, Verdict};
use super::selection::Selection;
use super::settle::Witness;
use super::transfer::Transfer;
use super::wait::Waiting;
use crate::base::{Clock, Error, ErrorKind, Result};

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The real thing.
    Run,
    /// Verify steps only.
    Observe,
    /// Against the lab, under virtual time.
    Rehearse,
}

impl Mode {
    /// The word in journals and reports.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Run => "run",
            Mode::Observe => "observe",
            Mode::Rehearse => "rehearse",
        }
    }
}

/// Somebody who watches the run: the terminal view, a hook program.
pub trait Observer: Send + Sync {
    /// Something was journaled.
    fn entry(&self, entry: &Entry);

    /// A wait looked again.
    fn waiting(&self, waiting: &Waiting) {
        let _ = waiting;
    }

    /// A file on its way has come further.
    fn transferring(&self, transfer: &Transfer) {
        let _ = transfer;
    }
}

/// Finds what accepts a gate that does not hold: step id, claim, observed value.
pub type Excuse = dyn Fn(&str, &str, &Value) -> Option<Verdict> + Send + Sync;

/// What a run is started with.
pub struct RunSettings {
    /// What it is for.
    pub mode: Mode,
    /// Where its time comes from.
    pub clock: Arc<dyn Clock>,
    /// Its journal, open.
    pub journal: Journal,
    /// Who watches.
    pub observer: Arc<dyn Observer>,
    /// Who is asked.
    pub approver: Box<dyn Approver>,
    /// What is approved beforehand.
    pub approvals: Approvals,
    /// Waivers and known issues.
    pub excuse: Box<Excuse>,
    /// What the journal held before a cut; empty for a new run.
    pub past: Past,
    /// Which of its steps are to run.
    pub selection: Selection,
    /// Ends the run from outside.
    pub cancel: Cancel,
    /// How long the clean-up of one step may take.
    pub cleanup_within: Duration,
}

/// A lock that a panicking thread does not take away from the others.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One run. Cheap to clone; every thread of the run has one.
#[derive(Clone)]
pub struct Run(Arc<Shared>);

pub(super) struct Shared {
    pub(super) mode: Mode,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) journal: Mutex<Journal>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) approver: Box<dyn Approver>,
    pub(super) approvals: Mutex<Approvals>,
    pub(super) excuse: Box<Excuse>,
    pub(super) past: Past,
    /// The entries of its changes that this run has come to.
    pub(super) met: Mutex<BTreeSet<u64>>,
    /// Its effects as they stand.
    pub(super) effects: Mutex<Effects>,
    /// Who looks at what is in doubt.
    pub(super) witness: OnceLock<Box<dyn Witness>>,
    /// What the step at work has shown so far.
    pub(super) shown: Mutex<Evidence>,
    /// The steps that the runbook's verdict needs.
    needs: Mutex<Vec<String>>,
    pub(super) selection: Selection,
    pub(super) cancel: Cancel,
    pub(super) cleanup_within: Duration,
    /// What the run has met outside of its steps, and the steps that it ends with.
    pub(super) outside: Arc<Frame>,
    /// Verdict of each step that ended.
    pub(super) verdicts: Mutex<BTreeMap<String, Verdict>>,
    /// Steps that keep their verdict and whose value nobody has any more, each with the reason.
    pub(super) lost: Mutex<BTreeMap<String, String>>,
    pub(super) waits: AtomicU64,
    pub(super) steps_repeat: AtomicBool,
    /// How changes would be allowed, while none are.
    pub(super) read_only: Mutex<Option<String>>,
    /// When the present clean-up must be over, by the clock.
    pub(super) phase_ends: Mutex<Option<Duration>>,
    began: Duration,
}

impl Run {
    /// Starts a run with its first record.
    pub fn begin(settings: RunSettings, first: Record) -> Result<Self> {
        let began = settings.clock.elapsed();
        let run = Run(Arc::new(Shared {
            mode: settings.mode,
            clock: settings.clock,
            journal: Mutex::new(settings.journal),
            observer: settings.observer,
            approver: settings.approver,
            approvals: Mutex::new(settings.approvals),
            excuse: settings.excuse,
            waits: AtomicU64::new(settings.past.last_wait()),
            effects: Mutex::new(settings.past.effects().clone()),
            past: settings.past,
            met: Mutex::default(),
            witness: OnceLock::new(),
            shown: Mutex::default(),
            needs: Mutex::default(),
            selection: settings.selection,
            outside: Frame::outside(&settings.cancel),
            cancel: settings.cancel,
            cleanup_within: settings.cleanup_within,
            verdicts: Mutex::default(),
            lost: Mutex::default(),
            steps_repeat: AtomicBool::new(false),
            read_only: Mutex::default(),
            phase_ends: Mutex::default(),
            began,
        }));
        run.append(first)?;
        if !run.0.selection.is_all() {
            run.append(Record::Selection(run.0.selection.clone()))?;
        }
        Ok(run)
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.0
    }

    /// Journals a record, known secrets masked and its texts of bounded size, and shows it to whoever watches.
    /// Returns its number.
    pub fn append(&self, record: Record) -> Result<u64> {
        let record = bounds::within(record.masked()?);
        let entry = {
            let mut effects = lock(&self.0.effects);
            let entry = lock(&self.0.journal).append(self.0.clock.now(), record)?;
            // the audit of the journal reports what does not fit here
            let _ = effects.take(&entry);
            entry
        };
        lock(&self.0.shown).take(&entry.record);
        if let Record::StepEnd { step, verdict, .. } = &entry.record {
            // as it is journaled: how the run ends is derived from that
            lock(&self.0.verdicts).insert(step.clone(), verdict.clone());
        }
        self.0.observer.entry(&entry);
        Ok(entry.n)
    }

    /// Its id: the name of its directory.
    pub fn id(&self) -> String {
        self.directory().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// The directory of its journal and of all that is kept of it.
    pub fn directory(&self) -> PathBuf {
        lock(&self.0.journal).path().parent().map(Path::to_path_buf).unwrap_or_default()
    }

    /// Refuses every change from now on, and says how they would be allowed; or allows them again.
    pub fn set_read_only(&self, how_to_change: Option<&str>) {
        *lock(&self.0.read_only) = how_to_change.map(str::to_string);
    }

    /// Lets a step run again under its id, as a session does. Resume tells a run's steps by their ids, so a
    /// runbook's may not.
    pub fn let_steps_repeat(&self) {
        self.0.steps_repeat.store(true, Ordering::Relaxed);
    }

    /// Forgets a step: neither its verdict nor what the run has met by it counts for how the run ends.
    pub fn forget(&self, step: &str) {
        lock(&self.0.verdicts).remove(step);
        drop(self.0.outside.take());
    }

    /// What the run is for.
    pub fn mode(&self) -> Mode {
        self.0.mode
    }

    /// Where its time comes from.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// What ends it from outside.
    pub fn cancel(&self) -> &Cancel {
        &self.0.cancel
    }

    /// Refuses I/O outside of steps: top-level code runs again on resume, a step's does not.
    pub fn require_step(&self, what: &str) -> Result<()> {
        if frame().is_some() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Refused, format!("{what} outside of a step"))
            .help("put it into a `verify` or `change` step: what happens outside of steps cannot be resumed"))
    }

    /// Remembers that the present step used this handle, as evidence of its gates.
    pub fn used(&self, handle: &str) {
        if let Some(frame) = frame() {
            lock(&frame.shared().scopes).insert(handle.to_string());
        }
    }

    /// The handles that the present step has used so far.
    pub fn handles_used(&self) -> Vec<String> {
        frame().map(|f| lock(&f.shared().scopes).iter().cloned().collect()).unwrap_or_default()
    }

    /// Journals a remark.
    pub fn note(&self, text: &str) -> Result<()> {
        let step = frame().map(|f| f.step.clone()).unwrap_or_default();
        self.append(Record::Note { step, text: text.into() }).map(drop)
    }

    /// Journals a named value.
    pub fn fact(&self, name: &str, value: Value) -> Result<()> {
        let step = frame().map(|f| f.step.clone()).unwrap_or_default();
        self.append(Record::Fact { step, name: name.into(), value }).map(drop)
    }

    /// What the journal has for a named value of this step, where the step has changed something since, before a cut.
    pub fn baseline(&self, name: &str) -> Option<Value> {
        self.0.past.baseline(&frame()?.step, name).cloned()
    }

    /// This thread is outside of this run's steps until what is returned is dropped.
    pub fn enter(&self) -> Entered {
        enter(Some(self.0.outside.clone()))
    }

    /// What the run ends with: what no step has met, and the first step that it cannot go on after.
    pub fn met(&self) -> Option<Error> {
        self.0.outside.worst().map(|ending| ending.error())
    }

    /// Starts over: nothing that was met before, and no interruption, reaches what follows, as with the next line of a session.
    pub fn start_over(&self) {
        self.0.cancel.rearm();
        drop(self.0.outside.take());
    }

    /// Takes this thread apart into branches: frames of their own, for [`Run::branch`]. Counts as one call of the step.
    pub fn fork(&self, branches: usize) -> Fork {
        let parent = here().unwrap_or_else(|| self.0.outside.clone());
        parent.next_call();
        let branches = (1..=branches).map(|index| parent.branch(index)).collect();
        Fork { parent, branches }
    }

    /// Runs a branch on this (new) thread. `index` counts from 0.
    pub fn branch<T>(&self, fork: &Fork, index: usize, body: impl FnOnce() -> T) -> T {
        let _entered = enter(fork.branches.get(index).cloned());
        body()
    }

    /// Journals what the runbook calls itself, and which steps its verdict needs.
    pub fn named(&self, id: &str, title: &str, needs: Vec<String>, overridden: Option<String>) -> Result<()> {
        lock(&self.0.needs).clone_from(&needs);
        let (id, title) = (id.to_string(), title.to_string());
        self.append(Record::Runbook { id, title, needs: Some(needs), overridden }).map(drop)
    }

    /// Ends the run with its last record. Returns whether it passed, and the exit code.
    pub fn finish(&self, error: Option<&Error>) -> Result<(bool, u8)> {
        let met = self.met();
        let interrupted = self.0.cancel.was_interrupted();
        let error = error.or(met.as_ref()).cloned();
        let error = error.map(|e| if interrupted { e.with_kind(ErrorKind::Interrupted) } else { e });
        let seconds = self.0.clock.elapsed().saturating_sub(self.0.began).as_secs_f64();
        let error = error.map_or(Value::Null, |e| serde_json::to_value(e).unwrap_or_default());
        let end = {
            let (now, needs) = (lock(&self.0.verdicts), lock(&self.0.needs));
            let before = self.0.past.verdicts().filter(|(step, _)| !now.contains_key(*step));
            let now = now.iter().map(|(step, verdict)| (step.as_str(), verdict));
            // what a line of a session leaves open keeps nothing from passing; a step that it declares and that fails counts
            let session = self.0.steps_repeat.load(Ordering::Relaxed);
            let counts = |verdict: &Verdict| !session || verdict.ended_badly();
            let steps = now.chain(before).filter(|(_, verdict)| counts(verdict)).collect();
            let observed = self.0.mode == Mode::Observe;
            let effects = lock(&self.0.effects);
            let in_doubt = if session { Vec::new() } else { effects.in_doubt() };
            let grounds = Grounds { steps, needs: &needs, in_doubt, observed, of_before: false };
            Conclusion::of(&grounds, &error).unwrap_or_else(Conclusion::unknown)
        };
        let (ok, exit, outcome) = (end.ok(), end.exit, Some(end.outcome));
        self.append(Record::RunEnd { ok, exit, outcome, lacks: end.lacks, seconds, error })?;
        Ok((ok, exit))
    }
}

/// Where branches began, and their frames.
pub struct Fork {
    parent: Arc<Frame>,
    branches: Vec<Arc<Frame>>,
}

impl Fork {
    /// All branches have come back. Returns whether one of them has met an end, which is this thread's end too.
    pub fn join(&self) -> bool {
        self.parent.join(&self.branches);
        self.parent.has_left()
    }
}
