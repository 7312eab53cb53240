//! How much of a text a journal keeps: scripts and services write some of them, and every report reads all.

use serde_json::Value;

use super::record::{Record, Verdict};
use crate::base::bounded::{bounded, sentence};

/// Bytes that are kept of a text in evidence.
const EVIDENCE: usize = 64 << 10;

/// A record whose texts are bounded. What a run goes on from (a change, its outcome, a step's value) stays whole.
pub(super) fn within(mut record: Record) -> Record {
    let cut = |text: &mut String| *text = sentence(std::mem::take(text));
    match &mut record {
        Record::Runbook { title, .. } | Record::StepBegin { title, .. } | Record::WaitBegin { title, .. } => {
            cut(title);
        }
        Record::Note { text, .. } => cut(text),
        Record::Fact { name, value, .. } => {
            cut(name);
            evidence(value);
        }
        Record::Gate { claim, observed, wanted, .. } => {
            cut(claim);
            evidence(observed);
            evidence(wanted);
        }
        Record::WaitSample { state, tolerated, .. } => {
            cut(state);
            tolerated.iter_mut().for_each(cut);
        }
        Record::Attest { claim, by, .. } => {
            cut(claim);
            by.iter_mut().for_each(cut);
        }
        Record::Refusal { reason, .. } => cut(reason),
        Record::Cleanup { title, error, .. } => {
            cut(title);
            error.iter_mut().for_each(cut);
        }
        Record::StepEnd { verdict, .. } => match verdict {
            Verdict::Fail { reason } | Verdict::Unknown { reason } | Verdict::Skipped { reason } => {
                cut(reason)
            }
            Verdict::Deferred { decision } => cut(decision),
            Verdict::Outstanding { claim } => cut(claim),
            _ => {}
        },
        _ => {}
    }
    record
}

fn evidence(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > EVIDENCE => *text = bounded(text, EVIDENCE).into_owned(),
        Value::Array(items) => items.iter_mut().for_each(evidence),
        Value::Object(fields) => fields.values_mut().for_each(evidence),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_of_twenty_megabytes_is_kept_in_part_and_says_so() {
        let long = "x".repeat(20 << 20);
        let records = [
            Record::Note { step: "1".into(), text: long.clone() },
            Record::Fact { step: "1".into(), name: "n".into(), value: json!({"out": [long.clone()]}) },
            Record::Attest { step: "1".into(), claim: long.clone(), by: Some(long), kept: None },
        ];
        for record in records {
            let kept = serde_json::to_string(&within(record)).unwrap();
            assert!(
                kept.len() < 2 * EVIDENCE && kept.contains("of 20971520 bytes left out"),
                "{}",
                kept.len()
            );
        }
    }
}
