//! Evidence as people read it: JSON values in one line or in full, control characters visible.

use std::io::Write;

use serde::Serialize as _;
use serde_json::Value;

pub use crate::base::screen::lines as visible;

/// A value in one line, all of it. A text stands bare unless it could be taken for another type.
pub fn inline(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => visible(text).into_owned(),
        other => visible(&one_line(other)).into_owned(),
    }
}

/// JSON in one line with spaces behind commas and colons, where a narrow place can break it.
fn one_line(value: &Value) -> String {
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, Spaced);
    match value.serialize(&mut serializer) {
        Ok(()) => String::from_utf8(text).unwrap_or_default(),
        Err(_) => value.to_string(), // writing into memory does not fail
    }
}

struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> std::io::Result<()> {
        out.write_all(b": ")
    }
}

/// A value in full, over as many lines as it takes.
pub fn block(value: &Value) -> String {
    match value {
        Value::String(text) => visible(text).into_owned(),
        other => visible(&serde_json::to_string_pretty(other).unwrap_or_default()).into_owned(),
    }
}

/// A value in at most `longest` characters: an object by its name and states, the rest by its
/// beginning. `None` where [`inline`] already is that short.
pub fn brief(value: &Value, longest: usize) -> Option<String> {
    let whole = inline(value);
    if whole.chars().count() <= longest && !whole.contains('\n') {
        return None;
    }
    let telling = match value {
        Value::Object(fields) => {
            let telling = fields.iter().filter(|(key, v)| is_telling(key) && !v.is_null() && is_scalar(v));
            telling.map(|(key, v)| format!("{key}={}", inline(v))).collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    };
    let text = if telling.is_empty() { whole } else { telling };
    Some(cut(text.lines().next().unwrap_or_default(), longest, text.lines().count() > 1))
}

/// A text cut to `longest` characters, with an ellipsis where something is missing.
fn cut(text: &str, longest: usize, more: bool) -> String {
    match text.char_indices().nth(longest.saturating_sub(1)) {
        Some((end, last)) if more || end + last.len_utf8() < text.len() => format!("{}…", &text[..end]),
        _ if more => format!("{text}…"),
        _ => text.to_string(),
    }
}

fn is_telling(key: &str) -> bool {
    matches!(key, "name" | "status" | "state" | "id" | "uuid" | "phase" | "ready") || key.ends_with("_status")
}

fn is_scalar(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

/// Whether a text cannot be mistaken for a number, a boolean, null or nothing.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && serde_json::from_str::<Value>(text).is_err()
}

/// The first code in a sentence, between back-ticks: what is before it, the code, what is behind.
pub fn first_code(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('`')?;
    let (code, after) = rest.split_once('`')?;
    (!code.trim().is_empty()).then_some((before, code, after))
}

/// The members in which two values differ, each by its path (`/nodes/0/status`): before, after.
/// A member that one of them lacks stands as null.
pub fn differences(before: &Value, after: &Value) -> Vec<(String, Value, Value)> {
    let mut found = Vec::new();
    compare(String::new(), before, after, &mut found);
    found
}

fn compare(path: String, before: &Value, after: &Value, found: &mut Vec<(String, Value, Value)>) {
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            let added = b.keys().filter(|key| !a.contains_key(*key));
            for key in a.keys().chain(added) {
                let (x, y) = (a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
                compare(format!("{path}/{key}"), x, y, found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (n, (x, y)) in a.iter().zip(b).enumerate() {
                compare(format!("{path}/{n}"), x, y, found);
            }
        }
        (a, b) if a != b => found.push((path, a.clone(), b.clone())),
        _ => {}
    }
}

/// The scalars and lists of a document, each by its path (`network.external`); nothing for null.
pub fn leaves(value: &Value) -> Vec<(String, &Value)> {
    fn walk<'a>(path: &str, value: &'a Value, found: &mut Vec<(String, &'a Value)>) {
        match value {
            Value::Object(fields) => {
                for (key, v) in fields {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    walk(&path, v, found);
                }
            }
            Value::Null => {}
            leaf => found.push((path.to_string(), leaf)),
        }
    }
    let mut found = Vec::new();
    walk("", value, &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_that_looks_like_another_type_is_quoted() {
        for (value, shown) in [
            (json!("ACTIVE"), "ACTIVE"),
            (json!("3"), "\"3\""),
            (json!(3), "3"),
            (json!("true"), "\"true\""),
            (json!(""), "\"\""),
            (json!(" x"), "\" x\""),
            (json!({"a": [1, 2], "b": null}), r#"{"a": [1, 2], "b": null}"#),
        ] {
            assert_eq!(inline(&value), shown);
        }
    }

    #[test]
    fn brief_tells_an_object_by_its_name_and_states() {
        let image = json!({"id": "0f96", "links": ["x".repeat(99)], "name": "jammy", "status": "active"});
        assert_eq!(brief(&image, 60).unwrap(), "id=0f96 name=jammy status=active");
        assert_eq!(brief(&json!("short"), 60), None);
        assert_eq!(brief(&json!("€".repeat(99)), 5).unwrap(), "€€€€…");
        assert_eq!(brief(&json!("one\ntwo"), 60).unwrap(), "one…");
    }

    #[test]
    fn leaves_are_named_by_their_path() {
        let site =
            json!({"image": "jammy", "network": {"external": "provider-ext", "none": null}, "ips": [1]});
        let names: Vec<_> = leaves(&site).into_iter().map(|(path, _)| path).collect();
        assert_eq!(names, ["image", "network.external", "ips"]);
    }

    #[test]
    fn differences_are_named_by_their_path() {
        let (a, b) =
            (json!({"s": "ACTIVE", "n": [1, 2], "x": 1}), json!({"s": "ERROR", "n": [1, 3], "y": 2}));
        let paths: Vec<_> = differences(&a, &b).into_iter().map(|(path, ..)| path).collect();
        assert_eq!(paths, ["/s", "/n/1", "/x", "/y"]);
        assert!(differences(&a, &a).is_empty());
    }
}
