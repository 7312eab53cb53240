//! The Machines of a cluster, each with its OpenStackMachine.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::capi::{OF, put, status};
use super::conditions::Found;
use super::kinds::{MACHINES, OPENSTACK_MACHINES};
use super::store::{Key, Store};
use super::{front, openstack};
use crate::lab::magnum::{Cluster, Status};
use crate::lab::world::World;

/// Brings them to what the cluster has in Nova.
pub(super) fn project(world: &World, store: &mut Store, cluster: &Cluster, stack: &str) {
    let now = world.now();
    let mut there = BTreeSet::new();
    for machine in &cluster.infrastructure.machines {
        let Some(server) = world.nova.servers.get(&machine.server) else { continue };
        there.insert(server.name.clone());
        let key = |kind| Key::new(kind, &cluster.namespace(), &server.name);
        let before = store.get(&key(&OPENSTACK_MACHINES)).cloned().unwrap_or_default();
        let parts = openstack::machine(world, server, &before);
        put(world, store, &OPENSTACK_MACHINES, cluster, &server.name, server.created, parts);

        let before = store.get(&key(&MACHINES)).cloned().unwrap_or_default();
        let up = server.up_since(now).is_some() && front::initialised(world, cluster) <= now;
        let failed = openstack::failure(world, server).unwrap_or_default();
        let found = [
            Found::new("Available", up, ("Available", "NotAvailable"), &failed),
            Found::new("Ready", up, ("Ready", "NotReady"), &failed),
            Found::new("UpToDate", true, ("UpToDate", "NotUpToDate"), ""),
            Found::new("InfrastructureReady", server.up_since(now).is_some(), ("Ready", "NotReady"), &failed),
            Found::new("Deleting", false, ("Deleting", "NotDeleting"), ""),
            Found::new("Paused", false, ("Paused", "NotPaused"), ""),
        ];
        let former = [Found::new("Ready", up, ("Ready", "InstanceNotReady"), &failed)];
        let mut status = status(&found, &former, &before, now);
        let deleting = cluster.status(now) == Status::DeleteInProgress;
        status["phase"] = match () {
            () if deleting => "Deleting",
            () if !failed.is_empty() => "Failed",
            () if up => "Running",
            () => "Provisioning",
        }
        .into();
        status["initialization"] =
            json!({"bootstrapDataSecretCreated": true, "infrastructureProvisioned": up});
        if up {
            status["nodeRef"] = json!({"name": server.name});
        }
        if let Some(address) = server.plugs.first().and_then(|p| p.address) {
            status["addresses"] = json!([{"type": "InternalIP", "address": address.to_string()}]);
        }
        let mut spec = json!({
            "clusterName": stack, "bootstrap": {"dataSecretName": server.name}, "providerID": format!("openstack:///{}", server.id),
            "infrastructureRef": {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "OpenStackMachine", "name": server.name},
        });
        if let Some(version) = &cluster.version {
            spec["version"] = version.as_str().into();
        }
        put(
            world,
            store,
            &MACHINES,
            cluster,
            &server.name,
            server.created,
            json!({"spec": spec, "status": status}),
        );
        if machine.master {
            store.change(&key(&MACHINES), |o| {
                o["metadata"]["labels"]["cluster.x-k8s.io/control-plane"] = "".into()
            });
        }
    }
    let own = |object: &Value| object["metadata"]["labels"][OF] == *stack;
    for kind in [&MACHINES, &OPENSTACK_MACHINES] {
        let gone: Vec<Key> = store
            .list(kind)
            .filter(|(key, o)| own(o) && !there.contains(&key.name))
            .map(|(key, _)| key.clone())
            .collect();
        gone.iter().for_each(|key| store.remove(key));
    }
}
