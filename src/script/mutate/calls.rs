//! Gates and expectations: taken out, turned round, or held for true whatever is seen. And bodies of steps that do nothing.

use super::place::STEPS;
use super::{Collector, Kind, Operator};

pub(super) fn find(into: &mut Collector<'_>) {
    for n in 0..into.tokens.all.len() {
        if !into.tokens.is_call(n) {
            continue;
        }
        match into.tokens.str(n) {
            "gate" => gate(into, n),
            "expect" => expect(into, n),
            word if STEPS.contains(&word) => step(into, n),
            _ => {}
        }
    }
}

fn gate(into: &mut Collector<'_>, n: usize) {
    let Some(close) = into.tokens.closing(n + 1) else { return };
    into.replace(Operator::Removed, Kind::Gate, &(n..close + 1), "()");
    if let Some(ok) = into.tokens.pieces(n + 1).get(1) {
        into.replace(Operator::Negated, Kind::Gate, ok, format!("!({})", into.tokens.source(ok)));
        into.replace(Operator::Weakened, Kind::Gate, ok, "true");
    }
}

fn expect(into: &mut Collector<'_>, n: usize) {
    let Some(close) = into.tokens.closing(n + 1) else { return };
    let call = n..close + 1;
    into.replace(Operator::Removed, Kind::Expect, &call, "()");
    if let [claim, actual, wanted] = into.tokens.pieces(n + 1).as_slice() {
        let [claim, actual, wanted] = [claim, actual, wanted].map(|piece| into.tokens.source(piece));
        into.replace(
            Operator::Negated,
            Kind::Expect,
            &call,
            format!("gate({claim}, ({actual}) != ({wanted}))"),
        );
        into.replace(Operator::Weakened, Kind::Expect, &call, format!("gate({claim}, true)"));
    }
}

/// A step that does nothing and returns nothing.
fn step(into: &mut Collector<'_>, n: usize) {
    let pieces = into.tokens.pieces(n + 1);
    let Some(body) = pieces.last() else { return };
    let Some(first) = into.tokens.body_of_closure(body) else { return };
    let code = first..body.end;
    if into.tokens.closing(first) != Some(first + 1) {
        into.replace(Operator::Emptied, Kind::Body, &code, "{}");
    }
}
