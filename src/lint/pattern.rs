//! A regular expression that is compiled once, when it is first used.

use std::sync::OnceLock;

use regex::{Captures, Match, Regex};

/// A pattern of a rule. One that does not compile finds nothing; the tests compile them all.
pub struct Pattern {
    source: &'static str,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// A pattern in the syntax of the `regex` crate.
    pub const fn new(source: &'static str) -> Self {
        Pattern { source, compiled: OnceLock::new() }
    }

    fn regex(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| Regex::new(self.source).ok()).as_ref()
    }

    /// Whether it is found in a text.
    pub fn is_in(&self, text: &str) -> bool {
        self.regex().is_some_and(|r| r.is_match(text))
    }

    /// The first place in a text.
    pub fn first<'t>(&self, text: &'t str) -> Option<Match<'t>> {
        self.regex().and_then(|r| r.find(text))
    }

    /// Every place in a text.
    pub fn all<'t>(&self, text: &'t str) -> Vec<Match<'t>> {
        self.regex().map(|r| r.find_iter(text).collect()).unwrap_or_default()
    }

    /// Every place in a text with its groups.
    pub fn groups<'t>(&self, text: &'t str) -> Vec<Captures<'t>> {
        self.regex().map(|r| r.captures_iter(text).collect()).unwrap_or_default()
    }
}
