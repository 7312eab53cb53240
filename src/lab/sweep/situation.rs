//! What real things are found in besides their states: several fields together, as data with their sources.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::legal::is_like;
use super::tape::Thing;
use crate::base::{Error, ErrorKind, Result};

const TABLE: &str = include_str!("situations.toml");

/// The situations that things are found in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Situations {
    /// One row a situation.
    #[serde(rename = "situation")]
    pub all: Vec<Situation>,
}

/// A situation of one kind of thing.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Situation {
    /// The service.
    pub service: String,
    /// The kind of thing.
    pub thing: String,
    /// Where in it; `*` is any number of members. Without it, the thing itself.
    pub at: Option<String>,
    /// What people would say: `cordoned`.
    pub name: String,
    /// Only things that have such fields are found in it.
    #[serde(default)]
    pub of: BTreeMap<String, toml::Value>,
    /// One more thing beside it is in that situation.
    #[serde(default)]
    pub beside: bool,
    /// That one has the same name.
    #[serde(default)]
    pub same_name: bool,
    /// Its fields, as [`Instead::With`](crate::lab::Instead::With) has them.
    pub with: BTreeMap<String, toml::Value>,
    /// Why it must stop no run of any runbook, where that is so.
    pub idle: Option<String>,
    /// Where that is from.
    pub source: String,
}

impl Situations {
    /// The table that is shipped.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`]: it cannot be read.
    pub fn shipped() -> Result<Situations> {
        toml::from_str(TABLE).map_err(|e| {
            Error::new(ErrorKind::Internal, "the table of situations cannot be read").from_source(&e)
        })
    }

    /// Those of a kind of thing.
    pub fn of<'s>(&'s self, service: &'s str, kind: &'s str) -> impl Iterator<Item = &'s Situation> {
        self.all.iter().filter(move |s| s.service == service && s.thing == kind)
    }
}

impl Situation {
    /// Whether a thing can be found in it.
    pub(super) fn is_of(&self, thing: &Thing) -> bool {
        self.of.iter().all(|(field, wanted)| {
            let wanted = serde_json::to_value(wanted).unwrap_or_default();
            thing.fields.get(field).is_some_and(|course| course.contains(&wanted))
        })
    }

    /// The places of a thing that it can be at, among its fields; nothing stands for the thing itself.
    pub(super) fn places<'f>(&self, fields: impl Iterator<Item = &'f String>) -> Vec<Option<String>> {
        let Some(at) = &self.at else { return vec![None] };
        let depth = at.split('/').count();
        fields
            .filter(|field| is_like(at, field) && field.split('/').count() == depth)
            .map(|field| Some(field.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_situation_has_a_source_and_fields() {
        let shipped = Situations::shipped().unwrap();
        for situation in &shipped.all {
            assert!(situation.source.contains(": ") && !situation.with.is_empty(), "{situation:?}");
        }
        assert_eq!(shipped.of("kubernetes", "Node").count(), 5);
    }

    #[test]
    fn a_place_is_each_entry_of_a_list() {
        let shipped = Situations::shipped().unwrap();
        let crashing = shipped.of("kubernetes", "Pod").find(|s| s.name.contains("OOM")).unwrap();
        let fields: Vec<String> = ["name=a", "name=a/ready", "name=b"]
            .iter()
            .map(|f| format!("status/containerStatuses/{f}"))
            .collect();
        assert_eq!(crashing.places(fields.iter()), [Some(fields[0].clone()), Some(fields[2].clone())]);
    }
}
