//! Which pieces of a text a run comes through: each block begins with a call that takes note of it. A mutant in a block that no
//! test comes through is noticed by none.

use std::ops::Range;

use super::tokens::Tokens;

/// The function that takes note. A script that defines it itself would only hide what it reaches.
pub const MARK: &str = "__reached";

/// The blocks of a text, by the number of their mark.
#[derive(Clone, Debug)]
pub struct Marks {
    /// The mark of the text as a whole.
    top: i64,
    blocks: Vec<(Range<usize>, i64)>,
}

impl Marks {
    /// Marks a text with numbers from `first` on. No line of it moves.
    pub fn of(text: &str, first: i64) -> (Marks, String) {
        let tokens = Tokens::of(text);
        let mut marks = Marks { top: first, blocks: Vec::new() };
        let mut marked = format!("{MARK}({first}); ");
        let (mut next, mut done) = (first + 1, 0);
        for n in 0..tokens.all.len() {
            let Some(close) = tokens.closing(n).filter(|_| tokens.is(n, "{") && !is_switch(&tokens, n))
            else {
                continue;
            };
            let inside = tokens.all[n].end;
            marked.push_str(text.get(done..inside).unwrap_or_default());
            marked.push_str(&format!("{MARK}({next});"));
            marks.blocks.push((inside..tokens.all[close].start, next));
            (next, done) = (next + 1, inside);
        }
        marked.push_str(text.get(done..).unwrap_or_default());
        (marks, marked)
    }

    /// The mark of the innermost block around a byte.
    pub fn at(&self, byte: usize) -> i64 {
        let around = self.blocks.iter().filter(|(range, _)| range.contains(&byte));
        around.min_by_key(|(range, _)| range.len()).map_or(self.top, |(_, mark)| *mark)
    }

    /// The first number that is not taken.
    pub fn end(&self) -> i64 {
        self.top + 1 + i64::try_from(self.blocks.len()).unwrap_or(i64::MAX)
    }
}

/// Whether a `{` holds the arms of a `switch`, which are no statements.
fn is_switch(tokens: &Tokens<'_>, open: usize) -> bool {
    let parent = tokens.all[open].parent;
    let before = (0..open).rev().filter(|n| tokens.all[*n].parent == parent);
    for n in before {
        if tokens.is_word(n, "switch") {
            return true;
        }
        let ends = [";", "{", "}", "=>", ",", "="].iter().any(|symbol| tokens.is(n, symbol));
        if ends
            || ["if", "else", "while", "for", "loop", "do", "try", "fn"]
                .iter()
                .any(|word| tokens.is_word(n, word))
        {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_marked_and_maps_and_switches_are_not() {
        let (marks, text) = Marks::of("fn f(x) { switch x { 1 => { #{ a: 2 } } _ => () } }\n// {\nf(1)", 10);
        assert_eq!(
            text,
            "__reached(10); fn f(x) {__reached(11); switch x { 1 => {__reached(12); #{ a: 2 } } _ => () } }\n// {\nf(1)"
        );
        assert_eq!((marks.at(0), marks.at(10), marks.at(30), marks.end()), (10, 11, 12, 13));
    }

    /// The shipped texts mean the same with marks in them, and still compile.
    #[test]
    fn every_shipped_text_can_be_marked() {
        use crate::script::modules::Shelf as _;
        let layers = crate::site::Layers::default();
        let engine = crate::script::survey::known::compiler(true, &crate::script::primitives::all());
        let mut variables = rhai::Scope::new();
        variables.push_constant("site", ());
        for name in layers.names().unwrap() {
            for text in layers.texts(&name).unwrap() {
                let (_, marked) = Marks::of(&text.text, 1);
                assert_eq!(marked.lines().count(), text.text.lines().count());
                engine.compile_with_scope(&variables, &marked).unwrap_or_else(|e| panic!("{name}: {e}"));
            }
        }
    }
}
