//! Taints, told apart by who puts them on and who takes them off.

use serde::Serialize;
use serde_json::Value;

/// A taint's key, and what it means that it is still there.
const MEANINGS: &[(&str, &str)] = &[
    (
        "node.cluster.x-k8s.io/uninitialized",
        "Cluster API has not synchronised this node's labels yet: its controllers in the management cluster must run",
    ),
    (
        "node.cloudprovider.kubernetes.io/uninitialized",
        "the cloud controller manager in this cluster has not initialised this node yet",
    ),
    (
        "node.cluster.x-k8s.io/outdated-revision",
        "Cluster API is replacing this node: its machine is of an older revision",
    ),
    ("node.kubernetes.io/not-ready", "the kubelet does not report the node as ready"),
    ("node.kubernetes.io/unreachable", "the control plane does not hear from the kubelet"),
    ("node.kubernetes.io/unschedulable", "somebody cordoned the node"),
    (
        "node.kubernetes.io/network-unavailable",
        "the node's network is not set up: the network plug-in or the cloud's routes",
    ),
    ("node.kubernetes.io/memory-pressure", "the node is short of memory"),
    ("node.kubernetes.io/disk-pressure", "the node is short of disk"),
    ("node.kubernetes.io/pid-pressure", "the node is short of process ids"),
    ("node-role.kubernetes.io/control-plane", "only control-plane workloads belong on this node"),
];

/// One taint of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value; empty if none.
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
    /// What it means that it is still there; `None` for a taint that is not Kubernetes' own.
    pub meaning: Option<&'static str>,
}

/// The taints of a node.
pub fn taints(node: &Value) -> Vec<Taint> {
    let entries = node["spec"]["taints"].as_array().into_iter().flatten();
    entries
        .map(|entry| {
            let text = |key: &str| entry[key].as_str().unwrap_or_default().to_string();
            let key = text("key");
            let meaning = MEANINGS.iter().find(|(k, _)| *k == key).map(|(_, meaning)| *meaning);
            Taint { key, value: text("value"), effect: text("effect"), meaning }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn two_uninitialized_taints_have_two_causes() {
        let node = json!({"spec": {"taints": [
            {"key": "node.cluster.x-k8s.io/uninitialized", "effect": "NoSchedule"},
            {"key": "node.cloudprovider.kubernetes.io/uninitialized", "value": "true", "effect": "NoSchedule"},
            {"key": "example.org/gpu", "value": "a100", "effect": "NoExecute"},
        ]}});
        let found = taints(&node);
        assert!(found[0].meaning.unwrap().contains("management cluster"));
        assert!(found[1].meaning.unwrap().contains("cloud controller manager"));
        assert_eq!((found[2].meaning, found[2].value.as_str()), (None, "a100"));
        assert!(taints(&json!({"spec": {}})).is_empty());
    }
}
