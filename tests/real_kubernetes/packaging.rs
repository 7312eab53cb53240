//! The manifests of `examples/packaging`, as the real server takes them.

use rhumb::systems::kubernetes::KubeCall;
use serde_json::Value;

use crate::place::Place;

/// What the testbed's 1.20 cannot take, and why that is no fault of the manifest.
const NEWER: [(&str, &str, &str); 1] = [(
    "PersistentVolumeClaim",
    "spec.accessModes: Unsupported value: \"ReadWriteOncePod\"",
    "an access mode since 1.22, by default since 1.27",
)];

fn manifests() -> Vec<Value> {
    let text = include_str!("../../examples/packaging/kubernetes.yaml");
    serde_saphyr::from_multiple::<Value>(text).unwrap().into_iter().filter(|m| !m.is_null()).collect()
}

/// The fields that were sent and are not, or are different, in what the server made of them.
fn lost(sent: &Value, made: &Value, at: &str) -> Vec<String> {
    match (sent, made) {
        (Value::Object(sent), Value::Object(made)) => sent
            .iter()
            .flat_map(|(key, value)| {
                lost(value, made.get(key).unwrap_or(&Value::Null), &format!("{at}.{key}"))
            })
            .collect(),
        (Value::Array(sent), Value::Array(made)) if sent.len() == made.len() => {
            sent.iter().zip(made).flat_map(|(s, m)| lost(s, m, &format!("{at}[]"))).collect()
        }
        (sent, made) if sent == made => Vec::new(),
        (sent, made) => vec![format!("{at}: {sent} became {made}")],
    }
}

#[tokio::test]
async fn they_are_taken_as_they_are() {
    let place = Place::new();
    let kube = place.kube();
    let manifests = manifests();
    let kinds: Vec<&str> = manifests.iter().map(|m| m["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["ConfigMap", "PersistentVolumeClaim", "Job"]);
    for mut manifest in manifests.clone() {
        let kind = manifest["kind"].as_str().unwrap().to_string();
        manifest["metadata"]["namespace"] = place.name.as_str().into();
        let tried = kube.dry_run(KubeCall::Apply { manifest: manifest.clone().into(), force: false }).await;
        match (tried, NEWER.iter().find(|(k, ..)| *k == kind)) {
            (Ok(made), None) => assert_eq!(lost(&manifest, made.expose(), &kind), Vec::<String>::new()),
            (Err(error), Some((_, words, _))) => {
                assert!(error.to_string().contains(words), "{error}");
                // everything else of it is as it must be
                manifest["spec"]["accessModes"] = serde_json::json!(["ReadWriteOnce"]);
                let made = kube.dry_run(KubeCall::Apply { manifest: manifest.clone().into(), force: false });
                assert_eq!(lost(&manifest, made.await.unwrap().expose(), &kind), Vec::<String>::new());
            }
            (Ok(_), Some((_, _, why))) => panic!("{kind} is taken after all, although it needs {why}"),
            (Err(error), None) => panic!("{kind}: {error}"),
        }
    }
}
