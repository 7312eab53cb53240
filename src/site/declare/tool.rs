//! `[tools.NAME]`: a local program.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::base::Result;
use crate::site::credentials::SecretSource;
use crate::site::document::{Entry, Node, Shape, Spot};
use crate::site::paths::Paths;

/// A local program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolDecl {
    /// Its name.
    pub name: String,
    /// A name to look up in `PATH`, or a path.
    pub program: String,
    /// Arguments that come before those of each call.
    pub args: Vec<String>,
    /// Variables of its environment.
    pub env: BTreeMap<String, Variable>,
    /// The directory it runs in; the site directory if none is named.
    pub directory: PathBuf,
    /// How long a call may take, unless the call says otherwise.
    pub within: Option<Duration>,
    /// Where it is declared.
    pub spot: Spot,
}

/// A variable of a tool's environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variable {
    /// A text.
    Text(String),
    /// A secret.
    Secret(SecretSource),
}

impl ToolDecl {
    pub(in crate::site) fn read(entry: &Entry, paths: &Paths) -> Result<Self> {
        let f = entry.node.fields(&["program", "args", "env", "directory", "within"])?;
        Ok(ToolDecl {
            name: entry.key.clone(),
            program: paths.program(f.need("program", "\"juju\"")?)?,
            args: f.get("args").map(Node::texts).transpose()?.unwrap_or_default(),
            env: f.get("env").map(|n| variables(n, paths)).transpose()?.unwrap_or_default(),
            directory: match f.get("directory") {
                Some(node) => paths.resolve(node)?,
                None => paths.directory(),
            },
            within: f.get("within").map(Node::duration).transpose()?,
            spot: entry.spot.clone(),
        })
    }
}

fn variables(node: &Node, paths: &Paths) -> Result<BTreeMap<String, Variable>> {
    let read = |entry: &Entry| {
        let variable = match &entry.node.shape {
            Shape::Text(text) => Variable::Text(text.clone()),
            Shape::Table(_) => Variable::Secret(SecretSource::read(&entry.node, paths)?),
            _ => return Err(entry.node.mismatch("a text, or the source of a secret")),
        };
        if entry.key.is_empty() || entry.key.contains(['=', '\0']) {
            return Err(entry.spot.error("this cannot name an environment variable"));
        }
        Ok((entry.key.clone(), variable))
    };
    node.entries()?.iter().map(read).collect()
}
