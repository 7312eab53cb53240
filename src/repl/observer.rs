//! What happens while a line runs: shown as in a run, but for the line itself, which is on the screen.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::display::table;
use super::session::locked;
use crate::base::duration;
use crate::base::screen::{self, Drawn, Stream};
use crate::run::{Entry, Observer, Record, Transfer, Verdict, Waiting};

/// How many records are remembered.
const MOST: usize = 10_000;

/// Watches a session's run.
pub struct Watcher {
    shown: Arc<dyn Observer>,
    seen: Mutex<Vec<Entry>>,
    moving: Mutex<bool>,
    /// Only what step is at work is shown, in one line: what comes of the run is drawn at its end.
    hushed: AtomicBool,
    /// A step that began and is not shown yet: one that is left out at once never is.
    begun: Mutex<Option<Entry>>,
}

impl Watcher {
    /// A watcher that has things shown in this way.
    pub fn new(shown: Arc<dyn Observer>) -> Self {
        Watcher {
            shown,
            seen: Mutex::default(),
            moving: Mutex::new(false),
            hushed: AtomicBool::new(false),
            begun: Mutex::default(),
        }
    }

    /// Has only the step that is at work shown, or all again.
    pub fn hush(&self, hushed: bool) {
        self.hushed.store(hushed, Ordering::Relaxed);
    }

    /// Draws a line that the next one takes the place of; nothing in a pipe.
    fn move_on(&self, text: &str) {
        let Some(columns) = Stream::Out.columns() else { return };
        *locked(&self.moving) = true;
        screen::moving(Some(&Drawn::line(&table::cut(&screen::line(text), columns - 1))));
    }

    /// What was seen so far.
    pub fn seen(&self) -> Vec<Entry> {
        locked(&self.seen).clone()
    }

    /// Takes the moving line away.
    pub fn rest(&self) {
        let mut moving = locked(&self.moving);
        if std::mem::take(&mut *moving) {
            screen::moving(None);
        }
    }
}

/// Whether a step is a line of a session.
pub fn is_line(step: &str) -> bool {
    step.starts_with('[')
}

impl Observer for Watcher {
    fn entry(&self, entry: &Entry) {
        self.rest();
        let mut seen = locked(&self.seen);
        if seen.len() < MOST {
            seen.push(entry.clone());
        }
        drop(seen);
        if self.hushed.load(Ordering::Relaxed) {
            if let Record::StepBegin { title, .. } = &entry.record {
                self.move_on(&format!("… {title}"));
            }
            return;
        }
        let begun = locked(&self.begun).take();
        let quiet = match &entry.record {
            Record::StepBegin { step, .. } | Record::StepEnd { step, .. } if is_line(step) => true,
            Record::StepBegin { .. } => {
                *locked(&self.begun) = Some(entry.clone());
                return;
            }
            Record::StepEnd { verdict: Verdict::Skipped { reason }, .. } if begun.is_some() => {
                crate::run::is_left_out(reason)
            }
            Record::Note { step, .. } => step.is_empty(),
            _ => false,
        };
        if !quiet {
            begun.iter().for_each(|begin| self.shown.entry(begin));
            self.shown.entry(entry);
        }
    }

    fn waiting(&self, w: &Waiting) {
        self.shown.waiting(w); // tells it where no line moves
        let spans = format!("{} of {}", duration::show(w.elapsed), duration::show(w.within));
        self.move_on(&format!("… {}: {}  {spans}, look {}", w.title, w.state, w.looks));
    }
    fn transferring(&self, transfer: &Transfer) {
        self.shown.transferring(transfer);
    }
}
