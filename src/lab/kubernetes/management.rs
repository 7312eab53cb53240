//! What runs in the management cluster: the controllers of Cluster API.

use serde_json::{Value, json};

use super::controllers::namespace;
use super::defaults;
use super::kinds::{DAEMON_SETS, DEPLOYMENTS, Kind};
use super::store::Store;
use crate::lab::world::World;

/// Namespace, name and image of each Deployment.
const DEPLOYED: &[(&str, &str, &str)] = &[
    (
        "capi-addon-system",
        "cluster-api-addon-provider",
        "ghcr.io/azimuth-cloud/cluster-api-addon-provider:0.10.2",
    ),
    (
        "capi-janitor-system",
        "cluster-api-janitor-openstack",
        "ghcr.io/azimuth-cloud/cluster-api-janitor-openstack:0.9.1",
    ),
    (
        "capi-kubeadm-bootstrap-system",
        "capi-kubeadm-bootstrap-controller-manager",
        "registry.k8s.io/cluster-api/kubeadm-bootstrap-controller:v1.13.0",
    ),
    (
        "capi-kubeadm-control-plane-system",
        "capi-kubeadm-control-plane-controller-manager",
        "registry.k8s.io/cluster-api/kubeadm-control-plane-controller:v1.13.0",
    ),
    ("capi-system", "capi-controller-manager", "registry.k8s.io/cluster-api/cluster-api-controller:v1.13.0"),
    (
        "capo-system",
        "capo-controller-manager",
        "registry.k8s.io/capi-openstack/capi-openstack-controller:v0.14.0",
    ),
    ("cert-manager", "cert-manager", "quay.io/jetstack/cert-manager-controller:v1.18.2"),
    ("cert-manager", "cert-manager-cainjector", "quay.io/jetstack/cert-manager-cainjector:v1.18.2"),
    ("cert-manager", "cert-manager-webhook", "quay.io/jetstack/cert-manager-webhook:v1.18.2"),
    ("kube-system", "cilium-operator", "ghcr.io/canonical/cilium-operator-generic:1.17"),
    ("kube-system", "coredns", "ghcr.io/canonical/coredns:1.12.1"),
    ("orc-system", "orc-controller-manager", "quay.io/orc/openstack-resource-controller:v2.2.0"),
];

/// Puts them there, as phase-06 did, once.
pub(super) fn seed(world: &World, store: &mut Store) {
    if !store.once("controllers") {
        return;
    }
    let server = world.quirks.management.as_ref().and_then(|name| world.nova.server_named(name));
    let born = server.map_or(world.now(), |s| s.created);
    for (space, name, image) in DEPLOYED {
        namespace(world, store, space, born);
        let object = runs(space, name, image, 1, json!([{"operator": "Exists"}]));
        insert(world, store, &DEPLOYMENTS, object, born);
    }
    let cilium =
        runs("kube-system", "cilium", "ghcr.io/canonical/cilium:1.17", 0, json!([{"operator": "Exists"}]));
    insert(world, store, &DAEMON_SETS, cilium, born);
}

/// Adds an object of the cluster's own, filled in as the API server fills in.
pub(super) fn insert(
    world: &World,
    store: &mut Store,
    kind: &'static Kind,
    mut object: Value,
    born: jiff::Timestamp,
) {
    defaults::complete(kind, &mut object, None, &world.ids);
    store.insert(&world.ids, kind, object, born);
}

/// A Deployment, or without replicas a DaemonSet.
pub(super) fn runs(space: &str, name: &str, image: &str, replicas: u32, tolerations: Value) -> Value {
    let labels = json!({"k8s-app": name});
    let container = json!({"name": name, "image": image});
    let template = json!({
        "metadata": {"labels": labels}, "spec": {"containers": [container], "tolerations": tolerations},
    });
    let mut spec = json!({"selector": {"matchLabels": labels}, "template": template});
    if replicas > 0 {
        spec["replicas"] = replicas.into();
    }
    json!({"metadata": {"name": name, "namespace": space, "labels": labels}, "spec": spec})
}
