//! `health_status`: what the driver's monitor reads from the management cluster, once a minute.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Cluster, Status};
use crate::lab::octavia::Provisioning;
use crate::lab::world::World;

/// What Magnum thinks of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// Something is not ready, and nothing says what.
    Mute,
    /// What each part said.
    Told { cluster: &'static str, infrastructure: &'static str, machines: [&'static str; 2] },
}

const READY: &str = "Ready";

impl Health {
    pub(super) fn status(&self) -> &'static str {
        match self {
            Health::Told { cluster: READY, infrastructure: READY, machines: [READY, READY] } => "HEALTHY",
            _ => "UNHEALTHY",
        }
    }

    pub(super) fn reason(&self) -> Value {
        match self {
            Health::Mute => json!({}),
            Health::Told { cluster, infrastructure, machines: [control, workers] } => {
                json!({"cluster": cluster, "infrastructure": infrastructure, "controlplane": control, "nodegroup": workers})
            }
        }
    }
}

impl World {
    /// Since when the management cluster answers, if it does. Without a named server it always did.
    pub(crate) fn management_since(&self) -> Option<Timestamp> {
        let Some(name) = &self.quirks.management else { return Some(Timestamp::MIN) };
        let server = self.nova.server_named(name)?;
        let ready = server.up_since(self.now())?.checked_add(*self.timings.convergence).ok()?;
        (ready <= self.now()).then_some(ready)
    }

    /// Whether the server of the management cluster is there and its controllers do nothing.
    pub(super) fn management_is_down(&self) -> bool {
        let there =
            self.quirks.management.as_ref().is_some_and(|name| self.nova.server_named(name).is_some());
        there && self.management_since().is_none()
    }
}

impl Cluster {
    /// The health as Magnum last heard of it. When the management cluster is silent, Magnum keeps what it knew.
    pub(crate) fn health(&self, world: &World) -> Option<Health> {
        let now = world.now();
        if matches!(self.status(now), Status::DeleteInProgress | Status::DeleteComplete) {
            return self.last_health.clone();
        }
        let period = *world.timings.health_period;
        let heard = |since: Timestamp| since.checked_add(period).is_ok_and(|at| at <= now);
        if !heard(self.completed?) {
            return None;
        }
        match world.management_since() {
            Some(since) if since == Timestamp::MIN || heard(since) => Some(self.fresh(world)),
            _ => self.last_health.clone().or_else(|| Some(self.fresh(world))),
        }
    }

    fn fresh(&self, world: &World) -> Health {
        // a version that is not served is 404, which the driver takes for an object that is not there (D-042)
        let seen = world.quirks.driver_sees_clusters();
        let infrastructure = match world.quirks.driver_sees_infrastructure() {
            true => READY,
            false => "Infrastructure resource not found.",
        };
        let cluster = match (seen, self.api_reachable(world)) {
            (false, _) => "Cluster resource not found.",
            (true, true) => READY,
            (true, false) => "Waiting on ['Ready', 'InfrastructureReady']",
        };
        let machines = match seen {
            true => [READY, READY],
            false => ["Control plane resource not found.", "default-worker resource not found."],
        };
        Health::Told { cluster, infrastructure, machines }
    }

    /// Whether CAPO is content with the load balancer of the API: it looks again only every resync.
    pub(crate) fn api_reachable(&self, world: &World) -> bool {
        let now = world.now();
        let lb = self.infrastructure.lb.as_ref().and_then(|id| world.octavia.load_balancers.get(id));
        let Some(lb) = lb.filter(|lb| lb.provisioning(now) == Provisioning::Active) else { return false };
        let seen: Duration = if self.infrastructure.broke { *world.timings.resync } else { Duration::ZERO };
        lb.since(now).checked_add(seen).is_ok_and(|at| at <= now)
    }
}
