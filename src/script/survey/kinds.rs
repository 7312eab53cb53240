//! What kind of value an expression has, as far as the text tells.

use super::Survey;
use super::values::Shape;
use crate::script::primitive::On;
use crate::script::primitives::TYPE_NAMES;
use crate::script::span;

/// A kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nobody knows before it runs.
    Unknown,
    /// One of Rhai's, by the word that messages use.
    Builtin(&'static str),
    /// One of ours, by its name in scripts.
    Ours(&'static str),
}

/// The types of Rhai's, as descriptors name them in what they return.
const BUILTIN: &[&str] = &["string", "integer", "number", "bool", "list", "map", "closure", "()"];

impl Survey {
    /// The kind of a value.
    pub fn kind(&self, layer: usize, shape: &Shape) -> Kind {
        let facts = &self.layers[layer].facts;
        match facts.settled(shape) {
            Shape::Unit => Kind::Builtin("()"),
            Shape::Bool(_) => Kind::Builtin("bool"),
            Shape::Integer => Kind::Builtin("integer"),
            Shape::Number => Kind::Builtin("number"),
            Shape::Char => Kind::Builtin("char"),
            Shape::Text(_) | Shape::Template => Kind::Builtin("string"),
            Shape::List(_) => Kind::Builtin("list"),
            Shape::Map(_) => Kind::Builtin("map"),
            Shape::Closure(_) | Shape::Function(_) => Kind::Builtin("closure"),
            Shape::Global(name) => handle(name),
            Shape::Field(of, name) => match self.kind(layer, &of.shape) {
                Kind::Builtin("integer" | "number") if span::is_unit_of_time(name) => Kind::Ours("Duration"),
                Kind::Builtin("integer") if span::is_unit_of_size(name) => Kind::Builtin("integer"),
                Kind::Ours("Scope") => Kind::Ours("Collection"),
                _ => Kind::Unknown,
            },
            Shape::Result(call) => self.result_kind(layer, *call),
            Shape::Variable(_) | Shape::Item(_) | Shape::Other => Kind::Unknown,
        }
    }

    fn result_kind(&self, layer: usize, call: usize) -> Kind {
        let targets = self.targets(layer, &self.layers[layer].facts.calls[call]);
        let [primitive] = targets.primitives.as_slice() else { return Kind::Unknown };
        if targets.native || !targets.functions.is_empty() {
            return Kind::Unknown;
        }
        let word = primitive.returns.split([' ', ',', ':', ';']).next().unwrap_or_default();
        if let Some(name) = BUILTIN.iter().find(|name| **name == word) {
            return Kind::Builtin(name);
        }
        let receivers = self.known.primitives().filter_map(|p| match p.on {
            On::Type(name) => Some(name),
            _ => None,
        });
        match receivers.chain(TYPE_NAMES.iter().map(|(_, name)| *name)).find(|name| *name == word) {
            Some(name) => Kind::Ours(name),
            // `the resource, as the service answered`
            None if primitive.returns.split([' ', ',']).take(2).any(|w| w == "resource") => {
                Kind::Ours("Resource")
            }
            None => Kind::Unknown,
        }
    }
}

/// The kind of a variable that every script sees: `site` is a `Site`.
fn handle(name: &str) -> Kind {
    let ours = TYPE_NAMES.iter().find(|(_, ours)| ours.eq_ignore_ascii_case(name));
    ours.map_or(Kind::Unknown, |(_, ours)| Kind::Ours(ours))
}
