//! What a cluster has in the other services.

use std::net::Ipv4Addr;

use serde_json::Value;

use super::Cluster;
use super::driver::Step;
use crate::lab::api::{Refusal, Rule};
use crate::lab::ids::Id;
use crate::lab::kubernetes;
use crate::lab::neutron::{
    Cidr, FloatingIp, Network, NewFloatingIp, NewNetwork, NewSubnet, Router, SecurityGroup, Subnet,
};
use crate::lab::nova::{Nic, Order, Server};
use crate::lab::octavia::{
    Listener, LoadBalancer, Member, NewListener, NewLoadBalancer, NewMember, NewPool, Pool, Provisioning,
};
use crate::lab::scenario::Obstacle;
use crate::lab::world::World;

/// What Cluster API made for a cluster, as far as it got.
#[derive(Clone, Debug, Default)]
pub(crate) struct Infrastructure {
    /// The application credential that all of it is made with.
    pub(crate) credential: Option<Id>,
    pub(crate) network: Option<Id>,
    pub(crate) subnet: Option<Id>,
    pub(crate) router: Option<Id>,
    pub(crate) group: Option<Id>,
    /// The load balancer of the API.
    pub(crate) lb: Option<Id>,
    pub(crate) floating_ip: Option<Id>,
    /// The address of the API, once there is one.
    pub(crate) endpoint: Option<Ipv4Addr>,
    pub(crate) machines: Vec<Machine>,
    /// What CAPO is stuck at, in the words of its condition.
    pub(crate) stuck: Option<String>,
    /// Which loop of the controllers is the one that counts.
    pub(super) turn: u32,
    /// How often in a row it did not work.
    pub(crate) failures: u32,
    /// The load balancer was in ERROR at some time, so CAPO has to look again.
    pub(crate) broke: bool,
    /// What its deletion meets, as the scenario has it.
    pub(crate) obstacle: Option<Obstacle>,
}

/// A machine of a cluster.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// Its server in Nova, which has its name.
    pub(crate) server: Id,
    /// Whether it is of the control plane.
    pub(crate) master: bool,
}

/// The port of the Kubernetes API.
const API_PORT: u16 = 6443;
/// Where nodes live unless a label says otherwise.
const NODE_CIDR: &str = "10.0.0.0/24";

pub(super) fn edit(world: &mut World, id: &str, change: impl FnOnce(&mut Infrastructure)) {
    if let Some(cluster) = world.magnum.clusters.get_mut(id) {
        change(&mut cluster.infrastructure);
    }
}

/// Whether the credential lets CAPO do what a rule guards.
fn may(world: &World, cluster: &Cluster, rule: Rule) -> bool {
    let credential = cluster.infrastructure.credential.as_ref();
    credential.and_then(|id| world.keystone.credential_grant(id)).is_some_and(|grant| grant.may(rule))
}

/// What Keystone says to the cluster's credential, where it does not let it in.
pub(super) fn shut_out(world: &World, infra: &Infrastructure) -> Option<Step> {
    let id = infra.credential.as_ref()?;
    if infra.obstacle == Some(Obstacle::UserDisabled) {
        return Some(Step::Stuck("401 The request you have made requires authentication.".into()));
    }
    let gone = world.keystone.credential_grant(id).is_none();
    gone.then(|| Step::Stuck(format!("404 Could not find Application Credential: {id}.")))
}

fn forbidden() -> Step {
    Step::Stuck("403 Policy does not allow this request to be performed.".into())
}

/// The name of most that CAPO makes.
fn capo_name(cluster: &Cluster) -> String {
    format!("k8s-clusterapi-cluster-{}", capo_cluster(cluster))
}

/// What CAPO calls a cluster: in the names of its security groups, and in its descriptions.
fn capo_cluster(cluster: &Cluster) -> String {
    format!("{}-{}", cluster.namespace(), cluster.stack.as_deref().unwrap_or_default())
}

/// How CAPO describes what it makes.
fn capo_description(cluster: &Cluster) -> String {
    format!("Created by cluster-api-provider-openstack cluster {}", capo_cluster(cluster))
}

/// Network, router and security group.
pub(super) fn network(world: &mut World, id: &str) -> Result<Step, Refusal> {
    let now = world.now();
    let Some(cluster) = world.magnum.clusters.get(id) else { return Ok(Step::Finished) };
    let (name, project) = (capo_name(cluster), cluster.project.clone());
    let group_name = format!("k8s-cluster-{}-secgroup-controlplane", capo_cluster(cluster));
    let cidr = cluster.labels.get("fixed_subnet_cidr").and_then(Value::as_str).unwrap_or(NODE_CIDR);
    let cidr =
        Cidr::parse(cidr).ok_or_else(|| Refusal::said(400, format!("{cidr} is not in a CIDR format.")))?;
    let template = world.magnum.templates.get(&cluster.template).map(|t| t.spec.clone()).unwrap_or_default();
    let version = world.glance.images.get(&template.image).and_then(|i| i.property("kube_version"));
    let version = version.map(str::to_string);
    let external = world.neutron.network_named(&template.external_network).map(|n| n.id.clone());
    let new = NewNetwork { name: name.clone(), project: project.clone(), ..NewNetwork::default() };
    let network = Network::create(world, new);
    let subnet = NewSubnet {
        name: name.clone(),
        network: network.clone(),
        project: project.clone(),
        cidr,
        pool: None,
        dns: template.dns_nameserver.into_iter().collect(),
        dhcp: true,
    };
    let subnet = Subnet::create(world, subnet)?;
    let router = Router::create(world, &name, &project);
    Router::set_gateway(world, &router, external.as_deref())?;
    Router::join(world, &router, &subnet)?;
    let group = SecurityGroup::create(world, &group_name, &project, "Cluster API managed group");
    if let Some(cluster) = world.magnum.clusters.get_mut(id) {
        cluster.version = version;
        cluster.updated = Some(now);
        let infra = &mut cluster.infrastructure;
        (infra.network, infra.subnet) = (Some(network), Some(subnet));
        (infra.router, infra.group) = (Some(router), Some(group));
    }
    Ok(Step::Done)
}

/// The load balancer of the API, for which a role of its own is needed.
pub(super) fn load_balancer(world: &mut World, id: &str) -> Step {
    let Some(cluster) = world.magnum.clusters.get(id) else { return Step::Finished };
    if !may(world, cluster, Rule::LbWrite) {
        return forbidden();
    }
    let new = NewLoadBalancer {
        name: format!("{}-kubeapi", capo_name(cluster)),
        description: capo_description(cluster),
        project: cluster.project.clone(),
        subnet: cluster.infrastructure.subnet.clone().unwrap_or_default(),
        address: None,
        enabled: true,
        tags: Vec::new(),
    };
    match LoadBalancer::create(world, new) {
        Ok(lb) => {
            edit(world, id, |infra| infra.lb = Some(lb));
            Step::Done
        }
        Err(refusal) => refusal.into(),
    }
}

/// The floating IP of the API, its listener and its pool.
pub(super) fn endpoint(world: &mut World, id: &str) -> Result<Step, Refusal> {
    let now = world.now();
    let Some(cluster) = world.magnum.clusters.get(id) else { return Ok(Step::Finished) };
    let template = world.magnum.templates.get(&cluster.template);
    let external = template.and_then(|t| world.neutron.network_named(&t.spec.external_network));
    let network = external.map(|n| n.id.clone()).unwrap_or_default();
    let (lb, project) = (cluster.infrastructure.lb.clone().unwrap_or_default(), cluster.project.clone());
    let name = format!("{}-kubeapi-{API_PORT}", capo_name(cluster));
    let port = world.octavia.load_balancers.get(&lb).map(|lb| lb.vip.port.clone());
    let description = capo_description(cluster);
    let floating =
        FloatingIp::create(world, NewFloatingIp { project, network, address: None, port, description })?;
    let address = world.neutron.floating_ips.get(&floating).map(|f| f.address);
    let protocol = || "TCP".to_string();
    let listener = NewListener {
        name: name.clone(),
        description: String::new(),
        lb: lb.clone(),
        protocol: protocol(),
        port: API_PORT,
        pool: None,
    };
    let listener = Listener::create(world, listener);
    let pool = NewPool {
        name,
        description: String::new(),
        lb,
        listener: Some(listener),
        protocol: protocol(),
        algorithm: "ROUND_ROBIN".into(),
    };
    Pool::create(world, pool);
    if let Some(cluster) = world.magnum.clusters.get_mut(id) {
        cluster.infrastructure.floating_ip = Some(floating);
        cluster.infrastructure.endpoint = address;
        cluster.updated = Some(now);
    }
    Ok(Step::Done)
}

/// One more machine.
pub(super) fn machine(world: &mut World, id: &str, master: bool) -> Step {
    let suffix = world.ids.suffix("machine-suffix", 5);
    let Some(cluster) = world.magnum.clusters.get(id) else { return Step::Finished };
    let (group, flavor) = match master {
        true => ("control-plane", &cluster.master_flavor),
        false => ("default-worker", &cluster.flavor),
    };
    let name = format!("{}-{group}-{suffix}", cluster.stack.as_deref().unwrap_or_default());
    let Some(flavor) = world.nova.flavor_named(flavor).cloned() else {
        return Step::Stuck(format!("flavor {flavor} not found"));
    };
    let image = world.magnum.templates.get(&cluster.template).map(|t| t.spec.image.clone());
    let order = Order {
        name: name.clone(),
        project: cluster.project.clone(),
        user: cluster.user.clone(),
        flavor,
        image,
        key: cluster.keypair.clone(),
        nics: cluster.infrastructure.network.iter().cloned().map(Nic::Network).collect(),
        metadata: Vec::new(),
        user_data: None,
        request: format!("req-{}", world.ids.uuid("capo-request")).into(),
    };
    let (lb, subnet) = (cluster.infrastructure.lb.clone(), cluster.infrastructure.subnet.clone());
    let server = Server::build(world, order);
    edit(world, id, |infra| infra.machines.push(Machine { server: server.clone(), master }));
    if master {
        let build = *world.timings.server_build;
        world.later(build, move |world| join(world, lb.as_deref(), subnet, &server, name));
    }
    Step::Done
}

/// Puts a node of the control plane behind the load balancer of the API.
fn join(world: &mut World, lb: Option<&str>, subnet: Option<Id>, server: &str, name: String) {
    let address = world.nova.servers.get(server).and_then(|s| s.plugs.first()?.address);
    let pool = lb.and_then(|id| world.octavia.load_balancers.get(id)?.pools.first().cloned());
    if let (Some(address), Some(pool)) = (address, pool) {
        Member::create(world, NewMember { name, pool, address, port: API_PORT, subnet, weight: 1 });
    }
}

/// The next thing that is still there, in the order in which CAPO takes it down.
pub(super) fn tear_down(world: &mut World, id: &str) -> Step {
    let now = world.now();
    let Some(cluster) = world.magnum.clusters.get(id) else { return Step::Finished };
    let infra = cluster.infrastructure.clone();
    // machines go first; the janitor and CAPO begin when the infrastructure's turn has come
    if !infra.machines.is_empty() {
        let alive: Vec<&Machine> =
            infra.machines.iter().filter(|m| world.nova.servers.contains(&m.server)).collect();
        if alive.is_empty() {
            edit(world, id, |infra| infra.machines.clear());
            return Step::Done;
        }
        let servers: Vec<Id> = alive.iter().map(|m| m.server.clone()).collect();
        servers.iter().for_each(|server| Server::delete(world, server));
        return Step::Wait;
    }
    if let Some(shut_out) = shut_out(world, &infra) {
        return shut_out;
    }
    let janitor_looks = infra.obstacle != Some(Obstacle::JanitorAlone);
    if janitor_looks {
        match kubernetes::janitor(world, id) {
            Ok(true) => {}
            Ok(false) => return Step::Wait,
            Err(reason) => return Step::Stuck(reason),
        }
    }
    let Some(cluster) = world.magnum.clusters.get(id) else { return Step::Finished };
    if let Some(lb) = &infra.lb {
        if !may(world, cluster, Rule::LbWrite) {
            return forbidden();
        }
        return match world.octavia.load_balancers.get(lb).map(|lb| lb.provisioning(now)) {
            None => {
                edit(world, id, |infra| infra.lb = None);
                Step::Done
            }
            Some(Provisioning::Active | Provisioning::Error) => {
                if let Some(floating) = &infra.floating_ip {
                    FloatingIp::delete(world, floating);
                }
                edit(world, id, |infra| infra.floating_ip = None);
                LoadBalancer::delete(world, lb);
                Step::Wait
            }
            Some(Provisioning::PendingUpdate) => {
                Step::Stuck(format!("409 Load Balancer {lb} is immutable and cannot be updated."))
            }
            Some(_) => Step::Wait,
        };
    }
    match networks(world, id, &infra) {
        Ok(true) => {}
        Ok(false) => return Step::Done,
        Err(refusal) => return refusal.into(),
    }
    if !janitor_looks {
        return Step::Wait;
    }
    // whatever the parts took, CAPI's own finalizers take the rest of the time
    let due = world.magnum.clusters.get(id).map(|c| c.line.since(now) + *world.timings.cluster_delete);
    if due.is_some_and(|due| now < due) { Step::Wait } else { super::driver::end(world, id) }
}

/// Takes the next of router, network and group away; whether all of them are gone.
fn networks(world: &mut World, id: &str, infra: &Infrastructure) -> Result<bool, Refusal> {
    if let Some(router) = &infra.router {
        if let Some(subnet) =
            infra.subnet.as_ref().filter(|s| world.neutron.router_on(s).as_ref() == Some(router))
        {
            if infra.network.as_ref().is_some_and(|n| world.neutron.occupied(n)) {
                // CAPO takes the network first from what is plugged into it, and finds it in use
                let network = infra.network.clone().unwrap_or_default();
                Network::delete(world, &network)?;
            }
            Router::leave(world, router, subnet)?;
        }
        if world.neutron.routers.contains(router) {
            Router::delete(world, router)?;
        }
        edit(world, id, |infra| infra.router = None);
        return Ok(false);
    }
    if let Some(subnet) = &infra.subnet {
        Subnet::delete(world, subnet)?;
        edit(world, id, |infra| infra.subnet = None);
        return Ok(false);
    }
    if let Some(network) = &infra.network {
        Network::delete(world, network)?;
        edit(world, id, |infra| infra.network = None);
        return Ok(false);
    }
    if let Some(group) = &infra.group {
        SecurityGroup::delete(world, group)?;
        edit(world, id, |infra| infra.group = None);
        return Ok(false);
    }
    Ok(true)
}
