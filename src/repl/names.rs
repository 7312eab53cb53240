//! Names of what is in the clouds, for completion: asked for in the background, never at a key press.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rhai::{Array, Dynamic};
use tokio::runtime::Handle;

use super::live::Live;
use super::session::locked;
use crate::script::handles::{KubeHandle, Resource, SiteHandle};
use crate::script::quote;
use crate::systems::kubernetes::{Namespace, Selection};
use crate::systems::openstack::{self, Resource as Row};

/// After how long names are asked for again, when somebody wants them.
const STALE: Duration = Duration::from_secs(60);

/// Shorter beginnings are completed by names alone, not by ids.
const SHORTEST_ID: usize = 3;

/// Names by the handle and by what they are names of: a collection, or a kind.
pub struct Names {
    runtime: Handle,
    known: Arc<Mutex<HashMap<Key, Slot>>>,
}

type Key = (String, String);

/// A name, and the namespace that has to be said with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    name: String,
    namespace: Option<String>,
}

impl Found {
    fn plain(name: String) -> Self {
        Found { name, namespace: None }
    }

    /// As it goes on behind the quote that opens it, with its namespace where that can be said next.
    fn closed(&self, next: bool) -> String {
        match self.namespace.as_ref().filter(|_| next) {
            Some(namespace) => {
                format!("{}\", #{{ namespace: {} }}", quote::inside(&self.name), quote::quoted(namespace))
            }
            None => format!("{}\"", quote::inside(&self.name)),
        }
    }
}

#[derive(Default)]
struct Slot {
    /// In order, each once.
    names: Arc<Vec<Found>>,
    ids: Arc<Vec<Found>>,
    asked: Option<Instant>,
}

impl Names {
    /// None yet; they will be asked for on this runtime.
    pub fn new(runtime: Handle) -> Self {
        Names { runtime, known: Arc::default() }
    }

    /// Names and ids that begin so, in order, names first, each with the quote that closes it and what has to
    /// follow. What is not known is not waited for.
    pub fn starting_with(&self, live: &Live, beginning: &str) -> Vec<String> {
        let (names, ids) = {
            let known = locked(&self.known);
            let Some(slot) = known.get(&live.key()) else { return Vec::new() };
            (slot.names.clone(), slot.ids.clone())
        };
        let next = !matches!(live, Live::Objects(_, _, false));
        let mut found: Vec<String> = beginning_so(&names, beginning).map(|f| f.closed(next)).collect();
        if beginning.len() >= SHORTEST_ID {
            found.extend(beginning_so(&ids, beginning).map(|f| f.closed(next)));
        }
        found
    }

    /// Asks for names, unless that was done a moment ago. Returns at once.
    pub fn want(&self, site: &SiteHandle, live: &Live) {
        if let Live::Things(_, row) = live
            && (row.parents().next().is_some() || !row.verbs.list)
        {
            return;
        }
        let key = live.key();
        {
            let mut known = locked(&self.known);
            let slot = known.entry(key.clone()).or_default();
            if slot.asked.is_some_and(|at| at.elapsed() < STALE) {
                return;
            }
            slot.asked = Some(Instant::now());
        }
        let (site, known, live) = (site.clone(), self.known.clone(), live.clone());
        self.runtime.spawn(async move {
            // a help and no need: what cannot be had is not completed
            let found = match live {
                Live::Things(handle, row) => things(site, handle, row).await,
                Live::Kinds(kube) => kinds(&site, &kube).await.map(|kinds| (kinds, Vec::new())),
                Live::Objects(kube, kind, _) => {
                    objects(&site, &kube, &kind).await.map(|found| (found, Vec::new()))
                }
            };
            if let Some((names, ids)) = found {
                // a whole list: what is no more goes
                let mut known = locked(&known);
                let slot = known.entry(key).or_default();
                (slot.names, slot.ids) = (in_order(names), in_order(ids));
            }
        });
    }

    /// Takes the names of resources that a line has shown.
    pub fn see(&self, value: &Dynamic) {
        let Some(list) = value.read_lock::<Array>() else { return };
        let mut seen: HashMap<Key, (Vec<String>, Vec<String>)> = HashMap::new();
        for item in list.iter() {
            let Some(resource) = item.read_lock::<Resource>() else { return };
            let key = Live::Things(resource.from.session.handle().to_string(), resource.from.row).key();
            let (names, ids) = seen.entry(key).or_default();
            names.extend(resource.name());
            ids.push(resource.id());
        }
        for (key, (names, ids)) in seen {
            self.learn(key, names, ids);
        }
    }

    /// Takes names from elsewhere: a benchmark's.
    pub fn put(&self, handle: &str, row: &'static Row, names: Vec<String>) {
        self.learn(Live::Things(handle.to_string(), row).key(), names, Vec::new());
    }

    fn learn(&self, key: Key, names: Vec<String>, ids: Vec<String>) {
        let mut known = locked(&self.known);
        let slot = known.entry(key).or_default();
        for (old, new) in [(&mut slot.names, names), (&mut slot.ids, ids)] {
            *old = in_order(new.into_iter().map(Found::plain).chain(old.iter().cloned()).collect());
        }
    }
}

async fn things(site: SiteHandle, handle: String, row: &'static Row) -> Option<(Vec<Found>, Vec<Found>)> {
    // files are read, and perhaps waited for
    let opened = tokio::task::spawn_blocking(move || site.session_unasked(&handle)).await;
    let found = openstack::list(&opened.ok()??, row, &serde_json::Map::new()).await.ok()?;
    let text = |field: &str| {
        let all = found.iter().filter_map(|body| body[field].as_str());
        all.map(|text| Found::plain(text.to_string())).collect::<Vec<_>>()
    };
    Some((row.name_key.map(text).unwrap_or_default(), text(row.id_key)))
}

/// The kinds that can be listed, as kubectl calls them; with their group where two groups have one.
async fn kinds(site: &SiteHandle, kube: &KubeHandle) -> Option<Vec<Found>> {
    let served = kube.reach_unasked(site.site()).await.ok()?.versions().await.ok()?;
    let mut all: HashMap<String, Vec<String>> = HashMap::new();
    for group in served.groups() {
        let resources = group.versions.iter().flat_map(|version| &version.resources);
        for resource in resources.filter(|r| r.verbs.iter().any(|verb| verb == "list")) {
            let full = all.entry(resource.plural.clone()).or_default();
            if !full.contains(&resource.full_name()) {
                full.push(resource.full_name());
            }
        }
    }
    let named = all.into_iter().flat_map(|(plural, full)| if full.len() == 1 { vec![plural] } else { full });
    Some(named.map(Found::plain).collect())
}

async fn objects(site: &SiteHandle, kube: &KubeHandle, kind: &str) -> Option<Vec<Found>> {
    let kube = kube.reach_unasked(site.site()).await.ok()?;
    let selection = Selection::of(kind.parse().ok()?).within(Namespace::All);
    let found = kube.list(&selection).await.ok()?;
    let named = found.iter().filter_map(|body| {
        let metadata = &body.expose()["metadata"];
        let namespace = metadata["namespace"].as_str().filter(|namespace| *namespace != kube.namespace());
        Some(Found { name: metadata["name"].as_str()?.into(), namespace: namespace.map(Into::into) })
    });
    Some(named.collect())
}

fn in_order(mut all: Vec<Found>) -> Arc<Vec<Found>> {
    all.retain(|found| !found.name.is_empty());
    all.sort();
    all.dedup();
    Arc::new(all)
}

/// The names that begin so, of names in order.
fn beginning_so<'n>(names: &'n [Found], beginning: &'n str) -> impl Iterator<Item = &'n Found> {
    let first = names.partition_point(|found| found.name.as_str() < beginning);
    names[first..].iter().take_while(move |found| found.name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::{Found, beginning_so};
    use proptest::prelude::*;

    #[test]
    fn a_name_of_another_namespace_is_said_with_it() {
        let found = Found { name: "coredns-7c".into(), namespace: Some("kube-system".into()) };
        assert_eq!(found.closed(true), r#"coredns-7c", #{ namespace: "kube-system" }"#);
        assert_eq!(found.closed(false), "coredns-7c\"");
        assert_eq!(Found::plain("vm".into()).closed(true), "vm\"");
        let found = Found::plain("vm\").delete(); (\"\u{1b}".into());
        assert_eq!(found.closed(true), "vm\\\").delete(); (\\\"\\U0000001b\"", "a name ends no string");
    }

    proptest! {
        #[test]
        fn a_beginning_finds_what_begins_so(mut names in prop::collection::vec("[a-c]{0,4}", 0..40), beginning in "[a-c]{0,3}") {
            names.sort();
            names.dedup();
            let plain: Vec<&String> = names.iter().filter(|n| n.starts_with(&beginning)).collect();
            let all: Vec<Found> = names.iter().cloned().map(Found::plain).collect();
            let found: Vec<&String> = beginning_so(&all, &beginning).map(|found| &found.name).collect();
            prop_assert_eq!(found, plain);
        }
    }
}
