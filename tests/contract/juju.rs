//! The shape of `juju status --format=json`: what the lab's has, a real one has too, in the same place and of the same type.

use serde_json::{Map, Value, json};

use super::shape;

/// Members whose members are names of machines, applications, units and so on.
const NAMED: [&str; 8] = [
    "machines",
    "applications",
    "units",
    "subordinates",
    "containers",
    "network-interfaces",
    "lxd-profiles",
    "endpoint-bindings",
];

/// A status as one record: the shape of everything in it, whatever it is called.
pub(crate) fn seen(status: &Value) -> Map<String, Value> {
    Map::from_iter([("status --format=json".to_string(), shape::of(&unnamed(status)))])
}

fn unnamed(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let each = members.iter().map(|(key, member)| match member {
                Value::Object(named) if NAMED.contains(&key.as_str()) => {
                    (key.clone(), named.values().map(unnamed).collect())
                }
                other => (key.clone(), unnamed(other)),
            });
            each.collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(unnamed).collect(),
        // an id of one cloud is a name in another's
        Value::String(_) => "text".into(),
        other => other.clone(),
    }
}

/// What of a shape is not in another, each with its place.
pub(crate) fn missing(place: &str, real: &Value, here: &Value, into: &mut Vec<String>) {
    let plain = |key: &str| key.trim_end_matches('?').to_string();
    let fits = |real: &Value, here: &Value| {
        let mut none = Vec::new();
        missing(place, real, here, &mut none);
        none.is_empty()
    };
    match (real, here) {
        (_, here) if here["one of"].is_array() => {
            here["one of"].as_array().into_iter().flatten().for_each(|here| missing(place, real, here, into));
        }
        (real, here) if real["one of"].is_array() => {
            if !real["one of"].as_array().into_iter().flatten().any(|real| fits(real, here)) {
                into.push(format!("{place}: real {real}, here {here}"));
            }
        }
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in b {
                match a.iter().find(|(other, _)| plain(other) == plain(key)) {
                    Some((_, other)) => missing(&format!("{place}/{}", plain(key)), other, value, into),
                    None => into.push(format!("{place}/{}: no real one has it", plain(key))),
                }
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            b.iter().zip(a).for_each(|(value, other)| missing(place, other, value, into));
        }
        (a, b) if a == b => {}
        (a, b) => into.push(format!("{place}: real {a}, here {b}")),
    }
}

/// Writes the record of a real status.
pub(crate) fn record(file: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    super::record("juju", &seen(&serde_json::from_str(&text).unwrap_or(json!({}))));
}
