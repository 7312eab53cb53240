//! Runs of two machines on one site, kept apart by a Lease in the real cluster.

use std::process::Stdio;
use std::time::Duration;

use rhumb::base::ErrorKind;
use serde_json::{Value, json};

use crate::place::{Place, ask, audited};
use crate::rig::Rig;
use crate::testbed::var;

fn leases(place: &Place) -> String {
    format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", place.name)
}

fn lease(place: &Place) -> Value {
    ask("GET", &format!("{}/rhumb-leased", leases(place)), None)
}

/// A machine with the site, whose runbook makes a ConfigMap and then waits for another.
fn machine(place: &Place) -> Rig {
    let rig = Rig::new(&format!(
        "name = \"leased\"\n[kube.mgmt]\nkubeconfig = \"mgmt.yaml\"\n[run]\nlock = {{ kube = \"mgmt\", namespace = \"{}\" }}\n",
        place.name
    ));
    rig.file("mgmt.yaml", &std::fs::read_to_string(var("KUBECONFIG")).unwrap());
    rig.file(
        "work.rhai",
        &format!(
            r#"runbook("work", "Work");
let apps = site.kube("mgmt").namespace("{}");
change("1", "Begin", || apps.apply(#{{ apiVersion: "v1", kind: "ConfigMap", metadata: #{{ name: "begun" }} }}));
verify("2", "Until told", || apps.wait(#{{ kind: "configmap", name: "go-on", done: |m| m != (), within: 2.min }}));"#,
            place.name
        ),
    );
    rig
}

#[test]
fn the_second_run_names_the_holder_and_sends_nothing() {
    let place = Place::new();
    let (first, second) = (machine(&place), machine(&place));
    let begun = format!("{}/begun", place.path("configmaps"));
    let running = first
        .command(&["run", "work", "--yes"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    for _ in 0..200 {
        if crate::testbed::run(var("KUBERNETES_ASK"), ["GET", begun.as_str()]).status.success() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let holder = lease(&place)["spec"]["holderIdentity"].as_str().unwrap().to_string();
    assert!(holder.contains(&format!("process {}", running.id())), "{holder}");

    let sent = audited(&place.name, || {
        let refused = second.run(&["run", "work", "--yes"]).expect(i32::from(ErrorKind::Locked.exit_code()));
        assert!(refused.stderr.contains(&format!("held by {holder}")), "{}", refused.stderr);
        assert!(refused.entries.is_empty(), "nothing ran");
    });
    assert!(sent.iter().all(|(verb, _)| ["get", "list", "watch"].contains(&verb.as_str())), "{sent:?}");
    assert_eq!(lease(&place)["spec"]["holderIdentity"], holder.as_str());

    place.config_map("go-on", &json!({}));
    let output = running.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(lease(&place)["spec"]["holderIdentity"], "", "it is given back");
    second.run(&["run", "work", "--yes"]).expect(0);
    assert_eq!(lease(&place)["spec"]["leaseTransitions"], 1);
}

#[test]
fn a_lease_whose_holder_is_gone_is_taken_over() {
    let place = Place::new();
    place.config_map("go-on", &json!({}));
    let old = |age: &str| {
        let at = (jiff::Timestamp::now() - age.parse::<jiff::SignedDuration>().unwrap())
            .strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
            .to_string();
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "rhumb-leased"}, "spec": {
            "holderIdentity": "ops@gone run r1 process 7", "leaseDurationSeconds": 60, "acquireTime": at, "renewTime": at,
            "leaseTransitions": 4}})
    };
    let write = |age| {
        let path = format!("{}/rhumb-leased?fieldManager=other&force=true", leases(&place));
        ask("PATCH", &path, Some(&old(age)))
    };
    write("90s");
    let rig = machine(&place);
    let refused = rig.run(&["run", "work", "--yes"]).expect(i32::from(ErrorKind::Locked.exit_code()));
    assert!(
        refused.stderr.contains("held by ops@gone run r1"),
        "less than twice its time: {}",
        refused.stderr
    );
    write("150s");
    rig.run(&["run", "work", "--yes"]).expect(0);
    let now = lease(&place);
    assert_eq!((&now["spec"]["holderIdentity"], &now["spec"]["leaseTransitions"]), (&json!(""), &json!(5)));
}
