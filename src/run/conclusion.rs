//! How a run ends. It follows from the verdicts of its steps, from the steps that its runbook's verdict needs, and from the
//! error that ended it: the run derives it once, when it ends, and everybody who reads its journal derives it again and holds
//! it against what the journal says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record::Verdict;
use super::step::Idle;
use crate::base::ErrorKind;

/// The runbook's name in the journal of a session, whose lines are tried out: how they end is not how it ends.
pub const SESSION: &str = "repl";

/// The exit code of a run in which nothing failed, and in which a step that its verdict needs was not passed.
pub const INCOMPLETE: u8 = 16;

/// How a run ended, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every step that its verdict needs was passed, or is accepted by a decision, a waiver or a known issue.
    Passed,
    /// Nothing failed, and a step that its verdict needs was not passed: this is no acceptance.
    Incomplete,
    /// A step failed, or an error ended the run.
    Failed,
}

/// A step that a run's verdict needs, and that was not passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lacking {
    /// The step.
    pub step: String,
    /// How it ended instead.
    pub why: String,
}

/// What a run's end follows from.
#[derive(Clone, Debug, Default)]
pub struct Grounds<'a> {
    /// The last verdict of each step.
    pub steps: BTreeMap<&'a str, &'a Verdict>,
    /// The steps that the runbook's verdict needs; empty where the runbook does not say.
    pub needs: &'a [String],
    /// What is in doubt, by its step, in a sentence each: a change that nobody knows the outcome of is no pass.
    pub in_doubt: Vec<(&'a str, &'a str)>,
    /// Verify steps alone were run. That accepts nothing, and passes where nothing fails.
    pub observed: bool,
    /// It was written before runs said what they lack: a failed step alone keeps it from passing.
    pub of_before: bool,
}

/// How a run ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// In a word.
    pub outcome: Outcome,
    /// Its exit code.
    pub exit: u8,
    /// The steps that keep it from passing though none failed.
    pub lacks: Vec<Lacking>,
}

impl Conclusion {
    /// Whether the run passed.
    pub fn ok(&self) -> bool {
        self.outcome == Outcome::Passed
    }

    /// What follows from the steps and from the error that ended the run, as the journal keeps it (null: none did).
    /// `None` for an error of a kind that this version does not know: the run did not pass.
    pub fn of(grounds: &Grounds<'_>, error: &Value) -> Option<Self> {
        let failed = |exit| Conclusion { outcome: Outcome::Failed, exit, lacks: Vec::new() };
        if !error.is_null() {
            return Some(failed(ErrorKind::deserialize(&error["kind"]).ok()?.exit_code()));
        }
        if grounds.steps.values().any(|verdict| matches!(verdict, Verdict::Fail { .. })) {
            return Some(failed(ErrorKind::Gate.exit_code()));
        }
        let mut lacks = grounds.lacking();
        // what could not be looked at is no pass, whether the verdict names it or not, and in an observation neither
        for (step, verdict) in &grounds.steps {
            if matches!(verdict, Verdict::Unknown { .. }) && !lacks.iter().any(|l| l.step == *step) {
                lacks.push(Lacking { step: (*step).to_string(), why: verdict.to_string() });
            }
        }
        if !grounds.of_before {
            let open = grounds.in_doubt.iter();
            lacks.extend(
                open.map(|(step, what)| Lacking { step: step.to_string(), why: format!("in doubt: {what}") }),
            );
        }
        let (outcome, exit) = match lacks.is_empty() {
            true => (Outcome::Passed, 0),
            false => (Outcome::Incomplete, INCOMPLETE),
        };
        Some(Conclusion { outcome, exit, lacks })
    }

    /// The end of a run whose end nobody can tell.
    pub(super) fn unknown() -> Self {
        let exit = ErrorKind::Internal.exit_code();
        Conclusion { outcome: Outcome::Failed, exit, lacks: Vec::new() }
    }
}

impl Grounds<'_> {
    /// The steps that the verdict needs and that were not passed.
    fn lacking(&self) -> Vec<Lacking> {
        if self.observed || self.of_before {
            return Vec::new();
        }
        let lacking = |step: &str, why: String| Lacking { step: step.to_string(), why };
        if !self.needs.is_empty() {
            let named = self.needs.iter().filter_map(|step| match self.steps.get(step.as_str()) {
                Some(verdict) if verdict.carries() || matches!(verdict, Verdict::Deferred { .. }) => None,
                Some(verdict) => Some(lacking(step, verdict.to_string())),
                None => Some(lacking(step, "the run did not come to it".into())),
            });
            return named.collect();
        }
        let unpassed = self.steps.iter().filter(|(step, _)| self.is_open(step, self.steps.len()));
        unpassed.map(|(step, verdict)| lacking(step, verdict.to_string())).collect()
    }

    /// Whether a step that no runbook names keeps a run from passing: nobody signed it, it was left out, or it was skipped for
    /// want of one of those. What its own condition skips, and what a decision has put off, does not.
    fn is_open(&self, step: &str, depth: usize) -> bool {
        match self.steps.get(step) {
            Some(Verdict::Outstanding { .. } | Verdict::Fail { .. } | Verdict::Unknown { .. }) => true,
            Some(Verdict::Skipped { reason }) => match Idle::of(reason) {
                Idle::LeftOut => true,
                // a step needs an earlier one, so the recursion ends
                Idle::Needs(other) => depth > 0 && self.is_open(other, depth - 1),
                Idle::Observing | Idle::Own => false,
            },
            // what has not run cannot have passed
            None => true,
            Some(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn skipped(reason: &str) -> Verdict {
        Verdict::Skipped { reason: reason.into() }
    }

    fn end(steps: &[(&str, Verdict)], needs: &[&str], error: Value) -> Option<(Outcome, u8, Vec<String>)> {
        let needs: Vec<String> = needs.iter().map(ToString::to_string).collect();
        let steps = steps.iter().map(|(step, verdict)| (*step, verdict)).collect();
        let end = Conclusion::of(&Grounds { steps, needs: &needs, ..Grounds::default() }, &error)?;
        Some((
            end.outcome,
            end.exit,
            end.lacks.into_iter().map(|l| format!("{} {}", l.step, l.why)).collect(),
        ))
    }

    #[test]
    fn a_run_ends_as_its_steps_and_its_error_say() {
        let failed = Verdict::Fail { reason: "x".into() };
        let of =
            |steps: &[(&str, Verdict)], error: Value| end(steps, &[], error).map(|(o, exit, _)| (o, exit));
        assert_eq!(of(&[], Value::Null), Some((Outcome::Passed, 0)));
        let idle = [("1", Verdict::Pass), ("2", skipped("its `when` does not hold"))];
        assert_eq!(of(&idle, Value::Null), Some((Outcome::Passed, 0)));
        let one = [("1", Verdict::Pass), ("2", failed.clone())];
        assert_eq!(of(&one, Value::Null), Some((Outcome::Failed, 3)));
        assert_eq!(of(&[("1", failed)], json!({"kind": "declined"})), Some((Outcome::Failed, 5)));
        assert_eq!(of(&[("1", Verdict::Pass)], json!({"kind": "io"})), Some((Outcome::Failed, 74)));
        assert_eq!(of(&[("1", Verdict::Pass)], json!({"kind": "of-next-year"})), None);
    }

    #[test]
    fn what_could_not_be_looked_at_is_no_pass() {
        let steps = [("1", Verdict::Pass), ("2", Verdict::Unknown { reason: "no answer".into() })];
        let cases: [&[&str]; 3] = [&[], &["1"], &["2"]];
        for needs in cases {
            let (outcome, exit, lacks) = end(&steps, needs, Value::Null).unwrap();
            assert_eq!((outcome, exit), (Outcome::Incomplete, INCOMPLETE), "{needs:?}");
            assert_eq!(lacks, ["2 UNKNOWN: no answer"], "{needs:?}");
        }
        let observed = Grounds {
            steps: steps.iter().map(|(s, v)| (*s, v)).collect(),
            observed: true,
            ..Grounds::default()
        };
        assert_eq!(Conclusion::of(&observed, &Value::Null).unwrap().exit, INCOMPLETE);
    }

    #[test]
    fn where_a_runbook_does_not_say_nothing_may_be_open() {
        let open = Verdict::Outstanding { claim: "c".into() };
        let steps = [
            ("1", open),
            ("2", skipped("needs step 1, which is OUTSTANDING")),
            ("3", skipped("needs step 2, which is SKIPPED")),
            ("4", skipped("its `when` does not hold")),
            ("5", skipped("needs step 4, which is SKIPPED")),
            ("6", Verdict::Deferred { decision: "D-1".into() }),
            ("7", skipped("needs step 6, which is DEFERRED")),
            ("8", skipped("left out by --skip 8: by hand")),
            ("9", skipped("it is there")),
        ];
        let (outcome, exit, lacks) = end(&steps, &[], Value::Null).unwrap();
        assert_eq!((outcome, exit), (Outcome::Incomplete, INCOMPLETE));
        let words: Vec<_> = lacks.iter().map(|l| l.split(' ').next().unwrap()).collect();
        assert_eq!(words, ["1", "2", "3", "8"]);
    }

    #[test]
    fn a_runbook_that_says_what_its_verdict_needs_is_held_to_it() {
        let open = Verdict::Outstanding { claim: "c".into() };
        let steps = [
            ("1", Verdict::Pass),
            ("2", open),
            ("3", Verdict::KnownIssue { id: "KI-7".into() }),
            ("4", Verdict::Deferred { decision: "D-1".into() }),
            ("5", skipped("its `when` does not hold")),
        ];
        let of = |needs: &[&str]| end(&steps, needs, Value::Null).unwrap();
        assert_eq!(of(&["1", "3", "4"]).0, Outcome::Passed, "what it does not name may be open");
        for step in ["2", "5", "6"] {
            assert_eq!(of(&["1", step]).1, INCOMPLETE, "{step}");
        }
        assert_eq!(of(&["6"]).2, ["6 the run did not come to it"]);
        assert_eq!(of(&["2"]).2, ["2 OUTSTANDING: c"]);
    }
}
