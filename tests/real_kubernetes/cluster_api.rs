//! Cluster API's kinds on the real server: two served versions, a wedged cluster, a version that goes away.

use std::time::Duration;

use rhumb::base::ErrorKind;
use rhumb::systems::kubernetes::{KubeCall, ObjectRef, Propagation, Selection};
use serde_json::{Value, json};

use crate::kube_server::carry_out;
use crate::place::{Place, admin, ask, kind, object};
use crate::testbed::{run, var};

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const CLUSTER: &str = "cluster.cluster.x-k8s.io";
const OWN: &str = "openstackcluster.infrastructure.cluster.x-k8s.io";
const JANITOR: &str = "janitor.capi.stackhpc.com";

/// Cluster API's definitions, without its controllers; gone with the test, and all objects of these kinds with them.
struct Definitions(Vec<String>);

impl Definitions {
    fn install() -> Self {
        let all: Value = serde_json::from_str(include_str!("cluster_api.json")).unwrap();
        let mut made = Definitions(Vec::new());
        for one in all.as_array().unwrap() {
            let name = one["metadata"]["name"].as_str().unwrap();
            ask("PATCH", &format!("{DEFINITIONS}/{name}?fieldManager=test&force=true"), Some(one));
            made.0.push(name.to_string());
        }
        made
    }
}

impl Drop for Definitions {
    fn drop(&mut self) {
        for name in &self.0 {
            let path = format!("{DEFINITIONS}/{name}");
            let gone = run(var("KUBERNETES_ASK"), ["DELETE", path.as_str()]);
            if !gone.status.success() && !std::thread::panicking() {
                panic!("{name} stays: {}", String::from_utf8_lossy(&gone.stderr));
            }
        }
    }
}

/// Until the server serves what was defined, or no longer does: it takes a moment.
async fn settled(what: &str, as_wanted: impl AsyncFn() -> bool) {
    for _ in 0..60 {
        if as_wanted().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    panic!("{what} did not come");
}

#[tokio::test]
async fn the_served_versions_are_the_servers_own_word() {
    let place = Place::new();
    let definitions = Definitions::install();
    settled("v1beta2", async || admin().served("cluster.x-k8s.io").await.unwrap() == ["v1beta2", "v1beta1"])
        .await;
    let kube = place.kube();
    settled("the kinds", async || admin().resource(&kind("osc")).await.is_ok()).await;
    assert_eq!(
        kube.resource(&kind("clusters.cluster.x-k8s.io")).await.unwrap().api_version(),
        "cluster.x-k8s.io/v1beta2"
    );
    let old = kube.resource(&kind("cluster.cluster.x-k8s.io/v1beta1")).await.unwrap();
    assert_eq!(old.api_version(), "cluster.x-k8s.io/v1beta1");

    // D-042: a version that is not served looks like an absent object to other clients
    let unserved = object("openstackcluster.infrastructure.cluster.x-k8s.io/v1alpha6", "c1");
    let error = kube.find(&unserved).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.detail().help.as_deref().unwrap().contains("v1beta1"), "{error:?}");

    // what one version wrote, the other reads
    let one = json!({"apiVersion": "cluster.x-k8s.io/v1beta1", "kind": "Cluster", "metadata": {"name": "c1"}, "spec": {"paused": false}});
    carry_out(&kube, KubeCall::Apply { manifest: one.into(), force: false }).await.unwrap();
    let read = kube.get(&object(CLUSTER, "c1")).await.unwrap();
    assert_eq!(
        (&read.expose()["apiVersion"], &read.expose()["spec"]["paused"]),
        (&json!("cluster.x-k8s.io/v1beta2"), &json!(false))
    );

    // an upgrade takes the old version away from under a handle that knows it
    for name in ["clusters", "machines"] {
        let path = format!("{DEFINITIONS}/{name}.cluster.x-k8s.io");
        ask(
            "PATCH",
            &path,
            Some(&json!([{"op": "replace", "path": "/spec/versions/0/served", "value": false}])),
        );
    }
    settled("the end of v1beta1", async || admin().served("cluster.x-k8s.io").await.unwrap() == ["v1beta2"])
        .await;
    let error = kube.get(&object("cluster.cluster.x-k8s.io/v1beta1", "c1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    kube.get(&object(CLUSTER, "c1")).await.unwrap();
    drop(definitions);
}

#[tokio::test]
async fn a_wedged_cluster_is_freed_finalizer_by_finalizer() {
    let place = Place::new();
    let _definitions = Definitions::install();
    let kube = place.kube();
    settled("the kind", async || admin().resource(&kind("osc")).await.is_ok()).await;
    let wedged = json!({
        "apiVersion": "infrastructure.cluster.x-k8s.io/v1beta1", "kind": "OpenStackCluster",
        "metadata": {"name": "c2", "finalizers": [OWN, JANITOR]}, "spec": {},
    });
    carry_out(&kube, KubeCall::Create { manifest: wedged.into() }).await.unwrap();
    let mut follow = kube.follow(Selection::from(&object("osc", "c2"))).await.unwrap();
    let delete =
        |object: ObjectRef| KubeCall::Delete { object, propagation: Propagation::Background, uid: None };
    let asked = carry_out(&kube, delete(object("osc", "c2"))).await.unwrap();
    assert!(asked.expose()["metadata"]["deletionTimestamp"].is_string(), "accepted, and held");

    let read = kube.get(&object("osc", "c2")).await.unwrap();
    let error = KubeCall::remove_finalizer(read.expose(), "another.example").unwrap_err();
    assert!(error.to_string().contains("another.example"), "{error}");
    carry_out(&kube, KubeCall::remove_finalizer(read.expose(), OWN).unwrap()).await.unwrap();
    // what was read is stale now: the place of the other is another one
    let stale =
        carry_out(&kube, KubeCall::remove_finalizer(read.expose(), JANITOR).unwrap()).await.unwrap_err();
    assert_eq!(stale.kind(), ErrorKind::Conflict);
    assert!(stale.to_string().contains("no longer what the patch tests for"), "{stale}");
    let left = kube.get(&object("osc", "c2")).await.unwrap();
    assert_eq!(left.expose()["metadata"]["finalizers"], json!([JANITOR]));
    carry_out(&kube, KubeCall::remove_finalizer(left.expose(), JANITOR).unwrap()).await.unwrap();
    assert!(kube.find(&object("osc", "c2")).await.unwrap().is_none(), "the last one lets it go");
    for _ in 0..20 {
        if follow.look(Duration::from_secs(1)).await.unwrap().objects.is_empty() {
            return;
        }
    }
    panic!("its end was not seen");
}
