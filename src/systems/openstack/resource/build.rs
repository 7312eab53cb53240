//! From a row to a call. Nothing here knows a session or a network.

use serde_json::{Map, Value, json};

use crate::base::{Error, ErrorKind, Payload, Result, Undo};
use crate::systems::http::{Method, Url};
use crate::systems::openstack::call::{Call, Subject};
use crate::systems::openstack::identity::short;

use super::action::{Action, Body, UndoBy};
use super::row::{Resource, Update};

/// One thing a call is about.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its name, where known: for people.
    pub name: Option<&'a str>,
    /// The keys that the row's path takes, such as `cluster`.
    pub parents: &'a Map<String, Value>,
}

/// `GET` of the collection.
///
/// # Errors
/// [`ErrorKind::Unsupported`] where the API has none; [`ErrorKind::Argument`] for a filter that cannot be sent.
pub fn list_call(row: &'static Resource, filter: &Map<String, Value>) -> Result<Call> {
    if !row.verbs.list {
        return Err(row.unsupported("list"));
    }
    let path = fill(row, row.list_path.unwrap_or(row.path), filter)?;
    let mut call = base(row, "list", Method::GET, path);
    call.query = query(row, filter)?;
    call.summary = format!("list {}", row.name.replace('_', " "));
    Ok(call)
}

/// `GET` of one.
///
/// # Errors
/// As [`list_call`].
pub fn get_call(row: &'static Resource, item: Item<'_>) -> Result<Call> {
    if !row.verbs.get {
        return Err(row.unsupported("get"));
    }
    let mut call = base(row, "get", Method::GET, item_path(row, item)?);
    call.summary = format!("show {}", described(row, item));
    call.subject = subject(row, item);
    Ok(call)
}

/// `POST` to the collection. Keys of the specification that the row's path takes go there.
///
/// # Errors
/// As [`list_call`].
pub fn create_call(row: &'static Resource, spec: &Payload) -> Result<Call> {
    if !row.verbs.create {
        return Err(row.unsupported("create"));
    }
    let mut fields = object(spec)?.clone();
    let mut call = base(row, "create", Method::POST, fill(row, row.path, &fields)?);
    row.parents().for_each(|key| drop(fields.shift_remove(key)));
    let name = row.name_key.or(Some(row.id_key)).and_then(|k| fields.get(k)).and_then(Value::as_str);
    call.summary = format!("create {} {}", row.title, name.unwrap_or("without a name"));
    call.subject = Subject { resource: Some(row.name), id: None, name: name.map(str::to_string) };
    call.microversion = row.create_microversion.or(row.microversion).map(Into::into);
    call.body = Some(within(row.item_key, Payload::new(Value::Object(fields), pointers(spec))));
    call.undo = if row.verbs.delete { Undo::By("delete it".to_string()) } else { Undo::Unknown };
    Ok(call)
}

/// `PUT` or `PATCH` of fields, as the API wants it.
///
/// # Errors
/// As [`list_call`].
pub fn update_call(row: &'static Resource, item: Item<'_>, fields: &Payload) -> Result<Call> {
    let (method, content_type) = row.update_method().ok_or_else(|| row.unsupported("update"))?;
    let map = object(fields)?;
    if map.is_empty() {
        return Err(Error::new(
            ErrorKind::Argument,
            format!("no field of {} is to change", described(row, item)),
        ));
    }
    let mut call = base(row, "update", method, item_path(row, item)?);
    call.content_type = content_type;
    call.body = Some(match row.verbs.update {
        Update::JsonPatch => json_patch("replace", fields, map),
        Update::ImagePatch => json_patch("add", fields, map),
        Update::None | Update::Put | Update::Patch => within(row.item_key, fields.clone()),
    });
    let names: Vec<&str> = map.keys().map(String::as_str).collect();
    call.summary = format!("set {} of {}", names.join(", "), described(row, item));
    call.subject = subject(row, item);
    call.undo = Undo::By("set the former values again".to_string());
    Ok(call)
}

/// `DELETE` of one; the options go into the query (`cascade`).
///
/// # Errors
/// As [`list_call`].
pub fn delete_call(row: &'static Resource, item: Item<'_>, options: &Map<String, Value>) -> Result<Call> {
    if !row.verbs.delete {
        return Err(row.unsupported("delete"));
    }
    let mut call = base(row, "delete", Method::DELETE, item_path(row, item)?);
    call.query = query(row, options)?;
    let flags: Vec<String> = call.query.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let with = if flags.is_empty() { String::new() } else { format!(" with {}", flags.join(", ")) };
    call.summary = format!("delete {}{with}", described(row, item));
    call.subject = subject(row, item);
    call.microversion = row.delete_microversion.or(row.microversion).map(Into::into);
    call.undo = Undo::Never;
    call.destroys = true;
    Ok(call)
}

/// An action on one.
///
/// # Errors
/// [`ErrorKind::Argument`] where the action takes no arguments and some are given.
pub fn action_call(
    row: &'static Resource,
    action: &'static Action,
    item: Item<'_>,
    args: &Payload,
) -> Result<Call> {
    let given = match args.expose() {
        Value::Null => &Map::new(),
        _ => object(args)?,
    };
    let path = format!("{}{}", item_path(row, item)?, action.path);
    let mut call = base(row, action.name, action.method(), path);
    call.operation = Some(row.action_operation(action));
    call.reads = action.reads();
    call.query = action.query.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    call.body = match action.body {
        Body::Nothing | Body::Json(_) if !given.is_empty() => {
            let what = format!("`{}` of a {} takes no arguments", action.name, row.title);
            return Err(Error::new(ErrorKind::Argument, what));
        }
        Body::Nothing => None,
        Body::Json(text) => Some(Payload::from(parse(text)?)),
        Body::Args => Some(args.clone()),
        Body::Under(key, default) if given.is_empty() => {
            Some(within(Some(key), Payload::from(parse(default)?)))
        }
        Body::Under(key, _) => Some(within(Some(key), args.clone())),
    };
    call.accept = action.accept.into();
    call.microversion = action.microversion.or(row.microversion).map(Into::into);
    call.summary = format!("{} {}", action.phrase, described(row, item));
    call.subject = subject(row, item);
    call.undo = match action.undo {
        UndoBy::By(how) => Undo::By(how.to_string()),
        UndoBy::Never => Undo::Never,
        UndoBy::Unknown => Undo::Unknown,
    };
    call.destroys = action.destroys;
    Ok(call)
}

fn base(row: &'static Resource, verb: &'static str, method: Method, path: String) -> Call {
    let mut call = Call::new(row.service.name, method, path);
    call.microversion = row.microversion.map(Into::into);
    call.operation = Some(row.operation(verb));
    call.subject.resource = Some(row.name);
    call
}

fn subject(row: &'static Resource, item: Item<'_>) -> Subject {
    Subject { resource: Some(row.name), id: Some(item.id.to_string()), name: item.name.map(str::to_string) }
}

/// `load balancer api (0f96d4e1…)`.
fn described(row: &Resource, item: Item<'_>) -> String {
    match item.name {
        Some(name) if name != item.id => format!("{} {name} ({})", row.title, short(item.id)),
        _ => format!("{} {}", row.title, item.id),
    }
}

fn item_path(row: &Resource, item: Item<'_>) -> Result<String> {
    Ok(format!("{}/{}", fill(row, row.path, item.parents)?, segment(item.id)?))
}

/// Puts the parents' ids into a path.
fn fill(row: &Resource, path: &str, from: &Map<String, Value>) -> Result<String> {
    let mut path = path.to_string();
    for key in row.parents() {
        let id = from.get(key).and_then(Value::as_str).ok_or_else(|| {
            Error::new(
                ErrorKind::Argument,
                format!("{} are of one {key}, and none is named", row.name.replace('_', " ")),
            )
            .help(format!("give its id: #{{ {key}: id }}"))
        })?;
        path = path.replace(&format!("{{{key}}}"), &segment(id)?);
    }
    Ok(path)
}

/// A text as one segment of a path, whatever is in it.
fn segment(text: &str) -> Result<String> {
    let encoded = Url::parse("http://segment/").ok().and_then(|mut url| {
        url.path_segments_mut().ok()?.push(text);
        Some(url.path()[1..].to_string())
    });
    // `.` and `..` are no segments: they would lead elsewhere
    encoded
        .filter(|e| !e.is_empty())
        .ok_or_else(|| Error::new(ErrorKind::Argument, format!("`{text}` is neither an id nor a name")))
}

fn query(row: &Resource, filter: &Map<String, Value>) -> Result<Vec<(String, String)>> {
    let mut query = Vec::new();
    let goes = |key: &str| !row.parents().any(|p| p == key) && (row.sends_filters || row.is_option(key));
    for (key, value) in filter.iter().filter(|(key, _)| goes(key)) {
        let values = match value {
            Value::Array(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        for value in values {
            query.push((
                key.clone(),
                scalar(value).ok_or_else(|| {
                    // a filter without a value would be no filter at all
                    Error::new(ErrorKind::Argument, format!("`{key}` has no value that a query can carry"))
                        .help("give a text, a number, a truth value, or a list of them")
                })?,
            ));
        }
    }
    Ok(query)
}

/// A scalar as a query has it.
pub(in crate::systems::openstack) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn object(payload: &Payload) -> Result<&Map<String, Value>> {
    payload.expose().as_object().ok_or_else(|| Error::new(ErrorKind::Argument, "the fields are not a map"))
}

fn parse(text: &str) -> Result<Value> {
    serde_json::from_str(text)
        .map_err(|e| Error::new(ErrorKind::Internal, "a row holds broken JSON").from_source(&e))
}

fn pointers(payload: &Payload) -> Vec<String> {
    payload.secrets().map(str::to_string).collect()
}

/// The document under a key; its secrets stay secrets.
fn within(key: Option<&str>, payload: Payload) -> Payload {
    let Some(key) = key else { return payload };
    let moved: Vec<String> = payload.secrets().map(|p| format!("/{key}{p}")).collect();
    Payload::new(json!({ key: payload.expose() }), moved)
}

/// JSON-patch operations that set each field, or remove it where it is null.
fn json_patch(op: &str, payload: &Payload, fields: &Map<String, Value>) -> Payload {
    let mut operations = Vec::new();
    let mut secrets = Vec::new();
    for (n, (key, value)) in fields.iter().enumerate() {
        let path = format!("/{}", key.trim_start_matches('/').replace('~', "~0").replace('/', "~1"));
        let of_field = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        for pointer in payload.secrets().filter_map(|p| p.strip_prefix(of_field.as_str())) {
            if pointer.is_empty() || pointer.starts_with('/') {
                secrets.push(format!("/{n}/value{pointer}"));
            }
        }
        operations.push(match value {
            Value::Null => json!({"op": "remove", "path": path}),
            value => json!({"op": op, "path": path, "value": value}),
        });
    }
    Payload::new(Value::Array(operations), secrets)
}
