//! What a rehearsal came to, as far as two of them are compared.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::mutant::Mutant;
use crate::lab::amend::identity;
use crate::run::{Entry, Record, RunReport};

/// What a rehearsal came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Whether it passed.
    pub passed: bool,
    exit: Option<u8>,
    error: String,
    /// Verdict of each step.
    verdicts: Vec<(String, String)>,
    /// Gates and whether they held.
    gates: Vec<(String, String, bool)>,
    /// Changes: method, target, body.
    pub sent: Vec<String>,
    /// Remarks and named values.
    told: BTreeSet<String>,
    /// The details of verdicts: whom a skip waits for.
    details: BTreeSet<String>,
    /// What steps returned, for later ones, and what gates looked at. Nobody reads these unless he looks for them: a run that
    /// records others is another run, and has named nothing by it.
    recorded: BTreeMap<String, String>,
}

/// How a rehearsal shows that something is other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Noticed {
    /// It ended otherwise: the step, and what it said.
    Verdict {
        /// The first step whose verdict is another.
        step: String,
        /// Its verdict, and why.
        said: String,
    },
    /// It passed, and named the cause.
    Named {
        /// The remark.
        said: String,
    },
    /// It passed and named nothing.
    Not {
        /// It sent other changes.
        other_changes: bool,
    },
}

impl Seen {
    /// What a report shows, and what the entries hold besides.
    pub fn of(report: &RunReport, entries: &[Entry]) -> Seen {
        let mut seen = Seen::default();
        if let Some(end) = &report.end {
            seen.passed = end.exit == 0;
            seen.exit = Some(end.exit);
            seen.error = end.error["what"].as_str().unwrap_or_default().to_string();
        }
        seen.told.extend(report.notes.iter().cloned());
        seen.told.extend(report.facts.iter().map(|f| fact(&f.name, &f.value)));
        for entry in entries {
            if let Record::StepEnd { step, value, .. } = &entry.record {
                seen.record(step, value);
            }
        }
        for step in &report.steps {
            for (n, gate) in step.gates.iter().enumerate() {
                seen.record(&format!("{}#{n}", step.id), &gate.observed);
            }
            let verdict = step.verdict.as_ref();
            seen.verdicts.push((step.id.clone(), verdict.map_or("none", |v| v.word()).to_string()));
            if let Some(detail) = verdict.map(|v| v.detail()).filter(|d| !d.is_empty()) {
                seen.details.insert(format!("{}: {detail}", step.id));
            }
            seen.gates.extend(step.gates.iter().map(|g| (step.id.clone(), g.claim.clone(), g.ok)));
            seen.told.extend(step.notes.iter().cloned());
            seen.told.extend(step.facts.iter().map(|f| fact(&f.name, &f.value)));
            let sent = step.effects.iter().filter(|e| e.approved.is_some());
            seen.sent
                .extend(sent.map(|e| format!("{} {} {}", e.intent.method, e.intent.target, e.intent.body)));
        }
        seen
    }

    /// How this one, of a mutant, shows that something is other than in the first.
    pub fn noticed(&self, first: &Seen, mutant: &Mutant) -> Noticed {
        let step = self.verdicts.iter().find(|v| !first.verdicts.contains(v));
        let lost = || first.verdicts.iter().find(|v| !self.verdicts.contains(v));
        if self.exit != first.exit || step.is_some() || lost().is_some() {
            let (id, word) = step.or_else(lost).cloned().unwrap_or_default();
            let prefix = format!("{id}: ");
            let detail = self.details.iter().find_map(|d| d.strip_prefix(&prefix)).unwrap_or(&self.error);
            return Noticed::Verdict { step: id, said: format!("{word} {detail}") };
        }
        if let Some((step, claim, ok)) = self.gates.iter().find(|g| !g.2 && !first.gates.contains(g)) {
            let word = if *ok { "holds" } else { "does not hold" };
            return Noticed::Verdict { step: step.clone(), said: format!("{claim} {word}") };
        }
        let words = mutant.words();
        let names = |line: &&String| words.iter().any(|word| line.contains(word.as_str()));
        let new = self.told.difference(&first.told).chain(self.details.difference(&first.details));
        match new.into_iter().find(names) {
            Some(line) => Noticed::Named { said: line.clone() },
            None => Noticed::Not { other_changes: self.sent != first.sent },
        }
    }

    /// Whether nothing at all is other.
    pub fn is_same(&self, first: &Seen) -> bool {
        let recorded = first.recorded.iter().all(|(place, value)| self.recorded.get(place) == Some(value));
        let told = Seen { recorded: first.recorded.clone(), ..self.clone() };
        recorded && told == *first
    }

    /// Leaves out what is recorded otherwise in another rehearsal of the same: how long an answer took, which of two comes first.
    pub fn steady(&mut self, again: &Seen) {
        self.recorded.retain(|place, value| again.recorded.get(place) == Some(value));
    }

    /// Records a value by its leaves. A thing of a cloud that was recorded as a whole is known by its id, since its fields matter
    /// only where they are read; and the lab has another port each time.
    fn record(&mut self, place: &str, value: &Value) {
        let leaf = match value {
            Value::Object(object) => match identity(object).filter(|_| object.len() > 3) {
                Some(id) => id.to_string(),
                None => {
                    object.iter().for_each(|(key, inner)| self.record(&format!("{place}/{key}"), inner));
                    object.len().to_string()
                }
            },
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(n, inner)| self.record(&format!("{place}/{n}"), inner));
                items.len().to_string()
            }
            plain => without_port(&plain.to_string()),
        };
        self.recorded.insert(place.to_string(), leaf);
    }
}

fn fact(name: &str, value: &Value) -> String {
    format!("{name} = {value}")
}

/// A text without the port of the lab.
pub fn without_port(text: &str) -> String {
    let own = "127.0.0.1:";
    let mut parts = text.split(own);
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |all, part| all + own + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

impl Mutant {
    /// What a remark that names the cause has in it: the thing's name, or the new value.
    fn words(&self) -> Vec<String> {
        let name = self.name.rsplit('/').next().unwrap_or_default().to_string();
        [name, self.becomes.clone()].into_iter().filter(|word| word.len() > 2).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lab::sweep::Change;

    fn seen(verdict: &str, told: &[&str], sent: &[&str]) -> Seen {
        Seen {
            passed: true,
            exit: Some(0),
            verdicts: vec![("1".into(), verdict.into())],
            told: told.iter().map(|t| t.to_string()).collect(),
            sent: sent.iter().map(|t| t.to_string()).collect(),
            ..Seen::default()
        }
    }

    fn mutant() -> Mutant {
        Mutant {
            service: "octavia".into(),
            kind: "loadbalancer".into(),
            name: "api-lb".into(),
            field: "operating_status".into(),
            change: Change::State,
            was: json!("ONLINE"),
            becomes: "DEGRADED".into(),
            turn: None,
            idle: None,
            fault: toml::Value::Boolean(true),
        }
    }

    #[test]
    fn a_run_that_records_another_value_is_another_one_and_has_named_nothing() {
        let with = |value: Value| {
            let mut seen = Seen::default();
            seen.record("1", &value);
            seen
        };
        let first = with(json!({"address": "http://127.0.0.1:4001/x", "nodes": 3}));
        assert!(first.is_same(&with(json!({"address": "http://127.0.0.1:4002/x", "nodes": 3}))));
        let other = with(json!({"address": "http://127.0.0.1:4001/x", "nodes": 2}));
        assert!(!other.is_same(&first));
        assert_eq!(other.noticed(&first, &mutant()), Noticed::Not { other_changes: false });
        // what differs without any change does not count
        let mut steady = first.clone();
        steady.steady(&other);
        assert!(other.is_same(&steady));
        // a thing that was recorded as a whole is known by its id
        let thing = |state: &str| with(json!({"id": "0f968008-0001", "a": 1, "b": 2, "state": state}));
        assert!(thing("x").is_same(&thing("y")));
    }

    #[test]
    fn another_verdict_a_named_cause_and_nothing_are_told_apart() {
        let first = seen("PASS", &["api-lb is fine"], &["PUT a"]);
        let of = |other: Seen| other.noticed(&first, &mutant());
        assert!(matches!(of(seen("FAIL", &[], &[])), Noticed::Verdict { step, .. } if step == "1"));
        assert!(matches!(of(seen("PASS", &["api-lb is DEGRADED"], &[])), Noticed::Named { .. }));
        assert_eq!(of(first.clone()), Noticed::Not { other_changes: false });
        // a remark about something else names nothing
        assert_eq!(of(seen("PASS", &["another matter"], &["PUT b"])), Noticed::Not { other_changes: true });
    }
}
