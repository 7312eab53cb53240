//! What a call that was written by hand does, so that it is under the same rules as a row's.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::base::{Payload, is_uuid};
use crate::systems::http::{Method, segments};
use crate::systems::openstack::call::Call;
use crate::systems::openstack::catalog::is_version;
use crate::systems::openstack::policy::Operation;
use crate::systems::openstack::service::service;

use super::action::{Action, Body};
use super::build::{Item, described};
use super::row::{Resource, Update};

/// The operation that a call amounts to, by its service, its method and what is sent; `None` where no row covers it.
pub(in crate::systems::openstack) fn recognise(call: &Call, sent: &str) -> Option<Operation> {
    let of = service(&call.service)?;
    let rows = || super::all().filter(|row| row.service == of);
    let path = segments(path_of(sent));
    readings(&path).into_iter().find_map(|path| {
        rows()
            .find_map(|row| of_collection(row, call, path))
            .or_else(|| rows().find_map(|row| of_item(row, call, path)))
    })
}

/// Whether a call destroys something as far as the rows know, whatever its author says of it.
pub(in crate::systems::openstack) fn destroys(call: &Call, sent: &str) -> bool {
    let path = segments(path_of(sent));
    let known = |row: &'static Resource, path: &[Cow<'_, str>]| {
        let Some((_, behind)) = rest(row.path, path).and_then(<[_]>::split_first) else { return false };
        let destroyer = row.destroyers.iter().any(|d| {
            call.method.as_str() == d.method && is(d.path, behind) && d.key.is_none_or(|key| keyed(call, key))
        });
        destroyer || action_of(row, call, behind).is_some_and(|action| action.destroys)
    };
    let rows = || super::all().filter(|row| Some(row.service) == service(&call.service));
    call.method == Method::DELETE
        || readings(&path).into_iter().any(|path| rows().any(|row| known(row, path)))
}

/// A thing that a call is about.
pub struct Named {
    /// Its row.
    pub row: &'static Resource,
    /// Its id.
    pub id: String,
    /// What is done to it, where that is one of its row's actions.
    pub action: Option<&'static Action>,
}

/// The thing that a call is about; `None` for a collection, and for things within another.
pub fn named(call: &Call) -> Option<Named> {
    let of = service(&call.service)?;
    let path = segments(&call.path);
    super::all().filter(|row| row.service == of && !row.path.contains('{')).find_map(|row| {
        let (id, behind) = rest(row.path, &path)?.split_first()?;
        Some(Named { row, id: id.to_string(), action: action_of(row, call, behind) })
    })
}

/// The one thing that a call is aimed at: what an approval by id is for.
pub(in crate::systems::openstack) struct Aim {
    /// Its row; `None` where no row covers it.
    pub(in crate::systems::openstack) row: Option<&'static Resource>,
    /// The keys that the row's path takes.
    pub(in crate::systems::openstack) parents: Map<String, Value>,
    /// Its id.
    pub(in crate::systems::openstack) id: String,
    /// The call is about the thing itself, and not about something in it that no row covers.
    pub(in crate::systems::openstack) itself: bool,
}

impl Aim {
    /// The id as an approval names it: a UUID, or `SCOPE/KIND/NAME` where the id is a name, which others may bear.
    pub(in crate::systems::openstack) fn id_of(&self, handle: &str) -> String {
        let Aim { row, parents, id, .. } = self;
        match row {
            Some(row) if !(is_uuid(id) && matches!(row.id_key, "id" | "uuid")) => {
                let within = parents.values().filter_map(Value::as_str);
                let parts: Vec<&str> =
                    [handle, row.name].into_iter().chain(within).chain([id.as_str()]).collect();
                parts.join("/")
            }
            _ => id.to_ascii_lowercase(),
        }
    }
}

/// The thing that a call is aimed at, by the path that is sent; `None` where it makes a new one, or names none.
pub(in crate::systems::openstack) fn aim(call: &Call, sent: &str) -> Option<Aim> {
    let path = segments(path_of(sent));
    let mut rows: Vec<_> = super::all().filter(|row| Some(row.service) == service(&call.service)).collect();
    // of a thing within another the inner one is meant
    rows.sort_by_key(|row| std::cmp::Reverse(row.path.len()));
    for path in readings(&path) {
        for row in &rows {
            let Some(found) = rest(row.path, path) else { continue };
            match found.split_first() {
                None if call.method == Method::POST => return None,
                None => {}
                Some((id, behind)) => {
                    let inner = behind.iter().rev().find(|segment| is_uuid(segment));
                    return Some(match inner {
                        Some(inner) => {
                            Aim { row: None, parents: Map::new(), id: inner.to_string(), itself: false }
                        }
                        None => Aim {
                            row: Some(row),
                            parents: parents(row, path),
                            id: id.to_string(),
                            itself: behind.is_empty() || action_of(row, call, behind).is_some(),
                        },
                    });
                }
            }
        }
    }
    let id = path.iter().rev().find(|segment| is_uuid(segment))?;
    Some(Aim { row: None, parents: Map::new(), id: id.to_string(), itself: false })
}

/// What a call on a thing does, for people: `delete network prod (0f96d4e1…)`; `None` where the row does not know.
pub(in crate::systems::openstack) fn described_call(
    row: &Resource,
    call: &Call,
    sent: &str,
    item: Item<'_>,
) -> Option<String> {
    let path = segments(path_of(sent));
    let acts = readings(&path).into_iter().find_map(|path| {
        let (_, behind) = rest(row.path, path)?.split_first()?;
        Some((action_of(row, call, behind).map(|action| action.phrase), behind.is_empty()))
    });
    let verb = match acts? {
        (Some(phrase), _) => phrase,
        (None, true) if call.method == Method::DELETE => "delete",
        (None, true) if matches!(call.method, Method::PUT | Method::PATCH) => "change",
        _ => return None,
    };
    Some(format!("{verb} {}", described(row, item)))
}

/// What is sent, without its query.
fn path_of(sent: &str) -> &str {
    sent.split('?').next().unwrap_or_default()
}

/// The ways to read a path: services take it with and without their version, and some with a project in front.
fn readings<'a, 'b>(path: &'a [Cow<'b, str>]) -> Vec<&'a [Cow<'b, str>]> {
    let bare = match path.split_first() {
        Some((first, behind)) if is_version(first) => behind,
        _ => path,
    };
    let without_project = bare.split_first().filter(|(first, _)| is_uuid(first)).map(|(_, behind)| behind);
    [bare].into_iter().chain(without_project).collect()
}

fn of_collection(row: &'static Resource, call: &Call, path: &[Cow<'_, str>]) -> Option<Operation> {
    let is = |template: &str| rest(template, path).is_some_and(<[_]>::is_empty);
    match call.method {
        Method::GET if row.verbs.list && (is(row.path) || row.list_path.is_some_and(is)) => {
            Some(row.operation("list"))
        }
        Method::POST if row.verbs.create && is(row.path) => Some(row.operation("create")),
        _ => None,
    }
}

fn of_item(row: &'static Resource, call: &Call, path: &[Cow<'_, str>]) -> Option<Operation> {
    let (_, behind) = rest(row.path, path)?.split_first()?;
    if let Some(action) = action_of(row, call, behind) {
        return Some(row.action_operation(action));
    }
    match call.method {
        _ if !behind.is_empty() => None,
        Method::GET if row.verbs.get => Some(row.operation("get")),
        Method::PUT | Method::PATCH if row.verbs.update != Update::None => Some(row.operation("update")),
        Method::DELETE if row.verbs.delete => Some(row.operation("delete")),
        _ => None,
    }
}

/// The action of a row that a call on one of its things is.
pub(in crate::systems::openstack) fn action_of(
    row: &Resource,
    call: &Call,
    behind: &[Cow<'_, str>],
) -> Option<&'static Action> {
    row.actions.iter().find(|a| a.method() == call.method && is_action(a, call, behind))
}

/// Nova's actions share one path and are told apart by the key of their body.
fn is_action(action: &Action, call: &Call, behind: &[Cow<'_, str>]) -> bool {
    is(action.path, behind)
        && match action.body {
            Body::Nothing | Body::Args | Body::File => true,
            Body::Under(key, _) => keyed(call, key),
            // an action without a path of its own is the update that sends just this, whatever it sends besides
            Body::Json(text) if action.path.is_empty() => {
                let wanted = serde_json::from_str::<Value>(text).unwrap_or_default();
                call.body.as_ref().is_some_and(|body| sends(body.expose(), &wanted))
            }
            Body::Json(text) => {
                let body = serde_json::from_str::<Value>(text).unwrap_or_default();
                body.as_object().is_some_and(|o| o.keys().all(|key| keyed(call, key)))
            }
        }
}

/// Whether the body of a call has a key.
fn keyed(call: &Call, key: &str) -> bool {
    call.body.as_ref().map(Payload::expose).is_some_and(|body| body.get(key).is_some())
}

/// Whether a body sets what another one sets; nothing and an empty map are the same to a service.
fn sends(body: &Value, wanted: &Value) -> bool {
    match wanted {
        Value::Object(wanted) if wanted.is_empty() => {
            body.is_null() || body.as_object().is_some_and(Map::is_empty)
        }
        Value::Object(wanted) => {
            wanted.iter().all(|(key, value)| body.get(key).is_some_and(|body| sends(body, value)))
        }
        wanted => body == wanted,
    }
}

/// What of a path is left behind a template, in which `{x}` stands for any segment.
fn rest<'a, 'b>(template: &str, path: &'a [Cow<'b, str>]) -> Option<&'a [Cow<'b, str>]> {
    let mut path = path;
    for wanted in template.split('/').filter(|s| !s.is_empty()) {
        let (segment, behind) = path.split_first()?;
        if !wanted.starts_with('{') && wanted != segment {
            return None;
        }
        path = behind;
    }
    Some(path)
}

/// Whether a path is a template's, to its end.
fn is(template: &str, path: &[Cow<'_, str>]) -> bool {
    template.split('/').filter(|s| !s.is_empty()).eq(path.iter().map(Cow::as_ref))
}

/// What stands in a path for the keys of a row's.
fn parents(row: &Resource, path: &[Cow<'_, str>]) -> Map<String, Value> {
    let template = row.path.split('/').filter(|s| !s.is_empty());
    let key = |part: &str| {
        row.parents().find(|key| part.strip_prefix('{').is_some_and(|p| p.strip_suffix('}') == Some(key)))
    };
    template.zip(path).filter_map(|(part, is)| Some((key(part)?.to_string(), is.as_ref().into()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::openstack::resource::all;
    use serde_json::json;

    fn seen(method: Method, service: &'static str, path: &str, body: Value) -> Option<String> {
        let mut call = Call::new(service, method, path);
        call.body = (!body.is_null()).then(|| body.into());
        recognise(&call, path).map(|o| o.to_string())
    }

    #[test]
    fn a_call_by_hand_is_known_for_what_it_does() {
        for (method, service, path, body, operation) in [
            (
                Method::PUT,
                "load-balancer",
                "/v2/lbaas/loadbalancers/1/failover",
                json!(null),
                "load_balancers.failover",
            ),
            (Method::GET, "loadbalancer", "/v2.0/octavia/amphorae", json!(null), "amphorae.list"),
            (Method::DELETE, "load-balancer", "/lbaas/pools/1/members/2", json!(null), "members.delete"),
            (Method::GET, "compute", "/servers/detail", json!(null), "servers.list"),
            (Method::GET, "compute", "/servers/1", json!(null), "servers.get"),
            (Method::POST, "compute", "/servers/1/action", json!({"os-stop": null}), "servers.stop"),
            (
                Method::POST,
                "compute",
                "/servers/1/action",
                json!({"reboot": {"type": "HARD"}}),
                "servers.reboot",
            ),
            (Method::POST, "network", "/v2.0/routers", json!({"router": {}}), "routers.create"),
            (Method::PUT, "network", "/routers/1", json!({"router": {"name": "x"}}), "routers.update"),
            (
                Method::PUT,
                "network",
                "/routers/1",
                json!({"router": {"external_gateway_info": {}}}),
                "routers.clear_gateway",
            ),
            (Method::GET, "container-infrastructure-management", "/mservices", json!(null), "mservices.list"),
        ] {
            assert_eq!(seen(method, service, path, body).as_deref(), Some(operation), "{path}");
        }
    }

    #[test]
    fn a_path_written_otherwise_is_under_the_same_rules() {
        let project = "0123456789abcdef0123456789abcdef";
        let stop = || json!({"os-stop": null});
        for path in ["/v2.1/servers/1/action", "/servers/1/action/", "/servers/1/%61ction"] {
            assert_eq!(
                seen(Method::POST, "compute", path, stop()).as_deref(),
                Some("servers.stop"),
                "{path}"
            );
        }
        for path in [format!("/v2.1/{project}/servers/1/action"), format!("/{project}/servers/1/action")] {
            assert_eq!(
                seen(Method::POST, "compute", &path, stop()).as_deref(),
                Some("servers.stop"),
                "{path}"
            );
        }
        for gateway in [json!({}), Value::Null] {
            let body = json!({"router": {"external_gateway_info": gateway, "name": "x"}});
            let cleared = seen(Method::PUT, "network", "/routers/1", body);
            assert_eq!(cleared.as_deref(), Some("routers.clear_gateway"));
        }
    }

    #[test]
    fn what_destroys_is_known_whatever_is_said_of_it() {
        let of = |method, service: &'static str, path: &str, body: Value| {
            let mut call = Call::new(service, method, path);
            (call.body, call.destroys) = ((!body.is_null()).then(|| body.into()), false);
            destroys(&call, path)
        };
        let project = "0123456789abcdef0123456789abcdef";
        for (method, service, path, body) in [
            (Method::DELETE, "dns", "/v2/zones/1".to_string(), json!(null)),
            (Method::PUT, "load-balancer", "/lbaas/loadbalancers/1/failover".into(), json!(null)),
            (Method::PUT, "load-balancer", "/v2.0/octavia/amphorae/1/failover".into(), json!(null)),
            (Method::PUT, "load-balancer", "/lbaas/pools/1/members".into(), json!({"members": []})),
            (Method::POST, "compute", "/servers/1/action".into(), json!({"forceDelete": null})),
            (Method::POST, "compute", "/v2.1/servers/1/action".into(), json!({"rebuild": {"imageRef": "i"}})),
            (
                Method::POST,
                "volumev3",
                format!("/v3/{project}/volumes/1/action"),
                json!({"os-force_delete": {}}),
            ),
            (Method::PUT, "network", "/routers/1/remove_router_interface".into(), json!({"subnet_id": "s"})),
            (Method::PUT, "network", "/routers/1".into(), json!({"router": {"external_gateway_info": null}})),
        ] {
            assert!(of(method, service, &path, body), "{path}");
        }
        for (method, path, body) in [
            (Method::POST, "/servers/1/action", json!({"os-start": null})),
            (Method::POST, "/servers", json!({"server": {"name": "forceDelete"}})),
            (Method::PUT, "/servers/1", json!({"server": {"name": "x"}})),
        ] {
            assert!(!of(method, "compute", path, body), "{path}");
        }
    }

    #[test]
    fn a_call_is_aimed_at_the_innermost_thing_that_it_names() {
        const A: &str = "11111111-2222-4333-8444-555555555555";
        const B: &str = "22222222-2222-4333-8444-555555555555";
        let at = |method: Method, service: &'static str, path: &str| {
            aim(&Call::new(service, method, path), path).map(|aim| aim.id_of("admin"))
        };
        for (method, service, path, id) in [
            (Method::DELETE, "network", format!("/networks/{A}"), Some(A.to_string())),
            (Method::POST, "compute", format!("/servers/{A}/action"), Some(A.into())),
            (Method::DELETE, "load-balancer", format!("/lbaas/pools/{A}/members/{B}"), Some(B.into())),
            (Method::DELETE, "compute", format!("/servers/{A}/os-interface/{B}"), Some(B.into())),
            (Method::DELETE, "dns", format!("/v2/zones/{A}/recordsets/{B}"), Some(B.into())),
            (Method::POST, "load-balancer", format!("/lbaas/pools/{A}/members"), None),
            (Method::PUT, "load-balancer", format!("/lbaas/pools/{A}/members"), Some(A.into())),
            (Method::DELETE, "compute", "/os-keypairs/a%20b".into(), Some("admin/keypairs/a b".into())),
            (Method::DELETE, "compute", format!("/os-keypairs/{A}"), Some(format!("admin/keypairs/{A}"))),
            (Method::DELETE, "compute", "/flavors/1".into(), Some("admin/flavors/1".into())),
            (Method::POST, "network", "/networks".into(), None),
            (Method::DELETE, "dns", "/v2/zones/1".into(), None),
        ] {
            assert_eq!(at(method, service, &path), id, "{path}");
        }
    }

    #[test]
    fn what_no_row_covers_is_not_guessed() {
        for (method, service, path) in [
            (Method::GET, "dns", "/v2/zones"),
            (Method::POST, "compute", "/servers/1/action"),
            (Method::GET, "compute", "/servers/1/tags"),
            (Method::POST, "load-balancer", "/octavia/amphorae"),
            (Method::GET, "compute", "/"),
        ] {
            assert_eq!(seen(method, service, path, json!(null)), None, "{path}");
        }
    }

    #[test]
    fn every_row_is_recognised_by_its_own_path() {
        for row in all().filter(|r| r.verbs.list && !matches!(r.name, "provider_summaries")) {
            let path = row.list_path.unwrap_or(row.path);
            assert_eq!(
                seen(Method::GET, row.service.name, path, json!(null)),
                Some(format!("{}.list", row.name))
            );
        }
    }
}
