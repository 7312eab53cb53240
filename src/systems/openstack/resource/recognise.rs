//! What a call that was written by hand does, so that it is under the same rules as a row's.

use serde_json::Value;

use crate::base::Payload;
use crate::systems::http::Method;
use crate::systems::openstack::call::Call;
use crate::systems::openstack::policy::Operation;
use crate::systems::openstack::service::service;

use super::action::{Action, Body};
use super::row::{Resource, Update};

/// The operation that a call amounts to, by its service, method and path; `None` where no row covers it.
pub(in crate::systems::openstack) fn recognise(call: &Call) -> Option<Operation> {
    let of = service(&call.service)?;
    let path: Vec<&str> = call.path.split('/').filter(|s| !s.is_empty()).collect();
    // a path may begin with the version of its service
    let path = match path.first() {
        Some(first) if is_version(first) => &path[1..],
        _ => &path[..],
    };
    let rows = || super::all().filter(|row| row.service == of);
    rows()
        .find_map(|row| of_collection(row, call, path))
        .or_else(|| rows().find_map(|row| of_item(row, call, path)))
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
    let path: Vec<&str> = call.path.split('/').filter(|s| !s.is_empty()).collect();
    super::all().filter(|row| row.service == of && !row.path.contains('{')).find_map(|row| {
        let (id, behind) = rest(row.path, &path)?.split_first()?;
        let action = row.actions.iter().find(|a| a.method() == call.method && is_action(a, call, behind));
        Some(Named { row, id: id.to_string(), action })
    })
}

fn of_collection(row: &'static Resource, call: &Call, path: &[&str]) -> Option<Operation> {
    let is = |template: &str| rest(template, path).is_some_and(<[_]>::is_empty);
    match call.method {
        Method::GET if row.verbs.list && (is(row.path) || row.list_path.is_some_and(is)) => {
            Some(row.operation("list"))
        }
        Method::POST if row.verbs.create && is(row.path) => Some(row.operation("create")),
        _ => None,
    }
}

fn of_item(row: &'static Resource, call: &Call, path: &[&str]) -> Option<Operation> {
    let (_, behind) = rest(row.path, path)?.split_first()?;
    let action = row.actions.iter().find(|a| a.method() == call.method && is_action(a, call, behind));
    if let Some(action) = action {
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

/// Nova's actions share one path and are told apart by the key of their body.
fn is_action(action: &Action, call: &Call, behind: &[&str]) -> bool {
    let path: Vec<&str> = action.path.split('/').filter(|s| !s.is_empty()).collect();
    let keyed =
        |key: &str| call.body.as_ref().map(Payload::expose).is_some_and(|body| body.get(key).is_some());
    path == behind
        && match action.body {
            Body::Nothing | Body::Args | Body::File => true,
            Body::Under(key, _) => keyed(key),
            // an action without a path of its own is the update that sends just this
            Body::Json(text) if path.is_empty() => {
                serde_json::from_str::<Value>(text).ok().as_ref() == call.body.as_ref().map(Payload::expose)
            }
            Body::Json(text) => {
                let body = serde_json::from_str::<Value>(text).unwrap_or_default();
                body.as_object().is_some_and(|o| o.keys().all(|key| keyed(key)))
            }
        }
}

/// What of a path is left behind a template, in which `{x}` stands for any segment.
fn rest<'a, 'b>(template: &str, path: &'a [&'b str]) -> Option<&'a [&'b str]> {
    let mut path = path;
    for wanted in template.split('/').filter(|s| !s.is_empty()) {
        let (segment, behind) = path.split_first()?;
        if !wanted.starts_with('{') && wanted != *segment {
            return None;
        }
        path = behind;
    }
    Some(path)
}

fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::openstack::resource::all;
    use serde_json::json;

    fn seen(method: Method, service: &'static str, path: &str, body: Value) -> Option<String> {
        let mut call = Call::new(service, method, path);
        call.body = (!body.is_null()).then(|| body.into());
        recognise(&call).map(|o| o.to_string())
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
