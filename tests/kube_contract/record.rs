//! The same changes and reads on every cluster, and what came of each as the handle tells it: an object as the API server completed
//! it, or an error. What differs from run to run (ids, times, addresses) is told as its kind; everything else is literal.

use std::sync::LazyLock;

use regex::Regex;
use rhumb::base::{Payload, Result};
use rhumb::systems::kubernetes::{Kube, KubeCall, ObjectRef, Patch, Propagation, Selection};
use serde_json::{Map, Value, json};

use crate::kube_server::carry_out;

/// What a real server of version 1.20 did (`RHUMB_RECORD_CONTRACT=1` records it anew).
const WITNESS: &str = "tests/kube_contract/witness.json";

/// Where a newer cluster, as the lab plays it, answers otherwise than that 1.20: step, place in the answer with all below it, and
/// why. What is there is not compared.
pub(crate) const NEWER: &[(&str, &str, &str)] = &[
    (
        "a deployment that is wrong twice",
        "/causes/1",
        "newer servers write the value as JSON, and not as Go does",
    ),
    ("service", "/spec/internalTrafficPolicy", "since 1.22"),
    ("service", "/spec/ipFamilies", "dual stack is on by default since 1.21"),
    ("service", "/spec/ipFamilyPolicy", "dual stack is on by default since 1.21"),
    ("try a balanced service", "/spec/allocateLoadBalancerNodePorts", "by default since 1.22"),
    ("try a balanced service", "/spec/clusterIP", "a trial allocates since 1.22"),
    ("try a balanced service", "/spec/clusterIPs", "a trial allocates since 1.22"),
    ("try a balanced service", "/spec/internalTrafficPolicy", "since 1.22"),
    ("try a balanced service", "/spec/ipFamilies", "dual stack is on by default since 1.21"),
    ("try a balanced service", "/spec/ipFamilyPolicy", "dual stack is on by default since 1.21"),
];

/// Where the lab falls short of any real cluster, in the same form: it is said here, and an entry that is no longer so fails.
pub(crate) const LAB: &[(&str, &str, &str)] = &[
    ("a bad name and a bad key", "/causes", "it looks at names, not at the keys of data"),
    ("try a deployment", "/metadata/resourceVersion", "its trials are stored and taken back"),
    ("try a balanced service", "/metadata/resourceVersion", "its trials are stored and taken back"),
    ("try a namespace", "/metadata/resourceVersion", "its trials are stored and taken back"),
    ("try a namespace", "/metadata/generation", "it counts the changes of every kind"),
    ("a service at no port", "", "it takes any port"),
    ("secret", "/data", "it does not turn stringData into data"),
    ("secret", "/stringData", "it does not turn stringData into data"),
    ("secret", "/type", "it gives a Secret no type"),
    ("lease", "", "it plays no Leases: a rehearsal has its site to itself"),
    ("lease: delete", "", "it plays no Leases: a rehearsal has its site to itself"),
    ("a selector that is none", "/what", "it has words of its own for a selector that it cannot read"),
];

static CHANGING: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uid>"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
        (r"\b\d+\.\d+\.\d+\.\d+\b", "<address>"),
    ]
    .map(|(pattern, name)| (Regex::new(pattern).unwrap(), name))
    .into()
});

fn plain(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(key, _)| key.as_str());
            let told = sorted.into_iter().map(|(key, member)| {
                let changes = matches!(key.as_str(), "resourceVersion" | "nodePort");
                (key.clone(), if changes { "<number>".into() } else { plain(member) })
            });
            told.collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::String(text) => CHANGING
            .iter()
            .fold(text.clone(), |text, (p, name)| p.replace_all(&text, *name).into_owned())
            .into(),
        other => other.clone(),
    }
}

/// Plays the steps in the handle's namespace.
struct Player<'k> {
    kube: &'k Kube,
    seen: Map<String, Value>,
}

impl Player<'_> {
    fn note(&mut self, step: &str, outcome: Result<Payload>) {
        let told = match outcome {
            Ok(object) => plain(object.expose()),
            Err(e) => {
                let causes: Vec<&String> = e.detail().causes.iter().collect();
                plain(
                    &json!({"error": format!("{:?}", e.kind()), "status": e.detail().status, "what": e.detail().what, "causes": causes}),
                )
            }
        };
        assert!(self.seen.insert(step.to_string(), told).is_none(), "two steps `{step}`");
    }

    async fn change(&mut self, step: &str, call: KubeCall) {
        // boxed: thirty of them side by side would fill the stack
        let outcome = Box::pin(carry_out(self.kube, call)).await;
        self.note(step, outcome);
    }

    async fn create(&mut self, step: &str, manifest: Value) {
        self.change(step, KubeCall::Create { manifest: manifest.into() }).await;
    }

    async fn apply(&mut self, step: &str, manifest: Value) {
        self.change(step, KubeCall::Apply { manifest: manifest.into(), force: false }).await;
    }

    async fn get(&mut self, step: &str, object: &ObjectRef) {
        let outcome = Box::pin(self.kube.get(object)).await;
        self.note(step, outcome);
    }

    async fn tried(&mut self, step: &str, call: KubeCall) {
        let outcome = Box::pin(self.kube.dry_run(call)).await;
        self.note(step, outcome);
    }

    async fn delete(&mut self, step: &str, object: ObjectRef) {
        self.change(step, KubeCall::Delete { object, propagation: Propagation::Background, uid: None }).await;
    }
}

fn map(data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "rhumb-record", "labels": {"rhumb-record": "yes"}}, "data": data})
}

fn deployment(replicas: i64) -> Value {
    let labels = json!({"app": "rhumb-record"});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "rhumb-record"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "localhost/c:1"}]}}},
    })
}

/// With a protocol, although that has a default: 1.20 does not apply a port without one.
fn service(kind: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "rhumb-record"},
        "spec": {"type": kind, "selector": {"app": "rhumb-record"}, "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP"}]},
    })
}

/// Plays every step, and takes away what it made.
pub(crate) async fn play(kube: &Kube) -> Map<String, Value> {
    let of = |kind: &str| ObjectRef::new(kind.parse().unwrap(), "rhumb-record");
    let patch = |kind: &str, patch: Patch| KubeCall::Patch { object: of(kind), patch };
    let mut p = Player { kube, seen: Map::new() };

    p.get("absent", &of("configmap")).await;
    p.create("create", map(json!({"a": "1"}))).await;
    p.create("create what is there", map(json!({}))).await;
    p.tried("try to create what is there", KubeCall::Create { manifest: map(json!({})).into() }).await;
    p.get("get", &of("cm")).await;
    let merge = Patch::Merge(json!({"data": {"a": null, "b": "2"}}).into());
    p.change("merge", patch("configmap", merge)).await;
    let test = |value: &str| json!([{"op": "test", "path": "/data/b", "value": value}, {"op": "replace", "path": "/data/b", "value": "3"}]);
    p.change("test that fails", patch("configmap", Patch::Json(test("9").into()))).await;
    p.change("test that holds", patch("configmap", Patch::Json(test("2").into()))).await;
    let nowhere = json!([{"op": "remove", "path": "/data/zz"}]);
    p.change("remove what is not there", patch("configmap", Patch::Json(nowhere.into()))).await;
    let wrong = KubeCall::Delete {
        object: of("configmap"),
        propagation: Propagation::Background,
        uid: Some("other".into()),
    };
    p.change("delete another", wrong).await;
    p.delete("delete", of("configmap")).await;
    p.delete("delete what is gone", of("configmap")).await;
    let merge = Patch::Merge(json!({"data": {}}).into());
    p.change("patch what is gone", patch("configmap", merge)).await;
    let mut bad = map(json!({"not/a key": "1"}));
    bad["metadata"]["name"] = "Bad_Name".into();
    p.create("a bad name and a bad key", bad).await;
    let mut lost = map(json!({}));
    lost["metadata"]["namespace"] = "rhumb-no-such".into();
    p.create("in a namespace that is not there", lost).await;

    p.tried("try a deployment", KubeCall::Apply { manifest: deployment(0).into(), force: false }).await;
    let mut bad = deployment(-1);
    bad["spec"]["template"]["metadata"]["labels"] = json!({"app": "other"});
    p.create("a deployment that is wrong twice", bad).await;
    let mut bad = deployment(0);
    bad["spec"]["template"]["spec"]["containers"] = json!([]);
    p.create("a deployment without a container", bad).await;
    p.apply("service", service("ClusterIP")).await;
    p.delete("service: delete", of("service")).await;
    p.tried(
        "try a balanced service",
        KubeCall::Apply { manifest: service("LoadBalancer").into(), force: false },
    )
    .await;
    let mut bad = service("ClusterIP");
    bad["spec"]["ports"] = json!([{"port": 70000}]);
    p.create("a service at no port", bad).await;
    let scale = KubeCall::Scale { object: of("deployment"), replicas: 2 };
    p.change("scale what is not there", scale).await;

    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "rhumb-record"}, "stringData": {"k": "v"}});
    p.apply("secret", secret).await;
    p.delete("secret: delete", of("secret")).await;
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "rhumb-record"},
        "spec": {"holderIdentity": "me", "leaseDurationSeconds": 60, "renewTime": "2026-06-10T02:00:00.000000Z"}});
    p.apply("lease", lease).await;
    p.delete("lease: delete", of("lease")).await;
    p.get("a version that is not served", &of("deployments.apps/v1beta1")).await;
    let chosen = Selection::of("configmaps".parse().unwrap()).labelled("rhumb-record in (");
    let listed = Box::pin(kube.list(&chosen)).await.map(|_| Payload::from(Value::Null));
    p.note("a selector that is none", listed);
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "rhumb-record"}});
    p.tried("try a namespace", KubeCall::Create { manifest: namespace.into() }).await;
    p.seen
}

fn path() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(WITNESS)
}

/// What was recorded.
pub(crate) fn witness() -> Map<String, Value> {
    serde_json::from_str(&std::fs::read_to_string(path()).unwrap()).unwrap()
}

/// Writes what was seen as the record.
pub(crate) fn record(seen: &Map<String, Value>) {
    std::fs::write(path(), serde_json::to_string_pretty(seen).unwrap() + "\n").unwrap();
}

/// What was seen otherwise than recorded, except at the places of `except`; and those of them that are not otherwise.
pub(crate) fn differences(
    witness: &Map<String, Value>,
    seen: &Map<String, Value>,
    except: &[(&str, &str, &str)],
) -> Vec<String> {
    let mut all = Vec::new();
    for step in witness.keys().chain(seen.keys().filter(|k| !witness.contains_key(*k))) {
        let none = Value::Null;
        compare(witness.get(step).unwrap_or(&none), seen.get(step).unwrap_or(&none), step, "", &mut all);
    }
    let hits = |(of, place, _): &&(&str, &str, &str), d: &(String, String, String)| {
        *of == d.0 && d.1.strip_prefix(place).is_some_and(|below| below.is_empty() || below.starts_with('/'))
    };
    let stale = except.iter().filter(|e| !all.iter().any(|d| hits(e, d)));
    let mut wrong: Vec<String> =
        stale.map(|(step, place, why)| format!("{step}: {place} is the same, although: {why}")).collect();
    all.retain(|d| !except.iter().any(|e| hits(&e, d)));
    wrong.extend(all.into_iter().map(|(step, place, what)| format!("{step}: {place}: {what}")));
    wrong
}

fn compare(was: &Value, is: &Value, step: &str, at: &str, all: &mut Vec<(String, String, String)>) {
    match (was, is) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|k| !a.contains_key(*k))) {
                let none = Value::Null;
                compare(
                    a.get(key).unwrap_or(&none),
                    b.get(key).unwrap_or(&none),
                    step,
                    &format!("{at}/{key}"),
                    all,
                );
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (n, (a, b)) in a.iter().zip(b).enumerate() {
                compare(a, b, step, &format!("{at}/{n}"), all);
            }
        }
        (a, b) if a == b => {}
        (a, b) => all.push((step.into(), at.into(), format!("recorded {a}, seen {b}"))),
    }
}
