//! What a run did before it was cut off, read from its journal.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::attest::Signatures;
use super::record::{Entry, Record, StepKind, Verdict};
use crate::base::Intent;

/// A change of the run before the cut.
#[derive(Clone, Debug)]
pub struct PastCall {
    /// Number of the intent's entry.
    pub entry: u64,
    /// What was to be sent.
    pub intent: Intent,
    /// Its digest.
    pub digest: String,
    /// What was answered; `None` is in doubt.
    pub done: Option<Value>,
}

impl PastCall {
    /// Whether it did away with what another one had made or set.
    fn undoes(&self, other: &PastCall) -> bool {
        let path = |intent: &Intent| intent.target.split('?').next().unwrap_or_default().to_string();
        let (gone, made) = (path(&self.intent), path(&other.intent));
        let id = gone.rsplit('/').next().unwrap_or_default();
        let answer = other.done.as_ref().unwrap_or(&Value::Null);
        let named = |value: &Value| !id.is_empty() && value["id"] == id;
        let of_answer = || named(answer) || answer.as_object().is_some_and(|o| o.values().any(named));
        self.entry > other.entry
            && self.intent.destroys
            && self.intent.handle == other.intent.handle
            && (gone == made || of_answer())
    }
}

/// The run before the cut.
#[derive(Clone, Debug, Default)]
pub struct Past {
    steps: BTreeMap<String, (StepKind, Verdict, Value)>,
    /// The last verdict of each step that did not begin again.
    verdicts: BTreeMap<String, Verdict>,
    calls: HashMap<(String, String), PastCall>,
    /// The named values of steps, with their entries: the first of each name.
    facts: HashMap<(String, String), (u64, Value)>,
    signatures: Signatures,
    /// The steps that ended since the operator wanted the run from one of them.
    since: BTreeSet<String>,
    waits: u64,
}

/// Whether nobody knows, after this error of a change, if the service acted.
pub(super) fn leaves_doubt(error: &Value) -> bool {
    const DOUBTFUL: &[&str] = &["interrupted", "unreachable", "timeout", "transient", "protocol"];
    DOUBTFUL.contains(&error["kind"].as_str().unwrap_or_default())
}

impl Past {
    /// Reads a journal's entries.
    pub fn of(entries: &[Entry]) -> Self {
        let mut past = Past::default();
        let mut kinds: HashMap<&str, StepKind> = HashMap::new();
        let mut open: HashMap<u64, (String, String)> = HashMap::new();
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
                    past.anew(step);
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
                    if !recalled {
                        past.since.insert(step.clone());
                    }
                    let kind = kinds.get(step.as_str()).copied().unwrap_or(StepKind::Verify);
                    past.steps.insert(step.clone(), (kind, verdict.clone(), value.clone()));
                    past.verdicts.insert(step.clone(), verdict.clone());
                }
                Record::Intent { step, call, digest, intent, .. } => {
                    let key = (step.clone(), call.clone());
                    open.insert(entry.n, key.clone());
                    let call = PastCall {
                        entry: entry.n,
                        intent: intent.clone(),
                        digest: digest.clone(),
                        done: None,
                    };
                    past.calls.insert(key, call);
                }
                Record::Outcome { intent, value, error, .. } => {
                    let Some(key) = open.get(intent) else { continue };
                    if error.is_null() {
                        if let Some(call) = past.calls.get_mut(key) {
                            call.done = Some(value.clone());
                        }
                    } else if !leaves_doubt(error) {
                        past.calls.remove(key); // refused for certain: nothing was done
                    }
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
        let (was, verdict, value) = self.steps.get(step)?;
        (kind == StepKind::Change && *was == StepKind::Change && verdict.carries())
            .then_some((verdict, value))
    }

    /// A step that had finished is run anew: what it did then is not what it does now. What is in doubt stays so.
    fn anew(&mut self, step: &str) {
        self.steps.remove(step);
        self.facts.retain(|(of, _), _| of != step);
        self.calls.retain(|(of, _), call| of != step || call.done.is_none());
    }

    /// Whether a step has ended since the operator wanted the run from one of its steps.
    pub(super) fn ended_since(&self, step: &str) -> bool {
        self.since.contains(step)
    }

    /// The claims that were signed.
    pub(super) fn signatures(&self) -> &Signatures {
        &self.signatures
    }

    /// How a step ended that the operator leaves out of the resumed run: its verdict and its value count as they are. One
    /// that failed, that nobody signed or that was left out before has nothing to keep.
    pub(super) fn ended(&self, step: &str, kind: StepKind) -> Option<(&Verdict, &Value)> {
        let (was, verdict, value) = self.steps.get(step).filter(|_| self.verdicts.contains_key(step))?;
        (*was == kind && verdict.keeps()).then_some((verdict, value))
    }

    /// How steps ended, each as it last did. A step that the resumed run does not come to keeps its verdict.
    pub fn verdicts(&self) -> impl Iterator<Item = (&str, &Verdict)> {
        self.verdicts.iter().map(|(step, verdict)| (step.as_str(), verdict))
    }

    /// The change at a place in a step, if it was about to be sent.
    pub fn call(&self, step: &str, call: &str) -> Option<&PastCall> {
        self.calls.get(&(step.to_string(), call.to_string()))
    }

    /// What a step sent, or was about to send, before the cut.
    pub fn of_step(&self, step: &str) -> impl Iterator<Item = &PastCall> {
        self.calls.iter().filter(move |((of, _), _)| of == step).map(|(_, call)| call)
    }

    /// What was sent, or was about to be, by steps that did not finish, in its order.
    pub fn unfinished(&self) -> Vec<&PastCall> {
        let open = |(step, _): &&(String, String)| self.finished(step, StepKind::Change).is_none();
        let mut all: Vec<_> = self.calls.iter().filter(|(key, _)| open(key)).map(|(_, call)| call).collect();
        all.sort_by_key(|call| call.entry);
        all
    }

    /// Whether the run wrote a file of this machine.
    pub(super) fn wrote(&self, path: &str) -> bool {
        let is_it = |call: &PastCall| call.intent.system == "file" && call.intent.target == path;
        self.calls.values().any(|call| call.done.is_some() && is_it(call))
    }

    /// A named value from before the first change of a step that did not finish.
    pub fn baseline(&self, step: &str, name: &str) -> Option<&Value> {
        let (entry, value) = self.facts.get(&(step.to_string(), name.to_string()))?;
        let unfinished = self.finished(step, StepKind::Change).is_none();
        (unfinished && self.of_step(step).any(|call| call.entry > *entry)).then_some(value)
    }

    /// The changes by which a step, in its clean-up mostly, did away with what a change of its had made.
    pub fn undone_by<'a>(&'a self, step: &'a str, call: &'a PastCall) -> impl Iterator<Item = &'a PastCall> {
        self.of_step(step).filter(move |later| later.undoes(call))
    }

    /// Changes whose outcome nobody knows.
    pub fn in_doubt(&self) -> impl Iterator<Item = &PastCall> {
        self.calls.values().filter(|c| c.done.is_none())
    }

    /// The highest number of a wait.
    pub fn last_wait(&self) -> u64 {
        self.waits
    }
}
