//! A text's code as tokens: without comments, with operators of several characters in one piece, and with what a bracket
//! is closed by.

use std::ops::Range;

use crate::script::survey::At;
use crate::script::survey::lexer::{LexemeKind, Page};

/// Operators of several characters, the longer ones first.
const JOINED: &[&str] = &[
    "..=", "<<=", ">>=", "**=", "==", "!=", "<=", ">=", "&&", "||", "=>", "::", "#{", "??", "?.", "?[", "..",
    "+=", "-=", "*=", "/=", "%=",
];

/// Words behind which a value begins.
const OPENING_WORDS: &[&str] = &["return", "in", "if", "else", "while", "switch", "throw"];

/// A piece of code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: LexemeKind,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) at: At,
    /// It is one of `|a, b|` in front of a closure's body.
    params: bool,
    /// The token that closes the bracket which this one opens.
    closing: Option<usize>,
    /// The innermost bracket that it stands in.
    pub(super) parent: Option<usize>,
}

/// The tokens of a text.
pub(super) struct Tokens<'t> {
    pub(super) text: &'t str,
    pub(super) all: Vec<Token>,
}

impl<'t> Tokens<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let page = Page::of(text);
        let mut all: Vec<Token> = Vec::new();
        let mut skip = 0;
        let code: Vec<_> = page.lexemes.iter().filter(|l| l.kind != LexemeKind::Comment).collect();
        for lexeme in code {
            if lexeme.start < skip {
                continue;
            }
            let rest = text.get(lexeme.start..).unwrap_or_default();
            let joined = JOINED.iter().find(|op| rest.starts_with(**op));
            let end = match (lexeme.kind, joined) {
                (LexemeKind::Symbol, Some(op)) => lexeme.start + op.len(),
                _ => lexeme.end,
            };
            skip = end;
            let (kind, start, at) = (lexeme.kind, lexeme.start, lexeme.at);
            all.push(Token { kind, start, end, at, params: false, closing: None, parent: None });
        }
        let mut tokens = Tokens { text, all };
        tokens.pair();
        tokens.find_params();
        tokens
    }

    /// Finds what closes each bracket.
    fn pair(&mut self) {
        let mut open: Vec<usize> = Vec::new();
        for n in 0..self.all.len() {
            let closes = matches!(self.str(n), ")" | "]" | "}") && self.is_symbol(n);
            if closes && let Some(at) = open.pop() {
                self.all[at].closing = Some(n);
            }
            self.all[n].parent = open.last().copied();
            if self.is_symbol(n) && matches!(self.str(n), "(" | "[" | "?[" | "{" | "#{") {
                open.push(n);
            }
        }
    }

    /// Finds `|a, b|`: it begins where a value does.
    fn find_params(&mut self) {
        let mut n = 0;
        while n < self.all.len() {
            if self.is(n, "|") && !self.ends_value(n) {
                let close = (n + 1..self.all.len()).find(|m| self.is(*m, "|"));
                let close = close.unwrap_or(n);
                self.all[n..=close].iter_mut().for_each(|token| token.params = true);
                n = close;
            } else if self.is(n, "||") && !self.ends_value(n) {
                self.all[n].params = true;
            }
            n += 1;
        }
    }

    /// Whether a value ends in front of a token, so that an operator follows.
    pub(super) fn ends_value(&self, n: usize) -> bool {
        let Some(before) = n.checked_sub(1) else { return false };
        match self.all[before].kind {
            LexemeKind::Word => !OPENING_WORDS.contains(&self.str(before)),
            LexemeKind::Number | LexemeKind::Text => true,
            _ => matches!(self.str(before), ")" | "]" | "}") && !self.all[before].params,
        }
    }

    fn is_symbol(&self, n: usize) -> bool {
        self.all.get(n).is_some_and(|t| t.kind == LexemeKind::Symbol)
    }

    pub(super) fn str(&self, n: usize) -> &'t str {
        self.all.get(n).and_then(|t| self.text.get(t.start..t.end)).unwrap_or_default()
    }

    /// Whether it is this symbol.
    pub(super) fn is(&self, n: usize, symbol: &str) -> bool {
        self.is_symbol(n) && self.str(n) == symbol
    }

    /// Whether it is this word.
    pub(super) fn is_word(&self, n: usize, word: &str) -> bool {
        self.all.get(n).is_some_and(|t| t.kind == LexemeKind::Word) && self.str(n) == word
    }

    /// Whether it belongs to the parameters of a closure.
    pub(super) fn is_params(&self, n: usize) -> bool {
        self.all.get(n).is_some_and(|t| t.params)
    }

    pub(super) fn closing(&self, n: usize) -> Option<usize> {
        self.all.get(n)?.closing
    }

    /// Whether it is the name of a function that is called here by its bare name.
    pub(super) fn is_call(&self, n: usize) -> bool {
        let word = self.all.get(n).is_some_and(|t| t.kind == LexemeKind::Word);
        let before = n.checked_sub(1).is_some_and(|b| {
            self.is(b, ".") || self.is(b, "?.") || self.is(b, "::") || self.is_word(b, "fn")
        });
        word && self.is(n + 1, "(") && !before
    }

    /// The pieces between a bracket and what closes it, parted by commas: ranges of tokens.
    pub(super) fn pieces(&self, open: usize) -> Vec<Range<usize>> {
        let Some(close) = self.closing(open) else { return Vec::new() };
        let (mut pieces, mut first, mut n) = (Vec::new(), open + 1, open + 1);
        while n < close {
            if let Some(inner) = self.closing(n) {
                n = inner;
            } else if self.is(n, ",") && !self.is_params(n) {
                pieces.push(first..n);
                first = n + 1;
            }
            n += 1;
        }
        if first < close {
            pieces.push(first..close);
        }
        pieces
    }

    /// The bytes of a range of tokens.
    pub(super) fn bytes(&self, range: &Range<usize>) -> Range<usize> {
        match (self.all.get(range.start), range.end.checked_sub(1).and_then(|last| self.all.get(last))) {
            (Some(first), Some(last)) if range.start < range.end => first.start..last.end,
            _ => 0..0,
        }
    }

    /// The text of a range of tokens, as it is written.
    pub(super) fn source(&self, range: &Range<usize>) -> &'t str {
        self.text.get(self.bytes(range)).unwrap_or_default()
    }

    /// The first token behind the parameters of a closure, where these tokens are one.
    pub(super) fn body_of_closure(&self, range: &Range<usize>) -> Option<usize> {
        if !self.is_params(range.start) {
            return None;
        }
        range.clone().find(|n| !self.is_params(*n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_one_piece_and_comments_none() {
        let tokens = Tokens::of("a >= b /* x */ && !c // y\n|| d");
        let all: Vec<&str> = (0..tokens.all.len()).map(|n| tokens.str(n)).collect();
        assert_eq!(all, ["a", ">=", "b", "&&", "!", "c", "||", "d"]);
        assert!((0..all.len()).all(|n| !tokens.is_params(n)));
    }

    #[test]
    fn the_parameters_of_a_closure_part_no_arguments() {
        let tokens = Tokens::of("f(a, |x, y| x | y, || b || c)");
        let pieces: Vec<&str> = tokens.pieces(1).iter().map(|piece| tokens.source(piece)).collect();
        assert_eq!(pieces, ["a", "|x, y| x | y", "|| b || c"]);
    }
}
