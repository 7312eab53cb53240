//! How a pod fares: a function of its node, of when it came there, and of the time.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::nodes::Node;
use super::workloads::{at, born};
use crate::lab::stamp;
use crate::lab::world::World;

/// A crash loop's round: it runs for a moment, ends, and is left alone for the rest.
const ROUND: i64 = 300;
/// How long it runs in a round.
const RUNS: i64 = 30;

/// Whether a pod is Ready.
pub(super) fn is_ready(pod: &Value) -> bool {
    let all = pod["status"]["conditions"].as_array();
    all.is_some_and(|all| all.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"))
}

/// From its coming to a node until its containers are ready: images are pulled, checks pass.
fn start(world: &World, name: &str, node: &Node) -> Duration {
    let digits = world.ids.named_hex(&format!("start of {name}"));
    let n = digits.get(..2).and_then(|d| u64::from_str_radix(d, 16).ok()).unwrap_or_default();
    // a machine that boots brings everything back at the same time
    let slow = node.booted > node.joined;
    Duration::from_secs(if slow { 45 + n % 90 } else { 6 + n % 12 })
}

fn condition(name: &str, is: bool, since: Timestamp) -> Value {
    let status = if is { "True" } else { "False" };
    json!({"type": name, "status": status, "lastProbeTime": null, "lastTransitionTime": stamp::zulu(since)})
}

/// The status of a pod that no node takes.
pub(super) fn waiting(pod: &Value, nodes: usize, now: Timestamp) -> Value {
    let mut scheduled = condition("PodScheduled", false, born(pod).unwrap_or(now));
    scheduled["reason"] = "Unschedulable".into();
    scheduled["message"] =
        format!("0/{nodes} nodes are available: {nodes} node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/{nodes} nodes are available").into();
    json!({"phase": "Pending", "qosClass": "BestEffort", "conditions": [scheduled]})
}

/// The status of a pod on a node.
pub(super) fn running(world: &World, pod: &Value, node: &Node) -> Value {
    let now = world.now();
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let tolerant = pod["spec"]["tolerations"].as_array().is_some_and(|t| !t.is_empty());
    let known = pod["status"]["startTime"].as_str().and_then(|t| t.parse().ok());
    let came = known.unwrap_or_else(|| {
        let free = if tolerant || pod["spec"]["hostNetwork"] == true { node.joined } else { node.open };
        born(pod).unwrap_or(now).max(free).min(now)
    });
    let again = node.booted > came;
    let up = came.max(node.booted) + start(world, name, node);
    let mut state = State {
        ready: up <= now,
        since: up,
        restarts: u64::from(again),
        state: json!({"running": {"startedAt": stamp::zulu(up)}}),
        last: json!({}),
    };
    if again {
        let ended = at(node.booted);
        state.last = json!({"terminated": {"reason": "Unknown", "exitCode": 255, "startedAt": stamp::zulu(came), "finishedAt": ended}});
    }
    if !state.ready {
        state.state = json!({"waiting": {"reason": "ContainerCreating"}});
        state.since = came;
    } else if let Some(since) = world.kubernetes.crashing(name) {
        state.crash(since.max(up), now, name);
    }
    let containers: Vec<Value> = pod["spec"]["containers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|c| state.container(c, name))
        .collect();
    let phase = if up <= now { "Running" } else { "Pending" };
    json!({
        "phase": phase, "qosClass": "BestEffort", "startTime": stamp::zulu(came), "hostIP": node.address,
        "podIP": address(world, name), "podIPs": [{"ip": address(world, name)}],
        "conditions": [
            condition("PodScheduled", true, came), condition("Initialized", true, came),
            condition("ContainersReady", state.ready, state.since), condition("Ready", state.ready, state.since),
        ],
        "containerStatuses": containers,
    })
}

fn address(world: &World, pod: &str) -> String {
    let digits = world.ids.named_hex(&format!("address of {pod}"));
    let n =
        |from: usize| digits.get(from..from + 2).and_then(|d| u8::from_str_radix(d, 16).ok()).unwrap_or(9);
    format!("172.16.{}.{}", n(0) % 250, n(2) % 250 + 2)
}

/// The state of a pod's containers.
struct State {
    ready: bool,
    since: Timestamp,
    restarts: u64,
    state: Value,
    last: Value,
}

impl State {
    /// What a crash loop makes of it.
    fn crash(&mut self, since: Timestamp, now: Timestamp, name: &str) {
        let passed = now.duration_since(since).as_secs().max(0);
        let (rounds, within) = (passed / ROUND, passed % ROUND);
        let began = since + Duration::from_secs(u64::try_from(rounds * ROUND).unwrap_or_default());
        let ended = began + Duration::from_secs(u64::try_from(RUNS).unwrap_or_default());
        let end = |began: Timestamp, ended: Timestamp| json!({"terminated": {"reason": "Error", "exitCode": 1, "startedAt": stamp::zulu(began), "finishedAt": stamp::zulu(ended)}});
        self.restarts += u64::try_from(rounds).unwrap_or_default();
        if within < RUNS {
            // between two crashes it reads Running and ready
            self.since = began;
            self.state = json!({"running": {"startedAt": stamp::zulu(began)}});
            if rounds > 0 {
                let round = Duration::from_secs(u64::try_from(ROUND).unwrap_or_default());
                self.last = end(began - round, ended - round);
            }
            return;
        }
        self.ready = false;
        self.since = ended;
        self.last = end(began, ended);
        let message = format!("back-off 5m0s restarting failed container of pod {name}");
        self.state = json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}});
    }

    fn container(&self, spec: &Value, pod: &str) -> Value {
        let mut shown = json!({
            "name": spec["name"], "image": spec["image"], "imageID": "", "ready": self.ready, "started": self.ready,
            "restartCount": self.restarts, "state": self.state, "lastState": self.last,
        });
        if self.state.get("running").is_some() {
            shown["containerID"] = format!("containerd://{pod}/{}", self.restarts).into();
        }
        shown
    }
}
