//! Deployments and DaemonSets get their pods, and say how many of them are ready.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::kinds::{DAEMON_SETS, DEPLOYMENTS, Kind, PODS, REPLICA_SETS};
use super::nodes::{CONTROL_PLANE, Node};
use super::store::{Key, Store, owner};
use super::{conditions, defaults, pods};
use crate::lab::stamp;
use crate::lab::world::World;

/// Letters of generated names: none that make words.
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// The end of a generated name, which a text decides.
fn suffix(world: &World, of: &str, length: usize) -> String {
    let digits = world.ids.named_hex(of);
    digits
        .bytes()
        .take(length)
        .enumerate()
        .map(|(n, b)| LETTERS[(usize::from(b) + n * 7) % 27] as char)
        .collect()
}

/// When something was made.
pub(super) fn born(object: &Value) -> Option<Timestamp> {
    object["metadata"]["creationTimestamp"].as_str()?.parse().ok()
}

/// Brings what runs to what is wanted of it.
pub(super) fn reconcile(world: &World, store: &mut Store, nodes: &[Node]) {
    for (kind, sets) in [(&DEPLOYMENTS, false), (&DAEMON_SETS, true)] {
        let wanted: Vec<Key> = store.list(kind).map(|(key, _)| key.clone()).collect();
        for key in &wanted {
            let Some(object) = store.shared(key) else { continue };
            if sets {
                daemons(world, store, key, &object, nodes);
            } else {
                deploy(world, store, key, &object);
            }
        }
    }
    settle(world, store, nodes);
    for kind in [&REPLICA_SETS, &DEPLOYMENTS, &DAEMON_SETS] {
        let all: Vec<Key> = store.list(kind).map(|(key, _)| key.clone()).collect();
        all.iter().for_each(|key| report(world, store, kind, key));
    }
}

fn deploy(world: &World, store: &mut Store, key: &Key, object: &Value) {
    let template = &object["spec"]["template"];
    let hash = suffix(world, &format!("{}{template}", object["metadata"]["uid"]), 10);
    let name = format!("{}-{hash}", key.name);
    let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
    for old in store.owned(&REPLICA_SETS, uid).iter().filter(|old| old.name != name) {
        store.remove(old);
    }
    let set = Key::new(&REPLICA_SETS, &key.namespace, &name);
    if store.get(&set).is_none() {
        let first = object["metadata"]["generation"] == 1;
        let at = born(object).filter(|_| first).unwrap_or(world.now());
        let mut labels = template["metadata"]["labels"].clone();
        labels["pod-template-hash"] = hash.clone().into();
        let mut template = template.clone();
        template["metadata"]["labels"] = labels.clone();
        let made = json!({
            "metadata": {"name": name, "namespace": key.namespace, "labels": labels, "ownerReferences": owner(object)},
            "spec": {"replicas": object["spec"]["replicas"], "selector": {"matchLabels": labels}, "template": template},
            "status": {},
        });
        store.insert(&world.ids, &REPLICA_SETS, made, at);
    }
    if store.get(&set).is_some_and(|set| set["spec"]["replicas"] != object["spec"]["replicas"]) {
        store.change(&set, |set| set["spec"]["replicas"] = object["spec"]["replicas"].clone());
    }
    let Some(set) = store.shared(&set) else { return };
    let own = store.owned(&PODS, set["metadata"]["uid"].as_str().unwrap_or_default());
    let wanted = object["spec"]["replicas"].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(1);
    let fresh = own.is_empty() && store.once(&format!("pods of {}", set["metadata"]["uid"]));
    for n in own.len()..wanted {
        let at = born(&set).filter(|_| fresh).unwrap_or(world.now());
        pod(world, store, &set, n, None, at);
    }
    let surplus = own.len().saturating_sub(wanted);
    own.iter().rev().take(surplus).for_each(|key| store.remove(key));
}

fn daemons(world: &World, store: &mut Store, key: &Key, object: &Value, nodes: &[Node]) {
    let spec = &object["spec"]["template"]["spec"];
    let only = spec["nodeSelector"].get(CONTROL_PLANE).is_some();
    let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
    let own = store.owned(&PODS, uid);
    let on = |store: &Store, node: &str| {
        own.iter().any(|key| store.get(key).is_some_and(|p| p["spec"]["nodeName"] == *node))
    };
    for node in nodes.iter().filter(|n| n.takes(&spec["tolerations"]) && (n.control_plane || !only)) {
        if !on(store, &node.name) {
            let at = born(object).map_or(node.joined, |at| at.max(node.joined));
            pod(world, store, object, key.name.len(), Some(&node.name), at);
        }
    }
}

/// Makes a pod from its owner's template.
fn pod(world: &World, store: &mut Store, of: &Value, n: usize, node: Option<&str>, at: Timestamp) {
    let meta = &of["metadata"];
    let name = meta["name"].as_str().unwrap_or_default();
    let end = suffix(world, &format!("{}{n}{}", meta["uid"], store.version()), 5);
    let template = &of["spec"]["template"];
    let mut made = json!({
        "metadata": {
            "name": format!("{name}-{end}"), "generateName": format!("{name}-"), "namespace": meta["namespace"],
            "labels": template["metadata"]["labels"], "ownerReferences": owner(of),
        },
        "spec": template["spec"],
    });
    if let Some(node) = node {
        made["spec"]["nodeName"] = node.into();
    }
    defaults::complete(&PODS, &mut made, None, &world.ids);
    store.insert(&world.ids, &PODS, made, at);
}

/// A pod that the kubelet of a node runs by itself.
pub(super) fn fixed(world: &World, store: &mut Store, node: &Node, name: &str, image: &str) {
    let full = format!("{name}-{}", node.name);
    if store.get(&Key::new(&PODS, "kube-system", &full)).is_some() {
        return;
    }
    let mut made = json!({
        "metadata": {"name": full, "namespace": "kube-system", "labels": {"component": name, "tier": "control-plane"}},
        "spec": {"containers": [{"name": name, "image": image}], "nodeName": node.name, "hostNetwork": true},
    });
    defaults::complete(&PODS, &mut made, None, &world.ids);
    store.insert(&world.ids, &PODS, made, node.joined);
}

/// Finds a node for each pod, and says how it fares there. A pod goes with its node.
fn settle(world: &World, store: &mut Store, nodes: &[Node]) {
    let all: Vec<Key> = store.list(&PODS).map(|(key, _)| key.clone()).collect();
    let mut load: BTreeMap<String, usize> = BTreeMap::new();
    for key in &all {
        if let Some(node) = store.get(key).and_then(|p| p["spec"]["nodeName"].as_str()) {
            *load.entry(node.to_string()).or_default() += 1;
        }
    }
    for key in &all {
        let Some(pod) = store.shared(key) else { continue };
        let name = match pod["spec"]["nodeName"].as_str() {
            Some(name) => Some(name.to_string()),
            None => {
                let free = nodes.iter().filter(|n| n.takes(&pod["spec"]["tolerations"]));
                let best = free.min_by_key(|n| (n.control_plane, load.get(&n.name).copied().unwrap_or(0)));
                best.map(|n| n.name.clone())
            }
        };
        let Some(name) = name else {
            let status = pods::waiting(&pod, nodes.len(), world.now());
            store.set_status(key, status);
            continue;
        };
        let Some(node) = nodes.iter().find(|n| n.name == name) else {
            store.remove(key);
            continue;
        };
        if pod["spec"]["nodeName"].is_null() {
            *load.entry(name.clone()).or_default() += 1;
        }
        let status = pods::running(world, &pod, node);
        if !pod["spec"]["nodeName"].is_null() {
            store.set_status(key, status);
            continue;
        }
        store.change(key, |pod| {
            pod["spec"]["nodeName"] = name.into();
            pod["status"] = status;
        });
    }
}

/// Writes how many pods are ready into the status of their owner.
fn report(world: &World, store: &mut Store, kind: &'static Kind, key: &Key) {
    let Some(object) = store.shared(key) else { return };
    let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
    let sets = store.owned(&REPLICA_SETS, uid);
    let owners: Vec<String> = match kind.kind {
        "Deployment" => {
            let uid =
                |key: &Key| store.get(key).and_then(|o| o["metadata"]["uid"].as_str()).map(str::to_string);
            sets.iter().filter_map(uid).collect()
        }
        _ => vec![uid.to_string()],
    };
    let own: Vec<Key> = owners.iter().flat_map(|uid| store.owned(&PODS, uid)).collect();
    let ready = own.iter().filter(|key| store.get(key).is_some_and(pods::is_ready)).count();
    let mut status = json!({});
    let mut say = |name: &str, n: usize| {
        if n > 0 {
            status[name] = n.into();
        }
    };
    if kind.kind == "DaemonSet" {
        for name in ["currentNumberScheduled", "desiredNumberScheduled", "updatedNumberScheduled"] {
            say(name, own.len());
        }
        say("numberReady", ready);
        say("numberAvailable", ready);
        say("numberUnavailable", own.len() - ready);
        status["numberMisscheduled"] = 0.into();
    } else {
        say("replicas", own.len());
        say("readyReplicas", ready);
        say("availableReplicas", ready);
    }
    status["observedGeneration"] = object["metadata"]["generation"].clone();
    if kind.kind == "Deployment" {
        let wanted = object["spec"]["replicas"].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(1);
        let set = sets.first().map_or("", |key| key.name.as_str());
        status["conditions"] = availability(&object, set, ready >= wanted, world.now());
        if !own.is_empty() {
            status["updatedReplicas"] = own.len().into();
        }
        if ready < wanted {
            status["unavailableReplicas"] = (wanted - ready).into();
        }
    }
    const REVISION: &str = "deployment.kubernetes.io/revision";
    if kind.kind != "Deployment" || object["metadata"]["annotations"][REVISION] == "1" {
        store.set_status(key, status);
        return;
    }
    store.change(key, |object| {
        object["status"] = status;
        object["metadata"]["annotations"][REVISION] = "1".into();
    });
}

fn availability(object: &Value, set: &str, available: bool, now: Timestamp) -> Value {
    let before = &object["status"]["conditions"];
    let one = |name: &str, is: bool, reason: &str, message: String| {
        let status = if is { "True" } else { "False" };
        let since = conditions::since(before, name, status, now);
        json!({"type": name, "status": status, "reason": reason, "message": message, "lastTransitionTime": since, "lastUpdateTime": since})
    };
    let (reason, message) = match available {
        true => ("MinimumReplicasAvailable", "Deployment has minimum availability."),
        false => ("MinimumReplicasUnavailable", "Deployment does not have minimum availability."),
    };
    let (progress, said) = match available {
        true => ("NewReplicaSetAvailable", format!("ReplicaSet \"{set}\" has successfully progressed.")),
        false => ("ReplicaSetUpdated", format!("ReplicaSet \"{set}\" is progressing.")),
    };
    let limit = object["spec"]["progressDeadlineSeconds"].as_i64().unwrap_or(600);
    let late = !available
        && born(object).is_some_and(|at| now.duration_since(at).as_secs() > limit)
        && before[0]["status"] != "True";
    let (progress, said) = match late {
        true => ("ProgressDeadlineExceeded", format!("ReplicaSet \"{set}\" has timed out progressing.")),
        false => (progress, said),
    };
    json!([one("Available", available, reason, message.into()), one("Progressing", !late, progress, said)])
}

/// A time as objects have it.
pub(super) fn at(time: Timestamp) -> Value {
    stamp::zulu(time).into()
}
