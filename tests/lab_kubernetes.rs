//! The lab's Kubernetes as the program's own client sees it: what its clusters hold over virtual time, what
//! comes of changes, and that its answers have the shapes that a real 1.34 was seen to give.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use std::sync::Arc;
use std::time::Duration;

use rhumb::base::{Clock as _, ErrorKind, Intent, Ledger, Payload, Permit, Result, Secret, SimClock};
use rhumb::lab::{Lab, Scenario, Tenancy, Values};
use rhumb::systems::kubernetes::{
    Expected, Kube, KubeCall, KubeSpec, KubeconfigSource, Namespace, ObjectRef, Patch, Propagation,
    Selection, condition, containers, restarted, taints, unmet,
};
use rhumb::systems::probe::{self, HttpLook};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// A lab with its clock, and what a test needs to talk to it.
struct Bench {
    lab: Lab,
    clock: Arc<SimClock>,
    runtime: Runtime,
}

const CLUSTER: &str = "[[cluster]]\nname = \"c1\"\nproject = \"capi-mgmt\"\ntemplate = \"capi-k8s-v1-34\"\nkeypair = \"capi-mgmt-key\"\nnodes = 2\n";

/// Lets every change pass.
struct Yes;

impl Ledger for Yes {
    fn authorise(&self, _: &Intent) -> Result<u64> {
        Ok(1)
    }
}

impl Bench {
    fn of(extra: &str) -> Bench {
        rhumb::systems::http::install_crypto();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let clock = Arc::new(SimClock::new("2026-06-10T02:00:00Z".parse().unwrap()));
        let scenario = Scenario::parse("test.toml", extra, &Values::new()).unwrap();
        let lab = Lab::start(&scenario, &Tenancy::example(), clock.clone(), runtime.handle()).unwrap();
        Bench { lab, clock, runtime }
    }

    /// A cloud with one cluster that was made long ago.
    fn ready(extra: &str) -> Bench {
        Bench::of(&format!("extends = \"phase-08\"\n{CLUSTER}{extra}"))
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance_to(self.clock.elapsed() + Duration::from_secs(seconds));
    }

    fn way(&self, kubeconfig: Secret) -> Kube {
        let spec = KubeSpec {
            name: "kube".into(),
            source: KubeconfigSource::Fetched(kubeconfig),
            context: None,
            expected: Expected::default(),
        };
        self.runtime.block_on(async { Kube::new(&spec, Some(self.lab.dialer().as_ref()), None) }).unwrap()
    }

    fn management(&self) -> Kube {
        self.way(self.lab.kubeconfig("capi-mgmt").unwrap())
    }

    fn workload(&self) -> Kube {
        self.way(self.lab.kubeconfig("c1").unwrap())
    }

    fn list(&self, kube: &Kube, kind: &str) -> Vec<Value> {
        let selection = Selection { namespace: Namespace::All, ..Selection::of(kind.parse().unwrap()) };
        let found = self.runtime.block_on(kube.list(&selection)).unwrap();
        found.into_iter().map(|o| o.expose().clone()).collect()
    }

    /// The only object of a kind.
    fn only(&self, kube: &Kube, kind: &str) -> Value {
        let mut all = self.list(kube, kind);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    fn find(&self, kube: &Kube, kind: &str, name: &str) -> Option<Value> {
        let object = ObjectRef::new(kind.parse().unwrap(), name);
        self.runtime.block_on(kube.find(&object)).unwrap().map(|o| o.expose().clone())
    }

    fn change(&self, kube: &Kube, call: KubeCall) -> Result<Payload> {
        self.runtime.block_on(async {
            let permit = Permit::obtain(&Yes, kube.bind(call).await?)?;
            Kube::mutate(permit).await
        })
    }

    fn apply(&self, kube: &Kube, manifest: Value) -> Value {
        self.change(kube, KubeCall::Apply { manifest: manifest.into(), force: false })
            .unwrap()
            .expose()
            .clone()
    }
}

fn round_robin() -> (Value, Value) {
    let container = json!({"name": "rr", "image": "registry.k8s.io/e2e-test-images/agnhost:2.40", "command": ["/agnhost", "netexec", "--http-port=8080"]});
    let template = json!({"metadata": {"labels": {"app": "rr"}}, "spec": {"containers": [container]}});
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "rr"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "rr"}}, "template": template}});
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "rr"},
        "spec": {"type": "LoadBalancer", "selector": {"app": "rr"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}});
    (deployment, service)
}

#[test]
fn a_cluster_that_is_complete_is_whole_inside_and_in_the_management_cluster() {
    let bench = Bench::ready("");
    let mgmt = bench.management();
    let cluster = bench.only(&mgmt, "clusters.cluster.x-k8s.io");
    assert_eq!(cluster["apiVersion"], "cluster.x-k8s.io/v1beta2");
    assert!(unmet(&cluster).is_empty(), "{:?}", unmet(&cluster));
    assert!(unmet(&bench.only(&mgmt, "openstackclusters")).is_empty());
    let machines = bench.list(&mgmt, "machines");
    assert_eq!(machines.len(), 3);
    assert!(machines.iter().all(|m| m["status"]["phase"] == "Running"));
    let down: Vec<_> = bench
        .list(&mgmt, "deployments")
        .into_iter()
        .filter(|d| d["status"]["availableReplicas"] != d["spec"]["replicas"])
        .collect();
    assert!(down.is_empty(), "{down:?}");

    let workload = bench.workload();
    let nodes = bench.list(&workload, "nodes");
    assert_eq!(nodes.len(), 3);
    for node in &nodes {
        assert!(condition(node, "Ready").unwrap().is_good());
        assert_eq!(node["status"]["nodeInfo"]["kubeletVersion"], "v1.34.8");
        assert!(taints(node).iter().all(|t| t.key == "node-role.kubernetes.io/control-plane"), "{node}");
    }
    let pods = bench.list(&workload, "pods");
    for word in ["calico", "coredns", "cloud-controller", "cinder-csi", "kube-apiserver"] {
        assert!(pods.iter().any(|p| p["metadata"]["name"].as_str().unwrap().contains(word)), "{word}");
    }
    let unwell: Vec<_> = pods.iter().filter(|p| !containers(p).iter().all(|c| c.is_good())).collect();
    assert!(unwell.is_empty(), "{unwell:?}");
}

#[test]
fn a_balanced_service_is_built_answers_in_turn_and_goes_with_its_balancer() {
    let bench = Bench::ready("");
    let kube = bench.workload();
    let (deployment, service) = round_robin();
    bench.apply(&kube, deployment);
    let made = bench.apply(&kube, service);
    assert_eq!(made["status"]["loadBalancer"], json!({}));
    let read = |kind: &str| bench.find(&kube, kind, "rr");
    assert_eq!(read("deployments").unwrap()["status"]["availableReplicas"], Value::Null);
    bench.pass(30);
    assert_eq!(read("deployments").unwrap()["status"]["availableReplicas"], 2);
    assert!(read("services").unwrap()["status"]["loadBalancer"]["ingress"].is_null());
    bench.pass(120);
    let service = read("services").unwrap();
    let address = service["status"]["loadBalancer"]["ingress"][0]["ip"].as_str().unwrap().to_string();
    assert!(address.starts_with("10.12."), "{address}");
    assert_eq!(service["metadata"]["finalizers"][0], "service.kubernetes.io/load-balancer-cleanup");

    let look = HttpLook { dialer: Some(bench.lab.dialer()), ..HttpLook::default() };
    let url = format!("http://{address}/hostname");
    let seen = bench.runtime.block_on(probe::http_sample(&url, 10, &look)).unwrap();
    let mut names: Vec<String> = seen.into_iter().map(|s| s.body).collect();
    names.sort();
    assert_eq!((names.len(), &names[0], &names[9]), (10, &names[4], &names[5]));
    assert_ne!(names[0], names[9]);

    let call = KubeCall::Delete {
        object: ObjectRef::of(&service).unwrap(),
        propagation: Propagation::default(),
        uid: service["metadata"]["uid"].as_str().map(String::from),
    };
    bench.change(&kube, call).unwrap();
    assert!(!read("services").unwrap()["metadata"]["deletionTimestamp"].is_null());
    bench.pass(60);
    assert!(read("services").is_none());
    let gone = bench.runtime.block_on(probe::http(&url, &look)).unwrap();
    assert!(!gone.ok, "{gone:?}");
}

#[test]
fn a_deployment_is_scaled_and_its_pods_go_with_it() {
    let bench = Bench::ready("");
    let kube = bench.workload();
    bench.apply(&kube, round_robin().0);
    let pods = |app: &str| {
        let own = bench.list(&kube, "pods").into_iter();
        own.filter(|p| p["metadata"]["labels"]["app"] == *app).collect::<Vec<_>>()
    };
    bench.pass(60);
    assert_eq!(pods("rr").len(), 2);
    let object = ObjectRef::new("deployments".parse().unwrap(), "rr");
    let scale = bench.change(&kube, KubeCall::Scale { object: object.clone(), replicas: 3 }).unwrap();
    assert_eq!(scale.expose()["spec"]["replicas"], 3);
    bench.pass(60);
    assert_eq!(bench.find(&kube, "deploy", "rr").unwrap()["status"]["readyReplicas"], 3);
    let image =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "rr", "image": "agnhost:3"}]}}}});
    bench
        .change(&kube, KubeCall::Patch { object: object.clone(), patch: Patch::Strategic(image.into()) })
        .unwrap();
    assert!(pods("rr").iter().all(|p| p["spec"]["containers"][0]["image"] == "agnhost:3"));
    bench
        .change(&kube, KubeCall::Delete { object, propagation: Propagation::Foreground, uid: None })
        .unwrap();
    assert!(pods("rr").is_empty());
}

#[test]
fn a_watch_tells_what_came_to_pass_when_the_clock_gets_there() {
    let bench = Bench::ready("");
    let kube = bench.workload();
    bench.apply(&kube, round_robin().0);
    let selection = Selection::of("deployments".parse().unwrap());
    let mut follow = bench.runtime.block_on(kube.follow(selection)).unwrap();
    let mut look = || {
        let seen = bench.runtime.block_on(follow.look(Duration::from_secs(5))).unwrap();
        let ready = seen.objects[0].expose()["status"]["readyReplicas"].as_u64();
        (seen.changed, seen.closed, ready)
    };
    assert_eq!(look(), (true, false, None));
    assert_eq!(look(), (false, true, None));
    bench.pass(60);
    assert_eq!(look(), (true, false, Some(2)));
    assert_eq!(look(), (false, true, Some(2)));
}

#[test]
fn refusals_are_those_of_the_real_one() {
    let bench = Bench::ready("");
    let kube = bench.workload();
    let (deployment, _) = round_robin();
    let create =
        |manifest: &Value| bench.change(&kube, KubeCall::Create { manifest: manifest.clone().into() });
    create(&deployment).unwrap();
    let error = create(&deployment).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("deployments.apps \"rr\" already exists"), "{error}");
    let mut bad = deployment.clone();
    bad["metadata"]["name"] = "Bad_Name".into();
    bad["spec"]["replicas"] = (-1).into();
    let error = create(&bad).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        error.to_string().contains("spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        "{error}"
    );
    let object = || ObjectRef::new("deployments".parse().unwrap(), "rr");
    let other =
        KubeCall::Delete { object: object(), propagation: Propagation::default(), uid: Some("other".into()) };
    let error = bench.change(&kube, other).unwrap_err();
    assert!(
        error.to_string().contains("Deployment.apps \"rr\": the UID in the precondition (other)"),
        "{error}"
    );
    let mut more = deployment;
    more["spec"]["replicas"] = 5.into();
    let apply = |replicas: u32, force| {
        let mut wanted = more.clone();
        wanted["spec"]["replicas"] = replicas.into();
        bench.change(&kube, KubeCall::Apply { manifest: wanted.into(), force })
    };
    let tried =
        bench.runtime.block_on(kube.dry_run(KubeCall::Apply { manifest: more.clone().into(), force: true }));
    assert_eq!(tried.unwrap().expose()["spec"]["replicas"], 5);
    assert_eq!(bench.find(&kube, "deploy", "rr").unwrap()["spec"]["replicas"], 2);
    apply(3, false).unwrap(); // the same manager
    let managers: Vec<Value> = [0, 1]
        .iter()
        .map(|n| json!({"op": "replace", "path": format!("/metadata/managedFields/{n}/manager"), "value": "hpa"}))
        .collect();
    let hpa = KubeCall::Patch { object: object(), patch: Patch::Json(Value::from(managers).into()) };
    bench.change(&kube, hpa).unwrap();
    let error = apply(7, false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains(".spec.replicas: conflict with \"hpa\""), "{error}");
    apply(7, true).unwrap();
    assert!(bench.find(&kube, "services", "absent").is_none());
    let old: ObjectRef =
        ObjectRef::new("openstackcluster.infrastructure.cluster.x-k8s.io/v1alpha6".parse().unwrap(), "x");
    let error = bench.runtime.block_on(bench.management().get(&old)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn a_cloud_controller_that_crashes_again_and_again_shows_between_two_looks_only() {
    let bench = Bench::ready("[[fault]]\nat = \"1m\"\n[fault.do]\ncrash_loop = \"cloud-controller\"\n");
    let kube = bench.workload();
    let ccm = |pods: &[Value]| {
        let own = pods.iter().find(|p| p["metadata"]["name"].as_str().unwrap().contains("cloud-controller"));
        containers(own.unwrap()).remove(0)
    };
    bench.pass(65);
    let before = bench.list(&kube, "pods");
    assert!(ccm(&before).is_good());
    bench.pass(120);
    let stuck = ccm(&bench.list(&kube, "pods"));
    assert!(stuck.is_stuck(), "{stuck:?}");
    assert_eq!(stuck.reason, "CrashLoopBackOff");
    bench.pass(190);
    let after = bench.list(&kube, "pods");
    assert!(ccm(&after).is_good());
    let found = restarted(&before, &after);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].before, found[0].after), (0, 1));
}

#[test]
fn the_management_cluster_is_silent_while_its_server_is_off_and_comes_back_slowly() {
    let bench = Bench::of(r#"extends = "restart""#);
    let kubeconfig = bench.lab.kubeconfig("capi-mgmt").unwrap();
    let spec = KubeSpec {
        name: "mgmt".into(),
        source: KubeconfigSource::Fetched(kubeconfig),
        context: None,
        expected: Expected::default(),
    };
    let dialer = bench.lab.dialer();
    let error = bench.runtime.block_on(async { Kube::new(&spec, Some(dialer.as_ref()), None) }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
}

#[test]
fn a_site_s_words_on_the_management_cluster_are_true_in_the_lab() {
    let bench = Bench::ready("");
    let mgmt = bench.management();
    let identity = bench.runtime.block_on(async { mgmt.identity().await.cloned() }).unwrap();
    assert_eq!(identity.user.as_deref(), Some("admin"));
    assert_eq!(identity.version.as_deref(), Some("v1.34.8"));
    assert!(identity.server.ends_with(":6443"), "{}", identity.server);
    assert!(identity.cluster_uid.is_some());
}
