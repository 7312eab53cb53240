//! What a run did before it was cut off, read from its journal.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::attest::Signatures;
use super::effect_state::{Effect, Effects, State};
use super::record::{Entry, Record, StepKind, Verdict};

/// What a verify step had found, and the entry of its end.
#[derive(Clone, Debug)]
pub(super) struct Verified {
    pub(super) verdict: Verdict,
    pub(super) value: Value,
    entry: u64,
}

/// The run before the cut.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// How steps ended, with the entry of the end.
    steps: BTreeMap<String, (StepKind, Verdict, Value, u64)>,
    /// Verify steps that did not fail, with the entry of a later end that has no value.
    verified: BTreeMap<String, (Verified, Option<u64>)>,
    /// The last verdict of each step that did not begin again.
    verdicts: BTreeMap<String, Verdict>,
    effects: Effects,
    /// The named values of steps, with their entries: the first of each name.
    facts: HashMap<(String, String), (u64, Value)>,
    signatures: Signatures,
    /// The steps that ended since the operator wanted the run from one of them.
    since: BTreeSet<String>,
    waits: u64,
}

impl Past {
    /// Reads a journal's entries.
    pub fn of(entries: &[Entry]) -> Self {
        let mut past = Past { effects: Effects::of(entries), ..Past::default() };
        let mut kinds: HashMap<&str, StepKind> = HashMap::new();
        // a step that had finished and begins again, until something shows that it runs rather than gives its value
        let mut again: Option<&str> = None;
        for entry in entries {
            past.signatures.take(entry);
            match (&entry.record, again) {
                // of a hook, from outside of the step
                (Record::Note { step, .. }, _) if step.is_empty() => {}
                (Record::StepEnd { recalled: true, .. } | Record::RunResume { .. }, _) | (_, None) => {
                    again = None
                }
                (_, Some(step)) => {
                    past.anew(step, entry.n);
                    again = None;
                }
            }
            match &entry.record {
                Record::StepBegin { step, kind, .. } => {
                    kinds.insert(step, *kind);
                    past.verdicts.remove(step);
                    again = past.finished(step, *kind).is_some().then_some(step);
                }
                Record::Selection(selection) if !selection.goes_on() => past.since.clear(),
                Record::StepEnd { step, verdict, value, recalled, .. } => {
                    // one that failed is still to be done
                    if !recalled && !verdict.ended_badly() {
                        past.since.insert(step.clone());
                    }
                    let kind = kinds.get(step.as_str()).copied().unwrap_or(StepKind::Verify);
                    // one that was recalled is of when it ended first
                    let first = past.steps.get(step).filter(|_| *recalled).map(|(.., n)| *n);
                    let end = (kind, verdict.clone(), value.clone(), first.unwrap_or(entry.n));
                    if kind == StepKind::Verify {
                        past.verify_ended(step, &end, entry.n);
                    }
                    past.steps.insert(step.clone(), end);
                    past.verdicts.insert(step.clone(), verdict.clone());
                }
                Record::Fact { step, name, value } => {
                    let key = (step.clone(), name.clone());
                    past.facts.entry(key).or_insert_with(|| (entry.n, value.clone()));
                }
                Record::WaitBegin { wait, .. } => past.waits = past.waits.max(*wait),
                _ => {}
            }
        }
        past
    }

    /// The verdict and value of a change step that finished.
    pub fn finished(&self, step: &str, kind: StepKind) -> Option<(&Verdict, &Value)> {
        let (was, verdict, value, _) = self.steps.get(step)?;
        (kind == StepKind::Change && *was == StepKind::Change && verdict.carries())
            .then_some((verdict, value))
    }

    fn verify_ended(&mut self, step: &str, end: &(StepKind, Verdict, Value, u64), now: u64) {
        let (_, verdict, value, entry) = end.clone();
        if verdict.carries() {
            self.verified.insert(step.into(), (Verified { verdict, value, entry }, None));
        } else if let Some((_, later @ None)) = self.verified.get_mut(step) {
            *later = Some(now);
        }
    }

    /// What a verify step had found that cannot be looked at again, and what has removed it since: another step of the run.
    /// Where the step has failed since as well, what failed it then was that removal only if it came first.
    pub(super) fn outlived<'e>(&self, step: &str, effects: &'e Effects) -> Option<(&Verified, &'e Effect)> {
        let (found, failed) = self.verified.get(step)?;
        let gone = effects.removed_since(step, found.entry)?;
        failed.is_none_or(|failed| gone.entry < failed).then_some((found, gone))
    }

    /// Its effects.
    pub fn effects(&self) -> &Effects {
        &self.effects
    }

    /// A step that had finished is run anew, from this entry on: what it did then is not what it does now. What is in doubt
    /// stays so.
    fn anew(&mut self, step: &str, from: u64) {
        self.steps.remove(step);
        self.verified.remove(step);
        self.facts.retain(|(of, _), _| of != step);
        self.effects.anew(step, from);
    }

    /// Whether a step has ended since the operator wanted the run from one of its steps.
    pub(super) fn ended_since(&self, step: &str) -> bool {
        self.since.contains(step)
    }

    /// The claims that were signed.
    pub(super) fn signatures(&self) -> &Signatures {
        &self.signatures
    }

    /// How a step ended that the operator leaves out of the resumed run: its verdict and its value count as they are, also
    /// where it had begun to look again and was cut off. One that failed or that was left out before has nothing to keep.
    pub(super) fn ended(&self, step: &str, kind: StepKind) -> Option<(&Verdict, &Value)> {
        let (was, verdict, value, _) = self.steps.get(step)?;
        (*was == kind && verdict.stays()).then_some((verdict, value))
    }

    /// How steps ended, each as it last did. A step that the resumed run does not come to keeps its verdict.
    pub fn verdicts(&self) -> impl Iterator<Item = (&str, &Verdict)> {
        self.verdicts.iter().map(|(step, verdict)| (step.as_str(), verdict))
    }

    /// What a step sent, or was about to send, before the cut.
    pub fn of_step(&self, step: &str) -> impl Iterator<Item = &Effect> {
        self.effects.so_far().filter(move |effect| effect.step == step)
    }

    /// Whether the run wrote a file of this machine.
    pub(super) fn wrote(&self, path: &str) -> bool {
        let is_it = |e: &Effect| e.intent.system == "file" && e.intent.target == path;
        self.effects.so_far().any(|effect| effect.state.is_done() && is_it(effect))
    }

    /// A named value from before the first change of a step that did not finish.
    pub fn baseline(&self, step: &str, name: &str) -> Option<&Value> {
        let (entry, value) = self.facts.get(&(step.to_string(), name.to_string()))?;
        let unfinished = self.finished(step, StepKind::Change).is_none();
        (unfinished && self.of_step(step).any(|call| call.entry > *entry)).then_some(value)
    }

    /// Changes whose outcome nobody knows.
    pub fn in_doubt(&self) -> impl Iterator<Item = &Effect> {
        self.effects.so_far().filter(|effect| effect.state == State::InDoubt)
    }

    /// The highest number of a wait.
    pub fn last_wait(&self) -> u64 {
        self.waits
    }
}
