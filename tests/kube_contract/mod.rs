//! What any Kubernetes API must answer to hold this handle's promises: the same checks for the small server of these tests, the
//! lab's, the testbed's real one, and any cluster that an operator names. Each makes a few ConfigMaps or a Secret in the handle's
//! namespace, and removes them.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's support fails as a test does")]

pub(crate) mod record;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rhumb::base::{ErrorKind, Payload};
use rhumb::systems::kubernetes::{Follow, Kube, KubeCall, ObjectRef, Patch, Propagation, Seen, Selection};
use serde_json::{Value, json};

use crate::kube_server::carry_out;

/// A test for each check, against every handle that `$clusters().await` gives.
macro_rules! contract {
    ($clusters:path; $($check:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $check() {
                for kube in $clusters().await {
                    crate::kube_contract::$check(&kube).await;
                }
            }
        )*
    };
    ($clusters:path) => {
        crate::kube_contract::contract!(
            $clusters;
            it_says_what_it_is_and_serves,
            an_object_lives_and_dies,
            apply_is_create_and_update_in_one,
            a_bad_name_is_told_by_field,
            a_life_is_followed_to_its_end,
            a_secret_comes_back_as_one,
        );
    };
}
pub(crate) use contract;

const WAIT: Duration = Duration::from_secs(10);

/// A name that no other run uses.
fn name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("rhumb-contract-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn map(name: &str) -> ObjectRef {
    ObjectRef::new("configmap".parse().unwrap(), name)
}

fn manifest(name: &str, data: Value) -> Payload {
    let labels = json!({"rhumb-contract": name});
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}, "data": data}).into()
}

fn delete(object: ObjectRef) -> KubeCall {
    KubeCall::Delete { object, propagation: Propagation::Background, uid: None }
}

async fn next(follow: &mut Follow) -> Seen {
    for _ in 0..5 {
        let seen = follow.look(WAIT).await.unwrap();
        if seen.changed {
            return seen;
        }
    }
    panic!("nothing changed")
}

pub(crate) async fn it_says_what_it_is_and_serves(kube: &Kube) {
    let identity = kube.prove().await.unwrap();
    assert!(identity.version.as_deref().is_some_and(|v| v.starts_with("v1.")), "{identity}");
    assert!(identity.cluster_uid.is_some());
    assert!(kube.served("apps").await.unwrap().contains(&"v1".to_string()));
    for name in ["deploy", "deployments", "Deployment", "deployments.apps", "deployments.v1.apps"] {
        let found = kube.resource(&name.parse().unwrap()).await.unwrap();
        assert_eq!((found.api_version().as_str(), found.kind.as_str()), ("apps/v1", "Deployment"), "{name}");
    }
    let old = ObjectRef::new("deployment.apps/v1beta1".parse().unwrap(), "x");
    assert_eq!(kube.get(&old).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

pub(crate) async fn an_object_lives_and_dies(kube: &Kube) {
    let name = name();
    assert!(kube.find(&map(&name)).await.unwrap().is_none());
    let create = || KubeCall::Create { manifest: manifest(&name, json!({"a": "1"})) };

    let tried = kube.dry_run(create()).await.unwrap();
    assert_eq!(tried.expose()["data"]["a"], "1");
    assert!(kube.find(&map(&name)).await.unwrap().is_none(), "a dry run stores nothing");

    let made = carry_out(kube, create()).await.unwrap();
    let error = carry_out(kube, create()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    let of_name = Selection::of("cm".parse().unwrap()).labelled(format!("rhumb-contract={name}"));
    let listed = kube.list(&of_name).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].expose()["kind"], "ConfigMap");

    let patch = Patch::Merge(json!({"data": {"b": "2"}}).into());
    carry_out(kube, KubeCall::Patch { object: map(&name), patch }).await.unwrap();
    let stale = Patch::Json(
        json!([{"op": "test", "path": "/data/a", "value": "9"}, {"op": "remove", "path": "/data/a"}]).into(),
    );
    let error = carry_out(kube, KubeCall::Patch { object: map(&name), patch: stale }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    let now = kube.get(&map(&name)).await.unwrap();
    assert_eq!(now.expose()["data"], json!({"a": "1", "b": "2"}));

    let of_another = KubeCall::Delete {
        object: map(&name),
        propagation: Propagation::Background,
        uid: Some("00000000-0000-0000-0000-000000000000".into()),
    };
    assert_eq!(carry_out(kube, of_another).await.unwrap_err().kind(), ErrorKind::Conflict);
    let of_this = KubeCall::Delete {
        object: map(&name),
        propagation: Propagation::Background,
        uid: made.expose()["metadata"]["uid"].as_str().map(String::from),
    };
    let gone = carry_out(kube, of_this).await.unwrap();
    assert_eq!(gone.expose()["status"], "Success");
    assert_eq!(kube.get(&map(&name)).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(carry_out(kube, delete(map(&name))).await.unwrap_err().kind(), ErrorKind::NotFound);
}

pub(crate) async fn apply_is_create_and_update_in_one(kube: &Kube) {
    let name = name();
    let apply =
        |value: &str| KubeCall::Apply { manifest: manifest(&name, json!({"a": value})), force: false };
    carry_out(kube, apply("1")).await.unwrap();
    let changed = carry_out(kube, apply("2")).await.unwrap();
    assert_eq!(changed.expose()["data"]["a"], "2");
    assert!(changed.expose()["metadata"].get("managedFields").is_none());
    carry_out(kube, delete(map(&name))).await.unwrap();
}

pub(crate) async fn a_bad_name_is_told_by_field(kube: &Kube) {
    let error =
        carry_out(kube, KubeCall::Create { manifest: manifest("Bad_Name", json!({})) }).await.unwrap_err();
    assert_eq!((error.kind(), error.detail().status), (ErrorKind::Invalid, Some(422)));
    assert!(error.to_string().contains("metadata.name: Invalid value"), "{error}");
}

pub(crate) async fn a_life_is_followed_to_its_end(kube: &Kube) {
    let name = name();
    let mut follow = kube.follow(Selection::from(&map(&name))).await.unwrap();
    assert!(next(&mut follow).await.objects.is_empty());

    let mut held = manifest(&name, json!({"a": "1"})).expose().clone();
    held["metadata"]["finalizers"] = json!(["rhumb.example/one", "rhumb.example/two"]);
    carry_out(kube, KubeCall::Create { manifest: held.into() }).await.unwrap();
    assert_eq!(next(&mut follow).await.objects.len(), 1);

    let asked = carry_out(kube, delete(map(&name))).await.unwrap();
    assert!(asked.expose()["metadata"]["deletionTimestamp"].is_string(), "held by its finalizers");
    let held = next(&mut follow).await.objects.remove(0);

    carry_out(kube, KubeCall::remove_finalizer(held.expose(), "rhumb.example/one").unwrap()).await.unwrap();
    let error =
        carry_out(kube, KubeCall::remove_finalizer(held.expose(), "rhumb.example/two").unwrap()).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Conflict, "it is no longer as it was read");
    let left = next(&mut follow).await.objects.remove(0);
    assert_eq!(left.expose()["metadata"]["finalizers"], json!(["rhumb.example/two"]));

    carry_out(kube, KubeCall::remove_finalizer(left.expose(), "rhumb.example/two").unwrap()).await.unwrap();
    assert!(next(&mut follow).await.objects.is_empty());
    assert!(kube.find(&map(&name)).await.unwrap().is_none());
}

pub(crate) async fn a_secret_comes_back_as_one(kube: &Kube) {
    let name = name();
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": {"k": "aHVudGVyMg=="}});
    let made = carry_out(kube, KubeCall::Create { manifest: Payload::new(secret, ["/data/k".into()]) })
        .await
        .unwrap();
    assert_eq!(made.masked()["data"]["k"], "***");
    let object = ObjectRef::new("secret".parse().unwrap(), name);
    let read = kube.get(&object).await.unwrap();
    assert_eq!(read.expose()["data"]["k"], "aHVudGVyMg==");
    assert!(!format!("{read:?}").contains("aHVudGVyMg=="));
    carry_out(kube, delete(object)).await.unwrap();
}
