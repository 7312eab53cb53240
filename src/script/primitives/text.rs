//! Small computations that runbooks need, and how secrets behave in scripts.

use rhai::{Array, Dynamic, Engine, ImmutableString};

use crate::base::{Error, ErrorKind, Secret};
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::value;

/// The family.
pub const ALL: &[&Primitive] = &[&UNIQUE, &PARSE_JSON];

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
        let (mut seen, mut kept) = (Vec::new(), Array::new());
        for item in list {
            let key = value::evidence(&item);
            if !seen.contains(&key) {
                seen.push(key);
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
            let words: String = text.chars().take(80).collect();
            Error::new(ErrorKind::Protocol, format!("not JSON: `{words}`")).from_source(&e)
        })?;
        Ok(value::from_json(&parsed)?)
    },
};

/// Registers secrets: they print as `***`, and what is joined to one is one.
pub fn register_secret(engine: &mut Engine) {
    engine
        .register_type_with_name::<Secret>("Secret")
        .register_fn("to_string", |s: &mut Secret| s.to_string())
        .register_fn("to_debug", |s: &mut Secret| s.to_string())
        .register_fn("+", |a: Secret, b: ImmutableString| Secret::new(format!("{}{b}", a.expose())))
        .register_fn("+", |a: ImmutableString, b: Secret| Secret::new(format!("{a}{}", b.expose())))
        .register_fn("+", |a: Secret, b: Secret| Secret::new(format!("{}{}", a.expose(), b.expose())))
        .register_fn("==", |a: Secret, b: Secret| a == b)
        .register_fn("!=", |a: Secret, b: Secret| a != b)
        .register_get("is_empty", |s: &mut Secret| Dynamic::from(s.expose().is_empty()));
}
