//! What cluster-api-provider-openstack keeps: OpenStackClusters and OpenStackMachines.

use serde_json::{Value, json};

use super::conditions::{Found, show_former};
use super::front::PORT;
use crate::lab::magnum::{Cluster, Status};
use crate::lab::nova::{Server, Vm};
use crate::lab::octavia::Provisioning;
use crate::lab::scenario::Obstacle;
use crate::lab::world::World;

/// CAPO's own finalizer on an OpenStackCluster.
pub(super) const FINALIZER: &str = "openstackcluster.infrastructure.cluster.x-k8s.io";
/// The janitor's.
pub(super) const JANITOR: &str = "janitor.capi.stackhpc.com";

/// What keeps a cluster's infrastructure from being ready, in CAPO's words; empty where nothing does.
pub(super) fn complaint(world: &World, cluster: &Cluster) -> String {
    let now = world.now();
    let infra = &cluster.infrastructure;
    let deleting = matches!(cluster.status(now), Status::DeleteInProgress);
    let lb = infra.lb.as_ref().and_then(|id| world.octavia.load_balancers.get(id));
    if let Some(reason) = &infra.stuck {
        let (verb, codes) = if deleting { ("delete", "204") } else { ("create", "200 201 202") };
        return match (lb, reason.split_once(' ')) {
            (Some(lb), _) if lb.provisioning(now) == Provisioning::Error && !deleting => {
                inactive(&lb.name, &lb.id)
            }
            (_, Some((code @ ("401" | "404"), why))) if is_login(reason) => {
                format!(
                    "Failed to create OpenStack client scope: providerClient authentication err: Expected HTTP response code [201 202] when accessing [POST https://keystone/v3/auth/tokens], but got {code} instead: {why}"
                )
            }
            (_, Some(("409", why))) if deleting => {
                let what = if why.contains("Load Balancer") { "load balancer" } else { "network" };
                format!(
                    "failed to delete {what}: Expected HTTP response code [202 204] when accessing [DELETE https://openstack], but got 409 instead: {why}"
                )
            }
            (_, Some(("403", why))) => {
                format!(
                    "failed to {verb} load balancer: Expected HTTP response code [{codes}] but got 403 instead: {why}"
                )
            }
            _ => format!("failed to reconcile: {reason}"),
        };
    }
    match lb {
        Some(lb) if infra.endpoint.is_some() && !deleting && !cluster.api_reachable(world) => {
            inactive(&lb.name, &lb.id)
        }
        _ => String::new(),
    }
}

/// Whether what CAPO is stuck at is its own log-in.
fn is_login(reason: &str) -> bool {
    reason.contains("Application Credential") || reason.contains("requires authentication")
}

/// What CAPO writes an Event about, where it writes one: its reason and its words. A log-in that failed is none.
pub(super) fn event(world: &World, cluster: &Cluster) -> Option<(&'static str, String)> {
    let stuck = cluster.infrastructure.stuck.as_ref().filter(|reason| !is_login(reason))?;
    let reason = match (cluster.status(world.now()), stuck.contains("etwork")) {
        (Status::DeleteInProgress, true) => "Faileddeletenetwork",
        (Status::DeleteInProgress, false) => "Faileddeleteloadbalancer",
        _ => "Failedcreateloadbalancer",
    };
    Some((reason, complaint(world, cluster)))
}

/// The finalizers of an OpenStackCluster.
pub(super) fn finalizers(cluster: &Cluster) -> Value {
    let infra = &cluster.infrastructure;
    let parts = [&infra.lb, &infra.router, &infra.network, &infra.group];
    let alone = infra.obstacle == Some(Obstacle::JanitorAlone) && parts.iter().all(|part| part.is_none());
    if alone { json!([JANITOR]) } else { json!([FINALIZER, JANITOR]) }
}

fn inactive(name: &str, id: &str) -> String {
    format!("load balancer \"{name}\" with id {id} is not active after timeout")
}

/// Whether CAPO is content with a cluster's infrastructure.
pub(super) fn is_ready(world: &World, cluster: &Cluster) -> bool {
    cluster.infrastructure.endpoint.is_some() && complaint(world, cluster).is_empty()
}

/// The OpenStackCluster of a cluster.
pub(super) fn cluster(world: &World, cluster: &Cluster, stack: &str, before: &Value) -> Value {
    let (now, infra) = (world.now(), &cluster.infrastructure);
    let ready = is_ready(world, cluster);
    let message = complaint(world, cluster);
    let login = cluster.infrastructure.stuck.as_deref().is_none_or(|reason| !is_login(reason));
    let said = if login { message.as_str() } else { "" };
    let mut found = vec![Found::new("Ready", ready, ("Available", "NotAvailable"), said)];
    if !login {
        let names = ("Available", "OpenStackAuthenticationFailed");
        found.push(Found::new("OpenStackAuthenticationSucceeded", false, names, &message));
    }
    let subnet = infra.subnet.as_ref().and_then(|id| world.neutron.subnets.get(id));
    let mut spec = json!({
        "apiServerLoadBalancer": {"enabled": true},
        "identityRef": {"type": "Secret", "name": format!("{stack}-cloud-credentials"), "cloudName": "openstack"},
    });
    let mut status = json!({
        "ready": ready, "initialization": {"provisioned": infra.endpoint.is_some()},
        "conditions": show_former(&found, &before["status"]["conditions"], now),
    });
    if !world.quirks.capo_conditions {
        status["conditions"] = Value::Null;
    }
    if let Some(address) = infra.endpoint {
        spec["controlPlaneEndpoint"] = json!({"host": address.to_string(), "port": PORT});
    }
    let name = format!("k8s-clusterapi-cluster-{}-{stack}", cluster.namespace());
    if let (Some(network), Some(subnet)) = (&infra.network, subnet) {
        let cidr = subnet.cidr.to_string();
        spec["managedSubnets"] = json!([{"cidr": cidr}]);
        let subnets = json!([{"id": &*subnet.id, "name": name, "cidr": cidr}]);
        status["network"] = json!({"id": &**network, "name": name, "subnets": subnets});
    }
    if let Some(router) = &infra.router {
        status["router"] = json!({"id": &**router, "name": name});
    }
    if let Some(lb) = infra.lb.as_ref().and_then(|id| world.octavia.load_balancers.get(id)) {
        status["apiServerLoadBalancer"] =
            json!({"id": &*lb.id, "name": lb.name, "internalIP": lb.vip.address.to_string()});
        if let Some(address) = infra.endpoint {
            status["apiServerLoadBalancer"]["ip"] = address.to_string().into();
        }
    }
    json!({"spec": spec, "status": status})
}

/// What Nova says of a server that will not come up.
pub(super) fn failure(world: &World, server: &Server) -> Option<String> {
    let broken = server.phase(world.now()).vm == Vm::Error;
    let why = server.fault.as_ref().map_or("", |f| f.message.as_str());
    broken.then(|| format!("OpenStack instance state ERROR: {why}"))
}

/// The OpenStackMachine of a machine.
pub(super) fn machine(world: &World, server: &Server, before: &Value) -> Value {
    let now = world.now();
    let up = server.up_since(now).is_some();
    let failed = failure(world, server);
    let message = failed.clone().unwrap_or_default();
    let found = [Found::new("Ready", up, ("Ready", "InstanceNotReady"), &message)];
    let mut status = json!({
        "ready": up, "initialization": {"provisioned": up}, "instanceID": &*server.id,
        "instanceState": server.phase(now).status(), "conditions": show_former(&found, &before["status"]["conditions"], now),
    });
    if let Some(address) = server.plugs.first().and_then(|p| p.address) {
        status["addresses"] = json!([{"type": "InternalIP", "address": address.to_string()}]);
    }
    if let Some(failed) = failed {
        status["failureReason"] = "CreateError".into();
        status["failureMessage"] = failed.into();
    }
    let spec = json!({"flavor": &*server.flavor.name, "providerID": format!("openstack:///{}", server.id)});
    json!({"spec": spec, "status": status})
}
