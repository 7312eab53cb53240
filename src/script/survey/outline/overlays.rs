//! What a site's file of a runbook's name says about the shipped steps.

use super::{How, Kind, Outline, Override, Step};
use crate::script::arguments;
use crate::script::modules::SITE;
use crate::script::primitive::Primitive;
use crate::script::survey::Survey;
use crate::script::survey::facts::Call;
use crate::script::survey::values::{Shape, Value};

impl Survey {
    /// The layer that changes the steps of a runbook: a site's file of a shipped runbook's name.
    pub fn overlay(&self, source: usize) -> Option<usize> {
        let layers = &self.sources[source].layers;
        let last = *layers.last().filter(|_| layers.len() > 1 && self.sources[source].runbook)?;
        (self.layers[last].text.layer == SITE).then_some(last)
    }
}

/// The change of a step that a call makes.
pub(super) fn read(
    survey: &Survey,
    layer: usize,
    call: &Call,
    primitive: &'static Primitive,
) -> Option<Override> {
    let (how, body) = match primitive.name {
        "override_step" => (How::Replaced, Some(1)),
        "before_step" => (How::Preceded, Some(1)),
        "after_step" => (How::Followed, Some(1)),
        "skip_step" => (How::Skipped, None),
        "add_step_after" => (How::Added, Some(4)),
        _ => return None,
    };
    let args = arguments::spread(primitive, call.args.iter());
    let arg = |n: usize| args.get(n).copied().flatten();
    Some(Override {
        step: survey.label(layer, arg(0)),
        how,
        layer,
        at: call.at,
        body: body.and_then(arg).and_then(|value| survey.bodies(layer, value).first().copied()),
    })
}

/// Applies what a layer says to the shipped steps.
pub(super) fn apply(survey: &Survey, layer: usize, outline: &mut Outline) {
    let calls = survey.body((layer, 0)).calls.iter().map(|id| &survey.layers[layer].facts.calls[*id]);
    for call in calls {
        let targets = survey.targets(layer, call);
        let [primitive] = targets.primitives.as_slice() else { continue };
        if primitive.name == "override_needs" {
            let ids = arguments::spread(primitive, call.args.iter()).first().copied().flatten();
            outline.needs = survey.labels(layer, ids).into_iter().map(|label| (layer, label)).collect();
            continue;
        }
        let Some(change) = read(survey, layer, call, primitive) else { continue };
        outline.overrides.push(change.clone());
        let is_meant = |s: &Step| change.step.literal && s.id.literal && s.id.text == change.step.text;
        let Some(position) = outline.steps.iter().position(is_meant) else { continue };
        if change.how == How::Added {
            let added = added(survey, layer, call, primitive, change, &outline.steps[position]);
            outline.steps.insert(position + 1, added);
        } else {
            outline.steps[position].overrides.push(change);
        }
    }
}

/// The step that `add_step_after` adds.
fn added(
    survey: &Survey,
    layer: usize,
    call: &Call,
    primitive: &'static Primitive,
    change: Override,
    after: &Step,
) -> Step {
    let args = arguments::spread(primitive, call.args.iter());
    let arg = |n: usize| args.get(n).copied().flatten();
    let changes = |value: &Value| match &value.shape {
        Shape::Map(entries) => {
            entries.iter().any(|e| e.key == "change" && matches!(e.value.shape, Shape::Bool(true)))
        }
        _ => false,
    };
    Step {
        id: survey.label(layer, arg(1)),
        title: survey.label(layer, arg(2)),
        kind: if arg(3).is_some_and(changes) { Kind::Change } else { Kind::Verify },
        on_fail: None,
        when: None,
        needs: Vec::new(),
        within: after.within.clone(),
        arms: after.arms.clone(),
        layer,
        at: call.at,
        statement: call.statement,
        body: change.body,
        decision: None,
        overrides: vec![change],
    }
}
