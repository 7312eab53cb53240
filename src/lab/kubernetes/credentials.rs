//! Kubeconfigs of the lab's clusters.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Which;
use super::front::{PORT, management_place, management_server, token};
use super::store::{Key, Store};
use super::{kinds, visit};
use crate::base::Secret;
use crate::lab::magnum::Cluster;
use crate::lab::world::World;
use crate::systems::certificate::ClientKey;

/// The kubeconfig of a workload cluster by its name, or else the management cluster's.
pub(crate) fn kubeconfig(world: &mut World, name: &str) -> Option<Secret> {
    let known = |c: &Cluster| c.name == name || c.stack.as_deref() == Some(name);
    if world.magnum.clusters.iter().any(known) { workload(world, name) } else { management(world) }
}

/// Kubeconfigs by cluster for clients that take the lab for a proxy.
pub(crate) fn for_clients(world: &World) -> Vec<(String, String)> {
    let management = management_place(world)
        .map(|(host, port)| ("management".to_string(), format!("https://{host}:{port}")));
    let workload = world
        .magnum
        .clusters
        .iter()
        .filter_map(|c| Some((c.name.clone(), format!("https://{}:{PORT}", c.infrastructure.endpoint?))));
    let text = |name: &str, server: &str| {
        let server = server.replacen("https://", "http://", 1);
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": name,
            "clusters": [{"name": name, "cluster": {"server": server, "proxy-url": world.origin}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": "admin"}}],
            "users": [{"name": "admin", "user": {}}],
        })
    };
    management
        .into_iter()
        .chain(workload)
        .map(|(name, server)| {
            let text = text(&name, &server).to_string();
            (name, text)
        })
        .collect()
}

/// The management cluster's own kubeconfig, as its snap prints it: with a token.
fn management(world: &World) -> Option<Secret> {
    let server = management_server(world)?;
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "k8s",
        "clusters": [{"name": "k8s", "cluster": {"server": server}}],
        "contexts": [{"name": "k8s", "context": {"cluster": "k8s", "user": "k8s-user"}}],
        "users": [{"name": "k8s-user", "user": {"token": token(world)}}],
    });
    // JSON is YAML
    Some(Secret::new(text.to_string()))
}

/// The kubeconfig of a workload cluster that Cluster API keeps in the management cluster.
fn workload(world: &mut World, name: &str) -> Option<Secret> {
    let cluster =
        world.magnum.clusters.iter().find(|c| c.name == name || c.stack.as_deref() == Some(name))?;
    let key =
        Key::new(&kinds::SECRETS, &cluster.namespace(), &format!("{}-kubeconfig", cluster.stack.as_ref()?));
    let secret = visit(world, &Which::Management, |_, store: &mut Store| store.get(&key).cloned())?;
    let bytes = STANDARD.decode(secret["data"]["value"].as_str()?).ok()?;
    Some(Secret::new(String::from_utf8(bytes).ok()?))
}

/// A kubeconfig with a certificate that the cluster's own authority signs, for `data`.
pub(super) fn signed(world: &World, cluster: &Cluster) -> Option<String> {
    let server = format!("https://{}:{PORT}", cluster.infrastructure.endpoint?);
    let key = ClientKey::generate().ok()?;
    let certificate = cluster.authority.sign(key.request(), world.now()).ok()?;
    let stack = cluster.stack.as_deref()?;
    let text = key.kubeconfig(stack, &server, &cluster.authority.pem, &certificate).ok()?;
    Some(STANDARD.encode(text.expose()))
}

/// A Secret of a cluster, as Cluster API labels it.
pub(super) fn secret(cluster: &Cluster, suffix: &str, data: Value) -> Value {
    let stack = cluster.stack.as_deref().unwrap_or_default();
    json!({
        "metadata": {
            "name": format!("{stack}-{suffix}"), "namespace": cluster.namespace(),
            "labels": {"cluster.x-k8s.io/cluster-name": stack},
        },
        "type": "cluster.x-k8s.io/secret", "data": data,
    })
}
