//! Kubernetes: the management cluster, where Cluster API lives, and one workload cluster for each cluster of
//! Magnum's. Their objects follow from what the other services have, and from what clients wrote.

mod addons;
mod balanced;
mod balancers;
mod capi;
mod columns;
mod conditions;
mod containers;
mod controllers;
mod credentials;
mod defaults;
mod discovery;
mod events;
mod front;
mod janitor;
mod kinds;
mod logs;
mod machines;
mod management;
mod nodes;
mod openapi;
mod openstack;
mod ownership;
mod patch;
mod place;
mod pods;
mod read;
mod refusal;
mod select;
mod store;
mod table;
mod views;
mod watches;
mod workloads;
mod write;

use std::collections::BTreeMap;

use axum::http::Method;

pub(crate) use balanced::Balanced;
pub(crate) use credentials::{for_clients, kubeconfig};
pub(crate) use front::Declared;
pub(crate) use janitor::{janitor, leave_service, leave_volume};

use super::exchange::{Answer, Request};
use super::fault::Alter;
use super::follow::{Mark, More};
use super::ids::Id;
use super::service::Service;
use super::world::World;
use front::authority;
use kinds::{Scope, Served};
use place::Place;
use refusal::Refusal;
use store::Store;

/// One of the clusters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Which {
    /// The one on the management server.
    Management,
    /// That of a cluster of Magnum's.
    Workload(Id),
}

/// The state of all clusters.
#[derive(Default)]
pub(crate) struct Kubernetes {
    stores: BTreeMap<Which, Store>,
    /// What a site says of the management cluster.
    pub(crate) declared: Declared,
    /// Pods whose names hold one of these crash again and again, since when.
    crashing: Vec<(String, jiff::Timestamp)>,
    /// What objects are, whatever the controllers make of them.
    altered: Vec<Alter>,
    /// How many requests each balanced Service had.
    turns: BTreeMap<String, usize>,
}

impl Kubernetes {
    /// From now on pods whose names hold a text crash again and again.
    pub(crate) fn crash(&mut self, pod: &str, now: jiff::Timestamp) {
        self.crashing.push((pod.to_string(), now));
    }

    /// From now on objects are other than the controllers leave them.
    pub(crate) fn alter(&mut self, alter: Alter) {
        self.altered.push(alter);
    }

    /// Since when a pod crashes again and again, if it does.
    fn crashing(&self, pod: &str) -> Option<jiff::Timestamp> {
        self.crashing.iter().find(|(word, _)| pod.contains(word.as_str())).map(|(_, since)| *since)
    }
}

/// Looks at a cluster as it is now.
fn visit<R>(world: &mut World, which: &Which, look: impl FnOnce(&mut World, &mut Store) -> R) -> R {
    let mut store = match world.kubernetes.stores.remove(which) {
        Some(store) => store,
        None => Store::new(&format!("{which:?}")),
    };
    let others = world.kubernetes.altered.len() + world.kubernetes.crashing.len();
    let (moment, from) = ((world.now(), world.touched(), others), store.version());
    if !store.rests(moment) {
        controllers::run(world, which, &mut store);
        store.worked(moment, from);
        if store.version() != from {
            world.touch(); // what another cluster made of the world may be other now
        }
    }
    for alter in &world.kubernetes.altered {
        store.alter(alter);
    }
    let seen = look(world, &mut store);
    world.kubernetes.stores.insert(which.clone(), store);
    seen
}

/// The API servers.
pub(super) struct ApiServers;

impl Service for ApiServers {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    fn prefix(&self) -> Option<&'static str> {
        None
    }

    fn plays(&self, world: &World, host: &str, port: u16) -> bool {
        front::at(world, host, port).is_some()
    }

    fn answer(&self, world: &mut World, request: &Request) -> Answer {
        let (host, port) = authority(request);
        let Some(which) = front::at(world, host, port) else { return Refusal::failure(503).answer() };
        let who = match front::user(world, &which, request) {
            Ok(who) => who,
            Err(refusal) => return refusal.answer(),
        };
        let served = Served::by(&world.quirks, which == Which::Management);
        let version = front::version(world, &which);
        if let Some(answer) = discovery::answer(&served, &version, &format!("{host}:{port}"), request) {
            return answer;
        }
        let Some(place) = Place::of(&served, &request.path) else { return discovery::nowhere() };
        if place.kind.scope == Scope::Question {
            return front::review(&who, place.kind, request);
        }
        let id = request.id.to_string();
        visit(world, &which, |world, store| serve(world, &which, store, place, request))
            .unwrap_or_else(|refusal| refusal.answer())
            .header("audit-id", id.trim_start_matches("req-"))
    }

    fn more(&self, world: &mut World, request: &Request, mark: Mark) -> More {
        let ended = More { text: String::new(), mark, ended: true };
        let (host, port) = authority(request);
        let Some(which) = front::at(world, host, port) else { return ended };
        let served = Served::by(&world.quirks, which == Which::Management);
        let Some(place) = Place::of(&served, &request.path) else { return ended };
        visit(world, &which, |world, store| match place.part {
            "log" => logs::more(store, &place, request, mark, world.now()),
            _ => watches::more(store, &place, request, mark, world.now()),
        })
    }

    fn failure(&self, status: u16, _: &Request) -> Answer {
        Refusal::failure(status).answer()
    }

    fn pattern(&self, request: &Request) -> &'static str {
        match Place::of(&Served::all(), &request.path) {
            Some(place) if place.name.is_empty() => "/{kind}",
            Some(place) if place.part.is_empty() => "/{kind}/{name}",
            Some(_) => "/{kind}/{name}/{part}",
            None => "/",
        }
    }
}

fn serve(
    world: &mut World,
    which: &Which,
    store: &mut Store,
    place: Place<'_>,
    request: &Request,
) -> Result<Answer, Refusal> {
    if request.method == Method::GET || request.method == Method::HEAD {
        let watched = request.get("watch").is_some_and(|w| w == "1" || w == "true");
        return match (place.name, place.part) {
            ("", _) if watched => watches::begin(store, &place, request, world.now()),
            ("", _) => {
                Ok(table::shown(place.kind, read::list(store, &place, request)?, request, world.now()))
            }
            (_, "" | "status") => {
                Ok(table::shown(place.kind, read::get(store, &place)?, request, world.now()))
            }
            (_, "scale") if place.kind.scale => {
                Ok(Answer::json(200, write::scale(&read::get(store, &place)?)))
            }
            (_, "log") => logs::begin(store, &place, request, world.now()),
            (_, "exec") => containers::exec(store, &place, request),
            _ => Err(Refusal::no_method()),
        };
    }
    // as kubectl asked before it had WebSockets
    if place.part == "exec" {
        return Err(Refusal::not_played(
            "a command in a container over SPDY (kubectl 1.30 and newer ask over WebSockets, 1.29 does with \
             KUBECTL_REMOTE_COMMAND_WEBSOCKETS=true)",
        ));
    }
    let now = world.now();
    if let Some(dry) = request.get("dryRun") {
        if dry != "All" {
            return Err(Refusal::bad(format!(
                "dryRun: Unsupported value: {dry:?}: supported values: \"All\""
            )));
        }
        let mut tried = store.clone();
        return write::Change { store: &mut tried, ids: &mut world.ids, place, request, now }.run();
    }
    let answer = write::Change { store, ids: &mut world.ids, place, request, now }.run()?;
    controllers::run(world, which, store);
    Ok(answer)
}
