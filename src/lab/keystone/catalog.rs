//! The catalogue, versions, services, endpoints and regions.

use serde_json::{Value, json};

use super::list;
use crate::lab::SERVICES;
use crate::lab::api::{Api, Call, Outcome, Refusal, Route, Rule, get};
use crate::lab::exchange::{Answer, Front};
use crate::lab::ids::Id;

pub(super) const ROUTES: &[Route] = &[
    get("/", Rule::Open, "", versions),
    get("/v3", Rule::Open, "", version),
    get("/v3/auth/catalog", Rule::Token, "", own),
    get("/v3/services", Rule::Admin, "identity:list_services", services),
    get("/v3/endpoints", Rule::Admin, "identity:list_endpoints", endpoints),
    get("/v3/regions", Rule::Token, "identity:list_regions", regions),
];

const REGION: &str = "RegionOne";

fn about(call: &Call<'_>) -> Value {
    json!({
        "id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": format!("{}/v3/", call.request.base)}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    })
}

fn versions(call: &mut Call<'_>) -> Outcome {
    let body = json!({"versions": {"values": [about(call)]}});
    Ok(Answer::json(300, body).header("location", &format!("{}/v3/", call.request.base)))
}

fn version(call: &mut Call<'_>) -> Outcome {
    Ok(Answer::json(200, json!({"version": about(call)})))
}

/// The id of a service, or with an interface of its endpoint.
fn id(call: &Call<'_>, api: &Api, interface: &str) -> Id {
    call.world.ids.named_hex(&format!("catalog {} {interface}", api.name))
}

/// Where a client reaches a service, coming from where this request came.
fn url(call: &Call<'_>, api: &Api, project: &str) -> String {
    let root = api.root.replace("{}", project);
    match (call.request.front, call.world.endpoints.0.get(api.kind)) {
        (Front::Endpoints, Some(endpoint)) => format!("https://{endpoint}{root}"),
        _ => format!("{}{}{root}", call.world.origin, api.prefix),
    }
}

/// The catalogue as it is part of a token for a project.
pub(super) fn catalog(call: &Call<'_>, project: &str) -> Value {
    let entries = SERVICES.apis().map(|api| {
        let url = url(call, api, project);
        let endpoints: Vec<Value> = ["admin", "internal", "public"]
            .map(|interface| {
                let id = id(call, api, interface);
                json!({"id": &*id, "interface": interface, "region_id": REGION, "url": url, "region": REGION})
            })
            .into();
        let id = id(call, api, "");
        json!({"endpoints": endpoints, "id": &*id, "type": api.kind, "name": api.name})
    });
    entries.collect::<Vec<_>>().into()
}

fn own(call: &mut Call<'_>) -> Outcome {
    if call.who.place().is_none() {
        return Err(Refusal::said(403, "You are not authorized to perform the requested action."));
    }
    let links = json!({"self": format!("{}/v3/auth/catalog", call.request.base)});
    Ok(Answer::json(200, json!({"catalog": catalog(call, &call.who.project), "links": links})))
}

fn services(call: &mut Call<'_>) -> Outcome {
    let base = call.request.base.clone();
    let (kind, name) = (call.query("type"), call.query("name"));
    let wanted = |api: &&Api| {
        kind.as_deref().is_none_or(|k| k == api.kind) && name.as_deref().is_none_or(|n| n == api.name)
    };
    let rows = SERVICES.apis().filter(wanted).map(|api| {
        let id = id(call, api, "");
        json!({"name": api.name, "id": &*id, "type": api.kind, "enabled": true,
            "links": {"self": format!("{base}/v3/services/{id}")}})
    });
    let rows = rows.collect();
    list(call, "services", rows)
}

fn endpoints(call: &mut Call<'_>) -> Outcome {
    let base = call.request.base.clone();
    let (service, interface) = (call.query("service_id"), call.query("interface"));
    let mut rows = Vec::new();
    for api in SERVICES.apis() {
        let url = url(call, api, "%(project_id)s");
        let service_id = id(call, api, "");
        for face in ["public", "internal", "admin"] {
            let id = id(call, api, face);
            if service.as_deref().is_some_and(|s| *s != *service_id)
                || interface.as_deref().is_some_and(|i| i != face)
            {
                continue;
            }
            rows.push(json!({"id": &*id, "interface": face, "region_id": REGION, "service_id": &*service_id, "url": url,
                "enabled": true, "region": REGION, "links": {"self": format!("{base}/v3/endpoints/{id}")}}));
        }
    }
    list(call, "endpoints", rows)
}

fn regions(call: &mut Call<'_>) -> Outcome {
    let own = format!("{}/v3/regions/{REGION}", call.request.base);
    let row = json!({"id": REGION, "description": "", "parent_region_id": null, "links": {"self": own}});
    list(call, "regions", vec![row])
}
