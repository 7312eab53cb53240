//! Steps: their ids, what they need, and the runbook's own line.

use std::collections::BTreeMap;

use crate::base::error::nearest;
use crate::script::check::Desk;
use crate::script::check::codes::{
    COMPUTED_STEP_ID, DUPLICATE_STEP, LATER_STEP, REPEATED_STEP, UNKNOWN_STEP, UNNAMED_RUNBOOK,
};
use crate::script::survey::At;
use crate::script::survey::outline::{Outline, Step, Within};

/// The steps of all sources whose texts are understood.
fn outlines(desk: &Desk<'_>) -> Vec<(usize, Outline)> {
    let whole = |source: usize| desk.survey.layers_of(source).all(|(_, l)| l.broken.is_none());
    desk.outlines.iter().cloned().enumerate().filter(|(source, _)| whole(*source)).collect()
}

/// Ids that are computed, that repeat, or that two steps share.
pub(super) fn ids(desk: &mut Desk<'_>) {
    for (_, outline) in outlines(desk) {
        let mut first: BTreeMap<&str, Vec<&Step>> = BTreeMap::new();
        for step in &outline.steps {
            if !step.id.literal {
                let message = format!("the id of this step is computed: {}", step.id.text);
                let finding = desk.finding(&COMPUTED_STEP_ID, (step.layer, step.id.at), message);
                desk.add(finding.help("overrides, `needs` and reports go by ids that somebody can read"));
                continue;
            }
            let id = step.id.text.as_str();
            if step.within.contains(&Within::Loop) {
                let message = format!("step {id} stands in a loop");
                let finding = desk.finding(&REPEATED_STEP, (step.layer, step.id.at), message);
                desk.add(finding.help("a second step of this id is refused: put the loop into the step"));
            }
            let earlier = first.entry(id).or_default();
            if let Some(other) = earlier.iter().find(|other| !exclusive(other, step)) {
                let finding = same_id(desk, other, step);
                desk.add(finding);
            }
            earlier.push(step);
        }
    }
}

fn same_id(desk: &Desk<'_>, first: &Step, second: &Step) -> crate::script::check::Finding {
    let id = &second.id.text;
    if (first.layer, first.at) == (second.layer, second.at) {
        let function = second.within.iter().rev().find_map(|w| match w {
            Within::Function(name) => Some(name.as_str()),
            _ => None,
        });
        let message =
            format!("step {id} runs each time that `{}` is called", function.unwrap_or("its function"));
        return desk
            .finding(&REPEATED_STEP, (second.layer, second.id.at), message)
            .help("a second step of this id is refused: make steps of the calls instead");
    }
    desk.finding(&DUPLICATE_STEP, (second.layer, second.id.at), format!("there is a step {id} already"))
        .help("resume, overrides and reports go by the id: give each step its own")
        .related(desk.survey, (first.layer, first.id.at), format!("the first step {id}"))
}

/// Whether only one of two steps can run: they stand in two arms of one `if`.
fn exclusive(a: &Step, b: &Step) -> bool {
    a.arms.iter().any(|x| b.arms.iter().any(|y| (x.0, x.1) == (y.0, y.1) && x.2 != y.2))
}

/// Needed steps that are not there, or come later.
pub(super) fn needs(desk: &mut Desk<'_>) {
    for (_, outline) in outlines(desk) {
        let computed = outline.steps.iter().any(|s| !s.id.literal);
        for (n, step) in outline.steps.iter().enumerate() {
            for need in step.needs.iter().filter(|n| n.literal) {
                let is_it = |s: &Step| s.id.literal && s.id.text == need.text;
                let place: (usize, At) = (step.layer, need.at);
                match outline.steps.iter().position(is_it) {
                    Some(position) if position < n => {}
                    Some(position) => {
                        let other = &outline.steps[position];
                        let message = match position == n {
                            true => format!("step {} needs itself", need.text),
                            false => format!("step {} comes later", need.text),
                        };
                        let finding = desk
                            .finding(&LATER_STEP, place, message)
                            .help("a step is SKIPPED unless all that it needs has passed before");
                        let finding = match position == n {
                            true => finding,
                            false => {
                                finding.related(desk.survey, (other.layer, other.id.at), "here it comes")
                            }
                        };
                        desk.add(finding);
                    }
                    None if computed => {} // one of them may have it
                    None => {
                        let ids = outline.steps.iter().map(|s| s.id.text.as_str());
                        let near = nearest(&need.text, ids).map(str::to_string);
                        let finding = desk
                            .finding(&UNKNOWN_STEP, place, format!("there is no step {}", need.text))
                            .meant(near, None);
                        desk.add(finding);
                    }
                }
            }
        }
    }
}

/// Steps that a runbook's verdict needs, and that are not there.
pub(super) fn verdicts(desk: &mut Desk<'_>) {
    for (_, outline) in outlines(desk) {
        if outline.steps.iter().any(|s| !s.id.literal) {
            continue; // one of them may have it
        }
        let ids: Vec<&str> = outline.steps.iter().map(|s| s.id.text.as_str()).collect();
        for (layer, need) in outline.needs.iter().filter(|(_, need)| need.literal) {
            if ids.contains(&need.text.as_str()) {
                continue;
            }
            let near = nearest(&need.text, ids.iter().copied()).map(str::to_string);
            let message = format!("the runbook's verdict needs step {}, and there is none", need.text);
            let help = match ids.as_slice() {
                [] => "it has no steps".to_string(),
                ids => format!("its steps are {}: no run would pass", ids.join(", ")),
            };
            let finding = desk.finding(&UNKNOWN_STEP, (*layer, need.at), message).meant(near, Some(help));
            desk.add(finding);
        }
    }
}

/// Runbooks without their line, or with two.
pub(super) fn runbooks(desk: &mut Desk<'_>) {
    for (source, outline) in outlines(desk) {
        let source = &desk.survey.sources[source];
        let Some(lowest) = source.layers.first().filter(|_| source.runbook) else { continue };
        let tried = |layer: usize| desk.survey.layers[layer].facts.calls.iter().any(|c| c.name == "runbook");
        let finding = match outline.named_at.as_slice() {
            [] if tried(*lowest) => continue, // with other arguments than it takes
            [] => desk
                .finding(&UNNAMED_RUNBOOK, (*lowest, At { line: 1, column: 1 }), "this runbook has no name")
                .help(format!("begin with `runbook(\"{}\", \"what it achieves\");`", source.name)),
            [_] => continue,
            [_, second, ..] => desk
                .finding(&UNNAMED_RUNBOOK, *second, "this runbook is named a second time")
                .help("`runbook(id, title)` stands once, in front of everything else"),
        };
        desk.add(finding);
    }
}
