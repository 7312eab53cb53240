//! Secrets, and what is made of them. A secret is a type that prints as `***`; in texts from outside, which have no
//! such type, each value that is known to be secret is masked as a whole.

mod known;
mod memory;
mod url;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

pub use known::{LONG, STAND_IN, is_recognisable, mask, mask_json, masked, reread, stand_in, was_printed};

pub use memory::keep_out_of_dumps;
pub use url::{may_name_user, names_user, without_user};

/// What stands in the place of a secret in every output.
pub const MASK: &str = "***";

/// A text that no output shows. [`Secret::expose`] is the only way to it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Takes a text into custody: from now on it is masked in every text that is kept or shown.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Secret::unlisted(text).listed()
    }

    /// A text that may be no secret at all, such as any setting of a file of credentials. It prints as `***`, and is
    /// looked for in no text before it is [`listed`](Secret::listed).
    pub fn unlisted(text: impl Into<Arc<str>>) -> Self {
        Secret(text.into())
    }

    /// The same, masked from now on in every text that is kept or shown.
    #[must_use]
    pub fn listed(self) -> Self {
        known::learn(&self.0);
        self
    }

    /// The text itself, for a protocol that needs it. Never for a message.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Secret::new(String::deserialize(deserializer)?))
    }
}

/// A JSON document some of whose strings are secrets, such as a request body.
#[derive(Clone, Default, PartialEq)]
pub struct Payload {
    value: Value,
    /// JSON pointers (RFC 6901) of the strings that are secrets.
    secrets: BTreeSet<String>,
}

impl Payload {
    /// A document whose strings at `secrets` (JSON pointers) are secrets.
    pub fn new(value: Value, secrets: impl IntoIterator<Item = String>) -> Self {
        let payload = Payload { value, secrets: secrets.into_iter().collect() };
        payload.secrets.iter().filter_map(|pointer| payload.value.pointer(pointer)).for_each(learn);
        payload
    }

    /// The document as the protocol needs it. Never for a message.
    pub fn expose(&self) -> &Value {
        &self.value
    }

    /// The document as it may be shown: each secret is `***`, and so is each known one that it repeats elsewhere.
    pub fn masked(&self) -> Value {
        let mut value = self.value.clone();
        for pointer in &self.secrets {
            if let Some(slot) = value.pointer_mut(pointer) {
                *slot = Value::from(MASK);
            }
        }
        mask_json(&mut value);
        value
    }

    /// A member of it, and its secrets.
    #[must_use]
    pub fn at(&self, key: &str) -> Payload {
        let below = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        let secrets = self.secrets.iter().filter_map(|pointer| pointer.strip_prefix(&below));
        let secrets = secrets.filter(|rest| rest.is_empty() || rest.starts_with('/')).map(String::from);
        Payload { value: self.value.get(key).cloned().unwrap_or_default(), secrets: secrets.collect() }
    }

    /// The JSON pointers of its secrets, to build another document around it.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(String::as_str)
    }

    /// Whether it carries a secret. What a service answers to such a request may echo it,
    /// so the answer's text is withheld from errors as well.
    pub fn is_tainted(&self) -> bool {
        !self.secrets.is_empty()
    }
}

/// Has each text of a document masked wherever one is kept or shown.
fn learn(value: &Value) {
    match value {
        Value::String(text) => known::learn(text),
        Value::Array(items) => items.iter().for_each(learn),
        Value::Object(map) => map.values().for_each(learn),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        Payload { value, secrets: BTreeSet::new() }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_output_shows_a_secret() {
        let s = Secret::new("hunter2");
        let shown = format!("{s} {s:?} {:?} {}", Some(&s), serde_json::to_string(&s).unwrap());
        assert_eq!(shown, r#"*** *** Some(***) "***""#);
        assert_eq!(s.expose(), "hunter2");
    }

    #[test]
    fn a_payload_shows_all_but_its_secrets() {
        let p = Payload::new(json!({"user": "x", "auth": [{"key": "hunter2"}]}), ["/auth/0/key".into()]);
        assert!(p.is_tainted());
        assert_eq!(p.masked(), json!({"user": "x", "auth": [{"key": "***"}]}));
        assert!(!format!("{p:?}").contains("hunter2"));
        assert_eq!(p.expose()["auth"][0]["key"], "hunter2");
    }
}
