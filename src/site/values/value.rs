//! A typed value of a site.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::base::duration;

/// A value, as its type says.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text: strings, addresses, networks, UUIDs, URLs, names.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// A duration.
    Duration(Duration),
    /// A size in bytes.
    Size(u64),
    /// Several values.
    List(Vec<Value>),
    /// Values by name.
    Map(BTreeMap<String, Value>),
}

/// As it would be written after `--set name=`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => f.write_str(text),
            Value::Integer(n) => write!(f, "{n}"),
            Value::Boolean(b) => write!(f, "{b}"),
            Value::Duration(d) => f.write_str(&exact(*d)),
            Value::Size(bytes) => f.write_str(&exact_size(*bytes)),
            Value::List(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                f.write_str(&items.join(","))
            }
            Value::Map(entries) => {
                let pairs: Vec<String> = entries.iter().map(|(k, v)| format!("{k}={v}")).collect();
                f.write_str(&pairs.join(","))
            }
        }
    }
}

/// Plain JSON; a duration and a size are texts with their unit, so that a journal reads itself.
impl Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Integer(n) => serializer.serialize_i64(*n),
            Value::Boolean(b) => serializer.serialize_bool(*b),
            Value::List(items) => items.serialize(serializer),
            Value::Map(entries) => entries.serialize(serializer),
            Value::Text(_) | Value::Duration(_) | Value::Size(_) => serializer.collect_str(self),
        }
    }
}

/// Like [`duration::show`], but whole: what it gives reads back as the same duration.
fn exact(d: Duration) -> String {
    let shown = duration::show(d);
    if duration::parse(&shown).is_ok_and(|back| back == d) { shown } else { format!("{}ms", d.as_millis()) }
}

fn exact_size(bytes: u64) -> String {
    for (unit, factor) in [("TiB", 1u64 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if bytes >= factor && bytes.is_multiple_of(factor) {
            return format!("{}{unit}", bytes / factor);
        }
    }
    format!("{bytes}B")
}
