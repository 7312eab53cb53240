//! `known-issues.toml`: failures that are understood, by what they look like.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::Value;

use super::pattern;
use super::version::Requirement;
use super::waiver::date;
use crate::base::Result;
use crate::site::document::{Entry, Node, Shape, Spot};

/// A failure that is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownIssue {
    /// Its id, as the operators speak of it.
    pub id: String,
    /// What it is, in a sentence.
    pub title: String,
    /// What it looks like.
    pub signature: Signature,
    /// Versions it is in, by the name of the field of the evidence, else of the value, that tells the version; all must be met.
    pub applies_to: BTreeMap<String, Requirement>,
    /// Where it is explained.
    pub link: Option<String>,
    /// The last day on which it counts as known.
    pub expires: Option<Date>,
    /// Where it is written.
    pub spot: Spot,
}

/// What a failure looks like, in the evidence of the gate that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// Some text in the evidence is like this; `*` stands for anything.
    Text(String),
    /// Some object in the evidence has fields like these. A dot leads into an object.
    Fields(BTreeMap<String, String>),
}

impl KnownIssue {
    /// Reads a `known-issues.toml`; `file` is its name in errors.
    ///
    /// # Errors
    /// [`ErrorKind::Site`](crate::base::ErrorKind::Site) with the place of what is wrong.
    pub fn parse(file: &str, text: &str) -> Result<Vec<KnownIssue>> {
        let root = Node::from_toml(file, text)?;
        let items = root.fields(&["issues"])?.get("issues").map_or(Ok(&[][..]), Node::items)?;
        items.iter().map(KnownIssue::read).collect()
    }

    fn read(node: &Node) -> Result<KnownIssue> {
        let f = node.fields(&["id", "title", "signature", "applies_to", "link", "expires"])?;
        let requirement = |e: &Entry| Ok((e.key.clone(), Requirement::read(&e.node)?));
        Ok(KnownIssue {
            id: f.need("id", "\"D-042\"")?.text()?.to_string(),
            title: f.need("title", "\"what it is\"")?.prose()?.to_string(),
            signature: Signature::read(f.need("signature", "\"*what the evidence says*\"")?)?,
            applies_to: match f.get("applies_to") {
                Some(node) => node.entries()?.iter().map(requirement).collect::<Result<_>>()?,
                None => BTreeMap::new(),
            },
            link: f.owned("link")?,
            expires: f.get("expires").map(date).transpose()?,
            spot: node.spot.clone(),
        })
    }

    /// Whether the evidence shows it, and the versions are ones that have it. A version that nobody
    /// tells is not one.
    pub(super) fn shows(&self, evidence: &Value, version: &dyn Fn(&str) -> Option<String>) -> bool {
        self.signature.shows(evidence)
            && self.applies_to.iter().all(|(name, wanted)| version(name).is_some_and(|v| wanted.admits(&v)))
    }
}

impl Signature {
    fn read(node: &Node) -> Result<Signature> {
        match &node.shape {
            Shape::Text(_) => {
                let text = node.text()?;
                if text.chars().all(|c| c == '*') {
                    let error = node.spot.error(format!("`{}` is like every evidence", node.path));
                    return Err(error.help("say what the failure looks like; `*` stands for a part of it"));
                }
                Ok(Signature::Text(text.to_string()))
            }
            Shape::Table(entries) if !entries.is_empty() => {
                let field = |e: &Entry| Ok((e.key.clone(), e.node.text()?.to_string()));
                Ok(Signature::Fields(entries.iter().map(field).collect::<Result<_>>()?))
            }
            Shape::Table(_) => Err(node.spot.error(format!("`{}` is like every evidence", node.path))),
            _ => Err(node.mismatch("a text, or a table of fields")),
        }
    }

    fn shows(&self, evidence: &Value) -> bool {
        let here = match (self, evidence) {
            (Signature::Text(wanted), Value::String(text)) => pattern::matches(wanted, text),
            (Signature::Fields(fields), Value::Object(_)) => fields
                .iter()
                .all(|(path, wanted)| field(evidence, path).is_some_and(|t| pattern::matches(wanted, &t))),
            _ => false,
        };
        here || match evidence {
            Value::Array(items) => items.iter().any(|item| self.shows(item)),
            Value::Object(entries) => entries.values().any(|value| self.shows(value)),
            _ => false,
        }
    }
}

/// The scalar at a dotted path, as a text.
fn field(value: &Value, path: &str) -> Option<String> {
    match path.split('.').try_fold(value, |at, key| at.get(key))? {
        Value::String(text) => Some(text.clone()),
        Value::Array(_) | Value::Object(_) => None,
        scalar => Some(scalar.to_string()),
    }
}
