//! `triage()`: what is wrong, from the ground up, on one screen.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Command, Next};
use crate::base::ErrorKind;
use crate::base::screen::{self, Drawn, drawn};
use crate::repl::display::{Look, state, table};
use crate::repl::shell::Shell;
use crate::repl::steps;
use crate::run::{Entry, Record};
use crate::script::value;

/// The runbook that tells.
const RUNBOOK: &str = "triage";

/// What it says of a layer that nothing is wrong with.
const GREEN: &str = "green";

/// What is said where the runbook ended before its last word.
const UNFINISHED: &str = "triage did not finish: the layers above say nothing of the others";

/// Columns that a layer's name takes at most.
const NAMES: usize = 24;

/// Looks at every layer.
pub const TRIAGE: Command = Command {
    name: "triage",
    arguments: "",
    brief: "the same as triage()",
    doc: "Looks at every layer from the ground up, by the runbook `triage`, and names the lowest red one, what it means \
          and what mends it. `_` holds the layers with all findings.",
    run: |shell: &mut Shell, _| {
        shell.session.set_runbook(RUNBOOK);
        let (entries, error) = steps::quietly(shell, RUNBOOK)?;
        let layers = Layer::all(&entries);
        let advice = advice(&entries).or(error.as_ref().map(|_| UNFINISHED));
        shell.show(&draw(&layers, advice, &shell.look(), &runbooks(shell)))?;
        let values: Vec<Value> = layers.iter().map(Layer::value).collect();
        shell.session.set_last(value::from_json(&Value::from(values))?);
        match error {
            None => Ok(Next::Line),
            Some(error) => {
                if error.kind() == ErrorKind::Gate {
                    shell.has_told(); // the layers are its evidence
                }
                Err(error)
            }
        }
    },
};

/// A layer as the runbook's facts have it.
struct Layer {
    name: String,
    /// What is wrong: what was seen, what it means, what mends it. Nothing where it is green.
    findings: Vec<Value>,
}

impl Layer {
    fn all(entries: &[Entry]) -> Vec<Layer> {
        let facts = entries.iter().filter_map(|entry| match &entry.record {
            Record::Fact { name, value, .. } => Some((name, value)),
            _ => None,
        });
        let layers = facts.filter_map(|(name, value)| {
            let findings = match value {
                Value::String(word) if word == GREEN => Vec::new(),
                Value::Array(all) => all.iter().map(finding).collect::<Option<Vec<_>>>()?,
                _ => return None,
            };
            Some(Layer { name: name.clone(), findings })
        });
        layers.collect()
    }

    fn value(&self) -> Value {
        json!({ "layer": self.name, "green": self.findings.is_empty(), "findings": self.findings })
    }
}

/// A finding: what was seen, alone or with what it means and what mends it.
fn finding(value: &Value) -> Option<Value> {
    match value {
        Value::String(saw) => Some(json!({ "saw": saw })),
        finding => finding["saw"].is_string().then(|| finding.clone()),
    }
}

/// What the run ended with: the claim of the last gate that did not hold.
fn advice(entries: &[Entry]) -> Option<&str> {
    entries.iter().rev().find_map(|entry| match &entry.record {
        Record::Gate { claim, ok: false, excused: None, .. } => Some(claim.as_str()),
        _ => None,
    })
}

/// The names of the runbooks there are: what mends may be one.
fn runbooks(shell: &Shell) -> BTreeSet<String> {
    shell.session.host.library.shelf().names().unwrap_or_default().into_iter().collect()
}

fn draw(layers: &[Layer], advice: Option<&str>, look: &Look, runbooks: &BTreeSet<String>) -> Drawn {
    let widest = layers.iter().map(|l| Drawn::line(&l.name).width()).max().unwrap_or(0).min(NAMES);
    let mut lines = Vec::new();
    for layer in layers {
        let (mark, style) = match layer.findings.first() {
            None => ("✓", state::GOOD),
            // nobody could look: neither green nor red
            Some(first) if first["unknown"] == true => ("?", state::BAD),
            Some(_) => ("✗", state::BAD),
        };
        let name = Drawn::line(&layer.name);
        let blanks = " ".repeat(widest.saturating_sub(name.width()));
        let mut line = drawn!("{} {}{}", look.paint(style, mark), name, blanks);
        if let Some(first) = layer.findings.first() {
            let more = match layer.findings.len() {
                1 => String::new(),
                n => format!(" (+{})", n - 1),
            };
            let room = look.width.map_or(usize::MAX, |w| w.saturating_sub(widest + 4 + more.len()).max(20));
            let saw = screen::line(text(first, "saw"));
            line.push(drawn!("  {}{}", table::cut_inside(&saw, room), more));
        }
        lines.push(line.trimmed());
    }
    match layers.iter().find(|layer| !layer.findings.is_empty()) {
        // what could not be looked at is unknown, and unknown is not green
        None => lines.push(match advice {
            None if !layers.is_empty() => "every layer is green".into(),
            advice => {
                look.paint(state::BAD, format!("not known: {}", advice.unwrap_or("no layer was looked at")))
            }
        }),
        Some(lowest) => {
            let unknown = lowest.findings.first().is_some_and(|first| first["unknown"] == true);
            let what = if unknown {
                "the lowest layer that is not green, since nobody could look,"
            } else {
                "the lowest red layer"
            };
            lines.push(look.paint(state::BAD, format!("{what} is {}", lowest.name)));
            match lowest.findings.iter().any(|finding| finding["means"].is_string()) {
                true => {
                    lines.extend(lowest.findings.iter().flat_map(|finding| told(finding, look, runbooks)))
                }
                // the runbook says it in a sentence of its own
                false => lines.push(indented(&shown_by(advice.unwrap_or_default(), runbooks), "    ", look)),
            }
        }
    }
    Drawn::join(lines, "\n")
}

/// A finding in full: what was seen, what it means, what mends it.
fn told(finding: &Value, look: &Look, runbooks: &BTreeSet<String>) -> Vec<Drawn> {
    let mend = shown_by(text(finding, "mend"), runbooks);
    let parts = [("saw", text(finding, "saw")), ("means", text(finding, "means")), ("mend", &mend)];
    let said = parts.into_iter().filter(|(_, said)| !said.is_empty());
    said.map(|(name, said)| indented(said, &format!("    {name:<6} "), look)).collect()
}

/// A text; where it names a runbook in backticks, how to see that one.
fn shown_by(text: &str, runbooks: &BTreeSet<String>) -> String {
    match text.split('`').skip(1).step_by(2).find(|word| runbooks.contains(*word)) {
        Some(name) => format!("{text}  (`:steps {name}` shows it)"),
        None => text.to_string(),
    }
}

/// A text behind a beginning, its further lines below it.
fn indented(text: &str, head: &str, look: &Look) -> Drawn {
    let hang = head.chars().count();
    let text = drawn!("{}{}", head, Drawn::lines(text).hanging(hang));
    text.filled(look.width, "", &" ".repeat(hang))
}

fn text<'v>(finding: &'v Value, name: &str) -> &'v str {
    finding[name].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_red_layer_is_told_in_full_and_the_others_in_a_line() {
        let red = |saw: &str| json!({ "saw": saw, "means": "It was parked", "mend": "`restart`" });
        let layer = |name: &str, findings: Vec<Value>| Layer { name: name.into(), findings };
        let layers = [
            layer("machines", vec![]),
            layer("VM", vec![red("SHUTOFF")]),
            layer("API", vec![red("silent"), red("more")]),
        ];
        let look = Look { width: Some(80), colours: false };
        let runbooks = BTreeSet::from(["restart".to_string()]);
        let drawn = draw(&layers, None, &look, &runbooks);
        assert_eq!(
            &*drawn,
            "✓ machines\n✗ VM        SHUTOFF\n✗ API       silent (+1)\nthe lowest red layer is VM\n    saw    SHUTOFF\n    \
             means  It was parked\n    mend   `restart`  (`:steps restart` shows it)"
        );
        assert_eq!(&*draw(&layers[..1], None, &look, &runbooks), "✓ machines\nevery layer is green");
        let unseen = json!({ "saw": "unreachable", "means": "m", "mend": "x", "unknown": true });
        let drawn = draw(&[layer("sshd", vec![unseen])], None, &look, &runbooks);
        assert!(
            drawn.starts_with("? sshd  unreachable\nthe lowest layer that is not green, since"),
            "{}",
            &*drawn
        );
        // a look that did not finish says nothing of the rest
        let unfinished = draw(&layers[..1], Some(UNFINISHED), &look, &runbooks);
        assert!(unfinished.starts_with("✓ machines\nnot known: triage did not finish"), "{}", &*unfinished);
        assert_eq!(&*draw(&[], None, &look, &runbooks), "not known: no layer was looked at");
        // findings that only say what was seen: the runbook's own sentence tells the rest
        let brief = [layer("VM", vec![finding(&json!("SHUTOFF")).unwrap()])];
        assert!(
            draw(&brief, Some("VM: SHUTOFF. Mend it by: `restart`"), &look, &runbooks)
                .ends_with("VM\n    VM: SHUTOFF. Mend it by: `restart`  (`:steps restart` shows it)")
        );
    }
}
