//! What Octavia's workers do, step by step, over time.

use std::time::Duration;

use super::amphorae::{Amphora, Stage};
use super::load_balancers::Vip;
use super::resource::Life;
use super::{LoadBalancer, NewLoadBalancer, Provisioning};
use crate::lab::api::Refusal;
use crate::lab::ids::Id;
use crate::lab::neutron::{NewPort, NewRule, Port, SecurityGroup};
use crate::lab::nova::{Nic, Order, Server, Vm};
use crate::lab::world::World;

/// From the request to the worker.
const PICKED_UP: Duration = Duration::from_secs(1);
/// The time between an amphora's end and the load balancer's ACTIVE in a failover.
const CONFIGURED: Duration = Duration::from_secs(8);

/// The names under which the amphorae's own things are known.
pub(crate) const AMPHORA_FLAVOR: &str = "charm-octavia";
/// The image of amphorae.
pub(crate) const AMPHORA_IMAGE: &str = "amphora-haproxy-x64";
/// The network on which Octavia talks to them.
pub(crate) const AMPHORA_NETWORK: &str = "lb-mgmt-net";

impl LoadBalancer {
    /// Makes one: its VIP at once, its amphora over time.
    ///
    /// # Errors
    /// The VIP's address is taken, or there is none left.
    pub(crate) fn create(world: &mut World, new: NewLoadBalancer) -> Result<Id, Refusal> {
        let (now, id) = (world.now(), world.ids.uuid("load-balancer"));
        let network = match world.neutron.subnets.get(&new.subnet) {
            Some(subnet) => subnet.network.clone(),
            None => return Err(Refusal::said(400, format!("Subnet {} not found.", new.subnet))),
        };
        let service = world.octavia_project();
        let group = SecurityGroup::create(world, &format!("lb-{id}"), &service, "");
        let port = NewPort {
            name: format!("octavia-lb-{id}"),
            network: network.clone(),
            project: new.project.clone(),
            device: format!("lb-{id}"),
            owner: "Octavia",
            addresses: vec![(Some(new.subnet.clone()), new.address)],
            groups: vec![group.clone()],
            ..NewPort::default()
        };
        let port = Port::create(world, port)?;
        let address = world.neutron.ports.get(&port).and_then(Port::address);
        let address = address.ok_or_else(|| Refusal::said(400, "The VIP has no address."))?;
        let lb = LoadBalancer {
            id,
            name: new.name,
            project: new.project,
            vip: Vip { address, port, subnet: new.subnet, network },
            life: Life::new(now),
            online: None,
            enabled: new.enabled,
            unheard: false,
            description: new.description,
            tags: new.tags,
            listeners: Vec::new(),
            pools: Vec::new(),
            group: Some(group),
        };
        let id = world.octavia.load_balancers.insert(lb);
        let lb = id.clone();
        world.later(PICKED_UP, move |world| {
            let amphora = Amphora::build(world, &lb);
            let (failure, whole) = (*world.timings.failover_failure, *world.timings.lb_create);
            let flow = Flow { lb, new: amphora, old: Vec::new(), pending: Provisioning::PendingCreate };
            flow.start(world, failure.saturating_sub(PICKED_UP), whole.saturating_sub(PICKED_UP));
        });
        Ok(id)
    }

    /// A change of it or of its parts: PENDING_UPDATE for a moment.
    pub(crate) fn touch(world: &mut World, id: &str) {
        let (now, delay) = (world.now(), *world.timings.lb_update);
        if let Some(lb) = world.octavia.load_balancers.get_mut(id) {
            let steps = [(Duration::ZERO, Provisioning::PendingUpdate), (delay, Provisioning::Active)];
            lb.life.line.plan(now, steps);
        }
    }

    /// Replaces its amphora. The new one is built before the old one goes, so it needs room; without
    /// room the load balancer is in ERROR soon, its traffic goes on, and a server that
    /// Octavia has forgotten stays in Nova.
    pub(crate) fn failover(world: &mut World, id: &str) {
        let now = world.now();
        if let Some(lb) = world.octavia.load_balancers.get_mut(id) {
            lb.life.line.set(now, Provisioning::PendingUpdate);
        }
        let lb = Id::from(id);
        world.later(PICKED_UP, move |world| {
            let own = world.octavia.amphorae.iter().filter(|a| a.lb.as_ref() == Some(&lb));
            let old: Vec<Id> = own.map(|a| a.id.clone()).collect();
            old.iter().for_each(|amphora| Amphora::set(world, amphora, Stage::PendingDelete));
            let new = Amphora::build(world, &lb);
            let (failure, whole) = (*world.timings.failover_failure, *world.timings.failover);
            let flow = Flow { lb, new, old, pending: Provisioning::PendingUpdate };
            flow.start(
                world,
                failure.saturating_sub(PICKED_UP),
                whole.saturating_sub(PICKED_UP + CONFIGURED),
            );
        });
    }

    /// Deletes it with all its parts, whatever its state.
    pub(crate) fn delete(world: &mut World, id: &str) {
        let (now, delay) = (world.now(), *world.timings.lb_delete);
        if let Some(lb) = world.octavia.load_balancers.get_mut(id) {
            lb.life.line.set(now, Provisioning::PendingDelete);
        }
        for amphora in world.octavia.amphorae.iter_mut().filter(|a| a.lb.as_deref() == Some(id)) {
            amphora.line.set(now, Stage::PendingDelete);
        }
        let id: Id = id.into();
        world.later(delay, move |world| forget(world, &id));
    }
}

/// A worker's way from an amphora that was ordered to one that works, or to none.
struct Flow {
    lb: Id,
    new: Id,
    /// The ones that it replaces.
    old: Vec<Id>,
    /// The state that the flow keeps the load balancer in.
    pending: Provisioning,
}

impl Flow {
    /// The first look shows whether a host took the amphora, the last whether it works.
    fn start(self, world: &mut World, first: Duration, last: Duration) {
        world.later(first, move |world| {
            if !pending(world, &self.lb, self.pending) {
                return;
            }
            if Amphora::is_lost(world, &self.new) {
                self.revert(world);
            } else {
                world.later(last.saturating_sub(first), move |world| self.finish(world));
            }
        });
    }

    fn revert(self, world: &mut World) {
        match self.pending {
            // a first amphora that failed stays on record
            Provisioning::PendingCreate => Amphora::set(world, &self.new, Stage::Error),
            // of a replacement the row goes and the server stays: an orphan
            _ => _ = world.octavia.amphorae.remove(&self.new),
        }
        self.old.iter().for_each(|amphora| Amphora::set(world, amphora, Stage::Error));
        settle(world, &self.lb, Provisioning::Error);
    }

    fn finish(self, world: &mut World) {
        if !pending(world, &self.lb, self.pending) {
            return;
        }
        if Amphora::is_lost(world, &self.new) {
            return self.revert(world);
        }
        if !Amphora::enlist(world, &self.new) {
            // its server is still being built
            return world.later(PICKED_UP, move |world| self.finish(world));
        }
        let now = world.now();
        if let Some(lb) = world.octavia.load_balancers.get_mut(&self.lb) {
            lb.online.get_or_insert(now);
        }
        self.old.iter().for_each(|amphora| Amphora::reap(world, amphora));
        let configured =
            if self.pending == Provisioning::PendingCreate { Duration::ZERO } else { CONFIGURED };
        world.later(configured, move |world| settle(world, &self.lb, Provisioning::Active));
    }
}

/// Ends a flow in a state.
fn settle(world: &mut World, lb: &str, status: Provisioning) {
    let now = world.now();
    if let Some(lb) = world.octavia.load_balancers.get_mut(lb)
        && lb.provisioning(now) != Provisioning::PendingDelete
    {
        lb.life.line.set(now, status);
    }
}

fn pending(world: &World, lb: &str, status: Provisioning) -> bool {
    world.octavia.load_balancers.get(lb).is_some_and(|lb| lb.provisioning(world.now()) == status)
}

fn forget(world: &mut World, id: &str) {
    let amphorae: Vec<Id> =
        world.octavia.amphorae.iter().filter(|a| a.lb.as_deref() == Some(id)).map(|a| a.id.clone()).collect();
    for amphora in &amphorae {
        Amphora::reap(world, amphora);
    }
    let octavia = &mut world.octavia;
    let Some(lb) = octavia.load_balancers.remove(id) else { return };
    for listener in &lb.listeners {
        octavia.listeners.remove(listener);
    }
    for pool in lb.pools.iter().filter_map(|id| octavia.pools.remove(id)).collect::<Vec<_>>() {
        pool.members.iter().for_each(|id| _ = octavia.members.remove(id));
        pool.monitor.iter().for_each(|id| _ = octavia.monitors.remove(id));
    }
    Port::delete(world, &lb.vip.port);
    if let Some(group) = lb.group {
        // ports of its amphorae are in it until their servers are gone
        world.later(*world.timings.server_delete + PICKED_UP, move |world| {
            _ = SecurityGroup::delete(world, &group)
        });
    }
}

impl Amphora {
    /// Has one built as a server of Nova.
    fn build(world: &mut World, lb: &str) -> Id {
        let now = world.now();
        let id = world.ids.uuid("amphora");
        let flavor = world.nova.flavor_named(AMPHORA_FLAVOR).cloned();
        let image = world.glance.image_named(AMPHORA_IMAGE).map(|i| i.id.clone());
        let mut amphora = Amphora::new(id.clone(), lb, now);
        amphora.flavor = flavor.as_ref().map(|f| f.id.clone());
        amphora.image = image.clone();
        if let Some(flavor) = flavor {
            let network = world.neutron.network_named(AMPHORA_NETWORK).map(|n| Nic::Network(n.id.clone()));
            let order = Order {
                name: format!("amphora-{id}"),
                project: world.octavia_project(),
                user: world.octavia_user(),
                flavor,
                image,
                key: None,
                nics: network.into_iter().collect(),
                metadata: Vec::new(),
                user_data: Some("I2Nsb3VkLWNvbmZpZwo=".into()),
                request: format!("req-{}", world.ids.uuid("worker-request")).into(),
            };
            amphora.compute = Some(Server::build(world, order));
        }
        world.octavia.amphorae.insert(amphora)
    }

    /// Whether its server came to nothing.
    fn is_lost(world: &World, id: &str) -> bool {
        let server =
            world.octavia.amphorae.get(id).and_then(|a| world.nova.servers.get(a.compute.as_deref()?));
        server.is_none_or(|s| s.phase(world.now()).vm == Vm::Error)
    }

    /// Plugs one into its load balancer's network and puts it to work, if its server runs.
    fn enlist(world: &mut World, id: &str) -> bool {
        let now = world.now();
        let Some(amphora) = world.octavia.amphorae.get(id) else { return false };
        let (compute, lb) = (amphora.compute.clone(), amphora.lb.clone().unwrap_or_default());
        let Some(server) =
            compute.and_then(|c| world.nova.servers.get(&c)).filter(|s| s.up_since(now).is_some())
        else {
            return false;
        };
        let (server, host) = (server.id.clone(), server.host.clone());
        let management = server_address(world, &server);
        let Some(lb) = world.octavia.load_balancers.get(&lb) else { return false };
        let (vip, groups) = (lb.vip.clone(), lb.group.iter().cloned().collect());
        let service = world.octavia_project();
        let port = NewPort {
            name: format!("octavia-lb-vrrp-{id}"),
            network: vip.network.clone(),
            project: service,
            addresses: vec![(Some(vip.subnet.clone()), None)],
            groups,
            pair: Some(vip.address),
            admin_up: true,
            ..NewPort::default()
        };
        let Ok(port) = Port::create(world, port) else { return false };
        let host = host.and_then(|h| world.nova.hosts.get(&h)).map(|h| h.name.clone()).unwrap_or_default();
        Port::bind(world, &port, &server, &host, now);
        Server::plug(world, &server, &port);
        let address = world.neutron.ports.get(&port).and_then(Port::address);
        if let Some(amphora) = world.octavia.amphorae.get_mut(id) {
            amphora.management = management;
            amphora.vrrp = address.map(|address| (port, address));
            amphora.ha = Some((vip.port, vip.address));
            amphora.line.set(now, Stage::Allocated);
        }
        true
    }

    fn set(world: &mut World, id: &str, stage: Stage) {
        let now = world.now();
        if let Some(amphora) = world.octavia.amphorae.get_mut(id) {
            amphora.line.set(now, stage);
        }
    }

    /// Ends one with its server.
    fn reap(world: &mut World, id: &str) {
        if let Some(server) = world.octavia.amphorae.remove(id).and_then(|a| a.compute) {
            Server::delete(world, &server);
        }
    }
}

fn server_address(world: &World, server: &str) -> Option<std::net::Ipv4Addr> {
    world.nova.servers.get(server)?.plugs.first()?.address
}

impl World {
    /// The project of the amphorae.
    pub(crate) fn octavia_project(&self) -> Id {
        self.keystone.service_project.clone()
    }

    /// The user that builds them.
    pub(crate) fn octavia_user(&self) -> Id {
        self.keystone.any_user("octavia").unwrap_or_default()
    }

    /// Opens a port of a load balancer's VIP.
    pub(super) fn open_vip(&mut self, lb: &str, port: u16) {
        let group = self.octavia.load_balancers.get(lb).and_then(|lb| lb.group.clone());
        let rule = NewRule {
            direction: "ingress".into(),
            ethertype: "IPv4".into(),
            protocol: Some("tcp".into()),
            ports: Some((port.into(), port.into())),
            ..NewRule::default()
        };
        if let Some(group) = group {
            SecurityGroup::permit(self, &group, rule);
        }
    }
}
