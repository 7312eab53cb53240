//! A thing as a service answered it, kept as the text that came and read field by field. Of ten thousand servers a
//! script asks for a few fields each; as values they would take five times the room.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// So deep may an answer be: what a value is read to.
const DEPTH: usize = 120;

/// One thing as a service answered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// JSON that was read once already.
    text: Arc<str>,
}

/// Whether somebody wants to know which fields are read.
static WATCHED: AtomicBool = AtomicBool::new(false);
static READ: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

fn read() -> MutexGuard<'static, BTreeSet<(String, String)>> {
    READ.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on, which fields of which things are read in this process is kept, for [`fields_read`].
pub fn watch_reads() {
    read().clear();
    WATCHED.store(true, Ordering::SeqCst);
}

/// The fields that were read since [`watch_reads`], each with the id of its thing. Nothing more is kept.
pub fn fields_read() -> BTreeSet<(String, String)> {
    WATCHED.store(false, Ordering::SeqCst);
    std::mem::take(&mut *read())
}

impl Kept {
    /// A part of an answer.
    pub(super) fn part(raw: &RawValue) -> Self {
        Kept { text: raw.get().into() }
    }

    /// A thing that is there as a value.
    pub fn of(value: &Value) -> Self {
        Kept { text: value.to_string().into() }
    }

    /// Bytes of its text.
    #[allow(clippy::len_without_is_empty, reason = "an answer is never empty")]
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// A field.
    pub fn field(&self, name: &str) -> Option<Value> {
        if WATCHED.load(Ordering::Relaxed) {
            let id =
                ["id", "uuid"].into_iter().find_map(|key| self.member(key)?.as_str().map(str::to_string));
            read().extend(id.map(|id| (id, name.to_string())));
        }
        self.member(name)
    }

    fn member(&self, name: &str) -> Option<Value> {
        serde_json::Deserializer::from_str(&self.text).deserialize_map(Field(name)).ok().flatten()
    }

    /// The text in a field.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.field(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether it has a field.
    pub fn has(&self, name: &str) -> bool {
        self.field(name).is_some()
    }

    /// The names of its fields.
    pub fn names(&self) -> Vec<String> {
        self.whole().as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
    }

    /// All of it.
    pub fn whole(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

/// Whether a text of JSON is no deeper than a value may be.
pub(super) fn is_shallow(text: &str) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                if depth > DEPTH {
                    return false;
                }
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

/// Takes one field out of an object.
struct Field<'n>(&'n str);

impl<'de> Visitor<'de> for Field<'_> {
    type Value = Option<Value>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(is_it) = members.next_key_seed(Is(self.0))? {
            if is_it {
                found = Some(members.next_value()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Whether a name is a certain one.
struct Is<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<bool, D::Error> {
        name.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_is_read_out_of_the_text() {
        let body = json!({"id": "a", "n\"": [1, {"id": "inner"}], "none": null, "é": true, "last": 1.5});
        let kept = Kept::of(&body);
        for (name, value) in body.as_object().unwrap() {
            assert_eq!(kept.field(name).as_ref(), Some(value), "{name}");
        }
        assert_eq!((kept.field("absent"), kept.has("none"), kept.text("last")), (None, true, None));
        assert_eq!((kept.text("id").as_deref(), kept.whole()), (Some("a"), body));
        assert_eq!(kept.names(), ["id", "n\"", "none", "é", "last"]);
        // the last of two, as in a value
        let twice = Kept { text: r#"{"a": 1, "a": 2}"#.into() };
        assert_eq!((twice.field("a"), twice.whole()["a"].clone()), (Some(json!(2)), json!(2)));
        assert_eq!(Kept::of(&json!("a text")).field("id"), None);
    }

    #[test]
    fn what_is_too_deep_for_a_value_is_known_before() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(is_shallow(&nested(DEPTH)) && !is_shallow(&nested(DEPTH + 1)));
        assert!(serde_json::from_str::<Value>(&nested(DEPTH)).is_ok());
        assert!(is_shallow(&json!({"text": "[".repeat(500), "escaped": "\\\"[["}).to_string()));
    }
}
