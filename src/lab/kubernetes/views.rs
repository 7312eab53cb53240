//! Objects as their versions show them.

use serde_json::{Map, Value, json};

use super::kinds::Kind;

/// How CAPO calls the load balancer of the API in v1beta1 and in v1beta2.
const BALANCER: [&str; 2] = ["apiServerLoadBalancer", "apiServerManagedLoadBalancer"];
/// What an object of CAPO's tells of itself in v1beta1 alone.
const FORMER: [&str; 3] = ["ready", "failureReason", "failureMessage"];

/// An object as one of the versions of its kind shows it. Cluster API keeps two sets of conditions: each
/// version has its own in front and the other's aside.
pub(super) fn as_version(mut object: Value, kind: &Kind, version: &str) -> Value {
    object["apiVersion"] = kind.api_version(version).into();
    match (kind.versions.first().copied(), version, status(&mut object)) {
        (Some("v1beta2"), "v1beta1", Some(status)) => {
            let newer = status.remove("conditions");
            let older = status.remove("deprecated").and_then(|d| d.pointer("/v1beta1/conditions").cloned());
            status.insert("v1beta2".into(), json!({"conditions": newer}));
            status.insert("conditions".into(), older.unwrap_or_else(|| json!([])));
        }
        (Some("v1beta1"), "v1beta2", Some(status)) => {
            FORMER.iter().for_each(|key| _ = status.remove(*key));
            rename(status, BALANCER[0], BALANCER[1]);
            for condition in status.get_mut("conditions").and_then(Value::as_array_mut).into_iter().flatten()
            {
                whole(condition);
            }
        }
        _ => {}
    }
    object
}

/// A condition with all that the newer rules ask for, and no severity.
fn whole(condition: &mut Value) {
    let holds = condition["status"] == "True";
    let name = condition["type"].as_str().unwrap_or_default();
    let reason = if holds { name.to_string() } else { format!("Not{name}") };
    if let Some(members) = condition.as_object_mut() {
        members.remove("severity");
        members.entry("reason").or_insert_with(|| reason.into());
        members.entry("message").or_insert_with(|| "".into());
    }
}

fn rename(members: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = members.remove(from) {
        members.insert(to.into(), value);
    }
}

fn status(object: &mut Value) -> Option<&mut Map<String, Value>> {
    object.get_mut("status")?.as_object_mut()
}

/// What a change through a version means for the object as it is kept.
pub(super) fn as_kept(mut object: Value, kind: &Kind, version: &str) -> Value {
    object["apiVersion"] = kind.kept().into();
    match (kind.versions.first().copied(), version, status(&mut object)) {
        (Some("v1beta2"), "v1beta1", Some(status)) => {
            let older = status.remove("conditions");
            let newer = status.remove("v1beta2").and_then(|s| s.get("conditions").cloned());
            status.insert("conditions".into(), newer.unwrap_or_default());
            status.insert("deprecated".into(), json!({"v1beta1": {"conditions": older}}));
        }
        // what this version does not show comes back when CAPO looks next
        (Some("v1beta1"), "v1beta2", Some(status)) => rename(status, BALANCER[1], BALANCER[0]),
        _ => {}
    }
    object
}
