//! Routers, their interfaces and their gateways.

use serde_json::{Value, json};

use super::ports::{Fixed, GATEWAY, NewPort, ROUTER};
use super::resource::{Resource, body, by_id, list, one, own, show, text};
use super::{Meta, Network, Neutron, Port, Subnet};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, delete, get, post, put};
use crate::lab::exchange::Answer;
use crate::lab::ids::Id;
use crate::lab::table::{Row, Table};
use crate::lab::world::World;

pub(super) const ROUTES: &[Route] = &[
    get("/v2.0/routers", Rule::Reader, "get_router", list::<Router>),
    post("/v2.0/routers", Rule::Member, "create_router", create),
    get("/v2.0/routers/{}", Rule::Reader, "get_router", show::<Router>),
    put("/v2.0/routers/{}", Rule::Member, "update_router", update),
    delete("/v2.0/routers/{}", Rule::Member, "delete_router", remove),
    put("/v2.0/routers/{}/add_router_interface", Rule::Member, "add_router_interface", add_interface),
    put(
        "/v2.0/routers/{}/remove_router_interface",
        Rule::Member,
        "remove_router_interface",
        remove_interface,
    ),
];

/// A router.
pub(crate) struct Router {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) project: Id,
    /// The port of its gateway.
    gateway: Option<Id>,
    description: String,
    meta: Meta,
}

impl Row for Router {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl Resource for Router {
    const ONE: &'static str = "router";
    const MANY: &'static str = "routers";
    const ATTRIBUTES: &'static [&'static str] = &[
        "id",
        "name",
        "tenant_id",
        "project_id",
        "admin_state_up",
        "description",
        "flavor_id",
        "ha",
        "distributed",
        "tags",
    ];

    fn table(neutron: &Neutron) -> &Table<Self> {
        &neutron.routers
    }

    fn project(&self) -> &str {
        &self.project
    }

    fn show(&self, world: &World, admin: bool) -> Value {
        let gateway = self.gateway.as_ref().and_then(|port| world.neutron.ports.get(port));
        let gateway = gateway.map(|port| {
            let fixed: Vec<Value> = port.fixed.iter().map(Fixed::show).collect();
            json!({"network_id": &*port.network, "external_fixed_ips": fixed, "enable_snat": true})
        });
        let mut shown = json!({
            "id": &*self.id, "name": self.name, "tenant_id": &*self.project, "admin_state_up": true, "status": "ACTIVE",
            "external_gateway_info": gateway, "description": self.description, "availability_zones": [],
        });
        if admin {
            shown["distributed"] = false.into();
            shown["ha"] = false.into();
        }
        shown["availability_zone_hints"] = json!([]);
        shown["routes"] = json!([]);
        shown["flavor_id"] = Value::Null;
        shown["tags"] = json!([]);
        self.meta.show(&mut shown, &self.project);
        shown
    }

    fn absent(id: &str) -> Refusal {
        Refusal::kind(404, "RouterNotFound", format!("Router {id} could not be found"))
    }
}

impl Router {
    /// Makes one.
    pub(crate) fn create(world: &mut World, name: &str, project: &Id) -> Id {
        let router = Router {
            id: world.ids.uuid("router"),
            name: name.into(),
            project: project.clone(),
            gateway: None,
            description: String::new(),
            meta: Meta::new(world.now(), 1),
        };
        world.neutron.routers.insert(router)
    }

    /// Sets or clears the gateway.
    ///
    /// # Errors
    /// The network is not external or has no address left; floating IPs need the gateway that is there.
    pub(crate) fn set_gateway(world: &mut World, id: &str, network: Option<&str>) -> Result<(), Refusal> {
        let now = world.now();
        let old = world.neutron.routers.get(id).and_then(|r| r.gateway.clone());
        let old =
            old.and_then(|port| world.neutron.ports.get(&port)).map(|p| (p.id.clone(), p.network.clone()));
        if let Some((port, on)) = old {
            if network == Some(&*on) {
                return Ok(());
            }
            if world.neutron.floating_ips.iter().any(|f| f.router.as_deref() == Some(id)) {
                return Err(Refusal::kind(
                    409,
                    "RouterExternalGatewayInUseByFloatingIp",
                    format!(
                        "Gateway cannot be updated for router {id}, since a gateway to external network {on} is required by one or more floating IPs."
                    ),
                ));
            }
            Port::delete(world, &port);
        }
        let port = match network {
            None => None,
            Some(network) => {
                if !world.neutron.networks.get(network).is_some_and(|n| n.external) {
                    return Err(Refusal::kind(
                        400,
                        "BadRequest",
                        format!("Bad router request: Network {network} is not an external network."),
                    ));
                }
                let new = NewPort {
                    network: network.into(),
                    device: id.into(),
                    owner: GATEWAY,
                    admin_up: true,
                    ..NewPort::default()
                };
                Some(Port::create(world, new)?)
            }
        };
        if let Some(router) = world.neutron.routers.get_mut(id) {
            router.gateway = port;
            router.meta.touch(now);
        }
        Ok(())
    }

    /// Joins a subnet with the gateway's address of it.
    ///
    /// # Errors
    /// The address is taken, by this router or by somebody else.
    pub(crate) fn join(world: &mut World, id: &str, subnet: &str) -> Result<Id, Refusal> {
        let bad =
            |message: String| Refusal::kind(400, "BadRequest", format!("Bad router request: {message}"));
        let on = world.neutron.subnets.get(subnet).ok_or_else(|| Subnet::absent(subnet))?;
        let project = world.neutron.routers.get(id).map(|r| r.project.clone()).unwrap_or_default();
        if interface(&world.neutron, id, subnet).is_some() {
            return Err(bad(format!("Router already has a port on subnet {subnet}.")));
        }
        let gateway =
            on.gateway.ok_or_else(|| bad("Subnet for router interface must have a gateway IP.".into()))?;
        let new = NewPort {
            network: on.network.clone(),
            project,
            device: id.into(),
            owner: ROUTER,
            addresses: vec![(Some(on.id.clone()), Some(gateway))],
            admin_up: true,
            ..NewPort::default()
        };
        Port::create(world, new)
    }

    /// Leaves a subnet.
    ///
    /// # Errors
    /// It is not on it, or floating IPs need it there.
    pub(crate) fn leave(world: &mut World, id: &str, subnet: &str) -> Result<Id, Refusal> {
        let neutron = &world.neutron;
        let port = interface(neutron, id, subnet).map(|p| p.id.clone()).ok_or_else(|| {
            Refusal::kind(
                404,
                "RouterInterfaceNotFoundForSubnet",
                format!("Router {id} has no interface on subnet {subnet}"),
            )
        })?;
        let leads_here = |f: &super::FloatingIp| {
            let behind = f.port.as_ref().and_then(|p| neutron.ports.get(p));
            f.router.as_deref() == Some(id)
                && behind.is_some_and(|p| p.fixed.iter().any(|x| *x.subnet == *subnet))
        };
        if neutron.floating_ips.iter().any(leads_here) {
            return Err(Refusal::kind(
                409,
                "RouterInterfaceInUseByFloatingIP",
                format!(
                    "Router interface for subnet {subnet} on router {id} cannot be deleted, as it is required by one or more floating IPs."
                ),
            ));
        }
        Port::delete(world, &port);
        Ok(port)
    }

    /// Takes one away.
    ///
    /// # Errors
    /// It is on a subnet.
    pub(crate) fn delete(world: &mut World, id: &str) -> Result<(), Refusal> {
        let attached: Vec<String> =
            world.neutron.ports_of(id).filter(|p| p.owner == ROUTER).map(|p| p.id.to_string()).collect();
        if !attached.is_empty() {
            return Err(Refusal::kind(
                409,
                "RouterInUse",
                format!("Router {id} has ports still attached: {}", attached.join(", ")),
            ));
        }
        Router::set_gateway(world, id, None)?;
        world.neutron.routers.remove(id);
        Ok(())
    }
}

fn interface<'n>(neutron: &'n Neutron, router: &str, subnet: &str) -> Option<&'n Port> {
    neutron
        .ports
        .iter()
        .find(|p| p.owner == ROUTER && p.device == router && p.fixed.iter().any(|f| *f.subnet == *subnet))
}

const KNOWN: &[&str] = &[
    "name",
    "admin_state_up",
    "external_gateway_info",
    "description",
    "distributed",
    "ha",
    "flavor_id",
    "availability_zone_hints",
    "routes",
];

/// The network of a gateway that a body asks for; `Some(None)` clears it.
fn asked(call: &Call<'_>) -> Result<Option<Option<Id>>, Refusal> {
    let info = call.member("router").and_then(|r| r.get("external_gateway_info"));
    match info.map(|info| info.get("network_id").and_then(Value::as_str)) {
        None => Ok(None),
        Some(None) => Ok(Some(None)),
        Some(Some(id)) => by_id::<Network>(call, id).map(|n| Some(Some(n.id.clone()))),
    }
}

fn create(call: &mut Call<'_>) -> Outcome {
    let given = body(call, "router", &[], KNOWN)?;
    let gateway = asked(call)?;
    let project = call.who.project.clone();
    let id = Router::create(call.world, text(given, "name").unwrap_or_default(), &project);
    if let Some(Some(network)) = gateway {
        Router::set_gateway(call.world, &id, Some(&network))?;
    }
    one::<Router>(call, 201, &id)
}

fn update(call: &mut Call<'_>) -> Outcome {
    let id = own::<Router>(call, "update_router")?.id.clone();
    let given = body(call, "router", &[], KNOWN)?;
    if let Some(network) = asked(call)? {
        Router::set_gateway(call.world, &id, network.as_deref())?;
    }
    let now = call.world.now();
    if let Some(router) = call.world.neutron.routers.get_mut(&id) {
        if let Some(name) = text(given, "name") {
            router.name = name.into();
        }
        if let Some(description) = text(given, "description") {
            router.description = description.into();
        }
        router.meta.touch(now);
    }
    one::<Router>(call, 200, &id)
}

fn remove(call: &mut Call<'_>) -> Outcome {
    let id = own::<Router>(call, "delete_router")?.id.clone();
    Router::delete(call.world, &id)?;
    Ok(Answer::empty(204))
}

/// The subnet that the body names, by itself or by a port on it.
fn subnet(call: &Call<'_>) -> Result<Id, Refusal> {
    if let Some(id) = call.member("subnet_id").and_then(Value::as_str) {
        return by_id::<Subnet>(call, id).map(|s| s.id.clone());
    }
    let port = call.member("port_id").and_then(Value::as_str).ok_or_else(|| {
        Refusal::kind(400, "BadRequest", "Bad router request: Either subnet_id or port_id must be specified.")
    })?;
    let port: &Port = by_id(call, port)?;
    port.fixed.first().map(|f| f.subnet.clone()).ok_or_else(|| Port::absent(&port.id))
}

fn joined(call: &Call<'_>, router: &str, subnet: &str, port: &str) -> Outcome {
    let neutron = &call.world.neutron;
    let network = neutron.subnets.get(subnet).map(|s| &*s.network);
    let project = neutron.routers.get(router).map(|r| &*r.project);
    let body = json!({"id": router, "tenant_id": project, "port_id": port, "network_id": network, "subnet_id": subnet, "subnet_ids": [subnet]});
    Ok(Answer::json(200, body))
}

fn add_interface(call: &mut Call<'_>) -> Outcome {
    let id = own::<Router>(call, "add_router_interface")?.id.clone();
    let subnet = subnet(call)?;
    let port = Router::join(call.world, &id, &subnet)?;
    joined(call, &id, &subnet, &port)
}

fn remove_interface(call: &mut Call<'_>) -> Outcome {
    let id = own::<Router>(call, "remove_router_interface")?.id.clone();
    let subnet = subnet(call)?;
    let port = Router::leave(call.world, &id, &subnet)?;
    joined(call, &id, &subnet, &port)
}
