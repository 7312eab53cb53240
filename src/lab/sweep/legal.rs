//! The legal values of the services' states, as data with their sources.

use serde::Deserialize;
use serde_json::Value;

use crate::base::{Error, ErrorKind, Result};
use crate::lab::amend::json;

const TABLE: &str = include_str!("legal.toml");

/// The legal values of the services' states.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Legal {
    /// One row a state.
    #[serde(rename = "state")]
    pub states: Vec<State>,
}

/// One state of one kind of thing.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The service.
    pub service: String,
    /// The kind of thing; without it, every thing of the service that has the field.
    pub thing: Option<String>,
    /// The field; `*` is any number of members.
    pub field: String,
    /// Its legal values.
    pub values: Vec<toml::Value>,
    /// Null is legal as well, and means something.
    #[serde(default)]
    pub open: bool,
    /// Where that is from.
    pub source: String,
}

impl Legal {
    /// The table that is shipped.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`]: it cannot be read.
    pub fn shipped() -> Result<Legal> {
        toml::from_str(TABLE).map_err(|e| {
            Error::new(ErrorKind::Internal, "the table of states cannot be read").from_source(&e)
        })
    }

    /// The state that a field of a thing is, if it is one.
    pub fn of(&self, service: &str, kind: &str, field: &str) -> Option<&State> {
        let is = |state: &&State| {
            state.service == service
                && state.thing.as_deref().is_none_or(|thing| thing == kind)
                && is_like(&state.field, field)
        };
        self.states.iter().find(is)
    }
}

impl State {
    /// The values that could be there instead of one.
    pub fn others(&self, value: &Value) -> Vec<Value> {
        self.values.iter().map(json).filter(|other| other != value).collect()
    }
}

/// Whether a path is as a pattern says, in which `*` is any number of members; a pattern's end is the path's.
pub(super) fn is_like(pattern: &str, path: &str) -> bool {
    fn fits(pattern: &[&str], path: &[&str]) -> bool {
        match (pattern.split_first(), path.split_first()) {
            (None, None) => true,
            (Some((&"*", rest)), _) => (0..=path.len()).any(|n| fits(rest, &path[n..])),
            (Some((first, rest)), Some((here, more))) => first == here && fits(rest, more),
            _ => false,
        }
    }
    let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
    // a pattern that begins with a list's name may be anywhere
    fits(&pattern, &path) || (pattern.contains(&"*") && (0..path.len()).any(|n| fits(&pattern, &path[n..])))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_state_has_a_source_and_more_than_one_value() {
        for state in Legal::shipped().unwrap().states {
            assert!(state.source.contains(": ") && state.values.len() > 1, "{state:?}");
        }
    }

    #[test]
    fn a_state_is_found_by_its_service_thing_and_field() {
        let legal = Legal::shipped().unwrap();
        let of = |service, kind, field| legal.of(service, kind, field).map(|s| s.values.len());
        assert_eq!(of("octavia", "pool", "provisioning_status"), Some(6));
        assert_eq!(of("octavia", "loadbalancer", "status"), None);
        assert_eq!(of("kubernetes", "Node", "status/conditions/type=Ready/status"), Some(3));
        assert_eq!(of("kubernetes", "Node", "status/conditions/type=Ready/reason"), None);
        assert_eq!(of("tool", "juju", "applications/vault/units/vault~10/workload-status/current"), Some(7));
        let state = legal.of("nova", "hypervisor", "state").unwrap();
        assert_eq!(state.others(&json!("up")), [json!("down")]);
    }
}
