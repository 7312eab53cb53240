//! The objects of one cluster, and what happened to them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::kinds::Kind;
use super::patch::combine;
use crate::lab::fault::Alter;
use crate::lab::ids::Ids;
use crate::lab::stamp;

/// So many events are remembered; a watch from before them is told so.
const REMEMBERED: usize = 4096;

/// Where an object is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// `deployments.apps`.
    pub(super) resource: String,
    /// Empty for what is in no namespace.
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Key {
    pub(super) fn new(kind: &Kind, namespace: &str, name: &str) -> Self {
        let namespace = if kind.namespaced { namespace } else { "" };
        Key { resource: kind.resource(), namespace: namespace.into(), name: name.into() }
    }
}

/// Something that happened to an object.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) version: u64,
    /// `ADDED`, `MODIFIED` or `DELETED`.
    pub(super) what: &'static str,
    pub(super) key: Key,
    /// The object after it; the last of it where it is gone.
    pub(super) object: Arc<Value>,
}

/// The objects of one cluster.
#[derive(Clone, Debug)]
pub(super) struct Store {
    /// What tells its uids from another cluster's.
    name: String,
    objects: BTreeMap<Key, Arc<Value>>,
    version: u64,
    log: VecDeque<Event>,
    /// What was done once and is not done again.
    done: BTreeSet<String>,
    /// For which moment the controllers found nothing more to do, and at which version.
    at_rest: Option<(Moment, u64)>,
}

/// A moment of the world: its time, how often it was touched, and how many objects were made otherwise.
pub(super) type Moment = (Timestamp, u64, usize);

impl Store {
    pub(super) fn new(name: &str) -> Self {
        Store {
            name: name.into(),
            objects: BTreeMap::new(),
            version: 100,
            log: VecDeque::new(),
            done: BTreeSet::new(),
            at_rest: None,
        }
    }

    /// Whether something is still to be done, which is done once.
    pub(super) fn once(&mut self, what: &str) -> bool {
        self.done.insert(what.into())
    }

    /// Whether something that is done once was not done yet.
    pub(super) fn is_undone(&self, what: &str) -> bool {
        !self.done.contains(what)
    }

    /// `metadata.resourceVersion` of what happened last.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Whether the controllers have nothing to do at a moment.
    pub(super) fn rests(&self, moment: Moment) -> bool {
        self.at_rest == Some((moment, self.version))
    }

    /// The controllers were at work at a moment, from a version on: where they changed nothing, they rest.
    pub(super) fn worked(&mut self, moment: Moment, from: u64) {
        self.at_rest = (self.version == from).then_some((moment, from));
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Value> {
        self.objects.get(key).map(|object| &**object)
    }

    /// An object as it is now, whatever becomes of it.
    pub(super) fn shared(&self, key: &Key) -> Option<Arc<Value>> {
        self.objects.get(key).cloned()
    }

    /// All objects of a kind, by namespace and name.
    pub(super) fn list(&self, kind: &Kind) -> impl Iterator<Item = (&Key, &Value)> {
        let (from, resource) = (Key::new(kind, "", ""), kind.resource());
        let from = self.objects.range(from..).take_while(move |(key, _)| key.resource == resource);
        from.map(|(key, object)| (key, &**object))
    }

    /// The objects of a kind that belong to an owner.
    pub(super) fn owned(&self, kind: &Kind, owner: &str) -> Vec<Key> {
        self.list(kind).filter(|(_, o)| is_owned(o, owner)).map(|(key, _)| key.clone()).collect()
    }

    /// What is in a namespace.
    pub(super) fn within(&self, namespace: &str) -> Vec<Key> {
        self.objects.keys().filter(|key| key.namespace == namespace).cloned().collect()
    }

    /// Makes objects other than they are. One that is so already stays as it is.
    pub(super) fn alter(&mut self, alter: &Alter) {
        let with = serde_json::to_value(&alter.with).unwrap_or_default();
        let meant = |key: &&Key| key.resource == alter.resource && key.name.contains(&alter.name);
        let keys: Vec<Key> = self.objects.keys().filter(meant).cloned().collect();
        for key in keys {
            let Some(old) = self.objects.get(&key) else { continue };
            let mut object = Value::clone(old);
            combine(&mut object, &with);
            if **old == object {
                continue;
            }
            self.version += 1;
            object["metadata"]["resourceVersion"] = self.version.to_string().into();
            self.keep("MODIFIED", &key, object);
        }
    }

    /// What happened after a version; none if that is no longer remembered.
    pub(super) fn since(&self, version: u64) -> Option<impl Iterator<Item = &Event>> {
        let oldest = self.log.front().map_or(self.version, |e| e.version - 1);
        (version >= oldest || self.log.len() < REMEMBERED)
            .then(|| self.log.iter().filter(move |e| e.version > version))
    }

    /// The version before the first event that is remembered.
    pub(super) fn oldest(&self) -> u64 {
        self.log.front().map_or(self.version, |e| e.version - 1)
    }

    fn keep(&mut self, what: &'static str, key: &Key, object: Value) {
        let object = Arc::new(object);
        self.objects.insert(key.clone(), object.clone());
        self.note(what, key, object);
    }

    fn note(&mut self, what: &'static str, key: &Key, object: Arc<Value>) {
        if self.log.len() == REMEMBERED {
            self.log.pop_front();
        }
        self.log.push_back(Event { version: self.version, what, key: key.clone(), object });
    }

    /// A new object with all that the server puts into its metadata.
    pub(super) fn insert(&mut self, ids: &Ids, kind: &Kind, mut object: Value, born: Timestamp) -> Key {
        let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_string();
        let key = Key::new(kind, &text("namespace"), &text("name"));
        self.version += 1;
        let uid = ids.named(&format!("{}/{key:?}/{}", self.name, self.version));
        object["apiVersion"] = kind.kept().into();
        object["kind"] = kind.kind.into();
        let meta = &mut object["metadata"];
        meta["uid"] = (*uid).into();
        meta["creationTimestamp"] = stamp::zulu(born).into();
        meta["resourceVersion"] = self.version.to_string().into();
        if kind.status && kind.kind != "Node" && kind.kind != "Service" {
            meta["generation"] = 1.into();
        }
        if kind.namespaced {
            meta["namespace"] = key.namespace.clone().into();
        }
        self.keep("ADDED", &key, object);
        key
    }

    /// Changes an object. One that has no finalizer left and is being deleted goes.
    pub(super) fn change(&mut self, key: &Key, change: impl FnOnce(&mut Value)) {
        let Some(old) = self.objects.get(key) else { return };
        let mut new = Value::clone(old);
        change(&mut new);
        if new == **old {
            return;
        }
        if new["spec"] != old["spec"]
            && let Some(generation) = old["metadata"]["generation"].as_u64()
        {
            new["metadata"]["generation"] = (generation + 1).into();
        }
        self.version += 1;
        new["metadata"]["resourceVersion"] = self.version.to_string().into();
        let ends = !new["metadata"]["deletionTimestamp"].is_null() && finalizers(&new) == 0;
        if ends {
            self.objects.insert(key.clone(), Arc::new(new));
            self.remove(key);
        } else {
            self.keep("MODIFIED", key, new);
        }
    }

    /// Brings an object to what a controller wants of it: its spec, its status and its labels. What others
    /// wrote into its metadata stays. One that is not there is made.
    pub(super) fn want(&mut self, ids: &Ids, kind: &Kind, wanted: Value, born: Timestamp) {
        let text = |key: &str| wanted["metadata"][key].as_str().unwrap_or_default();
        let key = Key::new(kind, text("namespace"), text("name"));
        if !self.objects.contains_key(&key) {
            self.insert(ids, kind, wanted, born);
            return;
        }
        self.change(&key, |object| {
            for part in ["spec", "status", "data"] {
                if !wanted[part].is_null() {
                    object[part] = wanted[part].clone();
                }
            }
            if let Some(labels) = wanted["metadata"]["labels"].as_object() {
                for (label, value) in labels {
                    object["metadata"]["labels"][label] = value.clone();
                }
            }
        });
    }

    /// Sets an object's status, unless it is that already.
    pub(super) fn set_status(&mut self, key: &Key, status: Value) {
        if self.objects.get(key).is_some_and(|object| object["status"] != status) {
            self.change(key, |object| object["status"] = status);
        }
    }

    /// Asks for an object's end: at once, or when its finalizers are off.
    pub(super) fn delete(&mut self, key: &Key, now: Timestamp) {
        let Some(object) = self.objects.get(key) else { return };
        if finalizers(object) == 0 {
            self.remove(key);
        } else if object["metadata"]["deletionTimestamp"].is_null() {
            self.change(key, |object| {
                object["metadata"]["deletionTimestamp"] = stamp::zulu(now).into();
                object["metadata"]["deletionGracePeriodSeconds"] = 0.into();
            });
        }
    }

    /// Takes an object away, and what belongs to it.
    pub(super) fn remove(&mut self, key: &Key) {
        let Some(mut object) = self.objects.remove(key) else { return };
        self.version += 1;
        Arc::make_mut(&mut object)["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.note("DELETED", key, object.clone());
        let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
        let orphans: Vec<Key> =
            self.objects.iter().filter(|(_, o)| is_owned(o, uid)).map(|(key, _)| key.clone()).collect();
        for orphan in orphans {
            self.remove(&orphan);
        }
    }

    /// Takes an object's children from it, so that they stay.
    pub(super) fn orphan(&mut self, key: &Key) {
        let uid = self.objects.get(key).and_then(|o| o["metadata"]["uid"].as_str()).map(str::to_string);
        let Some(uid) = uid else { return };
        let children: Vec<Key> =
            self.objects.iter().filter(|(_, o)| is_owned(o, &uid)).map(|(key, _)| key.clone()).collect();
        for child in children {
            self.change(&child, |object| {
                if let Some(owners) = object["metadata"]["ownerReferences"].as_array_mut() {
                    owners.retain(|owner| owner["uid"] != *uid);
                }
            });
        }
    }
}

fn is_owned(object: &Value, owner: &str) -> bool {
    object["metadata"]["ownerReferences"].as_array().is_some_and(|o| o.iter().any(|o| o["uid"] == *owner))
}

fn finalizers(object: &Value) -> usize {
    object["metadata"]["finalizers"].as_array().map_or(0, Vec::len)
}

/// What an owned object says of its owner.
pub(super) fn owner(of: &Value) -> Value {
    json!([{
        "apiVersion": of["apiVersion"], "kind": of["kind"], "name": of["metadata"]["name"], "uid": of["metadata"]["uid"],
        "controller": true, "blockOwnerDeletion": true,
    }])
}

/// Labels as a selector asks for them.
pub(super) fn carries(labels: &Value, wanted: &Map<String, Value>) -> bool {
    wanted.iter().all(|(key, value)| labels[key] == *value)
}
