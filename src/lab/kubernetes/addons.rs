//! What the driver's chart installs into a workload cluster, and the control plane's own pods.

use std::time::Duration;

use serde_json::json;

use super::controllers::namespace;
use super::front;
use super::kinds::{DAEMON_SETS, DEPLOYMENTS};
use super::management::{insert, runs};
use super::nodes::{CCM, CONTROL_PLANE, Node};
use super::store::Store;
use super::workloads;
use crate::lab::ids::Id;
use crate::lab::world::World;

/// From the control plane's first answer until the chart is installed.
const INSTALLED: Duration = Duration::from_secs(60);

/// Namespace, name, image, and how many: none is one on each node.
const CHART: &[(&str, &str, &str, u32)] = &[
    ("kube-system", "kube-proxy", "registry.k8s.io/kube-proxy:v1.34", 0),
    ("kube-system", "coredns", "registry.k8s.io/coredns/coredns:v1.12.1", 2),
    ("tigera-operator", "tigera-operator", "quay.io/tigera/operator:v1.38.3", 1),
    ("calico-system", "calico-kube-controllers", "quay.io/calico/kube-controllers:v3.30.2", 1),
    ("calico-system", "calico-typha", "quay.io/calico/typha:v3.30.2", 1),
    ("calico-system", "calico-node", "quay.io/calico/node:v3.30.2", 0),
    ("openstack-system", CCM, "registry.k8s.io/provider-os/openstack-cloud-controller-manager:v1.34.1", 0),
    (
        "openstack-system",
        "openstack-cinder-csi-controllerplugin",
        "registry.k8s.io/provider-os/cinder-csi-plugin:v1.34.1",
        1,
    ),
    (
        "openstack-system",
        "openstack-cinder-csi-nodeplugin",
        "registry.k8s.io/provider-os/cinder-csi-plugin:v1.34.1",
        0,
    ),
    ("kube-system", "metrics-server", "registry.k8s.io/metrics-server/metrics-server:v0.8.0", 1),
];

/// What kubeadm runs on each node of the control plane.
const STATIC: [(&str, &str); 4] = [
    ("etcd", "registry.k8s.io/etcd:3.6.4-0"),
    ("kube-apiserver", "registry.k8s.io/kube-apiserver:v1.34"),
    ("kube-controller-manager", "registry.k8s.io/kube-controller-manager:v1.34"),
    ("kube-scheduler", "registry.k8s.io/kube-scheduler:v1.34"),
];

/// Puts all that there, once, and the control plane's own pods as its nodes come.
pub(super) fn seed(world: &World, id: &Id, store: &mut Store, nodes: &[Node]) {
    let Some(cluster) = world.magnum.clusters.get(id) else { return };
    for node in nodes.iter().filter(|n| n.control_plane) {
        for (name, image) in STATIC {
            workloads::fixed(world, store, node, name, image);
        }
    }
    let at = front::initialised(world, cluster) + INSTALLED;
    if at > world.now() || !store.once("chart") {
        return;
    }
    for (space, name, image, replicas) in CHART {
        namespace(world, store, space, at);
        // metrics and volumes wait for workers, the rest makes the nodes what they are
        let tolerations = match *name {
            "metrics-server" | "openstack-cinder-csi-controllerplugin" => json!([]),
            _ => json!([{"operator": "Exists"}]),
        };
        let mut object = runs(space, name, image, *replicas, tolerations);
        if *name == CCM {
            object["spec"]["template"]["spec"]["nodeSelector"] = json!({CONTROL_PLANE: ""});
        }
        insert(world, store, if *replicas > 0 { &DEPLOYMENTS } else { &DAEMON_SETS }, object, at);
    }
}
