//! Gates, and errors as a script catches them.

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString};
use serde_json::Value;

use crate::base::{Class, Error, ErrorKind, Secret};
use crate::script::arguments::refuse_printed;
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::thrown::{Fault, Thrown};
use crate::script::value;

/// The family.
pub const ALL: &[&Primitive] = &[&GATE, &EXPECT, &UNKNOWN];

const GATE: Primitive = Primitive {
    name: "gate",
    on: On::Global,
    params: &[
        Param::new("claim", Ty::Text, "what must be true, as a sentence for the report"),
        Param::new("ok", Ty::Bool, "whether it is"),
        Param::optional("evidence", Ty::Any, "what was seen"),
    ],
    returns: "()",
    effect: Effect::Step,
    doc: "Records a claim with its evidence. One that does not hold fails the step; no `catch` can swallow it. A waiver or a known issue of the site can accept it, visibly.",
    example: r#"verify("1", "Three nodes", || { let ready = 3; gate("three nodes are Ready", ready == 3, ready); });"#,
    body: |call| {
        let observed = call.arg(2).map_or(Value::Null, value::evidence);
        call.host.run.gate(&call.text(0), call.flag(1), observed, Value::Null)?;
        Ok(Dynamic::UNIT)
    },
};

const EXPECT: Primitive = Primitive {
    name: "expect",
    on: On::Global,
    params: &[
        Param::new("claim", Ty::Text, "what is compared, as a noun for the report"),
        Param::new("actual", Ty::Any, "what was seen"),
        Param::new("wanted", Ty::Any, "what it must equal"),
    ],
    returns: "()",
    effect: Effect::Step,
    doc: "Records that one value must equal another: a gate with both values as evidence.",
    example: r#"verify("1", "Version", || expect("kube_version", "v1.34.8", "v1.34.8"));"#,
    body: |call| {
        let unit = Dynamic::UNIT;
        let (actual, wanted) = (call.arg(1).unwrap_or(&unit), call.arg(2).unwrap_or(&unit));
        let (observed, wished) = (value::evidence(actual), value::evidence(wanted));
        // printed secrets, and the masks of evidence, would all be equal
        refuse_printed(call.primitive, actual)?;
        refuse_printed(call.primitive, wanted)?;
        let alike = value::payload(actual).expose() == value::payload(wanted).expose();
        let same = alike && (observed == wished || is_secret(actual) || is_secret(wanted));
        call.host.run.gate(&call.text(0), same, observed, wished)?;
        Ok(Dynamic::UNIT)
    },
};

const UNKNOWN: Primitive = Primitive {
    name: "unknown",
    on: On::Global,
    params: &[
        Param::new("claim", Ty::Text, "what nobody could look at, as a sentence or a noun for the report"),
        Param::new("why", Ty::Any, "the error that was caught, or a sentence"),
    ],
    returns: "()",
    effect: Effect::Step,
    doc: "Records a claim that could not be looked at (no answer, 403, a version that is not served): it neither holds nor fails. The step goes on, so that what else it can look at is looked at, and ends as UNKNOWN unless something worse is met: never as PASS. The run ends with the step, or goes on and is INCOMPLETE with `on_fail: \"continue\"`. In a `change` the error is thrown instead, and so is a fault of a script.",
    example: r#"verify("1", "Events", #{ on_fail: "continue" }, || {
    try { gate("it serves events", site.kube("mgmt").serves("events")); }
    catch (e) { unknown("warnings of controllers", e); }
});"#,
    body: |call| {
        let why = match call.arg(1).cloned().unwrap_or(Dynamic::UNIT) {
            why if why.read_lock::<Fault>().is_some() => why.cast::<Fault>().0,
            why if why.is_string() => Error::new(ErrorKind::Unsupported, why.to_string()),
            // a map that a fault of the language throws, or anything that a script threw
            why => Error::new(ErrorKind::Script, format!("a fault of the script: {}", value::evidence(&why))),
        };
        if why.kind().class() != Class::Recoverable {
            return Err(why.into());
        }
        call.host.run.unknown(&call.text(0), why)?;
        Ok(Dynamic::UNIT)
    },
};

fn is_secret(value: &Dynamic) -> bool {
    value.read_lock::<Secret>().is_some()
}

/// Registers what a script sees in `catch (e)`.
pub fn register_fault(engine: &mut Engine) {
    engine
        .register_type_with_name::<Fault>("Error")
        .register_fn("to_string", |f: &mut Fault| f.0.to_string())
        .register_fn("to_debug", |f: &mut Fault| format!("Error({}: {})", f.0.kind().name(), f.0))
        .register_indexer_get(|f: &mut Fault, key: ImmutableString| -> Result<Dynamic, Box<EvalAltResult>> {
            let d = f.0.detail();
            let text = |t: &Option<String>| t.clone().map_or(Dynamic::UNIT, Dynamic::from);
            Ok(match key.as_str() {
                "kind" => Dynamic::from(d.kind.name()),
                "message" => Dynamic::from(f.0.to_string()),
                "status" => d.status.map_or(Dynamic::UNIT, Dynamic::from),
                "scope" => text(&d.scope),
                "help" => text(&d.help),
                "request_id" => text(&d.request_id),
                other => {
                    let e = Error::new(ErrorKind::Script, format!("an error has no field `{other}`"));
                    return Err(Thrown::from(
                        e.help("it has kind, message, status, scope, help, request_id"),
                    )
                    .into());
                }
            })
        });
}
