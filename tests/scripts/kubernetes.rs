//! Clusters, as scripts see them.

use rhumb::base::ErrorKind;
use rhumb::run::{Past, Record, StepKind};
use rhumb::script::Primitive;
use serde_json::{Value, json};

use crate::kube_server::{Behaviour, Canned, Cluster};
use crate::site::{SiteDir, runtime};
use crate::stage::{Outcome, Stage};

const PODS: &str = "/api/v1/namespaces/kube-system/pods";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// A cluster that the site calls `mgmt`, with one node and two pods.
struct Rig {
    cluster: Cluster,
    site: SiteDir,
    _runtime: tokio::runtime::Runtime,
}

impl Rig {
    fn new(declared: &str) -> Rig {
        let runtime = runtime();
        let behaviour = Behaviour { brief_watches: true, ..Behaviour::default() };
        let cluster = runtime.block_on(Cluster::start(behaviour));
        cluster.change(|store| {
            store.put("/api/v1/nodes", node());
            store.put(
                "/api/v1/namespaces",
                json!({"metadata": {"name": "default"}, "status": {"phase": "Active"}}),
            );
            store.put(PODS, pod("ccm", 3, json!({"waiting": {"reason": "CrashLoopBackOff"}})));
            store.put(PODS, pod("coredns", 0, json!({"running": {}})));
        });
        let toml = format!("name = \"s\"\n[kube.mgmt]\nkubeconfig = \"mgmt.kubeconfig\"\n{declared}");
        let site = SiteDir::new(&[("site.toml", &toml), ("mgmt.kubeconfig", &cluster.kubeconfig())]);
        Rig { cluster, site, _runtime: runtime }
    }

    fn stage(&self, script: &str) -> Stage {
        Stage { site: self.site.load(), ..Stage::new(script) }
    }

    fn run(&self, script: &str) -> Outcome {
        self.stage(script).run()
    }

    fn verify(&self, body: &str) -> Outcome {
        self.run(&format!("let mgmt = site.kube(\"mgmt\");\nverify(\"1\", \"T\", || {{ {body} }});"))
    }

    fn change(&self, body: &str) -> Outcome {
        self.run(&format!("let mgmt = site.kube(\"mgmt\");\nchange(\"1\", \"T\", || {{ {body} }});"))
    }
}

fn node() -> Value {
    json!({
        "metadata": {"name": "n1", "labels": {"kubernetes.io/os": "linux"}},
        "spec": {"taints": [{"key": "node.cluster.x-k8s.io/uninitialized", "effect": "NoSchedule"}]},
        "status": {"conditions": [
            {"type": "Ready", "status": "True"}, {"type": "MemoryPressure", "status": "False"},
            {"type": "DiskPressure", "status": "True", "reason": "Full"},
        ]},
    })
}

fn pod(name: &str, restarts: u64, state: Value) -> Value {
    let container = json!({"name": "main", "ready": false, "restartCount": restarts, "state": state});
    json!({
        "metadata": {"name": name, "labels": {"app": name}, "uid": format!("uid-{name}")},
        "status": {"phase": "Running", "containerStatuses": [container]},
    })
}

fn passes(outcome: &Outcome) {
    assert_eq!(outcome.verdicts(), "1 PASS", "{}", outcome.drawn);
}

#[test]
fn every_example_of_the_family_runs() {
    let rig = Rig::new("");
    // one needs a cloud as well, others a second cluster's worth of state
    let of_mgmt = |p: &&Primitive| p.example.contains(".kube(\"mgmt\")") && !p.example.contains(".scope(");
    let mut ran = 0;
    for primitive in rhumb::script::primitives::all().into_iter().filter(of_mgmt) {
        let outcome = rig.run(primitive.example);
        match primitive.path().as_str() {
            // no credential goes in clear to an address that a run has found
            "Kube.at" => assert!(outcome.drawn.contains("would go in clear"), "{}", outcome.drawn),
            // the cluster of this test is not as well as the one that the example speaks of
            "Object.unmet" | "Object.containers" | "Object.taints" => {
                assert_eq!(
                    outcome.exit,
                    ErrorKind::Gate.exit_code(),
                    "{}: {}",
                    primitive.path(),
                    outcome.drawn
                );
            }
            _ => assert_eq!(outcome.verdicts(), "1 PASS", "{}: {}", primitive.path(), outcome.drawn),
        }
        ran += 1;
    }
    assert!(ran > 20, "{ran}");
}

#[test]
fn fields_are_properties_and_a_typo_is_told() {
    let rig = Rig::new("");
    passes(&rig.verify(
        r#"
        let pod = mgmt.get("pods", "ccm", #{ namespace: "kube-system" });
        expect("name", pod.metadata.name, "ccm");
        expect("phase", pod.status.phase, "Running");
        expect("shortcuts", [pod.name, pod.namespace, pod.uid], ["ccm", "kube-system", "uid-ccm"]);
        expect("deep", pod.get("status.containerStatuses.0.restartCount"), 3);
        expect("nothing there", pod.get("status.containerStatuses.7.name"), ());
        let node = mgmt.get("node", "n1");
        expect("a key with dots", node.get("/metadata/labels/kubernetes.io~1os"), "linux");
        expect("shown", `${pod}`, "pod kube-system/ccm");
        expect("a list", mgmt.list("po", #{ namespace: "kube-system", labels: "app=ccm" }).map(|p| p.name), ["ccm"]);
    "#,
    ));
    let outcome = rig.verify(r#"mgmt.get("node", "n1").sttus"#);
    let error = outcome.error.unwrap();
    assert_eq!(error.detail().help.as_deref(), Some("did you mean `status`?"), "{error}");
}

#[test]
fn what_objects_mean_is_told_apart() {
    let rig = Rig::new("");
    passes(&rig.verify(
        r#"
        let node = mgmt.get("node", "n1");
        expect("polarity", node.unmet().map(|c| [c.name, c.reason]), [["DiskPressure", "Full"]]);
        gate("ready", node.condition("Ready").good && node.condition("Nope") == ());
        gate("a taint has a meaning", node.taints()[0].meaning.contains("management cluster"));
        let stuck = mgmt.list("pods", #{ namespace: "kube-system" }).filter(|p| p.containers().some(|c| c.stuck));
        expect("crash loops", stuck.map(|p| [p.name, p.containers()[0].reason, p.containers()[0].restarts]),
               [["ccm", "CrashLoopBackOff", 3]]);
    "#,
    ));
    let look = |restarts| {
        let mut seen = pod("ccm", restarts, json!({}));
        seen["metadata"]["namespace"] = "kube-system".into();
        Canned::json(200, json!({"kind": "PodList", "metadata": {}, "items": [seen]}))
    };
    rig.cluster.canned("GET", PODS, look(3));
    rig.cluster.canned("GET", PODS, look(5));
    passes(&rig.verify(
        r#"
        let before = mgmt.list("pods", #{ namespace: "kube-system" });
        let grown = restarted(before, mgmt.list("pods", #{ namespace: "kube-system" }));
        expect("grown", grown.map(|r| [r.pod, r.before, r.after]), [["kube-system/ccm", 3, 5]]);
    "#,
    ));
}

#[test]
fn an_unserved_version_is_not_an_absent_object() {
    let rig = Rig::new("");
    passes(&rig.verify(
        r#"
        expect("absent", mgmt.find("pods", "nope", #{ namespace: "kube-system" }), ());
        for kind in ["deployments.apps/v1beta1", "gadgets.example.org"] {
            try { mgmt.find(kind, "nope"); gate("it was found", false); } catch (e) { expect("kind", e.kind, "unsupported"); }
        }
        try { mgmt.get("pods", "nope"); gate("it was found", false); } catch (e) { expect("kind", e.kind, "not-found"); }
        gate("served", mgmt.serves("deploy") && !mgmt.serves("deployments.apps/v1beta1"));
        expect("versions", [mgmt.versions("apps"), mgmt.versions("gone.example.org")], [["v1"], []]);
    "#,
    ));
}

#[test]
fn a_change_is_refused_in_a_verify_step_and_journaled_in_a_change() {
    let rig = Rig::new("");
    let manifest =
        r#"#{ apiVersion: "v1", kind: "ConfigMap", metadata: #{ name: "drill" }, data: #{ a: "1" } }"#;
    let refused = rig.verify(&format!("mgmt.apply({manifest})"));
    assert_eq!(refused.error.unwrap().kind(), ErrorKind::Refused);
    assert!(rig.cluster.asked("PATCH", MAPS).is_empty());
    let dry = rig.verify(&format!("expect(\"data\", mgmt.dry_run({manifest}).data.a, \"1\")"));
    passes(&dry);
    let outcome = rig.change(&format!(
        r#"
        let made = mgmt.apply({manifest});
        let patched = mgmt.patch("cm", "drill", #{{ data: #{{ a: "2" }} }}, #{{ undo: "patch it back" }});
        expect("data", [made.data.a, patched.data.a], ["1", "2"]);
        made.delete();
        expect("gone", mgmt.find("cm", "drill"), ());
    "#
    ));
    passes(&outcome);
    let intents: Vec<_> = outcome.report.steps[0].effects.iter().map(|e| e.intent.clone()).collect();
    let summaries: Vec<&str> = intents.iter().map(|i| i.summary.as_str()).collect();
    assert_eq!(
        summaries,
        ["apply configmap default/drill", "patch configmap default/drill", "delete configmap default/drill"]
    );
    assert_eq!(intents[0].system, "kubernetes");
    assert!(intents[0].identity.starts_with("kubernetes-admin at http://"), "{}", intents[0].identity);
    assert_eq!(serde_json::to_value(&intents[1].undo).unwrap(), json!({"by": "patch it back"}));
    assert!(intents[2].destroys);
    // deleted by its uid, so that a later one of the same name stays
    assert!(rig.cluster.asked("DELETE", MAPS)[0].body["preconditions"]["uid"].is_string());
}

#[test]
fn the_handle_proves_itself_before_the_first_change() {
    let rig = Rig::new("user = \"viewer\"\ncluster_uid = \"u-cluster\"\n");
    passes(&rig.verify(r#"mgmt.list("nodes")"#));
    let outcome = rig.change(r#"mgmt.delete("node", "n1")"#);
    let error = outcome.error.unwrap();
    assert_eq!(error.kind(), ErrorKind::ScopeMismatch, "{error}");
    assert!(error.to_string().contains("declared as `viewer` but is `kubernetes-admin`"), "{error}");
    assert!(rig.cluster.asked("DELETE", "/").is_empty());
}

#[test]
fn one_finalizer_goes_and_the_others_stay() {
    let rig = Rig::new("");
    rig.cluster.change(|store| {
        store.put(MAPS, json!({"metadata": {"name": "held", "finalizers": ["a.example/x", "b.example/y"]}}));
    });
    passes(&rig.change(
        r#"
        let held = mgmt.get("cm", "held").remove_finalizer("a.example/x");
        expect("left", held.metadata.finalizers, ["b.example/y"]);
        try { held.remove_finalizer("a.example/x"); gate("it was there", false); } catch (e) { expect("kind", e.kind, "not-found"); }
    "#,
    ));
}

#[test]
fn a_wait_sees_success_failure_and_absence() {
    let rig = Rig::new("");
    let outcome = rig.verify(
        r#"
        let pod = mgmt.wait(#{ kind: "pods", name: "ccm", namespace: "kube-system", within: 1.min,
                               done: |p| p.status.phase == "Running" });
        expect("it", pod.name, "ccm");
        expect("absent at once", mgmt.wait(#{ kind: "pods", name: "nope", within: 1.min, done: |p| p == () }), ());
        let all = mgmt.wait(#{ kind: "pods", namespace: "kube-system", within: 1.min, done: |pods| pods.len() == 2 });
        expect("both", all.len(), 2);
    "#,
    );
    passes(&outcome);
    let outcome = rig.verify(
        r#"mgmt.wait(#{ kind: "pods", name: "ccm", namespace: "kube-system", within: 10.min,
            done: |p| p.status.phase == "Succeeded",
            failed: |p| p.containers().some(|c| c.stuck),
            show: |p| p.containers()[0].reason,
            cause: || "the image is wrong" })"#,
    );
    let error = outcome.error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Failed);
    let shown = error.to_string();
    assert!(
        shown.contains("it came to CrashLoopBackOff") && shown.contains("because the image is wrong"),
        "{shown}"
    );
}

#[test]
fn the_closures_of_a_wait_may_ask_the_cluster_that_waits() {
    let rig = Rig::new("");
    passes(&rig.verify(
        r#"
        let count = || mgmt.list("pods", #{ namespace: "kube-system" }).len();
        let pods = mgmt.wait(#{ kind: "pods", namespace: "kube-system", within: 1.min, cause: || mgmt.list("nodes")[0].name,
                                done: |pods| pods.len() == count.call() && mgmt.list("nodes").len() == 1 });
        expect("both", pods.len(), 2);
        let own = mgmt.namespace("kube-system");
        own.wait(#{ kind: "pods", within: 1.min, done: |p| own.list("pods").len() == p.len() });
    "#,
    ));
}

#[test]
fn the_closures_of_a_wait_lose_no_end() {
    let rig = Rig::new("");
    for closures in [
        "done: |p| { END true }",
        "done: |p| false, failed: |p| { END true }",
        "done: |p| true, show: |p| { END `1` }",
        "done: |p| false, cause: || { END `1` }",
    ] {
        for (end, verdict) in [
            (r#"gate("must hold", false);"#, "1 FAIL: gate: must hold"),
            (r#"stop("halt");"#, "1 FAIL: halt"),
            (r#"skip("no need");"#, "1 SKIPPED: no need"),
        ] {
            let wait = format!("mgmt.wait(#{{ kind: \"pods\", all: true, within: 20.s, {closures} }})");
            let came = rig.verify(&format!("try {{ {} }} catch (e) {{ }} true", wait.replace("END", end)));
            assert_eq!(came.verdicts(), verdict, "{closures}: {}", came.drawn);
        }
    }
}

#[test]
fn a_wait_ends_at_its_deadline_on_the_runs_clock() {
    let rig = Rig::new("");
    let real = std::time::Instant::now();
    let outcome = rig.verify(
        r#"mgmt.wait(#{ kind: "pods", name: "coredns", namespace: "kube-system", within: 20.min, every: 30.s,
                        done: |p| p.status.phase == "Succeeded", show: |p| p.status.phase })"#,
    );
    let error = outcome.error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("not within 20m; last seen: Running"), "{error}");
    assert_eq!(outcome.elapsed.as_secs(), 1200);
    assert!(real.elapsed().as_secs() < 20);
    // an error that will not pass ends it at once
    let outcome =
        rig.verify(r#"mgmt.wait(#{ kind: "gadgets.example.org", within: 20.min, done: |l| true })"#);
    assert_eq!((outcome.error.unwrap().kind(), outcome.elapsed.as_secs()), (ErrorKind::Unsupported, 0));
}

#[test]
fn a_secret_goes_where_it_is_needed_and_is_never_shown() {
    let rig = Rig::new("");
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(rig.cluster.kubeconfig());
    rig.cluster.change(|store| {
        let data = json!({"value": text});
        store.put(
            "/api/v1/namespaces/default/secrets",
            json!({"metadata": {"name": "c1-kubeconfig"}, "data": data}),
        );
    });
    let outcome = rig.verify(
        r#"
        let found = mgmt.get("secret", "c1-kubeconfig");
        fact("the secret", found);
        note(`${found.data.value}`);
        let workload = kube(found.secret("value"), #{ name: "c1", namespace: "kube-system" });
        expect("pods", workload.list("pods").len(), 2);
        try { found.secret("vlue") } catch (e) { expect("kind", e.kind, "not-found"); }
        workload
    "#,
    );
    passes(&outcome);
    let journal = serde_json::to_string(&outcome.entries).unwrap();
    assert!(!journal.contains(&text) && !journal.contains("t0ken"), "{journal}");
    assert!(journal.contains("\"value\":\"***\""));
}

#[test]
fn a_kubeconfig_from_outside_that_reaches_beyond_itself_is_refused() {
    let rig = Rig::new("");
    let outcome = rig.verify(
        r#"kube(`{"apiVersion":"v1","kind":"Config","current-context":"a",
            "contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],
            "clusters":[{"name":"a","cluster":{"server":"https://10.0.0.1:6443"}}],
            "users":[{"name":"a","user":{"exec":{"command":"curl","apiVersion":"client.authentication.k8s.io/v1"}}}]}`).list("pods")"#,
    );
    let error = outcome.error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("running `curl`"), "{error}");
}

#[test]
fn a_command_in_a_container_is_a_change_and_tells_its_exit_code() {
    let rig = Rig::new("");
    let outcome = rig.change(
        r#"
        let pod = mgmt.get("pods", "coredns", #{ namespace: "kube-system" });
        let output = mgmt.exec(pod, ["fail", "3"], #{ any_code: true });
        expect("code and words", [output.code, output.stderr], [3, "it failed\n"]);
    "#,
    );
    passes(&outcome);
    let intent = &outcome.report.steps[0].effects[0].intent;
    assert_eq!(intent.summary, "run `fail 3` in pod kube-system/coredns");
    let refused = rig.verify(r#"mgmt.exec("coredns", ["true"], #{ namespace: "kube-system" })"#);
    assert_eq!(refused.error.unwrap().kind(), ErrorKind::Refused);
}

#[test]
fn what_a_server_warns_of_is_told_once() {
    let rig = Rig::new("");
    let warning = r#"299 - "v1 Node is deprecated""#;
    for _ in 0..2 {
        let list = json!({"kind": "NodeList", "metadata": {}, "items": []});
        let canned = Canned { headers: vec![("warning", warning.into())], ..Canned::json(200, list) };
        rig.cluster.canned("GET", "/api/v1/nodes", canned);
    }
    let outcome = rig.verify(r#"mgmt.list("nodes"); mgmt.list("nodes");"#);
    passes(&outcome);
    assert_eq!(outcome.report.steps[0].notes, ["mgmt warns: v1 Node is deprecated"]);
}

/// What the journal of a run shows that was cut off after `done` entries of its only step.
fn cut(outcome: &Outcome, keep: impl Fn(&Record) -> bool) -> Past {
    let entries: Vec<_> = outcome.entries.iter().filter(|e| keep(&e.record)).cloned().collect();
    assert!(entries.iter().any(|e| matches!(&e.record, Record::StepBegin { kind: StepKind::Change, .. })));
    Past::of(&entries)
}

#[test]
fn a_change_in_doubt_is_settled_by_looking() {
    let rig = Rig::new("");
    let script = r#"change("1", "T", || {
        let made = site.kube("mgmt").create(#{ apiVersion: "v1", kind: "ConfigMap", metadata: #{ name: "once" } });
        made.name
    });"#;
    let first = rig.run(script);
    passes(&first);
    let past = cut(&first, |r| !matches!(r, Record::Outcome { .. } | Record::StepEnd { .. }));
    let again = Stage { past, ..rig.stage(script) }.run();
    passes(&again);
    assert_eq!(rig.cluster.asked("POST", MAPS).len(), 1, "it was not sent again");
    rig.cluster.change(|store| store.remove(MAPS, "once"));
    let past = cut(&first, |r| !matches!(r, Record::Outcome { .. } | Record::StepEnd { .. }));
    passes(&Stage { past, ..rig.stage(script) }.run());
    assert_eq!(rig.cluster.asked("POST", MAPS).len(), 2, "it was not there, so it was sent");
}

#[test]
fn a_wrong_authority_says_so() {
    let rig = Rig::new("");
    let kubeconfig = rig.cluster.kubeconfig().replace("http://", "https://");
    let outcome = rig.verify(&format!("kube(`{kubeconfig}`).list(\"pods\")"));
    assert_eq!(outcome.error.unwrap().kind(), ErrorKind::Unreachable);
    assert!(
        outcome.drawn.to_lowercase().contains("tls") || outcome.drawn.contains("corrupt"),
        "{}",
        outcome.drawn
    );
}
