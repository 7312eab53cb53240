//! Octavia: load balancers whose work is done by amphorae, which are servers of Nova.

mod amphorae;
mod flows;
mod listeners;
mod load_balancers;
mod members;
mod monitors;
mod pools;
mod resource;
mod status;

use serde_json::{Value, json};

pub(crate) use amphorae::Amphora;
pub(crate) use flows::{AMPHORA_FLAVOR, AMPHORA_IMAGE, AMPHORA_NETWORK};
pub(crate) use listeners::{Listener, NewListener};
pub(crate) use load_balancers::{LoadBalancer, NewLoadBalancer};
pub(crate) use members::{Member, NewMember};
pub(crate) use monitors::Monitor;
pub(crate) use pools::{NewPool, Pool};

use super::api::{Api, Call, Outcome, Refusal, Route, Rule, Version, get, shape};
use super::exchange::{Answer, Request};
use super::table::Table;

pub(super) const API: Api = Api {
    name: "octavia",
    kind: "load-balancer",
    prefix: "/load-balancer",
    root: "",
    routes: &[
        ROUTES,
        load_balancers::ROUTES,
        amphorae::ROUTES,
        listeners::ROUTES,
        pools::ROUTES,
        members::ROUTES,
        monitors::ROUTES,
        status::ROUTES,
    ],
    microversions: None,
    shape: refuse,
    finish,
};

const ROUTES: &[Route] = &[
    get("/", Rule::Open, "", versions),
    get("/v2", Rule::Token, "", word),
    get("/v2/lbaas/providers", Rule::LbRead, "", providers),
    get("/v2/lbaas/flavors", Rule::LbRead, "", flavors),
    get("/v2/lbaas/availabilityzones", Rule::LbRead, "", zones),
];

fn refuse(refusal: &Refusal, request: &Request) -> Answer {
    let status = refusal.status();
    let said = match refusal {
        Refusal::NoToken => return shape::unauthorized(request),
        Refusal::NoRoute => {
            return Answer::json(404, json!({"code": 404, "title": "Not Found", "description": ""}));
        }
        Refusal::NoMethod(_) => {
            return Answer::json(405, json!({"code": 405, "title": "Method Not Allowed", "description": ""}));
        }
        Refusal::Policy(_) => "Policy does not allow this request to be performed.".to_string(),
        _ => shape::sentence(refusal),
    };
    let code = if status < 500 { "Client" } else { "Server" };
    Answer::json(status, json!({"faultcode": code, "faultstring": said, "debuginfo": null}))
}

fn finish(answer: &mut Answer, request: &Request, _: Version) {
    if answer.status != 401 {
        answer.set_header("x-openstack-request-id", &request.id);
    }
}

/// Octavia's state.
#[derive(Default)]
pub(crate) struct Octavia {
    pub(crate) load_balancers: Table<LoadBalancer>,
    pub(crate) listeners: Table<Listener>,
    pub(crate) pools: Table<Pool>,
    pub(crate) members: Table<Member>,
    pub(crate) monitors: Table<Monitor>,
    pub(crate) amphorae: Table<Amphora>,
}

/// `provisioning_status`. While it is pending, a worker holds the load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Provisioning {
    PendingCreate,
    PendingUpdate,
    PendingDelete,
    Active,
    Error,
}

impl Provisioning {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Provisioning::PendingCreate => "PENDING_CREATE",
            Provisioning::PendingUpdate => "PENDING_UPDATE",
            Provisioning::PendingDelete => "PENDING_DELETE",
            Provisioning::Active => "ACTIVE",
            Provisioning::Error => "ERROR",
        }
    }
}

fn versions(call: &mut Call<'_>) -> Outcome {
    let own = format!("{}/v2", call.request.base);
    // 2.0 to 2.27, the last of 2024.1
    let show = |n: u8| {
        let status = if n == 27 { "CURRENT" } else { "SUPPORTED" };
        json!({"id": format!("v2.{n}"), "status": status, "updated": "2016-12-11T00:00:00Z", "links": [{"href": own, "rel": "self"}]})
    };
    let all: Vec<Value> = (0..=27).map(show).collect();
    Ok(Answer::json(200, json!({"versions": all})))
}

/// What Octavia says at its root: Pecan writes the controller's name.
fn word(_: &mut Call<'_>) -> Outcome {
    Ok(Answer::json(200, json!("v2")))
}

fn providers(_: &mut Call<'_>) -> Outcome {
    let amphora = json!({"name": "amphora", "description": "The Octavia Amphora driver."});
    Ok(Answer::json(200, json!({"providers": [amphora]})))
}

fn flavors(_: &mut Call<'_>) -> Outcome {
    Ok(Answer::json(200, json!({"flavors": [], "flavors_links": []})))
}

fn zones(_: &mut Call<'_>) -> Outcome {
    Ok(Answer::json(200, json!({"availability_zones": [], "availability_zones_links": []})))
}
