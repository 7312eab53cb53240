//! What Cluster API keeps of each cluster in the management cluster. The driver of Magnum makes the
//! clusters; here is how that shows.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::conditions::{Found, show, show_former};
use super::controllers::namespace;
use super::kinds::{
    CLUSTERS, CONTROL_PLANES, EVENTS, Kind, MACHINE_DEPLOYMENTS, MACHINES, OPENSTACK_CLUSTERS,
    OPENSTACK_MACHINES, SECRETS,
};
use super::store::{Key, Store};
use super::{credentials, events, front, machines, openstack};
use crate::lab::ids::Id;
use crate::lab::magnum::{Cluster, Status};
use crate::lab::world::World;

const KINDS: [&Kind; 6] =
    [&CLUSTERS, &OPENSTACK_CLUSTERS, &CONTROL_PLANES, &MACHINE_DEPLOYMENTS, &MACHINES, &OPENSTACK_MACHINES];
pub(super) const OF: &str = "cluster.x-k8s.io/cluster-name";
/// From a finalizer that was taken off until Cluster API has looked.
const NOTICED: Duration = Duration::from_secs(5);

/// Brings the objects of all clusters to what the driver has done.
pub(super) fn project(world: &mut World, store: &mut Store) {
    let now = world.now();
    let ids: Vec<Id> = world.magnum.clusters.iter().map(|c| c.id.clone()).collect();
    let mut there = BTreeSet::new();
    let mut released = Vec::new();
    for id in ids {
        let Some(cluster) = world.magnum.clusters.get(&id) else { continue };
        let Some(stack) = cluster.stack.clone() else { continue };
        if cluster.status(now) == Status::DeleteComplete {
            continue;
        }
        there.insert(stack.clone());
        let infrastructure = Key::new(&OPENSTACK_CLUSTERS, &cluster.namespace(), &stack);
        let deleting = cluster.status(now) == Status::DeleteInProgress;
        // somebody took the last finalizer off: the owner of the object has lost it
        if deleting
            && store.get(&infrastructure).is_none()
            && !store.is_undone(&format!("infrastructure {stack}"))
        {
            released.push(id);
            continue;
        }
        store.once(&format!("infrastructure {stack}"));
        namespace(world, store, &cluster.namespace(), cluster.created);
        for kind in [&OPENSTACK_CLUSTERS, &CLUSTERS, &CONTROL_PLANES, &MACHINE_DEPLOYMENTS] {
            write(world, store, kind, cluster, &stack);
        }
        machines::project(world, store, cluster, &stack);
        secrets(world, store, cluster, &stack);
        event(world, store, cluster, &infrastructure);
        if deleting {
            let since = cluster.line.since(now);
            for key in belonging(store, |name| name == stack) {
                store.delete(&key, since);
            }
        }
    }
    for key in belonging(store, |name| !there.contains(name)) {
        store.remove(&key);
    }
    for id in released {
        world.later(NOTICED, move |world| Cluster::release(world, &id));
    }
}

/// The objects whose cluster's name is one that is asked for.
fn belonging(store: &Store, wanted: impl Fn(&str) -> bool) -> Vec<Key> {
    let of = |object: &Value| object["metadata"]["labels"][OF].as_str().is_some_and(&wanted);
    let secrets: &Kind = &SECRETS;
    let kinds = KINDS.into_iter().chain([secrets]);
    kinds.flat_map(|kind| store.list(kind)).filter(|(_, o)| of(o)).map(|(key, _)| key.clone()).collect()
}

/// Writes an object of Cluster API's: its metadata, and what is in `parts`.
pub(super) fn put(
    world: &World,
    store: &mut Store,
    kind: &'static Kind,
    cluster: &Cluster,
    name: &str,
    born: Timestamp,
    parts: Value,
) {
    let stack = cluster.stack.as_deref().unwrap_or_default();
    let finalizers = match kind.kind {
        "Cluster" => json!(["cluster.cluster.x-k8s.io"]),
        "OpenStackCluster" => openstack::finalizers(cluster),
        "KubeadmControlPlane" => json!(["kubeadm.controlplane.cluster.x-k8s.io"]),
        "MachineDeployment" => json!(["cluster.x-k8s.io/machinedeployment"]),
        "Machine" => json!(["machine.cluster.x-k8s.io"]),
        _ => json!(["openstackmachine.infrastructure.cluster.x-k8s.io"]),
    };
    let metadata = json!({"name": name, "namespace": cluster.namespace(), "labels": {OF: stack}, "finalizers": finalizers});
    let wanted = json!({"metadata": metadata, "spec": parts["spec"], "status": parts["status"]});
    store.want(&world.ids, kind, wanted, born);
}

fn write(world: &World, store: &mut Store, kind: &'static Kind, cluster: &Cluster, stack: &str) {
    let name = match kind.kind {
        "KubeadmControlPlane" => format!("{stack}-control-plane"),
        "MachineDeployment" => format!("{stack}-default-worker"),
        _ => stack.to_string(),
    };
    let before = store.get(&Key::new(kind, &cluster.namespace(), &name)).cloned().unwrap_or_default();
    let parts = match kind.kind {
        "OpenStackCluster" => openstack::cluster(world, cluster, stack, &before),
        "Cluster" => whole(world, cluster, stack, &before),
        _ => group(world, cluster, stack, &before, kind.kind == "KubeadmControlPlane"),
    };
    put(world, store, kind, cluster, &name, cluster.created, parts);
}

/// How many machines of a group are wanted, there, and up.
fn count(world: &World, cluster: &Cluster, masters: bool) -> (usize, usize, usize) {
    let wanted = if masters { cluster.masters } else { cluster.nodes };
    let own = cluster.infrastructure.machines.iter().filter(|m| m.master == masters);
    let there: Vec<_> = own.filter_map(|m| world.nova.servers.get(&m.server)).collect();
    let now = world.now();
    let joined = front::initialised(world, cluster) <= now;
    let up = there.iter().filter(|s| joined && s.up_since(now).is_some()).count();
    (wanted as usize, there.len(), up)
}

fn replicas((wanted, there, up): (usize, usize, usize)) -> Value {
    json!({"desiredReplicas": wanted, "replicas": there, "readyReplicas": up, "availableReplicas": up, "upToDateReplicas": there})
}

/// Both sets of conditions in the shape of v1beta2.
pub(super) fn status(found: &[Found], former: &[Found], before: &Value, now: Timestamp) -> Value {
    let old = &before["status"];
    let newer = show(found, &old["conditions"], now);
    let older = show_former(former, &old["deprecated"]["v1beta1"]["conditions"], now);
    json!({"conditions": newer, "deprecated": {"v1beta1": {"conditions": older}}})
}

/// The Cluster.
fn whole(world: &World, cluster: &Cluster, stack: &str, before: &Value) -> Value {
    let now = world.now();
    let (masters, nodes) = (count(world, cluster, true), count(world, cluster, false));
    let complaint = openstack::complaint(world, cluster);
    let infrastructure = openstack::is_ready(world, cluster);
    let deleting = cluster.status(now) == Status::DeleteInProgress;
    let (control, workers) = (masters.2 >= masters.0 && masters.0 > 0, nodes.2 >= nodes.0);
    let available = infrastructure && control && workers && !deleting;
    let waits = |is: bool, (wanted, _, up): (usize, usize, usize)| match is {
        true => String::new(),
        false => format!("{up} of {wanted} machines are available"),
    };
    let why = [
        ("InfrastructureReady", &complaint),
        ("ControlPlaneAvailable", &waits(control, masters)),
        ("WorkersAvailable", &waits(workers, nodes)),
    ];
    let why: Vec<String> =
        why.iter().filter(|(_, w)| !w.is_empty()).map(|(name, w)| format!("* {name}: {w}")).collect();
    let found = [
        Found::new("Available", available, ("Available", "NotAvailable"), &why.join("\n")),
        Found::new("InfrastructureReady", infrastructure, ("Ready", "NotReady"), &complaint),
        Found::new("ControlPlaneInitialized", masters.2 > 0, ("Initialized", "NotInitialized"), ""),
        Found::new("ControlPlaneAvailable", control, ("Available", "NotAvailable"), &waits(control, masters)),
        Found::new("WorkersAvailable", workers, ("Available", "NotAvailable"), &waits(workers, nodes)),
        Found::new("Deleting", deleting, ("Deleting", "NotDeleting"), ""),
        Found::new("Paused", false, ("Paused", "NotPaused"), ""),
    ];
    let former = [
        Found::new("Ready", available, ("Ready", "WaitingForInfrastructure"), &complaint),
        Found::new("InfrastructureReady", infrastructure, ("Ready", "NotReady"), &complaint),
        Found::new(
            "ControlPlaneInitialized",
            masters.2 > 0,
            ("Initialized", "WaitingForControlPlaneProviderInitialized"),
            "",
        ),
        Found::new(
            "ControlPlaneReady",
            control,
            ("Ready", "WaitingForControlPlane"),
            &waits(control, masters),
        ),
    ];
    let mut status = status(&found, &former, before, now);
    let endpoint = cluster.infrastructure.endpoint;
    status["phase"] = match () {
        () if deleting => "Deleting",
        () if endpoint.is_some() => "Provisioned",
        () => "Provisioning",
    }
    .into();
    status["initialization"] =
        json!({"infrastructureProvisioned": endpoint.is_some(), "controlPlaneInitialized": masters.2 > 0});
    status["controlPlane"] = replicas(masters);
    status["workers"] = replicas(nodes);
    let mut spec = json!({
        "clusterNetwork": {"pods": {"cidrBlocks": ["172.16.0.0/13"]}, "services": {"cidrBlocks": ["172.24.0.0/13"]}, "serviceDomain": "cluster.local"},
        "controlPlaneRef": {"apiGroup": "controlplane.cluster.x-k8s.io", "kind": "KubeadmControlPlane", "name": format!("{stack}-control-plane")},
        "infrastructureRef": {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "OpenStackCluster", "name": stack},
    });
    if let Some(address) = endpoint {
        spec["controlPlaneEndpoint"] = json!({"host": address.to_string(), "port": front::PORT});
    }
    json!({"spec": spec, "status": status})
}

/// The KubeadmControlPlane or the MachineDeployment.
fn group(world: &World, cluster: &Cluster, stack: &str, before: &Value, masters: bool) -> Value {
    let now = world.now();
    let counts = count(world, cluster, masters);
    let (wanted, there, up) = counts;
    let available = up >= wanted;
    let failed = cluster.infrastructure.machines.iter().filter(|m| m.master == masters);
    let failed =
        failed.filter_map(|m| world.nova.servers.get(&m.server)).find_map(|s| openstack::failure(world, s));
    let message = match (available, failed) {
        (true, _) => String::new(),
        (false, Some(failed)) => failed,
        (false, None) => format!("{up} of {wanted} machines are available"),
    };
    let found = [
        Found::new("Available", available, ("Available", "NotAvailable"), &message),
        Found::new("MachinesReady", up >= there, ("Ready", "NotReady"), ""),
        Found::new("ScalingUp", there < wanted, ("ScalingUp", "NotScalingUp"), ""),
        Found::new("ScalingDown", there > wanted, ("ScalingDown", "NotScalingDown"), ""),
        Found::new("Paused", false, ("Paused", "NotPaused"), ""),
    ];
    let former = [Found::new("Ready", available, ("Ready", "ScalingUp"), &message)];
    let mut status = status(&found, &former, before, now);
    for (key, value) in
        [("replicas", there), ("readyReplicas", up), ("availableReplicas", up), ("upToDateReplicas", there)]
    {
        status[key] = value.into();
    }
    let mut spec = json!({"clusterName": stack, "replicas": wanted});
    if masters {
        spec = json!({"replicas": wanted});
        status["initialization"] = json!({"controlPlaneInitialized": up > 0});
    } else {
        status["phase"] = if available { "Running" } else { "ScalingUp" }.into();
    }
    if let Some(version) = &cluster.version {
        spec["version"] = version.as_str().into();
    }
    json!({"spec": spec, "status": status})
}

/// What CAPO says of its newest try in an Event.
fn event(world: &World, store: &mut Store, cluster: &Cluster, infrastructure: &Key) {
    let Some((reason, message)) = openstack::event(world, cluster) else { return };
    let (stack, failures) = (&infrastructure.name, cluster.infrastructure.failures);
    let (Some(object), true) =
        (store.get(infrastructure).cloned(), store.once(&format!("event {stack} {failures}")))
    else {
        return;
    };
    let event = events::about(&object, reason, &message, true, world.now(), &format!("{stack}.{failures:x}"));
    store.insert(&world.ids, &EVENTS, event, world.now());
}

fn secrets(world: &World, store: &mut Store, cluster: &Cluster, stack: &str) {
    if cluster.infrastructure.endpoint.is_none() || !store.once(&format!("secrets {stack}")) {
        return;
    }
    use base64::Engine as _;
    let authority = base64::engine::general_purpose::STANDARD.encode(&cluster.authority.pem);
    let mut all = vec![credentials::secret(cluster, "ca", json!({"tls.crt": authority}))];
    if let Some(kubeconfig) = credentials::signed(world, cluster) {
        all.push(credentials::secret(cluster, "kubeconfig", json!({"value": kubeconfig})));
    }
    for secret in all {
        store.insert(&world.ids, &SECRETS, secret, world.now());
    }
}
