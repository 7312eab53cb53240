//! Members of pools.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::resource::{Life, Resource, absent, body, by_id, find, mutable, needed, page, text};
use super::{Octavia, Pool, Provisioning};
use crate::lab::api::{Call, Listing, Outcome, Refusal, Route, Rule, delete, get, post};
use crate::lab::exchange::Answer;
use crate::lab::ids::Id;
use crate::lab::stamp;
use crate::lab::table::{Row, Table};
use crate::lab::world::World;

pub(super) const ROUTES: &[Route] = &[
    get("/v2/lbaas/pools/{}/members", Rule::LbRead, "", list),
    post("/v2/lbaas/pools/{}/members", Rule::LbWrite, "", create),
    get("/v2/lbaas/pools/{}/members/{}", Rule::LbRead, "", show),
    delete("/v2/lbaas/pools/{}/members/{}", Rule::LbWrite, "", remove),
];

/// A member.
pub(crate) struct Member {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) pool: Id,
    pub(crate) address: Ipv4Addr,
    pub(crate) port: u16,
    pub(super) life: Life,
    subnet: Option<Id>,
    weight: u64,
}

/// What a new member is to be.
pub(crate) struct NewMember {
    pub(crate) name: String,
    pub(crate) pool: Id,
    pub(crate) address: Ipv4Addr,
    pub(crate) port: u16,
    pub(crate) subnet: Option<Id>,
    pub(crate) weight: u64,
}

impl Row for Member {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl Resource for Member {
    const ONE: &'static str = "member";
    const MANY: &'static str = "members";
    const NAME: &'static str = "Member";

    fn table(octavia: &Octavia) -> &Table<Self> {
        &octavia.members
    }

    fn project<'o>(&'o self, octavia: &'o Octavia) -> &'o str {
        octavia.pools.get(&self.pool).map_or("", |p| p.project(octavia))
    }

    fn show(&self, world: &World) -> Value {
        let now = world.now();
        let project = self.project(&world.octavia);
        json!({
            "id": &*self.id, "name": self.name, "operating_status": self.operating(world),
            "provisioning_status": self.life.line.at(now).name(), "admin_state_up": true, "address": self.address.to_string(),
            "protocol_port": self.port, "weight": self.weight, "backup": false, "subnet_id": self.subnet.as_deref(),
            "project_id": project, "created_at": stamp::plain(self.life.created), "updated_at": self.life.updated(now),
            "monitor_address": null, "monitor_port": null, "tags": [], "tenant_id": project,
        })
    }
}

impl Member {
    pub(super) fn operating(&self, world: &World) -> &'static str {
        let octavia = &world.octavia;
        match octavia.pools.get(&self.pool) {
            Some(pool)
                if pool.monitor.is_some() || !self.life.is(world.now(), Provisioning::PendingCreate) =>
            {
                super::status::operating(world, &pool.lb, &self.life)
            }
            _ => "NO_MONITOR",
        }
    }

    /// Adds one to a pool.
    pub(crate) fn create(world: &mut World, new: NewMember) -> Id {
        let lb = world.octavia.pools.get(&new.pool).map(|p| p.lb.clone()).unwrap_or_default();
        let member = Member {
            id: world.ids.uuid("member"),
            name: new.name,
            pool: new.pool,
            address: new.address,
            port: new.port,
            life: Life::new(world.now()),
            subnet: new.subnet,
            weight: new.weight,
        };
        let pool = member.pool.clone();
        let id = world.octavia.members.insert(member);
        if let Some(pool) = world.octavia.pools.get_mut(&pool) {
            pool.members.push(id.clone());
        }
        super::status::work(world, &lb, Provisioning::PendingCreate, |o| {
            o.members.get_mut(&id).map(|m| &mut m.life)
        });
        id
    }
}

fn list(call: &mut Call<'_>) -> Outcome {
    let pool = find::<Pool>(call)?.id.clone();
    page::<Member>(call, &Listing::of(call.request, false), |m| m.pool == pool)
}

fn member<'c>(call: &'c Call<'_>) -> Result<&'c Member, Refusal> {
    let (pool, id) = (&find::<Pool>(call)?.id, call.param(1));
    by_id::<Member>(call, id).ok().filter(|m| m.pool == *pool).ok_or_else(|| absent::<Member>(id))
}

fn show(call: &mut Call<'_>) -> Outcome {
    let shown = member(call)?.show(call.world);
    Ok(Answer::json(200, json!({"member": shown})))
}

fn create(call: &mut Call<'_>) -> Outcome {
    let pool: &Pool = find(call)?;
    let (id, lb) = (pool.id.clone(), pool.lb.clone());
    let given = body(call, "member")?;
    let address = needed(given, "address")?.as_str().unwrap_or_default();
    let address = address.parse().map_err(|_| {
        Refusal::said(400, format!("Invalid input for field/attribute address. Value: '{address}'. Value should be IPv4 or IPv6 format"))
    })?;
    let port = needed(given, "protocol_port")?.as_u64().and_then(|p| u16::try_from(p).ok()).unwrap_or(0);
    mutable(call, &lb)?;
    let mut others = pool.members.iter().filter_map(|id| call.world.octavia.members.get(id));
    if others.any(|m| m.address == address && m.port == port) {
        return Err(Refusal::said(
            409,
            format!("Another member on this pool is already using ip {address} on protocol_port {port}"),
        ));
    }
    let new = NewMember {
        name: text(given, "name"),
        pool: id,
        address,
        port,
        subnet: given.get("subnet_id").and_then(Value::as_str).map(Id::from),
        weight: given.get("weight").and_then(Value::as_u64).unwrap_or(1),
    };
    let id = Member::create(call.world, new);
    let shown = call.world.octavia.members.get(&id).map(|m| m.show(call.world));
    Ok(Answer::json(201, json!({"member": shown})))
}

fn remove(call: &mut Call<'_>) -> Outcome {
    let id = member(call)?.id.clone();
    let lb = find::<Pool>(call)?.lb.clone();
    mutable(call, &lb)?;
    super::status::end(call.world, &lb, move |octavia| {
        if let Some(pool) = octavia.members.remove(&id).and_then(|m| octavia.pools.get_mut(&m.pool)) {
            pool.members.retain(|m| *m != id);
        }
    });
    Ok(Answer::empty(204))
}
