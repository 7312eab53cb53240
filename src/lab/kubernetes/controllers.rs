//! The controllers of a cluster, in the order in which one waits for the other.

use super::kinds::{NAMESPACES, NODES};
use super::store::{Key, Store};
use super::{Which, addons, balancers, capi, management, nodes, workloads};
use crate::lab::world::World;

/// The namespaces that every cluster has.
const NAMES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// Brings a cluster to what it is now.
pub(super) fn run(world: &mut World, which: &Which, store: &mut Store) {
    namespaces(world, which, store);
    let nodes = nodes::of(world, which, store);
    let gone: Vec<Key> = store
        .list(&NODES)
        .filter(|(key, _)| !nodes.iter().any(|n| n.name == key.name))
        .map(|(key, _)| key.clone())
        .collect();
    gone.iter().for_each(|key| store.remove(key));
    for node in &nodes {
        store.want(&world.ids, &NODES, node.object(world.now()), node.joined);
    }
    match which {
        Which::Management => {
            management::seed(world, store);
            capi::project(world, store);
        }
        Which::Workload(id) => addons::seed(world, id, store, &nodes),
    }
    workloads::reconcile(world, store, &nodes);
    if let Which::Workload(id) = which {
        balancers::notice(world, id, store);
    }
}

fn namespaces(world: &World, which: &Which, store: &mut Store) {
    if !store.once("namespaces") {
        return;
    }
    let born = match which {
        Which::Management => world.now(),
        Which::Workload(id) => world.magnum.clusters.get(id).map_or(world.now(), |c| c.created),
    };
    for name in NAMES {
        namespace(world, store, name, born);
    }
    if let (Which::Management, Some(uid)) = (which, &world.kubernetes.declared.uid) {
        store.change(&Key::new(&NAMESPACES, "", "kube-system"), |o| {
            o["metadata"]["uid"] = uid.as_str().into()
        });
    }
}

/// A namespace, unless it is there.
pub(super) fn namespace(world: &World, store: &mut Store, name: &str, born: jiff::Timestamp) {
    if store.get(&Key::new(&NAMESPACES, "", name)).is_none() {
        let object = serde_json::json!({
            "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
            "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"},
        });
        store.insert(&world.ids, &NAMESPACES, object, born);
    }
}
