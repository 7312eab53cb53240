//! Which strings of which objects are secrets, in objects and in patches of them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::base::Payload;

use super::resource::Resource;

/// Where kubectl keeps a whole manifest, in objects of any kind.
const LAST_APPLIED: &str = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";

/// What kubeadm takes, below the place where a kind has it.
const KUBEADM: &[&str] = &[
    "/files/*/content",
    "/users/*/passwd",
    "/initConfiguration/bootstrapTokens/*/token",
    "/joinConfiguration/discovery/bootstrapToken/token",
    "/joinConfiguration/discovery/tlsBootstrapToken",
];

const BOOTSTRAP: &str = "bootstrap.cluster.x-k8s.io";
const CONTROL_PLANE: &str = "controlplane.cluster.x-k8s.io";

/// Group, kind, where in it, and JSON pointers below that, in which `*` stands for every key or index.
const SECRETS: &[(&str, &str, &str, &[&str])] = &[
    ("", "Secret", "", &["/data/*", "/stringData/*", LAST_APPLIED]),
    (BOOTSTRAP, "KubeadmConfig", "/spec", KUBEADM),
    (BOOTSTRAP, "KubeadmConfig", "", &[LAST_APPLIED]),
    (BOOTSTRAP, "KubeadmConfigTemplate", "/spec/template/spec", KUBEADM),
    (BOOTSTRAP, "KubeadmConfigTemplate", "", &[LAST_APPLIED]),
    (CONTROL_PLANE, "KubeadmControlPlane", "/spec/kubeadmConfigSpec", KUBEADM),
    (CONTROL_PLANE, "KubeadmControlPlane", "", &[LAST_APPLIED]),
    (CONTROL_PLANE, "KubeadmControlPlaneTemplate", "/spec/template/spec/kubeadmConfigSpec", KUBEADM),
    (CONTROL_PLANE, "KubeadmControlPlaneTemplate", "", &[LAST_APPLIED]),
];

/// Whether objects of a kind hold secrets.
pub fn redacts(group: &str, kind: &str) -> bool {
    SECRETS.iter().any(|(g, k, ..)| *g == group && *k == kind)
}

/// The patterns of a kind, step by step.
fn patterns(group: &str, kind: &str) -> Vec<Vec<String>> {
    let of_kind = SECRETS.iter().filter(|(g, k, ..)| *g == group && *k == kind);
    of_kind.flat_map(|(.., root, below)| below.iter().map(move |b| steps(&format!("{root}{b}")))).collect()
}

/// The steps of a JSON pointer.
fn steps(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect()
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
    let found = secrets(manifest.expose());
    with(manifest, found)
}

/// A merge patch, a strategic one or a list of operations, with the secrets of the kind that it is for told apart.
pub(super) fn guarded_patch(resource: &Resource, patch: Payload) -> Payload {
    let patterns = patterns(&resource.group, &resource.kind);
    let mut found = Vec::new();
    match patch.expose() {
        Value::Array(operations) => {
            for (n, operation) in operations.iter().enumerate() {
                let (Some(path), Some(value)) = (operation["path"].as_str(), operation.get("value")) else {
                    continue;
                };
                let path = steps(path);
                for pattern in &patterns {
                    of_operation(&path, pattern, value, &format!("/{n}/value"), &mut found);
                }
            }
        }
        object => patterns.iter().for_each(|pattern| walk(object, pattern, String::new(), &mut found)),
    }
    with(patch, found)
}

/// The pointers of a patch's secrets in the object that the server answers with.
pub(super) fn in_answer(patch: &Payload) -> BTreeSet<String> {
    let of = |pointer: &str| match patch.expose() {
        Value::Array(operations) => {
            let (n, rest) = pointer.strip_prefix('/')?.split_once("/value")?;
            Some(format!("{}{rest}", operations.get(n.parse::<usize>().ok()?)?["path"].as_str()?))
        }
        _ => Some(pointer.to_string()),
    };
    patch.secrets().filter_map(of).collect()
}

fn with(payload: Payload, found: Vec<String>) -> Payload {
    if found.is_empty() {
        return payload;
    }
    let all: Vec<String> = payload.secrets().map(String::from).chain(found).collect();
    Payload::new(payload.expose().clone(), all)
}

/// The secrets in the value of an operation, which goes to `path`: above, at or below what a pattern means.
fn of_operation(path: &[String], pattern: &[String], value: &Value, pointer: &str, found: &mut Vec<String>) {
    let alike = |(step, wanted): (&String, &String)| wanted == "*" || step == wanted;
    if !path.iter().zip(pattern).all(alike) {
        return;
    }
    match pattern.get(path.len()..) {
        Some(rest) => walk(value, rest, pointer.to_string(), found),
        None => found.push(pointer.to_string()),
    }
}

/// The JSON pointers of an object's secrets.
pub fn secrets(object: &Value) -> Vec<String> {
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let kind = object["kind"].as_str().unwrap_or_default();
    let mut found = Vec::new();
    patterns(group, kind).iter().for_each(|pattern| walk(object, pattern, String::new(), &mut found));
    found
}

fn walk(value: &Value, steps: &[String], pointer: String, found: &mut Vec<String>) {
    let Some((step, rest)) = steps.split_first() else {
        found.push(pointer);
        return;
    };
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter().filter(|(key, _)| *step == "*" || *key == step) {
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
        let mut found = secrets(&object);
        found.sort();
        assert_eq!(
            found,
            ["/spec/files/0/content", "/spec/joinConfiguration/discovery/bootstrapToken/token"]
        );
    }

    #[test]
    fn other_kinds_are_shown_whole() {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}});
        assert!(!payload(map).is_tainted());
        assert!(redacts("", "Secret") && !redacts("", "ConfigMap") && !redacts("example.org", "Secret"));
    }

    /// The shown form of a patch, and what of the answer is masked for it.
    fn patched(group: &str, kind: &str, patch: Value) -> (Value, Vec<String>) {
        let resource = Resource { group: group.into(), kind: kind.into(), ..Resource::default() };
        let patch = guarded_patch(&resource, patch.into());
        (patch.masked(), in_answer(&patch).into_iter().collect())
    }

    #[test]
    fn a_patch_is_masked_by_the_kind_that_it_is_for() {
        for (group, kind, patch, shown, answered) in [
            (
                "",
                "Secret",
                json!({"data": {"a": "x", "gone": null}, "stringData": {"b": "x"}, "type": "Opaque"}),
                json!({"data": {"a": "***", "gone": "***"}, "stringData": {"b": "***"}, "type": "Opaque"}),
                vec!["/data/a", "/data/gone", "/stringData/b"],
            ),
            (
                "",
                "Secret",
                json!([
                    {"op": "replace", "path": "/data/a", "value": "x"}, {"op": "add", "path": "/data", "value": {"b": "x"}},
                    {"op": "remove", "path": "/data/c"}, {"op": "replace", "path": "", "value": {"data": {"d": "x"}}},
                    {"op": "replace", "path": "/type", "value": "Opaque"},
                ]),
                json!([
                    {"op": "replace", "path": "/data/a", "value": "***"}, {"op": "add", "path": "/data", "value": {"b": "***"}},
                    {"op": "remove", "path": "/data/c"}, {"op": "replace", "path": "", "value": {"data": {"d": "***"}}},
                    {"op": "replace", "path": "/type", "value": "Opaque"},
                ]),
                vec!["/data/a", "/data/b", "/data/d"],
            ),
            (
                CONTROL_PLANE,
                "KubeadmControlPlane",
                json!({"spec": {"kubeadmConfigSpec": {"files": [{"path": "/a", "content": "x"}]}, "replicas": 3}}),
                json!({"spec": {"kubeadmConfigSpec": {"files": [{"path": "/a", "content": "***"}]}, "replicas": 3}}),
                vec!["/spec/kubeadmConfigSpec/files/0/content"],
            ),
            (
                CONTROL_PLANE,
                "KubeadmControlPlane",
                json!([{"op": "add", "path": "/spec/kubeadmConfigSpec/files/-", "value": {"path": "/a", "content": "x"}}]),
                json!([{"op": "add", "path": "/spec/kubeadmConfigSpec/files/-", "value": {"path": "/a", "content": "***"}}]),
                vec!["/spec/kubeadmConfigSpec/files/-/content"],
            ),
            ("", "ConfigMap", json!({"data": {"a": "x"}}), json!({"data": {"a": "x"}}), vec![]),
        ] {
            assert_eq!(
                patched(group, kind, patch),
                (shown, answered.into_iter().map(String::from).collect())
            );
        }
    }
}
