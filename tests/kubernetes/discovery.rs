//! What is served, both ways of asking, and what is not.

use rhumb::base::ErrorKind;

use crate::kube_server::{Behaviour, Canned, Cluster};
use crate::{kind, object};

#[tokio::test]
async fn both_ways_of_asking_find_the_same() {
    let new = Cluster::start(Behaviour::default()).await;
    let old = Cluster::start(Behaviour { plain_discovery: true, ..Behaviour::default() }).await;
    for cluster in [&new, &old] {
        let kube = cluster.kube();
        assert_eq!(kube.served("cluster.x-k8s.io").await.unwrap(), ["v1beta2", "v1beta1"]);
        assert!(kube.served("metrics.k8s.io").await.unwrap().is_empty());
        let found = kube.resource(&kind("deploy")).await.unwrap();
        assert_eq!((found.kind.as_str(), found.namespaced), ("Deployment", true));
        assert_eq!(found.subresources, ["status"]);
        assert!(!kube.resource(&kind("ns")).await.unwrap().namespaced);
    }
    assert_eq!(new.asked("GET", "/api").len(), 2, "two requests tell everything");
    assert!(old.asked("GET", "/api").len() > 2);
}

#[tokio::test]
async fn an_unserved_version_is_not_an_absent_object() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let asked = object("openstackcluster.infrastructure.cluster.x-k8s.io/v1alpha6", "c1");
    let error = cluster.kube().find(&asked).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.detail().help.clone().unwrap().contains("v1beta1"), "{error:?}");
    assert_eq!(error.detail().scope.as_deref(), Some("workload"));
    assert!(cluster.asked("GET", "/apis/infrastructure").is_empty(), "no request was needed to know");
}

#[tokio::test]
async fn a_version_that_goes_away_meanwhile_is_noticed() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let kube = cluster.kube();
    let asked = object("cluster.cluster.x-k8s.io/v1beta1", "c1");
    assert_eq!(kube.get(&asked).await.unwrap_err().kind(), ErrorKind::NotFound);
    cluster.lock().behaviour.unserved.push("cluster.x-k8s.io/v1beta1");
    let error = kube.get(&asked).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "a plain 404: {error}");
    let error = kube.get(&asked).await.unwrap_err();
    assert_eq!(error.detail().help.as_deref(), Some("it serves this kind as cluster.x-k8s.io/v1beta2"));
    assert_eq!(kube.served("cluster.x-k8s.io").await.unwrap(), ["v1beta2"]);
}

#[tokio::test]
async fn a_kind_that_is_installed_meanwhile_is_found() {
    let cluster = Cluster::start(Behaviour::default()).await;
    cluster.lock().behaviour.unserved.push("infrastructure.cluster.x-k8s.io/v1beta1");
    let kube = cluster.kube();
    assert_eq!(kube.resource(&kind("osc")).await.unwrap_err().kind(), ErrorKind::Unsupported);
    cluster.lock().behaviour.unserved.clear();
    assert_eq!(kube.resource(&kind("osc")).await.unwrap().kind, "OpenStackCluster");
}

#[tokio::test]
async fn an_extension_server_that_is_away_hides_nothing_else() {
    let cluster = Cluster::start(Behaviour { plain_discovery: true, ..Behaviour::default() }).await;
    let away = Canned::text(503, "text/plain; charset=utf-8", "service unavailable\n");
    for _ in 0..3 {
        cluster.canned("GET", "/apis/cluster.x-k8s.io/v1beta2", away.clone());
    }
    let kube = cluster.kube();
    let found = kube.resource(&kind("cl")).await.unwrap();
    assert_eq!(found.api_version(), "cluster.x-k8s.io/v1beta1");
    let served = kube.versions().await.unwrap();
    let group = served.groups().iter().find(|g| g.name == "cluster.x-k8s.io").unwrap();
    assert!(group.versions[0].stale && !group.versions[1].stale);
}

#[tokio::test]
async fn another_service_at_the_address_is_told() {
    let cluster = Cluster::start(Behaviour::default()).await;
    cluster.canned("GET", "/api", Canned::text(200, "text/html", "<html><h1>Horizon</h1></html>"));
    let error = cluster.kube().versions().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("Horizon"), "{error}");
    cluster.canned("GET", "/api", Canned::json(200, serde_json::json!({"versions": []})));
    assert_eq!(cluster.kube().versions().await.unwrap_err().kind(), ErrorKind::Protocol);
}
