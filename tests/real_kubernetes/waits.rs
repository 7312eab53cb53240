//! A runbook that waits by watch on the real server: for a success, a failure, and a time that is up.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::place::{Place, ask, audited};
use crate::rig::Rig;
use crate::testbed::var;

const SITE: &str = "name = \"waits\"\n[kube.mgmt]\nkubeconfig = \"mgmt.yaml\"\n";

/// A site with a runbook that waits for a pod, here one without a kubelet: who plays it writes its status.
fn waiting(place: &Place, within: &str) -> Rig {
    let rig = Rig::new(SITE);
    rig.file("mgmt.yaml", &std::fs::read_to_string(var("KUBECONFIG")).unwrap());
    rig.file(
        "pods.rhai",
        &format!(
            r#"runbook("pods", "Pods");
let apps = site.kube("mgmt").namespace("{}");
verify("1", "Running", || apps.wait(#{{
    kind: "pods", name: "rr", within: {within},
    done: |pod| pod != () && pod.get("status.phase") == "Running",
    failed: |pod| pod != () && pod.get("status.phase") == "Failed",
    show: |pod| if pod == () {{ "absent" }} else {{ `${{pod.get("status.phase")}}` }},
}}));"#,
            place.name
        ),
    );
    rig
}

fn pod() -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "rr"},
           "spec": {"containers": [{"name": "c", "image": "localhost/c:1"}]}})
}

/// Writes the pod's phase, as its kubelet would.
fn phase(place: &Place, phase: &str) {
    let status = json!([{"op": "replace", "path": "/status/phase", "value": phase}]);
    ask("PATCH", &format!("{}/rr/status", place.path("pods")), Some(&status));
}

/// Lets the pod reach its end while the runbook waits, and gives its exit code, what was seen, and how long it took after the end.
fn ends_with(last: &str) -> (i32, Vec<String>, Duration) {
    let place = Place::new();
    let rig = waiting(&place, "2.min");
    let running = rig
        .command(&["run", "pods"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(3));
    ask("POST", &place.path("pods"), Some(&pod()));
    std::thread::sleep(Duration::from_secs(2));
    phase(&place, last);
    let since = Instant::now();
    let output = running.wait_with_output().unwrap();
    let took = since.elapsed();
    let report = rhumb::run::RunReport::of(&rig.journal());
    let seen = report.step("1").unwrap().waits[0].samples.iter().map(|s| s.state.clone()).collect();
    (output.status.code().unwrap(), seen, took)
}

#[test]
fn a_success_is_seen_when_it_happens() {
    let (exit, seen, took) = ends_with("Running");
    assert_eq!((exit, seen), (0, ["absent", "Pending", "Running"].map(String::from).to_vec()));
    assert!(took < Duration::from_secs(8), "a watch needs no look of its own: {took:?}");
}

#[test]
fn a_failure_ends_the_wait_at_once() {
    let (exit, seen, took) = ends_with("Failed");
    assert_ne!(exit, 0);
    assert_eq!(seen.last().map(String::as_str), Some("Failed"), "{seen:?}");
    assert!(took < Duration::from_secs(8), "{took:?}");
}

#[test]
fn a_wait_ends_with_its_time_and_asks_little() {
    let place = Place::new();
    let rig = waiting(&place, "4.s");
    let asked = audited(&place.path("pods"), || {
        let ended = rig.run(&["run", "pods"]);
        assert_ne!(ended.exit, 0);
        assert!(ended.verdicts().starts_with("1 FAIL"), "{}", ended.verdicts());
    });
    assert!(asked.iter().any(|(verb, _)| verb == "watch"), "{asked:?}");
    assert!(asked.len() <= 4, "a watch does not look again and again: {asked:?}");
}
