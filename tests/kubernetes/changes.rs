//! Changes: sent once, only with a permit, and never again by themselves.

use rhumb::base::{Error, ErrorKind, Intent, Ledger, Mutation, Payload, Permit, Result};
use rhumb::systems::command::Command;
use rhumb::systems::kubernetes::{Expected, Kube, KubeCall, Patch, Propagation};
use serde_json::json;

use crate::kube_server::{Behaviour, Canned, Cluster, carry_out, kubeconfig, spec};
use crate::object;

const SERVICES: &str = "/api/v1/namespaces/default/services";

fn service() -> Payload {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "rr"}, "spec": {"type": "LoadBalancer"}}).into()
}

#[tokio::test]
async fn apply_creates_and_then_changes() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let kube = cluster.kube();
    let made = carry_out(&kube, KubeCall::Apply { manifest: service(), force: false }).await.unwrap();
    assert_eq!(made.expose()["spec"]["type"], "LoadBalancer");
    let patch = Patch::Merge(json!({"spec": {"type": "ClusterIP"}}).into());
    carry_out(&kube, KubeCall::Patch { object: object("svc", "rr"), patch }).await.unwrap();
    let now = kube.get(&object("svc", "rr")).await.unwrap();
    assert_eq!(now.expose()["spec"]["type"], "ClusterIP");
    let sent = &cluster.asked("PATCH", SERVICES)[0];
    assert_eq!(sent.target, format!("{SERVICES}/rr?fieldManager=rhumb"));
    assert_eq!(sent.headers["content-type"], "application/apply-patch+yaml");
    assert_eq!(sent.headers["authorization"], "Bearer t0ken");
}

#[tokio::test]
async fn what_exists_is_a_conflict_and_what_is_wrong_is_told_by_field() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let kube = cluster.kube();
    carry_out(&kube, KubeCall::Create { manifest: service() }).await.unwrap();
    let error = carry_out(&kube, KubeCall::Create { manifest: service() }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("services \"rr\" already exists"), "{error}");
    assert_eq!(error.detail().request_id.as_deref(), Some("a-1"));
    let bad = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "Bad_Name"}});
    let error = carry_out(&kube, KubeCall::Create { manifest: bad.into() }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        error.to_string().contains("Service \"Bad_Name\" is invalid: metadata.name: Invalid value"),
        "{error}"
    );
}

#[tokio::test]
async fn a_busy_server_gets_a_change_once() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let kube = cluster.kube();
    cluster.change(|store| store.put(SERVICES, service().expose().clone()));
    let one = format!("{SERVICES}/rr");
    let busy = || Canned::text(503, "text/plain", "busy");
    let merge = || Patch::Merge(json!({}).into());
    let calls: [(&str, &str, KubeCall); 4] = [
        ("POST", SERVICES, KubeCall::Create { manifest: service() }),
        ("PATCH", &one, KubeCall::Apply { manifest: service(), force: true }),
        ("PATCH", &one, KubeCall::Patch { object: object("service", "rr"), patch: merge() }),
        (
            "DELETE",
            &one,
            KubeCall::Delete {
                object: object("service", "rr"),
                propagation: Propagation::Background,
                uid: None,
            },
        ),
    ];
    for (method, path, call) in calls {
        let before = cluster.asked(method, SERVICES).len();
        cluster.canned(method, path, busy());
        let error = carry_out(&kube, call).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transient, "{method}");
        assert_eq!(cluster.asked(method, SERVICES).len(), before + 1, "{method} was sent once");
    }
}

#[tokio::test]
async fn nothing_is_sent_without_an_approval() {
    struct Unwilling;
    impl Ledger for Unwilling {
        fn authorise(&self, intent: &Intent) -> Result<u64> {
            assert_eq!(
                intent.identity,
                format!("kubernetes-admin at {}, context test, v1.34.9", SERVER.get().unwrap())
            );
            Err(Error::new(ErrorKind::Declined, "no"))
        }
    }
    static SERVER: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let cluster = Cluster::start(Behaviour::default()).await;
    let kube = cluster.kube();
    SERVER.set(kube.server().to_string()).unwrap();
    let bound = kube.bind(KubeCall::Create { manifest: service() }).await.unwrap();
    assert_eq!(bound.intent().summary, "create service default/rr");
    let declined = Permit::obtain(&Unwilling, bound).map(|_| ());
    assert_eq!(declined.unwrap_err().kind(), ErrorKind::Declined);
    assert!(cluster.asked("POST", SERVICES).is_empty());
}

#[tokio::test]
async fn a_handle_that_is_not_what_is_declared_changes_nothing() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let declared = |expected: Expected| {
        let mut spec = spec(&cluster.kubeconfig());
        spec.expected = expected;
        Kube::new(&spec, None, None).unwrap()
    };
    let other = declared(Expected { cluster_uid: Some("u-other".into()), ..Expected::default() });
    let error = other.bind(KubeCall::Create { manifest: service() }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ScopeMismatch);
    assert!(error.to_string().contains("`u-other` but is `u-cluster`"), "{error}");
    let same = declared(Expected {
        user: Some("kubernetes-admin".into()),
        cluster_uid: Some("u-cluster".into()),
        server: None,
    });
    assert!(same.bind(KubeCall::Create { manifest: service() }).await.is_ok());
    assert!(cluster.asked("POST", SERVICES).is_empty());
}

#[tokio::test]
async fn at_another_address_the_declaration_still_counts_and_the_real_address_is_shown() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let port = cluster.address.port();
    let declared = |server: &str| {
        // the kubeconfig names the machine by a name that leads nowhere
        let named = json!({"server": format!("http://mgmt.invalid:{port}")});
        let mut spec = spec(&kubeconfig(named, json!({"token": "t0ken"})));
        spec.expected.server = Some(server.into());
        Kube::new_at(&spec, "127.0.0.1", None, None).unwrap()
    };
    let found = declared(&format!("http://mgmt.invalid:{port}"));
    let bound = found.bind(KubeCall::Create { manifest: service() }).await.unwrap();
    drop(bound);
    assert_eq!(found.identity().await.unwrap().server, format!("http://127.0.0.1:{port}"));
    let error =
        declared("http://127.0.0.1:1").bind(KubeCall::Create { manifest: service() }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ScopeMismatch, "{error}");
    assert!(cluster.asked("POST", SERVICES).is_empty());
}

#[tokio::test]
async fn a_dry_run_stores_nothing() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let kube = cluster.kube();
    let shown = kube.dry_run(KubeCall::Create { manifest: service() }).await.unwrap();
    assert_eq!(shown.expose()["metadata"]["name"], "rr");
    assert!(kube.find(&object("service", "rr")).await.unwrap().is_none());
    assert!(cluster.asked("POST", SERVICES)[0].target.ends_with("dryRun=All"));
}

#[tokio::test]
async fn delete_holds_to_the_object_that_was_meant() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let kube = cluster.kube();
    let made = carry_out(&kube, KubeCall::Create { manifest: service() }).await.unwrap();
    let delete = |uid: &str| KubeCall::Delete {
        object: object("service", "rr"),
        propagation: Propagation::Background,
        uid: Some(uid.into()),
    };
    let error = carry_out(&kube, delete("u-of-another")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let gone = carry_out(&kube, delete(made.expose()["metadata"]["uid"].as_str().unwrap())).await.unwrap();
    assert_eq!((&gone.expose()["kind"], &gone.expose()["status"]), (&json!("Status"), &json!("Success")));
    let error = carry_out(&kube, delete("any")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn finalizers_go_one_by_one_and_only_as_they_were_read() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let kube = cluster.kube();
    let clusters = "/apis/infrastructure.cluster.x-k8s.io/v1beta1/namespaces/default/openstackclusters";
    let (own, janitor) = ("openstackcluster.infrastructure.cluster.x-k8s.io", "janitor.capi.stackhpc.com");
    let wedged = json!({"metadata": {"name": "c2", "finalizers": [own, janitor], "deletionTimestamp": "2026-11-22T17:31:46Z"}});
    cluster.change(|store| store.put(clusters, wedged));
    let read = kube.get(&object("osc", "c2")).await.unwrap();

    carry_out(&kube, KubeCall::remove_finalizer(read.expose(), own).unwrap()).await.unwrap();
    let left = kube.get(&object("osc", "c2")).await.unwrap();
    assert_eq!(left.expose()["metadata"]["finalizers"], json!([janitor]));

    // what was read first is stale by now: the janitor's finalizer has another place
    let error =
        carry_out(&kube, KubeCall::remove_finalizer(read.expose(), janitor).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("no longer what the patch tests for"), "{error}");

    carry_out(&kube, KubeCall::remove_finalizer(left.expose(), janitor).unwrap()).await.unwrap();
    assert!(kube.find(&object("osc", "c2")).await.unwrap().is_none(), "the last one lets it go");
}

#[tokio::test]
async fn a_secret_that_was_sent_is_in_no_answer_and_no_error() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let kube = cluster.kube();
    let manifest = || {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"k": "hunter2"}});
        Payload::new(map, ["/data/k".to_string()])
    };
    let made = carry_out(&kube, KubeCall::Create { manifest: manifest() }).await.unwrap();
    assert_eq!(made.masked()["data"]["k"], "***", "the answer's echo is a secret too");
    let echo = Canned::status(422, "Invalid", "data.k: Invalid value: \"hunter2\"", json!({}));
    cluster.canned("PATCH", "/api/v1/namespaces/default/configmaps/m", echo);
    let error = carry_out(&kube, KubeCall::Apply { manifest: manifest(), force: true }).await.unwrap_err();
    let shown = format!("{error} {:?}", error.detail());
    assert!(!shown.contains("hunter2") && shown.contains("withheld"), "{shown}");
}

#[tokio::test]
async fn a_change_without_an_answer_is_in_doubt() {
    // a server that reads the request and hangs up
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let cluster = Cluster::start(Behaviour::default()).await;
    let behind = cluster.address;
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut first = [0u8; 4];
                client.peek(&mut first).await.unwrap();
                if &first == b"POST" {
                    let mut head = [0u8; 16 << 10];
                    let n = tokio::io::AsyncReadExt::read(&mut client, &mut head).await.unwrap();
                    if !String::from_utf8_lossy(&head[..n]).contains("selfsubjectreviews") {
                        return; // dropped: the connection closes without an answer
                    }
                    let mut server = tokio::net::TcpStream::connect(behind).await.unwrap();
                    tokio::io::AsyncWriteExt::write_all(&mut server, &head[..n]).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    return;
                }
                let mut server = tokio::net::TcpStream::connect(behind).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    let config = crate::kube_server::kubeconfig(json!({"server": format!("http://{address}")}), json!({}));
    let kube = crate::kube_server::kube(&config).unwrap();
    kube.versions().await.unwrap();
    let error = carry_out(&kube, KubeCall::Create { manifest: service() }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(error.detail().help.clone().unwrap().contains("look whether it took effect"));
}

/// Whether nobody knows, after an error, if the change took place.
fn in_doubt(e: &Error) -> bool {
    let doubtful = [ErrorKind::Protocol, ErrorKind::Timeout, ErrorKind::Transient, ErrorKind::Unreachable];
    doubtful.contains(&e.kind()) && !e.is_unsent()
}

#[tokio::test]
async fn only_the_object_itself_is_the_answer_to_a_change() {
    const LOGIN: &str = "<!doctype html><title>Log in</title>Please log in";
    let cluster = Cluster::start(Behaviour::default()).await;
    let kube = cluster.kube();
    cluster.change(|store| store.put(SERVICES, service().expose().clone()));
    let one = format!("{SERVICES}/rr");
    let scale = "/apis/apps/v1/namespaces/default/deployments/web/scale";
    let exec = "/api/v1/namespaces/default/pods/p/exec";
    let delete = || KubeCall::Delete {
        object: object("service", "rr"),
        propagation: Propagation::Background,
        uid: None,
    };
    let merge = || Patch::Merge(json!({}).into());
    let json_patch = || Patch::Json(json!([]).into());
    let finalizer = || KubeCall::RemoveFinalizer {
        object: object("service", "rr"),
        uid: "u".into(),
        index: 0,
        finalizer: "f".into(),
    };
    let run = || KubeCall::Exec {
        namespace: None,
        pod: "p".into(),
        container: None,
        command: Command::new(["date"]),
    };
    type Make<'a> = &'a dyn Fn() -> KubeCall;
    let calls: [(&str, &str, Make<'_>); 8] = [
        ("POST", SERVICES, &|| KubeCall::Create { manifest: service() }),
        ("PATCH", &one, &|| KubeCall::Apply { manifest: service(), force: false }),
        ("PATCH", &one, &|| KubeCall::Patch { object: object("service", "rr"), patch: merge() }),
        ("PATCH", &one, &|| KubeCall::Patch { object: object("service", "rr"), patch: json_patch() }),
        ("PATCH", &one, &finalizer),
        ("PATCH", scale, &|| KubeCall::Scale { object: object("deployment", "web"), replicas: 2 }),
        ("DELETE", &one, &delete),
        ("GET", exec, &run),
    ];
    let named =
        |kind: &str, name: &str| json!({"kind": kind, "apiVersion": "v1", "metadata": {"name": name}});
    let done = json!({"kind": "Status", "status": "Success", "details": {"name": "other"}});
    for (method, path, call) in calls {
        let mut moved = Canned::text(302, "text/html", LOGIN);
        moved.headers.push(("location", "https://portal.example/login?token=hunter2".into()));
        for answer in [
            Canned::text(200, "text/html", LOGIN),
            Canned::text(201, "text/html", LOGIN),
            Canned::text(200, "application/json", ""),
            Canned::text(204, "text/plain", ""),
            Canned::json(200, json!({})),
            Canned::json(200, named("Service", "other")),
            Canned::json(201, named("Secret", "rr")),
            Canned::json(200, done.clone()),
            Canned::text(200, "application/json", "{\"kind\": \"Service\", \"meta"),
            moved,
            Canned::text(502, "text/html", LOGIN),
            Canned::text(503, "text/html", LOGIN),
            Canned::text(404, "text/html", LOGIN),
            Canned::text(403, "text/html", LOGIN),
            Canned::text(401, "text/html", LOGIN),
            Canned::json(404, json!({"message": "no Route matched with those values"})),
        ] {
            let told = format!("{method} {path} answered {} {}", answer.status, answer.body);
            let before = cluster.asked(method, path).len();
            cluster.canned(method, path, answer);
            let error = carry_out(&kube, call()).await.err().unwrap_or_else(|| panic!("done: {told}"));
            assert!(in_doubt(&error), "{told}: {:?}: {error}", error.kind());
            assert!(!error.to_string().contains("hunter2"), "{error}");
            assert_eq!(cluster.asked(method, path).len(), before + 1, "sent once: {told}");
        }
    }
    let refused = || Canned::status(403, "Forbidden", "services is forbidden", json!({"kind": "services"}));
    cluster.canned("DELETE", &one, refused());
    assert_eq!(carry_out(&kube, delete()).await.unwrap_err().kind(), ErrorKind::Forbidden);
    carry_out(&kube, delete()).await.unwrap();
}

#[tokio::test]
async fn a_change_without_a_connection_was_not_sent() {
    // reads go to a server that is there, and then it is gone
    let cluster = Cluster::start(Behaviour::default()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let behind = cluster.address;
    let way = tokio::spawn(async move {
        let mut all = tokio::task::JoinSet::new();
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            all.spawn(async move {
                let mut server = tokio::net::TcpStream::connect(behind).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    let config = crate::kube_server::kubeconfig(json!({"server": format!("http://{address}")}), json!({}));
    let kube = crate::kube_server::kube(&config).unwrap();
    let bound = kube.bind(KubeCall::Create { manifest: service() }).await.unwrap();
    struct Yes;
    impl Ledger for Yes {
        fn authorise(&self, _: &Intent) -> Result<u64> {
            Ok(1)
        }
    }
    let permit = Permit::obtain(&Yes, bound).unwrap();
    way.abort();
    let _ = way.await;
    let error = Kube::mutate(permit).await.unwrap_err();
    assert_eq!((error.kind(), error.is_unsent()), (ErrorKind::Unreachable, true), "{error}");
}
