//! The nodes of a cluster: servers that joined it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::kinds::NODES;
use super::store::{Key, Store};
use super::{Which, front};
use crate::lab::magnum::Cluster;
use crate::lab::nova::{Flavor, Server};
use crate::lab::stamp;
use crate::lab::world::World;

/// From a server's ACTIVE until its kubelet joins.
const JOIN: Duration = Duration::from_secs(40);
/// From there until the network lets it be Ready.
const READY: Duration = Duration::from_secs(40);
/// From there until the cloud controller has looked at it.
const CLOUD: Duration = Duration::from_secs(50);
/// From there, or from the management cluster's return, until Cluster API has looked at it.
const SYNC: Duration = Duration::from_secs(60);
/// A kubelet that is silent for so long is given up.
const SILENCE: Duration = Duration::from_secs(40);

pub(super) const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";
const CAPI_TAINT: &str = "node.cluster.x-k8s.io/uninitialized";
/// What `kubectl cordon` puts on a node.
const CORDON: &str = "node.kubernetes.io/unschedulable";
const CLOUD_TAINT: &str = "node.cloudprovider.kubernetes.io/uninitialized";
/// What the driver calls the cloud controller's pods.
pub(super) const CCM: &str = "openstack-cloud-controller-manager";

/// A node.
pub(super) struct Node {
    pub(super) name: String,
    /// When it joined.
    pub(super) joined: Timestamp,
    /// When what runs on it was started last.
    pub(super) booted: Timestamp,
    /// From when on work that tolerates nothing may come.
    pub(super) open: Timestamp,
    pub(super) address: String,
    pub(super) control_plane: bool,
    /// Keys of its taints, with their effects.
    pub(super) taints: Vec<(&'static str, &'static str)>,
    /// An operator lets no more work come.
    cordoned: bool,
    version: String,
    provider: String,
    /// Since when it is Ready, or since when it is not.
    ready: Result<Timestamp, Timestamp>,
    flavor: Flavor,
}

/// The nodes of a cluster.
pub(super) fn of(world: &World, which: &Which, store: &Store) -> Vec<Node> {
    match which {
        Which::Management => management(world, store).into_iter().collect(),
        Which::Workload(id) => match world.magnum.clusters.get(id) {
            Some(cluster) => workload(world, cluster, store),
            None => Vec::new(),
        },
    }
}

fn address(server: &Server) -> String {
    server.plugs.first().and_then(|p| p.address).map(|a| a.to_string()).unwrap_or_default()
}

/// The management server, which is the only node of its cluster.
fn management(world: &World, store: &Store) -> Option<Node> {
    let server = world.nova.server_named(world.quirks.management.as_ref()?)?;
    let since = world.management_since()?;
    let cordoned = is_cordoned(store.get(&Key::new(&NODES, "", &server.name)));
    Some(Node {
        name: server.name.clone(),
        joined: server.created,
        booted: since,
        open: server.created,
        address: address(server),
        control_plane: true,
        taints: if cordoned { vec![(CORDON, "NoSchedule")] } else { Vec::new() },
        cordoned,
        version: front::version(world, &Which::Management),
        provider: String::new(),
        ready: Ok(since),
        flavor: server.flavor.clone(),
    })
}

fn workload(world: &World, cluster: &Cluster, store: &Store) -> Vec<Node> {
    let now = world.now();
    let initialised = front::initialised(world, cluster);
    let crashing = world.kubernetes.crashing(CCM);
    let mut nodes = Vec::new();
    for machine in &cluster.infrastructure.machines {
        let Some(server) = world.nova.servers.get(&machine.server) else { continue };
        let up = server.up_since(now);
        let built = server.created + *world.timings.server_build + JOIN;
        let joined = built.max(initialised);
        let known = store.get(&Key::new(&NODES, "", &server.name));
        // a server that never came up never joins; one that went down stays a node
        if joined > now || (up.is_none() && known.is_none() && server.launched.is_none()) {
            continue;
        }
        let ready = match up {
            Some(up) if joined.max(up + JOIN) + READY <= now => Ok(joined.max(up + JOIN) + READY),
            Some(up) => Err(joined.max(up)),
            None => Err(server.line.since(now) + SILENCE),
        };
        let mut taints = Vec::new();
        if machine.master {
            taints.push((CONTROL_PLANE, "NoSchedule"));
        }
        if keeps(known, CAPI_TAINT) && !synced(world, joined) {
            taints.push((CAPI_TAINT, "NoSchedule"));
        }
        let looked_at = joined + CLOUD;
        if keeps(known, CLOUD_TAINT) && (looked_at > now || crashing.is_some_and(|since| since < looked_at)) {
            taints.push((CLOUD_TAINT, "NoSchedule"));
        }
        let cordoned = is_cordoned(known);
        if cordoned {
            taints.push((CORDON, "NoSchedule"));
        }
        match ready {
            Err(since) if up.is_none() && since <= now => {
                taints.push(("node.kubernetes.io/unreachable", "NoExecute"))
            }
            Err(_) => taints.push(("node.kubernetes.io/not-ready", "NoExecute")),
            Ok(_) => {}
        }
        nodes.push(Node {
            name: server.name.clone(),
            joined,
            booted: up.unwrap_or(server.created),
            open: looked_at,
            address: address(server),
            control_plane: machine.master,
            taints,
            cordoned,
            version: front::version(world, &Which::Workload(cluster.id.clone())),
            provider: format!("openstack:///{}", server.id),
            ready,
            flavor: server.flavor.clone(),
        });
    }
    nodes
}

/// Whether a node may have a taint still: what was taken off does not come back.
fn keeps(known: Option<&Value>, taint: &str) -> bool {
    known.is_none_or(|n| n["spec"]["taints"].as_array().is_some_and(|t| t.iter().any(|t| t["key"] == *taint)))
}

fn is_cordoned(known: Option<&Value>) -> bool {
    known.is_some_and(|node| node["spec"]["unschedulable"] == true)
}

/// Whether Cluster API has looked at a node since it joined, which takes the management cluster.
fn synced(world: &World, joined: Timestamp) -> bool {
    let now = world.now();
    match world.management_since() {
        Some(since) => joined.max(since) + SYNC <= now,
        None => {
            let server = world.quirks.management.as_ref().and_then(|name| world.nova.server_named(name));
            server.is_some_and(|s| joined + SYNC <= s.line.since(now))
        }
    }
}

impl Node {
    /// Whether something with these tolerations may run on it.
    pub(super) fn takes(&self, tolerations: &Value) -> bool {
        let tolerated = |key: &str, effect: &str| {
            tolerations.as_array().is_some_and(|all| {
                all.iter().any(|t| {
                    t["key"].as_str().is_none_or(|k| k == key)
                        && t["effect"].as_str().is_none_or(|e| e == effect)
                })
            })
        };
        self.taints.iter().all(|(key, effect)| tolerated(key, effect))
    }

    pub(super) fn object(&self, now: Timestamp) -> Value {
        let mut labels = json!({
            "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", "kubernetes.io/hostname": self.name,
            "node.kubernetes.io/instance-type": &*self.flavor.name,
        });
        if self.control_plane {
            labels[CONTROL_PLANE] = "".into();
        }
        let mut spec = json!({});
        if !self.provider.is_empty() {
            spec["providerID"] = self.provider.as_str().into();
        }
        if !self.taints.is_empty() {
            spec["taints"] =
                self.taints.iter().map(|(key, effect)| json!({"key": key, "effect": effect})).collect();
        }
        if self.cordoned {
            spec["unschedulable"] = true.into();
        }
        let size = self.flavor.resources();
        let room = json!({"cpu": size.vcpus.to_string(), "memory": format!("{}Ki", size.memory_mb * 1024), "pods": "110"});
        json!({
            "metadata": {"name": self.name, "labels": labels}, "spec": spec,
            "status": {
                "addresses": [{"type": "InternalIP", "address": self.address}, {"type": "Hostname", "address": self.name}],
                "capacity": room, "allocatable": room, "conditions": self.conditions(now),
                "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
                "nodeInfo": {
                    "architecture": "amd64", "operatingSystem": "linux", "osImage": "Ubuntu 22.04.5 LTS",
                    "kernelVersion": "5.15.0-140-generic", "containerRuntimeVersion": "containerd://2.1.4",
                    "kubeletVersion": self.version, "kubeProxyVersion": "", "bootID": format!("b-{}", self.name),
                    "machineID": format!("m-{}", self.name), "systemUUID": format!("s-{}", self.name),
                },
            },
        })
    }

    fn conditions(&self, now: Timestamp) -> Value {
        let (since, lost) = match self.ready {
            Ok(since) => (since, false),
            Err(since) => {
                (since, self.taints.iter().any(|(key, _)| key.ends_with("/unreachable")) && since <= now)
            }
        };
        let one = |kind: &str, status: &str, reason: &str, message: &str| {
            let (status, reason, message) = match lost {
                true => ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."),
                false => (status, reason, message),
            };
            let at = stamp::zulu(since);
            json!({"type": kind, "status": status, "reason": reason, "message": message, "lastHeartbeatTime": at, "lastTransitionTime": at})
        };
        let ready = match self.ready {
            Ok(_) => one("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
            Err(_) => one(
                "Ready",
                "False",
                "KubeletNotReady",
                "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized",
            ),
        };
        json!([
            one(
                "MemoryPressure",
                "False",
                "KubeletHasSufficientMemory",
                "kubelet has sufficient memory available"
            ),
            one("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            one("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            ready,
        ])
    }
}
