//! Load balancers.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::resource::{Life, Resource, body, find, list, one, refs, show, text};
use super::{Octavia, Provisioning};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, delete, get, post, put};
use crate::lab::exchange::Answer;
use crate::lab::ids::Id;
use crate::lab::stamp;
use crate::lab::table::{Row, Table};
use crate::lab::world::World;

pub(super) const ROUTES: &[Route] = &[
    get("/v2/lbaas/loadbalancers", Rule::LbRead, "", list::<LoadBalancer>),
    post("/v2/lbaas/loadbalancers", Rule::LbWrite, "", create),
    get("/v2/lbaas/loadbalancers/{}", Rule::LbRead, "", show::<LoadBalancer>),
    put("/v2/lbaas/loadbalancers/{}", Rule::LbWrite, "", update),
    delete("/v2/lbaas/loadbalancers/{}", Rule::LbWrite, "", remove),
    put("/v2/lbaas/loadbalancers/{}/failover", Rule::LbAdmin, "", failover),
];

/// A load balancer.
pub(crate) struct LoadBalancer {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) project: Id,
    pub(crate) vip: Vip,
    pub(crate) life: Life,
    /// From when on an amphora answers for it.
    pub(super) online: Option<Timestamp>,
    /// `admin_state_up`: its owner has it switched on.
    pub(crate) enabled: bool,
    /// No heartbeat of its amphorae reaches the health manager.
    pub(crate) unheard: bool,
    pub(super) description: String,
    pub(super) tags: Vec<String>,
    pub(crate) listeners: Vec<Id>,
    pub(crate) pools: Vec<Id>,
    /// The security group of its VIP.
    pub(super) group: Option<Id>,
}

/// Where a load balancer is reached.
#[derive(Clone, Debug)]
pub(crate) struct Vip {
    pub(crate) address: Ipv4Addr,
    pub(crate) port: Id,
    pub(crate) subnet: Id,
    pub(crate) network: Id,
}

/// What a new load balancer is to be.
pub(crate) struct NewLoadBalancer {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) project: Id,
    pub(crate) subnet: Id,
    pub(crate) address: Option<Ipv4Addr>,
    pub(crate) enabled: bool,
    pub(crate) tags: Vec<String>,
}

impl Row for LoadBalancer {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl Resource for LoadBalancer {
    const ONE: &'static str = "loadbalancer";
    const MANY: &'static str = "loadbalancers";
    const NAME: &'static str = "Load Balancer";

    fn table(octavia: &Octavia) -> &Table<Self> {
        &octavia.load_balancers
    }

    fn project<'o>(&'o self, _: &'o Octavia) -> &'o str {
        &self.project
    }

    fn show(&self, world: &World) -> Value {
        let now = world.now();
        json!({
            "id": &*self.id, "name": self.name, "description": self.description,
            "provisioning_status": self.life.line.at(now).name(), "operating_status": self.operating(now), "admin_state_up": self.enabled,
            "project_id": &*self.project, "created_at": stamp::plain(self.life.created), "updated_at": self.life.updated(now),
            "vip_address": self.vip.address.to_string(), "vip_port_id": &*self.vip.port, "vip_subnet_id": &*self.vip.subnet,
            "vip_network_id": &*self.vip.network, "additional_vips": [], "listeners": refs(&self.listeners), "pools": refs(&self.pools),
            "provider": "amphora", "flavor_id": null, "vip_qos_policy_id": null, "tags": self.tags, "availability_zone": null,
            "vip_vnic_type": "normal", "tenant_id": &*self.project,
        })
    }
}

impl LoadBalancer {
    /// `operating_status`: whether the heartbeats say that traffic goes through, whatever a worker is at. Until one has come,
    /// and while its owner has it switched off, it is OFFLINE.
    pub(super) fn operating(&self, now: Timestamp) -> &'static str {
        if self.is_online(now) && !self.unheard { "ONLINE" } else { "OFFLINE" }
    }

    /// Whether traffic goes through.
    pub(crate) fn is_online(&self, now: Timestamp) -> bool {
        self.enabled && self.online.is_some_and(|from| from <= now)
    }

    /// Since when it is in the state that it is in.
    pub(crate) fn since(&self, now: Timestamp) -> Timestamp {
        self.life.line.since(now)
    }

    /// A worker failed at it; its amphora goes on.
    pub(crate) fn fail(&mut self, now: Timestamp) {
        self.life.line.set(now, Provisioning::Error);
    }

    /// The worker that was at it died: nobody takes it out of PENDING_UPDATE.
    pub(crate) fn abandon(&mut self, now: Timestamp) {
        self.life.line.set(now, Provisioning::PendingUpdate);
    }

    /// `provisioning_status`.
    pub(crate) fn provisioning(&self, now: Timestamp) -> Provisioning {
        self.life.line.at(now)
    }
}

/// A state that does not allow what is asked.
fn conflict(lb: &LoadBalancer, now: Timestamp) -> Refusal {
    Refusal::said(
        409,
        format!("Invalid state {} of loadbalancer resource {}", lb.provisioning(now).name(), lb.id),
    )
}

const KNOWN: &[&str] = &[
    "name",
    "description",
    "vip_subnet_id",
    "vip_network_id",
    "vip_port_id",
    "vip_address",
    "provider",
    "admin_state_up",
    "project_id",
    "tags",
    "flavor_id",
    "availability_zone",
    "vip_qos_policy_id",
    "additional_vips",
    "listeners",
    "pools",
    "vip_sg_ids",
];

/// The subnet of the VIP that a body asks for.
fn vip_subnet(call: &Call<'_>, given: &serde_json::Map<String, Value>) -> Result<Id, Refusal> {
    let neutron = &call.world.neutron;
    let uuid = |key: &str| {
        let Some(id) = given.get(key).and_then(Value::as_str) else { return Ok(None) };
        if id.len() == 36 {
            return Ok(Some(id));
        }
        Err(Refusal::said(
            400,
            format!("Invalid input for field/attribute {key}. Value: '{id}'. Value should be UUID format"),
        ))
    };
    let missing = |what: &str, id: &str| Refusal::said(400, format!("{what} {id} not found."));
    if let Some(id) = uuid("vip_subnet_id")? {
        return neutron.subnets.get(id).map(|s| s.id.clone()).ok_or_else(|| missing("Subnet", id));
    }
    if let Some(id) = uuid("vip_network_id")? {
        return neutron.subnet_of(id).map(|s| s.id.clone()).ok_or_else(|| missing("Network", id));
    }
    if let Some(id) = uuid("vip_port_id")? {
        let port = neutron.ports.get(id).and_then(|p| p.fixed.first());
        return port.map(|f| f.subnet.clone()).ok_or_else(|| missing("Port", id));
    }
    Err(Refusal::said(
        400,
        "Validation failure: VIP must contain one of: vip_port_id, vip_network_id, vip_subnet_id.",
    ))
}

fn create(call: &mut Call<'_>) -> Outcome {
    let given = body(call, "loadbalancer")?;
    if let Some(strange) = given.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err(Refusal::said(
            400,
            format!("Unknown attribute for argument load_balancer.loadbalancer: {strange}"),
        ));
    }
    let subnet = vip_subnet(call, given)?;
    if let Some(provider) =
        given.get("provider").and_then(Value::as_str).filter(|p| !["amphora", "octavia"].contains(p))
    {
        return Err(Refusal::said(400, format!("Provider '{provider}' is not enabled.")));
    }
    let tags = given.get("tags").and_then(Value::as_array).into_iter().flatten();
    let new = NewLoadBalancer {
        name: text(given, "name"),
        description: text(given, "description"),
        project: call.who.project.clone(),
        subnet,
        address: given.get("vip_address").and_then(Value::as_str).and_then(|a| a.parse().ok()),
        enabled: given.get("admin_state_up").and_then(Value::as_bool).unwrap_or(true),
        tags: tags.filter_map(Value::as_str).map(Into::into).collect(),
    };
    let id = LoadBalancer::create(call.world, new)?;
    one::<LoadBalancer>(call, 201, &id)
}

fn update(call: &mut Call<'_>) -> Outcome {
    let lb: &LoadBalancer = find(call)?;
    let (id, now) = (lb.id.clone(), call.world.now());
    if lb.provisioning(now) != Provisioning::Active {
        return Err(conflict(lb, now));
    }
    let given = body(call, "loadbalancer")?;
    if let Some(lb) = call.world.octavia.load_balancers.get_mut(&id) {
        if given.contains_key("name") {
            lb.name = text(given, "name");
        }
        if given.contains_key("description") {
            lb.description = text(given, "description");
        }
        if let Some(on) = given.get("admin_state_up").and_then(Value::as_bool) {
            lb.enabled = on;
        }
    }
    LoadBalancer::touch(call.world, &id);
    one::<LoadBalancer>(call, 200, &id)
}

fn remove(call: &mut Call<'_>) -> Outcome {
    let lb: &LoadBalancer = find(call)?;
    let (id, now) = (lb.id.clone(), call.world.now());
    let parts = !lb.listeners.is_empty() || !lb.pools.is_empty();
    let cascade = call.query("cascade").is_some_and(|c| c.eq_ignore_ascii_case("true") || c == "1");
    if parts && !cascade {
        return Err(Refusal::said(
            400,
            format!("Validation failure: Cannot delete Load Balancer {id} - it has children"),
        ));
    }
    if !matches!(lb.provisioning(now), Provisioning::Active | Provisioning::Error) {
        return Err(conflict(lb, now));
    }
    LoadBalancer::delete(call.world, &id);
    Ok(Answer::empty(204))
}

fn failover(call: &mut Call<'_>) -> Outcome {
    let lb: &LoadBalancer = find(call)?;
    let (id, now) = (lb.id.clone(), call.world.now());
    if !matches!(lb.provisioning(now), Provisioning::Active | Provisioning::Error) {
        return Err(conflict(lb, now));
    }
    LoadBalancer::failover(call.world, &id);
    Ok(Answer::empty(202))
}
