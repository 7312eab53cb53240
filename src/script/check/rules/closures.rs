//! Two things that closures do with the variables around them, and that show only at run time.

use crate::script::check::codes::{CLOSURE_TAKES_FUNCTION, CLOSURE_USES_RECEIVER};
use crate::script::check::{Desk, Finding};
use crate::script::survey::facts::Capture;
use crate::script::survey::kinds::Kind;
use crate::script::survey::values::{BindingId, BodyId, Shape};
use crate::script::survey::{Call, Facts};

/// Methods of closures themselves, which Rhai calls in a way of its own.
const OF_CLOSURES: &[&str] = &["call", "curry"];

/// Variables that have the name of a function which stands above the closure: the closure gets the function.
pub(super) fn function_names(desk: &mut Desk<'_>) {
    let survey = desk.survey;
    for (id, layer) in survey.layers.iter().enumerate() {
        for capture in &layer.facts.captures {
            let binding = &layer.facts.bindings[capture.binding];
            let above = layer.facts.functions().find(|(body, f)| {
                f.name == binding.name && layer.facts.bodies[*body].end.is_some_and(|end| end < capture.at)
            });
            let Some((body, function)) = above else { continue };
            let name = &binding.name;
            let message = format!("in this closure `{name}` is the function `{}`", function.signature());
            let finding = desk
                .finding(&CLOSURE_TAKES_FUNCTION, (id, capture.at), message)
                .help(format!("give the variable `{name}` another name"))
                .related(survey, (id, binding.at), "the variable that is meant")
                .related(survey, (id, layer.facts.bodies[body].at), "the function");
            desk.add(finding);
        }
    }
}

/// Closures that use the variable whose method they are given to.
pub(super) fn receivers(desk: &mut Desk<'_>) {
    let survey = desk.survey;
    for (id, layer) in survey.layers.iter().enumerate() {
        let facts = &layer.facts;
        for call in facts.calls.iter().filter(|c| !OF_CLOSURES.contains(&c.name.as_str())) {
            let Some((root, first)) = call.receiver.as_ref().and_then(|r| root(facts, &r.shape)) else {
                continue;
            };
            if is_lent(desk, id, root, first.unwrap_or(call)) {
                continue;
            }
            let closures = call.args.iter().filter_map(|arg| match facts.settled(&arg.shape) {
                Shape::Closure(body) => Some(*body),
                _ => None,
            });
            let findings: Vec<Finding> = closures
                .filter_map(|closure| used(facts, root, closure))
                .map(|capture| finding(desk, id, call, capture))
                .collect();
            findings.into_iter().for_each(|finding| desk.add(finding));
        }
    }
}

/// The variable that a chain starts from, and the first method that is called on it directly.
fn root<'f>(facts: &'f Facts, shape: &'f Shape) -> Option<(BindingId, Option<&'f Call>)> {
    match shape {
        Shape::Variable(id) => Some((*id, None)),
        Shape::Field(of, _) | Shape::Item(of) => {
            // a field comes first, and clusters have methods alone
            root(facts, &of.shape)
        }
        Shape::Result(id) => {
            let call = facts.calls.get(*id)?;
            let (binding, first) = root(facts, &call.receiver.as_ref()?.shape)?;
            Some((binding, first.or(Some(call))))
        }
        _ => None,
    }
}

/// Whether a variable is, or may be, the handle of a cluster, which the engine lends to closures by value.
fn is_lent(desk: &Desk<'_>, layer: usize, root: BindingId, first: &Call) -> bool {
    use crate::script::primitive::On;
    match desk.survey.kind(layer, &Shape::Variable(root)) {
        Kind::Ours(name) => name == "Kube",
        Kind::Builtin(_) => false,
        Kind::Unknown => desk.survey.known.methods(&first.name).any(|p| p.on == On::Type("Kube")),
    }
}

/// Where a closure uses a variable.
fn used(facts: &Facts, variable: BindingId, closure: BodyId) -> Option<&Capture> {
    facts.captures.iter().find(|c| c.binding == variable && facts.is_within(c.body, closure))
}

fn finding(desk: &Desk<'_>, layer: usize, call: &Call, capture: &Capture) -> Finding {
    let name = &desk.survey.layers[layer].facts.bindings[capture.binding].name;
    let message =
        format!("`.{}` holds `{name}`, and this closure, which it is given, uses `{name}`", call.name);
    desk.finding(&CLOSURE_USES_RECEIVER, (layer, capture.at), message)
        .help(format!("take what the closure needs of `{name}` into a variable of its own, before"))
        .related(desk.survey, (layer, call.start), format!("`{name}` is held from here on"))
}
