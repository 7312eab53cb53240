//! TOML into nodes.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Entry, Node, Shape, Spot, join};
use crate::base::Result;

pub(super) fn parse(file: &str, text: &str) -> Result<Node> {
    // an editor's byte order mark is no part of the text
    let source = Source::new(file, text.strip_prefix('\u{feff}').unwrap_or(text));
    let table = DeTable::parse(source.text).map_err(|e| {
        let at = e.span().map_or(0, |s| s.start);
        source.spot(at).error(format!("{file} is not valid TOML: {}", e.message()))
    })?;
    Ok(Node { spot: source.spot(0), path: String::new(), shape: source.table(table.get_ref(), "")? })
}

struct Source<'a> {
    file: Arc<str>,
    text: &'a str,
    /// Byte offset of each line.
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    fn new(file: &str, text: &'a str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(n, _)| n + 1)).collect();
        Source { file: file.into(), text, lines }
    }

    fn spot(&self, at: usize) -> Spot {
        let line = self.lines.partition_point(|start| *start <= at).max(1);
        let before = self.text.get(self.lines[line - 1]..at).unwrap_or_default();
        Spot::new(self.file.clone(), line, before.chars().count() + 1)
    }

    fn node(&self, value: &Spanned<DeValue<'_>>, path: String) -> Result<Node> {
        let spot = self.spot(value.span().start);
        let shape = match value.get_ref() {
            DeValue::String(text) => Shape::Text(text.to_string()),
            DeValue::Integer(n) => {
                let number = i64::from_str_radix(n.as_str(), n.radix());
                Shape::Integer(number.map_err(|_| spot.error("this integer does not fit into 64 bits"))?)
            }
            DeValue::Float(n) => {
                let number = n.as_str().parse();
                Shape::Float(number.map_err(|_| spot.error("this is not a number"))?)
            }
            DeValue::Boolean(b) => Shape::Boolean(*b),
            DeValue::Datetime(t) => Shape::Text(t.to_string()),
            DeValue::Array(items) => {
                let items = items.iter().enumerate().map(|(n, item)| self.node(item, format!("{path}[{n}]")));
                Shape::List(items.collect::<Result<_>>()?)
            }
            DeValue::Table(table) => self.table(table, &path)?,
        };
        Ok(Node { spot, path, shape })
    }

    fn table(&self, table: &DeTable<'_>, path: &str) -> Result<Shape> {
        let mut entries: Vec<(usize, Entry)> = table
            .iter()
            .map(|(key, value)| {
                let at = key.span().start;
                let node = self.node(value, join(path, key.get_ref()))?;
                Ok((at, Entry { key: key.get_ref().to_string(), spot: self.spot(at), node }))
            })
            .collect::<Result<_>>()?;
        entries.sort_by_key(|(at, _)| *at);
        Ok(Shape::Table(entries.into_iter().map(|(_, entry)| entry).collect()))
    }
}
