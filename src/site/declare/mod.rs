//! What the site file declares: scopes, clusters, hosts, tools, endpoints and how to run.

mod endpoint;
mod host;
mod kube;
mod run;
mod scope;
mod tool;

pub use endpoint::EndpointDecl;
pub use host::{HostDecl, HostKeys};
pub use kube::{KubeDecl, KubeSource};
pub use run::{Late, Lock, RunPolicy};
pub use scope::{CloudDecl, CloudSource, Narrow, ProjectDecl, ScopeDecl};
pub use tool::{ToolDecl, Variable};

use std::collections::BTreeMap;

use super::document::{Entry, Node, Spot};
use super::paths::Paths;
use crate::base::Result;

/// Reads a table of declarations by name, such as `[hosts]`.
pub(super) fn all<T>(
    node: Option<&Node>,
    paths: &Paths,
    read: impl Fn(&Entry, &Paths) -> Result<T>,
) -> Result<BTreeMap<String, T>> {
    let Some(node) = node else { return Ok(BTreeMap::new()) };
    let read = |entry: &Entry| {
        check_name(&entry.key, &entry.spot)?;
        Ok((entry.key.clone(), read(entry, paths)?))
    };
    node.entries()?.iter().map(read).collect()
}

/// Whether a text can be a handle's name, a file's and a part of a logical name.
pub fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.bytes().all(plain)
        && name.len() <= 64
}

/// Holds that a name is one.
pub(super) fn check_name(name: &str, spot: &Spot) -> Result<()> {
    if is_name(name) {
        return Ok(());
    }
    let error = spot.error(format!("`{}` cannot be a name", name.escape_debug()));
    Err(error.help("a name has lower-case letters, digits, `-` and `_`, and begins with a letter or a digit, and has at most 64 characters"))
}
