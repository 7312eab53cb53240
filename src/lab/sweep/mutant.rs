//! What each answer could say instead: one change a mutant.

use serde::Serialize;
use serde_json::Value;

use crate::base::{Error, ErrorKind, Result};
use crate::lab::amend::Amend;
use crate::lab::fault::Fault;

/// What a text becomes that becomes empty, in words.
pub const EMPTY_TEXT: &str = "an empty text";

/// One change of what a cloud answers.
#[derive(Clone, Debug, Serialize)]
pub struct Mutant {
    /// The service: `octavia`.
    pub service: String,
    /// What is changed: `loadbalancer`, a request, or a command.
    pub kind: String,
    /// What people call it.
    pub name: String,
    /// Its field; empty where it is the thing itself.
    pub field: String,
    /// How it is changed.
    pub change: Change,
    /// What it was.
    pub was: Value,
    /// What it is instead, in words.
    pub becomes: String,
    /// Which of the values that the field takes in its course, from 0, where it takes several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn: Option<u32>,
    /// Why it must stop no run of any runbook, where that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<String>,
    /// The fault of a scenario that brings it about.
    pub fault: toml::Value,
}

/// How an answer is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Another state of the service's own set.
    State,
    /// A boolean is turned.
    Turned,
    /// Several fields together, as one cause makes them, or a thing more that is so.
    Situation,
    /// A thing more, in another state.
    OneInState,
    /// A list is empty.
    Empty,
    /// A thing is gone, or an entry of a list.
    Gone,
    /// A thing more, of the same name.
    Namesake,
    /// A thing more, of another project.
    Foreign,
    /// A further page of a list, which is refused.
    NextPage,
    /// A field is null.
    Null,
    /// A field is missing.
    Missing,
    /// A number at its edges.
    Edge,
    /// A date of long ago.
    LongAgo,
    /// A date far ahead.
    Ahead,
    /// Another text.
    Other,
    /// A command prints nothing, or a line less.
    Output,
}

impl Change {
    /// As reports write it.
    pub fn word(self) -> &'static str {
        match self {
            Change::State => "state",
            Change::Turned => "turned",
            Change::Situation => "situation",
            Change::OneInState => "one-in-state",
            Change::Empty => "empty",
            Change::Gone => "gone",
            Change::Namesake => "namesake",
            Change::Foreign => "foreign",
            Change::NextPage => "next-page",
            Change::Null => "null",
            Change::Missing => "missing",
            Change::Edge => "edge",
            Change::LongAgo => "long-ago",
            Change::Ahead => "ahead",
            Change::Other => "other",
            Change::Output => "output",
        }
    }
}

impl Mutant {
    /// It as a fault of a rehearsal.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`]: it is none.
    pub fn fault(&self) -> Result<Fault> {
        read(&self.fault)
    }

    /// `octavia loadbalancer api: provisioning_status ACTIVE -> ERROR`.
    pub fn sentence(&self) -> String {
        let thing = format!("{} {} {}", self.service, self.kind, self.name);
        let was = match &self.was {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let turn = self.turn.map_or_else(String::new, |n| format!(" (value {} of its course)", n + 1));
        match self.field.as_str() {
            "" => format!("{thing}: {}", self.becomes),
            field if self.change == Change::Situation => format!("{thing}: {field} {}", self.becomes),
            field => format!("{thing}: {field} {was} -> {}{turn}", self.becomes),
        }
    }

    /// What kind of field is changed.
    pub fn kind_of_field(&self) -> (String, String, String) {
        (self.service.clone(), self.kind.clone(), self.pattern())
    }

    /// The field without the names and places of entries in lists: `conditions/*/status`.
    pub fn pattern(&self) -> String {
        pattern(&self.field)
    }
}

pub(super) fn read(fault: &toml::Value) -> Result<Fault> {
    fault.clone().try_into().map_err(|e: toml::de::Error| {
        Error::new(ErrorKind::Internal, "a mutant is no fault").cause(e.message().to_string())
    })
}

/// Whether an API server answers with a field of an object as it is, whatever happens: what the object and the entries of its
/// lists are called. Another one would be another object, or another entry; that one is gone is a change of its own.
pub(super) fn is_fixed(field: &str) -> bool {
    let named = field.rsplit_once('/').and_then(|(entry, last)| {
        let (key, _) = entry.rsplit('/').next()?.split_once('=')?;
        (key == last).then_some(())
    });
    named.is_some()
        || ["kind", "apiVersion", "metadata", "metadata/name", "metadata/namespace"].contains(&field)
}

/// A field without the names and places of entries in lists.
pub(super) fn pattern(field: &str) -> String {
    let plain = |part: &str| match part.contains('=') || part.parse::<usize>().is_ok() {
        true => "*".to_string(),
        false => part.to_string(),
    };
    field.split('/').map(plain).collect::<Vec<_>>().join("/")
}

pub(super) fn amend_fault(service: &str, amend: &Amend) -> Option<toml::Value> {
    let amend = toml::Value::try_from(amend).ok()?;
    let mut act = toml::Table::new();
    act.insert("amend".into(), amend);
    let mut fault = toml::Table::new();
    fault.insert("service".into(), service.into());
    fault.insert("do".into(), act.into());
    Some(fault.into())
}

pub(super) fn toml_of(value: &Value) -> Option<toml::Value> {
    toml::Value::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_object_is_called_is_no_state_of_it() {
        assert!(is_fixed("metadata/name") && is_fixed("status/conditions/type=Ready/type"));
        assert!(
            !is_fixed("status/conditions/type=Ready/status") && !is_fixed("status/conditions/type=Ready")
        );
        assert!(!is_fixed("spec/providerID"));
    }
}
