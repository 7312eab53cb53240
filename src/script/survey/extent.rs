//! How far steps and functions reach in their texts: what a site's override stands for.

use std::ops::Range;

use super::facts::BodyKind;
use super::lexer::{LexemeKind, Page};
use super::outline::{Override, Step};
use super::values::At;
use super::{Node, Survey};

impl Survey {
    /// The statement of a step, from its `let` or its kind to the semicolon.
    pub fn step_text(&self, step: &Step) -> &str {
        self.statement_text(step.layer, step.statement)
    }

    /// The call by which a site's file changes a step.
    pub fn override_text(&self, change: &Override) -> &str {
        let page = self.layers[change.layer].page();
        page.call(change.at).and_then(|bytes| page.text.get(bytes)).unwrap_or_default()
    }

    /// A function with the doc comment in front of it.
    pub fn function_text(&self, (layer, body): Node) -> &str {
        let body = &self.layers[layer].facts.bodies[body];
        let BodyKind::Function(_) = body.kind else { return "" };
        let page = self.layers[layer].page();
        page.text.get(function(&page, body.at)).unwrap_or_default()
    }

    /// Where the name of a function stands.
    pub fn function_at(&self, (layer, body): Node) -> At {
        let body = &self.layers[layer].facts.bodies[body];
        let page = self.layers[layer].page();
        head(&page, body.at).and_then(|n| page.lexemes.get(n + 1)).map_or(body.at, |l| l.at)
    }

    fn statement_text(&self, layer: usize, at: At) -> &str {
        let page = self.layers[layer].page();
        page.text.get(statement(&page, at)).unwrap_or_default()
    }
}

/// The bytes of the statement that starts at a place, with its semicolon.
fn statement(page: &Page<'_>, at: At) -> Range<usize> {
    let first = page.find(at);
    let start = page.lexemes.get(first).map_or(page.text.len(), |l| l.start);
    let (mut n, mut end) = (first, page.text.len());
    while let Some(lexeme) = page.lexemes.get(n) {
        match (lexeme.kind, page.str(lexeme)) {
            (LexemeKind::Symbol, "(" | "[" | "{") => n = page.closing(n).unwrap_or(n),
            (LexemeKind::Symbol, ";") => {
                end = lexeme.end;
                break;
            }
            (LexemeKind::Symbol, ")" | "]" | "}") => {
                end = lexeme.start;
                break;
            }
            _ => {}
        }
        n += 1;
    }
    start..end
}

/// The lexeme `fn` of the function whose `{` stands at a place.
fn head(page: &Page<'_>, at: At) -> Option<usize> {
    let before = &page.lexemes[..page.find(at).min(page.lexemes.len())];
    before.iter().rposition(|l| l.kind == LexemeKind::Word && page.str(l) == "fn")
}

/// The bytes of the function whose `{` stands at a place.
fn function(page: &Page<'_>, at: At) -> Range<usize> {
    let open = page.find(at);
    let Some(mut first) = head(page, at) else { return 0..0 };
    let is = |n: usize, test: &dyn Fn(&str) -> bool| page.lexemes.get(n).is_some_and(|l| test(page.str(l)));
    if first > 0 && is(first - 1, &|word| word == "private") {
        first -= 1;
    }
    while first > 0 && is(first - 1, &|text| text.starts_with("///") || text.starts_with("/**")) {
        first -= 1;
    }
    let end = page.closing(open).and_then(|n| page.lexemes.get(n)).map_or(page.text.len(), |l| l.end);
    page.lexemes.get(first).map_or(0..0, |l| l.start..end)
}
