//! Where a thread of a run is: in a step, in a branch of one, or outside of all steps.
//!
//! A frame keeps what its step has met. Each operation of a script asks its thread's frame whether it may go on, and
//! the step is judged by its frame: no value that a script returns and no error that it catches counts for more.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::cancel::Cancel;
use super::met::{Ending, Met};
use super::record::{StepKind, Verdict};
use super::state::lock;
use super::step::Unwind;
use crate::base::{CancellationToken, Class, Error, Result};

/// A clean-up of a step, and its title. What it meets is kept by the frame.
pub(super) type Deferred = (String, Box<dyn FnOnce(&Frame) + Send>);

/// Where a thread is.
pub(super) struct Frame {
    /// The step's id; nothing outside of steps.
    pub(super) step: String,
    pub(super) title: String,
    pub(super) kind: StepKind,
    inside: bool,
    /// `2/` in the second branch of a `parallel`, else empty.
    branch: String,
    calls: AtomicU64,
    /// This branch has met its end.
    left: AtomicBool,
    cancel: Cancel,
    shared: Arc<FrameShared>,
}

/// What all branches of a step share.
#[derive(Default)]
pub(super) struct FrameShared {
    pub(super) scopes: Mutex<BTreeSet<String>>,
    pub(super) excused: Mutex<Option<Verdict>>,
    pub(super) deferred: Mutex<Vec<Deferred>>,
    met: Mutex<Met>,
    /// All branches have met their end: the step fails.
    over: AtomicBool,
    /// Wakes who sleeps when the step is over.
    alarm: Mutex<CancellationToken>,
}

impl Frame {
    /// The frame of a step.
    pub(super) fn new(step: &str, title: &str, kind: StepKind, cancel: &Cancel) -> Arc<Self> {
        let frame = Frame {
            step: step.into(),
            title: title.into(),
            kind,
            inside: true,
            branch: String::new(),
            calls: AtomicU64::new(0),
            left: AtomicBool::new(false),
            cancel: cancel.clone(),
            shared: Arc::default(),
        };
        *lock(&frame.shared.alarm) = cancel.token().child_token();
        Arc::new(frame)
    }

    /// The frame outside of all steps of a run.
    pub(super) fn outside(cancel: &Cancel) -> Arc<Self> {
        let mut frame = Frame::new("", "", StepKind::Verify, cancel);
        if let Some(frame) = Arc::get_mut(&mut frame) {
            frame.inside = false;
        }
        frame
    }

    /// The frame of a branch. `index` counts from 1 and keeps the branches' changes apart in the journal.
    pub(super) fn branch(&self, index: usize) -> Arc<Self> {
        Arc::new(Frame {
            step: self.step.clone(),
            title: self.title.clone(),
            kind: self.kind,
            inside: self.inside,
            branch: format!("{}{}/{index}/", self.branch, self.calls.load(Ordering::SeqCst)),
            calls: AtomicU64::new(0),
            left: AtomicBool::new(false),
            cancel: self.cancel.clone(),
            shared: self.shared.clone(),
        })
    }

    /// Whether it is of a branch of a `parallel`.
    pub(super) fn is_branch(&self) -> bool {
        !self.branch.is_empty()
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

    /// Whether this thread may do nothing more: its run is interrupted, its step fails, or its branch has met its end.
    pub(super) fn is_over(&self) -> bool {
        self.cancel.is_cancelled() || self.has_ended()
    }

    fn has_ended(&self) -> bool {
        self.shared.over.load(Ordering::SeqCst) || self.left.load(Ordering::SeqCst)
    }

    /// What wakes a sleep of this thread.
    pub(super) fn alarm(&self) -> CancellationToken {
        lock(&self.shared.alarm).clone()
    }

    /// Keeps an end that this thread has met.
    pub(super) fn meet(&self, ending: Ending) {
        self.hold().meet(ending);
    }

    /// Keeps the error that a body came back with. One that was only stopped has met its end before.
    pub(super) fn settle<T, E: Unwind>(&self, came_back: &Result<T, E>) {
        if let Err(thrown) = came_back
            && !(thrown.is_stopped() && self.worst().is_some())
        {
            self.meet(Ending::Error(thrown.error()));
        }
    }

    /// Holds still what the step has met, so that nothing comes between a look at it and what follows from it.
    pub(super) fn hold(&self) -> Held<'_> {
        Held { frame: self, met: lock(&self.shared.met) }
    }

    /// The end by which the step would be judged now.
    pub(super) fn worst(&self) -> Option<Ending> {
        lock(&self.shared.met).worst().cloned()
    }

    /// After the branches of a `parallel`: this thread ends where one of them did.
    pub(super) fn join(&self, branches: &[Arc<Frame>]) {
        if branches.iter().any(|branch| branch.left.load(Ordering::SeqCst)) {
            self.left.store(true, Ordering::SeqCst);
        }
    }

    /// Whether this branch has met an end of its own.
    pub(super) fn has_left(&self) -> bool {
        self.left.load(Ordering::SeqCst)
    }

    /// Ends a phase: what it has met is the caller's, and what follows (a clean-up, a session's next line) begins anew.
    pub(super) fn take(&self) -> Met {
        let mut met = lock(&self.shared.met);
        self.left.store(false, Ordering::SeqCst);
        self.shared.over.store(false, Ordering::SeqCst);
        *lock(&self.shared.alarm) = self.cancel.token().child_token();
        std::mem::take(&mut *met)
    }
}

/// What a step has met, held still.
pub(super) struct Held<'f> {
    frame: &'f Frame,
    met: MutexGuard<'f, Met>,
}

impl Held<'_> {
    /// Keeps an end that this thread has met.
    pub(super) fn meet(&mut self, ending: Ending) {
        let fails = ending.fails();
        self.met.add(&self.frame.branch, ending);
        self.frame.left.store(true, Ordering::SeqCst);
        if fails {
            self.frame.shared.over.store(true, Ordering::SeqCst);
            lock(&self.frame.shared.alarm).cancel();
        }
    }

    /// Keeps what could not be looked at: this thread goes on, and the step is judged by it at its end.
    pub(super) fn keep_unseen(&mut self, error: Error) {
        self.met.add(&self.frame.branch, Ending::Unseen(error));
    }

    /// Refuses where this thread may do nothing more.
    ///
    /// # Errors
    /// The end that the step has met.
    pub(super) fn open(&self) -> Result<()> {
        match self.met.worst() {
            Some(ending) if self.frame.has_ended() => Err(ending.error()),
            _ => Ok(()),
        }
    }
}

thread_local! {
    static HERE: RefCell<Option<Arc<Frame>>> = const { RefCell::new(None) };
}

/// The frame of this thread; nothing on a thread that is no run's.
pub(super) fn here() -> Option<Arc<Frame>> {
    HERE.with(|here| here.borrow().clone())
}

/// The frame of this thread where it is in a step.
pub(super) fn frame() -> Option<Arc<Frame>> {
    here().filter(|frame| frame.inside)
}

/// Puts this thread somewhere until what it returns is dropped.
pub(super) fn enter(frame: Option<Arc<Frame>>) -> Entered {
    Entered(HERE.with(|here| here.replace(frame)))
}

/// A thread that is in a frame.
pub struct Entered(Option<Arc<Frame>>);

impl Drop for Entered {
    fn drop(&mut self) {
        HERE.with(|here| here.replace(self.0.take()));
    }
}

/// Whether this thread's script may do nothing more. Asked at each operation.
pub fn is_over() -> bool {
    HERE.with(|here| here.borrow().as_ref().is_some_and(|frame| frame.is_over()))
}

/// Keeps an end that this thread has met.
pub fn meet(ending: Ending) {
    if let Some(frame) = here() {
        frame.meet(ending);
    }
}

/// Keeps an error that no script may swallow. Other errors count where they reach the step.
pub fn meet_error(error: &Error) {
    if error.kind().class() != Class::Recoverable {
        meet(Ending::Error(error.clone()));
    }
}

/// The end by which this thread's step would be judged now.
pub fn met() -> Option<Ending> {
    here()?.worst()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ErrorKind;

    fn gate() -> Ending {
        Ending::Error(Error::new(ErrorKind::Gate, "gate: x"))
    }

    #[test]
    fn what_fails_a_step_ends_all_its_branches_and_anything_else_its_own() {
        let step = Frame::new("1", "", StepKind::Change, &Cancel::default());
        step.next_call();
        let (a, b) = (step.branch(1), step.branch(2));
        a.meet(Ending::Skip("n".into()));
        assert!(a.is_over() && !b.is_over() && !step.is_over());
        assert!(a.hold().open().is_err() && b.hold().open().is_ok());
        b.meet(gate());
        assert!(step.is_over() && step.hold().open().is_err());
        assert!(matches!(step.worst(), Some(Ending::Error(_))));
    }

    #[test]
    fn a_branch_that_has_left_ends_the_thread_it_came_from() {
        let step = Frame::new("1", "", StepKind::Change, &Cancel::default());
        let all = [step.branch(1), step.branch(2)];
        all[1].meet(Ending::Outstanding("x".into()));
        assert!(!step.is_over());
        step.join(&all);
        assert!(step.is_over());
    }

    #[test]
    fn a_clean_up_begins_with_an_empty_frame() {
        let step = Frame::new("1", "", StepKind::Change, &Cancel::default());
        step.meet(gate());
        let alarm = step.alarm();
        assert!(alarm.is_cancelled());
        assert!(step.take().worst().is_some());
        assert!(!step.is_over() && step.worst().is_none() && !step.alarm().is_cancelled());
    }
}
