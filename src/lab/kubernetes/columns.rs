//! What a table shows of each kind, as the API server's own printers do.

use serde_json::Value;

use super::kinds::Kind;

/// A column of a table.
pub(super) struct Column {
    pub(super) name: &'static str,
    /// Shown only where the client wants more: `kubectl get -o wide`.
    pub(super) wide: bool,
    /// What stands in it; of an age the moment that it counts from.
    pub(super) cell: fn(&Value) -> Value,
}

const fn col(name: &'static str, cell: fn(&Value) -> Value) -> Column {
    Column { name, wide: false, cell }
}

const fn wide(name: &'static str, cell: fn(&Value) -> Value) -> Column {
    Column { name, wide: true, cell }
}

fn at(object: &Value, pointer: &str) -> Value {
    object.pointer(pointer).cloned().unwrap_or(Value::Null)
}

fn text<'o>(object: &'o Value, pointer: &str) -> &'o str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn number(object: &Value, pointer: &str) -> u64 {
    object.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

/// What of each of an array's items is told, in one cell.
fn joined(all: &Value, of: impl Fn(&Value) -> String) -> Value {
    let all: Vec<String> = all.as_array().into_iter().flatten().map(of).collect();
    if all.is_empty() { Value::Null } else { all.join(",").into() }
}

/// When it was made.
fn created(object: &Value) -> Value {
    at(object, "/metadata/creationTimestamp")
}

fn condition(object: &Value, name: &str) -> Value {
    let all = object["status"]["conditions"].as_array();
    let found = all.and_then(|all| all.iter().find(|c| c["type"] == *name));
    found.map_or(Value::Null, |c| c["status"].clone())
}

fn node_status(object: &Value) -> Value {
    let ready = if condition(object, "Ready") == "True" { "Ready" } else { "NotReady" };
    let cordoned = object["spec"]["unschedulable"] == true;
    format!("{ready}{}", if cordoned { ",SchedulingDisabled" } else { "" }).into()
}

fn node_role(object: &Value) -> Value {
    match object["metadata"]["labels"].get("node-role.kubernetes.io/control-plane") {
        Some(_) => "control-plane".into(),
        None => Value::Null,
    }
}

fn node_address(object: &Value, kind: &str) -> Value {
    let all = object["status"]["addresses"].as_array();
    all.and_then(|all| all.iter().find(|a| a["type"] == *kind)).map_or(Value::Null, |a| a["address"].clone())
}

fn pod_ready(object: &Value) -> Value {
    let all = object["status"]["containerStatuses"].as_array();
    let ready = all.into_iter().flatten().filter(|c| c["ready"] == true).count();
    let count = object["spec"]["containers"].as_array().map_or(0, Vec::len);
    format!("{ready}/{count}").into()
}

fn pod_status(object: &Value) -> Value {
    let all = object["status"]["containerStatuses"].as_array();
    let waiting = all.and_then(|all| all.iter().find_map(|c| c["state"]["waiting"]["reason"].as_str()));
    waiting.map_or_else(|| object["status"]["phase"].clone(), Value::from)
}

fn pod_restarts(object: &Value) -> Value {
    let all = object["status"]["containerStatuses"].as_array();
    let sum: u64 = all.into_iter().flatten().filter_map(|c| c["restartCount"].as_u64()).sum();
    sum.to_string().into()
}

fn external_address(object: &Value) -> Value {
    let all = &object["status"]["loadBalancer"]["ingress"];
    match (text(object, "/spec/type"), joined(all, |one| text(one, "/ip").to_string())) {
        ("LoadBalancer", Value::Null) => "<pending>".into(),
        (_, address) => address,
    }
}

fn ports(object: &Value) -> Value {
    joined(&object["spec"]["ports"], |port| {
        let (number, protocol) = (&port["port"], port["protocol"].as_str().unwrap_or("TCP"));
        match port["nodePort"].as_u64() {
            Some(node) if node > 0 => format!("{number}:{node}/{protocol}"),
            _ => format!("{number}/{protocol}"),
        }
    })
}

fn labels(object: &Value, pointer: &str) -> Value {
    let all = object.pointer(pointer).and_then(Value::as_object);
    let all: Vec<String> = all
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    if all.is_empty() { Value::Null } else { all.join(",").into() }
}

fn containers(object: &Value, of: &str) -> Value {
    joined(&object["spec"]["template"]["spec"]["containers"], |c| c[of].as_str().unwrap_or_default().into())
}

fn count(object: &Value, pointer: &str) -> Value {
    number(object, pointer).to_string().into()
}

fn data(object: &Value) -> Value {
    object["data"].as_object().map_or(0, serde_json::Map::len).to_string().into()
}

fn deployment_ready(object: &Value) -> Value {
    let wanted = object["spec"]["replicas"].as_u64().unwrap_or(1);
    format!("{}/{wanted}", number(object, "/status/readyReplicas")).into()
}

const NAME: Column = col("Name", |o| at(o, "/metadata/name"));
const AGE: Column = col("Age", created);
const CONTAINERS: Column = wide("Containers", |o| containers(o, "name"));
const IMAGES: Column = wide("Images", |o| containers(o, "image"));
const SELECTOR: Column = wide("Selector", |o| labels(o, "/spec/selector/matchLabels"));

/// `RWO` of `ReadWriteOnce`.
fn short_mode(mode: &str) -> String {
    mode.chars().filter(char::is_ascii_uppercase).collect()
}

/// The columns of a kind.
pub(super) fn of(kind: &Kind) -> &'static [Column] {
    match kind.plural {
        "nodes" => {
            const {
                &[
                    NAME,
                    col("Status", node_status),
                    col("Roles", node_role),
                    AGE,
                    col("Version", |o| at(o, "/status/nodeInfo/kubeletVersion")),
                    wide("Internal-IP", |o| node_address(o, "InternalIP")),
                    wide("External-IP", |o| node_address(o, "ExternalIP")),
                    wide("OS-Image", |o| at(o, "/status/nodeInfo/osImage")),
                    wide("Kernel-Version", |o| at(o, "/status/nodeInfo/kernelVersion")),
                    wide("Container-Runtime", |o| at(o, "/status/nodeInfo/containerRuntimeVersion")),
                ]
            }
        }
        "pods" => {
            const {
                &[
                    NAME,
                    col("Ready", pod_ready),
                    col("Status", pod_status),
                    col("Restarts", pod_restarts),
                    AGE,
                    wide("IP", |o| at(o, "/status/podIP")),
                    wide("Node", |o| at(o, "/spec/nodeName")),
                    wide("Nominated Node", |o| at(o, "/status/nominatedNodeName")),
                    wide("Readiness Gates", |o| {
                        joined(&o["spec"]["readinessGates"], |g| text(g, "/conditionType").into())
                    }),
                ]
            }
        }
        "services" => {
            const {
                &[
                    NAME,
                    col("Type", |o| at(o, "/spec/type")),
                    col("Cluster-IP", |o| at(o, "/spec/clusterIP")),
                    col("External-IP", external_address),
                    col("Port(s)", ports),
                    AGE,
                    wide("Selector", |o| labels(o, "/spec/selector")),
                ]
            }
        }
        "deployments" => {
            const {
                &[
                    NAME,
                    col("Ready", deployment_ready),
                    col("Up-to-date", |o| count(o, "/status/updatedReplicas")),
                    col("Available", |o| count(o, "/status/availableReplicas")),
                    AGE,
                    CONTAINERS,
                    IMAGES,
                    SELECTOR,
                ]
            }
        }
        "replicasets" => {
            const {
                &[
                    NAME,
                    col("Desired", |o| count(o, "/spec/replicas")),
                    col("Current", |o| count(o, "/status/replicas")),
                    col("Ready", |o| count(o, "/status/readyReplicas")),
                    AGE,
                    CONTAINERS,
                    IMAGES,
                    SELECTOR,
                ]
            }
        }
        "daemonsets" => {
            const {
                &[
                    NAME,
                    col("Desired", |o| count(o, "/status/desiredNumberScheduled")),
                    col("Current", |o| count(o, "/status/currentNumberScheduled")),
                    col("Ready", |o| count(o, "/status/numberReady")),
                    col("Up-to-date", |o| count(o, "/status/updatedNumberScheduled")),
                    col("Available", |o| count(o, "/status/numberAvailable")),
                    col("Node Selector", |o| labels(o, "/spec/template/spec/nodeSelector")),
                    AGE,
                    CONTAINERS,
                    IMAGES,
                    SELECTOR,
                ]
            }
        }
        "configmaps" => const { &[NAME, col("Data", data), AGE] },
        "secrets" => const { &[NAME, col("Type", |o| at(o, "/type")), col("Data", data), AGE] },
        "persistentvolumeclaims" => {
            const {
                &[
                    NAME,
                    col("Status", |o| at(o, "/status/phase")),
                    col("Volume", |o| at(o, "/spec/volumeName")),
                    col("Capacity", |o| at(o, "/status/capacity/storage")),
                    col("Access Modes", |o| {
                        joined(&o["spec"]["accessModes"], |mode| {
                            short_mode(mode.as_str().unwrap_or_default())
                        })
                    }),
                    col("StorageClass", |o| at(o, "/spec/storageClassName")),
                    AGE,
                    wide("VolumeMode", |o| at(o, "/spec/volumeMode")),
                ]
            }
        }
        "events" => {
            const {
                &[
                    col("Last Seen", |o| at(o, "/lastTimestamp")),
                    col("Type", |o| at(o, "/type")),
                    col("Reason", |o| at(o, "/reason")),
                    col("Object", |o| {
                        let (kind, name) = (text(o, "/involvedObject/kind"), text(o, "/involvedObject/name"));
                        format!("{}/{name}", kind.to_lowercase()).into()
                    }),
                    wide("Subobject", |o| at(o, "/involvedObject/fieldPath")),
                    wide("Source", |o| at(o, "/source/component")),
                    col("Message", |o| at(o, "/message")),
                    wide("First Seen", |o| at(o, "/firstTimestamp")),
                    wide("Count", |o| count(o, "/count")),
                    wide("Name", |o| at(o, "/metadata/name")),
                ]
            }
        }
        "clusters" => {
            const {
                &[
                    NAME,
                    col("Available", |o| condition(o, "Available")),
                    col("Phase", |o| at(o, "/status/phase")),
                    AGE,
                ]
            }
        }
        "machines" => {
            const {
                &[
                    NAME,
                    col("Cluster", |o| at(o, "/spec/clusterName")),
                    col("Node Name", |o| at(o, "/status/nodeRef/name")),
                    col("Phase", |o| at(o, "/status/phase")),
                    AGE,
                    col("Version", |o| at(o, "/spec/version")),
                ]
            }
        }
        "openstackclusters" => {
            const {
                &[
                    NAME,
                    col("Ready", |o| at(o, "/status/ready")),
                    col("Endpoint", |o| at(o, "/spec/controlPlaneEndpoint/host")),
                    AGE,
                ]
            }
        }
        "namespaces" => const { &[NAME, col("Status", |o| at(o, "/status/phase")), AGE] },
        _ => const { &[NAME, AGE] },
    }
}
