//! The containers of a pod. A pod whose phase is Running may be crash-looping: only its containers
//! tell.

use serde::Serialize;
use serde_json::Value;

/// Reasons for waiting that belong to a normal start.
const STARTING: &[&str] = &["", "ContainerCreating", "PodInitializing"];

/// One container of a pod, as the kubelet reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// It runs before the others: an init container (a sidecar among them restarts always).
    pub init: bool,
    /// It passes its readiness check; of an init container, it is through.
    pub ready: bool,
    /// How often it was restarted in this pod.
    pub restarts: u64,
    /// `running`, `waiting` or `terminated`; `unknown` before the kubelet reports.
    pub state: String,
    /// Why it waits or terminated, such as `CrashLoopBackOff`; empty if not said.
    pub reason: String,
    /// The same in a sentence; empty if not said.
    pub message: String,
    /// Its exit code, if it is terminated.
    pub exit_code: Option<i64>,
    /// How its run before this one ended.
    pub last: Option<Ended>,
}

/// How a run of a container ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ended {
    /// Why, such as `OOMKilled` or `Error`.
    pub reason: String,
    /// Its exit code.
    pub exit_code: Option<i64>,
    /// When, as RFC 3339 has it.
    pub at: Option<String>,
}

impl Container {
    /// Whether it waits for another reason than a normal start: a crash loop, an image that cannot
    /// be pulled, a configuration that is missing.
    pub fn is_stuck(&self) -> bool {
        self.state == "waiting" && !STARTING.contains(&self.reason.as_str())
    }

    /// Whether it is as it should be: ready, or ended with success.
    pub fn is_good(&self) -> bool {
        match self.state.as_str() {
            "terminated" => self.exit_code == Some(0),
            "running" => self.ready,
            _ => false,
        }
    }

    fn read(status: &Value, init: bool) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let state = status["state"].as_object().and_then(|s| s.iter().next());
        let (name, detail) =
            state.map_or(("unknown", &Value::Null), |(name, detail)| (name.as_str(), detail));
        let last = &status["lastState"]["terminated"];
        Container {
            name: text(&status["name"]),
            init,
            ready: status["ready"].as_bool().unwrap_or(false),
            restarts: status["restartCount"].as_u64().unwrap_or(0),
            state: name.to_string(),
            reason: text(&detail["reason"]),
            message: text(&detail["message"]),
            exit_code: detail["exitCode"].as_i64(),
            last: last.is_object().then(|| Ended {
                reason: text(&last["reason"]),
                exit_code: last["exitCode"].as_i64(),
                at: last["finishedAt"].as_str().map(String::from),
            }),
        }
    }
}

/// The containers of a pod, init containers first.
pub fn containers(pod: &Value) -> Vec<Container> {
    let of = |key: &str| pod["status"][key].as_array().cloned().unwrap_or_default();
    let init = of("initContainerStatuses").into_iter().map(|s| Container::read(&s, true));
    let main = of("containerStatuses").into_iter().map(|s| Container::read(&s, false));
    init.chain(main).collect()
}

/// A container that was restarted between two looks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restarted {
    /// The pod, as `namespace/name`.
    pub pod: String,
    /// The container.
    pub container: String,
    /// Restarts before.
    pub before: u64,
    /// Restarts after.
    pub after: u64,
    /// How its last run ended.
    pub last: Option<Ended>,
}

/// The containers that were restarted between two looks at the same pods (by uid). A pod that only
/// the later look shows counts from zero.
pub fn restarted<'a>(
    before: impl IntoIterator<Item = &'a Value>,
    after: impl IntoIterator<Item = &'a Value>,
) -> Vec<Restarted> {
    let uid = |pod: &Value| pod["metadata"]["uid"].as_str().map(String::from);
    let before: Vec<_> = before.into_iter().map(|pod| (uid(pod), containers(pod))).collect();
    let mut found = Vec::new();
    for pod in after {
        let known = before.iter().find(|(id, _)| id.is_some() && *id == uid(pod)).map(|(_, c)| c.as_slice());
        for container in containers(pod) {
            let same = known
                .unwrap_or_default()
                .iter()
                .find(|c| c.name == container.name && c.init == container.init);
            let count = same.map_or(0, |c| c.restarts);
            if container.restarts > count {
                let text = |key: &str| pod["metadata"][key].as_str().unwrap_or_default();
                found.push(Restarted {
                    pod: format!("{}/{}", text("namespace"), text("name")),
                    container: container.name,
                    before: count,
                    after: container.restarts,
                    last: container.last,
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(restarts: u64) -> Value {
        json!({
            "metadata": {"name": "ccm-x", "namespace": "kube-system", "uid": "u-1"},
            "status": {
                "phase": "Running",
                "initContainerStatuses": [
                    {"name": "init", "ready": true, "restartCount": 0,
                     "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}],
                "containerStatuses": [
                    {"name": "ccm", "ready": false, "restartCount": restarts,
                     "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}},
                     "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-11-22T17:32:01Z"}}}],
            },
        })
    }

    #[test]
    fn a_running_pod_may_be_crash_looping() {
        let found = containers(&pod(7));
        assert_eq!(found.len(), 2);
        assert!(found[0].init && found[0].is_good() && !found[0].is_stuck());
        assert!(found[1].is_stuck() && !found[1].is_good());
        assert_eq!((found[1].reason.as_str(), found[1].restarts), ("CrashLoopBackOff", 7));
        assert_eq!(found[1].last.as_ref().unwrap().exit_code, Some(1));
    }

    #[test]
    fn a_normal_start_is_not_stuck() {
        let pod = |state: Value| json!({"status": {"containerStatuses": [{"name": "a", "ready": false, "state": state}]}});
        let one = |state: Value| containers(&pod(state)).remove(0);
        assert!(!one(json!({"waiting": {"reason": "ContainerCreating"}})).is_stuck());
        assert!(one(json!({"waiting": {"reason": "ImagePullBackOff"}})).is_stuck());
        assert!(!one(json!({"running": {}})).is_good());
        assert_eq!(one(json!({})).state, "unknown");
        assert!(containers(&json!({"status": {"phase": "Pending"}})).is_empty());
    }

    #[test]
    fn restarts_are_counted_over_a_soak() {
        let (before, after) = (pod(7), pod(9));
        let grown = restarted([&before], [&after]);
        assert_eq!(grown.len(), 1);
        assert_eq!((grown[0].pod.as_str(), grown[0].before, grown[0].after), ("kube-system/ccm-x", 7, 9));
        assert!(restarted([&after], [&after]).is_empty());
        // another pod of that name is another pod
        let mut other = pod(1);
        other["metadata"]["uid"] = "u-2".into();
        assert_eq!(restarted([&before], [&other])[0].before, 0);
    }
}
