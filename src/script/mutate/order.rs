//! What holds of the order of steps whatever their options say: there a mutant changes nothing that anybody could notice.
//!
//! * A `verify` step that neither goes on after a failure, nor is left out by its own `when` or `skip`, has passed, or the run has
//!   ended: to need it changes nothing. What an operator leaves out keeps nothing from running.
//! * Behind the last step there is nothing that could go on.

use std::collections::BTreeSet;

use super::place;
use super::tokens::Tokens;

/// The steps of a text.
pub(super) struct Order {
    steps: Vec<Step>,
}

struct Step {
    id: String,
    /// The bracket behind `verify` or `change`.
    open: usize,
    needs: Vec<String>,
    /// By itself it passes, or it ends the run.
    sure: bool,
}

impl Order {
    pub(super) fn of(tokens: &Tokens<'_>) -> Self {
        let calls = (0..tokens.all.len()).filter(|n| matches!(tokens.str(*n), "verify" | "change"));
        Order { steps: calls.filter(|n| tokens.is_call(*n)).filter_map(|n| step(tokens, n)).collect() }
    }

    /// Whether a step has passed wherever a later one is come to.
    pub(super) fn has_passed(&self, id: &str) -> bool {
        self.is_sure(id, &mut BTreeSet::new())
    }

    fn is_sure<'s>(&'s self, id: &'s str, seen: &mut BTreeSet<&'s str>) -> bool {
        // a step that needs itself, or is there twice, is nothing to be sure of
        let mut all = self.steps.iter().filter(|step| step.id == id);
        let (Some(step), None) = (all.next(), all.next()) else { return false };
        step.sure && seen.insert(id) && step.needs.iter().all(|need| self.is_sure(need, seen))
    }

    /// Whether nothing comes behind a step.
    pub(super) fn is_last(&self, open: usize) -> bool {
        self.steps.last().is_some_and(|step| step.open == open)
    }
}

fn step(tokens: &Tokens<'_>, call: usize) -> Option<Step> {
    let open = call + 1;
    let close = tokens.closing(open)?;
    let pieces = tokens.pieces(open);
    let plain = |piece: &std::ops::Range<usize>| tokens.source(piece).trim_matches(['"', '`']).to_string();
    let id = plain(pieces.first()?);
    let options = pieces.get(2).filter(|piece| tokens.is(piece.start, "#{"));
    let entries = options.map_or_else(Vec::new, |map| tokens.pieces(map.start));
    let key = |word: &str| entries.iter().map(|entry| entry.start).find(|n| tokens.str(*n) == word);
    let needs = key("needs").map(|key| place::entry(tokens, key));
    let needs = needs.map_or_else(Vec::new, |list| tokens.pieces(list.start).iter().map(plain).collect());
    let leaves = (open..close).any(|n| tokens.is_word(n, "skip"));
    let sure = tokens.is_word(call, "verify") && key("when").is_none() && key("on_fail").is_none() && !leaves;
    Some(Step { id, open, needs, sure })
}
