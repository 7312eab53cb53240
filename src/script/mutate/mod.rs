//! Mutants of scripts: one small change of one text each, after which some test must fail. A gate is taken out or lets
//! everything pass, a condition is always true, a number is another one. They are made on the text, by position, so that what
//! is shown is what an operator wrote.

mod calls;
mod comparisons;
mod literals;
pub mod marks;
mod operators;
mod options;
mod order;
mod place;
mod said;
pub mod shelf;
mod tokens;
pub mod trial;

use std::ops::Range;

use super::survey::At;
use tokens::Tokens;

pub use operators::{Kind, Operator};

/// One change of one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// What is done.
    pub operator: Operator,
    /// What kind of thing it is done to.
    pub kind: Kind,
    /// The bytes that go.
    pub bytes: Range<usize>,
    /// What is there before.
    pub before: String,
    /// What takes their place.
    pub after: String,
    /// Where they begin.
    pub at: At,
    /// The step or function that they stand in; empty for the top level.
    pub within: String,
}

impl Mutant {
    /// The text with the change in it.
    pub fn apply(&self, text: &str) -> String {
        let (head, tail) = (text.get(..self.bytes.start), text.get(self.bytes.end..));
        format!("{}{}{}", head.unwrap_or_default(), self.after, tail.unwrap_or_default())
    }
}

/// All mutants of a text, in its order. Two that make the same text are one.
pub fn of(text: &str) -> Vec<Mutant> {
    let tokens = Tokens::of(text);
    let mut into = Collector { tokens: &tokens, places: place::Places::of(&tokens), all: Vec::new() };
    calls::find(&mut into);
    options::find(&mut into);
    comparisons::find(&mut into);
    literals::find(&mut into);
    let mut all = into.all;
    all.sort_by_key(|m| (m.bytes.start, m.bytes.end));
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|m| m.before != m.after && seen.insert((m.bytes.start, m.bytes.end, m.after.clone())));
    all
}

/// Takes mutants in, each with its place.
struct Collector<'t> {
    tokens: &'t Tokens<'t>,
    places: place::Places,
    all: Vec<Mutant>,
}

impl Collector<'_> {
    /// Puts something in the place of these tokens.
    fn replace(&mut self, operator: Operator, kind: Kind, range: &Range<usize>, after: impl Into<String>) {
        self.put(operator, kind, range.start, self.tokens.bytes(range), after.into());
    }

    /// Puts something in the place of these bytes, which begin with a token.
    fn put(&mut self, operator: Operator, kind: Kind, first: usize, bytes: Range<usize>, after: String) {
        let Some(before) = self.tokens.text.get(bytes.clone()).filter(|before| !before.is_empty()) else {
            return;
        };
        let (before, within) = (before.to_string(), self.places.within(bytes.start));
        let at = self.tokens.all[first].at;
        self.all.push(Mutant { operator, kind, bytes, before, after, at, within });
    }

    /// The kind of thing that a token is a part of, where it is a part of one.
    fn kind_at(&self, n: usize) -> Option<Kind> {
        self.places.kind(self.tokens.all[n].start)
    }
}

#[cfg(test)]
mod tests;
