//! The evidence of each step.

use std::fmt::Write as _;

use super::escape::{block, cell, code, comment, text};
use super::table;
use crate::base::Undo;
use crate::base::duration::show_seconds;
use crate::report::evidence::{self, brief, inline};
use crate::report::when::{stamp, time};
use crate::run::record::Verdict;
use crate::run::report::{EffectOutcome, EffectReport, GateReport, RunReport, StepReport, WaitReport};

/// Characters of evidence that a table's cell takes; longer evidence follows the table in full.
const LONGEST: usize = 100;

pub(super) fn write(md: &mut String, report: &RunReport) {
    md.push_str("## Evidence\n\n");
    for step in &report.steps {
        one(md, step);
    }
}

fn one(md: &mut String, step: &StepReport) {
    let word = step.verdict.as_ref().map_or("unfinished", |v| v.word());
    let _ = writeln!(md, "### {} {}: {word}\n", text(&step.id), text(&step.title));
    let recalled = if step.recalled { ", finished before the cut" } else { "" };
    let _ = writeln!(md, "{}, {}{recalled}\n", stamp(step.began), show_seconds(step.seconds));
    if !step.why.is_empty() {
        let _ = writeln!(md, "{}\n", comment(&step.why));
    }
    if let Some(by) = &step.overridden {
        let _ = writeln!(md, "**Overridden** by {}\n", text(by));
    }
    for note in &step.notes {
        let _ = writeln!(md, "- note: {}", text(note));
    }
    for attest in &step.attests {
        let signed = match &attest.by {
            Some(by) => {
                let kept =
                    attest.kept.map(|n| format!(", kept over the cut (entry {n})")).unwrap_or_default();
                format!("signed by {} at {}{kept}", text(by), stamp(attest.at))
            }
            None => "**not signed**".into(),
        };
        let _ = writeln!(md, "- {}: {signed}", text(&attest.claim));
    }
    if !step.notes.is_empty() || !step.attests.is_empty() {
        md.push('\n');
    }
    effects(md, &step.effects);
    waits(md, &step.waits);
    gates(md, &step.gates);
    let cleanup = |c: &crate::run::report::CleanupReport| match &c.error {
        None => vec![cell(&c.title), "done".into()],
        Some(e) => vec![cell(&c.title), format!("**failed**: {}", cell(e))],
    };
    table(md, &["Clean-up", ""], &step.cleanups.iter().map(cleanup).collect::<Vec<_>>());
}

/// Evidence in a cell, and behind the table where it does not fit.
struct Cells(Vec<String>);

impl Cells {
    fn take(&mut self, value: &serde_json::Value) -> String {
        if value.is_null() {
            return String::new();
        }
        match brief(value, LONGEST) {
            None => code(&inline(value)),
            Some(short) => {
                self.0.push(evidence::block(value));
                format!("{} [{}]", code(&short), self.0.len())
            }
        }
    }

    fn write(self, md: &mut String) {
        for (n, whole) in self.0.iter().enumerate() {
            let _ = writeln!(md, "[{}]\n\n{}", n + 1, block(whole));
        }
    }
}

fn gates(md: &mut String, gates: &[GateReport]) {
    let mut cells = Cells(Vec::new());
    let rows: Vec<_> = gates
        .iter()
        .map(|gate| {
            let holds = match (&gate.excused, gate.ok) {
                (_, true) => "yes".into(),
                (None, false) => "**no**".into(),
                (Some(Verdict::Unknown { reason }), false) => format!("**not known**: {}", cell(reason)),
                (Some(v), false) => format!("**no**, {}", cell(&v.to_string())),
            };
            vec![
                cell(&gate.claim),
                holds,
                cells.take(&gate.observed),
                cells.take(&gate.wanted),
                cell(&gate.scopes.join(", ")),
                format!("{} ({})", time(gate.at), gate.entry),
            ]
        })
        .collect();
    table(md, &["Gate", "Holds", "Observed", "Wanted", "Scopes", "UTC (entry)"], &rows);
    cells.write(md);
}

fn waits(md: &mut String, waits: &[WaitReport]) {
    let rows: Vec<_> = waits
        .iter()
        .map(|wait| {
            let ended = match (&wait.error, wait.ended) {
                (Some(e), _) => format!("**{}**", cell(e)),
                (None, true) => "reached".into(),
                (None, false) => "**cut off**".into(),
            };
            let states: Vec<_> = wait
                .samples
                .iter()
                .map(|s| {
                    let seen = s.tolerated.as_ref().map_or_else(|| s.state.clone(), |e| format!("({e})"));
                    format!("{} {}", show_seconds(s.elapsed), cell(&seen))
                })
                .collect();
            vec![
                cell(&wait.title),
                ended,
                format!("{} of {}", show_seconds(wait.elapsed), show_seconds(wait.within)),
                format!("{} looks, {} tolerated errors", wait.looks, wait.tolerated),
                states.join("<br>"),
            ]
        })
        .collect();
    table(md, &["Wait", "Ended", "Took", "Looks", "States"], &rows);
}

fn effects(md: &mut String, effects: &[EffectReport]) {
    let mut cells = Cells(Vec::new());
    let rows: Vec<_> = effects
        .iter()
        .map(|effect| {
            let intent = &effect.intent;
            let outcome = match effect.outcome {
                EffectOutcome::Done | EffectOutcome::Settled | EffectOutcome::Undone => {
                    effect.outcome.words().to_string()
                }
                other => format!("**{}**", other.words()),
            };
            let error = effect.error["what"].as_str().or(effect.error.as_str());
            let undo = match &intent.undo {
                Undo::By(how) => cell(how),
                Undo::Never => "never".into(),
                Undo::Unknown => "unknown".into(),
            };
            vec![
                cell(&intent.summary),
                code(&format!("{} {}", intent.method, intent.target)),
                cells.take(&intent.body),
                format!("{}: {}", cell(&intent.handle), cell(&intent.identity)),
                effect.approved.as_deref().map_or_else(|| "**nobody**".into(), cell),
                error.map_or(outcome.clone(), |e| format!("{outcome}: {}", cell(e))),
                undo,
                format!("{} ({})", time(effect.at), effect.entry),
            ]
        })
        .collect();
    let columns =
        ["Change", "Sent", "Body", "In the name of", "Approved by", "Outcome", "Undo", "UTC (entry)"];
    table(md, &columns, &rows);
    cells.write(md);
}
