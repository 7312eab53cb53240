//! Who owns which fields: what server-side apply keeps in `managedFields`.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use crate::lab::stamp;

/// The fields of an object as `fieldsV1` has them; what says which object it is belongs to nobody.
fn fields(object: &Value) -> Value {
    let mut tree = Map::new();
    for (key, value) in object.as_object().into_iter().flatten() {
        match key.as_str() {
            "apiVersion" | "kind" | "status" => {}
            "metadata" => {
                let own = |k: &str| ["labels", "annotations", "finalizers", "ownerReferences"].contains(&k);
                let part: Map<String, Value> = value
                    .as_object()
                    .into_iter()
                    .flatten()
                    .filter(|(k, _)| own(k))
                    .map(|(k, v)| (k.clone(), v.clone()))
                    .collect();
                if !part.is_empty() {
                    tree.insert("f:metadata".into(), branch(&Value::Object(part)));
                }
            }
            _ => _ = tree.insert(format!("f:{key}"), branch(value)),
        }
    }
    Value::Object(tree)
}

fn branch(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            Value::Object(members.iter().map(|(key, value)| (format!("f:{key}"), branch(value))).collect())
        }
        Value::Array(entries) => {
            let name = |entry: &Value| {
                let port = (!entry["port"].is_null())
                    .then(|| json!({"port": entry["port"], "protocol": entry["protocol"].as_str().unwrap_or("TCP")}));
                port.or_else(|| entry["name"].as_str().map(|name| json!({"name": name})))
            };
            let named: Option<Vec<Value>> = entries.iter().map(name).collect();
            let Some(named) = named else { return json!({}) };
            let pairs = named.iter().zip(entries);
            Value::Object(pairs.map(|(name, entry)| (format!("k:{name}"), branch(entry))).collect())
        }
        _ => json!({}),
    }
}

/// The leaves of a tree of fields, and the way to each as errors write it: `.spec.replicas`.
fn leaves(tree: &Value, way: &str, into: &mut Vec<(String, Vec<String>)>, keys: &[String]) {
    let members = tree.as_object().filter(|m| !m.is_empty());
    let Some(members) = members else {
        into.push((way.to_string(), keys.to_vec()));
        return;
    };
    for (key, branch) in members {
        let shown = match key.split_once(':') {
            Some(("f", name)) => format!("{way}.{name}"),
            Some((_, name)) => format!("{way}[{name}]"),
            None => way.to_string(),
        };
        let below: Vec<String> = keys.iter().cloned().chain([key.clone()]).collect();
        leaves(branch, &shown, into, &below);
    }
}

/// The value of a field in an object.
fn value<'v>(object: &'v Value, keys: &[String]) -> Option<&'v Value> {
    let mut at = object;
    for key in keys {
        at = match key.split_once(':')? {
            ("f", name) => at.get(name)?,
            (_, name) => {
                let wanted: Value = serde_json::from_str(name).ok()?;
                let wanted = wanted.as_object()?;
                let is = |e: &&Value| wanted.iter().all(|(k, v)| e.get(k).is_none_or(|own| own == v));
                at.as_array()?.iter().find(is)?
            }
        };
    }
    Some(at)
}

fn holds(tree: &Value, keys: &[String]) -> bool {
    let mut at = tree;
    for key in keys {
        match at.get(key) {
            Some(below) => at = below,
            None => return false,
        }
    }
    true
}

/// Whether an apply may set what it sets: a field of another manager may be stated with the value that
/// it has, not with another.
///
/// # Errors
/// The fields that it may not set, with their managers.
pub(super) fn check(object: &Value, applied: &Value, manager: &str) -> Result<(), Refusal> {
    let mut wanted = Vec::new();
    leaves(&fields(applied), "", &mut wanted, &[]);
    let others: Vec<&Value> = object["metadata"]["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|entry| entry["manager"] != *manager && entry["subresource"].is_null())
        .collect();
    let mut conflicts = Vec::new();
    for (way, keys) in wanted {
        let owner = others.iter().find(|entry| holds(&entry["fieldsV1"], &keys));
        if let Some(owner) = owner.filter(|_| value(object, &keys) != value(applied, &keys)) {
            conflicts.push((owner["manager"].as_str().unwrap_or_default().to_string(), way));
        }
    }
    if conflicts.is_empty() { Ok(()) } else { Err(Refusal::owned(&conflicts)) }
}

/// What a manager applied before and no longer does: the ways to those fields, that nobody else owns.
pub(super) fn dropped(object: &Value, applied: &Value, manager: &str) -> Vec<Vec<String>> {
    let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let own = entries.iter().find(|e| e["manager"] == *manager && e["operation"] == "Apply");
    let Some(own) = own else { return Vec::new() };
    let (now, mut before) = (fields(applied), Vec::new());
    leaves(&own["fieldsV1"], "", &mut before, &[]);
    let elsewhere =
        |keys: &[String]| entries.iter().any(|e| e["manager"] != *manager && holds(&e["fieldsV1"], keys));
    before.into_iter().map(|(_, keys)| keys).filter(|keys| !holds(&now, keys) && !elsewhere(keys)).collect()
}

/// Takes a plain member away; entries of lists stay.
pub(super) fn take(object: &mut Value, keys: &[String]) {
    let Some(names) = keys.iter().map(|k| k.strip_prefix("f:")).collect::<Option<Vec<_>>>() else { return };
    let Some((last, way)) = names.split_last() else { return };
    let mut at = object;
    for name in way {
        match at.get_mut(*name) {
            Some(below) => at = below,
            None => return,
        }
    }
    if let Some(members) = at.as_object_mut() {
        members.remove(*last);
    }
}

/// Writes down what a manager has set.
pub(super) fn note(object: &mut Value, set: &Value, manager: &str, operation: &str, now: Timestamp) {
    let entry = json!({
        "manager": manager, "operation": operation, "apiVersion": object["apiVersion"], "time": stamp::zulu(now),
        "fieldsType": "FieldsV1", "fieldsV1": fields(set),
    });
    let meta = &mut object["metadata"];
    if meta["managedFields"].is_null() {
        meta["managedFields"] = json!([]);
    }
    if let Some(entries) = meta["managedFields"].as_array_mut() {
        entries.retain(|e| e["manager"] != *manager || e["operation"] != *operation);
        entries.push(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_another_manager_may_not_be_set_to_another_value() {
        let now = Timestamp::UNIX_EPOCH;
        let mut object = json!({"metadata": {"name": "d"}, "spec": {"replicas": 2, "x": 1}});
        let set = object.clone();
        note(&mut object, &set, "hpa", "Update", now);
        assert!(check(&object, &json!({"spec": {"replicas": 2}}), "rhumb").is_ok());
        let refused = check(&object, &json!({"spec": {"replicas": 3}}), "rhumb").unwrap_err().status();
        assert_eq!(refused["message"], "Apply failed with 1 conflict: conflict with \"hpa\": .spec.replicas");
        assert_eq!(refused["details"]["causes"][0]["field"], ".spec.replicas");
        assert!(check(&object, &json!({"spec": {"replicas": 3}}), "hpa").is_ok());
    }

    #[test]
    fn what_is_no_longer_applied_goes_unless_somebody_else_owns_it() {
        let mut object =
            json!({"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"l": [{"name": "n"}]}});
        let set = object.clone();
        note(&mut object, &set, "rhumb", "Apply", Timestamp::UNIX_EPOCH);
        let gone = dropped(
            &object,
            &json!({"metadata": {"labels": {"a": "1"}}, "spec": {"l": [{"name": "n"}]}}),
            "rhumb",
        );
        assert_eq!(gone, [["f:metadata", "f:labels", "f:b"]]);
        take(&mut object, &gone[0]);
        assert_eq!(object["metadata"]["labels"], json!({"a": "1"}));
    }
}
