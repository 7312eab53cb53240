//! `[extra]`: values of a site's own overrides, which no schema knows.

use std::collections::BTreeMap;

use serde_json::Value;

use super::document::{Node, Shape, Spot};
use crate::base::Result;

/// Values of a site's own overrides, by name.
pub type Extra = BTreeMap<String, ExtraValue>;

/// A value that no schema knows.
#[derive(Clone, Debug, PartialEq)]
pub struct ExtraValue {
    /// The value, as TOML has it; dates are texts.
    pub value: Value,
    /// Where it is set.
    pub spot: Spot,
}

pub(super) fn read(node: Option<&Node>) -> Result<Extra> {
    let entries = node.map_or(Ok(&[][..]), Node::entries)?;
    Ok(entries
        .iter()
        .map(|e| (e.key.clone(), ExtraValue { value: json(&e.node), spot: e.spot.clone() }))
        .collect())
}

/// A node as JSON.
pub(super) fn json(node: &Node) -> Value {
    match &node.shape {
        Shape::Null => Value::Null,
        Shape::Text(text) => text.as_str().into(),
        Shape::Integer(n) => (*n).into(),
        Shape::Float(n) => (*n).into(),
        Shape::Boolean(b) => (*b).into(),
        Shape::List(items) => items.iter().map(json).collect(),
        Shape::Table(entries) => entries.iter().map(|e| (e.key.clone(), json(&e.node))).collect(),
    }
}
