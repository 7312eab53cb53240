//! What a site's file of a runbook's name says about the shipped steps.

use rhai::Dynamic;

use crate::base::{Error, ErrorKind, Place, Result};
use crate::run::StepKind;
use crate::script::adapter::Call;
use crate::script::later::Later;
use crate::script::overrides::{Needs, What};
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::thrown::Thrown;

/// The family.
pub const ALL: &[&Primitive] =
    &[&OVERRIDE_STEP, &BEFORE_STEP, &AFTER_STEP, &SKIP_STEP, &ADD_STEP_AFTER, &OVERRIDE_NEEDS];

const ID: Param = Param::new("id", Ty::Text, "the id of a step of the shipped runbook");

const OVERRIDE_STEP: Primitive = Primitive {
    name: "override_step",
    on: On::Global,
    params: &[
        ID,
        Param::new(
            "body",
            Ty::Function,
            "the step's new body; it gets the shipped one, to call as `original.call()`",
        ),
    ],
    returns: "()",
    effect: Effect::Flow,
    doc: "In a site's file of the runbook's name: replaces a step's body. Id, title, kind and options stay the shipped ones.",
    example: "",
    body: |call| take(call, What::Replace(call.function(1)?)),
};

const BEFORE_STEP: Primitive = Primitive {
    name: "before_step",
    on: On::Global,
    params: &[ID, Param::new("body", Ty::Function, "what runs in the step before its body")],
    returns: "()",
    effect: Effect::Flow,
    doc: "In a site's file of the runbook's name: does something in a step before its shipped body, such as one more gate.",
    example: "",
    body: |call| take(call, What::Before(call.function(1)?)),
};

const AFTER_STEP: Primitive = Primitive {
    name: "after_step",
    on: On::Global,
    params: &[
        ID,
        Param::new("body", Ty::Function, "what runs in the step after its body; it gets the body's value"),
    ],
    returns: "()",
    effect: Effect::Flow,
    doc: "In a site's file of the runbook's name: does something in a step after its shipped body, with the value that it returned.",
    example: "",
    body: |call| take(call, What::After(call.function(1)?)),
};

const SKIP_STEP: Primitive = Primitive {
    name: "skip_step",
    on: On::Global,
    params: &[ID, Param::new("reason", Ty::Text, "why this site does not need it")],
    returns: "()",
    effect: Effect::Flow,
    doc: "In a site's file of the runbook's name: the step is SKIPPED, with the reason in every report.",
    example: "",
    body: |call| take(call, What::Skip(call.text(1))),
};

const ADD_OPTIONS: &[Param] =
    &[Param::optional("change", Ty::Bool, "the new step may change things; without it, it is a `verify`")];

const ADD_STEP_AFTER: Primitive = Primitive {
    name: "add_step_after",
    on: On::Global,
    params: &[
        ID,
        Param::new("new_id", Ty::Text, "the new step's id"),
        Param::new("title", Ty::Text, "what the new step achieves"),
        Param::optional("opts", Ty::Options(ADD_OPTIONS), "how the new step behaves"),
        Param::new("body", Ty::Function, "what the new step does"),
    ],
    returns: "()",
    effect: Effect::Flow,
    doc: "In a site's file of the runbook's name: adds a step behind a shipped one.",
    example: "",
    body: |call| {
        let kind = if call.options(3).flag("change") { StepKind::Change } else { StepKind::Verify };
        take(call, What::Add { id: call.text(1), title: call.text(2), kind, body: call.function(4)? })
    },
};

const OVERRIDE_NEEDS: Primitive = Primitive {
    name: "override_needs",
    on: On::Global,
    params: &[
        Param::new("ids", Ty::Texts, "ids of the steps that must have passed for the run to pass"),
        Param::new("reason", Ty::Text, "why other steps than the runbook names"),
    ],
    returns: "()",
    effect: Effect::Flow,
    doc: "In a site's file of the runbook's name: which steps the runbook's verdict needs, in the place of those that `runbook(...)` names. Every report shows the reason.",
    example: "",
    body: |call| {
        let place = place(call)?;
        let (steps, reason) = (call.texts(0), call.text(1));
        call.host.overrides.set_needs(Needs { steps, reason, place })?;
        Ok(Dynamic::UNIT)
    },
};

fn take(call: &Call<'_>, what: What) -> Result<Dynamic, Thrown> {
    let place = place(call)?;
    call.host.overrides.add(&call.text(0), what, Later::keep(&call.context), place)?;
    Ok(Dynamic::UNIT)
}

/// Where it is written, if that is where it counts.
fn place(call: &Call<'_>) -> Result<Place, Thrown> {
    let place = call.host.library.resolve_place(&call.place());
    if !call.host.overlaying() {
        return Err(Error::new(
            ErrorKind::Script,
            format!("`{}` outside of a site's overrides", call.primitive.name),
        )
        .place(place.file, place.line, place.column)
        .help("it goes into the site directory, into a file of the runbook's name")
        .into());
    }
    Ok(place)
}
