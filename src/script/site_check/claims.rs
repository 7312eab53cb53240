//! The claims that scripts gate, read from their texts: what a waiver can be for.

use crate::script::survey::Survey;
use crate::script::survey::lexer::{Lexeme, LexemeKind, Page};

/// Whether some gate of a survey may have a claim that a pattern means. `*` stands for anything in the pattern, and what a
/// script puts into a claim may be anything as well. A claim that is computed as a whole counts in its own runbook only.
pub(super) fn some_gate(survey: &Survey, runbook: Option<&str>, pattern: &str) -> bool {
    survey.sources.iter().any(|source| {
        let asked = !source.runbook || runbook.is_none_or(|name| name == source.name);
        let mut layers = source.layers.iter().filter_map(|layer| survey.layers.get(*layer));
        asked && layers.any(|layer| claims(&layer.page()).iter().any(|claim| meet(pattern, claim)))
    })
}

/// The claims of a text as patterns.
fn claims(page: &Page<'_>) -> Vec<String> {
    let words: Vec<&Lexeme> = page.lexemes.iter().filter(|l| l.kind != LexemeKind::Comment).collect();
    let text = |l: &Lexeme| page.text.get(l.start..l.end).unwrap_or_default();
    let claim = |four: &[&Lexeme]| match four {
        [name, open, first, next] if matches!(text(name), "gate" | "expect") && text(open) == "(" => {
            let whole = first.kind == LexemeKind::Text && text(next) == ",";
            Some(if whole { written(text(first)) } else { "*".into() })
        }
        _ => None,
    };
    words.windows(4).filter_map(claim).collect()
}

/// A text of a script as a pattern: without its quotes, and with `*` for each value in it.
fn written(literal: &str) -> String {
    let inner = literal.trim_matches(['"', '`', '#']);
    let mut out = String::new();
    let mut rest = inner;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        out.push('*');
        let mut depth = 1;
        let end = after.char_indices().find(|(_, c)| {
            depth += i32::from(*c == '{') - i32::from(*c == '}');
            depth == 0
        });
        rest = end.and_then(|(at, _)| after.get(at + 1..)).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Whether some text is what both patterns mean.
fn meet(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    // row by row: whether the first `i` of one and the first `j` of the other can be the same text
    let mut row = vec![false; other.len() + 1];
    for i in 0..=one.len() {
        let above = row.clone();
        for j in 0..=other.len() {
            let (a, b) =
                (i.checked_sub(1).and_then(|i| one.get(i)), j.checked_sub(1).and_then(|j| other.get(j)));
            let up = above.get(j).copied().unwrap_or_default() && i > 0;
            let left = j > 0 && row.get(j - 1).copied().unwrap_or_default();
            let both = i > 0 && j > 0 && above.get(j - 1).copied().unwrap_or_default();
            let here = match (a, b) {
                (None, None) => true,
                (Some('*'), _) if up || left => true,
                (_, Some('*')) if up || left => true,
                (Some(a), Some(b)) => both && (a == b || *a == '*' || *b == '*'),
                _ => false,
            };
            if let Some(cell) = row.get_mut(j) {
                *cell = here;
            }
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_read_with_their_values_open() {
        let text = "gate(`${a} is ${b[#{}]} up`, x); // gate(\"no\", y)\nexpect(\"servers\", [], []); gate(f(x), true);";
        assert_eq!(claims(&Page::of(text)), ["* is * up", "servers", "*"]);
        assert_eq!(claims(&Page::of("gate(\"a\" + b, true)")), ["*"]);
    }

    #[test]
    fn two_patterns_meet_where_one_text_is_both() {
        for (one, other) in [
            ("a", "a"),
            ("a*", "*b"),
            ("vm is up", "* is up"),
            ("*", ""),
            ("x * y", "x 1*2 y"),
            ("a*c", "abc"),
        ] {
            assert!(meet(one, other) && meet(other, one), "{one} {other}");
        }
        for (one, other) in [("a", "b"), ("a*", "b*"), ("vm is up", "* is down"), ("", "a"), ("ab", "a")] {
            assert!(!meet(one, other) && !meet(other, one), "{one} {other}");
        }
    }
}
