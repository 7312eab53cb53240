//! Ports: who is plugged in where, with which address.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::resource::{Resource, body, by_id, list, one, own, show, text};
use super::{Meta, Network, Neutron, SecurityGroup};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, delete, get, post, put};
use crate::lab::exchange::Answer;
use crate::lab::ids::Id;
use crate::lab::table::{Row, Table};
use crate::lab::world::World;

pub(super) const ROUTES: &[Route] = &[
    get("/v2.0/ports", Rule::Reader, "get_port", list::<Port>),
    post("/v2.0/ports", Rule::Member, "create_port", create),
    get("/v2.0/ports/{}", Rule::Reader, "get_port", show::<Port>),
    put("/v2.0/ports/{}", Rule::Member, "update_port", update),
    delete("/v2.0/ports/{}", Rule::Member, "delete_port", remove),
];

/// The owner of a router's port on a subnet.
pub(crate) const ROUTER: &str = "network:router_interface";
/// The owner of a router's port on an external network.
pub(crate) const GATEWAY: &str = "network:router_gateway";
/// The owner of a floating IP's port.
pub(crate) const FLOATING: &str = "network:floatingip";
/// The owner of a server's port.
pub(crate) const SERVER: &str = "compute:nova";

/// An address of a port.
#[derive(Clone, Debug)]
pub(crate) struct Fixed {
    pub(crate) subnet: Id,
    pub(crate) address: Ipv4Addr,
}

impl Fixed {
    pub(super) fn show(&self) -> Value {
        json!({"subnet_id": &*self.subnet, "ip_address": self.address.to_string()})
    }
}

/// A port.
pub(crate) struct Port {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) network: Id,
    /// Empty for what the cloud itself owns.
    pub(crate) project: Id,
    pub(crate) mac: String,
    pub(crate) device: String,
    pub(crate) owner: &'static str,
    pub(crate) fixed: Vec<Fixed>,
    pub(crate) groups: Vec<Id>,
    /// Another address that it may answer for.
    pub(crate) pair: Option<Ipv4Addr>,
    /// The floating IP that leads to it.
    pub(super) floating: Option<Id>,
    admin_up: bool,
    host: Option<String>,
    /// From when on it is ACTIVE.
    active: Option<Timestamp>,
    description: String,
    meta: Meta,
}

/// What a new port is to be.
#[derive(Default)]
pub(crate) struct NewPort {
    pub(crate) name: String,
    pub(crate) network: Id,
    pub(crate) project: Id,
    pub(crate) device: String,
    pub(crate) owner: &'static str,
    /// These addresses; one of any subnet of the network if there are none.
    pub(crate) addresses: Vec<(Option<Id>, Option<Ipv4Addr>)>,
    pub(crate) groups: Vec<Id>,
    pub(crate) pair: Option<Ipv4Addr>,
    pub(crate) admin_up: bool,
    pub(crate) description: String,
}

impl Row for Port {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl Resource for Port {
    const ONE: &'static str = "port";
    const MANY: &'static str = "ports";
    const ATTRIBUTES: &'static [&'static str] = &[
        "id",
        "name",
        "tenant_id",
        "project_id",
        "network_id",
        "mac_address",
        "admin_state_up",
        "status",
        "device_id",
        "device_owner",
        "fixed_ips",
        "security_groups",
        "description",
        "binding:host_id",
        "tags",
    ];

    fn table(neutron: &Neutron) -> &Table<Self> {
        &neutron.ports
    }

    fn project(&self) -> &str {
        &self.project
    }

    fn show(&self, world: &World, admin: bool) -> Value {
        let pairs: Vec<Value> =
            self.pair.iter().map(|p| json!({"mac_address": self.mac, "ip_address": p.to_string()})).collect();
        let mut shown = json!({
            "id": &*self.id, "name": self.name, "network_id": &*self.network, "tenant_id": &*self.project,
            "mac_address": self.mac, "admin_state_up": self.admin_up, "status": self.status(world.now()),
            "device_id": self.device, "device_owner": self.owner,
            "fixed_ips": self.fixed.iter().map(Fixed::show).collect::<Vec<_>>(), "allowed_address_pairs": pairs,
            "extra_dhcp_opts": [], "security_groups": self.groups.iter().map(|g| &**g).collect::<Vec<_>>(),
            "description": self.description, "binding:vnic_type": "normal",
        });
        if admin {
            let bound = self.host.is_some();
            shown["binding:profile"] = json!({});
            shown["binding:host_id"] = self.host.as_deref().unwrap_or_default().into();
            shown["binding:vif_type"] = if bound { "ovs" } else { "unbound" }.into();
            shown["binding:vif_details"] =
                if bound { json!({"port_filter": true, "bound_drivers": {"0": "ovn"}}) } else { json!({}) };
        }
        shown["port_security_enabled"] = (!self.owner.starts_with("network:")).into();
        shown["tags"] = json!([]);
        self.meta.show(&mut shown, &self.project);
        shown
    }

    fn absent(id: &str) -> Refusal {
        Refusal::kind(404, "PortNotFound", format!("Port {id} could not be found."))
    }
}

impl Port {
    pub(crate) fn status(&self, now: Timestamp) -> &'static str {
        if self.active.is_some_and(|from| from <= now) { "ACTIVE" } else { "DOWN" }
    }

    /// The first of its addresses.
    pub(crate) fn address(&self) -> Option<Ipv4Addr> {
        self.fixed.first().map(|f| f.address)
    }

    /// Makes one with its addresses.
    ///
    /// # Errors
    /// An address is taken or in none of the network's subnets, or there is none left.
    pub(crate) fn create(world: &mut World, new: NewPort) -> Result<Id, Refusal> {
        let fixed = if new.addresses.is_empty() {
            match world.neutron.subnet_of(&new.network).map(|s| s.id.clone()) {
                Some(subnet) => vec![take(world, &new.network, Some(subnet), None)?],
                None => Vec::new(),
            }
        } else {
            let each = new.addresses.into_iter();
            each.map(|(subnet, address)| take(world, &new.network, subnet, address))
                .collect::<Result<_, _>>()?
        };
        let port = Port {
            id: world.ids.uuid("port"),
            name: new.name,
            network: new.network,
            project: new.project,
            mac: world.ids.mac(),
            device: new.device,
            owner: new.owner,
            fixed,
            groups: new.groups,
            pair: new.pair,
            floating: None,
            admin_up: new.admin_up,
            host: None,
            active: None,
            description: new.description,
            meta: Meta::new(world.now(), 1),
        };
        Ok(world.neutron.ports.insert(port))
    }

    /// Takes one away, whoever owns it, and what leads to it.
    pub(crate) fn delete(world: &mut World, id: &str) {
        let now = world.now();
        let Some(port) = world.neutron.ports.remove(id) else { return };
        for Fixed { subnet, address } in &port.fixed {
            if let Some(subnet) = world.neutron.subnets.get_mut(subnet) {
                subnet.pool.free(*address);
            }
        }
        if let Some(floating) = port.floating.and_then(|id| world.neutron.floating_ips.get_mut(&id)) {
            floating.part(now);
        }
    }

    /// Plugs one into a server on a host.
    pub(crate) fn bind(world: &mut World, id: &str, server: &str, host: &str, active: Timestamp) {
        let now = world.now();
        if let Some(port) = world.neutron.ports.get_mut(id) {
            port.device = server.into();
            port.owner = SERVER;
            port.host = Some(host.into());
            port.active = Some(active);
            port.meta.touch(now);
        }
    }

    /// Unplugs one that outlives its server.
    pub(crate) fn unbind(world: &mut World, id: &str) {
        let now = world.now();
        if let Some(port) = world.neutron.ports.get_mut(id) {
            port.device.clear();
            port.owner = "";
            port.host = None;
            port.active = None;
            port.meta.touch(now);
        }
    }
}

/// Takes an address of a network.
fn take(
    world: &mut World,
    network: &str,
    subnet: Option<Id>,
    address: Option<Ipv4Addr>,
) -> Result<Fixed, Refusal> {
    let mut subnets = world.neutron.subnets.iter_mut().filter(|s| *s.network == *network);
    let fits = |s: &super::Subnet| {
        subnet.as_ref().is_none_or(|id| *id == s.id) && address.is_none_or(|a| s.cidr.contains(a))
    };
    let subnet = subnets.find(|s| fits(s)).ok_or_else(|| {
        let address = address.map_or_else(|| "None".to_string(), |a| a.to_string());
        Refusal::kind(
            400,
            "InvalidIpForNetwork",
            format!(
                "IP address {address} is not a valid IP for any of the subnets on the specified network."
            ),
        )
    })?;
    let id = subnet.id.clone();
    let address = match address {
        Some(address) if subnet.pool.claim(address) => address,
        Some(address) => {
            return Err(Refusal::kind(
                409,
                "IpAddressAlreadyAllocated",
                format!("IP address {address} already allocated in subnet {id}"),
            ));
        }
        None => subnet.pool.take().ok_or_else(|| {
            Refusal::kind(
                409,
                "IpAddressGenerationFailure",
                format!("No more IP addresses available on network {network}."),
            )
        })?,
    };
    Ok(Fixed { subnet: id, address })
}

const KNOWN: &[&str] = &[
    "name",
    "network_id",
    "admin_state_up",
    "mac_address",
    "fixed_ips",
    "device_id",
    "device_owner",
    "security_groups",
    "allowed_address_pairs",
    "description",
    "port_security_enabled",
    "binding:host_id",
    "binding:profile",
    "binding:vnic_type",
    "extra_dhcp_opts",
    "dns_name",
    "qos_policy_id",
];

fn ids(given: &Map<String, Value>, key: &str) -> Option<Vec<Id>> {
    let items = given.get(key)?.as_array()?;
    Some(items.iter().filter_map(Value::as_str).map(Id::from).collect())
}

fn create(call: &mut Call<'_>) -> Outcome {
    let given = body(call, "port", &["network_id"], KNOWN)?;
    let network: &Network = by_id(call, text(given, "network_id").unwrap_or_default())?;
    let network = network.id.clone();
    let groups = match ids(given, "security_groups") {
        Some(groups) => groups,
        None => {
            let project = call.who.project.clone();
            vec![SecurityGroup::default_of(call.world, &project)]
        }
    };
    let fixed = given.get("fixed_ips").and_then(Value::as_array).into_iter().flatten();
    let addresses = fixed.map(|f| {
        let address = f["ip_address"].as_str().and_then(|a| a.parse().ok());
        (f["subnet_id"].as_str().map(Id::from), address)
    });
    let new = NewPort {
        name: text(given, "name").unwrap_or_default().into(),
        network,
        project: call.who.project.clone(),
        device: text(given, "device_id").unwrap_or_default().into(),
        owner: "",
        addresses: addresses.collect(),
        groups,
        pair: None,
        admin_up: given.get("admin_state_up").and_then(Value::as_bool).unwrap_or(true),
        description: text(given, "description").unwrap_or_default().into(),
    };
    let id = Port::create(call.world, new)?;
    one::<Port>(call, 201, &id)
}

fn update(call: &mut Call<'_>) -> Outcome {
    let id = own::<Port>(call, "update_port")?.id.clone();
    let given = body(call, "port", &[], KNOWN)?;
    let now = call.world.now();
    if let Some(port) = call.world.neutron.ports.get_mut(&id) {
        if let Some(name) = text(given, "name") {
            port.name = name.into();
        }
        if let Some(groups) = ids(given, "security_groups") {
            port.groups = groups;
        }
        if let Some(up) = given.get("admin_state_up").and_then(Value::as_bool) {
            port.admin_up = up;
        }
        port.meta.touch(now);
    }
    one::<Port>(call, 200, &id)
}

fn remove(call: &mut Call<'_>) -> Outcome {
    let port = own::<Port>(call, "delete_port")?;
    let (id, owner) = (port.id.clone(), port.owner);
    if owner.starts_with("network:") {
        return Err(Refusal::kind(
            409,
            "ServicePortInUse",
            format!("Port {id} cannot be deleted directly via the port API: has device owner {owner}."),
        ));
    }
    Port::delete(call.world, &id);
    Ok(Answer::empty(204))
}
