//! The run as it is seen: one line for each thing that happens, and on a terminal a last line that
//! moves, with what is waited for, how long, and how long it may take.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

use super::pulse::{Pulse, UnderWay};
use crate::base::duration::{self, show_seconds};
use crate::base::screen::{self, Drawn, Stream, drawn};
use crate::repl::display::table;
use crate::report::Estimates;
use crate::run::gate::brief;
use crate::run::wait::Waiting;
use crate::run::{Entry, Observer, Record, StepKind, Transfer, Verdict};

/// Writes a run to standard output.
pub struct View {
    bar: Option<ProgressBar>,
    runbook: String,
    estimates: Estimates,
    state: Arc<Mutex<State>>,
    /// Tells once a minute what is under way, where no line moves and time is real.
    pulse: Option<Pulse>,
    /// It shows a run, which is always at something, and no session, which waits for its operator.
    runs: bool,
}

#[derive(Default)]
struct State {
    waits: HashMap<u64, Awaited>,
    change: bool,
    under_way: UnderWay,
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A wait under way.
#[derive(Clone, Default)]
struct Awaited {
    title: String,
    /// Seconds until it fails.
    within: f64,
    /// What is usual here, as `, usually 3m 30s`; empty where nothing is known.
    usual: String,
    /// The last line of it: what was seen, without its numbers, and when.
    told: Option<(String, f64)>,
}

impl Awaited {
    /// Whether a look is worth a line. A number that moves is, ever more rarely the longer the wait; anything else
    /// that has changed is at once.
    fn is_news(&mut self, seen: &str, elapsed: f64) -> bool {
        let seen: String = seen.chars().filter(|c| !c.is_ascii_digit()).collect();
        let news = match &self.told {
            Some((told, at)) => *told != seen || elapsed >= at * 1.25,
            None => true,
        };
        if news {
            self.told = Some((seen, elapsed));
        }
        news
    }
}

const PASS: Style = AnsiColor::Green.on_default().bold();
const FAIL: Style = AnsiColor::Red.on_default().bold();
const OTHER: Style = AnsiColor::Yellow.on_default().bold();
const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

/// A verdict's colour.
pub fn style(verdict: &Verdict) -> Style {
    match verdict {
        Verdict::Pass => PASS,
        Verdict::Fail { .. } | Verdict::Unknown { .. } => FAIL,
        _ => OTHER,
    }
}

/// What is beside the point.
fn dim(text: &str) -> Drawn {
    Drawn::line(text).painted(DIM)
}

/// Whether something holds.
fn mark(ok: bool) -> Drawn {
    if ok { Drawn::line("✓").painted(PASS) } else { Drawn::line("✗").painted(FAIL) }
}

/// Where a line of a step goes on: deeper than each of its lines begins, so that no text can pose as one.
const BELOW: usize = 11;

/// A text of others that may have several lines.
fn said(text: &str) -> Drawn {
    Drawn::lines(text.trim_end()).hanging(BELOW)
}

/// A text of the line that moves: it does not reach into the next one.
fn moving(text: &Drawn) -> String {
    const SPINNER: usize = 3;
    table::cut(text, columns().unwrap_or(80).saturating_sub(SPINNER))
}

/// The columns of the terminal that standard output is, if it is one.
pub(super) fn columns() -> Option<usize> {
    Stream::Out.columns().map(|columns| columns.max(40))
}

impl View {
    /// A view of a run of this runbook, with what is usual for its waits; the moving line only where
    /// standard output is a terminal.
    pub fn new(runbook: &str, estimates: Estimates) -> Self {
        let bar = Stream::Out.is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            let style = ProgressStyle::with_template("{spinner} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        View { bar, runbook: runbook.into(), estimates, state: Arc::default(), pulse: None, runs: true }
    }

    /// The same view, which also tells once a minute of each wait, each transfer and each step that has told nothing
    /// meanwhile. For runs in real time: a rehearsal's minutes are none. A line that moves tells it all the time.
    #[must_use]
    pub fn telling(mut self, real: bool) -> Self {
        if real && self.bar.is_none() {
            let state = self.state.clone();
            self.pulse = Some(Pulse::start(move |now| {
                let mut state = locked(&state);
                for line in state.under_way.due(now) {
                    // the run goes on, whether somebody sees it or not
                    drop(screen::print(&drawn!("       {} {}\n", dim("…"), line)));
                }
            }));
        }
        self
    }

    /// The time since a view that tells what is under way began to.
    fn now(&self) -> Duration {
        self.pulse.as_ref().map(Pulse::now).unwrap_or_default()
    }

    /// A view without a moving line, for a session whose line editor has the terminal.
    pub fn still(runbook: &str) -> Self {
        View {
            bar: None,
            runbook: runbook.into(),
            estimates: Estimates::default(),
            state: Arc::default(),
            pulse: None,
            runs: false,
        }
    }

    /// Writes a line above the moving one.
    pub fn line(&self, text: &Drawn) {
        // the run goes on, and its journal has it, whether somebody sees it or not
        let write = || drop(screen::print(&drawn!("{}\n", text)));
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Does something that needs the terminal to itself.
    pub fn quietly<T>(&self, work: impl FnOnce() -> T) -> T {
        locked(&self.state).under_way.asking(true, self.now());
        let done = match &self.bar {
            Some(bar) => bar.suspend(work),
            None => work(),
        };
        locked(&self.state).under_way.asking(false, self.now());
        done
    }

    /// Takes the moving line away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn show(&self, entry: &Entry) {
        let (mut state, now) = (locked(&self.state), self.now());
        state.under_way.told(now);
        match &entry.record {
            Record::Runbook { id, title, .. } => {
                self.line(&drawn!("{}\n", drawn!("{}: {}", id, title).painted(BOLD)))
            }
            Record::StepBegin { step, title, kind, overridden } => {
                state.change = *kind == StepKind::Change;
                state.under_way.at_work(step, now);
                let mark = if state.change { "change" } else { "verify" };
                let head = drawn!("{:<8} {}", step, title).painted(BOLD);
                self.line(&drawn!("{}  {}", head, dim(mark)));
                if let Some(by) = overridden {
                    self.line(&drawn!("         {}", Drawn::line(by).painted(OTHER)));
                }
            }
            Record::Note { step, text } => {
                // outside of steps the host says what it begins with, such as waiting for what was under way at a cut
                if step.is_empty() && self.runs {
                    state.under_way.at_work(text, now);
                }
                self.line(&drawn!("         {}", said(text)));
            }
            Record::Fact { name, value, .. } => self.line(&drawn!("         {} = {}", name, brief(value))),
            Record::Gate { claim, ok, observed, wanted, excused, .. } => {
                let seen = match excused {
                    Some(Verdict::Unknown { .. }) => Drawn::line("?").painted(OTHER),
                    _ => mark(*ok),
                };
                let mut text = drawn!("       {} {}", seen, claim);
                if !ok && !wanted.is_null() {
                    text.push(drawn!(": wanted {}, got {}", brief(wanted), brief(observed)));
                } else if !ok && !observed.is_null() {
                    text.push(drawn!(": seen {}", brief(observed)));
                } else if *ok && !wanted.is_null() {
                    text.push(drawn!(" {}", drawn!("= {}", brief(observed)).painted(DIM)));
                }
                if let Some(verdict) = excused {
                    text.push(drawn!("  {}", drawn!("{}", verdict).painted(OTHER)));
                }
                self.line(&text);
            }
            Record::WaitBegin { step, wait, title, within, .. } => {
                let usual = self.estimates.wait(&self.runbook, step, title);
                let usual = usual.map(|u| format!(", {u}")).unwrap_or_default();
                let span = Duration::try_from_secs_f64(*within).unwrap_or_default();
                state.under_way.wait_begins(*wait, title, &usual, span, now);
                state
                    .waits
                    .insert(*wait, Awaited { title: title.clone(), within: *within, usual, told: None });
            }
            Record::WaitSample { wait, elapsed, state: seen, tolerated } => {
                let awaited = state.waits.entry(*wait).or_default();
                let text = tolerated.as_ref().unwrap_or(seen);
                if !awaited.is_news(text, *elapsed) {
                    return;
                }
                let Awaited { title, within, usual, .. } = awaited.clone();
                state.under_way.wait_told(*wait, now);
                let spans = format!("({} of {}{usual})", show_seconds(*elapsed), show_seconds(within));
                let seen = tolerated.as_ref().map_or(seen.clone(), |e| format!("tolerated: {e}"));
                self.line(&drawn!("       {} {}: {} {}", dim("…"), title, seen, dim(&spans)));
            }
            Record::WaitEnd { wait, elapsed, looks, tolerated, error, .. } => {
                self.rest();
                state.under_way.wait_ends(*wait, now);
                if error.is_none() && *looks > 1 {
                    let tolerated = match tolerated {
                        0 => String::new(),
                        n => format!(", {n} transient errors tolerated"),
                    };
                    let spans = format!("{} looks in {}{tolerated}", looks, show_seconds(*elapsed));
                    self.line(&drawn!("       {}", dim(&format!("… {spans}"))));
                }
            }
            Record::Intent { intent, approved, .. } => {
                let sent = format!("{} {} [{approved}]", intent.method, intent.target);
                let arrow = Drawn::line("→").painted(OTHER);
                self.line(&drawn!("       {} {} {}", arrow, intent.summary, dim(&sent)));
            }
            Record::Outcome { error, settled, .. } => {
                self.rest();
                state.under_way.transfers_end();
                if !error.is_null() {
                    let what = error["what"].as_str().unwrap_or("failed");
                    self.line(&drawn!("       {}", drawn!("→ {}", said(what)).painted(FAIL)));
                } else if *settled {
                    self.line(&drawn!("       {}", dim("→ was done before the cut")));
                }
            }
            Record::Refusal { intent, reason, .. } => {
                // the reason may name the change once more
                let reason = reason.strip_suffix(&format!(": {}", intent.summary)).unwrap_or(reason);
                let unsent = Drawn::line("→ not sent").painted(FAIL);
                self.line(&drawn!("       {}: {} ({})", unsent, intent.summary, said(reason)));
            }
            Record::Attest { claim, by, kept, .. } => match by {
                Some(by) => {
                    let when = if kept.is_some() { " before the cut" } else { "" };
                    self.line(&drawn!("       {} {} (signed by {}{})", mark(true), claim, by, when));
                }
                None => {
                    self.line(&drawn!("       {} {} (unsigned)", Drawn::line("?").painted(OTHER), claim));
                }
            },
            Record::Cleanup { title, error, .. } => match error {
                None => self.line(&drawn!("       {}", dim(&format!("cleaned up: {title}")))),
                Some(e) => {
                    let failed = drawn!("✗ clean-up failed: {}", title).painted(FAIL);
                    self.line(&drawn!("       {}: {}", failed, said(&e.to_string())));
                }
            },
            Record::StepEnd { verdict, seconds, recalled, .. } => {
                self.rest();
                state.under_way.transfers_end();
                state.under_way.at_rest();
                let style = style(verdict);
                let took = if *recalled { "from the journal".into() } else { show_seconds(*seconds) };
                let word = Drawn::line(verdict.word()).painted(style);
                let detail = match verdict.detail() {
                    d if d.is_empty() => Drawn::default(),
                    d => drawn!(" {}", said(&d)),
                };
                self.line(&drawn!("         {}{}  {}\n", word, detail, dim(&took)));
            }
            _ => {}
        }
    }

    fn rest(&self) {
        if let Some(bar) = &self.bar {
            bar.set_message("");
        }
    }
}

impl Observer for View {
    fn entry(&self, entry: &Entry) {
        self.show(entry);
    }

    fn transferring(&self, transfer: &Transfer) {
        locked(&self.state).under_way.transferring(transfer, self.now());
        if let Some(bar) = &self.bar {
            bar.set_message(moving(&drawn!("{}: {}", transfer.title, transfer.shown())));
        }
    }

    fn waiting(&self, w: &Waiting) {
        locked(&self.state).under_way.looked(w, self.now());
        if let Some(bar) = &self.bar {
            let tolerated =
                if w.tolerated > 0 { format!(", {} tolerated", w.tolerated) } else { String::new() };
            let (elapsed, within) = (duration::show(w.elapsed), duration::show(w.within));
            let state = locked(&self.state);
            let known = state.waits.values().find(|known| known.title == w.title);
            let usual = known.map(|known| known.usual.as_str()).unwrap_or_default();
            let spans = format!("{elapsed} of {within}{usual}, look {}{tolerated}", w.looks);
            bar.set_message(moving(&drawn!("{}: {}  {}", w.title, w.state, spans)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_poses_as_a_line_of_the_run() {
        let note = said("done\n         PASS  1s\n5.2      Stop\u{1b}[A");
        assert_eq!(
            &*drawn!("         {}", note),
            "         done\n                    PASS  1s\n           5.2      Stop\\u{1b}[A"
        );
    }
}
