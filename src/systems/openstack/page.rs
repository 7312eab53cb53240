//! A page of a list: its things apart, so that they need not become values.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::base::Result;
use crate::systems::http::Answer;

use super::kept::{Kept, is_shallow};
use super::resource::Resource;

/// A page of a list.
pub(super) struct Page {
    /// The things of it; none where it has no such member.
    pub(super) things: Option<Vec<Kept>>,
    /// The other members: links, above all.
    pub(super) rest: Value,
}

impl Page {
    /// Reads an answer.
    ///
    /// # Errors
    /// It is no JSON.
    pub(super) fn read(answer: &Answer, row: &Resource) -> Result<Page> {
        let members = serde_json::from_slice::<BTreeMap<String, &RawValue>>(&answer.body).ok();
        let Some(mut members) = members.filter(|all| all.values().all(|part| is_shallow(part.get()))) else {
            // no object: whatever is wrong with it, a value's reader says it best
            return Ok(Page { things: None, rest: answer.json()? });
        };
        let things = members.remove(row.collection_key).and_then(|things| entries(row, things));
        let value = |raw: &RawValue| serde_json::from_str(raw.get()).unwrap_or_default();
        let rest: Map<String, Value> = members.into_iter().map(|(key, raw)| (key, value(raw))).collect();
        Ok(Page { things, rest: rest.into() })
    }
}

/// The things of a collection; those of an object carry their key as id.
fn entries(row: &Resource, collection: &RawValue) -> Option<Vec<Kept>> {
    if collection.get().starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(collection.get()).ok()?;
        return Some(items.into_iter().map(|item| unwrap(row, item)).collect());
    }
    let by_key: Map<String, Value> = serde_json::from_str(collection.get()).ok()?;
    let entry = |(key, value): (String, Value)| {
        let mut item = Map::from_iter([(row.id_key.to_string(), Value::String(key))]);
        match value {
            Value::Object(fields) => item.extend(fields),
            scalar => drop(item.insert("value".to_string(), scalar)),
        }
        Kept::of(&item.into())
    };
    Some(by_key.into_iter().map(entry).collect())
}

/// Nova wraps each keypair of a list once more.
fn unwrap(row: &Resource, item: &RawValue) -> Kept {
    let begins = |key: &&str| {
        let inside =
            item.get().strip_prefix('{').map(str::trim_start).and_then(|text| text.strip_prefix('"'));
        inside.is_some_and(|text| text.starts_with(*key))
    };
    let wrapped = row.item_key.filter(begins).and_then(|key| {
        let members: BTreeMap<&str, &RawValue> = serde_json::from_str(item.get()).ok()?;
        if members.len() == 1 { members.get(key).copied() } else { None }
    });
    Kept::part(wrapped.unwrap_or(item))
}
