//! Lists, watches, field managers and trials of the real server.

use std::time::Duration;

use rhumb::base::ErrorKind;
use rhumb::systems::kubernetes::{KubeCall, Patch, Propagation, Selection};
use serde_json::{Value, json};

use crate::kube_server::carry_out;
use crate::place::{Place, ask, audited, kind, object};

const SECOND: Duration = Duration::from_secs(1);

fn deployment(replicas: u32) -> Value {
    let labels = json!({"app": "rr"});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "rr"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "localhost/c:1"}]}}},
    })
}

#[test]
fn a_list_is_read_over_all_its_pages() {
    let place = Place::new();
    let items: Vec<Value> = (0..501)
        .map(|n| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("m-{n:03}")}}))
        .collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let kube = runtime.block_on(async { place.kube() });
    runtime.block_on(async {
        let made = items.into_iter().map(|m| carry_out(&kube, KubeCall::Create { manifest: m.into() }));
        for one in futures::future::join_all(made).await {
            one.unwrap();
        }
    });
    let mut found = Vec::new();
    let pages = audited(&place.path("configmaps"), || {
        found = runtime.block_on(kube.list(&Selection::of(kind("configmaps")))).unwrap();
    });
    let named = |name: &str| found.iter().filter(|m| m.expose()["metadata"]["name"] == name).count();
    assert_eq!((named("m-000"), named("m-500")), (1, 1));
    // newer clusters put their own certificate into each namespace
    let own = named("kube-root-ca.crt");
    assert_eq!(found.len(), 501 + own);
    let verbs: Vec<&str> = pages.iter().map(|(verb, _)| verb.as_str()).collect();
    assert_eq!(verbs, ["list", "list"], "{pages:?}");
    assert!(!pages[0].1.contains("continue=") && pages[1].1.contains("continue="), "{pages:?}");
}

#[tokio::test]
async fn what_others_do_is_seen_as_it_happens() {
    let place = Place::new();
    let kube = place.kube();
    let chosen = Selection::of(kind("configmaps")).labelled("watched=yes");
    let mut follow = kube.follow(chosen).await.unwrap();
    assert!(follow.look(SECOND).await.unwrap().objects.is_empty());
    let map = |value: &str| json!({"metadata": {"name": "m", "labels": {"watched": value}}});
    ask("POST", &place.path("configmaps"), Some(&map("yes")));
    let seen = follow.look(10 * SECOND).await.unwrap();
    assert!(seen.changed && seen.objects.len() == 1);
    assert!(!follow.look(SECOND).await.unwrap().changed, "nothing happens");
    // it leaves the selection without being deleted
    let relabelled = json!([{"op": "replace", "path": "/metadata/labels/watched", "value": "no"}]);
    ask("PATCH", &format!("{}/m", place.path("configmaps")), Some(&relabelled));
    let seen = follow.look(10 * SECOND).await.unwrap();
    assert!(seen.changed && seen.objects.is_empty());
}

#[tokio::test]
async fn a_field_of_another_manager_is_a_conflict_that_names_it() {
    let place = Place::new();
    let kube = place.kube();
    let apply = |replicas: u32, force| KubeCall::Apply { manifest: deployment(replicas).into(), force };
    carry_out(&kube, apply(2, false)).await.unwrap();
    let scaled = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "rr"}, "spec": {"replicas": 3}});
    let path = format!("/apis/apps/v1/namespaces/{}/deployments/rr?fieldManager=hpa&force=true", place.name);
    ask("PATCH", &path, Some(&scaled));

    let error = carry_out(&kube, apply(7, false)).await.unwrap_err();
    assert_eq!((error.kind(), error.detail().status), (ErrorKind::Conflict, Some(409)));
    assert!(error.to_string().contains(".spec.replicas: conflict with \"hpa\""), "{error}");
    assert!(error.detail().help.as_deref().unwrap().contains("force"), "{error:?}");
    let id = error.detail().request_id.clone().expect("the server names each request");
    let log = std::fs::read_to_string(crate::testbed::var("KUBERNETES_AUDIT")).unwrap();
    assert!(log.contains(&id), "the id in the error is the one in the server's own log");

    let tried = kube.dry_run(apply(7, true)).await.unwrap();
    assert_eq!(tried.expose()["spec"]["replicas"], 7);
    let now = kube.get(&object("deploy", "rr")).await.unwrap();
    assert_eq!(now.expose()["spec"]["replicas"], 3, "a trial stores nothing");
    carry_out(&kube, apply(7, true)).await.unwrap();
    let now = kube.get(&object("deploy", "rr")).await.unwrap();
    assert_eq!(now.expose()["spec"]["replicas"], 7);
}

#[tokio::test]
async fn a_trial_goes_through_admission() {
    let place = Place::new();
    let kube = place.kube();
    let mut bad = deployment(2);
    bad["spec"]["selector"]["matchLabels"]["app"] = "other".into();
    let error = kube.dry_run(KubeCall::Create { manifest: bad.into() }).await.unwrap_err();
    assert_eq!((error.kind(), error.detail().status), (ErrorKind::Invalid, Some(422)));
    assert!(error.to_string().contains("spec.template.metadata.labels"), "{error}");

    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
        "spec": {"serviceAccountName": "nobody", "containers": [{"name": "c", "image": "localhost/c:1"}]}});
    let error = kube.dry_run(KubeCall::Create { manifest: pod.into() }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(error.to_string().contains("serviceaccount \"nobody\" not found"), "{error}");
}

#[tokio::test]
async fn what_a_deployment_owns_goes_with_it_or_stays() {
    let place = Place::new();
    let kube = place.kube();
    let sets = async || kube.list(&Selection::of(kind("replicasets"))).await.unwrap();
    let mut follow = kube.follow(Selection::of(kind("replicasets"))).await.unwrap();
    carry_out(&kube, KubeCall::Create { manifest: deployment(0).into() }).await.unwrap();
    for _ in 0..20 {
        if !follow.look(SECOND).await.unwrap().objects.is_empty() {
            break;
        }
    }
    let made = sets().await;
    assert_eq!(made.len(), 1, "its controller made it");
    assert_eq!(made[0].expose()["metadata"]["ownerReferences"][0]["name"], "rr");
    let patch = Patch::Strategic(
        json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "localhost/c:2"}]}}}})
            .into(),
    );
    let patched = carry_out(&kube, KubeCall::Patch { object: object("deploy", "rr"), patch }).await.unwrap();
    assert_eq!(
        patched.expose()["spec"]["template"]["spec"]["containers"].as_array().unwrap().len(),
        1,
        "merged by name"
    );
    carry_out(
        &kube,
        KubeCall::Delete { object: object("deploy", "rr"), propagation: Propagation::Background, uid: None },
    )
    .await
    .unwrap();
    for _ in 0..30 {
        if sets().await.is_empty() {
            return;
        }
        tokio::time::sleep(SECOND).await;
    }
    panic!("the garbage collector left them");
}
