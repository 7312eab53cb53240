//! What each answer could say instead: one change a mutant.

use std::collections::{BTreeMap, BTreeSet};

use regex::escape;
use serde::Serialize;
use serde_json::{Value, json};

use super::legal::Legal;
use super::situation::{Situation, Situations};
use super::tape::{Tape, Thing};
use crate::base::{Error, ErrorKind, Result, is_uuid};
use crate::lab::amend::{Amend, Copy, Instead};
use crate::lab::fault::Fault;

/// What a text becomes that becomes empty, in words.
pub const EMPTY_TEXT: &str = "an empty text";

/// One change of what a cloud answers.
#[derive(Clone, Debug, Serialize)]
pub struct Mutant {
    /// The service: `octavia`.
    pub service: String,
    /// What is changed: `loadbalancer`, a request, or a command.
    pub kind: String,
    /// What people call it.
    pub name: String,
    /// Its field; empty where it is the thing itself.
    pub field: String,
    /// How it is changed.
    pub change: Change,
    /// What it was.
    pub was: Value,
    /// What it is instead, in words.
    pub becomes: String,
    /// Which of the values that the field takes in its course, from 0, where it takes several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn: Option<u32>,
    /// Why it must stop no run of any runbook, where that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<String>,
    /// The fault of a scenario that brings it about.
    pub fault: toml::Value,
}

/// How an answer is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Another state of the service's own set.
    State,
    /// A boolean is turned.
    Turned,
    /// Several fields together, as one cause makes them, or a thing more that is so.
    Situation,
    /// A thing more, in another state.
    OneInState,
    /// A list is empty.
    Empty,
    /// A thing is gone, or an entry of a list.
    Gone,
    /// A thing more, of the same name.
    Namesake,
    /// A thing more, of another project.
    Foreign,
    /// A further page of a list, which is refused.
    NextPage,
    /// A field is null.
    Null,
    /// A field is missing.
    Missing,
    /// A number at its edges.
    Edge,
    /// A date of long ago.
    LongAgo,
    /// A date far ahead.
    Ahead,
    /// Another text.
    Other,
    /// A command prints nothing, or a line less.
    Output,
}

impl Change {
    /// As reports write it.
    pub fn word(self) -> &'static str {
        match self {
            Change::State => "state",
            Change::Turned => "turned",
            Change::Situation => "situation",
            Change::OneInState => "one-in-state",
            Change::Empty => "empty",
            Change::Gone => "gone",
            Change::Namesake => "namesake",
            Change::Foreign => "foreign",
            Change::NextPage => "next-page",
            Change::Null => "null",
            Change::Missing => "missing",
            Change::Edge => "edge",
            Change::LongAgo => "long-ago",
            Change::Ahead => "ahead",
            Change::Other => "other",
            Change::Output => "output",
        }
    }
}

impl Mutant {
    /// It as a fault of a rehearsal.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`]: it is none.
    pub fn fault(&self) -> Result<Fault> {
        read(&self.fault)
    }

    /// `octavia loadbalancer api: provisioning_status ACTIVE -> ERROR`.
    pub fn sentence(&self) -> String {
        let thing = format!("{} {} {}", self.service, self.kind, self.name);
        let was = match &self.was {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let turn = self.turn.map_or_else(String::new, |n| format!(" (value {} of its course)", n + 1));
        match self.field.as_str() {
            "" => format!("{thing}: {}", self.becomes),
            field if self.change == Change::Situation => format!("{thing}: {field} {}", self.becomes),
            field => format!("{thing}: {field} {was} -> {}{turn}", self.becomes),
        }
    }

    /// What kind of field is changed.
    pub fn kind_of_field(&self) -> (String, String, String) {
        (self.service.clone(), self.kind.clone(), self.pattern())
    }

    /// The field without the names and places of entries in lists: `conditions/*/status`.
    pub fn pattern(&self) -> String {
        pattern(&self.field)
    }
}

fn read(fault: &toml::Value) -> Result<Fault> {
    fault.clone().try_into().map_err(|e: toml::de::Error| {
        Error::new(ErrorKind::Internal, "a mutant is no fault").cause(e.message().to_string())
    })
}

/// Whether an API server answers with a field of an object as it is, whatever happens: what the object and the entries of its
/// lists are called. Another one would be another object, or another entry; that one is gone is a change of its own.
fn is_fixed(field: &str) -> bool {
    let named = field.rsplit_once('/').and_then(|(entry, last)| {
        let (key, _) = entry.rsplit('/').next()?.split_once('=')?;
        (key == last).then_some(())
    });
    named.is_some()
        || ["kind", "apiVersion", "metadata", "metadata/name", "metadata/namespace"].contains(&field)
}

/// A field without the names and places of entries in lists.
fn pattern(field: &str) -> String {
    let plain = |part: &str| match part.contains('=') || part.parse::<usize>().is_ok() {
        true => "*".to_string(),
        false => part.to_string(),
    };
    field.split('/').map(plain).collect::<Vec<_>>().join("/")
}

fn amend_fault(service: &str, amend: &Amend) -> Option<toml::Value> {
    let amend = toml::Value::try_from(amend).ok()?;
    let mut act = toml::Table::new();
    act.insert("amend".into(), amend);
    let mut fault = toml::Table::new();
    fault.insert("service".into(), service.into());
    fault.insert("do".into(), act.into());
    Some(fault.into())
}

fn toml_of(value: &Value) -> Option<toml::Value> {
    toml::Value::try_from(value).ok()
}

/// A kind of field: service, kind of thing, field without the places of entries.
pub type Unread = BTreeSet<(String, String, String)>;

/// The kinds of fields that are candidates for what nobody reads: no word of the scripts names them, or their things were
/// had as things (some field of each kind was `read`, by the thing's id) and that field of none of them was read.
pub fn unread(tape: &Tape, words: &BTreeSet<String>, read: &BTreeSet<(String, String)>) -> Unread {
    let (mut named, mut all, mut had) = (Unread::new(), Unread::new(), BTreeSet::new());
    let ids: BTreeSet<&str> = read.iter().map(|(id, _)| id.as_str()).collect();
    for (id, thing) in tape.things() {
        let kind = (thing.service.clone(), thing.kind.clone());
        if ids.contains(id.as_str()) {
            had.insert(kind.clone());
        }
        for field in thing.fields.keys() {
            let last = field.split('/').rfind(|part| !part.contains('=') && part.parse::<usize>().is_err());
            let first = field.split('/').next().unwrap_or_default().replace("~1", "/");
            let entry = (kind.0.clone(), kind.1.clone(), pattern(field));
            let is_read = read.contains(&(id.clone(), first));
            let is_named = last.is_some_and(|name| words.contains(&name.replace("~1", "/")));
            if is_named && (is_read || !ids.contains(id.as_str())) {
                named.insert(entry.clone());
            }
            all.insert(entry);
        }
    }
    // of what a command prints, the plain values: its objects are called as things are
    for (service, _, document) in documents(tape) {
        for (pointer, value) in places(&document) {
            let field = pointer.trim_start_matches('/');
            let last = field.split('/').rfind(|part| part.parse::<usize>().is_err()).unwrap_or_default();
            if !value.is_object() && !value.is_array() {
                let entry = (service.clone(), COMMAND.to_string(), pattern(field));
                if words.contains(&last.replace("~1", "/")) {
                    named.insert(entry.clone());
                }
                all.insert(entry);
            }
        }
    }
    // what came as a thing in one answer and as a plain map in another counts by what was read of the thing
    let known = |(service, kind, field): &(String, String, String)| {
        had.contains(&(service.clone(), kind.clone())) && {
            let first = field.split('/').next().unwrap_or_default().replace("~1", "/");
            !read.iter().any(|(_, name)| *name == first)
        }
    };
    all.into_iter().filter(|entry| !named.contains(entry) || known(entry)).collect()
}

/// One rehearsal in which every field of some kinds is other, or is missing: where nothing comes of it, nobody reads them.
///
/// # Errors
/// [`ErrorKind::Internal`]: a change is no fault.
pub fn group(tape: &Tape, kinds: &Unread, missing: bool) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for (service, line, mut document) in documents(tape) {
        let is = |pointer: &str| {
            kinds.contains(&(service.clone(), COMMAND.into(), pattern(pointer.trim_start_matches('/'))))
        };
        let chosen: Vec<_> = places(&document).into_iter().filter(|(pointer, _)| is(pointer)).collect();
        for (pointer, value) in &chosen {
            let (parent, last) = pointer.rsplit_once('/').unwrap_or_default();
            match document.pointer_mut(parent) {
                Some(Value::Object(members)) if missing => {
                    members.shift_remove(&last.replace("~1", "/").replace("~0", "~"));
                }
                Some(_) => {
                    if let Some(place) = document.pointer_mut(pointer) {
                        *place = other(value).unwrap_or_default();
                    }
                }
                None => {}
            }
        }
        if !chosen.is_empty() {
            faults.push(read(&says(&service, &line, &document.to_string()))?);
        }
    }
    for (id, thing) in tape.things() {
        for (field, course) in &thing.fields {
            let kind = (thing.service.clone(), thing.kind.clone(), pattern(field));
            if !kinds.contains(&kind) {
                continue;
            }
            let is = match missing {
                true => Instead::Missing,
                false => match course.first().and_then(other).as_ref().and_then(toml_of) {
                    Some(value) => Instead::Value(value),
                    None => Instead::Null,
                },
            };
            let amend = Amend { thing: id.clone(), field: Some(field.clone()), turn: None, is };
            if let Some(fault) = amend_fault(&thing.service, &amend) {
                faults.push(read(&fault)?);
            }
        }
    }
    Ok(faults)
}

/// What a command is, among the kinds of things.
const COMMAND: &str = "command";

/// The commands that printed a document: service, `PLACE: LINE`, document.
fn documents(tape: &Tape) -> Vec<(String, String, Value)> {
    let read =
        |said: &str| serde_json::from_str::<Value>(said).ok().filter(|d| d.is_object() || d.is_array());
    let all = tape.commands.iter();
    all.filter_map(|(service, line, said)| Some((service.clone(), line.clone(), read(said)?))).collect()
}

/// The places of a document and what is there.
fn places(document: &Value) -> Vec<(String, Value)> {
    let mut places = Vec::new();
    leaves(document, "", &mut places);
    places
}

/// The fault by which a command prints something else.
fn says(service: &str, line: &str, text: &str) -> toml::Value {
    let mut act = toml::Table::new();
    act.insert("status".into(), 0.into());
    act.insert("garble".into(), text.into());
    let mut fault = toml::Table::new();
    fault.insert("service".into(), service.into());
    fault.insert("path".into(), format!("^{}$", escape(line)).into());
    fault.insert("do".into(), act.into());
    fault.into()
}

/// Another value of the same type.
fn other(value: &Value) -> Option<Value> {
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

/// One rehearsal in which all that the catalogues name and the run never called is gone: where nothing comes of it, nothing that
/// becomes of it matters.
///
/// # Errors
/// [`ErrorKind::Internal`]: a change is no fault.
pub fn uncalled(tape: &Tape) -> Result<Vec<Fault>> {
    let gone = |id| Amend { thing: id, field: None, turn: None, is: Instead::Missing };
    let faults = tape.uncalled().into_iter().filter_map(|id| amend_fault("keystone", &gone(id)));
    faults.map(|fault| read(&fault)).collect()
}

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

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => EMPTY_TEXT.into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The other values that there could be.
fn instead(state: Option<&super::legal::State>, value: &Value) -> Vec<(Change, Value)> {
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

/// What a command could print instead.
fn commands(legal: &Legal, unread: &Unread, service: &str, line: &str, said: &str, all: &mut Vec<Mutant>) {
    let mut add = |field: &str, change, was: Value, becomes: String, text: String| {
        let fault = says(service, line, &text);
        let (service, kind, name) = (service.to_string(), COMMAND.to_string(), line.to_string());
        let field = field.to_string();
        all.push(Mutant { service, kind, name, field, change, was, becomes, turn: None, idle: None, fault });
    };
    if said.trim().is_empty() {
        return;
    }
    add("", Change::Output, Value::Null, "it prints nothing".into(), String::new());
    if let Ok(document) = serde_json::from_str::<Value>(said)
        && (document.is_object() || document.is_array())
    {
        for (pointer, value) in places(&document) {
            let field = pointer.trim_start_matches('/').to_string();
            if unread.contains(&(service.to_string(), COMMAND.to_string(), pattern(&field))) {
                continue;
            }
            let state = legal.of(service, "command", &field);
            let changed = |other: Value| {
                let mut whole = document.clone();
                if let Some(place) = whole.pointer_mut(&pointer) {
                    *place = other;
                }
                whole.to_string()
            };
            for (change, other) in instead(state, &value) {
                // free texts of a whole model say nothing that a state does not, but which model it is
                if change != Change::Other || field == "model/name" {
                    add(&field, change, value.clone(), plain(&other), changed(other));
                }
            }
            if value.is_object() || value.is_array() {
                let (parent, last) = pointer.rsplit_once('/').unwrap_or_default();
                let mut whole = document.clone();
                let inside = whole.pointer_mut(parent).and_then(Value::as_object_mut);
                if let Some(members) = inside {
                    members.shift_remove(&last.replace("~1", "/").replace("~0", "~"));
                    add(&field, Change::Gone, json!({}), "gone".into(), whole.to_string());
                }
            }
        }
        return;
    }
    if let Some(state) = legal.of(service, "command", "text")
        && state.values.iter().any(|v| v.as_str() == Some(said.trim()))
    {
        for other in state.others(&said.trim().into()) {
            add("text", Change::State, said.trim().into(), plain(&other), format!("{}\n", plain(&other)));
        }
    }
    for other in other_numbers(said) {
        add("text", Change::Other, said.trim().into(), other.trim().to_string(), other.clone());
    }
    let lines: Vec<&str> = said.lines().collect();
    if lines.len() > 1 {
        for (n, gone) in lines.iter().enumerate().filter(|(_, line)| !line.trim().is_empty()).take(24) {
            let left: Vec<&str> =
                lines.iter().enumerate().filter(|(m, _)| *m != n).map(|(_, l)| *l).collect();
            add("text", Change::Output, (*gone).into(), "this line is gone".into(), left.join("\n") + "\n");
        }
    }
}

/// A line with another first, and another last number: another version, another size.
fn other_numbers(said: &str) -> Vec<String> {
    let spans: Vec<_> = match (said.lines().count(), regex::Regex::new("[0-9]+")) {
        (1, Ok(number)) => number.find_iter(said).map(|found| found.range()).collect(),
        _ => Vec::new(),
    };
    let mut all: Vec<String> = Vec::new();
    for span in spans.first().into_iter().chain(spans.last()) {
        let Ok(n) = said[span.clone()].parse::<u64>() else { continue };
        let other = format!("{}{}{}", &said[..span.start], n.saturating_add(1), &said[span.end..]);
        if !all.contains(&other) {
            all.push(other);
        }
    }
    all
}

/// The places of a document, those of its members below them.
fn leaves(value: &Value, pointer: &str, into: &mut Vec<(String, Value)>) {
    let below = |key: &str| format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
    if !pointer.is_empty() {
        into.push((
            pointer.to_string(),
            match value {
                Value::Object(_) => json!({}),
                Value::Array(_) => json!([]),
                plain => plain.clone(),
            },
        ));
    }
    match value {
        Value::Object(members) => members.iter().for_each(|(key, inner)| leaves(inner, &below(key), into)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, i)| leaves(i, &below(&n.to_string()), into))
        }
        _ => {}
    }
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

    #[test]
    fn what_an_object_is_called_is_no_state_of_it() {
        assert!(is_fixed("metadata/name") && is_fixed("status/conditions/type=Ready/type"));
        assert!(
            !is_fixed("status/conditions/type=Ready/status") && !is_fixed("status/conditions/type=Ready")
        );
        assert!(!is_fixed("spec/providerID"));
    }

    #[test]
    fn a_command_could_print_other_states_and_less() {
        let (legal, unread) = (Legal::shipped().unwrap(), Unread::new());
        let mut all = Vec::new();
        commands(&legal, &unread, "ssh", "hyp: virsh domstate a", "shut off\n", &mut all);
        let becomes: Vec<&str> = all.iter().map(|m| m.becomes.as_str()).collect();
        assert_eq!(becomes[..3], ["it prints nothing", "no state", "running"]);
        let mut all = Vec::new();
        commands(&legal, &unread, "tool", "juju: python3", "1.3.0\n", &mut all);
        let becomes: Vec<&str> = all.iter().map(|m| m.becomes.as_str()).collect();
        assert_eq!(becomes, ["it prints nothing", "2.3.0", "1.3.1"]);
        let mut all = Vec::new();
        let said = json!({"units": {"a/0": {"workload-status": {"current": "active"}}}}).to_string();
        commands(&legal, &unread, "tool", "juju: juju status", &said, &mut all);
        let blocked = all.iter().find(|m| m.becomes == "blocked").unwrap();
        assert_eq!(blocked.field, "units/a~10/workload-status/current");
        assert!(blocked.fault().unwrap().act.garble.unwrap().contains("\"current\":\"blocked\""));
        assert!(all.iter().any(|m| m.change == Change::Gone && m.field == "units/a~10"));
    }

    #[test]
    fn of_a_document_what_no_word_names_is_a_candidate() {
        let said = json!({"units": {"a/0": {"current": "active", "since": "01 Jun"}}}).to_string();
        let mut tape = Tape::default();
        tape.commands.push(("tool".into(), "juju: juju status".into(), said));
        let words = BTreeSet::from(["current".to_string()]);
        let candidates = unread(&tape, &words, &BTreeSet::new());
        let since = ("tool".to_string(), "command".to_string(), "units/a~10/since".to_string());
        assert_eq!(candidates.iter().collect::<Vec<_>>(), [&since]);
        let garbled = |missing| group(&tape, &candidates, missing).unwrap()[0].act.garble.clone().unwrap();
        assert_eq!(garbled(true), r#"{"units":{"a/0":{"current":"active"}}}"#);
        assert_eq!(garbled(false), r#"{"units":{"a/0":{"current":"active","since":"01 Jun-other"}}}"#);
        let all =
            mutants(&tape, &Legal::shipped().unwrap(), &Situations::shipped().unwrap(), &candidates, false);
        assert!(!all.is_empty() && all.iter().all(|m| !m.field.ends_with("since")));
    }
}
