//! What answers at the address of a Service: the load balancer leads to the ready pods behind it, in turn.

use std::net::Ipv4Addr;

use serde_json::Value;

use super::balancers::name;
use super::kinds::{PODS, SERVICES};
use super::store::{Key, carries};
use super::{Which, pods, visit};
use crate::lab::exchange::{Answer, Request};
use crate::lab::service::Service;
use crate::lab::world::World;

/// What answers at the addresses of balanced Services.
pub(crate) struct Balanced;

/// The Service behind an address and a port, whose load balancer lets traffic through.
fn behind(world: &World, host: &str, port: u16) -> Option<(Which, Key)> {
    let address: Ipv4Addr = host.parse().ok()?;
    let floating = world.neutron.floating_ips.iter().find(|f| f.address == address)?;
    let lb = world.octavia.load_balancers.iter().find(|lb| Some(&lb.vip.port) == floating.port.as_ref())?;
    if !lb.is_online(world.now()) {
        return None;
    }
    world.kubernetes.stores.iter().find_map(|(which, store)| {
        let Which::Workload(id) = which else { return None };
        let cluster = world.magnum.clusters.get(id)?;
        let (key, _) = store.list(&SERVICES).find(|(key, service)| {
            let ports = service["spec"]["ports"].as_array();
            name(cluster, key) == lb.name && ports.is_some_and(|p| p.iter().any(|p| p["port"] == port))
        })?;
        Some((which.clone(), key.clone()))
    })
}

impl Service for Balanced {
    fn name(&self) -> &'static str {
        "service"
    }

    fn prefix(&self) -> Option<&'static str> {
        None
    }

    fn plays(&self, world: &World, host: &str, port: u16) -> bool {
        behind(world, host, port).is_some()
    }

    fn answer(&self, world: &mut World, request: &Request) -> Answer {
        let authority = request.header("host").unwrap_or_default();
        let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "80"));
        let found = port.parse().ok().and_then(|port| behind(world, host, port));
        let Some((which, key)) = found else { return self.failure(503, request) };
        visit(world, &which, |world, store| {
            let selector = store.get(&key).map(|s| s["spec"]["selector"].clone()).unwrap_or_default();
            let Some(selector) = selector.as_object() else { return self.failure(503, request) };
            let fits = |pod: &Value| pods::is_ready(pod) && carries(&pod["metadata"]["labels"], selector);
            let ready: Vec<&Value> = store
                .list(&PODS)
                .filter(|(pod, object)| pod.namespace == key.namespace && fits(object))
                .map(|(_, object)| object)
                .collect();
            if ready.is_empty() {
                return self.failure(503, request);
            }
            let turn = world.kubernetes.turns.entry(format!("{which:?} {key:?}")).or_default();
            let pod = ready[*turn % ready.len()];
            *turn += 1;
            said(pod, request)
        })
    }

    fn failure(&self, status: u16, _: &Request) -> Answer {
        Answer::text(status, "text/plain", "no endpoint answers\n")
    }

    fn pattern(&self, _: &Request) -> &'static str {
        "/"
    }
}

/// What a pod says: its own name where it runs a program that tells hostnames, else what a web server shows.
fn said(pod: &Value, request: &Request) -> Answer {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let container = &pod["spec"]["containers"][0];
    let command = format!("{} {} {}", container["image"], container["command"], container["args"]);
    let text = match request.path.as_str() {
        _ if command.contains("serve-hostname") => name.to_string(),
        "/hostname" => name.to_string(),
        "/healthz" => "ok".to_string(),
        "/" if command.contains("netexec") => format!("NOW: {}", pod["status"]["startTime"]),
        "/" => format!("<!DOCTYPE html>\n<title>{name}</title>\n"),
        _ => return Answer::text(404, "text/plain", "404 page not found\n"),
    };
    Answer::text(200, "text/plain; charset=utf-8", text)
}
