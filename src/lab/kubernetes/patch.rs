//! The four ways to tell a change of an object.

use serde_json::{Map, Value};

/// A JSON merge patch (RFC 7386).
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Some(changes) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(members) = target.as_object_mut() else { return };
    for (key, value) in changes {
        if value.is_null() {
            members.remove(key);
        } else {
            merge(members.entry(key.as_str()).or_insert(Value::Null), value);
        }
    }
}

/// What tells the entries of a list apart, where entries are things with names.
const NAMES: [&str; 4] = ["name", "port", "type", "key"];

/// A strategic merge, and what an apply does to the fields that it states: lists of things with names
/// are merged by them, other lists are replaced.
pub(super) fn combine(target: &mut Value, patch: &Value) {
    match (target, patch) {
        (Value::Object(members), Value::Object(changes)) => {
            for (key, value) in changes {
                if value.is_null() {
                    members.remove(key);
                } else if let Some(member) = members.get_mut(key) {
                    combine(member, value);
                } else {
                    members.insert(key.clone(), value.clone());
                }
            }
        }
        (Value::Array(entries), Value::Array(changes)) => {
            let name = NAMES.iter().find(|name| {
                !changes.is_empty() && changes.iter().chain(entries.iter()).all(|e| !e[**name].is_null())
            });
            let Some(name) = name else {
                *entries = changes.clone();
                return;
            };
            for change in changes {
                match entries.iter_mut().find(|e| e[*name] == change[*name]) {
                    Some(entry) => combine(entry, change),
                    None => entries.push(change.clone()),
                }
            }
        }
        (target, patch) => *target = patch.clone(),
    }
}

/// A JSON patch (RFC 6902), all of it or nothing.
///
/// # Errors
/// A test fails, a place is not there, or an operation is none.
pub(super) fn apply(target: &mut Value, operations: &Value) -> Result<(), ()> {
    let mut new = target.clone();
    for operation in operations.as_array().ok_or(())? {
        let path = operation["path"].as_str().ok_or(())?;
        let from = operation["from"].as_str();
        match operation["op"].as_str().ok_or(())? {
            "test" if new.pointer(path) == operation.get("value") => {}
            "add" => add(&mut new, path, operation["value"].clone())?,
            "remove" => _ = remove(&mut new, path)?,
            "replace" => *new.pointer_mut(path).ok_or(())? = operation["value"].clone(),
            "copy" => {
                let value = new.pointer(from.ok_or(())?).cloned().ok_or(())?;
                add(&mut new, path, value)?;
            }
            "move" => {
                let value = remove(&mut new, from.ok_or(())?)?;
                add(&mut new, path, value)?;
            }
            _ => return Err(()),
        }
    }
    *target = new;
    Ok(())
}

fn split(path: &str) -> Result<(&str, String), ()> {
    let (parent, last) = path.rsplit_once('/').ok_or(())?;
    Ok((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn add(target: &mut Value, path: &str, value: Value) -> Result<(), ()> {
    let (parent, last) = split(path)?;
    match target.pointer_mut(parent).ok_or(())? {
        Value::Object(members) => _ = members.insert(last, value),
        Value::Array(entries) if last == "-" => entries.push(value),
        Value::Array(entries) => {
            let at = last.parse::<usize>().ok().filter(|at| *at <= entries.len()).ok_or(())?;
            entries.insert(at, value);
        }
        _ => return Err(()),
    }
    Ok(())
}

fn remove(target: &mut Value, path: &str) -> Result<Value, ()> {
    let (parent, last) = split(path)?;
    match target.pointer_mut(parent).ok_or(())? {
        Value::Object(members) => members.remove(&last).ok_or(()),
        Value::Array(entries) => {
            let at = last.parse::<usize>().ok().filter(|at| *at < entries.len()).ok_or(())?;
            Ok(entries.remove(at))
        }
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_merge_patch_takes_nulls_away_and_replaces_lists() {
        let mut object = json!({"a": {"b": 1, "c": 2}, "l": [1, 2]});
        merge(&mut object, &json!({"a": {"b": null, "d": {"e": 3}}, "l": [3]}));
        assert_eq!(object, json!({"a": {"c": 2, "d": {"e": 3}}, "l": [3]}));
    }

    #[test]
    fn things_with_names_are_merged_by_them() {
        let mut object =
            json!({"containers": [{"name": "a", "image": "x", "tty": true}, {"name": "b"}], "args": ["1"]});
        combine(&mut object, &json!({"containers": [{"name": "a", "image": "y"}], "args": ["2", "3"]}));
        assert_eq!(
            object,
            json!({"containers": [{"name": "a", "image": "y", "tty": true}, {"name": "b"}], "args": ["2", "3"]})
        );
    }

    #[test]
    fn a_json_patch_is_done_whole_or_not_at_all() {
        let start = json!({"m": {"f": ["a", "b"], "x/y": 1}});
        let mut object = start.clone();
        let take = |n: u32, value: &str| {
            let path = format!("/m/f/{n}");
            json!([{"op": "test", "path": path, "value": value}, {"op": "remove", "path": path}])
        };
        assert_eq!(apply(&mut object, &take(0, "nope")), Err(()));
        assert_eq!(object, start);
        apply(&mut object, &take(0, "a")).unwrap();
        assert_eq!(object["m"]["f"], json!(["b"]));
        let rest = json!([
            {"op": "add", "path": "/m/f/-", "value": "c"}, {"op": "replace", "path": "/m/x~1y", "value": 2},
            {"op": "copy", "from": "/m/f/0", "path": "/m/f/0"}, {"op": "move", "from": "/m/f/2", "path": "/m/z"},
        ]);
        apply(&mut object, &rest).unwrap();
        assert_eq!(object, json!({"m": {"f": ["b", "b"], "x/y": 2, "z": "c"}}));
        for wrong in
            [json!([{"op": "remove", "path": "/m/f/9"}]), json!([{"op": "x", "path": "/m"}]), json!({})]
        {
            assert_eq!(apply(&mut object, &wrong), Err(()), "{wrong}");
        }
    }
}
