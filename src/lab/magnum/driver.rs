//! What magnum-capi-helm, Cluster API and CAPO do, one step after the other, with the cluster's own
//! application credential. A step that fails is tried again; nothing here gives up.

use std::time::Duration;

use super::certificates::Authority;
use super::infrastructure::{self, Infrastructure, Machine};
use super::{Cluster, NewCluster, Status};
use crate::lab::api::{Refusal, shape};
use crate::lab::ids::Id;
use crate::lab::keystone::{NewCredential, issue_credential};
use crate::lab::nova::Server;
use crate::lab::octavia::Provisioning;
use crate::lab::timeline::Timeline;
use crate::lab::world::World;

/// Between two looks of a controller.
const TICK: Duration = Duration::from_secs(5);
/// `DELETE_COMPLETE` shows for so long before the row goes.
const LAST_LOOK: Duration = Duration::from_secs(1);
/// How far a step got.
pub(super) enum Step {
    /// Something was done: look again in a moment.
    Done,
    /// Something else has to happen first.
    Wait,
    /// It did not work: try again later.
    Stuck(String),
    /// There is nothing left to do.
    Finished,
}

impl From<Refusal> for Step {
    fn from(refusal: Refusal) -> Self {
        Step::Stuck(format!("{} {}", refusal.status(), shape::sentence(&refusal)))
    }
}

impl Cluster {
    /// Has one made.
    ///
    /// # Errors
    /// Its certificate authority cannot be made.
    pub(crate) fn create(world: &mut World, new: NewCluster) -> Result<Id, Refusal> {
        let now = world.now();
        let template = world.magnum.templates.get(&new.template);
        let spec = template.map(|t| t.spec.clone()).unwrap_or_default();
        let cluster = Cluster {
            id: world.ids.uuid("cluster"),
            authority: Authority::make(&new.name, now).map_err(|e| Refusal::said(500, e))?,
            name: new.name,
            project: new.project,
            user: new.user,
            template: new.template,
            keypair: new.keypair.or(spec.keypair),
            masters: new.masters,
            nodes: new.nodes,
            master_flavor: new.master_flavor.unwrap_or(spec.master_flavor),
            flavor: new.flavor.unwrap_or(spec.flavor),
            labels: new.labels.unwrap_or(spec.labels),
            stack: None,
            version: None,
            line: Timeline::new(now, Status::CreateInProgress),
            created: now,
            infrastructure: Infrastructure::default(),
            last_health: None,
            completed: None,
            spurious: 0,
            updated: None,
            groups: [world.ids.uuid("node-group"), world.ids.uuid("node-group")],
        };
        let id = world.magnum.clusters.insert(cluster);
        let mut roles = new.roles;
        roles.retain(|role| !world.quirks.credential_lacks.iter().any(|lacks| **lacks == **role));
        let cluster = id.clone();
        world.later(TICK, move |world| {
            begin(world, &cluster, roles);
            wake(world, &cluster);
        });
        Ok(id)
    }

    /// Changes the number of workers.
    pub(crate) fn resize(world: &mut World, id: &str, nodes: u32) {
        let now = world.now();
        if let Some(cluster) = world.magnum.clusters.get_mut(id) {
            cluster.nodes = nodes;
            // the conductor picks it up a moment after the answer
            cluster.line.plan(now, [(TICK, Status::UpdateInProgress)]);
            cluster.updated = Some(now);
        }
        wake(world, &id.into());
    }

    /// Has one taken down. It is gone when all that it had is gone.
    pub(crate) fn delete(world: &mut World, id: &str) {
        let now = world.now();
        let health = world.magnum.clusters.get(id).and_then(|c| c.health(world));
        let Some(cluster) = world.magnum.clusters.get_mut(id) else { return };
        if cluster.status(now) == Status::DeleteInProgress {
            return;
        }
        cluster.last_health = health;
        // the conductor picks it up a moment after the answer
        cluster.line.plan(now, [(TICK, Status::DeleteInProgress)]);
        cluster.infrastructure.stuck = None;
        wake(world, &id.into());
    }

    /// Somebody takes the finalizer off its OpenStackCluster: Magnum lets go of it, whatever it left behind.
    pub(crate) fn release(world: &mut World, id: &str) {
        let now = world.now();
        if world.magnum.clusters.get(id).is_some_and(|c| c.status(now) == Status::DeleteInProgress) {
            end(world, id);
        }
    }
}

fn begin(world: &mut World, id: &str, roles: Vec<Id>) {
    let stack = world.ids.suffix("cluster-suffix", 12);
    let secret = world.ids.suffix("credential-name", 8);
    let Some(cluster) = world.magnum.clusters.get_mut(id) else { return };
    let base: String = cluster
        .name
        .to_lowercase()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-")
        .chars()
        .take(30)
        .collect();
    cluster.stack = Some(format!("{}-{stack}", base.trim_matches('-')));
    let new = NewCredential {
        name: format!("magnum-{id}-{secret}"),
        description: Some(format!("Magnum cluster ({})", cluster.name)),
        roles,
        expires: None,
        unrestricted: false,
    };
    let (user, project) = (cluster.user.clone(), cluster.project.clone());
    let credential = issue_credential(world, &user, &project, new);
    if let Some(cluster) = world.magnum.clusters.get_mut(id) {
        cluster.infrastructure.credential = Some(credential);
    }
}

/// Something was asked of the controllers: they look soon, and what they had planned for later is off.
fn wake(world: &mut World, id: &Id) {
    let Some(cluster) = world.magnum.clusters.get_mut(id) else { return };
    cluster.infrastructure.turn += 1;
    let (id, turn) = (id.clone(), cluster.infrastructure.turn);
    world.later(TICK, move |world| reconcile(world, &id, turn));
}

/// The controllers' loop, for as long as there is something to do and nothing else was asked.
fn reconcile(world: &mut World, id: &Id, turn: u32) {
    let now = world.now();
    let Some(cluster) = world.magnum.clusters.get(id).filter(|c| c.infrastructure.turn == turn) else {
        return;
    };
    if world.management_is_down() {
        let id = id.clone();
        return world.later(TICK, move |world| reconcile(world, &id, turn));
    }
    let step = match cluster.status(now) {
        Status::CreateInProgress | Status::UpdateInProgress => build(world, id),
        Status::DeleteInProgress => infrastructure::tear_down(world, id),
        Status::CreateComplete | Status::UpdateComplete | Status::DeleteComplete => return,
    };
    let resync = *world.timings.resync;
    let Some(cluster) = world.magnum.clusters.get_mut(id) else { return };
    let infra = &mut cluster.infrastructure;
    let pause = match step {
        Step::Finished => return,
        Step::Done | Step::Wait => {
            (infra.stuck, infra.failures) = (None, 0);
            TICK
        }
        Step::Stuck(reason) => {
            infra.stuck = Some(reason);
            infra.failures += 1;
            // twice as long each time, until the controllers' resync is sooner
            TICK.saturating_mul(1 << infra.failures.min(16)).min(resync)
        }
    };
    let id = id.clone();
    world.later(pause, move |world| reconcile(world, &id, turn));
}

/// The end of a cluster: `DELETE_COMPLETE` for a moment, then nothing.
pub(super) fn end(world: &mut World, id: &str) -> Step {
    let (now, spurious) = (world.now(), world.quirks.spurious_400);
    if let Some(cluster) = world.magnum.clusters.get_mut(id) {
        cluster.line.set(now, Status::DeleteComplete);
        cluster.spurious = spurious;
        if let Some(credential) = cluster.infrastructure.credential.take() {
            world.keystone.drop_credential(&credential);
        }
    }
    let id: Id = id.into();
    world.later(LAST_LOOK, move |world| _ = world.magnum.clusters.remove(&id));
    Step::Finished
}

/// The next thing that is missing.
fn build(world: &mut World, id: &str) -> Step {
    let Some(cluster) = world.magnum.clusters.get(id) else { return Step::Finished };
    let (now, infra) = (world.now(), &cluster.infrastructure);
    if infra.network.is_none() {
        return infrastructure::network(world, id).unwrap_or_else(Step::from);
    }
    if let Some(shut_out) = infrastructure::shut_out(world, infra) {
        return shut_out;
    }
    let Some(lb) = &infra.lb else { return infrastructure::load_balancer(world, id) };
    let provisioning = world.octavia.load_balancers.get(lb).map(|lb| lb.provisioning(now));
    match provisioning {
        None => {
            infrastructure::edit(world, id, |infra| infra.lb = None);
            return Step::Done;
        }
        Some(Provisioning::Error) => {
            infrastructure::edit(world, id, |infra| infra.broke = true);
            return Step::Stuck("load balancer is in error state".into());
        }
        Some(Provisioning::Active) => {}
        Some(_) if infra.endpoint.is_none() => return Step::Wait,
        Some(_) => {}
    }
    if infra.endpoint.is_none() {
        return infrastructure::endpoint(world, id).unwrap_or_else(Step::from);
    }
    let up = |machine: &Machine| {
        world.nova.servers.get(&machine.server).is_some_and(|s| s.up_since(now).is_some())
    };
    let (masters, nodes): (Vec<&Machine>, Vec<&Machine>) = infra.machines.iter().partition(|m| m.master);
    let (wanted_masters, wanted_nodes) = (cluster.masters as usize, cluster.nodes as usize);
    let first_build = cluster.status(now) == Status::CreateInProgress;
    // a node of the control plane joins when the one before it is up
    if masters.len() < wanted_masters {
        return if masters.iter().all(|m| up(m)) {
            infrastructure::machine(world, id, true)
        } else {
            Step::Wait
        };
    }
    // workers wait until the first control plane is initialised
    let initialised = cluster.created + *world.timings.cluster_create * 2 / 5;
    if !masters.iter().all(|m| up(m)) || (first_build && now < initialised) {
        return Step::Wait;
    }
    if nodes.len() < wanted_nodes {
        return infrastructure::machine(world, id, false);
    }
    if nodes.len() > wanted_nodes {
        let surplus = nodes.last().map(|m| m.server.clone()).unwrap_or_default();
        Server::delete(world, &surplus);
        infrastructure::edit(world, id, |infra| infra.machines.retain(|m| m.server != surplus));
        return Step::Done;
    }
    let due = match first_build {
        true => cluster.created + *world.timings.cluster_create,
        false => cluster.line.since(now) + *world.timings.cluster_update,
    };
    let noticed = world.quirks.driver_sees_clusters();
    if !nodes.iter().all(|m| up(m)) || now < due || !noticed {
        return Step::Wait;
    }
    let done = if first_build { Status::CreateComplete } else { Status::UpdateComplete };
    if let Some(cluster) = world.magnum.clusters.get_mut(id) {
        cluster.line.set(now, done);
        cluster.completed.get_or_insert(now);
        cluster.updated = Some(now);
    }
    Step::Finished
}
