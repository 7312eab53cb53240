//! What may happen where: changes in `change` steps, everything that matters in a step, and no step
//! in another one.

use std::collections::BTreeSet;

use crate::script::check::codes::{CHANGE_IN_VERIFY, Code, NESTED_STEP, OUTSIDE_STEP};
use crate::script::check::{Desk, Finding};
use crate::script::primitive::Effect;
use crate::script::survey::effects::{Hop, Touch};
use crate::script::survey::outline::{Kind, Step};

/// Every step once, wherever it is listed.
fn steps(desk: &Desk<'_>) -> Vec<Step> {
    let mut seen = BTreeSet::new();
    let all = desk.outlines.iter().flat_map(|o| o.steps.clone());
    all.filter(|s| seen.insert((s.layer, s.at))).collect()
}

/// Changes in `verify` steps.
pub(super) fn verify_steps(desk: &mut Desk<'_>) {
    for step in steps(desk).iter().filter(|s| s.kind == Kind::Verify) {
        for touch in step.runs().iter().flat_map(|body| desk.survey.touches(*body)) {
            if touch.surely(|e| e == Effect::Change) {
                let what =
                    format!("`{}` changes something, and step {} only reads", touch.name(), step.id.text);
                if let Some(finding) = along(desk, &CHANGE_IN_VERIFY, &touch, what) {
                    desk.add(finding.help("make it a `change` step, or move the change into one"));
                }
            }
        }
    }
}

/// Steps in steps.
pub(super) fn nested_steps(desk: &mut Desk<'_>) {
    for step in &steps(desk) {
        for touch in step.runs().iter().flat_map(|body| desk.survey.touches(*body)) {
            let is_step = |name: &str| ["verify", "change", "deferred"].contains(&name);
            if touch.surely(|e| e == Effect::Flow) && touch.primitives.iter().all(|p| is_step(p.name)) {
                let what = format!("a `{}` step inside of step {}", touch.name(), step.id.text);
                if let Some(finding) = along(desk, &NESTED_STEP, &touch, what) {
                    desk.add(finding.help("make the inner one a function, or move it behind the outer one"));
                }
            }
        }
    }
}

/// What belongs into a step, and stands outside of all.
pub(super) fn outside_steps(desk: &mut Desk<'_>) {
    let survey = desk.survey;
    for (layer, l) in survey.layers.iter().enumerate() {
        let module = !survey.sources[l.source].runbook;
        for touch in survey.touches((layer, 0)) {
            // a statement of a module is a finding of its own
            let statement = l.facts.calls.iter().find(|c| touch.way.first().is_some_and(|w| w.at == c.at));
            let told = module && statement.is_some_and(|c| l.facts.statements.contains(&c.statement));
            if touch.surely(Effect::needs_step) && !told {
                let what = format!("`{}` outside of every step", touch.name());
                if let Some(finding) = along(desk, &OUTSIDE_STEP, &touch, what) {
                    desk.add(
                        finding
                            .help("put it into a `verify` or `change` step: this code runs again on resume"),
                    );
                }
            }
        }
    }
}

/// A finding at the first call on the way to a primitive, with the others as places of their own.
fn along(desk: &Desk<'_>, code: &'static Code, touch: &Touch, what: String) -> Option<Finding> {
    let (first, rest) = touch.way.split_first()?;
    let place = |hop: &Hop| (hop.layer, hop.at);
    let mut finding = desk.finding(code, place(first), what);
    for (n, hop) in rest.iter().enumerate() {
        let message = match n + 1 == rest.len() {
            true => format!("`{}` is called here", hop.written),
            false => format!("by way of `{}`", hop.written),
        };
        finding = finding.related(desk.survey, place(hop), message);
    }
    Some(finding)
}
