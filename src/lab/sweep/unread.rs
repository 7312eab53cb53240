//! The kinds of fields that nobody reads: candidates, and the rehearsals that prove them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::commands::{COMMAND, documents, places, says};
use super::make::other;
use super::mutant::{amend_fault, pattern, read, toml_of};
use super::tape::Tape;
use crate::base::Result;
use crate::lab::amend::{Amend, Instead};
use crate::lab::fault::Fault;

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

/// The kinds of fields that were `read` of some thing, by the thing's id and the field's first member.
pub fn fields_of(tape: &Tape, read: &BTreeSet<(String, String)>) -> Unread {
    let mut all = Unread::new();
    for (id, thing) in tape.things() {
        for field in thing.fields.keys() {
            let first = field.split('/').next().unwrap_or_default().replace("~1", "/");
            if read.contains(&(id.clone(), first)) {
                all.insert((thing.service.clone(), thing.kind.clone(), pattern(field)));
            }
        }
    }
    all
}

/// One rehearsal in which every field of some kinds is other, or is missing: where nothing comes of it, nobody reads them.
///
/// # Errors
/// [`ErrorKind::Internal`](crate::base::ErrorKind): a change is no fault.
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

/// One rehearsal in which all that the catalogues name and the run never called is gone: where nothing comes of it, nothing that
/// becomes of it matters.
///
/// # Errors
/// [`ErrorKind::Internal`](crate::base::ErrorKind): a change is no fault.
pub fn uncalled(tape: &Tape) -> Result<Vec<Fault>> {
    let gone = |id| Amend { thing: id, field: None, turn: None, is: Instead::Missing };
    let faults = tape.uncalled().into_iter().filter_map(|id| amend_fault("keystone", &gone(id)));
    faults.map(|fault| read(&fault)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lab::sweep::{Legal, Situations, mutants};

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
