//! What a command could print instead: another state in a document, a line less, another number.

use regex::escape;
use serde_json::{Value, json};

use super::legal::Legal;
use super::make::{instead, plain};
use super::mutant::{Change, Mutant, pattern};
use super::tape::Tape;
use super::unread::Unread;

/// What a command is, among the kinds of things.
pub(super) const COMMAND: &str = "command";

/// The commands that printed a document: service, `PLACE: LINE`, document.
pub(super) fn documents(tape: &Tape) -> Vec<(String, String, Value)> {
    let read =
        |said: &str| serde_json::from_str::<Value>(said).ok().filter(|d| d.is_object() || d.is_array());
    let all = tape.commands.iter();
    all.filter_map(|(service, line, said)| Some((service.clone(), line.clone(), read(said)?))).collect()
}

/// The places of a document and what is there.
pub(super) fn places(document: &Value) -> Vec<(String, Value)> {
    let mut places = Vec::new();
    leaves(document, "", &mut places);
    places
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

/// The fault by which a command prints something else.
pub(super) fn says(service: &str, line: &str, text: &str) -> toml::Value {
    let mut act = toml::Table::new();
    act.insert("status".into(), 0.into());
    act.insert("garble".into(), text.into());
    let mut fault = toml::Table::new();
    fault.insert("service".into(), service.into());
    fault.insert("path".into(), format!("^{}$", escape(line)).into());
    fault.insert("do".into(), act.into());
    fault.into()
}

/// What a command could print instead.
pub(super) fn commands(
    legal: &Legal,
    unread: &Unread,
    service: &str,
    line: &str,
    said: &str,
    all: &mut Vec<Mutant>,
) {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
