//! Nova: servers, flavors, key pairs, hypervisors, and the scheduler between them.

mod actions;
mod create;
mod flavors;
mod hosts;
mod keypairs;
mod lifecycle;
mod limits;
mod list;
mod scheduler;
mod server;
mod show;

use std::collections::BTreeMap;

use serde_json::{Map, json};

pub(crate) use flavors::Flavor;
pub(crate) use hosts::Host;
pub(crate) use keypairs::{Keypair, made_up as made_up_key};
pub(crate) use lifecycle::{NO_VALID_HOST, Nic, Order};
pub(crate) use scheduler::Resources;
pub(crate) use server::{Fault, Phase, Server, Task, Vm};

use super::api::{Api, Call, Microversions, Outcome, Refusal, Route, Rule, Version, get, shape};
use super::exchange::{Answer, Body, Request};
use super::table::Table;

pub(super) const API: Api = Api {
    name: "nova",
    kind: "compute",
    prefix: "/compute",
    root: "/v2.1",
    routes: &[
        ROUTES,
        list::ROUTES,
        show::ROUTES,
        create::ROUTES,
        actions::ROUTES,
        flavors::ROUTES,
        keypairs::ROUTES,
        hosts::ROUTES,
        limits::ROUTES,
    ],
    microversions: Some(Microversions {
        service: "compute",
        legacy: Some("x-openstack-nova-api-version"),
        min: MIN,
        max: MAX,
    }),
    shape: refuse,
    finish,
};

const MIN: Version = Version(2, 1);
/// The last of 2024.1.
const MAX: Version = Version(2, 96);

const ROUTES: &[Route] = &[get("/", Rule::Open, "", versions), get("/v2.1", Rule::Open, "", version)];

fn refuse(refusal: &Refusal, request: &Request) -> Answer {
    let status = refusal.status();
    let message = match refusal {
        Refusal::NoToken => return shape::unauthorized(request),
        Refusal::NoRoute | Refusal::NoMethod(_) => return shape::page(404, shape::NOT_FOUND),
        Refusal::Policy(policy) => format!("Policy doesn't allow {policy} to be performed."),
        _ => shape::sentence(refusal),
    };
    let kind = match status {
        400 => "badRequest",
        403 => "forbidden",
        404 => "itemNotFound",
        409 => "conflictingRequest",
        413 => "overLimit",
        _ => "computeFault",
    };
    let mut body = Map::new();
    body.insert(kind.into(), json!({"code": status, "message": message}));
    Answer::json(status, body.into())
}

fn finish(answer: &mut Answer, request: &Request, version: Version) {
    if request.path.trim_matches('/').is_empty() {
        return;
    }
    // what the router refuses never got to the part that knows versions
    let routed = !matches!(answer.body, Body::Text("text/html; charset=UTF-8", _));
    if answer.body == Body::Empty {
        answer.body = Body::Text("application/json", String::new());
    }
    if version >= MIN && answer.status != 401 && routed {
        answer.set_header("openstack-api-version", &format!("compute {version}"));
        answer.set_header("x-openstack-nova-api-version", &version.to_string());
        answer.set_header("vary", "OpenStack-API-Version, X-OpenStack-Nova-API-Version");
    }
    answer.set_header("x-openstack-request-id", &request.id);
    answer.set_header("x-compute-request-id", &request.id);
}

/// Nova's state.
#[derive(Default)]
pub(crate) struct Nova {
    pub(crate) hosts: Table<Host>,
    pub(crate) flavors: Table<Flavor>,
    pub(crate) keypairs: Vec<Keypair>,
    pub(crate) servers: Table<Server>,
    /// So many servers to come find no host, whatever room there is.
    pub(crate) refusals: u32,
    /// How many servers there have been.
    built: u64,
}

impl Nova {
    /// The flavor of a name or an id.
    pub(crate) fn flavor_named(&self, name: &str) -> Option<&Flavor> {
        self.flavors.get(name).or_else(|| self.flavors.iter().find(|f| *f.name == *name))
    }

    /// The server of a name or an id.
    pub(crate) fn server_named(&self, name: &str) -> Option<&Server> {
        self.servers.get(name).or_else(|| self.servers.iter().find(|s| s.name == name))
    }

    /// What the servers of a project take.
    fn used_by(&self, project: &str) -> (i64, Resources) {
        let own = self.servers.iter().filter(|s| *s.project == *project);
        own.fold((0, Resources::default()), |(n, sum), s| (n + 1, sum + s.flavor.resources()))
    }
}

fn about(base: &str) -> BTreeMap<&'static str, serde_json::Value> {
    BTreeMap::from([
        ("id", json!("v2.1")),
        ("status", json!("CURRENT")),
        ("version", json!(MAX.to_string())),
        ("min_version", json!(MIN.to_string())),
        ("updated", json!("2013-07-23T11:33:21Z")),
        ("links", json!([{"rel": "self", "href": format!("{base}/v2.1/")}])),
    ])
}

fn versions(call: &mut Call<'_>) -> Outcome {
    let base = &call.request.base;
    let old = json!({"id": "v2.0", "status": "SUPPORTED", "version": "", "min_version": "", "updated": "2011-01-21T11:33:21Z",
        "links": [{"rel": "self", "href": format!("{base}/v2/")}]});
    Ok(Answer::json(200, json!({"versions": [old, about(base)]})))
}

fn version(call: &mut Call<'_>) -> Outcome {
    let mut version = about(&call.request.base);
    let own = format!("{}/v2.1/", call.request.base);
    let docs = json!({"rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/"});
    version.insert("links", json!([{"rel": "self", "href": own}, docs]));
    let media =
        json!([{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}]);
    version.insert("media-types", media);
    Ok(Answer::json(200, json!({"version": version})))
}
