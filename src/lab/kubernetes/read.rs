//! Lists and objects.

use serde_json::{Value, json};

use super::place::Place;
use super::refusal::Refusal;
use super::select::Selector;
use super::store::{Key, Store};
use super::views;
use crate::lab::exchange::Request;

/// One object.
///
/// # Errors
/// It is not there.
pub(super) fn get(store: &Store, place: &Place<'_>) -> Result<Value, Refusal> {
    let key = Key::new(place.kind, place.namespace, place.name);
    let object = store.get(&key).ok_or_else(|| Refusal::not_found(place.kind, place.name))?;
    Ok(views::as_version(object.clone(), place.kind, place.version))
}

/// What a request selects by.
///
/// # Errors
/// A selector is none.
pub(super) fn selector(request: &Request) -> Result<Selector, Refusal> {
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
