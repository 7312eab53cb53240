//! Reading nodes strictly: each accessor takes one kind and says what it wanted.

use std::time::Duration;

use super::{Entry, Node, Shape};
use crate::base::error::nearest;
use crate::base::{Error, Result, duration, line};

/// How a text comes to hold a line end, and how it is written without.
pub(crate) const ONE_LINE: &str =
    "write it in one line, in quotes; in YAML a `|` or `>` keeps the line end, and `|-` or `>-` does not";

impl Node {
    /// An error that says what was wanted instead of what is here.
    pub fn mismatch(&self, wanted: &str) -> Error {
        let what = match &*self.path {
            "" => format!("this must be {wanted}, not {}", self.kind()),
            path => format!("`{path}` must be {wanted}, not {}", self.kind()),
        };
        let error = self.spot.error(what);
        match (&self.shape, wanted) {
            (Shape::Integer(_) | Shape::Float(_) | Shape::Boolean(_), "a text") => {
                error.help("put it in quotes")
            }
            (Shape::Text(_), "an integer" | "true or false") => error.help("write it without quotes"),
            (Shape::Text(_), "a list") => error.help("put it in brackets: [\"...\"]"),
            _ => error,
        }
    }

    /// A text of one line that is not empty.
    pub fn text(&self) -> Result<&str> {
        self.written(line::flaw)
    }

    /// A text for people, of one line or several, that is not empty.
    pub fn prose(&self) -> Result<&str> {
        self.written(line::flaw_in_lines)
    }

    fn written(&self, flaw: fn(&str) -> Option<&'static str>) -> Result<&str> {
        let Shape::Text(text) = &self.shape else { return Err(self.mismatch("a text")) };
        if text.is_empty() {
            let error = self.spot.error(format!("`{}` is empty", self.path));
            return Err(error.help("give it a value or remove it"));
        }
        match flaw(text) {
            Some(flaw) => Err(self.spot.error(format!("`{}` holds {flaw}", self.path)).help(ONE_LINE)),
            None => Ok(text),
        }
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Result<bool> {
        match self.shape {
            Shape::Boolean(value) => Ok(value),
            _ => Err(self.mismatch("true or false")),
        }
    }

    /// A whole number within bounds.
    pub fn integer(&self, bounds: std::ops::RangeInclusive<i64>) -> Result<i64> {
        match self.shape {
            Shape::Integer(value) if bounds.contains(&value) => Ok(value),
            Shape::Integer(value) => Err(self.spot.error(format!(
                "`{}` must be between {} and {}, not {value}",
                self.path,
                bounds.start(),
                bounds.end()
            ))),
            _ => Err(self.mismatch("an integer")),
        }
    }

    /// A duration with its unit, such as `"30s"`.
    pub fn duration(&self) -> Result<Duration> {
        match &self.shape {
            Shape::Text(text) => {
                duration::parse(text).map_err(|e| self.located(&e).context(format!("`{}`", self.path)))
            }
            _ => Err(self.mismatch("a duration such as \"30s\"")),
        }
    }

    /// One of a few words.
    pub fn word<'w>(&self, words: &[&'w str]) -> Result<&'w str> {
        let text = self.text()?;
        words.iter().find(|w| **w == text).copied().ok_or_else(|| {
            let error = self.spot.error(format!("`{}` cannot be \"{text}\"", self.path));
            error.help(suggestion(text, words.iter().copied()))
        })
    }

    /// The items of a list.
    pub fn items(&self) -> Result<&[Node]> {
        match &self.shape {
            Shape::List(items) => Ok(items),
            _ => Err(self.mismatch("a list")),
        }
    }

    /// A list of texts.
    pub fn texts(&self) -> Result<Vec<String>> {
        self.items()?.iter().map(|item| item.text().map(String::from)).collect()
    }

    /// A program and its arguments, never empty.
    pub fn argv(&self) -> Result<Vec<String>> {
        // an argument may have lines, as a script for a shell has
        let argv: Vec<String> =
            self.items()?.iter().map(|item| item.prose().map(String::from)).collect::<Result<_>>()?;
        if argv.is_empty() {
            let error = self.spot.error(format!("`{}` names no program", self.path));
            return Err(error.help("write the program and its arguments: [\"program\", \"argument\"]"));
        }
        Ok(argv)
    }

    /// The entries of a table, in the order of the file.
    pub fn entries(&self) -> Result<&[Entry]> {
        match &self.shape {
            Shape::Table(entries) => Ok(entries),
            _ => Err(self.mismatch("a table")),
        }
    }

    /// A table that has these keys and no others.
    pub fn fields<'a>(&'a self, keys: &[&str]) -> Result<Fields<'a>> {
        let entries = self.entries()?;
        for entry in entries {
            if !keys.contains(&&*entry.key) {
                let what = match &*self.path {
                    "" => format!("there is no key `{}`", entry.key),
                    path => format!("`{path}` has no key `{}`", entry.key),
                };
                return Err(entry.spot.error(what).help(suggestion(&entry.key, keys.iter().copied())));
            }
        }
        Ok(Fields { node: self, entries })
    }

    /// The node at the end of a way through tables.
    pub fn at(&self, way: &[&str]) -> Option<&Node> {
        way.iter().try_fold(self, |node, key| match &node.shape {
            Shape::Table(entries) => entries.iter().find(|e| e.key == *key).map(|e| &e.node),
            _ => None,
        })
    }

    /// An error of a parser that knows no place, put here; its sentence stays.
    pub fn located(&self, error: &Error) -> Error {
        let detail = error.detail();
        let here = self.spot.error(detail.what.clone());
        match &detail.help {
            Some(help) => here.help(help.clone()),
            None => here,
        }
    }
}

/// "did you mean", with all the choices where none is near.
pub(crate) fn suggestion<'a>(name: &str, choices: impl IntoIterator<Item = &'a str>) -> String {
    let choices: Vec<&str> = choices.into_iter().collect();
    match nearest(name, choices.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if choices.is_empty() => "there is none to choose from".to_string(),
        None => format!("choose one of: {}", choices.join(", ")),
    }
}

/// The entries of a table all of whose keys are known.
pub struct Fields<'a> {
    node: &'a Node,
    entries: &'a [Entry],
}

impl<'a> Fields<'a> {
    /// The table itself.
    pub fn node(&self) -> &'a Node {
        self.node
    }

    /// A value that may be missing.
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|e| e.key == key).map(|e| &e.node)
    }

    /// A value that must be there; `example` shows how it is written.
    pub fn need(&self, key: &str, example: &str) -> Result<&'a Node> {
        self.get(key).ok_or_else(|| {
            let what = match &*self.node.path {
                "" => format!("`{key}` is missing"),
                path => format!("`{path}` has no `{key}`"),
            };
            self.node.spot.error(what).help(format!("add {key} = {example}"))
        })
    }

    /// A text that may be missing.
    pub fn text(&self, key: &str) -> Result<Option<&'a str>> {
        self.get(key).map(Node::text).transpose()
    }

    /// A text that may be missing, as a value of its own.
    pub fn owned(&self, key: &str) -> Result<Option<String>> {
        Ok(self.text(key)?.map(String::from))
    }

    /// `true`, `false`, or `false` when missing.
    pub fn flag(&self, key: &str) -> Result<bool> {
        self.get(key).map_or(Ok(false), Node::boolean)
    }

    /// The one of two keys that is there; both or neither is an error.
    pub fn either(&self, keys: [&str; 2], help: &str) -> Result<(usize, &'a Node)> {
        let [a, b] = keys;
        match (self.get(a), self.get(b)) {
            (Some(node), None) => Ok((0, node)),
            (None, Some(node)) => Ok((1, node)),
            (Some(_), Some(second)) => {
                let what = format!("`{}` has both `{a}` and `{b}`", self.node.path);
                Err(second.spot.error(what).help(help.to_string()))
            }
            (None, None) => {
                let what = format!("`{}` has neither `{a}` nor `{b}`", self.node.path);
                Err(self.node.spot.error(what).help(help.to_string()))
            }
        }
    }
}
