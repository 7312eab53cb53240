//! A deletion that wedges at a machine, before the infrastructure's turn has come.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::kube_server::{Behaviour, Cluster};
use crate::played::{Played, run_at, site};
use crate::stub_cloud::{self, Seen};

const SPACE: &str = "magnum-0123456789abcdef0123456789abcdef";
const STACK: &str = "capi-test-1-kgwwe7c4qj6a";
const MACHINE: &str = "capi-test-1-kgwwe7c4qj6a-control-plane-x7k2p";
const CAPO_MACHINE: &str = "openstackmachine.infrastructure.cluster.x-k8s.io";

fn path(group: &str, kind: &str) -> String {
    let versions = [("cluster.x-k8s.io", "v1beta2"), ("infrastructure.cluster.x-k8s.io", "v1beta1")];
    let version = versions.iter().find(|(g, _)| *g == group).map_or("v1", |(_, version)| version);
    format!("/apis/{group}/{version}/namespaces/{SPACE}/{kind}")
}

/// An object of the cluster's, with a finalizer; being deleted or not.
fn object(name: &str, finalizer: &str, deleting: bool, conditions: Value) -> Value {
    let mut metadata =
        json!({"name": name, "labels": {"cluster.x-k8s.io/cluster-name": STACK}, "finalizers": [finalizer]});
    if deleting {
        metadata["deletionTimestamp"] = "2026-06-10T01:00:00Z".into();
    }
    json!({ "metadata": metadata, "status": {"conditions": conditions} })
}

/// A management cluster whose controllers run, with a cluster whose control-plane machine meets a 403.
fn management(runtime: &tokio::runtime::Runtime) -> Cluster {
    rhumb::systems::http::install_crypto();
    let server = runtime.block_on(Cluster::start(Behaviour { brief_watches: true, ..Behaviour::default() }));
    server.change(|store| {
        store.put("/api/v1/namespaces", json!({"metadata": {"name": SPACE}}));
        let runs = json!({"metadata": {"name": "capo-controller-manager"}, "spec": {"replicas": 1}, "status": {"availableReplicas": 1}});
        store.put("/apis/apps/v1/namespaces/capo-system/deployments", runs);
        let infrastructure = "infrastructure.cluster.x-k8s.io";
        store.put(&path("cluster.x-k8s.io", "clusters"), object(STACK, "cluster.cluster.x-k8s.io", true, json!([])));
        // its turn has not come: machines go first
        let capo = "openstackcluster.infrastructure.cluster.x-k8s.io";
        store.put(&path(infrastructure, "openstackclusters"), object(STACK, capo, false, json!([])));
        let refused = json!([{"type": "APIServerIngressReadyCondition", "status": "False", "reason": "LoadBalancerMemberError",
            "message": "Expected HTTP response code [200] when accessing [GET http://o/v2/lbaas/loadbalancers], but got 403 instead"}]);
        store.put(&path(infrastructure, "openstackmachines"), object(MACHINE, CAPO_MACHINE, true, refused));
    });
    server
}

/// The cloud: the machine's server and its port, and nothing else of the cluster.
fn answer(seen: &Seen, gone: &Mutex<Vec<String>>) -> (u16, Value) {
    let (server, port) = ("5e1f0000-0000-4000-8000-000000000001", "90170000-0000-4000-8000-000000000001");
    if seen.method == "DELETE" {
        gone.lock().unwrap().push(seen.path.clone());
        return (204, Value::Null);
    }
    let there = |id: &str| !gone.lock().unwrap().iter().any(|path| path.contains(id));
    let all = |key: &str, id: &str, name: &str| {
        let items =
            if there(id) { vec![json!({"id": id, "name": name, "status": "ACTIVE"})] } else { vec![] };
        (200, json!({ key: items }))
    };
    let page = seen.path.split('?').next().unwrap_or_default();
    match page.rsplit('/').next().unwrap_or_default() {
        "" => (
            200,
            json!({"versions": [{"id": "v2.1", "version": "2.96", "min_version": "2.1", "status": "CURRENT"}]}),
        ),
        "clusters" => (
            200,
            json!({"clusters": [{"uuid": "c1", "name": "capi-test-1", "status": "DELETE_IN_PROGRESS", "stack_id": STACK}]}),
        ),
        "c1" => (
            200,
            json!({"uuid": "c1", "name": "capi-test-1", "status": "DELETE_IN_PROGRESS", "stack_id": STACK}),
        ),
        "detail" if page.contains("/servers/") => all("servers", server, MACHINE),
        "ports" => all("ports", port, &format!("{MACHINE}-0")),
        last if last == server && there(server) => {
            (200, json!({"server": {"id": server, "name": MACHINE, "status": "ACTIVE"}}))
        }
        last if last == port && there(port) => {
            (200, json!({"port": {"id": port, "name": format!("{MACHINE}-0"), "status": "ACTIVE"}}))
        }
        last if last == port => (404, json!({"NeutronError": {"type": "PortNotFound", "message": "gone"}})),
        last if last == server => (404, json!({"itemNotFound": {"code": 404, "message": "gone"}})),
        "detail" => (200, json!({"volumes": [], "snapshots": []})),
        "security-groups" => (200, json!({"security_groups": []})),
        "application_credentials" => (200, json!({"application_credentials": []})),
        last => (200, json!({ last: [] })),
    }
}

#[test]
fn a_machine_that_wedges_has_a_way_in() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let server = management(&runtime);
    let gone = Arc::new(Mutex::new(Vec::new()));
    let cloud = runtime.block_on(stub_cloud::start({
        let gone = gone.clone();
        move |seen, _| answer(seen, &gone)
    }));
    cloud.stage().roles = vec!["member", "reader", "load-balancer_member"];
    let played = Played::default().kubeconfig(server.kubeconfig()).cloud(move |_, _| cloud.cloud("secret"));
    let sets = ["cluster=capi-test-1", "mgmt_controllers=capo-"];
    let o = run_at(include_str!("../../runbooks/stuck-delete.rhai"), site("", &sets), &played);

    // its server and its port first, then the finalizer that stood for them
    let deleted = gone.lock().unwrap().clone();
    let kinds: Vec<&str> = deleted.iter().map(|path| path.rsplit('/').nth(1).unwrap_or_default()).collect();
    assert_eq!(kinds, ["servers", "ports"], "{}", o.drawn);
    let machines = path("infrastructure.cluster.x-k8s.io", "openstackmachines");
    assert!(server.lock().store.get(&machines, MACHINE).is_none(), "{}", o.drawn);
    // the infrastructure's own finalizers are not taken before it is being deleted: here nobody comes to that
    let infrastructure = path("infrastructure.cluster.x-k8s.io", "openstackclusters");
    assert!(server.lock().store.get(&infrastructure, STACK).is_some());
    assert!(
        o.verdicts().contains("4.1 PASS, 4.2 SKIPPED: its `when` does not hold, 5 FAIL: OpenStackCluster"),
        "{}",
        o.verdicts()
    );
    let said = o.error.unwrap();
    assert_eq!(said.kind().name(), "timeout", "{said}");
}
