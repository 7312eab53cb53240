//! What "every controller runs" and "this will not mend itself" stand on: more than one field of one object.

use serde_json::{Value, json};

use crate::kube_server::{Behaviour, Cluster};
use crate::played::{Played, run};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn cluster(runtime: &tokio::runtime::Runtime) -> Cluster {
    rhumb::systems::http::install_crypto();
    runtime.block_on(Cluster::start(Behaviour { brief_watches: true, ..Behaviour::default() }))
}

fn deployments(space: &str) -> String {
    format!("/apis/apps/v1/namespaces/{space}/deployments")
}

fn deployment(name: &str, wanted: u64, available: u64) -> Value {
    json!({"metadata": {"name": name}, "spec": {"replicas": wanted}, "status": {"availableReplicas": available}})
}

/// A pod that runs and is ready, whose run before this one ended at this time.
fn ready_pod(name: &str, last: Value) -> Value {
    json!({"metadata": {"name": name}, "status": {"phase": "Running", "containerStatuses": [
        {"name": "manager", "ready": true, "restartCount": 4, "state": {"running": {}}, "lastState": last}]}})
}

fn node(ready: &str) -> Value {
    json!({"metadata": {"name": "capi-mgmt-v2"},
           "status": {"conditions": [{"type": "Ready", "status": ready, "reason": "KubeletNotReady", "message": "cni"}]}})
}

/// What the controllers of this cluster are said to be, where these two families must be there.
fn not_running(server: &Cluster) -> Value {
    let script = r#"import "std/capi" as capi;
        verify("2", "T", || fact("it", capi::controllers(site.kube("capi-mgmt"), ["capi-system", "capo-"]).not_running));"#;
    let o = run(script, &Played::default().kubeconfig(server.kubeconfig()));
    assert_eq!(o.verdicts(), "2 PASS", "{}", o.drawn);
    o.report.steps[0].facts[0].value.clone()
}

#[test]
fn a_controller_that_is_available_or_absent_may_not_run() {
    let runtime = runtime();
    let server = cluster(&runtime);
    server.change(|store| {
        store.put("/api/v1/nodes", node("True"));
        store.put(&deployments("capi-system"), deployment("capi-controller-manager", 1, 1));
        store.put(&deployments("capo-system"), deployment("capo-controller-manager", 1, 1));
    });
    assert_eq!(not_running(&server), json!([]));

    // somebody scaled it down: 0 of 0 are available
    server
        .change(|store| store.put(&deployments("capo-system"), deployment("capo-controller-manager", 0, 0)));
    assert_eq!(not_running(&server), json!(["capo-system/capo-controller-manager: scaled to zero"]));
    // it is gone
    server.change(|store| store.remove(&deployments("capo-system"), "capo-controller-manager"));
    assert_eq!(not_running(&server), json!(["capo-: no such controller is there"]));

    // between two crashes it is Running, ready and available; the end of its last run tells
    server.change(|store| {
        store.put(&deployments("capo-system"), deployment("capo-controller-manager", 1, 1));
        let ended = |at: &str| json!({"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": at}});
        let pods = "/api/v1/namespaces/capo-system/pods";
        // the stage's clock stands at 02:00
        store.put(pods, ready_pod("capo-1", ended("2026-06-10T01:58:00Z")));
        store.put(pods, ready_pod("capo-2", ended("2026-06-10T01:30:00Z")));
        // the end of the machine that it ran on is no crash of its own
        let cut = json!({"terminated": {"exitCode": 255, "reason": "Unknown", "finishedAt": "2026-06-10T01:58:00Z"}});
        store.put(pods, ready_pod("capo-3", cut));
        // and whose pod is no controller's is no matter here
        store.put("/api/v1/namespaces/default/pods", ready_pod("web", ended("2026-06-10T01:58:00Z")));
    });
    assert_eq!(
        not_running(&server),
        json!(["capo-system/capo-1 manager: ended with Error, code 1, 2m ago; 4 restarts"])
    );
    server.change(|store| {
        store.remove("/api/v1/namespaces/capo-system/pods", "capo-1");
        store.put("/api/v1/nodes", node("False"));
    });
    assert_eq!(not_running(&server), json!(["capi-mgmt-v2 is not Ready (KubeletNotReady: cni)"]));
}

const SPACE: &str = "magnum-0123456789abcdef0123456789abcdef";
const STACK: &str = "capi-test-1-kgwwe7c4qj6a";

/// What keeps a cluster for good, where these are the conditions of its OpenStackCluster.
fn obstacle(server: &Cluster, conditions: Value) -> String {
    let path = format!("/apis/infrastructure.cluster.x-k8s.io/v1beta1/namespaces/{SPACE}/openstackclusters");
    let infrastructure = json!({"metadata": {"name": STACK, "labels": {"cluster.x-k8s.io/cluster-name": STACK}},
                                "status": {"conditions": conditions}});
    server.change(|store| store.put(&path, infrastructure));
    let script = format!(
        r#"import "std/capi" as capi; verify("2", "T", || fact("it", capi::obstacle(site.kube("capi-mgmt"), "{SPACE}", "{STACK}")));"#
    );
    let o = run(&script, &Played::default().kubeconfig(server.kubeconfig()));
    assert_eq!(o.verdicts(), "2 PASS", "{}", o.drawn);
    o.report.steps[0].facts[0].value.as_str().unwrap().to_string()
}

fn unmet(name: &str, message: &str) -> Value {
    json!({"type": name, "status": "False", "reason": "Failed", "message": message})
}

#[test]
fn a_refusal_is_read_from_words_and_from_every_condition() {
    let runtime = runtime();
    let server = cluster(&runtime);
    server.change(|store| store.put("/api/v1/namespaces", json!({"metadata": {"name": SPACE}})));
    // 403 stands in an id; the balancer gets ready by itself
    let ordinary =
        unmet("APIEndpointReady", "load balancer 0f968008-8403-4ac3-8b82-452e126982cf is PENDING_DELETE");
    assert_eq!(obstacle(&server, json!([ordinary])), "");
    // a server without a host finds one when there is room
    assert_eq!(
        obstacle(
            &server,
            json!([unmet("Ready", "No valid host was found. There are not enough hosts available.")])
        ),
        ""
    );
    // the refusal is the second one that it complains of
    let refused = unmet(
        "NetworkReady",
        "Expected HTTP response code [204] when accessing [DELETE], but got 403 instead",
    );
    let said = obstacle(&server, json!([ordinary, refused]));
    assert!(said.contains("is not NetworkReady") && said.contains("got 403"), "{said}");
    for words in [
        "Quota exceeded for resources: ['port'].",
        "Quota has been met for resources: load balancer",
        "Policy doesn't allow x",
    ] {
        assert!(obstacle(&server, json!([unmet("Ready", words)])).contains(words), "{words}");
    }
}

#[test]
fn an_image_that_cannot_be_had_is_not_waited_for() {
    let runtime = runtime();
    let server = cluster(&runtime);
    let pods = "/api/v1/namespaces/kube-system/pods";
    let waits = |reason: &str| {
        json!({"metadata": {"name": "csi-1"}, "status": {"phase": "Pending", "containerStatuses": [
            {"name": "driver", "ready": false, "restartCount": 0, "state": {"waiting": {"reason": reason, "message": "not found"}}}]}})
    };
    let wait = r#"import "std/kubernetes" as kubernetes; verify("8.3.2", "T", || { kubernetes::wait_well(site.kube("capi-mgmt"), 15.min, 5.min); });"#;
    let ended = |reason: &str| {
        server.change(|store| store.put(pods, waits(reason)));
        let o = run(wait, &Played::default().kubeconfig(server.kubeconfig()));
        (o.error.unwrap(), o.elapsed.as_secs())
    };
    let (error, seconds) = ended("ImagePullBackOff");
    assert_eq!((error.kind().name(), seconds), ("failed", 300), "{error}");
    assert!(error.to_string().contains("csi-1 driver cannot be started: its image cannot be had"), "{error}");
    // what it waits for in a crash loop may come, so that one has all the time
    let (error, seconds) = ended("CrashLoopBackOff");
    assert_eq!((error.kind().name(), seconds), ("timeout", 900), "{error}");
}

#[test]
fn a_network_that_is_on_some_nodes_only_is_not_there_yet() {
    let runtime = runtime();
    let server = cluster(&runtime);
    let calico = |ready: u64| json!({"metadata": {"name": "calico-node"}, "status": {"desiredNumberScheduled": 3, "numberReady": ready}});
    let wait = r#"import "std/kubernetes" as kubernetes; verify("8.3.2", "T", || { kubernetes::wait_well(site.kube("capi-mgmt"), 15.min, 5.min); });"#;
    let sets = "/apis/apps/v1/namespaces/calico-system/daemonsets";
    // every pod that there is runs; two nodes have none
    server.change(|store| store.put(sets, calico(1)));
    let error = run(wait, &Played::default().kubeconfig(server.kubeconfig())).error.unwrap();
    assert!(error.to_string().contains("calico-system/calico-node: ready on 1 of 3 nodes"), "{error}");
    server.change(|store| store.put(sets, calico(3)));
    let o = run(wait, &Played::default().kubeconfig(server.kubeconfig()));
    assert_eq!(o.verdicts(), "8.3.2 PASS", "{}", o.drawn);
}
