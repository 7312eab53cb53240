//! What a service generates is no known value before it comes: the rows say which fields of it are secrets, in typed
//! collections, in calls by hand and in patches alike.

use std::os::unix::fs::PermissionsExt as _;

use rhumb::run::Record;
use rhumb::site::Site;
use serde_json::{Value, json};

use super::kube_server::{Behaviour, Cluster};
use super::rig::Rig;
use super::stage::{Outcome, Stage};
use super::stub_cloud::{self, Seen};

/// Every secret of these tests has this in it.
const CANARY: &str = "c4nary";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// A cloud that makes up secrets and answers with them.
fn cloud(seen: &Seen, _: usize) -> (u16, Value) {
    let path = seen.path.split('?').next().unwrap_or_default();
    match (seen.method.as_str(), path) {
        ("POST", "/compute/v2.1/servers") => {
            (202, json!({"server": {"id": "s-1", "name": "vm", "adminPass": "made-up-c4nary-1"}}))
        }
        ("POST", p) if p.ends_with("/action") => (202, json!({"adminPass": "made-up-c4nary-2"})),
        ("POST", "/compute/v2.1/os-keypairs") => {
            (201, json!({"keypair": {"name": "k", "fingerprint": "f", "private_key": "made-up-c4nary-3"}}))
        }
        ("POST", p) if p.ends_with("/application_credentials") => {
            (201, json!({"application_credential": {"id": "a", "name": "a", "secret": "made-up-c4nary-4"}}))
        }
        ("POST", "/identity/v3/OS-TRUST/trusts") => {
            (201, json!({"trust": {"id": "t", "password": "made-up-c4nary-5"}}))
        }
        ("PUT", "/compute/v2.1/servers/s-1") => {
            (200, json!({"server": {"id": "s-1", "adminPass": "made-up-c4nary-6"}}))
        }
        ("GET", p) if p.starts_with("/compute/v2.1/servers") => {
            let one =
                json!({"id": "s-1", "name": "vm", "status": "ACTIVE", "user_data": "c4nary-of-the-cloud"});
            (200, if p.ends_with("/s-1") { json!({"server": one}) } else { json!({"servers": [one]}) })
        }
        ("GET", "/compute/") => (
            200,
            json!({"versions": [{"id": "v2.1", "status": "CURRENT", "version": "2.96", "min_version": "2.1"}]}),
        ),
        _ => (200, json!({})),
    }
}

/// What came of a script in a site of a cloud and a cluster.
fn run(script: &str, cluster: Option<&Cluster>) -> Outcome {
    let runtime = runtime();
    let played = runtime.block_on(stub_cloud::start(cloud));
    played.stage().roles = vec!["member", "admin"];
    let rig = Rig::played(&played.address.to_string());
    if let Some(cluster) = cluster {
        let site = std::fs::read_to_string(rig.site().join("site.toml")).unwrap();
        rig.file("site.toml", &format!("{site}[kube.mgmt]\nkubeconfig = \"mgmt.kubeconfig\"\n"));
        rig.file("mgmt.kubeconfig", &cluster.kubeconfig());
    }
    let mode = std::fs::metadata(rig.site().join("site.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0);
    Stage { site: Site::load(&rig.site(), &[]).unwrap(), ..Stage::new(script) }.run()
}

/// Fails where a canary was kept or drawn.
fn holds_none(outcome: &Outcome) -> String {
    let kept = serde_json::to_string(&outcome.entries).unwrap();
    // the script's own lines, in which its author wrote the canaries, are drawn below an error
    let all = format!("{kept}{:?}", outcome.error);
    assert!(!all.contains(CANARY), "{all}");
    kept
}

#[test]
fn an_answer_is_masked_by_the_rows_whoever_asked() {
    let outcome = run(
        r#"
        let capi = site.scope("capi");
        let shown = |it| { note(it); note(`${it}`); fact("it", it); gate("it", true, it); };
        change("1", "Make", || {
            let vm = capi.servers.create(#{ name: "vm", user_data: "mine-c4nary", adminPass: "mine-c4nary-2" });
            shown.call(vm);
            shown.call(vm.adminPass);
            gate("a secret", type_of(vm.adminPass) == "Secret");
            shown.call(vm.update(#{ name: "vm", adminPass: "mine-c4nary-3" }));
            let listed = capi.servers.list()[0];
            shown.call(listed);
            gate("a secret", type_of(listed.user_data) == "Secret");
            for asked in [
                ["compute", "/servers/s-1/action", #{ rescue: #{ adminPass: "mine-c4nary-4" } }],
                ["compute", "/os-keypairs", #{ keypair: #{ name: "k", private_key: "mine-c4nary-5" } }],
                ["identity", "/users/op-id/application_credentials", #{ application_credential: #{ name: "a", secret: "mine-c4nary-6" } }],
                ["identity", "/OS-TRUST/trusts", #{ trust: #{ impersonation: true, password: "mine-c4nary-7" } }],
            ] {
                shown.call(capi.request("POST", asked[0], asked[1], asked[2]));
            }
            shown.call(capi.request("GET", "compute", "/servers"));
            vm
        });
    "#,
        None,
    );
    assert_eq!(outcome.verdicts(), "1 PASS", "{}", outcome.drawn);
    let kept = holds_none(&outcome);
    for field in ["adminPass", "user_data", "private_key", "secret", "password"] {
        assert!(kept.contains(&format!("\"{field}\":\"***\"")), "{field}");
    }
    for report in [
        rhumb::report::json::render(&outcome.report).unwrap(),
        rhumb::report::junit::render(&outcome.report),
        rhumb::report::markdown::render(&outcome.report),
        rhumb::report::html::render(&outcome.report).unwrap(),
    ] {
        assert!(!report.contains(CANARY));
    }
}

#[test]
fn ensure_compares_the_value_and_tells_its_mask() {
    let ensure = |value: &str| {
        run(
            &format!(
                "change(\"1\", \"E\", || site.scope(\"capi\").servers.ensure(\"vm\", #{{ user_data: {value} }}).id);"
            ),
            None,
        )
    };
    for same in ["\"c4nary-of-the-cloud\"", "secret(\"c4nary-of-the-cloud\")"] {
        let outcome = ensure(same);
        assert_eq!(outcome.verdicts(), "1 PASS", "{same}: {}", outcome.drawn);
        holds_none(&outcome);
    }
    for other in ["\"another-c4nary\"", "secret(\"another-c4nary\")", "secret(\"x\")"] {
        let outcome = ensure(other);
        let kept = holds_none(&outcome);
        assert!(outcome.verdicts().starts_with("1 FAIL"), "{other}: {}", outcome.verdicts());
        assert!(kept.contains("user_data is \\\"***\\\", not \\\"***\\\""), "{kept}");
    }
}

#[test]
fn a_patch_is_masked_like_the_object_that_it_changes() {
    let runtime = runtime();
    let behaviour = Behaviour { brief_watches: true, ..Behaviour::default() };
    let cluster = runtime.block_on(Cluster::start(behaviour));
    cluster.change(|store| {
        store.put("/api/v1/namespaces", json!({"metadata": {"name": "default"}, "status": {"phase": "Active"}}));
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"old": "b2xkLWM0bmFyeQ=="}});
        store.put("/api/v1/namespaces/default/secrets", secret);
        let files = json!([{"path": "/a", "content": "there-c4nary"}]);
        store.put(
            "/apis/controlplane.cluster.x-k8s.io/v1beta2/namespaces/default/kubeadmcontrolplanes",
            json!({
                "apiVersion": "controlplane.cluster.x-k8s.io/v1beta2", "kind": "KubeadmControlPlane",
                "metadata": {"name": "p"}, "spec": {"replicas": 1, "kubeadmConfigSpec": {"files": files}},
            }),
        );
    });
    let outcome = run(
        r#"
        let mgmt = site.kube("mgmt");
        change("1", "Patch", || {
            fact("merge", mgmt.patch("secret", "s", #{ data: #{ a: "bWluZS1jNG5hcnk=" }, metadata: #{ labels: #{ team: "x" } } }));
            fact("json", mgmt.patch("secret", "s", [#{ op: "add", path: "/data/b", value: "c4nary-of-a-patch" }], #{ type: "json" }));
            fact("strategic", mgmt.patch("secret", "s", #{ stringData: #{ c: "c4nary-of-a-strategy" } }, #{ type: "strategic" }));
            let plane = mgmt.get("kubeadmcontrolplane", "p");
            fact("plane", plane);
            fact("files", plane.patch(#{ spec: #{ kubeadmConfigSpec: #{ files: [#{ path: "/b", content: "mine-c4nary" }] } } }));
        });
    "#,
        Some(&cluster),
    );
    let kept = holds_none(&outcome);
    assert_eq!(outcome.verdicts(), "1 PASS", "{}", outcome.drawn);
    assert!(!kept.contains("bWluZS1jNG5hcnk=") && !kept.contains("b2xkLWM0bmFyeQ=="), "{kept}");
    let intents = outcome.entries.iter().filter_map(|e| match &e.record {
        Record::Intent { intent, .. } => Some(intent.body.to_string()),
        _ => None,
    });
    let bodies: Vec<String> = intents.collect();
    assert_eq!(
        bodies[..3],
        [
            r#"{"data":{"a":"***"},"metadata":{"labels":{"team":"x"}}}"#,
            r#"[{"op":"add","path":"/data/b","value":"***"}]"#,
            r#"{"stringData":{"c":"***"}}"#,
        ]
    );
    assert!(bodies[3].contains(r#"{"content":"***","path":"/b"}"#), "{}", bodies[3]);
}
