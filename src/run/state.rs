//! The state of one run, shared by its threads, and the frame of the step each thread is in.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::approval::{Approvals, Approver};
use super::cancel::Cancel;
use super::journal::Journal;
use super::past::Past;
use super::record::{Entry, Record, StepKind, Verdict};
use super::selection::Selection;
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

/// A clean-up of a step, and its title.
pub(super) type Deferred = (String, Box<dyn FnOnce() -> Result<()> + Send>);

/// The step that a thread is in.
pub(super) struct Frame {
    pub(super) step: String,
    pub(super) title: String,
    pub(super) kind: StepKind,
    /// `2/` in the second branch of a `parallel`, else empty.
    branch: String,
    calls: AtomicU64,
    shared: Arc<FrameShared>,
}

/// What all branches of a step share.
#[derive(Default)]
pub(super) struct FrameShared {
    pub(super) scopes: Mutex<BTreeSet<String>>,
    pub(super) excused: Mutex<Option<Verdict>>,
    pub(super) deferred: Mutex<Vec<Deferred>>,
}

impl Frame {
    pub(super) fn new(step: &str, title: &str, kind: StepKind) -> Arc<Self> {
        Arc::new(Frame {
            step: step.into(),
            title: title.into(),
            kind,
            branch: String::new(),
            calls: AtomicU64::new(0),
            shared: Arc::default(),
        })
    }

    /// The place of the next change in the step.
    pub(super) fn next_call(&self) -> String {
        format!("{}{}", self.branch, self.calls.fetch_add(1, Ordering::SeqCst) + 1)
    }

    /// The place that [`Frame::next_call`] would give.
    pub(super) fn peek_call(&self) -> String {
        format!("{}{}", self.branch, self.calls.load(Ordering::SeqCst) + 1)
    }

    pub(super) fn shared(&self) -> &FrameShared {
        &self.shared
    }
}

thread_local! {
    static FRAME: RefCell<Option<Arc<Frame>>> = const { RefCell::new(None) };
}

pub(super) fn frame() -> Option<Arc<Frame>> {
    FRAME.with(|f| f.borrow().clone())
}

pub(super) fn set_frame(frame: Option<Arc<Frame>>) -> Option<Arc<Frame>> {
    FRAME.with(|f| f.replace(frame))
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
    /// The entries of changes in doubt that were seen done before the steps began.
    pub(super) seen_done: Mutex<BTreeSet<u64>>,
    pub(super) selection: Selection,
    pub(super) cancel: Cancel,
    pub(super) cleanup_within: Duration,
    /// Verdict of each step that ended.
    pub(super) verdicts: Mutex<BTreeMap<String, Verdict>>,
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
            past: settings.past,
            met: Mutex::default(),
            seen_done: Mutex::default(),
            selection: settings.selection,
            cancel: settings.cancel,
            cleanup_within: settings.cleanup_within,
            verdicts: Mutex::default(),
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

    /// Journals a record and shows it to whoever watches. Returns its number.
    pub fn append(&self, record: Record) -> Result<u64> {
        let entry = lock(&self.0.journal).append(self.0.clock.now(), record)?;
        self.0.observer.entry(&entry);
        Ok(entry.n)
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

    /// Forgets a step's verdict: it does not count for how the run ends.
    pub fn forget(&self, step: &str) {
        lock(&self.0.verdicts).remove(step);
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

    /// Has a claim signed off. `None`: nobody signed.
    pub fn attest(&self, claim: &str) -> Result<Option<String>> {
        let step = frame().map(|f| f.step.clone()).unwrap_or_default();
        let by = self.0.approver.attest(claim);
        self.append(Record::Attest { step, claim: claim.into(), by: by.clone() })?;
        Ok(by)
    }

    /// Runs a branch of a `parallel` on this (new) thread, in the step of the thread that
    /// made it. `index` counts from 1 and keeps the branches' changes apart in the journal.
    pub fn branch<T>(&self, of: Option<&Branch>, index: usize, body: impl FnOnce() -> T) -> T {
        let child = of.map(|Branch(parent)| {
            Arc::new(Frame {
                step: parent.step.clone(),
                title: parent.title.clone(),
                kind: parent.kind,
                branch: format!("{}{}/{index}/", parent.branch, parent.calls.load(Ordering::SeqCst)),
                calls: AtomicU64::new(0),
                shared: parent.shared.clone(),
            })
        });
        let before = set_frame(child);
        let value = body();
        set_frame(before);
        value
    }

    /// The step of this thread, to hand to [`Run::branch`]. Counts as one call of the step.
    pub fn fork(&self) -> Option<Branch> {
        frame().map(|f| {
            f.calls.fetch_add(1, Ordering::SeqCst);
            Branch(f)
        })
    }

    /// Ends the run with its last record. Returns whether it passed, and the exit code.
    pub fn finish(&self, error: Option<&Error>) -> Result<(bool, u8)> {
        let failed = lock(&self.0.verdicts).values().any(|v| matches!(v, Verdict::Fail { .. }));
        let exit = match error {
            Some(_) if self.0.cancel.was_interrupted() => ErrorKind::Interrupted.exit_code(),
            Some(e) => e.kind().exit_code(),
            None if failed => ErrorKind::Gate.exit_code(),
            None => 0,
        };
        let seconds = self.0.clock.elapsed().saturating_sub(self.0.began).as_secs_f64();
        let error = error.map_or(Value::Null, |e| serde_json::to_value(e).unwrap_or_default());
        self.append(Record::RunEnd { ok: exit == 0, exit, seconds, error })?;
        Ok((exit == 0, exit))
    }
}

/// The step that a parallel branch belongs to.
#[derive(Clone)]
pub struct Branch(Arc<Frame>);
