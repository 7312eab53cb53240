//! What differs between two values: field by field, things of a list by their ids or names.

use std::collections::BTreeMap;

use rhai::Dynamic;
use serde_json::Value;

use super::{Look, json, state, table};
use crate::base::screen::{Drawn, drawn};
use crate::script::value;

/// The differences of two values as lines; nothing where there are none.
pub fn draw(before: &Dynamic, after: &Dynamic, look: &Look) -> Drawn {
    let (before, after) = (fields(before), fields(after));
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut lines = Vec::new();
    for name in names {
        let line = match (before.get(name), after.get(name)) {
            (Some(a), Some(b)) if a == b => continue,
            (Some(a), Some(b)) => {
                let (a, b) = (look.paint(state::BAD, a.as_str()), look.paint(state::GOOD, b.as_str()));
                drawn!("{}: {} → {}", name, a, b)
            }
            (Some(a), None) => look.paint(state::BAD, format!("- {name}: {a}")),
            (_, b) => look.paint(state::GOOD, format!("+ {name}: {}", b.map_or("", String::as_str))),
        };
        lines.push(line);
    }
    if lines.is_empty() {
        return look.paint(table::DIM, "nothing differs");
    }
    Drawn::join(lines, "\n")
}

/// Every leaf of a value by its path.
fn fields(value: &Dynamic) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    walk(&json::for_people(json::seen(value)), String::new(), &mut all);
    all
}

fn walk(value: &Value, path: String, all: &mut BTreeMap<String, String>) {
    let below = |key: &str| if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
    match value {
        Value::Object(map) if !map.is_empty() && !map.contains_key(value::TAG) => {
            map.iter().for_each(|(key, v)| walk(v, below(key), all));
        }
        Value::Array(list) if !list.is_empty() => {
            for (n, item) in list.iter().enumerate() {
                let named = ["id", "uuid", "name"].iter().find_map(|key| item.get(key)?.as_str());
                let named = named.or_else(|| item.pointer("/metadata/name")?.as_str());
                walk(item, format!("{path}[{}]", named.map_or(n.to_string(), str::to_string)), all);
            }
        }
        other => {
            let name = if path.is_empty() { "value".to_string() } else { path };
            all.insert(name, json::inline(other));
        }
    }
}

/// A text with what is not as it was before marked: word by word, line by line.
pub fn mark(before: &str, after: &str) -> Drawn {
    let old: Vec<&str> = before.lines().collect();
    let lines = after.lines().enumerate().map(|(n, line)| match old.get(n) {
        Some(same) if *same == line => line.into(),
        Some(other) => mark_line(other, line),
        None => marked(line),
    });
    Drawn::join(lines, "\n")
}

fn mark_line(before: &str, after: &str) -> Drawn {
    let old: Vec<&str> = before.split_whitespace().collect();
    let mut text = Drawn::default();
    let mut rest = after;
    let mut n = 0;
    while let Some(start) = rest.find(|c: char| !c.is_whitespace()) {
        let end = rest[start..].find(char::is_whitespace).map_or(rest.len(), |e| start + e);
        text.push(&rest[..start]);
        let word = &rest[start..end];
        text.push(if old.get(n) == Some(&word) { word.into() } else { marked(word) });
        rest = &rest[end..];
        n += 1;
    }
    text.push(rest);
    text
}

fn marked(text: &str) -> Drawn {
    const CHANGED: anstyle::Style = anstyle::Style::new().invert();
    Drawn::line(text).painted(CHANGED)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Look = Look { width: Some(80), colours: false };

    fn of(text: &str) -> Dynamic {
        value::from_json(&serde_json::from_str(text).unwrap()).unwrap()
    }

    #[test]
    fn things_are_compared_by_their_names() {
        let before = of(r#"[{"name": "a", "status": "ACTIVE"}, {"name": "b", "status": "ERROR"}]"#);
        let after = of(r#"[{"name": "b", "status": "ACTIVE"}, {"name": "c", "status": "BUILD"}]"#);
        assert_eq!(
            &*draw(&before, &after, &PLAIN),
            "- [a].name: \"a\"\n- [a].status: \"ACTIVE\"\n[b].status: \"ERROR\" → \"ACTIVE\"\n\
             + [c].name: \"c\"\n+ [c].status: \"BUILD\""
        );
        assert_eq!(&*draw(&before, &before, &PLAIN), "nothing differs");
    }

    #[test]
    fn what_changed_is_marked_and_nothing_else() {
        let text = mark("id  status\n1   BUILD  x", "id  status\n1   ACTIVE  x\n2");
        assert_eq!(text.plain(), "id  status\n1   ACTIVE  x\n2");
        assert_eq!(text.matches("\u{1b}[7m").count(), 2);
    }
}
