//! What is said to people, and decides nothing: claims, titles, notes, what a gate keeps as evidence, what a wait shows.

use super::Collector;
use super::place::STEPS;

/// Functions with arguments for people, and which.
const SAID: &[(&str, &[usize])] = &[
    ("gate", &[0, 2]),
    ("expect", &[0]),
    ("note", &[0]),
    ("fact", &[0]),
    ("skip", &[0]),
    ("stop", &[0]),
    ("attest", &[0]),
    ("defer", &[0]),
    ("baseline", &[0]),
    ("runbook", &[0, 1]),
    ("deferred", &[0, 1, 2]),
];

/// Of a step.
const ID_AND_TITLE: &[usize] = &[0, 1];

/// Entries that are for people, or say how often and how soon to tell them.
const SHOWN: &[&str] = &["title", "show", "help", "every", "warn_after", "on_fail", "needs"];

/// Whether a token is part of something that is for people: an argument of those calls, or such an entry.
pub(super) fn is_said(into: &Collector<'_>, n: usize) -> bool {
    let tokens = into.tokens;
    let (mut inner, mut around) = (n, tokens.all[n].parent);
    if n > 0 && tokens.is_word(n - 1, "throw") {
        return true;
    }
    while let Some(open) = around {
        if tokens.is(open, "(") && open > 0 {
            let name = open - 1;
            let steps = STEPS.contains(&tokens.str(name)).then_some(ID_AND_TITLE);
            let said = SAID.iter().find(|(word, _)| *word == tokens.str(name)).map(|(_, which)| *which);
            if let Some(which) = steps.or(said)
                && tokens.is_call(name)
                && let Some(n) = tokens.pieces(open).iter().position(|piece| piece.contains(&inner))
                && which.contains(&n)
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
