//! The run as it is seen: one line for each thing that happens, and on a terminal a last line that
//! moves, with what is waited for, how long, and how long it may take.

use std::collections::HashMap;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use textwrap::{Options, WordSeparator, WordSplitter};

use crate::base::duration::{self, show_seconds};
use crate::report::Estimates;
use crate::run::gate::brief;
use crate::run::wait::Waiting;
use crate::run::{Entry, Observer, Record, StepKind, Transfer, Verdict};

/// Writes a run to standard output.
pub struct View {
    bar: Option<ProgressBar>,
    runbook: String,
    estimates: Estimates,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waits: HashMap<u64, Awaited>,
    change: bool,
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
        Verdict::Fail { .. } => FAIL,
        _ => OTHER,
    }
}

/// Where the text of a step's lines begins, behind their marks; lines of paths are not indented as far.
const INSIDE: &str = "       ";

/// A text at a width, broken at blanks alone, so that what may be copied stays in one piece; further lines are indented.
pub(super) fn filled(text: &str, width: usize, indent: usize) -> String {
    let indent = " ".repeat(indent);
    let options = Options::new(width)
        .subsequent_indent(&indent)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    textwrap::fill(text, options)
}

/// The lines of a step at a width.
fn folded(text: &str, width: usize) -> String {
    let fold = |line: &str| match line.starts_with(INSIDE) {
        true => filled(line, width, INSIDE.len() + 4),
        false => line.to_owned(),
    };
    text.split('\n').map(fold).collect::<Vec<_>>().join("\n")
}

/// The columns of the terminal that standard output is, if it is one.
pub(super) fn columns() -> Option<usize> {
    std::io::stdout().is_terminal().then(|| usize::from(console::Term::stdout().size().1).max(40))
}

impl View {
    /// A view of a run of this runbook, with what is usual for its waits; the moving line only where
    /// standard output is a terminal.
    pub fn new(runbook: &str, estimates: Estimates) -> Self {
        let bar = std::io::stdout().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            let style = ProgressStyle::with_template("{spinner} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        View { bar, runbook: runbook.into(), estimates, state: Mutex::default() }
    }

    /// A view without a moving line, for a session whose line editor has the terminal.
    pub fn still(runbook: &str) -> Self {
        View { bar: None, runbook: runbook.into(), estimates: Estimates::default(), state: Mutex::default() }
    }

    /// Writes a line above the moving one. A terminal that is too narrow for it gets the rest below its text.
    pub fn line(&self, text: &str) {
        let text = columns().map_or_else(|| text.to_owned(), |width| folded(text, width));
        let write = || {
            let mut out = anstream::stdout().lock();
            let _ = writeln!(out, "{text}");
            let _ = out.flush();
        };
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Does something that needs the terminal to itself.
    pub fn quietly<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(work),
            None => work(),
        }
    }

    /// Takes the moving line away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn show(&self, entry: &Entry) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &entry.record {
            Record::Runbook { id, title } => self.line(&format!("{BOLD}{id}: {title}{BOLD:#}\n")),
            Record::StepBegin { step, title, kind, overridden } => {
                state.change = *kind == StepKind::Change;
                let mark = if state.change { "change" } else { "verify" };
                self.line(&format!("{BOLD}{step:<8} {title}{BOLD:#}  {DIM}{mark}{DIM:#}"));
                if let Some(by) = overridden {
                    self.line(&format!("         {OTHER}{by}{OTHER:#}"));
                }
            }
            Record::Note { text, .. } => self.line(&format!("         {text}")),
            Record::Fact { name, value, .. } => self.line(&format!("         {name} = {}", brief(value))),
            Record::Gate { claim, ok, observed, wanted, excused, .. } => {
                let mark = if *ok { format!("{PASS}✓{PASS:#}") } else { format!("{FAIL}✗{FAIL:#}") };
                let mut text = format!("       {mark} {claim}");
                if !ok && !wanted.is_null() {
                    text.push_str(&format!(": wanted {}, got {}", brief(wanted), brief(observed)));
                } else if !ok && !observed.is_null() {
                    text.push_str(&format!(": seen {}", brief(observed)));
                } else if *ok && !wanted.is_null() {
                    text.push_str(&format!(" {DIM}= {}{DIM:#}", brief(observed)));
                }
                if let Some(verdict) = excused {
                    text.push_str(&format!("  {OTHER}{verdict}{OTHER:#}"));
                }
                self.line(&text);
            }
            Record::WaitBegin { step, wait, title, within, .. } => {
                let usual = self.estimates.wait(&self.runbook, step, title);
                let usual = usual.map(|u| format!(", {u}")).unwrap_or_default();
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
                let Awaited { title, within, usual, .. } = &*awaited;
                let spans = format!("{} of {}{usual}", show_seconds(*elapsed), show_seconds(*within));
                let seen = tolerated.as_ref().map_or(seen.clone(), |e| format!("tolerated: {e}"));
                self.line(&format!("       {DIM}…{DIM:#} {title}: {seen} {DIM}({spans}){DIM:#}"));
            }
            Record::WaitEnd { elapsed, looks, tolerated, error, .. } => {
                self.rest();
                if error.is_none() && *looks > 1 {
                    let tolerated = match tolerated {
                        0 => String::new(),
                        n => format!(", {n} transient errors tolerated"),
                    };
                    let spans = format!("{} looks in {}{tolerated}", looks, show_seconds(*elapsed));
                    self.line(&format!("       {DIM}… {spans}{DIM:#}"));
                }
            }
            Record::Intent { intent, approved, .. } => {
                let text = format!("{} {}", intent.method, intent.target);
                self.line(&format!(
                    "       {OTHER}→{OTHER:#} {} {DIM}{text} [{approved}]{DIM:#}",
                    intent.summary
                ));
            }
            Record::Outcome { error, settled, .. } => {
                self.rest();
                if !error.is_null() {
                    let what = error["what"].as_str().unwrap_or("failed");
                    self.line(&format!("       {FAIL}→ {what}{FAIL:#}"));
                } else if *settled {
                    self.line(&format!("       {DIM}→ was done before the cut{DIM:#}"));
                }
            }
            Record::Refusal { intent, reason, .. } => {
                // the reason may name the change once more
                let reason = reason.strip_suffix(&format!(": {}", intent.summary)).unwrap_or(reason);
                self.line(&format!("       {FAIL}→ not sent{FAIL:#}: {} ({reason})", intent.summary));
            }
            Record::Attest { claim, by, .. } => match by {
                Some(by) => self.line(&format!("       {PASS}✓{PASS:#} {claim} (signed by {by})")),
                None => self.line(&format!("       {OTHER}?{OTHER:#} {claim} (unsigned)")),
            },
            Record::Cleanup { title, error, .. } => match error {
                None => self.line(&format!("       {DIM}cleaned up: {title}{DIM:#}")),
                Some(e) => self.line(&format!("       {FAIL}✗ clean-up failed: {title}{FAIL:#}: {e}")),
            },
            Record::StepEnd { verdict, seconds, recalled, .. } => {
                self.rest();
                let style = style(verdict);
                let took = if *recalled { "from the journal".into() } else { show_seconds(*seconds) };
                let detail = match verdict.detail() {
                    d if d.is_empty() => String::new(),
                    d => format!(" {d}"),
                };
                let word = verdict.word();
                self.line(&format!("         {style}{word}{style:#}{detail}  {DIM}{took}{DIM:#}\n"));
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
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{}: {}", transfer.title, transfer.shown()));
        }
    }

    fn waiting(&self, w: &Waiting) {
        if let Some(bar) = &self.bar {
            let tolerated =
                if w.tolerated > 0 { format!(", {} tolerated", w.tolerated) } else { String::new() };
            let (elapsed, within) = (duration::show(w.elapsed), duration::show(w.within));
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let known = state.waits.values().find(|known| known.title == w.title);
            let usual = known.map(|known| known.usual.as_str()).unwrap_or_default();
            bar.set_message(format!(
                "{}: {}  {elapsed} of {within}{usual}, look {}{tolerated}",
                w.title, w.state, w.looks
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_broken_at_blanks_and_goes_on_below_its_text() {
        let line = format!("       {PASS}✓{PASS:#} kube-api can be failed over: ACTIVE or ERROR\n");
        assert_eq!(folded(&line, 80), line);
        let wanted =
            format!("       {PASS}✓{PASS:#} kube-api can be failed\n           over: ACTIVE or ERROR\n");
        assert_eq!(folded(&line, 34), wanted);
        let name = "       → k8s-clusterapi-cluster-kubeapi";
        assert_eq!(
            folded(name, 20),
            "       →\n           k8s-clusterapi-cluster-kubeapi",
            "an id stays whole"
        );
    }
}
