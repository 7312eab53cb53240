//! The `k8s` snap on the management machine: it converges for a while after a cold start, and the machine's load
//! tells how far it is.

use jiff::Timestamp;

use super::Reply;
use crate::lab::world::World;

/// The share of the convergence in which k8sd does not answer its socket.
const SILENT: f64 = 0.4;

/// The share in which it opens its database, and takes itself for a machine that was never bootstrapped.
const OPENING: f64 = 0.1;

const NO_SOCKET: &str = "Error: The node is not part of a Kubernetes cluster. You can bootstrap a new cluster with:\n\n  sudo k8s bootstrap\n";
const SOCKET: &str = "Error: Failed to retrieve the cluster status: failed after potential retry: failed to GET /k8sd/cluster: Get \"http://control.socket/1.0/k8sd/cluster\": context deadline exceeded\n";

/// Whether a machine is the one that hosts the management cluster.
fn is_management(world: &World, host: &str) -> bool {
    let server = world.machine(host).and_then(|m| m.server.as_deref());
    server.is_some() && world.quirks.management.as_deref() == server
}

/// How far the convergence is: 1 and more once it is over.
fn progress(world: &World, host: &str) -> f64 {
    let since = world.machine(host).and_then(|m| m.up_since(world)).unwrap_or(Timestamp::MIN);
    if since == Timestamp::MIN || !is_management(world, host) {
        return f64::INFINITY;
    }
    world.now().duration_since(since).as_secs_f64() / world.timings.convergence.as_secs_f64().max(1.0)
}

/// The load averages of 1, 5 and 15 minutes: a storm that dies down.
pub(super) fn load(world: &World, host: &str) -> [f64; 3] {
    let at = progress(world, host);
    let curve = |at: f64| match at {
        at if at < 0.0 => 0.1,
        at if at < SILENT => 4.0 + 104.0 * at / SILENT,
        at if at < 1.0 => 108.0 - 100.0 * (at - SILENT) / (1.0 - SILENT),
        at => 0.8 + 7.0 * (1.0 - at).exp().min(1.0),
    };
    if at.is_infinite() {
        return [0.42, 0.38, 0.35];
    }
    [curve(at), curve(at - 0.15) * 0.9, curve(at - 0.4) * 0.7]
}

/// Runs a command of the snap.
pub(super) fn run(world: &mut World, host: &str, words: &[&str]) -> Reply {
    if !is_management(world, host) {
        return Reply::failed(1, NO_SOCKET);
    }
    let ready = world.management_since().is_some();
    match words {
        ["status", ..] if progress(world, host) < OPENING => Reply::failed(1, NO_SOCKET),
        ["status", ..] if progress(world, host) < SILENT => Reply::failed(1, SOCKET),
        ["status", ..] => Reply::said(status(world, host, ready)),
        ["config", ..] if progress(world, host) < SILENT => Reply::failed(1, SOCKET),
        [sub, ..] => Reply::failed(1, format!("Error: unknown command \"{sub}\" for \"k8s\"\n")),
        [] => Reply::failed(1, "Error: nothing to do\n"),
    }
}

/// Whether k8sd has a file in its state: once it was bootstrapped it has.
pub(super) fn has(world: &World, host: &str, path: &str) -> bool {
    is_management(world, host) && path == "/var/snap/k8s/common/var/lib/k8sd/state/cluster.crt"
}

fn status(world: &World, host: &str, ready: bool) -> String {
    let server = world.machine(host).and_then(|m| m.server.clone()).unwrap_or_default();
    let address = world.nova.server_named(&server).and_then(|s| s.plugs.first()?.address);
    let address = address.map_or_else(|| "127.0.0.1".to_string(), |a| a.to_string());
    let word = if ready { "ready" } else { "not ready" };
    format!(
        "cluster status:           {word}\n\
         control plane nodes:      {address}:6400 (voter)\n\
         high availability:        no\n\
         datastore:                etcd\n\
         network:                  enabled\n\
         dns:                      enabled at 10.152.183.107\n\
         ingress:                  disabled\n\
         load-balancer:            disabled\n\
         local-storage:            enabled at /var/snap/k8s/common/rawfile-storage\n\
         gateway                   enabled\n"
    )
}
