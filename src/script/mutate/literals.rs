//! Values that are written out: another number, another word, the other truth value. What is said to people is none of them.

use super::said::is_said;
use super::{Collector, Kind, Operator};
use crate::script::survey::lexer::LexemeKind;

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
