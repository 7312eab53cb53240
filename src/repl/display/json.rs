//! Values as JSON and YAML, whole, and as one short line.

use rhai::Dynamic;
use serde_json::Value;

use crate::base::{Error, ErrorKind, Result};
use crate::script::value;

/// A value as indented JSON, secrets masked.
///
/// # Errors
/// It cannot be written as JSON.
pub fn json(value: &Dynamic) -> Result<String> {
    serde_json::to_string_pretty(&value::evidence(value)).map_err(|e| unfit("JSON", &e))
}

/// A value as YAML, secrets masked.
///
/// # Errors
/// It cannot be written as YAML.
pub fn yaml(value: &Dynamic) -> Result<String> {
    serde_saphyr::to_string(&value::evidence(value)).map_err(|e| unfit("YAML", &e))
}

fn unfit(format: &str, cause: &(dyn std::error::Error + 'static)) -> Error {
    Error::new(ErrorKind::Internal, format!("the value cannot be written as {format}")).from_source(cause)
}

/// One line of a value.
pub fn inline(value: &Value) -> String {
    match value {
        Value::Object(map) if map.contains_key(value::TAG) => tagged(map),
        other => other.to_string(),
    }
}

/// A text as it is, anything else as JSON.
pub fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".into(),
        other => inline(other),
    }
}

/// What evidence keeps of a value of ours: a duration, a secret.
fn tagged(map: &serde_json::Map<String, Value>) -> String {
    match (map.get("seconds").and_then(Value::as_f64), map.get("shown").and_then(Value::as_str)) {
        (Some(seconds), _) => crate::base::duration::show_seconds(seconds),
        (_, Some(shown)) => shown.to_string(),
        _ => Value::Object(map.clone()).to_string(),
    }
}
