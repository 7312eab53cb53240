//! Lists, objects, logs, and answers that are wrong.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rhumb::base::ErrorKind;
use rhumb::systems::http::{RequestRecord, Witness};
use rhumb::systems::kubernetes::{Kube, LogPart, Namespace};
use serde_json::json;

use crate::kube_server::{Behaviour, Canned, Cluster, Store, spec};
use crate::{all, kind, object};

const PODS: &str = "/api/v1/namespaces/default/pods";

fn pods(store: &mut Store, count: usize) {
    for n in 0..count {
        let app = if n % 2 == 0 { "even" } else { "odd" };
        store.put(PODS, json!({"metadata": {"name": format!("p-{n:04}"), "labels": {"app": app}}}));
    }
}

#[tokio::test]
async fn a_list_is_read_to_its_end() {
    let cluster = Cluster::start(Behaviour::default()).await;
    cluster.change(|store| pods(store, 1203));
    let kube = cluster.kube();
    let found = kube.list(&all("pods")).await.unwrap();
    assert_eq!(found.len(), 1203);
    assert_eq!(found[1202].expose()["metadata"]["name"], "p-1202");
    assert_eq!((&found[0].expose()["kind"], &found[0].expose()["apiVersion"]), (&json!("Pod"), &json!("v1")));
    let asked = cluster.asked("GET", PODS);
    let targets: Vec<_> = asked.iter().map(|a| a.target.trim_start_matches(PODS)).collect();
    assert_eq!(targets, ["?limit=500", "?limit=500&continue=500", "?limit=500&continue=1000"]);
    let odd = kube.list(&all("po").labelled("app=odd")).await.unwrap();
    assert_eq!(odd.len(), 601);
}

#[tokio::test]
async fn a_list_whose_pages_expired_starts_over() {
    let cluster = Cluster::start(Behaviour::default()).await;
    cluster.change(|store| pods(store, 700));
    let message = "The provided continue parameter is too old to display a consistent list result.";
    let first =
        json!({"kind": "PodList", "metadata": {"continue": "abc"}, "items": [{"metadata": {"name": "old"}}]});
    cluster.canned("GET", PODS, Canned::json(200, first));
    cluster.canned("GET", PODS, Canned::status(410, "Expired", message, json!({})));
    let found = cluster.kube().list(&all("pods")).await.unwrap();
    assert_eq!(found.len(), 700);
    let last = cluster.asked("GET", PODS).pop().unwrap().target;
    assert!(!last.contains("continue"), "{last}");
}

#[tokio::test]
async fn namespaces_are_the_handles_own_or_named_or_all() {
    let cluster = Cluster::start(Behaviour::default()).await;
    cluster.change(|store| {
        store.put(PODS, json!({"metadata": {"name": "here"}}));
        store.put("/api/v1/namespaces/kube-system/pods", json!({"metadata": {"name": "there"}}));
    });
    let kube = cluster.kube();
    let there = all("pods").within(Namespace::Named("kube-system".into()));
    assert_eq!(kube.list(&there).await.unwrap().len(), 1);
    assert_eq!(
        kube.in_namespace("kube-system").get(&object("pod", "there")).await.unwrap().expose()["metadata"]["name"],
        "there"
    );
    assert!(kube.find(&object("pod", "there")).await.unwrap().is_none());
    assert!(kube.find(&object("pod", "there").in_namespace("kube-system")).await.unwrap().is_some());
    kube.list(&all("pods").within(Namespace::All)).await.unwrap();
    assert_eq!(cluster.asked("GET", "/api/v1/pods?").len(), 1);
}

#[tokio::test]
async fn a_secret_is_never_shown() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let data = json!({"metadata": {"name": "c1-kubeconfig"}, "data": {"value": "aHVudGVyMg=="}});
    cluster.change(|store| store.put("/api/v1/namespaces/default/secrets", data));
    let kube = cluster.kube();
    let one = kube.get(&object("secret", "c1-kubeconfig")).await.unwrap();
    assert_eq!(one.masked()["data"]["value"], "***");
    assert_eq!(one.expose()["data"]["value"], "aHVudGVyMg==");
    let listed = kube.list(&all("secrets")).await.unwrap();
    assert!(!format!("{listed:?}").contains("aHVudGVyMg=="));
}

#[tokio::test]
async fn a_log_is_text() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let path = format!("{PODS}/ccm/log");
    cluster.canned("GET", &path, Canned::text(200, "text/plain", "I1122 started\nE1122 403\n"));
    let part = LogPart { tail: Some(2), since: Some(Duration::from_secs(90)), ..LogPart::default() };
    let log = cluster.kube().logs(None, "ccm", &part).await.unwrap();
    assert_eq!(log, "I1122 started\nE1122 403\n");
    assert!(cluster.asked("GET", &path)[0].target.contains("tailLines=2&sinceSeconds=90"));
    let message = "previous terminated container \"ccm\" in pod \"ccm\" not found";
    cluster.canned("GET", &path, Canned::status(400, "BadRequest", message, json!(null)));
    let error = cluster
        .kube()
        .logs(None, "ccm", &LogPart { previous: true, ..LogPart::default() })
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("previous terminated"), "{error}");
}

#[tokio::test]
async fn a_refusal_names_verb_resource_and_handle() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let message = "nodes is forbidden: User \"viewer\" cannot list resource \"nodes\" in API group \"\" at the cluster scope";
    cluster.canned(
        "GET",
        "/api/v1/nodes",
        Canned::status(403, "Forbidden", message, json!({"kind": "nodes"})),
    );
    let error = cluster.kube().list(&all("nodes")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(error.to_string().contains("cannot list resource \"nodes\""), "{error}");
    assert_eq!((error.detail().scope.as_deref(), error.detail().status), (Some("workload"), Some(403)));
    cluster.canned("GET", "/api/v1/nodes", Canned::status(401, "Unauthorized", "Unauthorized", json!(null)));
    let error = cluster.kube().list(&all("nodes")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
}

#[tokio::test]
async fn an_answer_that_is_cut_or_endless_or_no_json_is_told() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let kube = cluster.kube();
    kube.versions().await.unwrap();
    let cut = || Canned::text(200, "application/json", "{\"kind\":\"NodeList\",\"ite");
    cluster.canned("GET", "/api/v1/nodes", cut());
    assert!(kube.list(&all("nodes")).await.unwrap().is_empty(), "a read is tried again");
    for _ in 0..3 {
        cluster.canned("GET", "/api/v1/nodes", cut());
    }
    let error = kube.list(&all("nodes")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("ends early"), "{error}");
    let endless = "x".repeat((64 << 20) + 1);
    cluster.canned("GET", "/api/v1/nodes", Canned::text(200, "application/json", &endless));
    let error = kube.list(&all("nodes")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("longer than 64.0 MiB"), "{error}");
}

#[tokio::test]
async fn a_busy_server_is_transient_and_an_absent_one_unreachable() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let kube = cluster.kube();
    kube.versions().await.unwrap();
    let busy = || Canned::text(503, "text/plain", "apiserver not ready");
    cluster.canned("GET", "/api/v1/nodes", busy());
    assert!(kube.list(&all("nodes")).await.unwrap().is_empty(), "a read is tried again");
    for _ in 0..3 {
        cluster.canned("GET", "/api/v1/nodes", busy());
    }
    let error = kube.list(&all("nodes")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert!(error.to_string().ends_with("was answered with 503, 3 times"), "{error}");
    let mut busy = Canned::status(429, "TooManyRequests", "too many requests", json!(null));
    busy.headers.push(("retry-after", "9".into()));
    cluster.canned("GET", "/api/v1/nodes", busy);
    let error = kube.list(&all("nodes")).await.unwrap_err();
    assert!(error.to_string().ends_with("it asks to wait 9 s"), "{error}");

    let nobody = crate::kube_server::kubeconfig(json!({"server": "http://127.0.0.1:9"}), json!({}));
    let error = crate::kube_server::kube(&nobody).unwrap().versions().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn warnings_of_the_server_are_kept() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let kube = cluster.kube();
    let resource = kube.resource(&kind("cluster/v1beta1")).await.unwrap();
    assert_eq!(resource.version, "v1beta1");
    let mut list = Canned::json(200, json!({"kind": "ClusterList", "metadata": {}, "items": []}));
    list.headers.push(("warning", "299 - \"cluster.x-k8s.io/v1beta1 Cluster is deprecated\"".into()));
    cluster.canned("GET", "/apis/cluster.x-k8s.io/v1beta1/namespaces/default/clusters", list);
    kube.list(&all("cluster/v1beta1")).await.unwrap();
    assert_eq!(kube.take_warnings(), ["cluster.x-k8s.io/v1beta1 Cluster is deprecated"]);
    assert!(kube.take_warnings().is_empty());
}

#[tokio::test]
async fn a_witness_sees_each_request() {
    #[derive(Default)]
    struct Notes(Mutex<Vec<(String, Option<u16>, u32)>>);
    impl Witness for Notes {
        fn request(&self, r: &RequestRecord) {
            assert_eq!((r.handle.as_str(), r.service.as_str()), ("workload", "kubernetes"));
            let path = r.url.split_once("//").and_then(|(_, rest)| rest.split_once('/')).unwrap().1;
            self.0.lock().unwrap().push((format!("{} /{path}", r.method), r.status, r.tries));
        }
    }
    let cluster = Cluster::start(Behaviour::default()).await;
    let notes = Arc::new(Notes::default());
    let kube = Kube::new(&spec(&cluster.kubeconfig()), None, Some(notes.clone())).unwrap();
    cluster.canned("GET", "/api", Canned::text(502, "text/html", "<h1>Bad Gateway</h1>"));
    assert!(kube.find(&object("node", "n1")).await.unwrap().is_none());
    let seen = notes.0.lock().unwrap().clone();
    let expected = [("GET /api", 200, 2), ("GET /apis", 200, 1), ("GET /api/v1/nodes/n1", 404, 1)];
    assert_eq!(seen, expected.map(|(what, status, tries)| (what.to_string(), Some(status), tries)));
}
