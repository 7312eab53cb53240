//! Tables, as kubectl prints them.

use serde_json::{Value, json};

use super::kinds::Kind;
use crate::lab::exchange::{Answer, Request};

/// Whether a request asks for a table.
fn wanted(request: &Request) -> bool {
    request.header("accept").is_some_and(|accept| accept.contains("as=Table"))
}

/// A column: its name, and where its cell comes from.
type Column = (&'static str, fn(&Value) -> Value);

fn at(object: &Value, pointer: &str) -> Value {
    object.pointer(pointer).cloned().unwrap_or(Value::Null)
}

fn condition(object: &Value, name: &str) -> Value {
    let all = object["status"]["conditions"].as_array();
    let found = all.and_then(|all| all.iter().find(|c| c["type"] == name));
    found.map_or_else(|| "Unknown".into(), |c| c["status"].clone())
}

fn ready_of(object: &Value) -> Value {
    let all = object["status"]["containerStatuses"].as_array();
    let ready = all.map_or(0, |all| all.iter().filter(|c| c["ready"] == true).count());
    let count = object["spec"]["containers"].as_array().map_or(0, Vec::len);
    format!("{ready}/{count}").into()
}

fn pod_status(object: &Value) -> Value {
    let all = object["status"]["containerStatuses"].as_array();
    let waiting = all.and_then(|all| all.iter().find_map(|c| c["state"]["waiting"]["reason"].as_str()));
    waiting.map_or_else(|| object["status"]["phase"].clone(), Value::from)
}

fn restarts(object: &Value) -> Value {
    let all = object["status"]["containerStatuses"].as_array();
    let sum: u64 = all.into_iter().flatten().filter_map(|c| c["restartCount"].as_u64()).sum();
    sum.to_string().into()
}

fn replicas(object: &Value) -> Value {
    let ready = object["status"]["readyReplicas"].as_u64().unwrap_or(0);
    format!("{ready}/{}", object["spec"]["replicas"].as_u64().unwrap_or(1)).into()
}

fn columns(kind: &Kind) -> &'static [Column] {
    match kind.plural {
        "nodes" => &[
            ("Status", |o| if condition(o, "Ready") == "True" { "Ready".into() } else { "NotReady".into() }),
            ("Roles", |o| match o["metadata"]["labels"].get("node-role.kubernetes.io/control-plane") {
                Some(_) => "control-plane".into(),
                None => "<none>".into(),
            }),
            ("Age", |o| at(o, "/metadata/creationTimestamp")),
            ("Version", |o| at(o, "/status/nodeInfo/kubeletVersion")),
            ("Internal-IP", |o| at(o, "/status/addresses/0/address")),
        ],
        "pods" => &[
            ("Ready", ready_of),
            ("Status", pod_status),
            ("Restarts", restarts),
            ("Age", |o| at(o, "/metadata/creationTimestamp")),
            ("IP", |o| at(o, "/status/podIP")),
            ("Node", |o| at(o, "/spec/nodeName")),
        ],
        "services" => &[
            ("Type", |o| at(o, "/spec/type")),
            ("Cluster-IP", |o| at(o, "/spec/clusterIP")),
            ("External-IP", |o| {
                match (o["spec"]["type"].as_str(), at(o, "/status/loadBalancer/ingress/0/ip")) {
                    (Some("LoadBalancer"), Value::Null) => "<pending>".into(),
                    (_, Value::Null) => "<none>".into(),
                    (_, address) => address,
                }
            }),
            ("Age", |o| at(o, "/metadata/creationTimestamp")),
        ],
        "deployments" | "statefulsets" | "replicasets" => {
            &[("Ready", replicas), ("Age", |o| at(o, "/metadata/creationTimestamp"))]
        }
        "clusters" => &[
            ("Available", |o| condition(o, "Available")),
            ("Phase", |o| at(o, "/status/phase")),
            ("Age", |o| at(o, "/metadata/creationTimestamp")),
        ],
        "machines" => &[
            ("Cluster", |o| at(o, "/spec/clusterName")),
            ("Node Name", |o| at(o, "/status/nodeRef/name")),
            ("Phase", |o| at(o, "/status/phase")),
            ("Age", |o| at(o, "/metadata/creationTimestamp")),
            ("Version", |o| at(o, "/spec/version")),
        ],
        "openstackclusters" => &[
            ("Ready", |o| at(o, "/status/ready")),
            ("Endpoint", |o| at(o, "/spec/controlPlaneEndpoint/host")),
            ("Age", |o| at(o, "/metadata/creationTimestamp")),
        ],
        "namespaces" => {
            &[("Status", |o| at(o, "/status/phase")), ("Age", |o| at(o, "/metadata/creationTimestamp"))]
        }
        _ => &[("Age", |o| at(o, "/metadata/creationTimestamp"))],
    }
}

/// An object or a list, or the same as a table where the client asks for one.
pub(super) fn shown(kind: &Kind, document: Value, request: &Request) -> Answer {
    if !wanted(request) {
        return Answer::json(200, document);
    }
    Answer::json(
        200,
        match document["items"].as_array() {
            Some(items) => of(kind, items, &document["metadata"]),
            None => of(kind, std::slice::from_ref(&document), &json!({})),
        },
    )
}

/// Objects as a table.
fn of(kind: &Kind, objects: &[Value], metadata: &Value) -> Value {
    let define = |name: &str| {
        let format = if name == "Name" { "name" } else { "" };
        json!({"name": name, "type": "string", "format": format, "description": "", "priority": 0})
    };
    let columns = columns(kind);
    let definitions: Vec<Value> =
        ["Name"].into_iter().chain(columns.iter().map(|(n, _)| *n)).map(define).collect();
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let cell = |(_, of): &Column| match of(object) {
                Value::Null => Value::from("<none>"),
                cell => cell,
            };
            let cells: Vec<Value> =
                [object["metadata"]["name"].clone()].into_iter().chain(columns.iter().map(cell)).collect();
            let part = json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]});
            json!({"cells": cells, "object": part})
        })
        .collect();
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": definitions, "rows": rows})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::kubernetes::kinds::{NODES, SECRETS};

    #[test]
    fn a_row_has_a_cell_for_each_column() {
        let node = json!({"metadata": {"name": "n", "labels": {}}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        for kind in [&NODES, &SECRETS] {
            let table = of(kind, std::slice::from_ref(&node), &json!({"resourceVersion": "7"}));
            let (columns, row) = (table["columnDefinitions"].as_array().unwrap(), &table["rows"][0]);
            assert_eq!(row["cells"].as_array().unwrap().len(), columns.len());
            assert_eq!((&row["cells"][0], &table["metadata"]["resourceVersion"]), (&json!("n"), &json!("7")));
        }
        let table = of(&NODES, &[node], &json!({}));
        assert_eq!(table["rows"][0]["cells"][1], "Ready");
    }
}
