//! Inside of clusters: crash loops, finalizers, creations that wedge.

use serde_json::{Value, json};

use crate::bash::bash;
use crate::kube_server::{Behaviour, Canned, Cluster};
use crate::played::{Played, run};
use crate::stub_cloud;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn cluster(runtime: &tokio::runtime::Runtime) -> Cluster {
    rhumb::systems::http::install_crypto();
    runtime.block_on(Cluster::start(Behaviour { brief_watches: true, ..Behaviour::default() }))
}

/// A pod of one container, in phase Running as such pods are.
fn pod(name: &str, restarts: u64, ready: bool, state: Value) -> Value {
    json!({"metadata": {"name": name, "uid": format!("uid-{name}")},
           "status": {"phase": "Running", "containerStatuses": [{"name": "main", "ready": ready, "restartCount": restarts,
                      "state": state, "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}})
}

const PODS: &str = "/api/v1/namespaces/kube-system/pods";
const CCM: &str = "openstack-cloud-controller-manager-9kx2p";

#[test]
fn d03_a_crash_looping_pod_is_in_phase_running() {
    // what a real 1.34 was seen to answer to this selector while the controller crash-looped
    let kubectl = r#"case "$*" in *field-selector*) echo "No resources found" >&2 ;; esac"#;
    let old = bash(
        &[("kubectl", kubectl)],
        "kubectl get pods -A --field-selector=status.phase!=Running,status.phase!=Succeeded",
    );
    assert_eq!((old.exit, old.stdout.as_str()), (0, ""), "no stuck pods");

    let runtime = runtime();
    let script = r#"import "std/kubernetes" as kubernetes;
        let workload = site.kube("capi-mgmt");
        verify("8.3.2", "Stuck", || expect("containers that are not well", kubernetes::unwell(workload.list("pods", #{ all: true })), []));"#;
    let server = cluster(&runtime);
    let played = Played::default().kubeconfig(server.kubeconfig());
    server.change(|store| {
        store.put(PODS, pod("coredns-1", 0, true, json!({"running": {}})));
        store.put(PODS, pod(CCM, 7, false, json!({"waiting": {"reason": "CrashLoopBackOff"}})));
    });
    let new = run(script, &played);
    assert_eq!(new.verdicts(), "8.3.2 FAIL: gate: containers that are not well", "{}", new.drawn);
    let observed = &new.report.steps[0].gates[0].observed;
    let line = format!(
        "kube-system/{CCM} main: waiting, CrashLoopBackOff, 7 restarts; its last run ended with Error, code 1"
    );
    assert_eq!(*observed, json!([line]));

    // and between two crashes, when it reads running and ready, the soak tells
    server.change(|store| store.put(PODS, pod(CCM, 7, true, json!({"running": {}}))));
    assert_eq!(run(script, &played).verdicts(), "8.3.2 PASS");
    let soak = r#"import "std/kubernetes" as kubernetes;
        let workload = site.kube("capi-mgmt");
        verify("D-011.5", "Soak", || expect("restarted", kubernetes::restarted_within(workload, 2.min), []));"#;
    assert_eq!(run(soak, &played).verdicts(), "D-011.5 PASS");
    // a restart during the soak: the first list still has the count of before
    let before = json!({"apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "1"},
                        "items": [pod(CCM, 7, true, json!({"running": {}}))]});
    server.canned("GET", "/api/v1/pods", Canned::json(200, before));
    server.change(|store| store.put(PODS, pod(CCM, 9, true, json!({"running": {}}))));
    let new = run(soak, &played);
    assert_eq!(new.verdicts(), "D-011.5 FAIL: gate: restarted", "{}", new.drawn);
}

const SPACE: &str = "magnum-0123456789abcdef0123456789abcdef";
const STACK: &str = "capi-test-1-kgwwe7c4qj6a";
const JANITOR: &str = "janitor.capi.stackhpc.com";
const CAPO: &str = "openstackcluster.infrastructure.cluster.x-k8s.io";

fn infrastructures() -> String {
    format!("/apis/infrastructure.cluster.x-k8s.io/v1beta1/namespaces/{SPACE}/openstackclusters")
}

fn infrastructure(finalizers: &[&str], condition: Value) -> Value {
    json!({"metadata": {"name": STACK, "finalizers": finalizers, "deletionTimestamp": "2026-06-10T01:00:00Z",
                        "labels": {"cluster.x-k8s.io/cluster-name": STACK}},
           "status": {"conditions": [condition], "apiServerLoadBalancer": {"id": "0f968008-8429-4ac3-8b82-452e126982cf"}}})
}

#[test]
fn d12_one_stroke_takes_the_janitors_finalizer_as_well() {
    let runtime = runtime();
    let server = cluster(&runtime);
    let both =
        || infrastructure(&[JANITOR, CAPO], json!({"type": "Ready", "status": "False", "message": "403"}));
    // the procedure's patch, word for word, sent as kubectl sends it
    server.change(|store| store.put(&infrastructures(), both()));
    let patch = format!(
        r#"curl -fsS -o /dev/null -X PATCH -H 'content-type: application/merge-patch+json' -d '{{"metadata":{{"finalizers":[]}}}}' http://{}{}/{STACK}"#,
        server.address,
        infrastructures()
    );
    assert_eq!(bash(&[], &patch).exit, 0);
    assert!(
        server.lock().store.get(&infrastructures(), STACK).is_none(),
        "gone, and what the janitor held with it"
    );

    let script = r#"import "std/capi" as capi;
        change("5", "Finalizers", || {
            let infra = capi::infrastructure(site.kube("capi-mgmt"), "SPACE", "STACK");
            infra.remove_finalizer(FINALIZER);
            expect("left", capi::finalizers(capi::infrastructure(site.kube("capi-mgmt"), "SPACE", "STACK")), ["CAPO"]);
        });"#;
    let script = script.replace("SPACE", SPACE).replace("STACK", STACK).replace("CAPO", CAPO);
    server.change(|store| store.put(&infrastructures(), both()));
    let played = Played::default().kubeconfig(server.kubeconfig());
    let one = run(&script.replace("FINALIZER", "capi::JANITOR"), &played);
    assert_eq!(one.verdicts(), "5 PASS", "{}", one.drawn);
    let sent = server.asked("PATCH", &infrastructures()).pop().unwrap();
    assert_eq!(sent.headers["content-type"], "application/json-patch+json");
    let operations = sent.body.as_array().unwrap();
    assert!(operations.iter().any(|o| o["op"] == "test" && o["value"] == JANITOR), "{}", sent.body);
    // what is not there any more is not taken in another's place
    let again = run(&script.replace("FINALIZER", "capi::JANITOR"), &played);
    assert_ne!(again.exit, 0, "{}", again.verdicts());
    assert!(server.lock().store.get(&infrastructures(), STACK).is_some());
    // and no shipped script patches a whole list of finalizers
    for (name, texts) in &crate::played::shipped().0 {
        for (_, text) in texts {
            let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
            assert!(!code.clone().any(|l| l.contains("finalizers: []")), "{name}");
        }
    }
}

#[test]
fn d11_a_creation_that_wedges_never_fails() {
    let old = bash(
        &[("openstack", "echo CREATE_IN_PROGRESS")],
        r#"( {
  for i in $(seq 1 40); do
    S=$(openstack coe cluster show capi-test-1 -f value -c status 2>/dev/null)
    echo "[$i] status=$S"
    case "$S" in CREATE_COMPLETE|CREATE_FAILED) break;; esac
    sleep 30
  done
} )"#,
    );
    assert_eq!(old.exit, 0);
    assert!(old.stdout.ends_with("[40] status=CREATE_IN_PROGRESS\n"), "{}", old.stdout);

    let runtime = runtime();
    let server = cluster(&runtime);
    let timed_out = json!({"type": "APIEndpointReady", "status": "False", "reason": "LoadBalancerFailed",
                           "message": "timed out waiting for load balancer to become ACTIVE"});
    server.change(|store| {
        store.put(&infrastructures(), infrastructure(&[CAPO], timed_out));
        store.put("/api/v1/namespaces", json!({"metadata": {"name": SPACE}}));
    });
    let wedged = json!({"uuid": "6de15cf4-8805-4ac2-b413-8de2c48d92cf", "name": "capi-test-1",
                        "status": "CREATE_IN_PROGRESS", "stack_id": STACK});
    let cloud = runtime.block_on(stub_cloud::start(move |seen, _| {
        let found = |key: &str, all: Value| (200, json!({ key: all }));
        match seen.path.as_str() {
            p if p.contains("/clusters/") => (200, wedged.clone()),
            p if p.contains("/clusters") => found("clusters", json!([wedged])),
            p if p.contains("/loadbalancers") => found("loadbalancers", json!([{
                "id": "0f968008-8429-4ac3-8b82-452e126982cf", "name": format!("k8s-clusterapi-cluster-{SPACE}-{STACK}-kubeapi"),
                "provisioning_status": "ERROR", "operating_status": "OFFLINE"}])),
            p if p.contains("/servers/c") => (200, json!({"server": {"id": "c0ffee00-0000-4000-8000-000000000001", "name": "x",
                "status": "ERROR", "fault": {"message": "No valid host was found. There are not enough hosts available."}}})),
            p if p.contains("all_tenants") => found("servers", json!([{
                "id": "c0ffee00-0000-4000-8000-000000000001", "name": "amphora-7d1e0a52-3c44-4b5e-9e06-1a2b3c4d5e6f",
                "status": "ERROR", "created": "2026-06-10T01:59:00Z"}])),
            _ => found("servers", json!([])),
        }
    }));
    cloud.stage().roles = vec!["admin", "load-balancer_member"];
    let played = Played::default().kubeconfig(server.kubeconfig()).cloud(move |_, _| cloud.cloud("secret"));
    let new = run(
        r#"import "std/magnum" as magnum;
           let times = #{ within: 60.min, warn_after: 20.min, patience: 6.min };
           verify("8.2", "Converges", || magnum::wait_complete(site.scope("capi-mgmt"), site.scope("admin"), site.kube("capi-mgmt"),
               "magnum", "capi-test-1", times, #{ vcpus: 1, memory: 1024.MiB, disk: 8.GiB }));"#,
        &played,
    );
    let error = new.error.unwrap();
    assert_eq!(
        (error.kind().name(), new.elapsed.as_secs()),
        ("failed", 360),
        "by its cause, not by the clock: {}",
        new.drawn
    );
    let said = error.to_string();
    let links = [
        "APIEndpointReady: timed out waiting for load balancer to become ACTIVE",
        "because load balancer k8s-clusterapi-cluster",
        "is ERROR because amphora-7d1e0a52-3c44-4b5e-9e06-1a2b3c4d5e6f was not built: No valid host was found",
    ];
    let mut rest = said.as_str();
    for link in links {
        let at = rest.find(link).unwrap_or_else(|| panic!("no `{link}` in: {said}"));
        rest = &rest[at..];
    }
}
