//! Pools.

use serde_json::{Value, json};

use super::resource::{Life, Resource, body, by_id, choice, find, list, mutable, one, refs, show, text};
use super::{Listener, LoadBalancer, Octavia, Provisioning};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, delete, get, post};
use crate::lab::exchange::Answer;
use crate::lab::ids::Id;
use crate::lab::stamp;
use crate::lab::table::{Row, Table};
use crate::lab::world::World;

pub(super) const ROUTES: &[Route] = &[
    get("/v2/lbaas/pools", Rule::LbRead, "", all),
    post("/v2/lbaas/pools", Rule::LbWrite, "", create),
    get("/v2/lbaas/pools/{}", Rule::LbRead, "", show::<Pool>),
    delete("/v2/lbaas/pools/{}", Rule::LbWrite, "", remove),
];

/// A pool.
pub(crate) struct Pool {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) lb: Id,
    pub(crate) members: Vec<Id>,
    pub(super) monitor: Option<Id>,
    pub(super) life: Life,
    protocol: String,
    algorithm: String,
    description: String,
}

/// What a new pool is to be.
pub(crate) struct NewPool {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) lb: Id,
    /// The listener whose traffic it takes.
    pub(crate) listener: Option<Id>,
    pub(crate) protocol: String,
    pub(crate) algorithm: String,
}

impl Row for Pool {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl Resource for Pool {
    const ONE: &'static str = "pool";
    const MANY: &'static str = "pools";
    const NAME: &'static str = "Pool";

    fn table(octavia: &Octavia) -> &Table<Self> {
        &octavia.pools
    }

    fn project<'o>(&'o self, octavia: &'o Octavia) -> &'o str {
        octavia.load_balancers.get(&self.lb).map_or("", |lb| &lb.project)
    }

    fn show(&self, world: &World) -> Value {
        let (now, octavia) = (world.now(), &world.octavia);
        let project = self.project(octavia);
        let of_lb = octavia.load_balancers.get(&self.lb).into_iter().flat_map(|lb| &lb.listeners);
        let takes = |id: &&Id| octavia.listeners.get(id).is_some_and(|l| l.pool.as_ref() == Some(&self.id));
        let listeners = of_lb.filter(takes);
        let mut shown = json!({
            "id": &*self.id, "name": self.name, "description": self.description, "provisioning_status": self.life.line.at(now).name(),
            "operating_status": self.operating(world), "admin_state_up": true, "protocol": self.protocol, "lb_algorithm": self.algorithm,
            "session_persistence": null, "project_id": project, "loadbalancers": [{"id": &*self.lb}], "listeners": refs(listeners),
            "created_at": stamp::plain(self.life.created), "updated_at": self.life.updated(now),
        });
        if let Some(monitor) = &self.monitor {
            shown["healthmonitor_id"] = (**monitor).into();
        }
        shown["members"] = refs(&self.members);
        for (key, value) in [
            ("tags", json!([])),
            ("tls_container_ref", Value::Null),
            ("ca_tls_container_ref", Value::Null),
            ("crl_container_ref", Value::Null),
            ("tls_enabled", false.into()),
            ("tls_ciphers", Value::Null),
            ("tls_versions", Value::Null),
            ("alpn_protocols", Value::Null),
            ("tenant_id", project.into()),
        ] {
            shown[key] = value;
        }
        shown
    }
}

impl Pool {
    pub(super) fn operating(&self, world: &World) -> &'static str {
        super::status::operating(world, &self.lb, &self.life)
    }

    /// Adds one to a load balancer.
    pub(crate) fn create(world: &mut World, new: NewPool) -> Id {
        let pool = Pool {
            id: world.ids.uuid("pool"),
            name: new.name,
            lb: new.lb.clone(),
            members: Vec::new(),
            monitor: None,
            life: Life::new(world.now()),
            protocol: new.protocol,
            algorithm: new.algorithm,
            description: new.description,
        };
        let id = world.octavia.pools.insert(pool);
        if let Some(lb) = world.octavia.load_balancers.get_mut(&new.lb) {
            lb.pools.push(id.clone());
        }
        super::status::work(world, &new.lb, Provisioning::PendingCreate, |o| {
            o.pools.get_mut(&id).map(|p| &mut p.life)
        });
        if let Some(listener) = new.listener.and_then(|l| world.octavia.listeners.get_mut(&l)) {
            listener.pool = Some(id.clone());
        }
        id
    }
}

/// Clients filter pools by a load balancer, which is no member of a pool.
fn all(call: &mut Call<'_>) -> Outcome {
    let Some(lb) = call.query("loadbalancer_id") else { return list::<Pool>(call) };
    let mut listing = crate::lab::api::Listing::of(call.request, false);
    listing.filters.retain(|(key, _)| key != "loadbalancer_id");
    super::resource::page::<Pool>(call, &listing, |p| *p.lb == *lb)
}

fn create(call: &mut Call<'_>) -> Outcome {
    let given = body(call, "pool")?;
    let protocol = choice(given, "protocol", &["HTTP", "HTTPS", "PROXY", "PROXYV2", "SCTP", "TCP", "UDP"])?;
    let algorithm =
        choice(given, "lb_algorithm", &["LEAST_CONNECTIONS", "ROUND_ROBIN", "SOURCE_IP", "SOURCE_IP_PORT"])?;
    let listener = match given.get("listener_id").and_then(Value::as_str) {
        Some(id) => Some(by_id::<Listener>(call, id)?),
        None => None,
    };
    let lb = match (listener, given.get("loadbalancer_id").and_then(Value::as_str)) {
        (Some(listener), _) => listener.lb.clone(),
        (None, Some(id)) => by_id::<LoadBalancer>(call, id)?.id.clone(),
        (None, None) => {
            return Err(Refusal::said(
                400,
                "Validation failure: Must provide at least one of loadbalancer_id or listener_id",
            ));
        }
    };
    let listener = listener.map(|l| (l.id.clone(), l.pool.is_some()));
    mutable(call, &lb)?;
    if let Some((id, true)) = &listener {
        return Err(Refusal::said(409, format!("Listener {id} already has a default pool.")));
    }
    let new = NewPool {
        name: text(given, "name"),
        description: text(given, "description"),
        lb,
        listener: listener.map(|(id, _)| id),
        protocol,
        algorithm,
    };
    let id = Pool::create(call.world, new);
    one::<Pool>(call, 201, &id)
}

fn remove(call: &mut Call<'_>) -> Outcome {
    let pool: &Pool = find(call)?;
    let (id, lb) = (pool.id.clone(), pool.lb.clone());
    mutable(call, &lb)?;
    super::status::end(call.world, &lb, move |octavia| {
        for listener in octavia.listeners.iter_mut().filter(|l| l.pool.as_ref() == Some(&id)) {
            listener.pool = None;
        }
        let Some(pool) = octavia.pools.remove(&id) else { return };
        pool.members.iter().for_each(|id| _ = octavia.members.remove(id));
        pool.monitor.iter().for_each(|id| _ = octavia.monitors.remove(id));
        if let Some(lb) = octavia.load_balancers.get_mut(&pool.lb) {
            lb.pools.retain(|p| *p != id);
        }
    });
    Ok(Answer::empty(204))
}
