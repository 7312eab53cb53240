//! Script values as JSON: as evidence (for people), as a step's recorded value (to be read back),
//! and as a request's body (with its secrets known).

use std::collections::BTreeSet;

use rhai::{Array, Dynamic, ImmutableString, Map};
use serde_json::Value;

use super::bounds::{self, Excess, Room};
use super::handles;
use super::host::Host;
use super::span::Span;
use super::thrown::Fault;
use crate::base::secret::{MASK, reread};
use crate::base::{Error, ErrorKind, Payload, Result, Secret};
use crate::run::readable::CUT;

/// The key that marks a JSON object as a value of ours in a journal.
pub const TAG: &str = "$rhumb";

/// A value as evidence: secrets masked, resources as the service answered them.
pub fn evidence(value: &Dynamic) -> Value {
    walk(value, &mut |v| match handles::resource_body(v) {
        Some(body) => Some(body),
        None if v.is::<Secret>() => Some(MASK.into()),
        None => leaf(v),
    })
}

/// A value as it is recorded for a resume: what has a handle is tagged with it.
pub fn encode(value: &Dynamic) -> Value {
    walk(value, &mut |v| handles::encode(v).or_else(|| leaf(v)))
}

/// A recorded value as a script has it again. A secret was never recorded, so a value that
/// holds one cannot come back.
pub fn decode(host: &Host, value: &Value) -> Result<Dynamic> {
    match value {
        Value::Object(map) => match map.get(TAG).and_then(Value::as_str) {
            Some("duration") => {
                let seconds = map.get("seconds").and_then(Value::as_f64).unwrap_or_default();
                Ok(Dynamic::from(Span(std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default())))
            }
            Some("secret") => Err(Error::new(ErrorKind::Journal, "a secret is not in the journal")),
            Some(_) => handles::decode(host, value),
            None => {
                let decoded: Result<Map> =
                    map.iter().map(|(k, v)| Ok((k.as_str().into(), decode(host, v)?))).collect();
                Ok(decoded?.into())
            }
        },
        Value::Array(list) => {
            let decoded: Result<Array> = list.iter().map(|v| decode(host, v)).collect();
            Ok(decoded?.into())
        }
        // a secret that was printed is known again
        Value::String(text) if text.contains(MASK) => {
            let mut text = value.clone();
            reread(&mut text);
            from_json(&text)
        }
        other => from_json(other),
    }
}

/// JSON as a script has it.
pub fn from_json(value: &Value) -> Result<Dynamic> {
    rhai::serde::to_dynamic(value).map_err(|e| {
        Error::new(ErrorKind::Internal, "an answer does not fit into a script value").cause(e.to_string())
    })
}

/// JSON as a script has it; its secrets are values of their own.
pub fn from_payload(payload: &Payload) -> Result<Dynamic> {
    if !payload.is_tainted() {
        return from_json(payload.expose());
    }
    let secrets: BTreeSet<&str> = payload.secrets().collect();
    taint(payload.expose(), &mut String::new(), &secrets)
}

fn taint(value: &Value, pointer: &mut String, secrets: &BTreeSet<&str>) -> Result<Dynamic> {
    if secrets.contains(pointer.as_str()) && !value.is_null() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_string);
        return Ok(Dynamic::from(Secret::new(text)));
    }
    match value {
        Value::Object(map) => {
            let inside = |(key, value): (&String, &Value)| {
                Ok((key.as_str().into(), below(pointer, key, |p| taint(value, p, secrets))?))
            };
            map.iter().map(inside).collect::<Result<Map>>().map(Dynamic::from)
        }
        Value::Array(list) => {
            let inside =
                |(n, value): (usize, &Value)| below(pointer, &n.to_string(), |p| taint(value, p, secrets));
            list.iter().enumerate().map(inside).collect::<Result<Array>>().map(Dynamic::from)
        }
        other => from_json(other),
    }
}

/// Does something with a JSON pointer one step further down.
fn below<T>(pointer: &mut String, key: &str, work: impl FnOnce(&mut String) -> T) -> T {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
    let value = work(pointer);
    pointer.truncate(length);
    value
}

/// A value as a request's body.
pub fn payload(value: &Dynamic) -> Payload {
    let mut secrets = Vec::new();
    let body = expose(value, &mut String::new(), &mut secrets);
    Payload::new(body, secrets)
}

fn expose(value: &Dynamic, pointer: &mut String, secrets: &mut Vec<String>) -> Value {
    let value = value.flatten_clone();
    if let Some(secret) = value.clone().try_cast::<Secret>() {
        secrets.push(pointer.clone());
        return Value::from(secret.expose());
    }
    if let Some(body) = handles::resource_payload(&value) {
        secrets.extend(body.secrets().map(|inner| format!("{pointer}{inner}")));
        return body.expose().clone();
    }
    let mut inside = |key: &str, v: &Dynamic| below(pointer, key, |p| expose(v, p, secrets));
    if let Some(map) = value.read_lock::<Map>() {
        return map.iter().map(|(k, v)| (k.to_string(), inside(k, v))).collect();
    }
    if let Some(list) = value.read_lock::<Array>() {
        return list.iter().enumerate().map(|(n, v)| inside(&n.to_string(), v)).collect();
    }
    handles::resource_body(&value).or_else(|| plain(&value)).unwrap_or_else(|| Value::from(value.to_string()))
}

/// As JSON, as far as there is room for it; what there is no room for says that it was cut. Primitives and steps
/// refuse such a value before it comes here ([`bounds::check`]).
fn walk(value: &Dynamic, own: &mut dyn FnMut(&Dynamic) -> Option<Value>) -> Value {
    part(value, own, &mut Room::new(bounds::LARGEST, bounds::DEEPEST)).unwrap_or_else(|_| CUT.into())
}

fn part(
    value: &Dynamic,
    own: &mut dyn FnMut(&Dynamic) -> Option<Value>,
    room: &mut Room,
) -> std::result::Result<Value, Excess> {
    let mut inside = |v: &Dynamic, room: &mut Room| match part(v, own, room) {
        Err(Excess::Deep) => Ok(CUT.into()),
        other => other,
    };
    if let Some(map) = value.read_lock::<Map>() {
        return room.down(|room| {
            let field = |(k, v): (&rhai::Identifier, &Dynamic)| {
                room.take(k.len())?;
                Ok((k.to_string(), inside(v, room)?))
            };
            map.iter().map(field).collect()
        });
    }
    if let Some(list) = value.read_lock::<Array>() {
        return room.down(|room| list.iter().map(|v| inside(v, room)).collect());
    }
    let value = value.flatten_clone();
    room.take(value.read_lock::<ImmutableString>().map_or_else(|| handles::size(&value), |text| text.len()))?;
    Ok(own(&value).or_else(|| plain(&value)).unwrap_or_else(|| Value::from(value.to_string())))
}

fn leaf(value: &Dynamic) -> Option<Value> {
    if let Some(Span(d)) = value.clone().try_cast::<Span>() {
        return Some(serde_json::json!({ TAG: "duration", "seconds": d.as_secs_f64() }));
    }
    if value.clone().try_cast::<Secret>().is_some() {
        return Some(serde_json::json!({ TAG: "secret", "shown": MASK }));
    }
    if let Some(Fault(e)) = value.clone().try_cast::<Fault>() {
        return serde_json::to_value(e).ok();
    }
    None
}

fn plain(value: &Dynamic) -> Option<Value> {
    if value.is_unit() {
        return Some(Value::Null);
    }
    if let Ok(b) = value.as_bool() {
        return Some(b.into());
    }
    if let Ok(i) = value.as_int() {
        return Some(i.into());
    }
    if let Ok(f) = value.as_float() {
        return Some(f.into());
    }
    value.clone().try_cast::<ImmutableString>().map(|s| Value::from(s.as_str()))
}
