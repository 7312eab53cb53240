//! Options of steps and of waits: taken out, turned round, or made to hold always or never.

use std::ops::Range;

use super::place::{self, CONDITIONS};
use super::{Collector, Kind, Operator};
use crate::script::survey::lexer::LexemeKind;

pub(super) fn find(into: &mut Collector<'_>) {
    for n in 0..into.tokens.all.len() {
        let in_map = into.tokens.all[n].parent.is_some_and(|open| into.tokens.is(open, "#{"));
        if !in_map || into.tokens.all[n].kind != LexemeKind::Word || !into.tokens.is(n + 1, ":") {
            continue;
        }
        let value = place::entry(into.tokens, n);
        match into.tokens.str(n) {
            "failed" => {
                removed(into, n, &value, Kind::Wait);
                negated(into, &value, Kind::Wait);
                constant(into, &value, Kind::Wait, "false");
            }
            "done" => {
                negated(into, &value, Kind::Wait);
                constant(into, &value, Kind::Wait, "true");
            }
            word if CONDITIONS.contains(&word) => {
                removed(into, n, &value, Kind::Condition);
                if word == "when" {
                    negated(into, &value, Kind::Condition);
                }
                if word == "needs" {
                    one_less(into, &value);
                }
            }
            _ => {}
        }
    }
}

/// Without the entry, and without the comma that parts it from the next one.
fn removed(into: &mut Collector<'_>, key: usize, value: &Range<usize>, kind: Kind) {
    let next = value.end + usize::from(into.tokens.is(value.end, ","));
    let alone = next == value.end;
    // the last entry goes with the comma in front of it
    let first = if alone && key > 0 && into.tokens.is(key - 1, ",") { key - 1 } else { key };
    into.replace(Operator::Removed, kind, &(first..next), "");
}

/// `|x| !(...)`.
fn negated(into: &mut Collector<'_>, value: &Range<usize>, kind: Kind) {
    let Some(first) = into.tokens.body_of_closure(value) else { return };
    let body = first..value.end;
    // a `return` in it would go past the sign
    if !body.clone().any(|n| into.tokens.is_word(n, "return")) {
        into.replace(Operator::Negated, kind, &body, format!("!({})", into.tokens.source(&body)));
    }
}

fn constant(into: &mut Collector<'_>, value: &Range<usize>, kind: Kind, what: &str) {
    if let Some(first) = into.tokens.body_of_closure(value) {
        into.replace(Operator::Weakened, kind, &(first..value.end), what);
    }
}

/// A list of steps without one of them.
fn one_less(into: &mut Collector<'_>, value: &Range<usize>) {
    let items = if into.tokens.is(value.start, "[") { into.tokens.pieces(value.start) } else { Vec::new() };
    if items.len() < 2 {
        return; // the list of one is gone where the option is
    }
    for (n, item) in items.iter().enumerate() {
        let piece = if n + 1 < items.len() { item.start..item.end + 1 } else { item.start - 1..item.end };
        into.replace(Operator::Weakened, Kind::Condition, &piece, "");
    }
}
