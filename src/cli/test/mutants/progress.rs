//! How far it is: a line that moves on a terminal, a line a minute elsewhere. Always on standard error.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::base::duration;
use crate::base::screen::{self, Drawn, Stream, drawn};

/// How often a line is written where none moves.
const EVERY: Duration = Duration::from_secs(60);

/// The progress of one piece of work.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    what: &'static str,
    total: usize,
    began: Instant,
    state: Mutex<State>,
}

struct State {
    done: usize,
    survivors: usize,
    told: Instant,
}

impl Progress {
    pub(super) fn new(what: &'static str, total: usize) -> Self {
        let bar = Stream::Error.is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(u64::try_from(total).ok(), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{spinner} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        let state = Mutex::new(State { done: 0, survivors: 0, told: Instant::now() });
        Progress { bar, what, total, began: Instant::now(), state }
    }

    /// One more is done. A survivor is shown at once: the rest may take hours.
    pub(super) fn step(&self, survivor: Option<&Drawn>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done += 1;
        state.survivors += usize::from(survivor.is_some());
        if let Some(text) = survivor {
            match &self.bar {
                Some(bar) => bar.suspend(|| screen::complain(text)),
                None => screen::complain(text),
            }
        }
        let line = self.line(state.done, state.survivors);
        match &self.bar {
            Some(bar) => bar.set_message(line),
            None if state.told.elapsed() >= EVERY => {
                state.told = Instant::now();
                screen::complain(&drawn!("{}\n", line));
            }
            None => {}
        }
    }

    fn line(&self, done: usize, survivors: usize) -> String {
        let left = self.total.saturating_sub(done);
        let each = self.began.elapsed() / u32::try_from(done.max(1)).unwrap_or(u32::MAX);
        let wait = each.saturating_mul(u32::try_from(left).unwrap_or(u32::MAX));
        let wait = duration::show(Duration::from_secs(wait.as_secs()));
        match survivors {
            0 => format!("{} of {} {}, about {wait} to go", done, self.total, self.what),
            n => format!("{} of {} {}, {n} survive, about {wait} to go", done, self.total, self.what),
        }
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
