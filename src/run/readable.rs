//! What is written can be read: each entry is read from its own line before the line goes to the file. What could
//! not be read, such as an answer that is nested deeper than readers of JSON go, is cut first and says so.

use serde::Serializer;
use serde_json::{Map, Value};

use super::record::Entry;
use crate::base::{Error, ErrorKind, Result};

/// How deep a line may be nested, the entry's own braces included. Readers of JSON give up at 128.
pub const DEEPEST: usize = 100;

/// What stands where a value was cut.
pub const CUT: &str = "[cut here: too large, or nested too deep to be kept]";

/// Keys that begin so mean something to the reader of JSON itself.
const READERS_OWN: &str = "$serde_json::private::";

/// The line of an entry with its end, and the entry as it will be read from it.
///
/// # Errors
/// [`ErrorKind::Internal`] for a record that no reader would understand; nothing may be written then.
pub(super) fn line(entry: &Entry) -> Result<(String, Entry)> {
    let unfit = |e: serde_json::Error| {
        Error::new(ErrorKind::Internal, "a record cannot be written so that it can be read again")
            .from_source(&e)
    };
    let mut text = serde_json::to_string(entry).map_err(unfit)?;
    let read = match serde_json::from_str::<Entry>(&text) {
        Ok(read) if depth(&text) <= DEEPEST => read,
        _ => {
            text = bounded(serde_json::to_value(entry).map_err(unfit)?, DEEPEST).to_string();
            serde_json::from_str(&text).map_err(unfit)?
        }
    };
    text.push('\n');
    Ok((text, read))
}

/// Writes a number that its reader takes for one: JSON knows no infinity.
pub(super) fn finite<S: Serializer>(number: &f64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(if number.is_finite() { *number } else { 0.0 })
}

/// How deep a text of JSON is nested.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A value that is nested no deeper than `left`, and has no key that its reader would take for its own.
fn bounded(value: Value, left: usize) -> Value {
    match value {
        Value::Array(_) | Value::Object(_) if left == 0 => CUT.into(),
        Value::Array(list) => list.into_iter().map(|v| bounded(v, left - 1)).collect(),
        Value::Object(map) => {
            let plain = |key: String| if key.starts_with(READERS_OWN) { format!("\\{key}") } else { key };
            let fields = map.into_iter().map(|(key, v)| (plain(key), bounded(v, left - 1)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        other => other,
    }
}
