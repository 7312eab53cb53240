//! What of an answer is the same in every cloud.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

/// Members whose very value is compared.
const LITERAL: &[&str] = &[
    "status",
    "provisioning_status",
    "operating_status",
    "vm_state",
    "task_state",
    "role",
    "type",
    "disk_format",
    "visibility",
    "protocol",
    "OS-EXT-STS:vm_state",
    "OS-EXT-STS:task_state",
    "OS-EXT-STS:power_state",
    "rel",
    "direction",
    "device_owner",
    "action",
    "result",
    "coe",
    "server_type",
    "health_status",
    "is_domain",
    "restricted",
];

/// Members whose members are names that a user chose, or ids.
const OPEN: &[&str] = &["addresses", "provider_summaries", "allocations", "labels", "metadata"];

/// The shape of a document: each value is its type.
pub(super) fn of(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let each = members.iter().map(|(key, member)| {
                let shown = match member {
                    literal
                        if LITERAL.contains(&key.as_str()) && !literal.is_object() && !literal.is_array() =>
                    {
                        json!({"is": literal})
                    }
                    Value::Object(inner) if OPEN.contains(&key.as_str()) => {
                        let values: Vec<Value> = inner.values().cloned().collect();
                        json!({"each": items(&values)})
                    }
                    other => of(other),
                };
                (key.clone(), shown)
            });
            each.collect::<Map<_, _>>().into()
        }
        Value::Array(values) => json!([items(values)]),
        Value::String(text) => class(text).into(),
        Value::Number(n) if n.is_f64() => "float".into(),
        Value::Number(_) => "int".into(),
        Value::Bool(_) => "bool".into(),
        Value::Null => "null".into(),
    }
}

/// The one shape of all items, or all their shapes.
fn items(values: &[Value]) -> Value {
    let mut shapes: Vec<Value> = Vec::new();
    for shape in values.iter().map(of) {
        if !shapes.contains(&shape) {
            shapes.push(shape);
        }
    }
    match shapes.len() {
        0 => "nothing".into(),
        1 => shapes.remove(0),
        _ if shapes.iter().all(Value::is_object) => merged(&shapes),
        _ => json!({"one of": shapes}),
    }
}

/// A member that differs between items is all that it was; one that some lack is marked.
fn merged(shapes: &[Value]) -> Value {
    let mut all: Map<String, Value> = Map::new();
    let keys: Vec<&String> = shapes.iter().flat_map(|s| s.as_object().unwrap().keys()).collect();
    for key in keys {
        let mut seen: Vec<Value> = Vec::new();
        for value in shapes.iter().filter_map(|s| s.get(key)) {
            if !seen.contains(value) {
                seen.push(value.clone());
            }
        }
        seen.sort_by_key(Value::to_string);
        let everywhere = shapes.iter().all(|s| s.get(key).is_some());
        let name = if everywhere { key.clone() } else { format!("{key}?") };
        all.insert(name, if seen.len() == 1 { seen.remove(0) } else { json!({"one of": seen}) });
    }
    all.into()
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

static UUID: LazyLock<Regex> =
    LazyLock::new(|| pattern("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"));
static HEX: LazyLock<Regex> = LazyLock::new(|| pattern("[0-9a-f]{32}"));
static TIME: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"));
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d+\.\d+\.\d+\.\d+"));
static URL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"http://(127\.0\.0\.1|localhost):\d+(/(identity|compute|placement|network|image|load-balancer|container-infra|volume))?",
    )
});

/// What kind of text it is. Times keep their form.
fn class(text: &str) -> String {
    if let Some(found) = TIME.find(text) {
        return text.replacen(found.as_str(), "time", 1);
    }
    for (name, pattern) in [("uuid", &UUID), ("hex", &HEX), ("address", &ADDRESS)] {
        if pattern.find(text).is_some_and(|m| m.as_str() == text) {
            return name.into();
        }
    }
    if text.starts_with("http://") || text.starts_with("https://") { "url".into() } else { "text".into() }
}

/// A text without what differs from cloud to cloud; what was captured has its name.
pub(super) fn normal(text: &str, kept: &BTreeMap<String, String>) -> String {
    let mut text = text.to_string();
    let mut known: Vec<(&String, &String)> = kept.iter().filter(|(_, value)| value.len() > 7).collect();
    known.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
    for (name, value) in known {
        text = text.replace(value.as_str(), &format!("{{{name}}}"));
    }
    for (name, pattern) in
        [("<base>", &URL), ("<uuid>", &UUID), ("<hex>", &HEX), ("<time>", &TIME), ("<address>", &ADDRESS)]
    {
        text = pattern.replace_all(&text, name).into_owned();
    }
    text
}

/// A page without its tags.
pub(super) fn plain(text: &str) -> String {
    static TAG: LazyLock<Regex> = LazyLock::new(|| pattern("<[^>]+>"));
    let text = TAG
        .replace_all(text, " ")
        .replace("&#x27;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An error's document with its words.
pub(super) fn words(value: &Value, kept: &BTreeMap<String, String>) -> Value {
    match value {
        Value::Object(members) => {
            members.iter().map(|(k, v)| (k.clone(), words(v, kept))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(|item| words(item, kept)).collect(),
        Value::String(text) => normal(text, kept).into(),
        other => other.clone(),
    }
}

/// Headers that say something about the service, with the values that do.
pub(super) fn headers(headers: &reqwest::header::HeaderMap, kept: &BTreeMap<String, String>) -> Vec<String> {
    const MUTE: &[&str] =
        &["date", "server", "connection", "content-length", "keep-alive", "transfer-encoding"];
    const VALUE: &[&str] = &[
        "openstack-api-version",
        "x-openstack-nova-api-version",
        "vary",
        "location",
        "www-authenticate",
        "cache-control",
        "openstack-api-minimum-version",
        "openstack-api-maximum-version",
        "accept-patch",
    ];
    let many = headers.iter().flat_map(|(name, value)| {
        let split = if name == "vary" {
            value.to_str().unwrap().split(", ").collect()
        } else {
            vec![value.to_str().unwrap()]
        };
        split.into_iter().map(move |value| (name, value))
    });
    let mut all: Vec<String> = many
        .filter(|(name, _)| !MUTE.contains(&name.as_str()))
        .map(|(name, value)| {
            match name.as_str() {
                "content-type" => format!("content-type: {}", value.split(';').next().unwrap().trim()),
                // Werkzeug's set of methods has no order
                "allow" => {
                    let mut methods: Vec<&str> = value.split(',').map(str::trim).collect();
                    methods.sort_unstable();
                    format!("allow: {}", methods.join(", "))
                }
                name if VALUE.contains(&name) => format!("{name}: {}", normal(value, kept)),
                name => name.to_string(),
            }
        })
        .collect();
    all.sort();
    all
}

/// Takes members out, wherever they are.
pub(super) fn without(value: &mut Value, keys: &[&str]) {
    match value {
        Value::Object(members) => {
            members.retain(|key, _| !keys.contains(&key.as_str()));
            members.iter_mut().for_each(|(_, member)| without(member, keys));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| without(item, keys)),
        _ => {}
    }
}

/// Writes down where two shapes differ.
pub(super) fn compare(place: &str, real: &Value, here: &Value, into: &mut Vec<String>) {
    match (real, here) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                match b.get(key) {
                    Some(other) => compare(&format!("{place}/{key}"), value, other, into),
                    None => into.push(format!("  {place}/{key}: real has {value}, here it is missing")),
                }
            }
            for key in b.keys().filter(|key| !a.contains_key(*key)) {
                into.push(format!("  {place}/{key}: only here ({})", b[key]));
            }
        }
        (Value::Array(a), Value::Array(b)) if place == "/headers" => {
            into.extend(
                a.iter().filter(|h| !b.contains(h)).map(|h| format!("  header only of the real one: {h}")),
            );
            into.extend(b.iter().filter(|h| !a.contains(h)).map(|h| format!("  header only here: {h}")));
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (n, (x, y)) in a.iter().zip(b).enumerate() {
                compare(&format!("{place}[{n}]"), x, y, into);
            }
        }
        (a, b) if a == b => {}
        (a, b) => into.push(format!("  {place}: real {a}, here {b}")),
    }
}
