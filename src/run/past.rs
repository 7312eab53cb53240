//! What a run did before it was cut off, read from its journal.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

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

/// The run before the cut.
#[derive(Clone, Debug, Default)]
pub struct Past {
    steps: BTreeMap<String, (StepKind, Verdict, Value)>,
    calls: HashMap<(String, String), PastCall>,
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
        for entry in entries {
            match &entry.record {
                Record::StepBegin { step, kind, .. } => {
                    kinds.insert(step, *kind);
                }
                Record::StepEnd { step, verdict, value, .. } => {
                    let kind = kinds.get(step.as_str()).copied().unwrap_or(StepKind::Verify);
                    past.steps.insert(step.clone(), (kind, verdict.clone(), value.clone()));
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

    /// The change at a place in a step, if it was about to be sent.
    pub fn call(&self, step: &str, call: &str) -> Option<&PastCall> {
        self.calls.get(&(step.to_string(), call.to_string()))
    }

    /// What a step sent, or was about to send, before the cut.
    pub fn of_step(&self, step: &str) -> impl Iterator<Item = &PastCall> {
        self.calls.iter().filter(move |((of, _), _)| of == step).map(|(_, call)| call)
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
