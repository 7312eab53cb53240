//! The values of a site: typed by the shipped schema, each with where it came from.

mod kind;
mod schema;
mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::base::{Error, ErrorKind, Result};
use crate::site::document::{Entry, Node, Shape, Spot};

pub use kind::Kind;
pub use schema::{Lookup, SameAs, Schema, ValueDecl};
pub use value::Value;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The default of the shipped schema.
    Shipped(Spot),
    /// The site file.
    Site {
        /// Where in it.
        spot: Spot,
        /// What the site file says about where it had it from.
        from: Option<String>,
    },
    /// `--set` on the command line.
    CommandLine,
    /// A rehearsal, which cannot have what the site names; it says why.
    Rehearsal(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Shipped(spot) => write!(f, "shipped default ({spot})"),
            Origin::Site { spot, from: None } => write!(f, "{spot}"),
            Origin::Site { spot, from: Some(from) } => write!(f, "{spot} ({from})"),
            Origin::CommandLine => f.write_str("--set"),
            Origin::Rehearsal(why) => write!(f, "rehearsal ({why})"),
        }
    }
}

/// A value that is set.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The value.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

/// The values of a site.
#[derive(Clone, Debug, Default)]
pub struct Values {
    schema: Arc<Schema>,
    settings: BTreeMap<String, Setting>,
}

impl Values {
    /// Puts together the schema's defaults, a site file's `[values]` and `--set name=value`s. `name=` takes an optional value
    /// away.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] with the place for the site file, [`ErrorKind::Usage`] for a `--set`.
    pub fn resolve(schema: Arc<Schema>, node: Option<&Node>, sets: &[String]) -> Result<Values> {
        let mut settings = BTreeMap::new();
        for decl in schema.iter() {
            if let Some(default) = &decl.default {
                let origin = Origin::Shipped(decl.spot.clone());
                settings.insert(decl.name.clone(), Setting { value: default.clone(), origin });
            }
        }
        for entry in node.map_or(Ok(&[][..]), Node::entries)? {
            settings.insert(entry.key.clone(), read(&schema, entry)?);
        }
        for set in sets {
            match parse_set(&schema, set)? {
                (name, Some(value)) => settings.insert(name, Setting { value, origin: Origin::CommandLine }),
                (name, None) => settings.remove(&name),
            };
        }
        Ok(Values { schema, settings })
    }

    /// A value, `None` for an optional one that is not set.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] for a name that the schema lacks, and for a value that must be set and is not.
    pub fn get(&self, name: &str) -> Result<Option<&Setting>> {
        if let Some(setting) = self.settings.get(name) {
            return Ok(Some(setting));
        }
        match self.schema.get(name) {
            Some(decl) if decl.optional => Ok(None),
            Some(decl) => {
                Err(Error::new(ErrorKind::Site, format!("the site does not set `{name}`: {}", decl.doc))
                    .help(format!("add it to [values] in site.toml, such as: {name} = {}", decl.example)))
            }
            None => Err(Error::new(ErrorKind::Site, format!("there is no value `{name}`"))
                .help(self.schema.suggest(name))),
        }
    }

    /// Every value that is set, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.settings.iter().map(|(name, setting)| (&**name, setting))
    }

    /// The files that values name: those of type `path`.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let is_path = |name: &str| self.schema.get(name).is_some_and(|decl| decl.kind == Kind::Path);
        self.iter().filter_map(move |(name, setting)| match &setting.value {
            Value::Text(path) if is_path(name) => Some(path.as_str()),
            _ => None,
        })
    }

    /// Puts a text in the place of a value that is set; of one that is not, nothing comes.
    pub(super) fn restate(&mut self, name: &str, text: String, why: &str) {
        if let Some(setting) = self.settings.get_mut(name) {
            *setting = Setting { value: Value::Text(text), origin: Origin::Rehearsal(why.to_string()) };
        }
    }

    /// The values that a runbook needs and the site does not set.
    pub fn missing(&self, runbook: &str) -> Vec<&ValueDecl> {
        let needed = |d: &&ValueDecl| !d.optional && d.used_by.iter().any(|r| r == runbook);
        self.schema.iter().filter(needed).filter(|d| !self.settings.contains_key(&d.name)).collect()
    }

    /// What the values mean.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }
}

fn read(schema: &Schema, entry: &Entry) -> Result<Setting> {
    let decl = schema.get(&entry.key).ok_or_else(|| {
        entry.spot.error(format!("there is no value `{}`", entry.key)).help(schema.suggest(&entry.key))
    })?;
    let spot = entry.spot.clone();
    match annotated(&entry.node) {
        Some(value) => {
            let from = entry.node.fields(&["value", "from"])?.owned("from")?;
            Ok(Setting { value: decl.read(value)?, origin: Origin::Site { spot, from } })
        }
        None => Ok(Setting { value: decl.read(&entry.node)?, origin: Origin::Site { spot, from: None } }),
    }
}

/// The value in `{ value = ..., from = "..." }`.
fn annotated(node: &Node) -> Option<&Node> {
    match &node.shape {
        Shape::Table(entries) => entries.iter().find(|e| e.key == "value").map(|e| &e.node),
        _ => None,
    }
}

fn parse_set(schema: &Schema, set: &str) -> Result<(String, Option<Value>)> {
    let usage = |what: String| Error::new(ErrorKind::Usage, what);
    let (name, text) = set
        .split_once('=')
        .ok_or_else(|| usage(format!("--set {set}: there is no `=`")).help("write --set name=value"))?;
    let name = name.trim();
    let decl = schema.get(name).ok_or_else(|| {
        usage(format!("--set {name}: there is no value of this name")).help(schema.suggest(name))
    })?;
    if decl.optional && text.is_empty() {
        return Ok((name.to_string(), None));
    }
    let value = decl.parse_text(text).map_err(|e| {
        let error = usage(format!("--set {name}: {}", e.detail().what));
        match &e.detail().help {
            Some(help) => error.help(help.clone()),
            None => error,
        }
    })?;
    Ok((name.to_string(), Some(value)))
}

#[cfg(test)]
mod tests;
