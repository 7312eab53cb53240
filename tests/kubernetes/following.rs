//! Following objects: live watches, those that close at once, and those that expire.

use std::time::{Duration, Instant};

use rhumb::base::ErrorKind;
use rhumb::systems::kubernetes::Selection;
use serde_json::json;

use crate::kube_server::{Behaviour, Canned, Cluster};
use crate::{all, object};

const SERVICES: &str = "/api/v1/namespaces/default/services";
const SOON: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(20);

fn service(ip: Option<&str>) -> serde_json::Value {
    let ingress = ip.map(|ip| json!([{"ip": ip}]));
    json!({"metadata": {"name": "rr", "uid": "u-rr"}, "status": {"loadBalancer": {"ingress": ingress}}})
}

#[tokio::test]
async fn a_change_is_seen_as_it_happens() {
    let cluster = Cluster::start(Behaviour::default()).await;
    cluster.change(|store| store.put(SERVICES, service(None)));
    let mut follow = cluster.kube().follow(Selection::from(&object("svc", "rr"))).await.unwrap();
    let first = follow.look(SOON).await.unwrap();
    assert!(first.changed && !first.closed && first.objects.len() == 1);
    let quiet = follow.look(SOON).await.unwrap();
    assert!(!quiet.changed && !quiet.closed && quiet.objects.len() == 1, "what is known stays known");

    let (began, changer) = (Instant::now(), cluster.clone());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        changer.change(|store| {
            store.put(SERVICES, json!({"metadata": {"name": "other"}}));
            store.put(SERVICES, service(Some("10.0.0.9")));
        });
    });
    let seen = follow.look(LONG).await.unwrap();
    assert!(seen.changed && began.elapsed() < LONG / 2);
    assert_eq!(seen.objects[0].expose()["status"]["loadBalancer"]["ingress"][0]["ip"], "10.0.0.9");

    cluster.change(|store| store.remove(SERVICES, "rr"));
    let gone = follow.look(LONG).await.unwrap();
    assert!(gone.changed && gone.objects.is_empty());
    assert_eq!(
        cluster.asked("GET", &format!("{SERVICES}?fieldSelector=metadata.name%3Drr&watch=1")).len(),
        1,
        "one watch served all looks"
    );
}

#[tokio::test]
async fn a_watch_that_closes_at_once_says_so() {
    let cluster = Cluster::start(Behaviour { brief_watches: true, ..Behaviour::default() }).await;
    let mut follow = cluster.kube().follow(all("services")).await.unwrap();
    assert!(follow.look(LONG).await.unwrap().objects.is_empty());
    let began = Instant::now();
    let nothing = follow.look(LONG).await.unwrap();
    assert!(!nothing.changed && nothing.closed);
    assert!(began.elapsed() < LONG / 2, "it does not wait where there is nothing to wait for");
    cluster.change(|store| store.put(SERVICES, service(None)));
    let seen = follow.look(LONG).await.unwrap();
    assert!(seen.changed && !seen.closed && seen.objects.len() == 1);
    assert!(follow.look(LONG).await.unwrap().closed);
}

#[tokio::test]
async fn an_expired_watch_starts_over() {
    let cluster = Cluster::start(Behaviour::default()).await;
    cluster.change(|store| store.put(SERVICES, service(None)));
    let mut follow = cluster.kube().follow(all("services")).await.unwrap();
    follow.look(SOON).await.unwrap();

    // as an event in the stream
    let status =
        crate::kube_server::status(410, "Expired", "too old resource version: 301 (900)", json!(null));
    let line = format!("{}\n", json!({"type": "ERROR", "object": status}));
    cluster.canned("GET", SERVICES, Canned::text(200, "application/json", &line));
    cluster.change(|store| store.put(SERVICES, service(Some("10.0.0.9"))));
    let seen = follow.look(LONG).await.unwrap();
    assert!(seen.changed);
    assert_eq!(seen.objects[0].expose()["status"]["loadBalancer"]["ingress"][0]["ip"], "10.0.0.9");

    // as the answer to the request, with nothing new
    cluster.canned("GET", SERVICES, Canned::json(410, status));
    let seen = follow.look(LONG).await.unwrap();
    assert!(!seen.changed && seen.objects.len() == 1);
}

#[tokio::test]
async fn after_an_error_it_goes_on_where_it_stopped() {
    let cluster = Cluster::start(Behaviour::default()).await;
    cluster.change(|store| store.put(SERVICES, service(None)));
    let mut follow = cluster.kube().follow(all("services")).await.unwrap();
    follow.look(SOON).await.unwrap();
    cluster.canned("GET", SERVICES, Canned::text(503, "text/plain", "apiserver not ready"));
    let error = follow.look(LONG).await.unwrap_err();
    assert_eq!((error.kind(), error.detail().scope.as_deref()), (ErrorKind::Transient, Some("workload")));
    cluster.change(|store| store.put(SERVICES, service(Some("10.0.0.9"))));
    let seen = follow.look(LONG).await.unwrap();
    assert!(seen.changed && seen.objects.len() == 1);

    cluster.canned("GET", SERVICES, Canned::status(403, "Forbidden", "no", json!({})));
    let mut other = cluster.kube().follow(all("services")).await.unwrap();
    assert_eq!(other.look(SOON).await.unwrap_err().kind(), ErrorKind::Forbidden);
}
