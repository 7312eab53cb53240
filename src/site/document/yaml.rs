//! YAML into nodes.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::{Entry, Node, Shape, Spot, join};
use crate::base::Result;

pub(super) fn parse(file: &str, text: &str) -> Result<Node> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_events: 100_000, max_depth: 64 },
        strict_booleans: false,
    };
    let name: Arc<str> = file.into();
    let tree: Spanned<Tree> = serde_saphyr::from_str_with_options(text, options).map_err(|e| {
        let (line, column) = e.location().map_or((1, 0), |l| (number(l.line()), number(l.column())));
        // the parser's own words may quote the text, and the text may be a password
        Spot::new(name.clone(), line, column)
            .error(format!("{file} is not valid YAML here"))
            .help("check the indentation and duplicate keys, and quote a value that holds `: ` or ` #`, or begins with one of * & ! % @ ` { [")
    })?;
    Ok(tree.value.node(&name, &tree.referenced, String::new()))
}

fn number(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// A node before it knows its file.
enum Tree {
    Leaf(Shape),
    List(Vec<Spanned<Tree>>),
    Table(Vec<(Spanned<String>, Spanned<Tree>)>),
}

impl Tree {
    fn node(self, file: &Arc<str>, at: &Location, path: String) -> Node {
        let spot = |at: &Location| Spot::new(file.clone(), number(at.line()), number(at.column()));
        let shape = match self {
            Tree::Leaf(shape) => shape,
            Tree::List(items) => {
                let items = items.into_iter().enumerate();
                Shape::List(
                    items.map(|(n, i)| i.value.node(file, &i.referenced, format!("{path}[{n}]"))).collect(),
                )
            }
            Tree::Table(entries) => Shape::Table(
                entries
                    .into_iter()
                    .map(|(key, value)| Entry {
                        spot: spot(&key.referenced),
                        node: value.value.node(file, &value.referenced, join(&path, &key.value)),
                        key: key.value,
                    })
                    .collect(),
            ),
        };
        Node { spot: spot(at), path, shape }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_unit<E>(self) -> std::result::Result<Tree, E> {
        Ok(Tree::Leaf(Shape::Null))
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Tree, E> {
        Ok(Tree::Leaf(Shape::Boolean(value)))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Tree, E> {
        Ok(Tree::Leaf(Shape::Integer(value)))
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Tree, E> {
        // a number this large is an id that somebody forgot to quote; readers say so
        Ok(Tree::Leaf(i64::try_from(value).map_or(Shape::Float(value as f64), Shape::Integer)))
    }

    fn visit_f64<E>(self, value: f64) -> std::result::Result<Tree, E> {
        Ok(Tree::Leaf(Shape::Float(value)))
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Tree, E> {
        Ok(Tree::Leaf(Shape::Text(value.to_string())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Tree::Table(entries))
    }
}
