//! Values as a text shows them: what an argument is, as far as it can be seen without running it.

use rhai::Position;
use serde::Serialize;

/// A place in a text: line and column in characters, both from 1; 0 where Rhai does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct At {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

impl From<Position> for At {
    fn from(position: Position) -> Self {
        At { line: position.line().unwrap_or(0), column: position.position().unwrap_or(0) }
    }
}

/// Number of a body in its layer.
pub type BodyId = usize;
/// Number of a binding in its layer.
pub type BindingId = usize;
/// Number of a call in its layer.
pub type CallId = usize;

/// An expression's value and where it stands.
#[derive(Clone, Debug)]
pub struct Value {
    /// Where it starts.
    pub at: At,
    /// What it is.
    pub shape: Shape,
}

/// A key of a map literal.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub at: At,
    /// Its value.
    pub value: Value,
}

/// What an expression is.
#[derive(Clone, Debug)]
pub enum Shape {
    /// `()`.
    Unit,
    /// `true` or `false`.
    Bool(bool),
    /// An integer literal.
    Integer,
    /// A number with a point.
    Number,
    /// A character.
    Char,
    /// A string literal.
    Text(String),
    /// A string with something computed in it.
    Template,
    /// A list literal.
    List(Vec<Value>),
    /// A map literal.
    Map(Vec<Entry>),
    /// A closure.
    Closure(BodyId),
    /// A function of the script, by its name.
    Function(String),
    /// A variable.
    Variable(BindingId),
    /// A variable that every script sees, such as `site`.
    Global(String),
    /// `x.name`.
    Field(Box<Value>, String),
    /// `x[...]`.
    Item(Box<Value>),
    /// What a call returns.
    Result(CallId),
    /// Anything else.
    Other,
}

impl Value {
    /// A string literal's text.
    pub fn text(&self) -> Option<&str> {
        match &self.shape {
            Shape::Text(text) => Some(text),
            _ => None,
        }
    }
}
