//! What the server says it serves, both ways.

use serde_json::{Value, json};

use super::{Asked, Behaviour};

pub const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Group, version, plural, kind, short name, namespaced.
const KINDS: &[(&str, &str, &str, &str, &str, bool)] = &[
    ("", "v1", "configmaps", "ConfigMap", "cm", true),
    ("", "v1", "events", "Event", "ev", true),
    ("", "v1", "namespaces", "Namespace", "ns", false),
    ("", "v1", "nodes", "Node", "no", false),
    ("", "v1", "pods", "Pod", "po", true),
    ("", "v1", "secrets", "Secret", "", true),
    ("", "v1", "services", "Service", "svc", true),
    ("apps", "v1", "daemonsets", "DaemonSet", "ds", true),
    ("apps", "v1", "deployments", "Deployment", "deploy", true),
    ("coordination.k8s.io", "v1", "leases", "Lease", "", true),
    ("events.k8s.io", "v1", "events", "Event", "ev", true),
    ("cluster.x-k8s.io", "v1beta1", "clusters", "Cluster", "cl", true),
    ("cluster.x-k8s.io", "v1beta2", "clusters", "Cluster", "cl", true),
    ("cluster.x-k8s.io", "v1beta2", "machines", "Machine", "ma", true),
    ("controlplane.cluster.x-k8s.io", "v1beta2", "kubeadmcontrolplanes", "KubeadmControlPlane", "kcp", true),
    ("infrastructure.cluster.x-k8s.io", "v1beta1", "openstackclusters", "OpenStackCluster", "osc", true),
    ("infrastructure.cluster.x-k8s.io", "v1beta1", "openstackmachines", "OpenStackMachine", "osm", true),
];

/// The kind behind a plural, for what the store makes.
pub fn kind_of(plural: &str) -> Option<&'static str> {
    KINDS.iter().find(|k| k.2 == plural).map(|k| k.3)
}

fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_string() } else { format!("{group}/{version}") }
}

/// The answer of a discovery path; `Some(None)` where the version is not served.
pub fn answer(behaviour: &Behaviour, path: &str, asked: &Asked) -> Option<Option<(u16, Value)>> {
    let served = |k: &&(&str, &str, &str, &str, &str, bool)| {
        !behaviour.unserved.contains(&api_version(k.0, k.1).as_str())
    };
    let kinds: Vec<_> = KINDS.iter().filter(served).collect();
    let accept = asked.headers.get("accept").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let aggregated = accept.contains("APIGroupDiscoveryList") && !behaviour.plain_discovery;
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let groups = || {
        let mut names: Vec<&str> = kinds.iter().map(|k| k.0).collect();
        names.dedup();
        names
    };
    let versions = |group: &str| {
        let mut found: Vec<&str> = kinds.iter().filter(|k| k.0 == group).map(|k| k.1).collect();
        found.dedup();
        found
    };
    match parts.as_slice() {
        ["version"] => Some(Some((200, json!({"gitVersion": "v1.34.9", "major": "1", "minor": "34"})))),
        ["api" | "apis"] if aggregated => {
            let core = parts[0] == "api";
            let items: Vec<Value> = groups()
                .into_iter()
                .filter(|g| g.is_empty() == core)
                .map(|group| {
                    let metadata = if core { json!({}) } else { json!({"name": group}) };
                    let versions: Vec<Value> = versions(group)
                        .into_iter()
                        .map(|v| {
                            let resources = kinds.iter().filter(|k| (k.0, k.1) == (group, v)).map(|k| resource(k));
                            json!({"version": v, "freshness": "Current", "resources": resources.collect::<Vec<_>>()})
                        })
                        .collect();
                    json!({"metadata": metadata, "versions": versions})
                })
                .collect();
            Some(Some((
                200,
                json!({
                    "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2",
                    "metadata": {}, "items": items,
                }),
            )))
        }
        ["api"] => Some(Some((
            200,
            json!({
                "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [],
            }),
        ))),
        ["apis"] => {
            let groups: Vec<Value> = groups()
                .into_iter()
                .filter(|g| !g.is_empty())
                .map(|group| {
                    let all: Vec<Value> = versions(group)
                        .into_iter()
                        .map(|v| json!({"groupVersion": format!("{group}/{v}"), "version": v}))
                        .collect();
                    json!({"name": group, "versions": all, "preferredVersion": all.first()})
                })
                .collect();
            Some(Some((200, json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))))
        }
        ["api", version] => Some(list(&kinds, "", version)),
        ["apis", group, version] => Some(list(&kinds, group, version)),
        ["apis", group, version, ..] if versions(group).iter().all(|v| v != version) => {
            // authentication has no kinds here but answers its review
            if *group == "authentication.k8s.io" { None } else { Some(None) }
        }
        _ => None,
    }
}

fn verbs() -> Value {
    json!(["create", "delete", "get", "list", "patch", "update", "watch"])
}

fn short(name: &str) -> Vec<&str> {
    if name.is_empty() { vec![] } else { vec![name] }
}

fn resource(kind: &(&str, &str, &str, &str, &str, bool)) -> Value {
    json!({
        "resource": kind.2, "singularResource": kind.3.to_lowercase(), "verbs": verbs(),
        "scope": if kind.5 { "Namespaced" } else { "Cluster" }, "shortNames": short(kind.4),
        "responseKind": {"group": "", "version": "", "kind": kind.3},
        "subresources": [{"subresource": "status", "verbs": ["get"], "responseKind": {"kind": kind.3}}],
    })
}

fn list(kinds: &[&(&str, &str, &str, &str, &str, bool)], group: &str, version: &str) -> Option<(u16, Value)> {
    let of: Vec<_> = kinds.iter().filter(|k| (k.0, k.1) == (group, version)).collect();
    if of.is_empty() {
        return None;
    }
    let resources: Vec<Value> = of
        .into_iter()
        .flat_map(|k| {
            let whole = json!({
                "name": k.2, "singularName": k.3.to_lowercase(), "kind": k.3, "namespaced": k.5,
                "verbs": verbs(), "shortNames": short(k.4),
            });
            let part = json!({
                "name": format!("{}/status", k.2), "singularName": "", "kind": k.3, "namespaced": k.5, "verbs": ["get"],
            });
            [whole, part]
        })
        .collect();
    let body = json!({
        "kind": "APIResourceList", "apiVersion": "v1",
        "groupVersion": api_version(group, version), "resources": resources,
    });
    Some((200, body))
}
