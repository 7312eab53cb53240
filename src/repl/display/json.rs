//! Values as JSON and YAML, whole, and as one short line.

use rhai::Dynamic;
use serde_json::Value;

use crate::base::secret::mask_json;
use crate::base::{Error, ErrorKind, Result};
use crate::script::value;

/// What may be seen of a value. It is masked before it is drawn: a secret that is cut into columns, or quoted once more,
/// would not be known.
pub fn seen(value: &Dynamic) -> Value {
    let mut evidence = value::evidence(value);
    mask_json(&mut evidence);
    evidence
}

/// A value as indented JSON, secrets masked.
///
/// # Errors
/// It cannot be written as JSON.
pub fn json(value: &Dynamic) -> Result<String> {
    serde_json::to_string_pretty(&for_people(seen(value))).map_err(|e| unfit("JSON", &e))
}

/// A value as YAML, secrets masked.
///
/// # Errors
/// It cannot be written as YAML.
pub fn yaml(value: &Dynamic) -> Result<String> {
    serde_saphyr::to_string(&for_people(seen(value))).map_err(|e| unfit("YAML", &e))
}

/// Evidence as people read it: `30s` and `***` instead of how the journal keeps them.
pub fn for_people(evidence: Value) -> Value {
    match evidence {
        Value::Object(map) if map.contains_key(value::TAG) => Value::from(tagged(&map)),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, for_people(value))).collect(),
        Value::Array(list) => list.into_iter().map(for_people).collect(),
        other => other,
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;

    #[test]
    fn a_secret_is_three_stars_wherever_it_stands() {
        let secret = || Dynamic::from(Secret::new("hunter2"));
        let map: rhai::Map = [("neutral".into(), secret()), ("n".into(), 1_i64.into())].into_iter().collect();
        let all = Dynamic::from(vec![Dynamic::from(map), secret()]);
        assert_eq!(yaml(&all).unwrap().trim(), "- \"n\": 1\n  neutral: \"***\"\n- \"***\"");
        assert!(!json(&all).unwrap().contains("hunter2") && !json(&all).unwrap().contains(value::TAG));
    }
}
