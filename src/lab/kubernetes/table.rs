//! Tables, as kubectl prints them.

use jiff::Timestamp;
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

/// When it was made; a cell of `Age` tells how long ago that is.
fn created(object: &Value) -> Value {
    at(object, "/metadata/creationTimestamp")
}

/// A time span as kubectl writes it.
fn span(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        ..0 => "<invalid>".into(),
        0..120 => format!("{seconds}s"),
        120..600 => format!("{minutes}m{}s", seconds % 60).replace("m0s", "m"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => format!("{hours}h{}m", minutes % 60).replace("h0m", "h"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => format!("{days}d{}h", hours % 24).replace("d0h", "d"),
        _ => format!("{days}d"),
    }
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
            ("Age", created),
            ("Version", |o| at(o, "/status/nodeInfo/kubeletVersion")),
            ("Internal-IP", |o| at(o, "/status/addresses/0/address")),
        ],
        "pods" => &[
            ("Ready", ready_of),
            ("Status", pod_status),
            ("Restarts", restarts),
            ("Age", created),
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
            ("Age", created),
        ],
        "deployments" | "statefulsets" | "replicasets" => &[("Ready", replicas), ("Age", created)],
        "clusters" => &[
            ("Available", |o| condition(o, "Available")),
            ("Phase", |o| at(o, "/status/phase")),
            ("Age", created),
        ],
        "machines" => &[
            ("Cluster", |o| at(o, "/spec/clusterName")),
            ("Node Name", |o| at(o, "/status/nodeRef/name")),
            ("Phase", |o| at(o, "/status/phase")),
            ("Age", created),
            ("Version", |o| at(o, "/spec/version")),
        ],
        "openstackclusters" => &[
            ("Ready", |o| at(o, "/status/ready")),
            ("Endpoint", |o| at(o, "/spec/controlPlaneEndpoint/host")),
            ("Age", created),
        ],
        "namespaces" => &[("Status", |o| at(o, "/status/phase")), ("Age", created)],
        _ => &[("Age", created)],
    }
}

/// An object or a list, or the same as a table where the client asks for one.
pub(super) fn shown(kind: &Kind, document: Value, request: &Request, now: Timestamp) -> Answer {
    if !wanted(request) {
        return Answer::json(200, document);
    }
    Answer::json(
        200,
        match document["items"].as_array() {
            Some(items) => of(kind, items, &document["metadata"], now),
            None => of(kind, std::slice::from_ref(&document), &json!({}), now),
        },
    )
}

/// Objects as a table.
fn of(kind: &Kind, objects: &[Value], metadata: &Value, now: Timestamp) -> Value {
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
            let cell = |(name, of): &Column| match (*name, of(object)) {
                (_, Value::Null) => Value::from("<none>"),
                ("Age", Value::String(since)) => since
                    .parse()
                    .map_or("<unknown>".to_string(), |since| span(now.duration_since(since).as_secs()))
                    .into(),
                (_, cell) => cell,
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
            let table = of(
                kind,
                std::slice::from_ref(&node),
                &json!({"resourceVersion": "7"}),
                Timestamp::UNIX_EPOCH,
            );
            let (columns, row) = (table["columnDefinitions"].as_array().unwrap(), &table["rows"][0]);
            assert_eq!(row["cells"].as_array().unwrap().len(), columns.len());
            assert_eq!((&row["cells"][0], &table["metadata"]["resourceVersion"]), (&json!("n"), &json!("7")));
        }
        let table = of(&NODES, &[node], &json!({}), Timestamp::UNIX_EPOCH);
        assert_eq!(table["rows"][0]["cells"][1], "Ready");
    }

    #[test]
    fn an_age_is_written_as_kubectl_writes_it() {
        let node = json!({"metadata": {"name": "n", "creationTimestamp": "2026-06-10T02:00:00Z"}});
        let age = |seconds: u64| {
            let now = "2026-06-10T02:00:00Z".parse::<Timestamp>().unwrap()
                + std::time::Duration::from_secs(seconds);
            let table = of(&NODES, std::slice::from_ref(&node), &json!({}), now);
            table["rows"][0]["cells"][3].as_str().unwrap_or_default().to_string()
        };
        let seen = [5, 125, 300, 700, 11_000, 50_000, 200_000, 900_000].map(age);
        assert_eq!(seen, ["5s", "2m5s", "5m", "11m", "3h3m", "13h", "2d7h", "10d"]);
    }
}
