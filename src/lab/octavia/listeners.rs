//! Listeners.

use serde_json::{Value, json};

use super::resource::{Life, Resource, body, by_id, choice, find, list, mutable, needed, one, show, text};
use super::{LoadBalancer, Octavia, Pool, Provisioning};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, delete, get, post, put};
use crate::lab::exchange::Answer;
use crate::lab::ids::Id;
use crate::lab::stamp;
use crate::lab::table::{Row, Table};
use crate::lab::world::World;

pub(super) const ROUTES: &[Route] = &[
    get("/v2/lbaas/listeners", Rule::LbRead, "", all),
    post("/v2/lbaas/listeners", Rule::LbWrite, "", create),
    get("/v2/lbaas/listeners/{}", Rule::LbRead, "", show::<Listener>),
    put("/v2/lbaas/listeners/{}", Rule::LbWrite, "", update),
    delete("/v2/lbaas/listeners/{}", Rule::LbWrite, "", remove),
];

/// A listener.
pub(crate) struct Listener {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) lb: Id,
    pub(crate) port: u16,
    pub(crate) pool: Option<Id>,
    pub(super) life: Life,
    protocol: String,
    description: String,
}

/// What a new listener is to be.
pub(crate) struct NewListener {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) lb: Id,
    pub(crate) protocol: String,
    pub(crate) port: u16,
    pub(crate) pool: Option<Id>,
}

impl Row for Listener {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl Resource for Listener {
    const ONE: &'static str = "listener";
    const MANY: &'static str = "listeners";
    const NAME: &'static str = "Listener";

    fn table(octavia: &Octavia) -> &Table<Self> {
        &octavia.listeners
    }

    fn project<'o>(&'o self, octavia: &'o Octavia) -> &'o str {
        octavia.load_balancers.get(&self.lb).map_or("", |lb| &lb.project)
    }

    fn show(&self, world: &World) -> Value {
        let now = world.now();
        let project = self.project(&world.octavia);
        json!({
            "id": &*self.id, "name": self.name, "description": self.description, "provisioning_status": self.life.line.at(now).name(),
            "operating_status": self.operating(world), "admin_state_up": true, "protocol": self.protocol, "protocol_port": self.port,
            "connection_limit": -1, "default_tls_container_ref": null, "sni_container_refs": [], "project_id": project,
            "default_pool_id": self.pool.as_deref(), "l7policies": [], "insert_headers": {},
            "created_at": stamp::plain(self.life.created), "updated_at": self.life.updated(now), "loadbalancers": [{"id": &*self.lb}],
            "timeout_client_data": 50000, "timeout_member_connect": 5000, "timeout_member_data": 50000, "timeout_tcp_inspect": 0,
            "tags": [], "client_ca_tls_container_ref": null, "client_authentication": "NONE", "client_crl_container_ref": null,
            "allowed_cidrs": null, "tls_ciphers": null, "tls_versions": null, "alpn_protocols": null, "hsts_max_age": null,
            "hsts_include_subdomains": false, "hsts_preload": false, "tenant_id": project,
        })
    }
}

impl Listener {
    pub(super) fn operating(&self, world: &World) -> &'static str {
        super::status::operating(world, &self.lb, &self.life)
    }

    /// Adds one to a load balancer.
    pub(crate) fn create(world: &mut World, new: NewListener) -> Id {
        let listener = Listener {
            id: world.ids.uuid("listener"),
            name: new.name,
            lb: new.lb.clone(),
            port: new.port,
            pool: new.pool,
            life: Life::new(world.now()),
            protocol: new.protocol,
            description: new.description,
        };
        world.open_vip(&new.lb, new.port);
        let id = world.octavia.listeners.insert(listener);
        if let Some(lb) = world.octavia.load_balancers.get_mut(&new.lb) {
            lb.listeners.push(id.clone());
        }
        super::status::work(world, &new.lb, Provisioning::PendingCreate, |o| {
            o.listeners.get_mut(&id).map(|l| &mut l.life)
        });
        id
    }
}

const PROTOCOLS: &[&str] = &["HTTP", "PROMETHEUS", "UDP", "TCP", "TERMINATED_HTTPS", "HTTPS", "SCTP"];

/// Clients filter listeners by a load balancer, which is no member of a listener.
fn all(call: &mut Call<'_>) -> Outcome {
    let Some(lb) = call.query("loadbalancer_id").or_else(|| call.query("load_balancer_id")) else {
        return list::<Listener>(call);
    };
    let mut listing = crate::lab::api::Listing::of(call.request, false);
    listing.filters.retain(|(key, _)| !key.ends_with("balancer_id"));
    super::resource::page::<Listener>(call, &listing, |l| *l.lb == *lb)
}

fn create(call: &mut Call<'_>) -> Outcome {
    let given = body(call, "listener")?;
    let protocol = choice(given, "protocol", PROTOCOLS)?;
    let port = needed(given, "protocol_port")?.as_u64().and_then(|p| u16::try_from(p).ok());
    let port = port.ok_or_else(|| {
        Refusal::said(
            400,
            "Invalid input for field/attribute protocol_port. Value should be lower or equal to 65535",
        )
    })?;
    let pool = match given.get("default_pool_id").and_then(Value::as_str) {
        Some(id) => Some(by_id::<Pool>(call, id)?.id.clone()),
        None => None,
    };
    let lb: &LoadBalancer = by_id(call, &text(given, "loadbalancer_id"))?;
    let id = lb.id.clone();
    mutable(call, &id)?;
    if call.world.octavia.listeners.iter().any(|l| l.lb == id && l.port == port) {
        return Err(Refusal::said(
            409,
            format!(
                "Another Listener on this Load Balancer is already using protocol {protocol} and protocol_port {port}"
            ),
        ));
    }
    let new = NewListener {
        name: text(given, "name"),
        description: text(given, "description"),
        lb: id,
        protocol,
        port,
        pool,
    };
    let id = Listener::create(call.world, new);
    one::<Listener>(call, 201, &id)
}

fn update(call: &mut Call<'_>) -> Outcome {
    let listener: &Listener = find(call)?;
    let (id, lb) = (listener.id.clone(), listener.lb.clone());
    mutable(call, &lb)?;
    let given = body(call, "listener")?;
    if let Some(listener) = call.world.octavia.listeners.get_mut(&id) {
        if given.contains_key("name") {
            listener.name = text(given, "name");
        }
        if let Some(pool) = given.get("default_pool_id") {
            listener.pool = pool.as_str().map(Id::from);
        }
    }
    super::status::work(call.world, &lb, Provisioning::PendingUpdate, |o| {
        o.listeners.get_mut(&id).map(|l| &mut l.life)
    });
    one::<Listener>(call, 200, &id)
}

fn remove(call: &mut Call<'_>) -> Outcome {
    let listener: &Listener = find(call)?;
    let (id, lb) = (listener.id.clone(), listener.lb.clone());
    mutable(call, &lb)?;
    super::status::end(call.world, &lb, move |octavia| {
        if let Some(lb) = octavia.listeners.remove(&id).and_then(|l| octavia.load_balancers.get_mut(&l.lb)) {
            lb.listeners.retain(|l| *l != id);
        }
    });
    Ok(Answer::empty(204))
}
