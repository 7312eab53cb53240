//! What a site's file says about shipped steps: each of it must match a step, and stand where it counts.

use crate::base::error::nearest;
use crate::script::check::Desk;
use crate::script::check::codes::{DOUBLE_OVERRIDE, MISPLACED_OVERRIDE, STEP_IN_OVERRIDES, UNKNOWN_STEP};
use crate::script::survey::outline::How;

/// Overrides of steps that are not there, or that two of them settle.
pub(super) fn targets(desk: &mut Desk<'_>) {
    for outline in desk.outlines.clone() {
        let ids: Vec<&str> =
            outline.steps.iter().filter(|s| s.id.literal).map(|s| s.id.text.as_str()).collect();
        let computed = ids.len() < outline.steps.len();
        let settles = |how: How| matches!(how, How::Replaced | How::Skipped);
        for (n, change) in outline.overrides.iter().enumerate().filter(|(_, c)| c.step.literal) {
            let id = &change.step.text;
            let earlier = outline.overrides[..n].iter().find(|c| settles(c.how) && &c.step.text == id);
            if let Some(other) = earlier.filter(|_| settles(change.how)) {
                let message = format!("step {id} is {} already", other.how.word());
                let finding = desk
                    .finding(&DOUBLE_OVERRIDE, (change.layer, change.step.at), message)
                    .help("keep one of the two")
                    .related(desk.survey, (other.layer, other.step.at), "the first one");
                desk.add(finding);
            }
            if !computed && !ids.contains(&id.as_str()) {
                let finding = desk
                    .finding(&UNKNOWN_STEP, (change.layer, change.step.at), format!("there is no step {id}"))
                    .meant(
                        nearest(id, ids.iter().copied()).map(str::to_string),
                        Some("an override that matches nothing changes nothing: the run would say so".into()),
                    );
                desk.add(finding);
            }
        }
    }
}

/// Overrides outside of a site's file, and steps inside of one.
pub(super) fn places(desk: &mut Desk<'_>) {
    for (source, outline) in desk.outlines.clone().into_iter().enumerate() {
        for change in &outline.misplaced {
            let finding = desk
                .finding(
                    &MISPLACED_OVERRIDE,
                    (change.layer, change.at),
                    "an override of a step, and no step to override",
                )
                .help("it goes into the site directory, into a file of the shipped runbook's name");
            desk.add(finding);
        }
        let Some(overlay) = desk.survey.overlay(source) else { continue };
        for touch in desk.survey.touches((overlay, 0)) {
            let Some(hop) = touch.way.first() else { continue };
            let step = |name: &str| ["verify", "change", "deferred", "runbook"].contains(&name);
            if touch.certain && touch.primitives.iter().all(|p| step(p.name)) {
                let message = format!("`{}` in a site's overrides", touch.name());
                let finding = desk
                    .finding(&STEP_IN_OVERRIDES, (hop.layer, hop.at), message)
                    .help("the shipped runbook stays as it is: `add_step_after(id, new_id, title, body)` adds a step");
                desk.add(finding);
            }
        }
    }
}
