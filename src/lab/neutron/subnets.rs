//! Subnets. Every network of the lab is IPv4.

use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};

use super::addresses::{Cidr, Pool};
use super::resource::{Resource, body, by_id, list, one, own, show, text};
use super::{Meta, Network, Neutron};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, delete, get, post, put};
use crate::lab::exchange::Answer;
use crate::lab::ids::Id;
use crate::lab::table::{Row, Table};
use crate::lab::world::World;

pub(super) const ROUTES: &[Route] = &[
    get("/v2.0/subnets", Rule::Reader, "get_subnet", list::<Subnet>),
    post("/v2.0/subnets", Rule::Member, "create_subnet", create),
    get("/v2.0/subnets/{}", Rule::Reader, "get_subnet", show::<Subnet>),
    put("/v2.0/subnets/{}", Rule::Member, "update_subnet", update),
    delete("/v2.0/subnets/{}", Rule::Member, "delete_subnet", remove),
];

/// A subnet.
pub(crate) struct Subnet {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) network: Id,
    pub(crate) cidr: Cidr,
    pub(crate) gateway: Option<Ipv4Addr>,
    pub(super) pool: Pool,
    project: Id,
    shared: bool,
    dns: Vec<String>,
    dhcp: bool,
    meta: Meta,
}

/// What a new subnet is to be.
pub(crate) struct NewSubnet {
    pub(crate) name: String,
    pub(crate) network: Id,
    pub(crate) project: Id,
    pub(crate) cidr: Cidr,
    pub(crate) pool: Option<(Ipv4Addr, Ipv4Addr)>,
    pub(crate) dns: Vec<String>,
    pub(crate) dhcp: bool,
}

impl Row for Subnet {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl Resource for Subnet {
    const ONE: &'static str = "subnet";
    const MANY: &'static str = "subnets";
    const ATTRIBUTES: &'static [&'static str] = &[
        "id",
        "name",
        "tenant_id",
        "project_id",
        "network_id",
        "ip_version",
        "cidr",
        "gateway_ip",
        "enable_dhcp",
        "description",
        "subnetpool_id",
        "tags",
        "router:external",
        "shared",
    ];

    fn table(neutron: &Neutron) -> &Table<Self> {
        &neutron.subnets
    }

    fn project(&self) -> &str {
        &self.project
    }

    fn is_shared(&self) -> bool {
        self.shared
    }

    fn show(&self, _: &World, _: bool) -> Value {
        let mut shown = json!({
            "id": &*self.id, "name": self.name, "tenant_id": &*self.project, "network_id": &*self.network, "ip_version": 4,
            "subnetpool_id": null, "enable_dhcp": self.dhcp, "ipv6_ra_mode": null, "ipv6_address_mode": null,
            "gateway_ip": self.gateway.map(|g| g.to_string()), "cidr": self.cidr.to_string(),
            "allocation_pools": [{"start": self.pool.first.to_string(), "end": self.pool.last.to_string()}],
            "host_routes": [], "dns_nameservers": self.dns, "description": "", "service_types": [], "tags": [],
        });
        self.meta.show(&mut shown, &self.project);
        shown
    }

    fn absent(id: &str) -> Refusal {
        Refusal::kind(404, "SubnetNotFound", format!("Subnet {id} could not be found."))
    }
}

impl Subnet {
    /// Makes one.
    ///
    /// # Errors
    /// It overlaps another one of its network.
    pub(crate) fn create(world: &mut World, new: NewSubnet) -> Result<Id, Refusal> {
        let now = world.now();
        let neutron = &mut world.neutron;
        if neutron.subnets.iter().any(|s| s.network == new.network && s.cidr.overlaps(new.cidr)) {
            return Err(Refusal::kind(
                400,
                "InvalidInput",
                format!(
                    "Invalid input for operation: Requested subnet with cidr: {} for network: {} overlaps with another subnet.",
                    new.cidr, new.network
                ),
            ));
        }
        let shared = neutron.networks.get(&new.network).is_some_and(Resource::is_shared);
        let (first, last) = new.pool.unwrap_or((new.cidr.nth(2), new.cidr.last_host()));
        let subnet = Subnet {
            id: world.ids.uuid("subnet"),
            name: new.name,
            network: new.network,
            cidr: new.cidr,
            gateway: Some(new.cidr.nth(1)),
            pool: Pool::new(first, last),
            project: new.project,
            shared,
            dns: new.dns,
            dhcp: new.dhcp,
            meta: Meta::new(now, 0),
        };
        Ok(neutron.subnets.insert(subnet))
    }

    /// Takes one away.
    ///
    /// # Errors
    /// A port has an address of it.
    pub(crate) fn delete(world: &mut World, id: &str) -> Result<(), Refusal> {
        if world.neutron.ports.iter().any(|p| p.fixed.iter().any(|f| *f.subnet == *id)) {
            return Err(Refusal::kind(
                409,
                "SubnetInUse",
                format!(
                    "Unable to complete operation on subnet {id}: One or more ports have an IP allocation from this subnet."
                ),
            ));
        }
        world.neutron.subnets.remove(id);
        Ok(())
    }

    /// How much of it is taken.
    pub(super) fn availability(&self) -> Value {
        let total = u64::from(self.pool.last.to_bits() - self.pool.first.to_bits()) + 1;
        json!({"subnet_id": &*self.id, "ip_version": 4, "cidr": self.cidr.to_string(), "subnet_name": self.name,
            "used_ips": self.pool.taken(), "total_ips": total})
    }
}

const KNOWN: &[&str] = &[
    "name",
    "cidr",
    "ip_version",
    "gateway_ip",
    "allocation_pools",
    "dns_nameservers",
    "enable_dhcp",
    "host_routes",
    "description",
    "subnetpool_id",
    "prefixlen",
    "service_types",
];

fn invalid(message: String) -> Refusal {
    Refusal::kind(400, "InvalidInput", format!("Invalid input for operation: {message}"))
}

fn pool(given: &Map<String, Value>) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let pool = given.get("allocation_pools")?.get(0)?;
    let end = |key: &str| pool[key].as_str()?.parse().ok();
    Some((end("start")?, end("end")?))
}

fn names(given: &Map<String, Value>, key: &str) -> Vec<String> {
    let items = given.get(key).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(Into::into).collect()
}

fn create(call: &mut Call<'_>) -> Outcome {
    let given = body(call, "subnet", &["network_id", "ip_version"], KNOWN)?;
    let network: &Network = by_id(call, text(given, "network_id").unwrap_or_default())?;
    call.allow(call.sees(&network.project), "create_subnet")?;
    let network = network.id.clone();
    let cidr = text(given, "cidr").ok_or_else(|| {
        Refusal::kind(
            400,
            "BadRequest",
            "Bad subnets request: a subnetpool must be specified in the absence of a cidr.",
        )
    })?;
    let cidr = Cidr::parse(cidr).ok_or_else(|| invalid(format!("{cidr} is not in a CIDR format.")))?;
    let new = NewSubnet {
        name: text(given, "name").unwrap_or_default().into(),
        network,
        project: call.who.project.clone(),
        cidr,
        pool: pool(given),
        dns: names(given, "dns_nameservers"),
        dhcp: given.get("enable_dhcp").and_then(Value::as_bool).unwrap_or(true),
    };
    let id = Subnet::create(call.world, new)?;
    if let Some(gateway) = given.get("gateway_ip")
        && let Some(subnet) = call.world.neutron.subnets.get_mut(&id)
    {
        subnet.gateway = gateway.as_str().and_then(|g| g.parse().ok());
    }
    one::<Subnet>(call, 201, &id)
}

fn update(call: &mut Call<'_>) -> Outcome {
    let id = own::<Subnet>(call, "update_subnet")?.id.clone();
    let given = body(call, "subnet", &[], KNOWN)?;
    let now = call.world.now();
    if let Some(subnet) = call.world.neutron.subnets.get_mut(&id) {
        if let Some(name) = text(given, "name") {
            subnet.name = name.into();
        }
        if given.contains_key("dns_nameservers") {
            subnet.dns = names(given, "dns_nameservers");
        }
        subnet.meta.touch(now);
    }
    one::<Subnet>(call, 200, &id)
}

fn remove(call: &mut Call<'_>) -> Outcome {
    let id = own::<Subnet>(call, "delete_subnet")?.id.clone();
    Subnet::delete(call.world, &id)?;
    Ok(Answer::empty(204))
}
