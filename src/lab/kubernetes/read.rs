//! Lists, objects and watches.

use serde_json::{Value, json};

use super::place::Place;
use super::refusal::Refusal;
use super::select::Selector;
use super::store::{Key, Store};
use super::views;
use crate::lab::exchange::{Answer, Request};

/// One object.
///
/// # Errors
/// It is not there.
pub(super) fn get(store: &Store, place: &Place<'_>) -> Result<Value, Refusal> {
    let key = Key::new(place.kind, place.namespace, place.name);
    let object = store.get(&key).ok_or_else(|| Refusal::not_found(place.kind, place.name))?;
    Ok(views::as_version(object.clone(), place.kind, place.version))
}

fn selector(request: &Request) -> Result<Selector, Refusal> {
    Selector::parse(request.get("labelSelector").as_deref(), request.get("fieldSelector").as_deref())
}

/// The objects of a collection, page by page. A page says where the next one begins by the last of its names.
///
/// # Errors
/// A selector is none, or `limit` or `continue` is not what it should be.
pub(super) fn list(store: &Store, place: &Place<'_>, request: &Request) -> Result<Value, Refusal> {
    let selector = selector(request)?;
    let after = request.get("continue").filter(|c| !c.is_empty());
    let after = match after.as_deref().map(|c| c.split_once('/')) {
        None => None,
        Some(Some((namespace, name))) => Some(Key::new(place.kind, namespace, name)),
        Some(None) => return Err(Refusal::bad("continue key is not valid")),
    };
    let limit = match request.get("limit") {
        None => usize::MAX,
        Some(text) => match text.parse() {
            Ok(0) => usize::MAX,
            Ok(limit) => limit,
            Err(_) => return Err(Refusal::bad(format!("invalid limit {text}"))),
        },
    };
    let within = |key: &Key| place.namespace.is_empty() || key.namespace == place.namespace;
    let mut found = store.list(place.kind).filter(|(key, object)| within(key) && selector.fits(object));
    let mut page: Vec<(&Key, &Value)> =
        found.by_ref().filter(|(key, _)| after.as_ref().is_none_or(|a| *key > a)).take(limit).collect();
    let rest = found.count();
    let mut metadata = json!({"resourceVersion": store.version().to_string()});
    if let Some((last, _)) = page.last().filter(|_| rest > 0) {
        metadata["continue"] = format!("{}/{}", last.namespace, last.name).into();
        metadata["remainingItemCount"] = rest.into();
    }
    let version = place.kind.api_version(place.version);
    let items: Vec<Value> = page.drain(..).map(|(_, o)| bare(o, place)).collect();
    Ok(
        json!({"kind": format!("{}List", place.kind.kind), "apiVersion": version, "metadata": metadata, "items": items}),
    )
}

/// An object in a list, without its kind; custom resources keep it.
fn bare(object: &Value, place: &Place<'_>) -> Value {
    let mut object = views::as_version(object.clone(), place.kind, place.version);
    if !place.kind.group.ends_with("x-k8s.io")
        && let Some(members) = object.as_object_mut()
    {
        members.remove("kind");
        members.remove("apiVersion");
    }
    object
}

/// What happened since a version, as lines, and then the end of the watch: nothing more happens before
/// somebody lets the time pass. What does then is told to the next watch.
///
/// # Errors
/// A selector or a version is none.
pub(super) fn watch(store: &Store, place: &Place<'_>, request: &Request) -> Result<Answer, Refusal> {
    let selector = selector(request)?;
    let within = |key: &Key| place.namespace.is_empty() || key.namespace == place.namespace;
    let named = request.get("resourceVersion").filter(|v| !v.is_empty() && v != "0");
    let mut lines: Vec<Value> = Vec::new();
    let show = |object: &Value| views::as_version(object.clone(), place.kind, place.version);
    match named {
        None => {
            let all = store.list(place.kind).filter(|(key, object)| within(key) && selector.fits(object));
            lines.extend(all.map(|(_, object)| json!({"type": "ADDED", "object": show(object)})));
        }
        Some(text) => {
            let version: u64 =
                text.parse().map_err(|_| Refusal::bad(format!("invalid resource version {text}")))?;
            match store.since(version) {
                None => lines.push(
                    json!({"type": "ERROR", "object": Refusal::expired(version, store.oldest()).status()}),
                ),
                Some(events) => {
                    let resource = place.kind.resource();
                    let mine = events.filter(|e| e.key.resource == resource && within(&e.key));
                    // what no longer fits a selector is gone for whoever asked with it
                    lines.extend(mine.map(|e| match selector.fits(&e.object) {
                        true => json!({"type": e.what, "object": show(&e.object)}),
                        false => json!({"type": "DELETED", "object": show(&e.object)}),
                    }));
                }
            }
        }
    }
    if request.get("allowWatchBookmarks").is_some_and(|v| v == "true" || v == "1") {
        let version = place.kind.api_version(place.version);
        let metadata = json!({"resourceVersion": store.version().to_string(), "creationTimestamp": null});
        let object = json!({"kind": place.kind.kind, "apiVersion": version, "metadata": metadata});
        lines.push(json!({"type": "BOOKMARK", "object": object}));
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    Ok(Answer::text(200, "application/json", text))
}
