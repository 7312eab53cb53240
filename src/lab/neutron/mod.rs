//! Neutron: networks, subnets, ports, routers, floating IPs, security groups. Changes take effect
//! at once; one that something else stands in the way of is refused, with what stands there.

mod addresses;
mod floating_ips;
mod networks;
mod ports;
mod resource;
mod routers;
mod security_groups;
mod subnets;

use std::collections::HashMap;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) use addresses::Cidr;
pub(crate) use floating_ips::{FloatingIp, NewFloatingIp};
pub(crate) use networks::{Network, NewNetwork};
pub(crate) use ports::{NewPort, Port};
pub(crate) use routers::Router;
pub(crate) use security_groups::{NewRule, SecurityGroup};
pub(crate) use subnets::{NewSubnet, Subnet};

use super::api::{Api, Call, Microversions, Outcome, Refusal, Route, Rule, Version, get, shape};
use super::exchange::{Answer, Request};
use super::ids::Id;
use super::stamp;
use super::table::Table;

pub(super) const API: Api = Api {
    name: "neutron",
    kind: "network",
    prefix: "/network",
    root: "",
    routes: &[
        ROUTES,
        networks::ROUTES,
        subnets::ROUTES,
        ports::ROUTES,
        routers::ROUTES,
        floating_ips::ROUTES,
        security_groups::ROUTES,
    ],
    microversions: None::<Microversions>,
    shape: refuse,
    finish,
};

const ROUTES: &[Route] = &[
    get("/", Rule::Open, "", versions),
    get("/v2.0", Rule::Token, "", root),
    get("/v2.0/extensions", Rule::Token, "", extensions),
    get("/v2.0/extensions/{}", Rule::Token, "", extension),
    get("/v2.0/agents", Rule::Token, "get_agent", agents),
];

fn refuse(refusal: &Refusal, request: &Request) -> Answer {
    let (kind, message) = match refusal {
        Refusal::NoToken => return shape::unauthorized(request),
        Refusal::NoRoute | Refusal::NoMethod(_) => ("HTTPNotFound", shape::NOT_FOUND.to_string()),
        Refusal::Policy(policy) => {
            let rules = policy.replace(" and ", " and rule:");
            let rules = if rules == *policy { format!("rule:{rules}") } else { format!("(rule:{rules})") };
            ("PolicyNotAuthorized", format!("{rules} is disallowed by policy"))
        }
        Refusal::Said { kind, message, .. } if !kind.is_empty() => (kind.as_ref(), message.clone()),
        _ => ("HTTPInternalServerError", shape::sentence(refusal)),
    };
    let status = if matches!(refusal, Refusal::NoMethod(_)) { 404 } else { refusal.status() };
    Answer::json(status, json!({"NeutronError": {"type": kind, "message": message, "detail": ""}}))
}

fn finish(answer: &mut Answer, request: &Request, _: Version) {
    if !request.path.trim_matches('/').is_empty() {
        answer.set_header("x-openstack-request-id", &request.id);
    }
}

/// Neutron's state.
#[derive(Default)]
pub(crate) struct Neutron {
    pub(crate) networks: Table<Network>,
    pub(crate) subnets: Table<Subnet>,
    pub(crate) ports: Table<Port>,
    pub(crate) routers: Table<Router>,
    pub(crate) floating_ips: Table<FloatingIp>,
    pub(crate) security_groups: Table<SecurityGroup>,
    /// The group `default` of each project that ever looked for one.
    default_groups: HashMap<Id, Id>,
    /// So many floating IPs to come find no address left.
    pub(crate) refusals: u32,
    /// How many rules there have been.
    rules: usize,
}

/// What every resource of Neutron keeps about itself.
#[derive(Clone, Debug)]
pub(crate) struct Meta {
    created: Timestamp,
    updated: Timestamp,
    revision: u32,
}

impl Meta {
    pub(super) fn new(now: Timestamp, revision: u32) -> Self {
        Meta { created: now, updated: now, revision }
    }

    pub(super) fn touch(&mut self, now: Timestamp) {
        self.updated = now;
        self.revision += 1;
    }

    /// The members that end most resources.
    fn show(&self, into: &mut Value, project: &str) {
        into["created_at"] = stamp::zulu(self.created).into();
        into["updated_at"] = stamp::zulu(self.updated).into();
        into["revision_number"] = self.revision.into();
        into["project_id"] = project.into();
    }
}

impl Neutron {
    /// The network of a name.
    pub(crate) fn network_named(&self, name: &str) -> Option<&Network> {
        self.networks.iter().find(|n| n.name == name || *n.id == *name)
    }

    /// The first subnet of a network.
    pub(crate) fn subnet_of(&self, network: &str) -> Option<&Subnet> {
        self.subnets.iter().find(|s| *s.network == *network)
    }

    /// The ports of a server, a router or a load balancer.
    pub(crate) fn ports_of(&self, device: &str) -> impl Iterator<Item = &Port> {
        self.ports.iter().filter(move |p| p.device == device)
    }

    /// The router that joins a subnet.
    pub(crate) fn router_on(&self, subnet: &str) -> Option<Id> {
        let port = self
            .ports
            .iter()
            .find(|p| p.owner == ports::ROUTER && p.fixed.iter().any(|f| *f.subnet == *subnet));
        port.map(|p| p.device.as_str().into())
    }

    /// The floating IP that leads to a port.
    pub(crate) fn floating_ip_on(&self, port: &str) -> Option<&FloatingIp> {
        self.floating_ips.get(self.ports.get(port)?.floating.as_ref()?)
    }

    /// The port that an address leads to: its own, or through a floating IP.
    pub(crate) fn port_at(&self, address: Ipv4Addr) -> Option<&Port> {
        match self.floating_ips.iter().find(|f| f.address == address) {
            Some(floating) => self.ports.get(floating.port.as_deref()?),
            None => self.ports.iter().find(|p| p.fixed.iter().any(|f| f.address == address)),
        }
    }
}

fn versions(call: &mut Call<'_>) -> Outcome {
    let own = format!("{}/v2.0/", call.request.base);
    let version = json!({"id": "v2.0", "status": "CURRENT", "links": [{"rel": "self", "href": own}]});
    Ok(Answer::json(200, json!({"versions": [version]})))
}

fn root(call: &mut Call<'_>) -> Outcome {
    let resource = |one: &str, many: &str| {
        let own = format!("{}/v2.0/{many}", call.request.base);
        json!({"name": one, "collection": many, "links": [{"rel": "self", "href": own}]})
    };
    let all =
        [("network", "networks"), ("subnet", "subnets"), ("subnetpool", "subnetpools"), ("port", "ports")];
    Ok(Answer::json(200, json!({"resources": all.map(|(one, many)| resource(one, many))})))
}

/// Extensions that clients ask for before they use them.
const EXTENSIONS: &[(&str, &str, &str)] = &[
    (
        "router",
        "Neutron L3 Router",
        "Router abstraction for basic L3 forwarding between L2 Neutron networks and access to external networks via a NAT gateway.",
    ),
    ("external-net", "Neutron external network", "Adds external network attribute to network resource."),
    ("security-group", "security-group", "The security groups extension."),
    ("port-security", "Port Security", "Provides port security"),
    ("allowed-address-pairs", "Allowed Address Pairs", "Provides allowed address pairs"),
    ("binding", "Port Binding", "Expose port bindings of a virtual port to external application"),
    ("pagination", "Pagination support", "Extension that indicates that pagination is enabled."),
    ("sorting", "Sorting support", "Extension that indicates that sorting is enabled."),
    (
        "standard-attr-revisions",
        "Resource revision numbers",
        "This extension will display the revision number of neutron resources.",
    ),
    (
        "standard-attr-timestamp",
        "Resource timestamps",
        "Adds created_at and updated_at fields to all Neutron resources that have Neutron standard attributes.",
    ),
];

fn show_extension((alias, name, description): &(&str, &str, &str)) -> Value {
    json!({"name": name, "alias": alias, "description": description, "updated": "2012-07-20T10:00:00-00:00", "links": []})
}

fn extensions(_: &mut Call<'_>) -> Outcome {
    let all: Vec<Value> = EXTENSIONS.iter().map(show_extension).collect();
    Ok(Answer::json(200, json!({"extensions": all})))
}

fn extension(call: &mut Call<'_>) -> Outcome {
    let alias = call.param(0);
    Ok(match EXTENSIONS.iter().find(|(a, _, _)| *a == alias) {
        Some(found) => Answer::json(200, json!({"extension": show_extension(found)})),
        None => {
            shape::page(404, &format!("{} Extension with alias {alias} does not exist", shape::NOT_FOUND))
        }
    })
}

/// No agent runs in the lab, as none does where OVN is the driver and nobody asks its northbound side.
fn agents(_: &mut Call<'_>) -> Outcome {
    Ok(Answer::json(200, json!({"agents": []})))
}
