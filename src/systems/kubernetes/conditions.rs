//! Conditions: where each API version keeps them, and which way round they are meant.

use serde::Serialize;
use serde_json::Value;

/// Conditions that are false on a healthy object. The first six are Cluster API's v1beta2 set; a
/// monitor that wants every condition true calls such a cluster unhealthy for ever.
const NEGATIVE: &[&str] = &[
    "Deleting",
    "Paused",
    "RollingOut",
    "ScalingUp",
    "ScalingDown",
    "Remediating",
    // Cluster API since 1.12, Machine: an update in place is going on
    "Updating",
    // Node
    "MemoryPressure",
    "DiskPressure",
    "PIDPressure",
    "NetworkUnavailable",
    // Deployment, ReplicaSet
    "ReplicaFailure",
    // Pod
    "DisruptionTarget",
    // kstatus
    "Reconciling",
    "Stalled",
];

/// One condition of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// Its type, such as `InfrastructureReady`.
    pub name: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Its reason in one word; empty if none.
    pub reason: String,
    /// Its reason in a sentence; empty if none.
    pub message: String,
    /// How bad it is, which only Cluster API's v1beta1 conditions say: `Error`, `Warning`, `Info`.
    pub severity: Option<String>,
    /// Since when it has its status, as RFC 3339 has it.
    pub since: Option<String>,
    /// It is false when all is well.
    pub negative: bool,
    /// It was written for an earlier generation of the object's spec, so it says nothing of this one.
    pub stale: bool,
}

impl Condition {
    /// Whether it says that all is well, in the sense of its polarity.
    pub fn is_good(&self) -> bool {
        !self.stale && self.status == if self.negative { "False" } else { "True" }
    }

    fn read(value: &Value, generation: Option<i64>) -> Option<Self> {
        let text = |key: &str| value[key].as_str().filter(|t| !t.is_empty()).map(String::from);
        let name = text("type")?;
        let observed = value["observedGeneration"].as_i64();
        Some(Condition {
            negative: NEGATIVE.contains(&name.as_str()),
            status: text("status").unwrap_or_else(|| "Unknown".to_string()),
            reason: text("reason").unwrap_or_default(),
            message: text("message").unwrap_or_default(),
            severity: text("severity"),
            since: text("lastTransitionTime"),
            stale: observed.is_some_and(|o| o > 0 && generation.is_some_and(|g| o < g)),
            name,
        })
    }
}

/// An object's conditions by the newer rules, where it has them: Cluster API keeps those of
/// v1beta2 under `status.v1beta2` in objects read as v1beta1.
pub fn conditions(object: &Value) -> Vec<Condition> {
    let status = &object["status"];
    match &status["v1beta2"]["conditions"] {
        Value::Array(_) => read(object, &status["v1beta2"]["conditions"]),
        _ => read(object, &status["conditions"]),
    }
}

/// The conditions by the older rules that an object has beside [`conditions`]; none on most kinds.
pub fn former_conditions(object: &Value) -> Vec<Condition> {
    let status = &object["status"];
    match &status["v1beta2"]["conditions"] {
        Value::Array(_) => read(object, &status["conditions"]),
        _ => read(object, &status["deprecated"]["v1beta1"]["conditions"]),
    }
}

/// One condition, by the newer rules if it is among them, else by the older.
pub fn condition(object: &Value, name: &str) -> Option<Condition> {
    conditions(object).into_iter().chain(former_conditions(object)).find(|c| c.name == name)
}

/// The conditions that do not say that all is well.
pub fn unmet(object: &Value) -> Vec<Condition> {
    conditions(object).into_iter().filter(|c| !c.is_good()).collect()
}

fn read(object: &Value, conditions: &Value) -> Vec<Condition> {
    let generation = object["metadata"]["generation"].as_i64();
    let entries = conditions.as_array().into_iter().flatten();
    entries.filter_map(|entry| Condition::read(entry, generation)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names(conditions: &[Condition]) -> Vec<&str> {
        conditions.iter().map(|c| c.name.as_str()).collect()
    }

    #[test]
    fn what_is_false_when_all_is_well_is_no_fault() {
        let cluster = json!({"metadata": {"generation": 2}, "status": {"conditions": [
            {"type": "Available", "status": "True", "observedGeneration": 2},
            {"type": "Paused", "status": "False"},
            {"type": "RollingOut", "status": "False"},
            {"type": "Deleting", "status": "True", "reason": "WaitingForInfrastructureDeletion"},
            {"type": "WorkersAvailable", "status": "Unknown"},
        ]}});
        assert_eq!(names(&unmet(&cluster)), ["Deleting", "WorkersAvailable"]);
    }

    #[test]
    fn each_version_keeps_them_elsewhere() {
        let new = json!([{"type": "Available", "status": "True"}]);
        let old = json!([{"type": "Ready", "status": "False", "severity": "Error", "reason": "LB"}]);
        let as_v1beta1 = json!({"status": {"conditions": old, "v1beta2": {"conditions": new}}});
        let as_v1beta2 =
            json!({"status": {"conditions": new, "deprecated": {"v1beta1": {"conditions": old}}}});
        for object in [as_v1beta1, as_v1beta2] {
            assert_eq!(names(&conditions(&object)), ["Available"]);
            assert_eq!(names(&former_conditions(&object)), ["Ready"]);
            let ready = condition(&object, "Ready").unwrap();
            assert_eq!((ready.severity.as_deref(), ready.is_good()), (Some("Error"), false));
            assert!(condition(&object, "ControlPlaneReady").is_none());
        }
    }

    #[test]
    fn what_was_observed_earlier_says_nothing_of_now() {
        let object = |observed: i64| {
            json!({"metadata": {"generation": 3}, "status": {"conditions": [
                {"type": "Available", "status": "True", "observedGeneration": observed}]}})
        };
        assert!(unmet(&object(3)).is_empty());
        assert!(unmet(&object(2))[0].stale);
        // older controllers leave the field at zero
        assert!(unmet(&object(0)).is_empty());
    }

    #[test]
    fn anything_may_be_missing() {
        for object in [
            json!(null),
            json!({}),
            json!({"status": {"conditions": "x"}}),
            json!({"status": {"conditions": [1, {}]}}),
        ] {
            assert!(conditions(&object).is_empty());
        }
    }
}
