//! Cinder, as far as clusters need it: volume types, and the volumes and snapshots that a scenario has.

mod volumes;

use serde_json::json;

pub(crate) use volumes::{Cinder, Disk, delete_snapshot, delete_volume};

use super::api::{Api, Call, Outcome, Refusal, Route, Rule, Version, get, shape};
use super::exchange::{Answer, Request};

pub(super) const API: Api = Api {
    name: "cinder",
    kind: "volumev3",
    prefix: "/volume",
    root: "/v3/{}",
    routes: &[ROUTES, volumes::ROUTES],
    microversions: None,
    shape: refuse,
    finish,
};

const ROUTES: &[Route] = &[
    get("/", Rule::Open, "", versions),
    get("/v3", Rule::Token, "", versions),
    get("/v3/{}/types", Rule::Reader, "volume_extension:type_get_all", types),
];

fn refuse(refusal: &Refusal, request: &Request) -> Answer {
    let status = refusal.status();
    let (kind, message) = match refusal {
        Refusal::NoToken => return shape::unauthorized(request),
        Refusal::NoRoute | Refusal::NoMethod(_) => ("itemNotFound", shape::NOT_FOUND.to_string()),
        Refusal::Policy(policy) => ("forbidden", format!("Policy doesn't allow {policy} to be performed.")),
        Refusal::Said { status: 400, message, .. } => ("badRequest", message.clone()),
        Refusal::Said { status: 404, message, .. } => ("itemNotFound", message.clone()),
        _ => ("computeFault", shape::sentence(refusal)),
    };
    let mut body = serde_json::Map::new();
    body.insert(kind.into(), json!({"code": status, "message": message}));
    Answer::json(status, body.into())
}

fn finish(answer: &mut Answer, request: &Request, _: Version) {
    if request.path.trim_matches('/').is_empty() {
        return;
    }
    if answer.status == 401 {
        return answer.set_header("x-openstack-request-id", &request.id);
    }
    answer.set_header("openstack-api-version", "volume 3.0");
    answer.set_header("vary", "OpenStack-API-Version");
    answer.set_header("x-openstack-request-id", &request.id);
    answer.set_header("x-compute-request-id", &request.id);
}

fn versions(call: &mut Call<'_>) -> Outcome {
    let own = format!("{}/v3/", call.request.base);
    let version = json!({"id": "v3.0", "status": "CURRENT", "version": "3.71", "min_version": "3.0", "updated": "2023-08-31T00:00:00Z",
        "links": [{"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"}, {"rel": "self", "href": own}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.volume+json;version=3"}]});
    let status = if call.request.path.trim_matches('/').is_empty() { 300 } else { 200 };
    Ok(Answer::json(status, json!({"versions": [version]})))
}

fn types(call: &mut Call<'_>) -> Outcome {
    let id = call.world.ids.named("volume-type __ceph__");
    let kind = json!({"id": &*id, "name": "__ceph__", "is_public": true, "description": null, "os-volume-type-access:is_public": true, "extra_specs": {}});
    Ok(Answer::json(200, json!({"volume_types": [kind]})))
}
