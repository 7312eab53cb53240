//! How a run is ended from outside: Ctrl-C once cancels the phase; clean-up is a phase of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::CancellationToken;

/// The token of the phase a run is in. Cheap to clone and to ask.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Phase>);

#[derive(Debug, Default)]
struct Phase {
    /// The present token's state again, for the check at each script operation.
    cancelled: AtomicBool,
    /// The operator interrupted at some time, whatever the phase is now.
    interrupted: AtomicBool,
    token: Mutex<CancellationToken>,
}

impl Cancel {
    /// The token to wait on, together with a request or a sleep.
    pub fn token(&self) -> CancellationToken {
        self.0.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the present phase: requests are dropped, sleeps end, scripts stop at their next operation.
    pub fn interrupt(&self) {
        self.0.interrupted.store(true, Ordering::SeqCst);
        self.end_phase();
    }

    /// Ends the present phase for its deadline; nobody interrupted.
    pub fn end_phase(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        self.token().cancel();
    }

    /// Starts a phase that the interruption before does not reach (clean-up).
    pub fn new_phase(&self) {
        *self.0.token.lock().unwrap_or_else(PoisonError::into_inner) = CancellationToken::new();
        self.0.cancelled.store(false, Ordering::SeqCst);
    }

    /// Starts over: no interruption before reaches what follows, as with the next line of a session.
    pub fn rearm(&self) {
        self.new_phase();
        self.0.interrupted.store(false, Ordering::SeqCst);
    }

    /// Whether the present phase is cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Relaxed)
    }

    /// Whether anybody has interrupted this run.
    pub fn was_interrupted(&self) -> bool {
        self.0.interrupted.load(Ordering::SeqCst)
    }
}
