//! The objects, with versions, preconditions and finalizers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Asked, discovery, status};

/// Collection path, or collection path and name.
type Key = (String, String);

pub struct Store {
    version: u64,
    objects: BTreeMap<Key, Value>,
    /// Version, kind of event, collection and object.
    history: Vec<(u64, &'static str, String, Value)>,
}

impl Store {
    pub fn new() -> Store {
        let mut store = Store { version: 300, objects: BTreeMap::new(), history: vec![] };
        store.put("/api/v1/namespaces", json!({"metadata": {"name": "kube-system", "uid": "u-cluster"}}));
        store
    }

    /// Puts an object into a collection.
    pub fn put(&mut self, collection: &str, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let (group_version, namespace, plural) = split(collection);
        object["apiVersion"] = group_version.into();
        object["kind"] = discovery::kind_of(&plural).unwrap_or("Unknown").into();
        if let Some(namespace) = namespace {
            object["metadata"]["namespace"] = namespace.into();
        }
        if object["metadata"]["uid"].is_null() {
            object["metadata"]["uid"] = format!("u-{}", self.version).into();
        }
        let key = (collection.to_string(), object["metadata"]["name"].as_str().unwrap().to_string());
        let what = if self.objects.insert(key, object.clone()).is_some() { "MODIFIED" } else { "ADDED" };
        self.history.push((self.version, what, collection.to_string(), object));
    }

    pub fn get(&self, collection: &str, name: &str) -> Option<&Value> {
        self.objects.get(&(collection.to_string(), name.to_string()))
    }

    pub fn remove(&mut self, collection: &str, name: &str) {
        if let Some(mut object) = self.objects.remove(&(collection.to_string(), name.to_string())) {
            self.version += 1;
            object["metadata"]["resourceVersion"] = self.version.to_string().into();
            self.history.push((self.version, "DELETED", collection.to_string(), object));
        }
    }

    /// What happened in a collection after a version.
    pub fn since(
        &self,
        collection: &str,
        version: u64,
        query: &BTreeMap<String, String>,
    ) -> Vec<(u64, Value)> {
        let events =
            self.history.iter().filter(|(v, _, c, o)| *v > version && c == collection && picked(o, query));
        events.map(|(v, what, _, object)| (*v, json!({"type": what, "object": object}))).collect()
    }

    pub fn answer(
        &mut self,
        asked: &Asked,
        path: &str,
        query: &BTreeMap<String, String>,
    ) -> Option<(u16, Value)> {
        if path == "/apis/authentication.k8s.io/v1/selfsubjectreviews" {
            let user = json!({"username": "kubernetes-admin", "groups": ["system:masters"]});
            return Some((201, json!({"kind": "SelfSubjectReview", "status": {"userInfo": user}})));
        }
        let (collection, name) = place(path)?;
        let dry = query.contains_key("dryRun");
        let before = (self.version, self.objects.clone(), self.history.len());
        let answer = match (asked.method.as_str(), name.as_deref()) {
            ("GET", None) => self.list(&collection, query),
            ("POST", None) => self.create(&collection, asked.body.clone()),
            ("GET", Some(name)) => match self.get(&collection, name) {
                Some(object) => (200, object.clone()),
                None => absent(&collection, name),
            },
            ("PATCH", Some(name)) => self.patch(&collection, name, asked),
            ("DELETE", Some(name)) => self.delete(&collection, name, &asked.body),
            _ => (405, status(405, "MethodNotAllowed", "the server does not allow this method", json!({}))),
        };
        if dry {
            (self.version, self.objects) = (before.0, before.1);
            self.history.truncate(before.2);
        }
        Some(answer)
    }

    fn list(&self, collection: &str, query: &BTreeMap<String, String>) -> (u16, Value) {
        let (group_version, _, plural) = split(collection);
        let items: Vec<&Value> = self
            .objects
            .iter()
            .filter(|((c, _), o)| (c == collection || of_all_namespaces(c) == collection) && picked(o, query))
            .map(|(_, o)| o)
            .collect();
        let from = query.get("continue").and_then(|c| c.parse().ok()).unwrap_or(0);
        let limit = query.get("limit").and_then(|l| l.parse().ok()).unwrap_or(usize::MAX);
        let page: Vec<Value> = items
            .iter()
            .skip(from)
            .take(limit)
            .map(|o| {
                let mut item = (*o).clone();
                let fields = item.as_object_mut().unwrap();
                fields.remove("apiVersion");
                fields.remove("kind");
                item
            })
            .collect();
        let mut metadata = json!({"resourceVersion": self.version.to_string()});
        if from + page.len() < items.len() {
            metadata["continue"] = (from + page.len()).to_string().into();
        }
        let kind = format!("{}List", discovery::kind_of(&plural).unwrap_or("Unknown"));
        (200, json!({"apiVersion": group_version, "kind": kind, "metadata": metadata, "items": page}))
    }

    fn create(&mut self, collection: &str, object: Value) -> (u16, Value) {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_string();
        let (_, _, plural) = split(collection);
        if name.contains(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c))) {
            let kind = discovery::kind_of(&plural).unwrap_or_default();
            let why =
                format!("Invalid value: \"{name}\": a lowercase RFC 1123 subdomain must consist of ...");
            let causes = json!([{"reason": "FieldValueInvalid", "field": "metadata.name", "message": why}]);
            let details = json!({"kind": kind, "name": name, "causes": causes});
            return (
                422,
                status(
                    422,
                    "Invalid",
                    &format!("{kind} \"{name}\" is invalid: metadata.name: {why}"),
                    details,
                ),
            );
        }
        if self.get(collection, &name).is_some() {
            let message = format!("{plural} \"{name}\" already exists");
            return (409, status(409, "AlreadyExists", &message, json!({"kind": plural, "name": name})));
        }
        self.put(collection, object);
        (201, self.get(collection, &name).unwrap().clone())
    }

    fn patch(&mut self, collection: &str, name: &str, asked: &Asked) -> (u16, Value) {
        let content_type = asked.headers["content-type"].to_str().unwrap();
        let found = self.get(collection, name).cloned();
        let (code, mut object) = match (found, content_type) {
            (Some(object), _) => (200, object),
            (None, "application/apply-patch+yaml") => (201, json!({})),
            (None, _) => return absent(collection, name),
        };
        let wanted = &asked.body["metadata"]["resourceVersion"];
        if !wanted.is_null() && *wanted != object["metadata"]["resourceVersion"] {
            let (group_version, _, plural) = split(collection);
            let group = group_version.split_once('/').map(|(g, _)| format!(".{g}")).unwrap_or_default();
            let message = format!(
                "Operation cannot be fulfilled on {plural}{group} \"{name}\": the object has been modified; please \
                 apply your changes to the latest version and try again"
            );
            return (409, status(409, "Conflict", &message, json!({"kind": plural, "name": name})));
        }
        match content_type {
            "application/json-patch+json" => {
                if !json_patch(&mut object, &asked.body) {
                    let message = "the server rejected our request due to an error in our request";
                    return (422, status(422, "Invalid", message, json!({})));
                }
            }
            _ => merge(&mut object, &asked.body),
        }
        let finalizers = object["metadata"]["finalizers"].as_array().map_or(0, Vec::len);
        if !object["metadata"]["deletionTimestamp"].is_null() && finalizers == 0 {
            self.remove(collection, name);
            return (200, object);
        }
        self.put(collection, object);
        (code, self.get(collection, name).unwrap().clone())
    }

    fn delete(&mut self, collection: &str, name: &str, options: &Value) -> (u16, Value) {
        let Some(mut object) = self.get(collection, name).cloned() else { return absent(collection, name) };
        let (_, _, plural) = split(collection);
        let uid = object["metadata"]["uid"].clone();
        let wanted = &options["preconditions"]["uid"];
        if !wanted.is_null() && *wanted != uid {
            let message = format!(
                "Operation cannot be fulfilled on {plural} \"{name}\": the UID in the precondition ({wanted}) does \
                 not match the UID in record ({uid}). The object might have been deleted and then recreated"
            );
            return (409, status(409, "Conflict", &message, json!({"kind": plural, "name": name})));
        }
        if object["metadata"]["finalizers"].as_array().is_some_and(|f| !f.is_empty()) {
            object["metadata"]["deletionTimestamp"] = "2026-11-22T17:33:02Z".into();
            self.put(collection, object);
            return (200, self.get(collection, name).unwrap().clone());
        }
        self.remove(collection, name);
        let details = json!({"kind": plural, "name": name, "uid": uid});
        (
            200,
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}),
        )
    }
}

fn absent(collection: &str, name: &str) -> (u16, Value) {
    let (group_version, _, plural) = split(collection);
    let group = group_version.split_once('/').map(|(g, _)| format!(".{g}")).unwrap_or_default();
    let message = format!("{plural}{group} \"{name}\" not found");
    (404, status(404, "NotFound", &message, json!({"kind": plural, "name": name})))
}

/// The path that lists a collection in every namespace.
fn of_all_namespaces(collection: &str) -> String {
    match split(collection).1 {
        Some(namespace) => collection.replacen(&format!("/namespaces/{namespace}/"), "/", 1),
        None => collection.to_string(),
    }
}

/// Group and version, namespace and plural of a collection's path.
fn split(collection: &str) -> (String, Option<String>, String) {
    let parts: Vec<&str> = collection.trim_start_matches('/').split('/').collect();
    let (group_version, rest) = match parts.as_slice() {
        ["api", version, rest @ ..] => (version.to_string(), rest.to_vec()),
        ["apis", group, version, rest @ ..] => (format!("{group}/{version}"), rest.to_vec()),
        _ => panic!("{collection}"),
    };
    match rest.as_slice() {
        ["namespaces", namespace, plural] => (group_version, Some(namespace.to_string()), plural.to_string()),
        [plural] => (group_version, None, plural.to_string()),
        _ => panic!("{collection}"),
    }
}

/// The collection and, of an object's path, the name.
fn place(path: &str) -> Option<(String, Option<String>)> {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let root = match parts.as_slice() {
        ["api", _, ..] => 2,
        ["apis", _, _, ..] => 3,
        _ => return None,
    };
    let plural = match parts.get(root..)? {
        ["namespaces", _, _, ..] => root + 2,
        [_, ..] => root,
        [] => return None,
    };
    discovery::kind_of(parts[plural])?;
    let collection = format!("/{}", parts[..=plural].join("/"));
    Some((collection, parts.get(plural + 1).map(|name| super::decode(name))))
}

/// Whether selectors pick an object: labels by `k=v`, fields by `metadata.name=`.
fn picked(object: &Value, query: &BTreeMap<String, String>) -> bool {
    let label = query.get("labelSelector").and_then(|s| s.split_once('='));
    let field = query.get("fieldSelector").and_then(|s| s.split_once('='));
    label.is_none_or(|(k, v)| object["metadata"]["labels"][k] == v)
        && field.is_none_or(|(k, v)| k != "metadata.name" || object["metadata"]["name"] == v)
}

fn merge(into: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    for (key, value) in fields {
        if value.is_null() {
            into.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut into[key], value);
        }
    }
}

/// `test`, `remove`, and `add` and `replace` in objects, which is all that is asked of it.
fn json_patch(object: &mut Value, operations: &Value) -> bool {
    operations.as_array().unwrap().iter().all(|operation| {
        let path = operation["path"].as_str().unwrap();
        match operation["op"].as_str().unwrap() {
            "test" => object.pointer(path) == Some(&operation["value"]),
            "add" | "replace" => {
                let (parent, last) = path.rsplit_once('/').unwrap();
                match object.pointer_mut(parent) {
                    Some(Value::Object(map)) => {
                        map.insert(last.into(), operation["value"].clone());
                        true
                    }
                    _ => false,
                }
            }
            "remove" => {
                let (parent, last) = path.rsplit_once('/').unwrap();
                match object.pointer_mut(parent) {
                    Some(Value::Array(items)) => last
                        .parse()
                        .ok()
                        .filter(|i: &usize| *i < items.len())
                        .map(|i| items.remove(i))
                        .is_some(),
                    Some(Value::Object(map)) => map.remove(last).is_some(),
                    _ => false,
                }
            }
            _ => false,
        }
    })
}
