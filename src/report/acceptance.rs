//! The acceptance summary in the form in which logs keep it: one line an item of the bar, then what follows.

use std::fmt::Write as _;

use super::summary;
use crate::run::record::Verdict;
use crate::run::report::{Accepts, RunReport, StepReport};

/// The summary as plain lines; `None` where the runbook takes no bar, or its text is not at hand.
pub fn render(report: &RunReport) -> Option<String> {
    let accepts = report.accepts.as_ref()?;
    let items: Vec<Item> =
        accepts.items.iter().map(|(id, name)| Item::of(report, accepts, id, name)).collect();
    let day = report.ended.map(|at| at.strftime(", %Y-%m-%d").to_string()).unwrap_or_default();
    let mut text = format!(
        "ACCEPTANCE SUMMARY ({}, site {}{day}, run {}):\n",
        summary::name(report),
        report.site,
        report.run
    );
    if let Some(caveat) = summary::caveat(report) {
        let _ = writeln!(text, "{caveat}");
    }
    for item in &items {
        let _ = writeln!(text, "{} {} {}", item.id, item.name, item.says);
    }
    let _ = writeln!(text, "=> {}", conclusion(report, &accepts.what, &items));
    Some(text)
}

/// An item of the bar.
struct Item<'a> {
    id: &'a str,
    name: &'a str,
    /// Its verdict in words: `PASS`, `DEFERRED (D-019)`.
    says: String,
    state: State,
}

/// What an item means for the whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    /// It passed, or a decision put it off.
    Closed,
    /// A person put it off, or nobody signed it: it keeps the gate from closing formally.
    Left,
    /// It did not pass.
    Open,
}

impl<'a> Item<'a> {
    fn of(report: &RunReport, accepts: &Accepts, id: &'a str, name: &'a str) -> Self {
        let whole = format!("{}{id}", accepts.bar);
        // `D-011.4a` is of item `.4`, `D-011.41` is not
        let part = |step: &&StepReport| {
            let rest = step.id.strip_prefix(&whole);
            rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_lowercase()) && rest.len() <= 1)
        };
        let parts: Vec<&StepReport> = report.steps.iter().filter(part).collect();
        let missing = report.not_reached.iter().any(|step| {
            step.id.strip_prefix(&whole).is_some_and(|rest| rest.chars().all(|c| c.is_ascii_lowercase()))
        });
        let worst = parts.iter().map(|step| said(step)).max_by_key(|(state, rank, _)| (*state, *rank));
        let (state, says) = match worst {
            Some((state, _, says)) if !missing || state == State::Open => (state, says),
            _ => (State::Open, "NOT REACHED".to_string()),
        };
        Item { id, name, says, state }
    }
}

/// What a step means for its item: the state, how much it says among its like, and the words.
fn said(step: &StepReport) -> (State, u8, String) {
    let Some(verdict) = &step.verdict else { return (State::Open, 1, "UNFINISHED".into()) };
    let words = match (verdict, verdict.detail()) {
        (Verdict::Pass, _) => "PASS".to_string(),
        (_, detail) => format!("{} ({detail})", verdict.word()),
    };
    match verdict {
        Verdict::Pass => (State::Closed, 0, words),
        Verdict::KnownIssue { .. } | Verdict::Waived { .. } => (State::Closed, 1, words),
        Verdict::Deferred { decision } if is_decision(decision) => (State::Closed, 2, words),
        Verdict::Deferred { .. } | Verdict::Outstanding { .. } => (State::Left, 0, words),
        Verdict::Skipped { .. } => (State::Open, 0, words),
        _ => (State::Open, 2, words),
    }
}

/// Whether a deferral names a decision on record (`D-019`), and not only who put it off.
fn is_decision(text: &str) -> bool {
    let number = text.strip_prefix("D-").map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    number.flatten().is_some_and(|digits| !digits.is_empty())
}

fn conclusion(report: &RunReport, what: &str, items: &[Item<'_>]) -> String {
    let of = |state: State| -> Vec<&Item<'_>> { items.iter().filter(|item| item.state == state).collect() };
    let list = |items: &[&Item<'_>]| {
        items.iter().map(|item| format!("{} {}", item.id, item.name)).collect::<Vec<_>>().join(", ")
    };
    let (open, left) = (of(State::Open), of(State::Left));
    let passed = report.end.as_ref().is_some_and(|end| end.ok);
    match (passed && open.is_empty() && report.mode != "observe", left.as_slice()) {
        (true, []) => format!("{what} is ACCEPTED; no item is left."),
        (true, [one]) => format!(
            "{what} is FUNCTIONALLY ACCEPTED; the {} {} is the only item left to formally close the gate.",
            one.id, one.name
        ),
        (true, several) => {
            format!("{what} is FUNCTIONALLY ACCEPTED; left to formally close the gate: {}.", list(several))
        }
        (false, _) if !open.is_empty() => format!("{what} is NOT ACCEPTED; not passed: {}.", list(&open)),
        (false, _) => {
            let why: Vec<String> = summary::Summary::of(report)
                .failures
                .iter()
                .map(
                    |failure| {
                        if failure.step.is_empty() { failure.reason.clone() } else { failure.step.clone() }
                    },
                )
                .collect();
            match why.is_empty() {
                true => format!("{what} is NOT ACCEPTED by this run."),
                false => format!("{what} is NOT ACCEPTED; every item passed, but not {}.", why.join(", ")),
            }
        }
    }
}
