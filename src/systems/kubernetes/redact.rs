//! Which strings of which objects are secrets.

use serde_json::Value;

use crate::base::Payload;

/// Group, kind, and a JSON pointer in which `*` stands for every key or index.
const SECRETS: &[(&str, &str, &str)] = &[
    ("", "Secret", "/data/*"),
    ("", "Secret", "/stringData/*"),
    ("", "Secret", "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"),
    ("bootstrap.cluster.x-k8s.io", "KubeadmConfig", "/spec/joinConfiguration/discovery/bootstrapToken/token"),
    ("bootstrap.cluster.x-k8s.io", "KubeadmConfig", "/spec/files/*/content"),
];

/// Whether objects of a kind hold secrets.
pub fn redacts(group: &str, kind: &str) -> bool {
    SECRETS.iter().any(|(g, k, _)| *g == group && *k == kind)
}

/// An object with its secrets told apart, and without the book-keeping of field managers, which
/// kubectl does not show either.
pub(super) fn payload(mut object: Value) -> Payload {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
    }
    let secrets = secrets(&object);
    Payload::new(object, secrets)
}

/// A manifest with the secrets of its kind told apart from the rest, whoever wrote them as plain text.
pub(super) fn guarded(manifest: Payload) -> Payload {
    let known = manifest.secrets().map(String::from);
    let all: Vec<String> = known.chain(secrets(manifest.expose())).collect();
    Payload::new(manifest.expose().clone(), all)
}

/// The JSON pointers of an object's secrets.
pub fn secrets(object: &Value) -> Vec<String> {
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let kind = object["kind"].as_str().unwrap_or_default();
    let mut found = Vec::new();
    for (_, _, pattern) in SECRETS.iter().filter(|(g, k, _)| *g == group && *k == kind) {
        let steps: Vec<&str> = pattern.split('/').skip(1).collect();
        walk(object, &steps, String::new(), &mut found);
    }
    found
}

fn walk(value: &Value, steps: &[&str], pointer: String, found: &mut Vec<String>) {
    let Some((step, rest)) = steps.split_first() else {
        found.push(pointer);
        return;
    };
    let unescaped = step.replace("~1", "/");
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter().filter(|(key, _)| *step == "*" || **key == unescaped) {
                let key = key.replace('~', "~0").replace('/', "~1");
                walk(value, rest, format!("{pointer}/{key}"), found);
            }
        }
        Value::Array(items) if *step == "*" => {
            for (index, value) in items.iter().enumerate() {
                walk(value, rest, format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_shows_its_keys_and_not_its_values() {
        let object = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {
                "name": "c-kubeconfig", "managedFields": [{"manager": "capi"}],
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "hunter2", "team": "a"},
            },
            "data": {"value": "hunter2", "tls.crt": "hunter2"},
        });
        let payload = payload(object);
        assert_eq!(
            payload.masked(),
            json!({
                "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
                "metadata": {
                    "name": "c-kubeconfig",
                    "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "***", "team": "a"},
                },
                "data": {"value": "***", "tls.crt": "***"},
            })
        );
        assert_eq!(payload.expose()["data"]["value"], "hunter2");
    }

    #[test]
    fn what_a_script_wrote_as_plain_text_is_a_secret_all_the_same() {
        let manifest =
            json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"a": "hunter2"}, "x": "hunter3"});
        let shown = guarded(Payload::new(manifest, ["/x".to_string()])).masked();
        assert_eq!((&shown["stringData"]["a"], &shown["x"]), (&json!("***"), &json!("***")));
    }

    #[test]
    fn a_join_token_is_a_secret() {
        let object = json!({
            "apiVersion": "bootstrap.cluster.x-k8s.io/v1beta1", "kind": "KubeadmConfig",
            "spec": {
                "joinConfiguration": {"discovery": {"bootstrapToken": {"token": "hunter2", "caCertHashes": ["x"]}}},
                "files": [{"path": "/a", "content": "hunter2"}, {"path": "/b", "contentFrom": {}}],
            },
        });
        assert_eq!(
            secrets(&object),
            ["/spec/joinConfiguration/discovery/bootstrapToken/token", "/spec/files/0/content",]
        );
    }

    #[test]
    fn other_kinds_are_shown_whole() {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}});
        assert!(!payload(map).is_tainted());
        assert!(redacts("", "Secret") && !redacts("", "ConfigMap") && !redacts("example.org", "Secret"));
    }
}
