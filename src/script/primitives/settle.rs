//! What a person must say.

use rhai::Dynamic;

use crate::run::Unwind;
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::thrown::Thrown;

/// The family.
pub const ALL: &[&Primitive] = &[&ATTEST];

const ATTEST: Primitive = Primitive {
    name: "attest",
    on: On::Global,
    params: &[Param::new("claim", Ty::Text, "what the operator states")],
    returns: "the name it was signed with",
    effect: Effect::Step,
    doc: "Has the operator sign a claim off by name. Where nobody signs, the step ends as OUTSTANDING: neither passed nor failed, and in the report until somebody does.",
    example: r#"verify("7", "Snapshot baseline", || attest("snapshot 1 was taken before tenant resources"));"#,
    body: |call| {
        let signed = call.host.run.attest(&call.text(0))?;
        signed.map(Dynamic::from).ok_or_else(Thrown::stopped)
    },
};
