//! Health monitors.

use serde_json::{Value, json};

use super::resource::{
    Life, Resource, body, by_id, choice, find, listing, mutable, needed, one, page, show, text,
};
use super::{Octavia, Pool, Provisioning};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, delete, get, post};
use crate::lab::exchange::Answer;
use crate::lab::ids::Id;
use crate::lab::stamp;
use crate::lab::table::{Row, Table};
use crate::lab::world::World;

pub(super) const ROUTES: &[Route] = &[
    get("/v2/lbaas/healthmonitors", Rule::LbRead, "", all),
    post("/v2/lbaas/healthmonitors", Rule::LbWrite, "", create),
    get("/v2/lbaas/healthmonitors/{}", Rule::LbRead, "", show::<Monitor>),
    delete("/v2/lbaas/healthmonitors/{}", Rule::LbWrite, "", remove),
];

/// A health monitor.
pub(crate) struct Monitor {
    pub(crate) id: Id,
    pub(crate) pool: Id,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) life: Life,
    delay: u64,
    timeout: u64,
    max_retries: u64,
}

impl Row for Monitor {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl Resource for Monitor {
    const ONE: &'static str = "healthmonitor";
    const MANY: &'static str = "healthmonitors";
    const NAME: &'static str = "Health Monitor";

    fn table(octavia: &Octavia) -> &Table<Self> {
        &octavia.monitors
    }

    fn project<'o>(&'o self, octavia: &'o Octavia) -> &'o str {
        octavia.pools.get(&self.pool).map_or("", |p| p.project(octavia))
    }

    fn show(&self, world: &World) -> Value {
        let now = world.now();
        let project = self.project(&world.octavia);
        json!({
            "id": &*self.id, "name": self.name, "type": self.kind, "delay": self.delay, "timeout": self.timeout,
            "max_retries": self.max_retries, "max_retries_down": 3, "http_method": null, "url_path": null, "expected_codes": null,
            "admin_state_up": true, "project_id": project, "pools": [{"id": &*self.pool}],
            "provisioning_status": self.life.line.at(now).name(), "operating_status": self.operating(world),
            "created_at": stamp::plain(self.life.created), "updated_at": self.life.updated(now), "tags": [], "http_version": null,
            "domain_name": null, "tenant_id": project,
        })
    }
}

impl Monitor {
    pub(super) fn operating(&self, world: &World) -> &'static str {
        let lb = world.octavia.pools.get(&self.pool).map(|p| &p.lb);
        lb.map_or("OFFLINE", |lb| super::status::operating(world, lb, &self.life))
    }
}

/// A monitor shows pools, and is asked for by one of them.
fn all(call: &mut Call<'_>) -> Outcome {
    let mut listing = listing(call);
    for (key, values) in listing.filters.iter_mut().filter(|(key, _)| key == "pool_id") {
        *key = "pools".into();
        values.iter_mut().for_each(|id| *id = format!("id={id}"));
    }
    page::<Monitor>(call, &listing, |_| true)
}

fn create(call: &mut Call<'_>) -> Outcome {
    let given = body(call, "healthmonitor")?;
    let kind = choice(given, "type", &["HTTP", "HTTPS", "PING", "SCTP", "TCP", "TLS-HELLO", "UDP-CONNECT"])?;
    let number = |key: &str| needed(given, key).map(|n| n.as_u64().unwrap_or(0));
    let (delay, timeout, max_retries) = (number("delay")?, number("timeout")?, number("max_retries")?);
    let pool: &Pool = by_id(call, &text(given, "pool_id"))?;
    let (pool, lb, watched) = (pool.id.clone(), pool.lb.clone(), pool.monitor.is_some());
    mutable(call, &lb)?;
    if watched {
        return Err(Refusal::said(409, format!("This pool already has a health monitor: {pool}")));
    }
    let life = Life::new(call.world.now());
    let monitor = Monitor {
        id: call.world.ids.uuid("health-monitor"),
        pool,
        name: text(given, "name"),
        kind,
        life,
        delay,
        timeout,
        max_retries,
    };
    let pool = monitor.pool.clone();
    let id = call.world.octavia.monitors.insert(monitor);
    if let Some(pool) = call.world.octavia.pools.get_mut(&pool) {
        pool.monitor = Some(id.clone());
    }
    super::status::work(call.world, &lb, Provisioning::PendingCreate, |o| {
        o.monitors.get_mut(&id).map(|m| &mut m.life)
    });
    one::<Monitor>(call, 201, &id)
}

fn remove(call: &mut Call<'_>) -> Outcome {
    let monitor: &Monitor = find(call)?;
    let id = monitor.id.clone();
    let lb = call.world.octavia.pools.get(&monitor.pool).map(|p| p.lb.clone()).unwrap_or_default();
    mutable(call, &lb)?;
    super::status::end(call.world, &lb, move |octavia| {
        if let Some(pool) = octavia.monitors.remove(&id).and_then(|m| octavia.pools.get_mut(&m.pool)) {
            pool.monitor = None;
        }
    });
    Ok(Answer::empty(204))
}
