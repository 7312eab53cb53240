//! Values that are written out: another number, another word, the other truth value. What is said to people is none of them.

use super::place::STEPS;
use super::{Collector, Kind, Operator};
use crate::script::survey::lexer::LexemeKind;

/// Functions whose texts are for people, and how many of their arguments.
const SAID: &[(&str, usize)] = &[
    ("gate", 1),
    ("expect", 1),
    ("note", 1),
    ("fact", 1),
    ("skip", 1),
    ("stop", 1),
    ("attest", 1),
    ("defer", 1),
    ("baseline", 1),
    ("runbook", 2),
    ("deferred", 3),
];

/// Entries that are for people, or say how often and how soon to tell them.
const SHOWN: &[&str] = &["title", "show", "help", "every", "warn_after", "on_fail", "needs"];

pub(super) fn find(into: &mut Collector<'_>) {
    for n in 0..into.tokens.all.len() {
        if is_said(into, n) {
            continue;
        }
        let kind = into.kind_at(n).unwrap_or(Kind::Literal);
        match into.tokens.all[n].kind {
            LexemeKind::Number => number(into, n, kind),
            LexemeKind::Text => text(into, n, kind),
            LexemeKind::Word if matches!(into.tokens.str(n), "true" | "false") => {
                let other = if into.tokens.str(n) == "true" { "false" } else { "true" };
                into.replace(Operator::Changed, kind, &(n..n + 1), other);
            }
            _ => {}
        }
    }
}

/// One more; of a duration or a size, a hundred times as much: a wait that would go on for days.
fn number(into: &mut Collector<'_>, n: usize, kind: Kind) {
    let unit = into.tokens.is(n + 1, ".") && !into.tokens.is(n + 3, "(");
    let Ok(value) = into.tokens.str(n).replace('_', "").parse::<i64>() else { return };
    let other = if unit { value.checked_mul(100) } else { value.checked_add(1) };
    if let Some(other) = other {
        into.replace(Operator::Changed, kind, &(n..n + 1), other.to_string());
    }
}

fn text(into: &mut Collector<'_>, n: usize, kind: Kind) {
    let written = into.tokens.str(n);
    // a template is a sentence; the key of a map and the name of a module are names
    let is_name = into.tokens.is(n + 1, ":") || (n > 0 && into.tokens.is_word(n - 1, "import"));
    if let Some(inner) = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'))
        && !is_name
    {
        into.replace(Operator::Changed, kind, &(n..n + 1), format!("\"{inner}~\""));
    }
}

/// Whether a token is part of something that is for people: an argument of those calls, or such an entry.
fn is_said(into: &Collector<'_>, n: usize) -> bool {
    let tokens = into.tokens;
    let (mut inner, mut around) = (n, tokens.all[n].parent);
    if n > 0 && tokens.is_word(n - 1, "throw") {
        return true;
    }
    while let Some(open) = around {
        if tokens.is(open, "(") && open > 0 {
            let name = open - 1;
            let steps = if STEPS.contains(&tokens.str(name)) { Some(2) } else { None };
            let said = SAID.iter().find(|(word, _)| *word == tokens.str(name)).map(|(_, count)| *count);
            if let Some(count) = steps.or(said)
                && tokens.is_call(name)
                && tokens.pieces(open).iter().take(count).any(|piece| piece.contains(&inner))
            {
                return true;
            }
        }
        if tokens.is(open, "#{")
            && let Some(piece) = tokens.pieces(open).iter().find(|piece| piece.contains(&inner))
            && SHOWN.contains(&tokens.str(piece.start))
        {
            return true;
        }
        (inner, around) = (open, tokens.all[open].parent);
    }
    false
}
