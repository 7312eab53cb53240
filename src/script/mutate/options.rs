//! Options of steps and of waits: taken out, turned round, or made to hold always or never.

use std::ops::Range;

use super::order::Order;
use super::place::{self, CONDITIONS};
use super::{Collector, Kind, Operator};
use crate::script::survey::lexer::LexemeKind;

pub(super) fn find(into: &mut Collector<'_>) {
    let order = Order::of(into.tokens);
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
            "needs" => needs(into, &order, n, &value),
            word if CONDITIONS.contains(&word) => {
                let is_last = step_of(into, n).is_some_and(|step| order.is_last(step));
                if word != "on_fail" || !is_last {
                    removed(into, n, &value, Kind::Condition);
                }
                if word == "when" {
                    negated(into, &value, Kind::Condition);
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

/// The bracket of the step that an option is of.
fn step_of(into: &Collector<'_>, key: usize) -> Option<usize> {
    let call = into.tokens.all[into.tokens.all[key].parent?].parent?;
    let is_step = call > 0 && matches!(into.tokens.str(call - 1), "verify" | "change");
    (is_step && into.tokens.is(call, "(")).then_some(call)
}

/// Steps that are needed: none of them, and one less. Not where they have passed anyway.
fn needs(into: &mut Collector<'_>, order: &Order, key: usize, value: &Range<usize>) {
    let items = if into.tokens.is(value.start, "[") { into.tokens.pieces(value.start) } else { Vec::new() };
    let is_step = step_of(into, key).is_some();
    let has_passed = |into: &Collector<'_>, item: &Range<usize>| {
        is_step && order.has_passed(into.tokens.source(item).trim_matches(['"', '`']))
    };
    if items.is_empty() || !items.iter().all(|item| has_passed(into, item)) {
        removed(into, key, value, Kind::Condition);
    }
    if items.len() < 2 {
        return; // the list of one is gone where the option is
    }
    let left: Vec<usize> = (0..items.len()).filter(|n| !has_passed(into, &items[*n])).collect();
    for n in left {
        let item = &items[n];
        let piece = if n + 1 < items.len() { item.start..item.end + 1 } else { item.start - 1..item.end };
        into.replace(Operator::Weakened, Kind::Condition, &piece, "");
    }
}
