//! What a piece of a text stands in: a step or function by its name, and a gate, expectation, wait or condition.

use std::ops::Range;

use super::Kind;
use super::tokens::Tokens;
use crate::script::survey::lexer::LexemeKind;

/// Calls that make a step, or change one.
pub(super) const STEPS: &[&str] =
    &["verify", "change", "override_step", "before_step", "after_step", "add_step_after"];

/// Options of waits that say how they end.
const WAITS: &[&str] = &["done", "failed", "within"];

/// Options that say whether a step runs, and what its failure stops.
pub(super) const CONDITIONS: &[&str] = &["when", "needs", "on_fail"];

/// The places of a text.
pub(super) struct Places {
    named: Vec<(Range<usize>, String)>,
    kinds: Vec<(Range<usize>, Kind)>,
}

impl Places {
    pub(super) fn of(tokens: &Tokens<'_>) -> Self {
        let mut places = Places { named: Vec::new(), kinds: Vec::new() };
        for n in 0..tokens.all.len() {
            if tokens.all[n].kind == LexemeKind::Word {
                places.read(tokens, n);
            }
        }
        places
    }

    fn read(&mut self, tokens: &Tokens<'_>, n: usize) {
        let start = tokens.all[n].start;
        let upto = |close: usize| start..tokens.all[close].end;
        match tokens.str(n) {
            word if STEPS.contains(&word) && tokens.is_call(n) => {
                let Some(close) = tokens.closing(n + 1) else { return };
                let id = tokens.pieces(n + 1).first().map_or("", |id| tokens.source(id));
                self.named.push((upto(close), format!("step {}", id.trim_matches(['"', '`']))));
            }
            "fn" => {
                let open = tokens.closing(n + 2).map(|params| params + 1);
                if let Some(close) = open.and_then(|open| tokens.closing(open)) {
                    self.named.push((upto(close), format!("fn {}", tokens.str(n + 1))));
                }
            }
            word @ ("gate" | "expect") if tokens.is_call(n) => {
                let kind = if word == "gate" { Kind::Gate } else { Kind::Expect };
                let looked_at =
                    tokens.pieces(n + 1).into_iter().skip(1).take(if word == "gate" { 1 } else { 2 });
                self.kinds.extend(looked_at.map(|piece| (tokens.bytes(&piece), kind)));
            }
            "if" | "while" => self.kinds.push((tokens.bytes(&condition(tokens, n)), Kind::Condition)),
            word if tokens.is(n + 1, ":") && WAITS.contains(&word) => {
                self.kinds.push((tokens.bytes(&entry(tokens, n)), Kind::Wait));
            }
            word if tokens.is(n + 1, ":") && CONDITIONS.contains(&word) => {
                self.kinds.push((tokens.bytes(&entry(tokens, n)), Kind::Condition));
            }
            _ => {}
        }
    }

    /// The innermost step or function around a byte; empty for none.
    pub(super) fn within(&self, byte: usize) -> String {
        innermost(&self.named, byte).cloned().unwrap_or_default()
    }

    /// The kind of the innermost thing around a byte.
    pub(super) fn kind(&self, byte: usize) -> Option<Kind> {
        innermost(&self.kinds, byte).copied()
    }
}

fn innermost<T>(ranges: &[(Range<usize>, T)], byte: usize) -> Option<&T> {
    let around = ranges.iter().filter(|(range, _)| range.contains(&byte));
    around.min_by_key(|(range, _)| range.len()).map(|(_, what)| what)
}

/// The condition behind an `if` or `while`: up to the block.
pub(super) fn condition(tokens: &Tokens<'_>, word: usize) -> Range<usize> {
    let mut n = word + 1;
    while n < tokens.all.len() && !tokens.is(n, "{") {
        n = tokens.closing(n).unwrap_or(n) + 1;
    }
    word + 1..n
}

/// The value of a map's entry, whose key is given.
pub(super) fn entry(tokens: &Tokens<'_>, key: usize) -> Range<usize> {
    let mut n = key + 2;
    while n < tokens.all.len() {
        let ends = tokens.is(n, "}") || tokens.is(n, ")") || tokens.is(n, "]");
        if ends || (tokens.is(n, ",") && !tokens.is_params(n)) {
            break;
        }
        n = tokens.closing(n).unwrap_or(n) + 1;
    }
    key + 2..n
}
