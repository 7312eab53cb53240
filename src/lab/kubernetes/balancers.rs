//! Services of type LoadBalancer: the cloud controller makes a load balancer in Octavia for each, gives it
//! a floating IP, and takes both away again.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};

use super::kinds::{EVENTS, NODES, SERVICES};
use super::nodes::CCM;
use super::store::{Key, Store};
use super::{Which, events, front, visit};
use crate::lab::api::{Refusal, Rule, shape};
use crate::lab::ids::Id;
use crate::lab::magnum::Cluster;
use crate::lab::neutron::{FloatingIp, NewFloatingIp};
use crate::lab::octavia::{
    Listener, LoadBalancer, Member, NewListener, NewLoadBalancer, NewMember, NewPool, Pool, Provisioning,
};
use crate::lab::world::World;

/// The cloud controller's mark on a Service: it holds it until its load balancer is gone.
const FINALIZER: &str = "service.kubernetes.io/load-balancer-cleanup";
/// Between two looks of the cloud controller.
const TICK: Duration = Duration::from_secs(5);
/// Between two tries of something that did not work.
const AGAIN: Duration = Duration::from_secs(30);

/// The name of a Service's load balancer in Octavia.
pub(super) fn name(cluster: &Cluster, service: &Key) -> String {
    format!(
        "kube_service_{}_{}_{}",
        cluster.stack.as_deref().unwrap_or_default(),
        service.namespace,
        service.name
    )
}

/// How the cloud controller marks the floating IP of a Service.
pub(super) fn floating_description(space: &str, name: &str, stack: &str) -> String {
    format!("Floating IP for Kubernetes external service {space}/{name} from cluster {stack}")
}

fn is_balanced(service: &Value) -> bool {
    service["spec"]["type"] == "LoadBalancer"
}

fn is_marked(service: &Value) -> bool {
    service["metadata"]["finalizers"].as_array().is_some_and(|f| f.iter().any(|f| f == FINALIZER))
}

/// Has the cloud controller look at Services that it has not seen, or has to let go of.
pub(super) fn notice(world: &mut World, cluster: &Id, store: &mut Store) {
    let all: Vec<(Key, Value)> = store.list(&SERVICES).map(|(k, o)| (k.clone(), o.clone())).collect();
    for (key, service) in all {
        let deleting = !service["metadata"]["deletionTimestamp"].is_null();
        let turn = format!("service {} {deleting}", service["metadata"]["uid"]);
        if (is_balanced(&service) || is_marked(&service)) && store.once(&turn) {
            let cluster = cluster.clone();
            world.later(TICK, move |world| look(world, &cluster, &key, deleting));
        }
    }
}

/// What is to be done next for a Service.
enum Next {
    /// Something was begun or is awaited.
    Soon,
    /// It did not work, for this reason.
    Failed(String),
    /// Nothing.
    Done,
}

impl From<Refusal> for Next {
    fn from(refusal: Refusal) -> Self {
        Next::Failed(shape::sentence(&refusal))
    }
}

/// The cloud controller's look at one Service.
fn look(world: &mut World, id: &Id, key: &Key, deleting: bool) {
    let which = Which::Workload(id.clone());
    let Some(cluster) = world.magnum.clusters.get(id) else { return };
    let works = front::answers(world, cluster) && world.kubernetes.crashing(CCM).is_none();
    let pause = visit(world, &which, |world, store| {
        let service = store.get(key).cloned()?;
        let now_deleting = !service["metadata"]["deletionTimestamp"].is_null();
        if now_deleting != deleting {
            return None; // another look is on its way
        }
        if !works {
            return Some(AGAIN);
        }
        let next =
            if deleting { let_go(world, store, id, key) } else { build(world, store, id, key, &service) };
        match next {
            Next::Soon => Some(TICK),
            Next::Done => None,
            Next::Failed(why) => {
                let message = format!("Error syncing load balancer: failed to ensure load balancer: {why}");
                let name = format!("{}.{}", key.name, store.version());
                let event =
                    events::about(&service, "SyncLoadBalancerFailed", &message, true, world.now(), &name);
                store.insert(&world.ids, &EVENTS, event, world.now());
                Some(AGAIN)
            }
        }
    });
    if let Some(pause) = pause {
        let (id, key) = (id.clone(), key.clone());
        world.later(pause, move |world| look(world, &id, &key, deleting));
    }
}

/// Whether the cluster's credential lets the cloud controller have load balancers.
pub(super) fn may(world: &World, cluster: &Cluster) -> bool {
    let credential = cluster.infrastructure.credential.as_ref();
    credential
        .and_then(|id| world.keystone.credential_grant(id))
        .is_some_and(|grant| grant.may(Rule::LbWrite))
}

fn forbidden() -> Next {
    Next::Failed("Expected HTTP response code [200 201 202] but got 403 instead: Policy does not allow this request to be performed.".into())
}

/// The load balancer of a name, in a project.
fn find<'w>(world: &'w World, project: &Id, name: &str) -> Option<&'w LoadBalancer> {
    world.octavia.load_balancers.iter().find(|lb| lb.name == name && lb.project == *project)
}

fn build(world: &mut World, store: &mut Store, id: &Id, key: &Key, service: &Value) -> Next {
    let Some(cluster) = world.magnum.clusters.get(id) else { return Next::Done };
    if !may(world, cluster) {
        return forbidden();
    }
    if !is_marked(service) {
        store.change(key, |o| mark(o, true));
    }
    let (name, project) = (name(cluster, key), cluster.project.clone());
    let stack = cluster.stack.clone().unwrap_or_default();
    let subnet = cluster.infrastructure.subnet.clone().unwrap_or_default();
    let Some(lb) = find(world, &project, &name) else {
        let new = NewLoadBalancer {
            description: format!(
                "Kubernetes external service {}/{} from cluster {}",
                key.namespace, key.name, stack
            ),
            name,
            project,
            subnet,
            address: None,
            enabled: true,
            tags: Vec::new(),
        };
        return LoadBalancer::create(world, new).map_or_else(Next::from, |_| Next::Soon);
    };
    match lb.provisioning(world.now()) {
        Provisioning::Active => {}
        Provisioning::Error => {
            return Next::Failed(format!("loadbalancer {} has gone into ERROR state", lb.id));
        }
        _ => return Next::Soon,
    }
    let (lb, port, listeners) = (lb.id.clone(), lb.vip.port.clone(), lb.listeners.len());
    let ports = service["spec"]["ports"].as_array().cloned().unwrap_or_default();
    if let Some(port) = ports.get(listeners) {
        listen(world, store, &lb, &name, listeners, port, subnet);
        return Next::Soon;
    }
    let address = match world.neutron.floating_ip_on(&port) {
        Some(floating) => floating.address,
        None => {
            let template = world.magnum.templates.get(&cluster_template(world, id));
            let network = template.and_then(|t| world.neutron.network_named(&t.spec.external_network));
            let network = network.map(|n| n.id.clone()).unwrap_or_default();
            let description = floating_description(&key.namespace, &key.name, &stack);
            let new = NewFloatingIp { project, network, address: None, port: Some(port), description };
            return FloatingIp::create(world, new).map_or_else(Next::from, |_| Next::Soon);
        }
    };
    store.change(key, |o| {
        o["status"]["loadBalancer"] = json!({"ingress": [{"ip": address.to_string(), "ipMode": "VIP"}]});
    });
    Next::Done
}

fn cluster_template(world: &World, id: &Id) -> Id {
    world.magnum.clusters.get(id).map(|c| c.template.clone()).unwrap_or_default()
}

/// A listener for one port of a Service, with the nodes behind it.
fn listen(world: &mut World, store: &Store, lb: &Id, name: &str, n: usize, port: &Value, subnet: Id) {
    let number = |key: &str| port[key].as_u64().and_then(|p| u16::try_from(p).ok()).unwrap_or_default();
    let protocol = port["protocol"].as_str().unwrap_or("TCP").to_string();
    let listener = NewListener {
        name: format!("listener_{n}_{name}"),
        description: String::new(),
        lb: lb.clone(),
        protocol: protocol.clone(),
        port: number("port"),
        pool: None,
    };
    let listener = Listener::create(world, listener);
    let pool = NewPool {
        name: format!("pool_{n}_{name}"),
        description: String::new(),
        lb: lb.clone(),
        listener: Some(listener),
        protocol,
        algorithm: "ROUND_ROBIN".into(),
    };
    let pool = Pool::create(world, pool);
    let nodes: Vec<(String, Option<Ipv4Addr>)> = store
        .list(&NODES)
        .map(|(key, node)| {
            (
                key.name.clone(),
                node["status"]["addresses"][0]["address"].as_str().and_then(|a| a.parse().ok()),
            )
        })
        .collect();
    for (node, address) in nodes {
        let Some(address) = address else { continue };
        let new = NewMember {
            name: format!("member_{n}_{node}"),
            pool: pool.clone(),
            address,
            port: number("nodePort"),
            subnet: Some(subnet.clone()),
            weight: 1,
        };
        Member::create(world, new);
    }
}

fn mark(service: &mut Value, on: bool) {
    let finalizers = &mut service["metadata"]["finalizers"];
    if finalizers.is_null() {
        *finalizers = json!([]);
    }
    if let Some(all) = finalizers.as_array_mut() {
        all.retain(|f| f != FINALIZER);
        if on {
            all.push(FINALIZER.into());
        }
    }
}

/// Takes the load balancer of a Service away, and then the mark on the Service.
fn let_go(world: &mut World, store: &mut Store, id: &Id, key: &Key) -> Next {
    let Some(cluster) = world.magnum.clusters.get(id) else { return Next::Done };
    if !may(world, cluster) {
        return forbidden();
    }
    let (name, project) = (name(cluster, key), cluster.project.clone());
    if take_down(world, &project, |lb| lb.name == name) {
        store.change(key, |o| mark(o, false));
        return Next::Done;
    }
    Next::Soon
}

/// Deletes load balancers with their floating IPs; whether all of them are gone.
pub(super) fn take_down(world: &mut World, project: &Id, which: impl Fn(&LoadBalancer) -> bool) -> bool {
    let now = world.now();
    let all = world.octavia.load_balancers.iter().filter(|lb| lb.project == *project && which(lb));
    let all: Vec<(Id, Id, Provisioning)> =
        all.map(|lb| (lb.id.clone(), lb.vip.port.clone(), lb.provisioning(now))).collect();
    for (lb, port, state) in &all {
        if !matches!(state, Provisioning::Active | Provisioning::Error) {
            continue;
        }
        if let Some(floating) = world.neutron.floating_ip_on(port).map(|f| f.id.clone()) {
            FloatingIp::delete(world, &floating);
        }
        LoadBalancer::delete(world, lb);
    }
    all.is_empty()
}
