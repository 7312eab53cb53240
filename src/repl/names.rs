//! Names of what is in the clouds, for completion: asked for in the background, never at a key press.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rhai::{Array, Dynamic};
use tokio::runtime::Handle;

use super::session::locked;
use crate::script::handles::Resource;
use crate::systems::openstack::{self, Resource as Row, Session};

/// After how long names are asked for again, when somebody wants them.
const STALE: Duration = Duration::from_secs(60);

/// Shorter beginnings are completed by names alone, not by ids.
const SHORTEST_ID: usize = 3;

/// Names by the scope's handle and the collection.
pub struct Names {
    runtime: Handle,
    known: Arc<Mutex<HashMap<Key, Slot>>>,
}

type Key = (String, &'static str);

#[derive(Default)]
struct Slot {
    /// In order, each once.
    names: Arc<Vec<String>>,
    ids: Arc<Vec<String>>,
    asked: Option<Instant>,
}

impl Names {
    /// None yet; they will be asked for on this runtime.
    pub fn new(runtime: Handle) -> Self {
        Names { runtime, known: Arc::default() }
    }

    /// Names and ids that begin so, in order: names first. What is not known is not waited for.
    pub fn starting_with(&self, handle: &str, row: &'static Row, beginning: &str) -> Vec<String> {
        let (names, ids) = {
            let known = locked(&self.known);
            let Some(slot) = known.get(&(handle.to_string(), row.name)) else { return Vec::new() };
            (slot.names.clone(), slot.ids.clone())
        };
        let mut found = beginning_so(&names, beginning);
        if beginning.len() >= SHORTEST_ID {
            found.extend(beginning_so(&ids, beginning));
        }
        found
    }

    /// Asks for the names of a collection, unless that was done a moment ago. Returns at once.
    pub fn want(&self, session: &Session, row: &'static Row) {
        if row.parents().next().is_some() || !row.verbs.list {
            return;
        }
        let key = (session.handle().to_string(), row.name);
        {
            let mut known = locked(&self.known);
            let slot = known.entry(key.clone()).or_default();
            if slot.asked.is_some_and(|at| at.elapsed() < STALE) {
                return;
            }
            slot.asked = Some(Instant::now());
        }
        let (session, known) = (session.clone(), self.known.clone());
        self.runtime.spawn(async move {
            // a help and no need: what cannot be had is not completed
            if let Ok(found) = openstack::list(&session, row, &serde_json::Map::new()).await {
                let text = |field: &str| {
                    let all = found.iter().filter_map(|body| body[field].as_str());
                    all.map(str::to_string).collect::<Vec<_>>()
                };
                learn(&known, key, row.name_key.map(text).unwrap_or_default(), text(row.id_key));
            }
        });
    }

    /// Takes the names of resources that a line has shown.
    pub fn see(&self, value: &Dynamic) {
        let Some(list) = value.read_lock::<Array>() else { return };
        let mut seen: HashMap<Key, (Vec<String>, Vec<String>)> = HashMap::new();
        for item in list.iter() {
            let Some(resource) = item.read_lock::<Resource>() else { return };
            let key = (resource.from.session.handle().to_string(), resource.from.row.name);
            let (names, ids) = seen.entry(key).or_default();
            names.extend(resource.name());
            ids.push(resource.id());
        }
        for (key, (names, ids)) in seen {
            learn(&self.known, key, names, ids);
        }
    }

    /// Takes names from elsewhere: a benchmark's.
    pub fn put(&self, handle: &str, row: &'static Row, names: Vec<String>) {
        learn(&self.known, (handle.to_string(), row.name), names, Vec::new());
    }
}

fn learn(known: &Mutex<HashMap<Key, Slot>>, key: Key, names: Vec<String>, ids: Vec<String>) {
    let mut known = locked(known);
    let slot = known.entry(key).or_default();
    for (old, new) in [(&mut slot.names, names), (&mut slot.ids, ids)] {
        let mut all = new;
        all.extend(old.iter().cloned());
        all.retain(|name| !name.is_empty());
        all.sort();
        all.dedup();
        *old = Arc::new(all);
    }
}

/// The names that begin so, of names in order.
fn beginning_so(names: &[String], beginning: &str) -> Vec<String> {
    let first = names.partition_point(|name| name.as_str() < beginning);
    names[first..].iter().take_while(|name| name.starts_with(beginning)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::beginning_so;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_beginning_finds_what_begins_so(mut names in prop::collection::vec("[a-c]{0,4}", 0..40), beginning in "[a-c]{0,3}") {
            names.sort();
            names.dedup();
            let plain: Vec<String> = names.iter().filter(|n| n.starts_with(&beginning)).cloned().collect();
            prop_assert_eq!(beginning_so(&names, &beginning), plain);
        }
    }
}
