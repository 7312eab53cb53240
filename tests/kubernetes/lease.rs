//! The Lease that excludes other machines.

use jiff::Timestamp;
use rhumb::base::ErrorKind;
use serde_json::json;

use crate::kube_server::{Behaviour, Canned, Cluster};

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/rhumb/leases";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[tokio::test]
async fn one_holds_it_until_it_is_released_or_not_renewed_any_more() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let (first, second) = (cluster.kube(), cluster.kube());
    let mut held =
        first.lease("rhumb", "rhumb-site", "ops@jump-1", at("2026-06-10T02:00:00Z")).await.unwrap();

    let refused = second.lease("rhumb", "rhumb-site", "ops@jump-2", at("2026-06-10T02:01:00Z")).await;
    let e = refused.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Locked);
    assert!(e.to_string().contains("held by ops@jump-1"), "{e}");

    held.renew(at("2026-06-10T02:05:00Z")).await.unwrap();
    let refused = second.lease("rhumb", "rhumb-site", "ops@jump-2", at("2026-06-10T02:06:59Z")).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Locked, "it was renewed");

    held.release().await.unwrap();
    let next = second.lease("rhumb", "rhumb-site", "ops@jump-2", at("2026-06-10T02:07:00Z")).await.unwrap();
    let lease = cluster.lock().store.get(LEASES, "rhumb-site").unwrap().clone();
    assert_eq!(lease["spec"]["holderIdentity"], next.holder());
    assert_eq!(lease["spec"]["leaseTransitions"], 1);

    // its machine is gone: after twice its time another may have it
    first.lease("rhumb", "rhumb-site", "ops@jump-1", at("2026-06-10T02:09:00Z")).await.unwrap();
}

#[tokio::test]
async fn who_has_lost_it_is_told_at_the_next_renewal() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let mut held =
        cluster.kube().lease("rhumb", "rhumb-site", "ops@jump-1", at("2026-06-10T02:00:00Z")).await.unwrap();
    cluster.kube().lease("rhumb", "rhumb-site", "ops@jump-2", at("2026-06-10T03:00:00Z")).await.unwrap();
    let e = held.renew(at("2026-06-10T03:00:01Z")).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Locked);
    assert!(e.to_string().contains("taken over"), "{e}");
}

#[tokio::test]
async fn of_two_that_take_it_at_once_one_is_refused() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let message = "leases.coordination.k8s.io \"rhumb-site\" already exists";
    cluster.canned("POST", LEASES, Canned::status(409, "AlreadyExists", message, json!({})));
    let e = cluster.kube().lease("rhumb", "rhumb-site", "me", at("2026-06-10T02:00:00Z")).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Locked);
}
