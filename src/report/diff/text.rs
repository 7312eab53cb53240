//! A comparison as text for a terminal.

use serde_json::Value;

use super::{Change, GateChange, RunDiff};
use crate::base::duration::show_seconds;
use crate::base::screen::{Drawn, drawn};
use crate::report::evidence::{brief, inline};

/// Characters of a value that a line takes.
const LONGEST: usize = 80;

/// The comparison; one line a difference, in the order an operator asks.
pub fn render(diff: &RunDiff) -> Drawn {
    let mut text = drawn!("from {}\nto   {}\n", diff.before, diff.after);
    if diff.is_empty() {
        text.push(drawn!("\nNothing differs.\n"));
        return text;
    }
    let title = |(id, title): &(String, String)| format!("{id} {title}");
    section(&mut text, "How they ended", diff.outcome.iter().map(change));
    section(&mut text, "Steps added", diff.added.iter().map(title));
    section(&mut text, "Steps removed", diff.removed.iter().map(title));
    section(&mut text, "Verdicts", diff.verdicts.iter().map(change));
    section(&mut text, "Overrides", diff.overrides.iter().map(change));
    section(&mut text, "Gates", diff.gates.iter().flat_map(gate));
    let slower = diff
        .slower
        .iter()
        .map(|s| format!("{} {}: {} → {}", s.step, s.title, show_seconds(s.before), show_seconds(s.after)));
    section(&mut text, "Much slower", slower);
    section(&mut text, "Facts", diff.facts.iter().map(change));
    section(&mut text, "Sources", diff.sources.iter().map(source));
    section(&mut text, "Values of the site", diff.values.iter().map(change));
    text
}

fn section(text: &mut Drawn, title: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        text.push(drawn!("\n{}\n", title));
    }
    for line in lines {
        text.push(drawn!("  {}\n", Drawn::lines(&line).hanging(4)));
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".into(),
        value => brief(value, LONGEST).unwrap_or_else(|| inline(value)),
    }
}

fn change(c: &Change) -> String {
    format!("{}: {} → {}", c.what, shown(&c.before), shown(&c.after))
}

/// Fingerprints by as many digits as tell them apart.
fn source(c: &Change) -> String {
    let digits = |v: &Value| v.as_str().map_or("none".to_string(), |hash| hash.chars().take(12).collect());
    format!("{}: {} → {}", c.what, digits(&c.before), digits(&c.after))
}

fn gate(g: &GateChange) -> Vec<String> {
    let word = |held: Option<bool>| match held {
        Some(true) => "holds",
        Some(false) => "FAILS",
        None => "not checked",
    };
    let mut lines = Vec::new();
    if g.held != g.holds {
        lines.push(format!("{} {}: {} → {}", g.step, g.claim, word(g.held), word(g.holds)));
    }
    lines.extend(g.observed.iter().map(|c| {
        let path = if c.what.is_empty() { String::new() } else { format!(" {}", c.what) };
        format!("{} {}{path}: saw {} → {}", g.step, g.claim, shown(&c.before), shown(&c.after))
    }));
    lines
}
