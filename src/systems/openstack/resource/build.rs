//! From a row to a call. Nothing here knows a session or a network.

use serde_json::{Map, Value, json};

use crate::base::{Error, ErrorKind, Payload, Result, Undo};
use crate::systems::http::{Method, segment};
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
    let parents = row.parents().filter_map(|key| fields.shift_remove_entry(key)).collect();
    let name = row.name_key.or(Some(row.id_key)).and_then(|k| fields.get(k)).and_then(Value::as_str);
    call.summary = format!("create {} {}", row.title, name.unwrap_or("without a name"));
    call.subject = Subject { resource: Some(row.name), id: None, name: name.map(str::to_string), parents };
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
        Body::Nothing | Body::File | Body::Json(_) if !given.is_empty() => {
            let what = format!("`{}` of a {} takes no arguments", action.name, row.title);
            return Err(Error::new(ErrorKind::Argument, what));
        }
        // the caller has the file
        Body::Nothing | Body::File => None,
        Body::Json(text) => Some(Payload::from(parse(text)?)),
        Body::Args => Some(args.clone()),
        Body::Under(key, default) if given.is_empty() => {
            Some(within(Some(key), Payload::from(parse(default)?)))
        }
        Body::Under(key, _) => Some(within(Some(key), args.clone())),
    };
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
    let parents =
        row.parents().filter_map(|key| Some((key.to_string(), item.parents.get(key)?.clone()))).collect();
    Subject {
        resource: Some(row.name),
        id: Some(item.id.to_string()),
        name: item.name.map(str::to_string),
        parents,
    }
}

/// `load balancer api (0f96d4e1…)`.
pub(in crate::systems::openstack) fn described(row: &Resource, item: Item<'_>) -> String {
    match item.name {
        Some(name) if name != item.id && !name.is_empty() => {
            format!("{} {name} ({})", row.title, short(item.id))
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ErrorKind;
    use crate::systems::openstack::resource;

    fn row(name: &str) -> &'static Resource {
        resource::find(name).unwrap()
    }

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn call(build: impl FnOnce(Item<'_>) -> Result<Call>, parents: Value) -> Call {
        build(Item { id: "id-1", name: Some("api"), parents: &map(parents) }).unwrap()
    }

    fn line(call: &Call) -> String {
        let body = call.body.as_ref().map(|b| format!(" {}", b.masked())).unwrap_or_default();
        format!("{} {}{body}", call.method, call.target())
    }

    #[test]
    fn rows_become_the_requests_of_each_api() {
        let none = || Payload::default();
        let act = |name: &'static str, action: &'static str, args: Value| {
            line(&call(
                |i| action_call(row(name), row(name).action(action).unwrap(), i, &Payload::from(args)),
                json!({}),
            ))
        };
        assert_eq!(
            act("servers", "start", Value::Null),
            r#"POST compute /servers/id-1/action {"os-start":null}"#
        );
        assert_eq!(
            act("servers", "reboot", json!({})),
            r#"POST compute /servers/id-1/action {"reboot":{"type":"SOFT"}}"#
        );
        assert_eq!(
            act("servers", "reboot", json!({"type": "HARD"})),
            r#"POST compute /servers/id-1/action {"reboot":{"type":"HARD"}}"#
        );
        assert_eq!(
            act("load_balancers", "failover", json!({})),
            "PUT load-balancer /lbaas/loadbalancers/id-1/failover"
        );
        assert_eq!(
            act("routers", "remove_interface", json!({"subnet_id": "s"})),
            r#"PUT network /routers/id-1/remove_router_interface {"subnet_id":"s"}"#
        );
        assert_eq!(
            act("routers", "clear_gateway", json!({})),
            r#"PUT network /routers/id-1 {"router":{"external_gateway_info":{}}}"#
        );
        let update = |name: &'static str, fields: Value| {
            line(&call(|i| update_call(row(name), i, &fields.clone().into()), json!({})))
        };
        assert_eq!(update("ports", json!({"name": "p"})), r#"PUT network /ports/id-1 {"port":{"name":"p"}}"#);
        assert_eq!(
            update("projects", json!({"enabled": false})),
            r#"PATCH identity /projects/id-1 {"project":{"enabled":false}}"#
        );
        assert_eq!(
            update("compute_services", json!({"status": "disabled"})),
            r#"PUT compute /os-services/id-1 {"status":"disabled"}"#
        );
        assert_eq!(
            update("clusters", json!({"node_count": 3, "labels": null})),
            r#"PATCH container-infra /clusters/id-1 [{"op":"replace","path":"/node_count","value":3},{"op":"remove","path":"/labels"}]"#
        );
        assert_eq!(
            update("images", json!({"a/b": "x"})),
            r#"PATCH image /images/id-1 [{"op":"add","path":"/a~1b","value":"x"}]"#
        );
        let cascade =
            call(|i| delete_call(row("load_balancers"), i, &map(json!({"cascade": true}))), json!({}));
        assert_eq!(line(&cascade), "DELETE load-balancer /lbaas/loadbalancers/id-1?cascade=true");
        assert_eq!(cascade.summary, "delete load balancer api (id-1) with cascade=true");
        assert!(cascade.destroys && cascade.undo == Undo::Never);
        let groups = call(|i| get_call(row("nodegroups"), i), json!({"cluster": "c 1"}));
        assert_eq!(line(&groups), "GET container-infra /clusters/c%201/nodegroups/id-1");
        let member =
            create_call(row("members"), &json!({"pool": "p-1", "address": "10.0.0.1"}).into()).unwrap();
        assert_eq!(
            line(&member),
            r#"POST load-balancer /lbaas/pools/p-1/members {"member":{"address":"10.0.0.1"}}"#
        );
        let credentials = list_call(row("application_credentials"), &map(json!({"name": "x"}))).unwrap();
        assert_eq!(credentials.target(), "identity /users/{user_id}/application_credentials?name=x");
        assert_eq!(
            action_call(
                row("images"),
                row("images").action("deactivate").unwrap(),
                Item { id: "i", name: None, parents: &map(json!({})) },
                &none()
            )
            .unwrap()
            .summary,
            "deactivate image i"
        );
    }

    #[test]
    fn secrets_stay_secrets_wherever_a_body_puts_them() {
        let spec = || Payload::new(json!({"name": "u", "password": "hunter2"}), ["/password".to_string()]);
        let created = create_call(row("users"), &spec()).unwrap();
        assert_eq!(line(&created), r#"POST identity /users {"user":{"name":"u","password":"***"}}"#);
        let patched = call(|i| update_call(row("images"), i, &spec()), json!({}));
        assert!(
            line(&patched).ends_with(r#"{"op":"add","path":"/password","value":"***"}]"#),
            "{}",
            line(&patched)
        );
        let deep = Payload::new(json!({"labels": {"a": {"key": "hunter2"}}}), ["/labels/a/key".to_string()]);
        let patched = call(|i| update_call(row("clusters"), i, &deep), json!({}));
        assert!(!line(&patched).contains("hunter2") && patched.body.unwrap().is_tainted());
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let kind = |r: Result<Call>| r.unwrap_err().kind();
        let at = |id| Item { id, name: None, parents: Box::leak(Box::default()) };
        for id in ["", ".", "..", "a/../b", "a\\b", "a\nb", "%2e%2e"] {
            assert_eq!(kind(get_call(row("servers"), at(id))), ErrorKind::Argument, "{id:?}");
        }
        assert_eq!(get_call(row("servers"), at("a?b#c")).unwrap().path, "/servers/a%3Fb%23c");
        assert_eq!(kind(list_call(row("nodegroups"), &map(json!({})))), ErrorKind::Argument);
        assert_eq!(kind(list_call(row("servers"), &map(json!({"name": {"a": 1}})))), ErrorKind::Argument);
        assert_eq!(kind(update_call(row("servers"), at("1"), &json!({}).into())), ErrorKind::Argument);
        assert_eq!(
            kind(update_call(row("hypervisors"), at("1"), &json!({"a": 1}).into())),
            ErrorKind::Unsupported
        );
        assert_eq!(kind(create_call(row("amphorae"), &json!({}).into())), ErrorKind::Unsupported);
        assert_eq!(kind(list_call(row("certificates"), &map(json!({})))), ErrorKind::Unsupported);
        let start = row("servers").action("start").unwrap();
        assert_eq!(
            kind(action_call(row("servers"), start, at("1"), &json!({"a": 1}).into())),
            ErrorKind::Argument
        );
        assert_eq!(
            row("servers").action("stat").unwrap_err().detail().help.as_deref(),
            Some("did you mean `start`?")
        );
    }

    #[test]
    fn a_service_that_refuses_strange_query_keys_gets_none() {
        let magnum =
            list_call(row("clusters"), &map(json!({"status": "CREATE_COMPLETE", "limit": 5}))).unwrap();
        assert_eq!(magnum.target(), "container-infra /clusters?limit=5");
        let neutron =
            list_call(row("networks"), &map(json!({"router:external": true, "tags": ["a", "b"]}))).unwrap();
        assert_eq!(neutron.target(), "network /networks?router%3Aexternal=true&tags=a&tags=b");
    }
}
