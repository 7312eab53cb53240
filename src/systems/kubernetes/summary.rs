//! An object in one line: what an operator looks at first, kind by kind.

use serde_json::{Map, Value, json};

use super::conditions::{condition, unmet};
use super::containers::containers;
use super::taints::taints;

/// What of an object belongs into one line of a table, in the order of columns. Kinds that are not known by
/// themselves tell their phase and the conditions that are not met.
pub fn summary(object: &Value) -> Map<String, Value> {
    let mut line = Map::new();
    let metadata = &object["metadata"];
    for key in ["namespace", "name"] {
        if let Some(text) = metadata[key].as_str() {
            line.insert(key.to_string(), text.into());
        }
    }
    match object["kind"].as_str().unwrap_or_default() {
        "Pod" => pod(object, &mut line),
        "Node" => node(object, &mut line),
        "Service" => service(object, &mut line),
        "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController" => {
            let wanted = object["spec"]["replicas"].as_u64().unwrap_or(1);
            ready(&mut line, object["status"]["readyReplicas"].as_u64(), wanted);
        }
        "DaemonSet" => {
            let wanted = object["status"]["desiredNumberScheduled"].as_u64().unwrap_or(0);
            ready(&mut line, object["status"]["numberReady"].as_u64(), wanted);
        }
        "Event" => {
            for key in ["type", "reason", "message"] {
                put(&mut line, key, &object[key]);
            }
        }
        _ => other(object, &mut line),
    }
    if !metadata["deletionTimestamp"].is_null() {
        line.insert("status".to_string(), "Terminating".into());
        put(&mut line, "finalizers", &joined(&metadata["finalizers"], Value::as_str));
    }
    put(&mut line, "created", &metadata["creationTimestamp"]);
    line
}

fn put(line: &mut Map<String, Value>, key: &str, value: &Value) {
    if !value.is_null() && value.as_str() != Some("") {
        line.insert(key.to_string(), value.clone());
    }
}

fn ready(line: &mut Map<String, Value>, ready: Option<u64>, wanted: u64) {
    line.insert("ready".to_string(), format!("{}/{wanted}", ready.unwrap_or(0)).into());
}

fn joined<'a>(list: &'a Value, text: impl Fn(&'a Value) -> Option<&'a str>) -> Value {
    list.as_array().into_iter().flatten().filter_map(text).collect::<Vec<_>>().join(", ").into()
}

/// Its phase, unless a container tells more: a pod that crash-loops is Running.
fn pod(object: &Value, line: &mut Map<String, Value>) {
    let all = containers(object);
    let main = || all.iter().filter(|c| !c.init);
    ready(line, Some(main().filter(|c| c.ready).count() as u64), main().count() as u64);
    let troubled = all.iter().find(|c| c.is_stuck());
    let troubled = troubled.or_else(|| all.iter().find(|c| c.state == "terminated" && !c.is_good()));
    let status = match troubled.map(|c| c.reason.as_str()).filter(|reason| !reason.is_empty()) {
        Some(reason) => reason.into(),
        None => object["status"]["phase"].clone(),
    };
    put(line, "status", &status);
    line.insert("restarts".to_string(), all.iter().map(|c| c.restarts).sum::<u64>().into());
    put(line, "node", &object["spec"]["nodeName"]);
    put(line, "ip", &object["status"]["podIP"]);
}

fn node(object: &Value, line: &mut Map<String, Value>) {
    let is_ready = condition(object, "Ready").is_some_and(|c| c.is_good());
    let mut status = if is_ready { "Ready" } else { "NotReady" }.to_string();
    if object["spec"]["unschedulable"] == true {
        status.push_str(", cordoned");
    }
    line.insert("status".to_string(), status.into());
    let role = |label: &String| label.strip_prefix("node-role.kubernetes.io/").map(String::from);
    let labels = object["metadata"]["labels"].as_object().into_iter().flatten();
    let roles: Vec<String> = labels.filter_map(|(label, _)| role(label)).collect();
    put(line, "roles", &roles.join(", ").into());
    put(line, "version", &object["status"]["nodeInfo"]["kubeletVersion"]);
    let keys: Vec<String> = taints(object).into_iter().map(|t| t.key).collect();
    put(line, "taints", &keys.join(", ").into());
}

fn outside(entry: &Value) -> Option<&str> {
    entry["ip"].as_str().or_else(|| entry["hostname"].as_str())
}

fn service(object: &Value, line: &mut Map<String, Value>) {
    put(line, "type", &object["spec"]["type"]);
    put(line, "cluster_ip", &object["spec"]["clusterIP"]);
    put(line, "external", &joined(&object["status"]["loadBalancer"]["ingress"], outside));
    let port = |p: &Value| match p["nodePort"].as_u64() {
        Some(outer) => format!("{}:{outer}", p["port"]),
        None => p["port"].to_string(),
    };
    let ports: Vec<String> = object["spec"]["ports"].as_array().into_iter().flatten().map(port).collect();
    put(line, "ports", &ports.join(", ").into());
}

fn other(object: &Value, line: &mut Map<String, Value>) {
    put(line, "status", &object["status"]["phase"]);
    let told = |name: String, reason: String| match reason.as_str() {
        "" => name,
        reason => format!("{name} ({reason})"),
    };
    let open: Vec<String> = unmet(object).into_iter().map(|c| told(c.name, c.reason)).collect();
    if open.is_empty() && condition(object, "Ready").or_else(|| condition(object, "Available")).is_some() {
        line.entry("status").or_insert(json!("Ready"));
    }
    put(line, "unmet", &open.join(", ").into());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(object: Value) -> Value {
        summary(&object).into()
    }

    #[test]
    fn a_pod_that_crash_loops_says_so() {
        let status = |name: &str, ready: bool, restarts: u64, state: Value| json!({"name": name, "ready": ready, "restartCount": restarts, "state": state});
        let pod = json!({
            "kind": "Pod", "metadata": {"namespace": "kube-system", "name": "ccm"}, "spec": {"nodeName": "n1"},
            "status": {"phase": "Running", "podIP": "10.1.0.5", "containerStatuses": [
                status("a", true, 0, json!({"running": {}})),
                status("b", false, 7, json!({"waiting": {"reason": "CrashLoopBackOff"}})),
            ]},
        });
        assert_eq!(
            line(pod),
            json!({"namespace": "kube-system", "name": "ccm", "ready": "1/2", "status": "CrashLoopBackOff",
                   "restarts": 7, "node": "n1", "ip": "10.1.0.5"})
        );
    }

    #[test]
    fn a_node_a_service_and_a_deployment_tell_what_kubectl_does() {
        let node = json!({
            "kind": "Node",
            "metadata": {"name": "n1", "labels": {"node-role.kubernetes.io/control-plane": ""}},
            "spec": {"unschedulable": true, "taints": [{"key": "node.cluster.x-k8s.io/uninitialized"}]},
            "status": {"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"kubeletVersion": "v1.34.8"}},
        });
        assert_eq!(
            line(node),
            json!({"name": "n1", "status": "Ready, cordoned", "roles": "control-plane", "version": "v1.34.8",
                   "taints": "node.cluster.x-k8s.io/uninitialized"})
        );
        let service = json!({
            "kind": "Service", "metadata": {"namespace": "default", "name": "rr"},
            "spec": {"type": "LoadBalancer", "clusterIP": "10.152.0.9", "ports": [{"port": 80, "nodePort": 31000}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "10.12.7.181"}]}},
        });
        assert_eq!(
            line(service),
            json!({"namespace": "default", "name": "rr", "type": "LoadBalancer", "cluster_ip": "10.152.0.9",
                   "external": "10.12.7.181", "ports": "80:31000"})
        );
        let deployment =
            json!({"kind": "Deployment", "metadata": {"name": "rr"}, "spec": {"replicas": 2}, "status": {}});
        assert_eq!(line(deployment)["ready"], "0/2");
    }

    #[test]
    fn what_holds_a_wedged_cluster_is_seen() {
        let wedged = json!({
            "kind": "OpenStackCluster",
            "metadata": {"name": "c", "deletionTimestamp": "2026-06-10T02:00:00Z", "finalizers": ["a/x", "b/y"]},
            "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "LoadBalancerFailed"},
                                      {"type": "Paused", "status": "False"}]},
        });
        assert_eq!(
            line(wedged),
            json!({"name": "c", "unmet": "Ready (LoadBalancerFailed)", "status": "Terminating", "finalizers": "a/x, b/y"})
        );
        let well = json!({"kind": "Cluster", "metadata": {"name": "c"}, "status": {"phase": "Provisioned",
            "conditions": [{"type": "Available", "status": "True"}]}});
        assert_eq!(line(well), json!({"name": "c", "status": "Provisioned"}));
        for odd in [json!(null), json!({}), json!({"kind": 3}), json!({"kind": "Pod", "status": []})] {
            summary(&odd);
        }
    }
}
