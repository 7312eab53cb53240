//! Comparisons, parts of `&&` and `||`, signs of negation, and what `if` and `while` ask.

use std::ops::Range;

use super::said::is_said;
use super::{Collector, Kind, Operator, place};

/// What an ordering becomes: its opposite, and the one that holds at the border too, or no more.
const ORDERINGS: &[(&str, &str, &str)] =
    &[("<", ">=", "<="), (">", "<=", ">="), ("<=", ">", "<"), (">=", "<", ">")];

/// What ends an operand on either side, besides commas and brackets.
const LOOSER: &[&str] = &["&&", "||", "=>", "=", "+=", "-=", ";", ":", "??"];

/// Words that end an operand.
const WORDS: &[&str] = &["return", "if", "while", "let", "const", "throw", "switch", "else"];

pub(super) fn find(into: &mut Collector<'_>) {
    for n in 0..into.tokens.all.len() {
        if into.tokens.is_params(n) || is_said(into, n) {
            continue;
        }
        let kind = into.kind_at(n).unwrap_or(Kind::Comparison);
        match into.tokens.str(n) {
            "if" | "while" if into.tokens.is_word(n, into.tokens.str(n)) => asked(into, n),
            "!" if into.tokens.is(n, "!") && !into.tokens.is_word(n + 1, "in") => {
                into.replace(Operator::Negated, kind, &(n..n + 1), "");
            }
            "in" if into.tokens.is_word(n, "in") && !is_loop(into, n) => contained(into, n, kind),
            "==" => compared(into, n, kind, "!="),
            "!=" => compared(into, n, kind, "=="),
            operator => {
                if let Some((_, opposite, border)) = ORDERINGS.iter().find(|(is, ..)| *is == operator) {
                    compared(into, n, kind, opposite);
                    into.replace(Operator::Weakened, kind, &(n..n + 1), *border);
                } else if operator == "&&" || operator == "||" {
                    parts(into, n, kind, if operator == "&&" { "true" } else { "false" });
                }
            }
        }
    }
}

/// A condition that always holds, and one that never does.
fn asked(into: &mut Collector<'_>, n: usize) {
    let condition = place::condition(into.tokens, n);
    into.replace(Operator::Weakened, Kind::Condition, &condition, "true");
    into.replace(Operator::Weakened, Kind::Condition, &condition, "false");
}

fn compared(into: &mut Collector<'_>, n: usize, kind: Kind, opposite: &str) {
    into.replace(Operator::Negated, kind, &(n..n + 1), opposite);
    whole(into, n, kind);
}

/// `x in y`, and `x !in y`.
fn contained(into: &mut Collector<'_>, n: usize, kind: Kind) {
    if n > 0 && into.tokens.is(n - 1, "!") {
        into.replace(Operator::Negated, kind, &(n - 1..n), "");
    } else {
        into.replace(Operator::Negated, kind, &(n..n + 1), "!in");
    }
    whole(into, n, kind);
}

/// The comparison as a whole: always true, and always false.
fn whole(into: &mut Collector<'_>, n: usize, kind: Kind) {
    let all = before(into, n).start..behind(into, n).end;
    into.replace(Operator::Weakened, kind, &all, "true");
    into.replace(Operator::Weakened, kind, &all, "false");
}

/// Each side of an `&&` or `||` taken out in turn.
fn parts(into: &mut Collector<'_>, n: usize, kind: Kind, neutral: &str) {
    for part in [before(into, n), behind(into, n)] {
        into.replace(Operator::Weakened, kind, &part, neutral);
    }
}

fn ends(into: &Collector<'_>, n: usize) -> bool {
    let tokens = into.tokens;
    tokens.is_params(n)
        || (tokens.is(n, tokens.str(n)) && (LOOSER.contains(&tokens.str(n)) || matches!(tokens.str(n), ",")))
        || WORDS.iter().any(|word| tokens.is_word(n, word))
}

/// The operand in front of an operator.
fn before(into: &Collector<'_>, operator: usize) -> Range<usize> {
    let tokens = into.tokens;
    let parent = tokens.all[operator].parent;
    let mut first = operator;
    while let Some(n) = first.checked_sub(1) {
        let inside =
            tokens.all[n].parent != parent || tokens.closing(n).is_some_and(|close| close < operator);
        let opens = parent == Some(n);
        // a block in front of it is a statement of its own
        let block = tokens.is(n, "}") && tokens.all[n].parent == parent && is_block_end(into, n);
        if opens || block || (!inside && ends(into, n)) {
            break;
        }
        first = n;
    }
    first..operator
}

/// The operand behind an operator.
fn behind(into: &Collector<'_>, operator: usize) -> Range<usize> {
    let tokens = into.tokens;
    let mut n = operator + 1;
    while n < tokens.all.len() {
        let closes = [")", "]", "}", "{"].iter().any(|bracket| tokens.is(n, bracket));
        if closes || ends(into, n) {
            break;
        }
        n = tokens.closing(n).unwrap_or(n) + 1;
    }
    operator + 1..n
}

/// Whether a `}` ends a block, and not a map.
fn is_block_end(into: &Collector<'_>, close: usize) -> bool {
    let opened = (0..close).rev().find(|n| into.tokens.closing(*n) == Some(close));
    opened.is_some_and(|open| into.tokens.is(open, "{"))
}

/// Whether it is the `in` of a `for`.
fn is_loop(into: &Collector<'_>, n: usize) -> bool {
    let is_for = |m: Option<usize>| m.is_some_and(|m| into.tokens.is_word(m, "for"));
    // `for x in`, and `for (x, n) in`
    let opened = (0..n).rev().find(|m| into.tokens.closing(*m) == n.checked_sub(1));
    is_for(n.checked_sub(2)) || is_for(opened.and_then(|open| open.checked_sub(1)))
}
