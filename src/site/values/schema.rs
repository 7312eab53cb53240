//! What the values of the procedures are: their types, defaults and meaning (`runbooks/values.toml`).

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::kind::Kind;
use super::value::Value;
use crate::base::{Error, ErrorKind, Result};
use crate::site::document::{Node, Spot, suggestion};
use crate::site::extra::json;

const KEYS: &[&str] =
    &["type", "doc", "default", "optional", "choices", "example", "from", "used_by", "names", "same_as"];

/// One value that procedures read.
#[derive(Clone, Debug)]
pub struct ValueDecl {
    /// The name, as scripts (`site.image`) and site files write it.
    pub name: String,
    /// The type.
    pub kind: Kind,
    /// What it means, in a sentence.
    pub doc: String,
    /// What it is where no site says otherwise.
    pub default: Option<Value>,
    /// It may be unset; scripts then read `()`.
    pub optional: bool,
    /// The only texts it may be; none where any will do.
    pub choices: Vec<String>,
    /// How it is written in a site file.
    pub example: String,
    /// Where the source procedures have it.
    pub from: String,
    /// The runbooks that read it.
    pub used_by: Vec<String>,
    /// What it is the name of.
    pub names: Option<Lookup>,
    /// What it is the same as, once that is found by name: to be compared, and reported where it differs.
    pub same_as: Option<SameAs>,
    /// Where it is declared.
    pub spot: Spot,
}

/// Where a name is looked up: `site check` does, and `site new` finds names there.
#[derive(Clone, Debug, PartialEq)]
pub struct Lookup {
    /// The scope that procedures look it up in.
    pub scope: String,
    /// The collection, such as `images`.
    pub collection: String,
    /// What it must be besides, such as `router:external`.
    pub filter: Map<String, Json>,
    /// A procedure makes it where the cloud lacks it.
    pub made: bool,
}

/// What a value is the same as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SameAs {
    /// A field of what another value names.
    Field {
        /// The other value.
        value: String,
        /// The field, such as `id`.
        field: String,
    },
    /// The id of a scope's project.
    ProjectOf(String),
}

impl Lookup {
    fn read(node: &Node) -> Result<Lookup> {
        let f = node.fields(&["scope", "collection", "where", "made"])?;
        let filter = f.get("where").map_or(Ok(&[][..]), Node::entries)?;
        Ok(Lookup {
            scope: f.need("scope", "\"capi-mgmt\"")?.text()?.to_string(),
            collection: f.need("collection", "\"images\"")?.text()?.to_string(),
            filter: filter.iter().map(|e| (e.key.clone(), json(&e.node))).collect(),
            made: f.flag("made")?,
        })
    }
}

impl SameAs {
    fn read(node: &Node) -> Result<SameAs> {
        let help = "write same_as = { value = \"NAME\", field = \"id\" } or { project_of = \"SCOPE\" }";
        let f = node.fields(&["value", "field", "project_of"])?;
        Ok(match f.either(["value", "project_of"], help)? {
            (0, name) => SameAs::Field {
                value: name.text()?.to_string(),
                field: f.need("field", "\"id\"")?.text()?.to_string(),
            },
            (_, scope) => SameAs::ProjectOf(scope.text()?.to_string()),
        })
    }
}

impl ValueDecl {
    fn parse(name: &str, node: &Node) -> Result<ValueDecl> {
        let f = node.fields(KEYS)?;
        let kind = Kind::parse(f.need("type", "\"string\"")?)?;
        let mut decl = ValueDecl {
            name: name.to_string(),
            doc: f.need("doc", "\"what it means\"")?.prose()?.to_string(),
            default: None,
            optional: f.flag("optional")?,
            choices: f.get("choices").map(Node::texts).transpose()?.unwrap_or_default(),
            example: String::new(),
            from: f.owned("from")?.unwrap_or_default(),
            used_by: f.get("used_by").map(Node::texts).transpose()?.unwrap_or_default(),
            names: f.get("names").map(Lookup::read).transpose()?,
            same_as: f.get("same_as").map(SameAs::read).transpose()?,
            spot: node.spot.clone(),
            kind,
        };
        if let Some(node) = f.get("default") {
            decl.default = Some(decl.read(node)?);
        }
        decl.example = match (f.get("example"), &decl.default) {
            (Some(node), _) => toml_text(&decl.read(node)?),
            (None, Some(default)) => toml_text(default),
            (None, None) => {
                let error = node.spot.error(format!("`{name}` has neither a default nor an example"));
                return Err(error.help("add an example: it is what an operator copies"));
            }
        };
        Ok(decl)
    }

    /// Reads it from a site file.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] with the place, where the type or the choices do not allow it.
    pub fn read(&self, node: &Node) -> Result<Value> {
        let value = self.kind.read(node)?;
        self.choose(&value).map_err(|e| node.located(&e))?;
        Ok(value)
    }

    /// Reads it from a `--set`.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`], where the type or the choices do not allow it.
    pub fn parse_text(&self, text: &str) -> Result<Value> {
        let value = self.kind.parse_text(text)?;
        self.choose(&value)?;
        Ok(value)
    }

    fn choose(&self, value: &Value) -> Result<()> {
        if self.choices.is_empty() {
            return Ok(());
        }
        match value {
            Value::Text(text) if !self.choices.contains(text) => {
                Err(Error::new(ErrorKind::Argument, format!("`{}` cannot be \"{text}\"", self.name))
                    .help(suggestion(text, self.choices.iter().map(String::as_str))))
            }
            Value::List(items) => items.iter().try_for_each(|item| self.choose(item)),
            _ => Ok(()),
        }
    }
}

/// All values that procedures read.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    decls: BTreeMap<String, ValueDecl>,
}

impl Schema {
    /// Reads a schema; `file` is its name in errors.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] with the place of what is wrong.
    pub fn parse(file: &str, text: &str) -> Result<Schema> {
        let root = Node::from_toml(file, text)?;
        let read = |entry: &crate::site::document::Entry| {
            if !is_value_name(&entry.key) {
                let error = entry.spot.error(format!("`{}` cannot name a value", entry.key));
                return Err(error.help("begin with a lower-case letter; then letters, digits and `_`"));
            }
            Ok((entry.key.clone(), ValueDecl::parse(&entry.key, &entry.node)?))
        };
        Ok(Schema { decls: root.entries()?.iter().map(read).collect::<Result<_>>()? })
    }

    /// A value's declaration.
    pub fn get(&self, name: &str) -> Option<&ValueDecl> {
        self.decls.get(name)
    }

    /// All declarations, by name.
    pub fn iter(&self) -> impl Iterator<Item = &ValueDecl> {
        self.decls.values()
    }

    /// What to do about a name that is no value's.
    pub(super) fn suggest(&self, name: &str) -> String {
        match crate::base::error::nearest(name, self.decls.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "a value of your own overrides goes into [extra]".to_string(),
        }
    }
}

fn is_value_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// A value as a site file writes it.
pub(in crate::site) fn toml_text(value: &Value) -> String {
    match value {
        Value::Integer(n) => n.to_string(),
        Value::Boolean(b) => b.to_string(),
        Value::List(items) => {
            format!("[{}]", items.iter().map(toml_text).collect::<Vec<_>>().join(", "))
        }
        Value::Map(entries) if entries.is_empty() => "{}".to_string(),
        Value::Map(entries) => {
            let pairs: Vec<String> = entries.iter().map(|(k, v)| format!("{k} = {}", toml_text(v))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Value::Text(_) | Value::Duration(_) | Value::Size(_) => {
            toml::Value::from(value.to_string()).to_string()
        }
    }
}
