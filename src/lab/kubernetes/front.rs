//! Where each cluster answers, and who asks there.

use std::net::IpAddr;

use axum::http::Uri;
use axum::http::uri::Authority;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Which;
use super::kinds::{self, Kind};
use super::refusal::Refusal;
use crate::lab::exchange::{Answer, Incoming, Request};
use crate::lab::magnum::{Cluster, Status};
use crate::lab::world::World;

/// The port of a Kubernetes API.
pub(super) const PORT: u16 = 6443;
/// Who has a certificate that Magnum signed, or the management cluster's own kubeconfig.
const ADMIN: &str = "admin";
/// The version where nothing says another.
const VERSION: &str = "v1.34.8";

/// What a site says of the management cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declared {
    /// The URL of its API, where that is no address of the management server's.
    pub(crate) server: Option<String>,
    /// Who its kubeconfig is for.
    pub(crate) user: Option<String>,
    /// The uid of its `kube-system` namespace.
    pub(crate) uid: Option<String>,
}

/// The host and port that a request was sent to.
pub(super) fn authority(request: &Request) -> (&str, u16) {
    let authority = request.header("host").unwrap_or_default();
    let port = authority.parse::<Authority>().ok().and_then(|a| a.port_u16()).unwrap_or(443);
    (authority.rsplit_once(':').map_or(authority, |(host, _)| host), port)
}

/// The cluster whose API answers at an address now.
pub(super) fn at(world: &World, host: &str, port: u16) -> Option<Which> {
    let own = management_place(world).is_some_and(|(place, at)| place == host && at == port);
    if own && world.management_since().is_some() {
        return Some(Which::Management);
    }
    let address = host.parse().ok().filter(|_| port == PORT)?;
    let of = |c: &&Cluster| c.infrastructure.endpoint == Some(address) && answers(world, c);
    world.magnum.clusters.iter().find(of).map(|c| Which::Workload(c.id.clone()))
}

/// The URL of the management cluster's API in its kubeconfig.
pub(super) fn management_server(world: &World) -> Option<String> {
    if let Some(declared) = &world.kubernetes.declared.server {
        return Some(declared.clone());
    }
    let own = world.quirks.management.as_ref()?;
    let address = match world.floating_ip_of(own) {
        Some(floating) => floating,
        None => world.nova.server_named(own)?.plugs.first()?.address?,
    };
    Some(format!("https://{address}:{PORT}"))
}

/// Where the management cluster's API answers: at the server's floating IP, whatever its kubeconfig says; where that has a name, or
/// the server no floating IP, as the kubeconfig says.
pub(super) fn management_place(world: &World) -> Option<(String, u16)> {
    let url = management_server(world)?.parse::<Uri>().ok()?;
    let (host, port) = (url.host()?.to_string(), url.port_u16().unwrap_or(443));
    let real = world.quirks.management.as_deref().and_then(|own| world.floating_ip_of(own));
    let host = match real {
        Some(real) if host.parse::<IpAddr>().is_ok() => real.to_string(),
        _ => host,
    };
    Some((host, port))
}

/// When the first node of a cluster's control plane is initialised, if nothing delays it.
pub(super) fn initialised(world: &World, cluster: &Cluster) -> Timestamp {
    cluster.created + *world.timings.cluster_create * 2 / 5
}

/// Whether a workload cluster's API answers: its control plane is initialised, a node of it is up, and
/// the load balancer before it lets traffic through.
pub(super) fn answers(world: &World, cluster: &Cluster) -> bool {
    let now = world.now();
    let infra = &cluster.infrastructure;
    let online = infra
        .lb
        .as_ref()
        .and_then(|lb| world.octavia.load_balancers.get(lb))
        .is_some_and(|lb| lb.is_online(now));
    let up = infra
        .machines
        .iter()
        .filter(|m| m.master)
        .any(|m| world.nova.servers.get(&m.server).is_some_and(|s| s.up_since(now).is_some()));
    let there = !matches!(cluster.status(now), Status::DeleteComplete);
    there && online && up && initialised(world, cluster) <= now
}

/// The version of a cluster's Kubernetes.
pub(super) fn version(world: &World, which: &Which) -> String {
    let own = match which {
        Which::Management => None,
        Which::Workload(id) => world.magnum.clusters.get(id).and_then(|c| c.version.clone()),
    };
    own.unwrap_or_else(|| VERSION.into())
}

/// Who asks. A token must be the one of the management cluster's kubeconfig; whoever comes without one has a
/// certificate, of which plain HTTP does not tell.
///
/// # Errors
/// The token is another.
pub(super) fn user(world: &World, which: &Which, request: &Request) -> Result<String, Refusal> {
    let own = match which {
        Which::Management => world.kubernetes.declared.user.clone(),
        Which::Workload(_) => None,
    };
    let own = own.unwrap_or_else(|| ADMIN.into());
    match request.header("authorization") {
        None => Ok(own),
        Some(given) if *which == Which::Management && *given == format!("Bearer {}", token(world)) => Ok(own),
        Some(_) => Err(Refusal::unauthorized()),
    }
}

/// The token in the management cluster's kubeconfig.
pub(super) fn token(world: &World) -> String {
    format!("token::{}", world.ids.named_hex("management cluster token"))
}

/// Who somebody is, or what they may do: all of it, as those who come with an administrator's certificate.
pub(super) fn review(who: &str, kind: &Kind, request: &Request) -> Answer {
    let mut review = match &request.body {
        Incoming::Json(review @ Value::Object(_)) => review.clone(),
        _ => json!({}),
    };
    review["kind"] = kind.kind.into();
    review["apiVersion"] = kind.kept().into();
    review["metadata"] = json!({"creationTimestamp": null});
    review["status"] = if std::ptr::eq(kind, &kinds::ACCESS) {
        json!({"allowed": true})
    } else {
        let groups = ["system:masters", "system:authenticated"];
        json!({"userInfo": {"username": who, "groups": groups}})
    };
    Answer::json(201, review)
}
