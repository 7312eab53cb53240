//! The states of a load balancer's parts, and the tree of them.

use std::time::Duration;

use serde_json::{Value, json};

use super::resource::{Life, find};
use super::{Listener, LoadBalancer, Octavia, Pool, Provisioning};
use crate::lab::api::{Call, Outcome, Route, Rule, get};
use crate::lab::exchange::Answer;
use crate::lab::world::World;

pub(super) const ROUTES: &[Route] = &[
    get("/v2/lbaas/loadbalancers/{}/status", Rule::LbRead, "", tree),
    get("/v2/lbaas/loadbalancers/{}/statuses", Rule::LbRead, "", tree),
    get("/v2/lbaas/loadbalancers/{}/stats", Rule::LbRead, "", stats),
    get("/v2/lbaas/listeners/{}/stats", Rule::LbRead, "", listener_stats),
];

/// `operating_status` of a part that is done: what its load balancer's is.
pub(super) fn operating(world: &World, lb: &str, life: &Life) -> &'static str {
    let now = world.now();
    match world.octavia.load_balancers.get(lb) {
        Some(lb) if !life.is(now, Provisioning::PendingCreate) => lb.operating(now),
        _ => "OFFLINE",
    }
}

/// Something is done to a part: it and its load balancer are pending for a moment.
pub(super) fn work(
    world: &mut World,
    lb: &str,
    meanwhile: Provisioning,
    part: impl FnOnce(&mut Octavia) -> Option<&mut Life>,
) {
    let (now, delay) = (world.now(), *world.timings.lb_update);
    if let Some(life) = part(&mut world.octavia) {
        life.line.plan(now, [(Duration::ZERO, meanwhile), (delay, Provisioning::Active)]);
    }
    LoadBalancer::touch(world, lb);
}

/// A part is deleted: gone once the load balancer is no longer pending.
pub(super) fn end(world: &mut World, lb: &str, take: impl FnOnce(&mut Octavia) + Send + 'static) {
    LoadBalancer::touch(world, lb);
    world.later(*world.timings.lb_update, move |world| take(&mut world.octavia));
}

fn pool(world: &World, pool: &Pool) -> Value {
    let (now, octavia) = (world.now(), &world.octavia);
    let mut shown = json!({"id": &*pool.id, "name": pool.name, "provisioning_status": pool.life.line.at(now).name(), "operating_status": pool.operating(world)});
    if let Some(monitor) = pool.monitor.as_ref().and_then(|id| octavia.monitors.get(id)) {
        shown["health_monitor"] = json!({"id": &*monitor.id, "name": monitor.name, "type": monitor.kind,
            "provisioning_status": monitor.life.line.at(now).name(), "operating_status": monitor.operating(world)});
    }
    let members = pool.members.iter().filter_map(|id| octavia.members.get(id)).map(|m| {
        json!({"id": &*m.id, "name": m.name, "operating_status": m.operating(world), "provisioning_status": m.life.line.at(now).name(),
            "address": m.address.to_string(), "protocol_port": m.port})
    });
    shown["members"] = members.collect();
    shown
}

fn tree(call: &mut Call<'_>) -> Outcome {
    let lb: &LoadBalancer = find(call)?;
    let (world, now) = (&*call.world, call.world.now());
    let listeners = lb.listeners.iter().filter_map(|id| world.octavia.listeners.get(id)).map(|l| {
        let pools = l.pool.as_ref().and_then(|id| world.octavia.pools.get(id)).map(|p| pool(world, p));
        json!({"id": &*l.id, "name": l.name, "operating_status": l.operating(world), "provisioning_status": l.life.line.at(now).name(),
            "pools": pools.into_iter().collect::<Vec<_>>()})
    });
    let shown = json!({"id": &*lb.id, "name": lb.name, "operating_status": lb.operating(now),
        "provisioning_status": lb.provisioning(now).name(), "listeners": listeners.collect::<Vec<_>>()});
    Ok(Answer::json(200, json!({"statuses": {"loadbalancer": shown}})))
}

fn zeros() -> Outcome {
    let stats = json!({"bytes_in": 0, "bytes_out": 0, "active_connections": 0, "total_connections": 0, "request_errors": 0});
    Ok(Answer::json(200, json!({"stats": stats})))
}

fn stats(call: &mut Call<'_>) -> Outcome {
    find::<LoadBalancer>(call)?;
    zeros()
}

fn listener_stats(call: &mut Call<'_>) -> Outcome {
    find::<Listener>(call)?;
    zeros()
}
