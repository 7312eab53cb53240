//! Small computations that runbooks need, and how secrets behave in scripts.

use std::any::TypeId;
use std::collections::HashSet;

use jiff::Timestamp;
use rhai::{Array, Dynamic, Engine, ImmutableString};

use crate::base::secret::{mask, stand_in};
use crate::base::{Error, ErrorKind, Secret};
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::span::Span;
use crate::script::value;

/// The family.
pub const ALL: &[&Primitive] = &[&SECRET, &UNIQUE, &PARSE_JSON, &IS_UUID, &AGE];

const SECRET: Primitive = Primitive {
    name: "secret",
    on: On::Global,
    params: &[Param::new(
        "text",
        Ty::Secretive,
        "what nobody is to read, such as a password that a tool printed",
    )],
    returns: "Secret",
    effect: Effect::None,
    doc: "Marks a text as a secret: it prints as `***` everywhere, also in a service's answer that repeats it. What is joined to it with `+` is a secret too, and so is the `to_json()` of a map that holds it. A text that it was printed into (`${...}`, to_string()) shows `***` and is refused wherever it would be sent, run or written.",
    example: r#"verify("1", "Marked", || {
    let header = "Bearer " + secret("c0rrect-horse");
    note(`it prints as ${header}`);
    gate("it compares by its value", header == secret("Bearer c0rrect-horse"));
});"#,
    body: |call| {
        let given = call.arg(0).cloned().unwrap_or(Dynamic::UNIT);
        Ok(match given.is_string() {
            true => Dynamic::from(Secret::new(given.to_string())),
            false => given,
        })
    },
};

const UNIQUE: Primitive = Primitive {
    name: "unique",
    on: On::Global,
    params: &[Param::new("list", Ty::List, "any list")],
    returns: "list",
    effect: Effect::None,
    doc: "The list without repetitions, in the order of first appearance.",
    example: r#"verify("1", "Two pods", || expect("pods", unique(["a", "b", "a"]), ["a", "b"]));"#,
    body: |call| {
        let list = call.arg(0).and_then(|a| a.clone().try_cast::<Array>()).unwrap_or_default();
        let (mut seen, mut kept) = (HashSet::new(), Array::new());
        for item in list {
            call.host.not_interrupted()?;
            // the evidence of two secrets is the same
            if seen.insert((value::evidence(&item), value::payload(&item).expose().clone())) {
                kept.push(item);
            }
        }
        Ok(kept.into())
    },
};

const PARSE_JSON: Primitive = Primitive {
    name: "parse_json",
    on: On::Global,
    params: &[Param::new("text", Ty::Text, "a JSON document, such as a command's output")],
    returns: "the document as maps, lists and values",
    effect: Effect::None,
    doc: "Reads JSON. What is not JSON is an error of kind `protocol` that shows its first words.",
    example: r#"verify("1", "Parse", || expect("units", parse_json("{\"units\": 3}").units, 3));"#,
    body: |call| {
        let text = call.text(0);
        let parsed: serde_json::Value = serde_json::from_str(&text).map_err(|e| {
            let words: String = mask(&text).chars().take(80).collect();
            Error::new(ErrorKind::Protocol, format!("not JSON: `{words}`")).from_source(&e)
        })?;
        Ok(value::from_json(&parsed)?)
    },
};

const IS_UUID: Primitive = Primitive {
    name: "is_uuid",
    on: On::Global,
    params: &[Param::new("text", Ty::Text, "any text")],
    returns: "bool",
    effect: Effect::None,
    doc: "Whether the whole text is a UUID in the form that services print: 36 characters, lower-case hexadecimal and dashes.",
    example: r#"verify("1", "Ids", || expect("them", ["0f968008-8429-4ac3-8b82-452e126982cf", "0f968008"].map(|t| is_uuid(t)), [true, false]));"#,
    body: |call| Ok(Dynamic::from(is_uuid(&call.text(0)))),
};

const AGE: Primitive = Primitive {
    name: "age",
    on: On::Global,
    params: &[Param::new(
        "time",
        Ty::Text,
        "an RFC 3339 time, as services print it; one without a zone is UTC",
    )],
    returns: "Duration",
    effect: Effect::None,
    doc: "How long ago a time was, by the run's clock; 0 for a time to come, since clocks of hosts differ a little.",
    example: r#"verify("1", "Just now", || gate("young", age(now()) < 5.s));"#,
    body: |call| {
        let text = call.text(0);
        let then =
            text.parse::<Timestamp>().or_else(|_| format!("{text}Z").parse::<Timestamp>()).map_err(|e| {
                Error::new(ErrorKind::Argument, format!("`{text}` is not a time")).from_source(&e)
            })?;
        let past = call.host.run.clock().now().duration_since(then);
        Ok(Dynamic::from(Span(past.try_into().unwrap_or_default())))
    },
};

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(n, c)| match n {
            8 | 13 | 18 | 23 => c == '-',
            _ => matches!(c, '0'..='9' | 'a'..='f'),
        })
}

/// Registers secrets: they print as `***`, and what is joined to one is one.
///
/// Rhai interpolates by `to_string` and takes no other type from it, so a printed secret is a text: one that the adapter
/// knows again and refuses (`arguments::refuse_printed`), and that each output shows as `***`.
pub fn register_secret(engine: &mut Engine) {
    for name in ["+=", "append"] {
        let types = [TypeId::of::<ImmutableString>(), TypeId::of::<Secret>()];
        engine.register_raw_fn(name, types, |_, args| {
            let [text, secret] = args else { return Ok(()) };
            let joined = secret.read_lock::<Secret>().map(|secret| format!("{text}{}", secret.expose()));
            **text = joined.map_or(Dynamic::UNIT, |joined| Dynamic::from(Secret::new(joined)));
            Ok(())
        });
    }
    engine
        .register_type_with_name::<Secret>("Secret")
        .register_fn("to_string", |_: &mut Secret| stand_in())
        .register_fn("to_debug", |_: &mut Secret| stand_in())
        .register_fn("==", |a: Secret, b: ImmutableString| a.expose() == b.as_str())
        .register_fn("==", |a: ImmutableString, b: Secret| a.as_str() == b.expose())
        .register_fn("!=", |a: Secret, b: ImmutableString| a.expose() != b.as_str())
        .register_fn("!=", |a: ImmutableString, b: Secret| a.as_str() != b.expose())
        .register_fn("+", |a: Secret, b: ImmutableString| Secret::new(format!("{}{b}", a.expose())))
        .register_fn("+", |a: ImmutableString, b: Secret| Secret::new(format!("{a}{}", b.expose())))
        .register_fn("+", |a: Secret, b: Secret| Secret::new(format!("{}{}", a.expose(), b.expose())))
        .register_fn("==", |a: Secret, b: Secret| a == b)
        .register_fn("!=", |a: Secret, b: Secret| a != b)
        .register_get("is_empty", |s: &mut Secret| Dynamic::from(s.expose().is_empty()));
}
