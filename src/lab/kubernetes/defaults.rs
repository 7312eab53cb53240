//! What the API server checks of an object and fills in.

use serde_json::{Value, json};

use super::kinds::{DEPLOYMENTS, Kind, NAMESPACES, PODS, SERVICES};
use super::refusal::Refusal;
use super::store::carries;
use crate::lab::ids::Ids;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

fn is_subdomain(name: &str) -> bool {
    let part = |part: &str| {
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        ends(part.chars().next()) && ends(part.chars().last()) && part.chars().all(fine)
    };
    name.len() <= 253 && name.split('.').all(part)
}

/// Checks an object.
///
/// # Errors
/// What is wrong with each of its fields.
pub(super) fn check(kind: &'static Kind, object: &Value) -> Result<(), Refusal> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let mut faults: Vec<(String, String)> = Vec::new();
    let mut fault = |field: &str, why: String| faults.push((field.to_string(), why));
    if name.is_empty() {
        fault("metadata.name", "Required value: name or generateName is required".into());
    } else if !is_subdomain(name) {
        fault("metadata.name", format!("Invalid value: \"{name}\": {SUBDOMAIN}"));
    }
    let spec = &object["spec"];
    if kind.scale
        && let Some(replicas) = spec["replicas"].as_i64().filter(|n| *n < 0)
    {
        fault("spec.replicas", format!("Invalid value: {replicas}: must be greater than or equal to 0"));
    }
    if std::ptr::eq(kind, &DEPLOYMENTS) {
        match spec["selector"]["matchLabels"].as_object() {
            None => fault("spec.selector", "Required value".into()),
            Some(wanted) if !carries(&spec["template"]["metadata"]["labels"], wanted) => {
                let labels = &spec["template"]["metadata"]["labels"];
                fault(
                    "spec.template.metadata.labels",
                    format!("Invalid value: {labels}: `selector` does not match template `labels`"),
                );
            }
            Some(_) => {}
        }
        if spec["template"]["spec"]["containers"].as_array().is_none_or(Vec::is_empty) {
            fault("spec.template.spec.containers", "Required value".into());
        }
    }
    if std::ptr::eq(kind, &SERVICES) && spec["ports"].as_array().is_none_or(Vec::is_empty) {
        fault("spec.ports", "Required value".into());
    }
    if faults.is_empty() { Ok(()) } else { Err(Refusal::invalid(kind, name, &faults)) }
}

/// Sets what is not said.
fn fill(object: &mut Value, fields: Value) {
    let Value::Object(fields) = fields else { return };
    if object.is_null() {
        *object = json!({});
    }
    if let Some(members) = object.as_object_mut() {
        for (key, value) in fields {
            members.entry(key).or_insert(value);
        }
    }
}

/// Fills in what the API server fills in; `old` is the object before, if there was one.
pub(super) fn complete(kind: &'static Kind, object: &mut Value, old: Option<&Value>, ids: &Ids) {
    if std::ptr::eq(kind, &DEPLOYMENTS) {
        fill(
            &mut object["spec"],
            json!({
                "replicas": 1, "progressDeadlineSeconds": 600, "revisionHistoryLimit": 10,
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            }),
        );
        pod_spec(&mut object["spec"]["template"]["spec"]);
        fill(object, json!({"status": {}}));
    } else if std::ptr::eq(kind, &PODS) {
        pod_spec(&mut object["spec"]);
        fill(object, json!({"status": {"phase": "Pending", "qosClass": "BestEffort"}}));
    } else if std::ptr::eq(kind, &SERVICES) {
        service(object, old, ids);
    } else if std::ptr::eq(kind, &NAMESPACES) {
        fill(&mut object["spec"], json!({"finalizers": ["kubernetes"]}));
        fill(object, json!({"status": {"phase": "Active"}}));
    }
}

fn pod_spec(spec: &mut Value) {
    fill(
        spec,
        json!({
            "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
            "securityContext": {}, "schedulerName": "default-scheduler",
        }),
    );
    for container in spec["containers"].as_array_mut().into_iter().flatten() {
        let image = container["image"].as_str().unwrap_or_default();
        let latest =
            !image.rsplit('/').next().unwrap_or_default().contains(':') || image.ends_with(":latest");
        let policy = if latest { "Always" } else { "IfNotPresent" };
        fill(
            container,
            json!({
                "resources": {}, "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                "imagePullPolicy": policy,
            }),
        );
        for port in container["ports"].as_array_mut().into_iter().flatten() {
            fill(port, json!({"protocol": "TCP"}));
        }
    }
}

fn service(object: &mut Value, old: Option<&Value>, ids: &Ids) {
    let meta = &object["metadata"];
    let name = format!("{}/{}", meta["namespace"], meta["name"]);
    // two numbers that its name decides
    let digits = ids.named_hex(&format!("service {name}"));
    let number = |range: std::ops::Range<usize>| {
        digits.get(range).and_then(|d| u32::from_str_radix(d, 16).ok()).unwrap_or_default()
    };
    let kept = old.and_then(|o| o["spec"]["clusterIP"].as_str()).map(str::to_string);
    let address = kept.unwrap_or_else(|| format!("172.24.{}.{}", number(0..2), number(2..4).clamp(1, 254)));
    let balanced = object["spec"]["type"] == "LoadBalancer";
    fill(
        &mut object["spec"],
        json!({
            "clusterIP": address, "clusterIPs": [address], "internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack", "sessionAffinity": "None", "type": "ClusterIP",
        }),
    );
    if balanced {
        fill(
            &mut object["spec"],
            json!({"allocateLoadBalancerNodePorts": true, "externalTrafficPolicy": "Cluster"}),
        );
    }
    let had = old.map(|o| o["spec"]["ports"].clone()).unwrap_or_default();
    for (n, port) in object["spec"]["ports"].as_array_mut().into_iter().flatten().enumerate() {
        let number_of = port["port"].clone();
        fill(port, json!({"protocol": "TCP", "targetPort": number_of}));
        if balanced {
            let before = had.as_array().into_iter().flatten().find(|p| p["port"] == port["port"]);
            let before = before.and_then(|p| p["nodePort"].as_u64());
            let free = 30_000 + u64::from(number(4..8) % 2700) + n as u64;
            fill(port, json!({"nodePort": before.unwrap_or(free)}));
        }
    }
    fill(object, json!({"status": {"loadBalancer": {}}}));
}
