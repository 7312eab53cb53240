//! Floating IPs.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::ports::{FLOATING, NewPort};
use super::resource::{Resource, body, by_id, list, one, own, show, text};
use super::{Meta, Network, Neutron, Port};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, delete, get, post, put};
use crate::lab::exchange::Answer;
use crate::lab::ids::Id;
use crate::lab::table::{Row, Table};
use crate::lab::world::World;

pub(super) const ROUTES: &[Route] = &[
    get("/v2.0/floatingips", Rule::Reader, "get_floatingip", list::<FloatingIp>),
    post("/v2.0/floatingips", Rule::Member, "create_floatingip", create),
    get("/v2.0/floatingips/{}", Rule::Reader, "get_floatingip", show::<FloatingIp>),
    put("/v2.0/floatingips/{}", Rule::Member, "update_floatingip", update),
    delete("/v2.0/floatingips/{}", Rule::Member, "delete_floatingip", remove),
];

/// A floating IP.
pub(crate) struct FloatingIp {
    pub(crate) id: Id,
    pub(crate) address: Ipv4Addr,
    pub(crate) port: Option<Id>,
    pub(crate) project: Id,
    pub(super) router: Option<Id>,
    network: Id,
    /// Its own port on the external network.
    own_port: Id,
    fixed: Option<Ipv4Addr>,
    pub(crate) description: String,
    meta: Meta,
}

/// What a new floating IP is to be.
#[derive(Default)]
pub(crate) struct NewFloatingIp {
    pub(crate) project: Id,
    pub(crate) network: Id,
    pub(crate) address: Option<Ipv4Addr>,
    pub(crate) port: Option<Id>,
    pub(crate) description: String,
}

impl Row for FloatingIp {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl Resource for FloatingIp {
    const ONE: &'static str = "floatingip";
    const MANY: &'static str = "floatingips";
    const ATTRIBUTES: &'static [&'static str] = &[
        "id",
        "tenant_id",
        "project_id",
        "floating_ip_address",
        "floating_network_id",
        "router_id",
        "port_id",
        "fixed_ip_address",
        "status",
        "description",
        "tags",
    ];

    fn table(neutron: &Neutron) -> &Table<Self> {
        &neutron.floating_ips
    }

    fn project(&self) -> &str {
        &self.project
    }

    fn show(&self, world: &World, _: bool) -> Value {
        let port = self.port.as_ref().and_then(|id| world.neutron.ports.get(id));
        let details = port.map(|p| {
            let status = p.status(world.now());
            json!({"name": p.name, "network_id": &*p.network, "mac_address": p.mac, "admin_state_up": true, "status": status,
                "device_id": p.device, "device_owner": p.owner})
        });
        let mut shown = json!({
            "id": &*self.id, "tenant_id": &*self.project, "floating_ip_address": self.address.to_string(),
            "floating_network_id": &*self.network, "router_id": self.router.as_deref(), "port_id": self.port.as_deref(),
            "fixed_ip_address": self.fixed.map(|f| f.to_string()),
            "status": if self.port.is_some() { "ACTIVE" } else { "DOWN" }, "description": self.description,
            "port_details": details, "tags": [],
        });
        self.meta.show(&mut shown, &self.project);
        shown
    }

    fn absent(id: &str) -> Refusal {
        Refusal::kind(404, "FloatingIPNotFound", format!("Floating IP {id} could not be found"))
    }
}

impl FloatingIp {
    /// Makes one.
    ///
    /// # Errors
    /// The network is not external, the address is taken, or the port has one or no way to it.
    pub(crate) fn create(world: &mut World, new: NewFloatingIp) -> Result<Id, Refusal> {
        if !world.neutron.networks.get(&new.network).is_some_and(|n| n.external) {
            return Err(Refusal::kind(
                400,
                "BadRequest",
                format!("Bad floatingip request: Network {} is not a valid external network.", new.network),
            ));
        }
        if world.neutron.refusals > 0 {
            world.neutron.refusals -= 1;
            let said = format!("No more IP addresses available on network {}.", new.network);
            return Err(Refusal::kind(409, "IpAddressGenerationFailure", said));
        }
        let id = world.ids.uuid("floating-ip");
        let port = NewPort {
            network: new.network.clone(),
            device: id.to_string(),
            owner: FLOATING,
            addresses: new.address.map(|a| (None, Some(a))).into_iter().collect(),
            admin_up: true,
            ..NewPort::default()
        };
        let own_port = Port::create(world, port)?;
        let address =
            world.neutron.ports.get(&own_port).and_then(Port::address).unwrap_or(Ipv4Addr::UNSPECIFIED);
        let floating = FloatingIp {
            id,
            address,
            port: None,
            project: new.project,
            router: None,
            network: new.network,
            own_port: own_port.clone(),
            fixed: None,
            description: new.description,
            meta: Meta::new(world.now(), 0),
        };
        let id = world.neutron.floating_ips.insert(floating);
        if let Some(port) = new.port
            && let Err(refusal) = FloatingIp::lead(world, &id, &port)
        {
            FloatingIp::delete(world, &id);
            return Err(refusal);
        }
        Ok(id)
    }

    /// Lets one lead to a port.
    ///
    /// # Errors
    /// The port has one already, or no router joins its subnet with the external network.
    pub(crate) fn lead(world: &mut World, id: &str, port: &str) -> Result<(), Refusal> {
        let neutron = &mut world.neutron;
        let target = neutron.ports.get(port).ok_or_else(|| Port::absent(port))?;
        let fixed = target.fixed.first().cloned().ok_or_else(|| {
            Refusal::kind(400, "BadRequest", format!("Bad floatingip request: Cannot add floating IP to port {port} that has no fixed IPv4 addresses."))
        })?;
        let Some(own) = neutron.floating_ips.get(id) else { return Err(FloatingIp::absent(id)) };
        if let Some(other) = neutron.floating_ip_on(port).filter(|f| *f.id != *id) {
            return Err(Refusal::kind(
                409,
                "FloatingIPPortAlreadyAssociated",
                format!(
                    "Cannot associate floating IP {} ({}) with port {port} using fixed IP {}, as that fixed IP already has a floating IP on external network {}.",
                    own.address, own.id, fixed.address, other.network
                ),
            ));
        }
        let router = neutron.router_on(&fixed.subnet).filter(|r| neutron.routers.contains(r)).ok_or_else(|| {
            Refusal::kind(404, "ExternalGatewayForFloatingIPNotFound", format!(
                "External network {} is not reachable from subnet {}.  Therefore, cannot associate Port {port} with a Floating IP.",
                own.network, fixed.subnet
            ))
        })?;
        let now = world.now();
        unlink(&mut world.neutron, id);
        if let Some(target) = world.neutron.ports.get_mut(port) {
            target.floating = Some(id.into());
        }
        if let Some(floating) = world.neutron.floating_ips.get_mut(id) {
            floating.port = Some(port.into());
            floating.fixed = Some(fixed.address);
            floating.router = Some(router);
            if floating.meta.created < now {
                floating.meta.touch(now);
            }
        }
        Ok(())
    }

    /// Lets it lead nowhere.
    pub(super) fn part(&mut self, now: Timestamp) {
        (self.port, self.fixed, self.router) = (None, None, None);
        self.meta.touch(now);
    }

    /// Takes one away.
    pub(crate) fn delete(world: &mut World, id: &str) {
        unlink(&mut world.neutron, id);
        if let Some(floating) = world.neutron.floating_ips.remove(id) {
            Port::delete(world, &floating.own_port);
        }
    }
}

impl World {
    /// Gives each server whose name holds `part` another floating IP in the place of its own, which stays in its project.
    pub(crate) fn move_floating_ips(&mut self, part: &str) {
        let of = self.nova.servers.iter().filter(|server| server.name.contains(part));
        let ports: Vec<Id> =
            of.flat_map(|server| server.plugs.iter().map(|plug| plug.port.clone())).collect();
        for port in ports {
            let Some(old) = self.neutron.floating_ip_on(&port) else { continue };
            let (id, project, network) = (old.id.clone(), old.project.clone(), old.network.clone());
            let new = NewFloatingIp { project, network, ..NewFloatingIp::default() };
            // without an address left it keeps its own
            if let Ok(new) = FloatingIp::create(self, new) {
                let now = self.now();
                unlink(&mut self.neutron, &id);
                if let Some(old) = self.neutron.floating_ips.get_mut(&id) {
                    old.part(now);
                }
                let _ = FloatingIp::lead(self, &new, &port);
            }
        }
    }
}

/// The port that a floating IP led to forgets it.
fn unlink(neutron: &mut Neutron, id: &str) {
    let port = neutron.floating_ips.get(id).and_then(|f| f.port.clone());
    if let Some(port) = port.and_then(|p| neutron.ports.get_mut(&p)) {
        port.floating = None;
    }
}

const KNOWN: &[&str] = &[
    "floating_network_id",
    "port_id",
    "fixed_ip_address",
    "floating_ip_address",
    "subnet_id",
    "description",
    "dns_name",
    "dns_domain",
    "qos_policy_id",
];

fn create(call: &mut Call<'_>) -> Outcome {
    let given = body(call, "floatingip", &["floating_network_id"], KNOWN)?;
    let network: &Network = by_id(call, text(given, "floating_network_id").unwrap_or_default())?;
    let network = network.id.clone();
    let port = text(given, "port_id").map(|id| by_id::<Port>(call, id).map(|p| p.id.clone())).transpose()?;
    let new = NewFloatingIp {
        project: call.who.project.clone(),
        network,
        address: text(given, "floating_ip_address").and_then(|a| a.parse().ok()),
        port,
        description: text(given, "description").unwrap_or_default().into(),
    };
    let id = FloatingIp::create(call.world, new)?;
    one::<FloatingIp>(call, 201, &id)
}

fn update(call: &mut Call<'_>) -> Outcome {
    let id = own::<FloatingIp>(call, "update_floatingip")?.id.clone();
    let given = body(call, "floatingip", &[], KNOWN)?;
    let now = call.world.now();
    match given.get("port_id") {
        Some(Value::String(port)) => {
            let port = by_id::<Port>(call, port)?.id.clone();
            FloatingIp::lead(call.world, &id, &port)?;
        }
        Some(_) => {
            unlink(&mut call.world.neutron, &id);
            if let Some(floating) = call.world.neutron.floating_ips.get_mut(&id) {
                floating.part(now);
            }
        }
        None => {}
    }
    if let Some(description) = text(given, "description")
        && let Some(floating) = call.world.neutron.floating_ips.get_mut(&id)
    {
        floating.description = description.into();
        floating.meta.touch(now);
    }
    one::<FloatingIp>(call, 200, &id)
}

fn remove(call: &mut Call<'_>) -> Outcome {
    let id = own::<FloatingIp>(call, "delete_floatingip")?.id.clone();
    FloatingIp::delete(call.world, &id);
    Ok(Answer::empty(204))
}
