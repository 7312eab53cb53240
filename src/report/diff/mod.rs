//! What changed between two runs: "since the last accepted rebuild".

mod text;

use std::collections::{HashMap, VecDeque};

use serde::Serialize;
use serde_json::Value;

pub use self::text::render;
use super::evidence::differences;
use super::summary::Summary;
use crate::run::report::{GateReport, RunReport, StepReport, WaitReport};

/// A wait is much slower from this factor on ...
const SLOWER: f64 = 1.5;

/// ... and from this many seconds on, so that noise of short waits does not count.
const SLOWER_SECONDS: f64 = 30.0;

/// What changed from one run to another.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RunDiff {
    /// Id of the earlier run.
    pub before: String,
    /// Id of the later run.
    pub after: String,
    /// How the runs stand, and which steps their verdicts need and lack, where that differs.
    pub outcome: Vec<Change>,
    /// Steps that only the later run has, with their titles.
    pub added: Vec<(String, String)>,
    /// Steps that only the earlier run has, with their titles.
    pub removed: Vec<(String, String)>,
    /// Steps with another verdict.
    pub verdicts: Vec<Change>,
    /// Steps that are overridden otherwise.
    pub overrides: Vec<Change>,
    /// Gates that saw something else, or hold no more, or hold now.
    pub gates: Vec<GateChange>,
    /// Named values that differ; null where one run lacks the value.
    pub facts: Vec<Change>,
    /// Waits that took much longer.
    pub slower: Vec<Slower>,
    /// Texts that differ: fingerprints, null where one run lacks the text.
    pub sources: Vec<Change>,
    /// Values of the site that differ.
    pub values: Vec<Change>,
}

/// Something that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// What: a step's id, a fact's name, a path in the site's values.
    pub what: String,
    /// In the earlier run.
    pub before: Value,
    /// In the later run.
    pub after: Value,
}

/// A gate that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GateChange {
    /// The step.
    pub step: String,
    /// The claim.
    pub claim: String,
    /// Whether it held in the earlier run; `None` where that run lacks the gate.
    pub held: Option<bool>,
    /// Whether it holds in the later run; `None` where that run lacks the gate.
    pub holds: Option<bool>,
    /// The members of the observed value that differ, each by its path.
    pub observed: Vec<Change>,
}

/// A wait that took much longer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slower {
    /// The step.
    pub step: String,
    /// What was waited for.
    pub title: String,
    /// Seconds in the earlier run.
    pub before: f64,
    /// Seconds in the later run.
    pub after: f64,
}

impl RunDiff {
    /// Compares two runs, also of two versions of a runbook.
    pub fn of(before: &RunReport, after: &RunReport) -> Self {
        let mut diff = RunDiff { before: before.run.clone(), after: after.run.clone(), ..Default::default() };
        let standing = |run: &RunReport| Summary::of(run).standing.words().into();
        diff.outcome.extend(change("the run", standing(before), standing(after)));
        diff.outcome.extend(change("needs", needs(before), needs(after)));
        for pair in pairs(&before.steps, &after.steps, |s| &s.id) {
            match pair {
                (Some(a), Some(b)) => diff.step(a, b),
                (Some(a), None) => diff.removed.push((a.id.clone(), a.title.clone())),
                (None, Some(b)) => diff.added.push((b.id.clone(), b.title.clone())),
                (None, None) => {}
            }
        }
        diff.facts = named(&facts(before), &facts(after));
        diff.sources = named(&sources(before), &sources(after));
        diff.values = members(&before.values, &after.values);
        diff
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        let changes =
            [&self.outcome, &self.verdicts, &self.overrides, &self.facts, &self.sources, &self.values];
        self.added.is_empty()
            && self.removed.is_empty()
            && self.gates.is_empty()
            && self.slower.is_empty()
            && changes.into_iter().all(Vec::is_empty)
    }

    fn step(&mut self, a: &StepReport, b: &StepReport) {
        let verdict = |s: &StepReport| s.verdict.as_ref().map_or("unfinished".into(), ToString::to_string);
        self.verdicts.extend(change(&a.id, verdict(a).into(), verdict(b).into()));
        self.overrides.extend(change(&a.id, a.overridden.clone().into(), b.overridden.clone().into()));
        for (before, after) in pairs(&a.gates, &b.gates, |g| &g.claim) {
            self.gates.extend(gate(&a.id, before, after));
        }
        for pair in pairs(&a.waits, &b.waits, |w| &w.title) {
            if let (Some(before), Some(after)) = pair {
                self.slower.extend(slower(&a.id, before, after));
            }
        }
    }
}

/// Pairs of the same name; the second of a name belongs to the second one there. In the order of
/// the later run, then what only the earlier run has.
fn pairs<'a, T>(
    before: &'a [T],
    after: &'a [T],
    name: impl Fn(&'a T) -> &'a str,
) -> Vec<(Option<&'a T>, Option<&'a T>)> {
    let mut waiting: HashMap<&str, VecDeque<usize>> = HashMap::new();
    for (n, item) in before.iter().enumerate() {
        waiting.entry(name(item)).or_default().push_back(n);
    }
    let mut take = |item| waiting.get_mut(name(item)).and_then(VecDeque::pop_front);
    let mut found: Vec<_> = after.iter().map(|item| (take(item).map(|n| &before[n]), Some(item))).collect();
    let mut left: Vec<usize> = waiting.into_values().flatten().collect();
    left.sort_unstable();
    found.extend(left.into_iter().map(|n| (Some(&before[n]), None)));
    found
}

fn change(what: &str, before: Value, after: Value) -> Option<Change> {
    (before != after).then(|| Change { what: what.into(), before, after })
}

fn members(before: &Value, after: &Value) -> Vec<Change> {
    let found = differences(before, after).into_iter();
    found.map(|(what, before, after)| Change { what, before, after }).collect()
}

fn gate(step: &str, before: Option<&GateReport>, after: Option<&GateReport>) -> Option<GateChange> {
    let observed = match (before, after) {
        (Some(a), Some(b)) => members(&a.observed, &b.observed),
        _ => Vec::new(), // told by `held` and `holds`
    };
    let (held, holds) = (before.map(|g| g.ok), after.map(|g| g.ok));
    let claim = after.or(before)?.claim.clone();
    (held != holds || !observed.is_empty()).then(|| GateChange {
        step: step.into(),
        claim,
        held,
        holds,
        observed,
    })
}

fn slower(step: &str, before: &WaitReport, after: &WaitReport) -> Option<Slower> {
    let (a, b) = (before.elapsed, after.elapsed);
    (before.ended && b >= a * SLOWER && b - a >= SLOWER_SECONDS).then(|| Slower {
        step: step.into(),
        title: after.title.clone(),
        before: a,
        after: b,
    })
}

/// A name with its value.
type Named = (String, Value);

fn facts(report: &RunReport) -> Vec<Named> {
    let all = report.facts.iter().chain(report.steps.iter().flat_map(|s| &s.facts));
    all.map(|f| (f.name.clone(), f.value.clone())).collect()
}

fn sources(report: &RunReport) -> Vec<Named> {
    report.sources.iter().map(|s| (format!("{} ({})", s.name, s.layer), s.sha256.clone().into())).collect()
}

fn named(before: &[Named], after: &[Named]) -> Vec<Change> {
    let value = |named: Option<&Named>| named.map_or(Value::Null, |(_, value)| value.clone());
    pairs(before, after, |(name, _)| name)
        .into_iter()
        .filter_map(|(a, b)| change(&a.or(b)?.0, value(a), value(b)))
        .collect()
}

/// The steps that a run's verdict needs.
fn needs(run: &RunReport) -> Value {
    if run.needs.is_empty() { Value::Null } else { run.needs.join(", ").into() }
}
