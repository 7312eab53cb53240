//! What happens to servers: they are scheduled, built, started, stopped, killed and deleted.

use std::time::Duration;

use super::server::{Action, Plug};
use super::{Fault, Flavor, Phase, Server, Task, Vm};
use crate::lab::ids::Id;
use crate::lab::neutron::{NewPort, Port, SecurityGroup};
use crate::lab::timeline::Timeline;
use crate::lab::world::World;

/// The traceback that goes with it.
pub(super) const TRACEBACK: &str = "Traceback (most recent call last):\nnova.exception_Remote.NoValidHost_Remote: No valid host was found. \n";

/// What a new server is to be.
pub(crate) struct Order {
    pub(crate) name: String,
    pub(crate) project: Id,
    pub(crate) user: Id,
    pub(crate) flavor: Flavor,
    pub(crate) image: Option<Id>,
    pub(crate) key: Option<String>,
    pub(crate) nics: Vec<Nic>,
    pub(crate) metadata: Vec<(String, String)>,
    /// In base64.
    pub(crate) user_data: Option<String>,
    /// The request behind it.
    pub(crate) request: Id,
}

/// Where a new server is plugged in.
#[derive(Clone, Debug)]
pub(crate) enum Nic {
    /// Any address of a network.
    Network(Id),
    /// A port that is there already.
    Port(Id),
}

/// From the request to the scheduler's decision.
const SCHEDULING: Duration = Duration::from_secs(1);
/// From there to the ports.
const NETWORKING: Duration = Duration::from_secs(2);

/// `DELETED` shows for so long before the 404.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// Nova's words for a scheduler without an answer.
pub(crate) const NO_VALID_HOST: &str = "No valid host was found. ";

impl Server {
    /// Has one built. Whether a host takes it shows a moment later.
    pub(crate) fn build(world: &mut World, order: Order) -> Id {
        let now = world.now();
        world.nova.built += 1;
        let server = Server {
            id: world.ids.uuid("server"),
            description: Some(order.name.clone()),
            project: order.project,
            user: order.user.clone(),
            flavor: order.flavor,
            image: order.image,
            key: order.key,
            host: None,
            plugs: Vec::new(),
            name: order.name,
            created: now,
            line: Timeline::new(now, Phase::new(Vm::Building, Task::Scheduling)),
            launched: None,
            fault: None,
            metadata: order.metadata,
            user_data: order.user_data,
            groups: vec!["default".into()],
            number: world.nova.built,
            actions: vec![Action {
                name: "create",
                request: order.request,
                user: order.user,
                start: now,
                end: now + *world.timings.server_build,
                event: "compute__do_build_and_run_instance",
                message: None,
            }],
        };
        let id = world.nova.servers.insert(server);
        let (server, nics) = (id.clone(), order.nics);
        world.later(SCHEDULING, move |world| place(world, &server, &nics));
        id
    }

    /// Plans what comes next, and writes down who asked for it.
    pub(super) fn act(
        &mut self,
        now: jiff::Timestamp,
        (name, event): (&'static str, &'static str),
        (request, user): (Id, Id),
        steps: [(Duration, Phase); 2],
    ) {
        let end = now + steps[1].0;
        self.line.plan(now, steps);
        self.actions.push(Action { name, request, user, start: now, end, event, message: None });
    }

    /// Plugs a port that is bound to it already, and goes with it.
    pub(crate) fn plug(world: &mut World, id: &str, port: &str) {
        let Some(bound) = world.neutron.ports.get(port) else { return };
        let plug = Plug {
            port: bound.id.clone(),
            network: bound.network.clone(),
            address: bound.address(),
            owned: true,
        };
        if let Some(server) = world.nova.servers.get_mut(id) {
            server.plugs.push(plug);
        }
    }

    /// Deletes one: gone after a moment, with the ports that were made for it.
    pub(crate) fn delete(world: &mut World, id: &str) {
        let (now, delay) = (world.now(), *world.timings.server_delete);
        let Some(server) = world.nova.servers.get_mut(id) else { return };
        let vm = server.phase(now).vm;
        if server.phase(now).task == Some(Task::Deleting) || vm == Vm::Deleted {
            return;
        }
        // one that never came up, or was soft-deleted before, goes for good
        if world.quirks.soft_delete && matches!(vm, Vm::Active | Vm::Stopped) {
            let kept = (delay, Phase::settled(Vm::SoftDeleted));
            return server.line.plan(now, [(Duration::ZERO, Phase::new(vm, Task::Deleting)), kept]);
        }
        let steps = [(Duration::ZERO, Phase::new(vm, Task::Deleting)), (delay, Phase::settled(Vm::Deleted))];
        server.line.plan(now, steps);
        let id: Id = id.into();
        world.later(delay + LAST_LOOK, move |world| forget(world, &id));
    }

    /// Its host kills its process for want of memory. Nova finds it shut down.
    pub(crate) fn kill(world: &mut World, id: &str) {
        let now = world.now();
        if let Some(server) = world.nova.servers.get_mut(id)
            && server.phase(now).vm == Vm::Active
        {
            server.line.set(now, Phase::settled(Vm::Stopped));
        }
    }

    /// Puts one into ERROR.
    pub(crate) fn fail(world: &mut World, id: &str, code: u16, message: &str) {
        let now = world.now();
        if let Some(server) = world.nova.servers.get_mut(id) {
            server.line.set(now, Phase::settled(Vm::Error));
            server.fault = Some(Fault { code, message: message.into(), created: now });
            if let Some(action) = server.actions.last_mut() {
                action.message = Some("Error");
                action.end = now;
            }
        }
    }
}

/// The scheduler's turn.
fn place(world: &mut World, id: &Id, nics: &[Nic]) {
    let now = world.now();
    let (build, waiting) = (*world.timings.server_build, Phase::new(Vm::Building, Task::Scheduling));
    let nova = &mut world.nova;
    let Some(server) = nova.servers.get(id).filter(|s| s.phase(now) == waiting) else { return };
    let (resources, project, name) = (server.flavor.resources, server.project.clone(), server.name.clone());
    let Some(host) = nova.schedule(resources) else {
        Server::fail(world, id, 500, NO_VALID_HOST);
        return;
    };
    let host_name = nova.hosts.get(&host).map(|h| h.name.clone()).unwrap_or_default();
    let active = now + build.saturating_sub(SCHEDULING);
    let mut plugs = Vec::new();
    for nic in nics {
        let (port, owned) = match nic {
            Nic::Port(port) => (Ok(port.clone()), false),
            Nic::Network(network) => {
                let group = SecurityGroup::default_of(world, &project);
                let new = NewPort {
                    network: network.clone(),
                    project: project.clone(),
                    groups: vec![group],
                    admin_up: true,
                    ..NewPort::default()
                };
                (Port::create(world, new), true)
            }
        };
        let Ok(port) = port else {
            // no address left: Nova gives the host back and says so
            world.nova.release(&host, resources);
            plugs.iter().filter(|p: &&Plug| p.owned).for_each(|p| Port::delete(world, &p.port));
            Server::fail(
                world,
                id,
                500,
                &format!(
                    "Build of instance {id} aborted: Failed to allocate the network(s) for {name}, not rescheduling."
                ),
            );
            return;
        };
        Port::bind(world, &port, id, &host_name, active);
        if let Some(bound) = world.neutron.ports.get(&port) {
            plugs.push(Plug { port, network: bound.network.clone(), address: bound.address(), owned });
        }
    }
    if let Some(server) = world.nova.servers.get_mut(id) {
        server.host = Some(host);
        server.plugs = plugs;
        server.launched = Some(active);
        let spawning = build.saturating_sub(SCHEDULING + NETWORKING);
        let steps = [
            (Duration::ZERO, Phase::settled(Vm::Building)),
            (NETWORKING / 2, Phase::new(Vm::Building, Task::Networking)),
            (NETWORKING / 2, Phase::new(Vm::Building, Task::Spawning)),
            (spawning, Phase::settled(Vm::Active)),
        ];
        server.line.plan(now, steps);
    }
}

/// The end of a server.
fn forget(world: &mut World, id: &str) {
    let Some(server) = world.nova.servers.remove(id) else { return };
    if let Some(host) = &server.host {
        world.nova.release(host, server.flavor.resources);
    }
    for plug in server.plugs {
        match plug.owned {
            true => Port::delete(world, &plug.port),
            false => Port::unbind(world, &plug.port),
        }
    }
}
