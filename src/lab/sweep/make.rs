//! All mutants of what a rehearsal was answered.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::commands::commands;
use super::legal::Legal;
use super::mutant::{Change, EMPTY_TEXT, Mutant, amend_fault, is_fixed, pattern, toml_of};
use super::situation::{Situation, Situations};
use super::tape::{Tape, Thing};
use super::unread::Unread;
use crate::base::is_uuid;
use crate::lab::amend::{Amend, Copy, Instead};

/// All mutants of what a rehearsal was answered, leaving out the kinds of fields that nobody reads, and, where it is `proven`
/// that nothing comes of them, the services and endpoints that were not called.
pub fn mutants(
    tape: &Tape,
    legal: &Legal,
    situations: &Situations,
    unread: &Unread,
    proven: bool,
) -> Vec<Mutant> {
    let mut all = Vec::new();
    let uncalled = if proven { tape.uncalled() } else { BTreeSet::new() };
    let mut copied = BTreeSet::new();
    for (id, thing) in tape.things().into_iter().filter(|(id, _)| !uncalled.contains(id)) {
        let made = Maker { id: &id, thing: &thing, legal };
        for (field, course) in &thing.fields {
            if unread.contains(&(thing.service.clone(), thing.kind.clone(), pattern(field))) {
                continue;
            }
            made.field(field, course, &mut all);
        }
        for situation in situations.of(&thing.service, &thing.kind).filter(|s| !s.beside && s.is_of(&thing)) {
            made.situation(situation, &mut all);
        }
        if thing.listed {
            all.extend(made.gone());
            // of things that are alike, one copy says what each would
            let state =
                made.states(unread).into_iter().map(|(_, now, _)| now.to_string()).collect::<Vec<_>>();
            let mut first = |what: &str| {
                let key = (thing.service.clone(), thing.kind.clone(), what.to_string(), state.clone());
                copied.insert(key)
            };
            if first("") {
                made.copies(unread, &mut all);
            }
            for situation in
                situations.of(&thing.service, &thing.kind).filter(|s| s.beside && s.is_of(&thing))
            {
                if first(&situation.name) {
                    made.situation(situation, &mut all);
                }
            }
        }
    }
    for (service, path) in tape.lists().into_iter().filter(|(service, _)| service != "kubernetes") {
        all.extend(next_page(&service, &path));
    }
    for (service, line, said) in &tape.commands {
        commands(legal, unread, service, line, said, &mut all);
    }
    all
}

struct Maker<'a> {
    id: &'a str,
    thing: &'a Thing,
    legal: &'a Legal,
}

impl Maker<'_> {
    fn mutant(
        &self,
        field: Option<&str>,
        turn: Option<u32>,
        change: Change,
        was: &Value,
        becomes: String,
        is: Instead,
    ) -> Option<Mutant> {
        let amend = Amend { thing: self.id.to_string(), field: field.map(str::to_string), turn, is };
        Some(Mutant {
            service: self.thing.service.clone(),
            kind: self.thing.kind.clone(),
            name: if self.thing.name.is_empty() { self.id.to_string() } else { self.thing.name.clone() },
            field: field.unwrap_or_default().to_string(),
            change,
            was: was.clone(),
            becomes,
            turn,
            idle: None,
            fault: amend_fault(&self.thing.service, &amend)?,
        })
    }

    fn field(&self, field: &str, course: &[Value], all: &mut Vec<Mutant>) {
        // another id is another thing: copies and things that are gone are that
        if ["id", "uuid", "metadata/uid"].contains(&field) {
            return;
        }
        let kubernetes = self.thing.service == "kubernetes";
        if kubernetes && is_fixed(field) {
            return;
        }
        let several = course.len() > 1;
        for (turn, value) in course.iter().enumerate() {
            let turn = several.then_some(turn as u32);
            let mut add = |change, becomes: String, is| {
                all.extend(self.mutant(Some(field), turn, change, value, becomes, is));
            };
            let state = self.legal.of(&self.thing.service, &self.thing.kind, field);
            for (change, other) in instead(state, value) {
                if let Some(is) = toml_of(&other) {
                    add(change, plain(&other), Instead::Value(is));
                }
            }
            if let Value::Array(items) = value
                && !items.is_empty()
            {
                add(Change::Empty, "an empty list".into(), Instead::Empty);
                if items.len() > 1 {
                    add(Change::Gone, "its first entry is gone".into(), Instead::WithoutFirst);
                    add(Change::Gone, "its last entry is gone".into(), Instead::WithoutLast);
                }
            }
            // an API server drops a null rather than keep it
            if !value.is_null() && !kubernetes {
                add(Change::Null, "null".into(), Instead::Null);
            }
            if turn.is_none() {
                add(Change::Missing, "missing".into(), Instead::Missing);
            }
        }
    }

    fn gone(&self) -> Option<Mutant> {
        self.mutant(None, None, Change::Gone, &Value::Null, "gone".into(), Instead::Missing)
    }

    /// It in a situation, or one beside it.
    fn situation(&self, situation: &Situation, all: &mut Vec<Mutant>) {
        for place in situation.places(self.thing.fields.keys()) {
            let is = match situation.beside {
                false => Instead::With(situation.with.clone()),
                true => {
                    let mut with = situation.with.clone();
                    if !situation.same_name {
                        with.entry(self.name_field().into()).or_insert_with(|| self.other_name().into());
                    }
                    Instead::Copy(Copy { id: another_id(self.id, &situation.name), with, foreign: false })
                }
            };
            let name = situation.name.clone();
            let made = self.mutant(place.as_deref(), None, Change::Situation, &Value::Null, name, is);
            all.extend(made.map(|made| Mutant { idle: situation.idle.clone(), ..made }));
        }
    }

    fn name_field(&self) -> &'static str {
        if self.thing.service == "kubernetes" { "metadata/name" } else { "name" }
    }

    fn other_name(&self) -> String {
        format!("{}-copy", self.thing.name)
    }

    /// The fields that are states and are read, with what they are and could be.
    fn states(&self, unread: &Unread) -> Vec<(&str, &Value, Vec<Value>)> {
        let mut found = Vec::new();
        for (field, course) in &self.thing.fields {
            let state = self.legal.of(&self.thing.service, &self.thing.kind, field);
            let read =
                !unread.contains(&(self.thing.service.clone(), self.thing.kind.clone(), pattern(field)));
            if let (true, Some(state), Some(now)) = (read, state, course.first()) {
                found.push((field.as_str(), now, state.others(now)));
            }
        }
        found
    }

    fn copies(&self, unread: &Unread, all: &mut Vec<Mutant>) {
        let (name_field, other_name) = (self.name_field(), self.other_name());
        let mut add = |change, salt: &str, foreign, with: BTreeMap<String, toml::Value>, becomes: String| {
            let is = Instead::Copy(Copy { id: another_id(self.id, salt), with, foreign });
            all.extend(self.mutant(None, None, change, &Value::Null, becomes, is));
        };
        let named = || BTreeMap::from([(name_field.to_string(), toml::Value::from(other_name.as_str()))]);
        if self.thing.service != "kubernetes" && !self.thing.name.is_empty() {
            add(Change::Namesake, "namesake", false, BTreeMap::new(), "another of its name beside it".into());
        }
        let owners: Vec<(&str, &str)> = ["project_id", "tenant_id", "owner"]
            .into_iter()
            .filter_map(|key| Some((key, self.thing.whole.get(key)?.as_str()?)))
            .collect();
        if !owners.is_empty() {
            let mut with = named();
            let other = |owner: &str| toml::Value::from(another_id(owner, "project"));
            with.extend(owners.iter().map(|(key, owner)| (key.to_string(), other(owner))));
            add(Change::Foreign, "foreign", true, with, "another one of another project".into());
        }
        for (field, _, others) in self.states(unread) {
            for other in others {
                let Some(value) = toml_of(&other) else { continue };
                let mut with = named();
                with.insert(field.to_string(), value);
                let salt = format!("{field} {other}");
                let becomes = format!("another one whose {field} is {}", plain(&other));
                add(Change::OneInState, &salt, false, with, becomes);
            }
        }
    }
}

pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => EMPTY_TEXT.into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The other values that there could be.
pub(super) fn instead(state: Option<&super::legal::State>, value: &Value) -> Vec<(Change, Value)> {
    if let Some(state) = state {
        return state.others(value).into_iter().map(|other| (Change::State, other)).collect();
    }
    match value {
        Value::Bool(truth) => vec![(Change::Turned, json!(!truth))],
        Value::Number(n) => {
            let n = n.as_i64().unwrap_or_default();
            let edges = BTreeSet::from([0, n - 1, n + 1, i64::from(i32::MAX)]);
            edges
                .into_iter()
                .filter(|other| *other != n && *other >= 0)
                .map(|e| (Change::Edge, json!(e)))
                .collect()
        }
        Value::String(text) => match dates(text) {
            Some((ago, ahead)) => vec![(Change::LongAgo, ago.into()), (Change::Ahead, ahead.into())],
            None => {
                let mut all: Vec<_> = other(value).map(|other| (Change::Other, other)).into_iter().collect();
                if !text.is_empty() {
                    all.push((Change::Other, json!("")));
                }
                all
            }
        },
        _ => Vec::new(),
    }
}

/// Ten years before and after a date, in its own form.
fn dates(text: &str) -> Option<(String, String)> {
    let year: i32 = text.get(..4)?.parse().ok()?;
    let is = (1970..2200).contains(&year)
        && text.len() >= 19
        && text.get(4..5) == Some("-")
        && text.get(13..14) == Some(":");
    is.then(|| (format!("{}{}", year - 10, &text[4..]), format!("{}{}", year + 10, &text[4..])))
}

/// Another value of the same type.
pub(super) fn other(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(truth) => Some((!truth).into()),
        Value::Number(n) => Some(n.as_i64().map_or_else(|| json!(0), |n| json!(n + 1))),
        Value::String(text) if is_uuid(text) => Some(another_id(text, "other").into()),
        Value::String(text) => Some(format!("{text}-other").into()),
        Value::Array(items) if !items.is_empty() => Some(json!([])),
        _ => None,
    }
}

/// An id that a text decides, in the form of another one.
fn another_id(id: &str, salt: &str) -> String {
    use sha2::{Digest, Sha256};
    let hash = crate::base::permit::hex(&Sha256::digest(format!("{id} {salt}")));
    if id.len() == 32 && !id.contains('-') {
        return hash[..32].to_string();
    }
    format!("{}-{}-4{}-8{}-{}", &hash[..8], &hash[8..12], &hash[13..16], &hash[17..20], &hash[20..32])
}

fn next_page(service: &str, path: &str) -> Option<Mutant> {
    let thing = format!("GET {path}");
    let amend = Amend { thing: thing.clone(), field: None, turn: None, is: Instead::NextPageRefused };
    Some(Mutant {
        service: service.into(),
        kind: "list".into(),
        name: thing,
        field: String::new(),
        change: Change::NextPage,
        was: Value::Null,
        becomes: "it has a further page, which is refused".into(),
        turn: None,
        idle: None,
        fault: amend_fault(service, &amend)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(value: &Value) -> Vec<(Change, Value)> {
        instead(None, value)
    }

    #[test]
    fn each_type_has_its_other_values() {
        assert_eq!(changes(&json!(true)), [(Change::Turned, json!(false))]);
        let edges: Vec<Value> = changes(&json!(1)).into_iter().map(|(_, v)| v).collect();
        assert_eq!(edges, [json!(0), json!(2), json!(i32::MAX)]);
        let dated = changes(&json!("2026-06-09T02:00:00Z"));
        assert_eq!(dated[0], (Change::LongAgo, json!("2016-06-09T02:00:00Z")));
        assert_eq!(dated[1], (Change::Ahead, json!("2036-06-09T02:00:00Z")));
        assert_eq!(
            changes(&json!("jammy")),
            [(Change::Other, json!("jammy-other")), (Change::Other, json!(""))]
        );
        assert!(is_uuid(&another_id("0f968008-46ae-4b3f-a4b4-2f6d3a4de55a", "x")));
    }
}
