//! Whether a session may change things: read-only unless unlocked for a reason, and again after a while.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::base::Result;
use crate::run::Run;
use crate::run::lock::{Holder, SiteLock};

/// How long an unlocked session may be left alone.
pub const IDLE: Duration = Duration::from_secs(10 * 60);

/// What the journal's note of an unlocking begins with.
pub const UNLOCKED: &str = "unlocked: ";

/// What a refused change is told.
pub const HOW: &str = "`:unlock REASON` allows changes, each one shown and confirmed";

/// The lock of a session.
pub struct Lock {
    run: Run,
    /// The site's lock file, and who takes it.
    site: (PathBuf, Holder),
    idle: Duration,
    state: Mutex<State>,
}

struct State {
    /// Held while unlocked: one run a site may change things.
    held: Option<SiteLock>,
    /// When somebody last did something.
    touched: Instant,
    /// A line is being evaluated: nobody is idle.
    busy: bool,
}

impl Lock {
    /// A locked session.
    pub fn new(run: Run, site: (PathBuf, Holder), idle: Duration) -> Self {
        run.set_read_only(Some(HOW));
        let state = State { held: None, touched: Instant::now(), busy: false };
        Lock { run, site, idle, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether changes are allowed.
    pub fn is_open(&self) -> bool {
        self.state().held.is_some()
    }

    /// After how long it locks itself.
    pub fn idle(&self) -> Duration {
        self.idle
    }

    /// Allows changes, and journals why.
    ///
    /// # Errors
    /// Another run holds the site; the journal cannot be written.
    pub fn open(&self, reason: &str) -> Result<()> {
        let mut state = self.state();
        if state.held.is_none() {
            state.held = Some(SiteLock::take(&self.site.0, &self.site.1)?);
        }
        state.touched = Instant::now();
        drop(state);
        self.run.note(&format!("{UNLOCKED}{reason}"))?;
        self.run.set_read_only(None);
        Ok(())
    }

    /// Refuses changes again. Says whether it was open.
    ///
    /// # Errors
    /// The journal cannot be written; it is locked all the same.
    pub fn close(&self, why: &str) -> Result<bool> {
        self.run.set_read_only(Some(HOW));
        let was_open = self.state().held.take().is_some();
        if was_open {
            self.run.note(&format!("locked: {why}"))?;
        }
        Ok(was_open)
    }

    /// Somebody is there.
    pub fn touch(&self) {
        self.state().touched = Instant::now();
    }

    /// Whether a line is being evaluated.
    pub fn set_busy(&self, busy: bool) {
        let mut state = self.state();
        (state.busy, state.touched) = (busy, Instant::now());
    }

    /// Locks it where it was left alone for too long. Says whether it did.
    pub fn close_if_idle(&self) -> bool {
        let state = self.state();
        let left = state.held.is_some() && !state.busy && state.touched.elapsed() >= self.idle;
        drop(state);
        left && self.close("left alone").unwrap_or(true)
    }
}
