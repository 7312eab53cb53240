//! Texts that operators write (TOML and YAML), as trees whose every node knows its place.
//!
//! One strict reader for all of them: an unknown key is an error with a suggestion, and each error
//! carries file, line and column. Errors quote only words chosen from a list: any other value may be a secret.

mod read;
mod toml;
mod yaml;

use std::fmt;
use std::sync::Arc;

use crate::base::{Error, ErrorKind, Result};

pub use read::Fields;
pub(crate) use read::{ONE_LINE, suggestion};

/// Where a node stands.
#[derive(Clone, PartialEq, Eq)]
pub struct Spot {
    file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Spot {
    /// A place in a file.
    pub fn new(file: impl Into<Arc<str>>, line: usize, column: usize) -> Self {
        Spot { file: file.into(), line, column }
    }

    /// The file as the operator knows it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// An [`ErrorKind::Site`] error here.
    pub fn error(&self, what: impl Into<String>) -> Error {
        Error::new(ErrorKind::Site, what).place(&*self.file, self.line, self.column)
    }
}

/// `file:line`, as provenance is shown.
impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl fmt::Debug for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A node of a document.
#[derive(Clone)]
pub struct Node {
    /// Where it stands.
    pub spot: Spot,
    /// The dotted path to it, for messages: `scopes.admin.cloud`.
    pub path: String,
    /// What it is.
    pub shape: Shape,
}

/// What a node is.
#[derive(Clone)]
pub enum Shape {
    /// Nothing was written.
    Null,
    /// A text, or a TOML date.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number with a point.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// An array.
    List(Vec<Node>),
    /// A table, its entries in the order of the file.
    Table(Vec<Entry>),
}

/// An entry of a table.
#[derive(Clone)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub spot: Spot,
    /// The value.
    pub node: Node,
}

/// Shows the kind alone: a value may be a secret.
impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}` at {:?}", self.kind(), self.path, self.spot)
    }
}

impl Node {
    /// Reads a TOML text; `file` is its name in errors.
    pub fn from_toml(file: &str, text: &str) -> Result<Node> {
        toml::parse(file, text)
    }

    /// Reads a YAML text of one document; `file` is its name in errors.
    pub fn from_yaml(file: &str, text: &str) -> Result<Node> {
        yaml::parse(file, text)
    }

    /// What it is, with its article.
    pub fn kind(&self) -> &'static str {
        match self.shape {
            Shape::Null => "nothing",
            Shape::Text(_) => "a text",
            Shape::Integer(_) => "an integer",
            Shape::Float(_) => "a number with a point",
            Shape::Boolean(_) => "a boolean",
            Shape::List(_) => "a list",
            Shape::Table(_) => "a table",
        }
    }
}

#[cfg(test)]
mod tests;

/// A dotted path; a key that is not bare is quoted.
fn join(path: &str, key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let key = if bare { key.to_string() } else { format!("{key:?}") };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}
