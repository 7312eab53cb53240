//! Networks.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::resource::{Resource, body, list, one, own, show, text};
use super::{Meta, Neutron, ports};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, delete, get, post, put};
use crate::lab::exchange::Answer;
use crate::lab::ids::Id;
use crate::lab::table::{Row, Table};
use crate::lab::world::World;

pub(super) const ROUTES: &[Route] = &[
    get("/v2.0/networks", Rule::Reader, "get_network", list::<Network>),
    post("/v2.0/networks", Rule::Member, "create_network", create),
    get("/v2.0/networks/{}", Rule::Reader, "get_network", show::<Network>),
    put("/v2.0/networks/{}", Rule::Member, "update_network", update),
    delete("/v2.0/networks/{}", Rule::Member, "delete_network", remove),
    get("/v2.0/network-ip-availabilities", Rule::Admin, "get_network_ip_availability", availabilities),
];

/// A network.
pub(crate) struct Network {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) project: Id,
    pub(crate) external: bool,
    shared: bool,
    description: String,
    segment: u32,
    meta: Meta,
}

/// What a new network is to be.
#[derive(Default)]
pub(crate) struct NewNetwork {
    /// Its id, where something outside the lab states it.
    pub(crate) id: Option<Id>,
    pub(crate) name: String,
    pub(crate) project: Id,
    pub(crate) external: bool,
    pub(crate) shared: bool,
    pub(crate) description: String,
}

impl Row for Network {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl Resource for Network {
    const ONE: &'static str = "network";
    const MANY: &'static str = "networks";
    const ATTRIBUTES: &'static [&'static str] = &[
        "id",
        "name",
        "tenant_id",
        "project_id",
        "admin_state_up",
        "status",
        "shared",
        "router:external",
        "description",
        "mtu",
        "is_default",
        "provider:network_type",
        "provider:physical_network",
        "provider:segmentation_id",
        "tags",
    ];

    fn table(neutron: &Neutron) -> &Table<Self> {
        &neutron.networks
    }

    fn project(&self) -> &str {
        &self.project
    }

    fn is_shared(&self) -> bool {
        self.shared || self.external
    }

    fn show(&self, world: &World, admin: bool) -> Value {
        let subnets = world.neutron.subnets.iter().filter(|s| s.network == self.id);
        let mut shown = json!({
            "id": &*self.id, "name": self.name, "tenant_id": &*self.project, "admin_state_up": true,
            "mtu": if self.external { 1500 } else { 1450 }, "status": "ACTIVE",
            "subnets": subnets.map(|s| &*s.id).collect::<Vec<_>>(), "shared": self.shared,
            "availability_zone_hints": [], "availability_zones": [], "ipv4_address_scope": null, "ipv6_address_scope": null,
            "router:external": self.external, "description": self.description, "port_security_enabled": true, "tags": [],
        });
        if self.external {
            shown["is_default"] = false.into();
        }
        self.meta.show(&mut shown, &self.project);
        if admin {
            shown["provider:network_type"] = if self.external { "flat" } else { "vxlan" }.into();
            shown["provider:physical_network"] = if self.external { "physnet1".into() } else { Value::Null };
            shown["provider:segmentation_id"] = if self.external { Value::Null } else { self.segment.into() };
        }
        shown
    }

    fn absent(id: &str) -> Refusal {
        Refusal::kind(404, "NetworkNotFound", format!("Network {id} could not be found."))
    }
}

impl Network {
    /// Makes one.
    pub(crate) fn create(world: &mut World, new: NewNetwork) -> Id {
        let now: Timestamp = world.now();
        let network = Network {
            id: new.id.unwrap_or_else(|| world.ids.uuid("network")),
            name: new.name,
            project: new.project,
            external: new.external,
            shared: new.shared,
            description: new.description,
            segment: 5000 + world.neutron.networks.len() as u32,
            meta: Meta::new(now, 1),
        };
        world.neutron.networks.insert(network)
    }

    /// Takes one away with its subnets.
    ///
    /// # Errors
    /// A port of somebody else's is still on it.
    pub(crate) fn delete(world: &mut World, id: &str) -> Result<(), Refusal> {
        let in_use: Vec<String> =
            world.neutron.ports.iter().filter(|p| *p.network == *id).map(|p| p.id.to_string()).collect();
        if !in_use.is_empty() {
            return Err(Refusal::kind(
                409,
                "NetworkInUse",
                format!(
                    "Unable to complete operation on network {id}. There are one or more ports still in use on the network, id for these ports is: {}.",
                    in_use.join(",")
                ),
            ));
        }
        let subnets: Vec<Id> =
            world.neutron.subnets.iter().filter(|s| *s.network == *id).map(|s| s.id.clone()).collect();
        for subnet in subnets {
            world.neutron.subnets.remove(&subnet);
        }
        world.neutron.networks.remove(id);
        Ok(())
    }
}

const KNOWN: &[&str] = &[
    "name",
    "admin_state_up",
    "shared",
    "router:external",
    "description",
    "mtu",
    "port_security_enabled",
    "availability_zone_hints",
    "provider:network_type",
    "provider:physical_network",
    "provider:segmentation_id",
    "dns_domain",
    "is_default",
];

fn create(call: &mut Call<'_>) -> Outcome {
    let given = body(call, "network", &[], KNOWN)?;
    let flag = |key: &str| given.get(key).and_then(Value::as_bool).unwrap_or(false);
    let admin = call.who.is_admin();
    call.allow(admin || !flag("shared"), "create_network and create_network:shared")?;
    call.allow(admin || !flag("router:external"), "create_network and create_network:router:external")?;
    let owner = text(given, "project_id").or(text(given, "tenant_id")).filter(|_| admin).map(Id::from);
    let new = NewNetwork {
        id: None,
        name: text(given, "name").unwrap_or_default().into(),
        project: owner.unwrap_or_else(|| call.who.project.clone()),
        external: flag("router:external"),
        shared: flag("shared"),
        description: text(given, "description").unwrap_or_default().into(),
    };
    let id = Network::create(call.world, new);
    let mut answer = one::<Network>(call, 201, &id)?;
    // only the answer to its creation says so of a network that is not external
    if let crate::lab::exchange::Body::Json(shown) = &mut answer.body {
        shown["network"]["is_default"] = false.into();
    }
    Ok(answer)
}

fn update(call: &mut Call<'_>) -> Outcome {
    let id = own::<Network>(call, "update_network")?.id.clone();
    let given = body(call, "network", &[], KNOWN)?;
    let now = call.world.now();
    if let Some(network) = call.world.neutron.networks.get_mut(&id) {
        if let Some(name) = text(given, "name") {
            network.name = name.into();
        }
        if let Some(description) = text(given, "description") {
            network.description = description.into();
        }
        network.meta.touch(now);
    }
    one::<Network>(call, 200, &id)
}

fn remove(call: &mut Call<'_>) -> Outcome {
    let id = own::<Network>(call, "delete_network")?.id.clone();
    Network::delete(call.world, &id)?;
    Ok(Answer::empty(204))
}

fn availabilities(call: &mut Call<'_>) -> Outcome {
    let neutron = &call.world.neutron;
    let rows: Vec<Value> = neutron
        .networks
        .by_id(None)
        .map(|network| {
            let subnets: Vec<&super::Subnet> = neutron.subnets.iter().filter(|s| s.network == network.id).collect();
            let shown: Vec<Value> = subnets.iter().map(|s| s.availability()).collect();
            let sum = |key: &str| shown.iter().filter_map(|s| s[key].as_u64()).sum::<u64>();
            json!({"network_id": &*network.id, "network_name": network.name, "tenant_id": &*network.project, "project_id": &*network.project,
                "used_ips": sum("used_ips"), "total_ips": sum("total_ips"), "subnet_ip_availability": shown})
        })
        .collect();
    Ok(Answer::json(200, json!({"network_ip_availabilities": rows})))
}

impl Neutron {
    /// Whether anything but routers is plugged into a network.
    pub(crate) fn occupied(&self, network: &str) -> bool {
        self.ports.iter().any(|p| *p.network == *network && p.owner != ports::ROUTER)
    }
}
