//! Watches: what there is or has happened since a version, and, where time passes by itself, what happens next.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::place::Place;
use super::refusal::Refusal;
use super::select::Selector;
use super::store::{Event, Key, Store};
use super::{read, table, views};
use crate::lab::exchange::{Answer, Body, Flow, Request};
use crate::lab::follow::{Mark, More};

/// A watch that does not say how long it lasts ends after this.
const PATIENCE: Duration = Duration::from_secs(1800);

/// What a watch is of, and how its client wants it shown.
struct Watch<'w> {
    place: &'w Place<'w>,
    selector: Selector,
    request: &'w Request,
    now: Timestamp,
    /// Whether anything was told yet: of tables only the first has the columns' names.
    begun: bool,
}

impl Watch<'_> {
    fn is_of(&self, key: &Key) -> bool {
        key.resource == self.place.kind.resource()
            && (self.place.namespace.is_empty() || key.namespace == self.place.namespace)
    }

    fn line(&mut self, what: &str, object: &Value) -> String {
        let object = views::as_version(object.clone(), self.place.kind, self.place.version);
        let object = table::event(self.place.kind, object, self.request, self.now, !self.begun);
        self.begun = true;
        format!("{}\n", json!({"type": what, "object": object}))
    }

    /// What happened to an object, if that is of this watch.
    fn told(&mut self, event: &Event) -> Option<String> {
        // what no longer fits a selector is gone for whoever asked with it
        let fits = self.selector.fits(&event.object);
        self.is_of(&event.key).then(|| self.line(if fits { event.what } else { "DELETED" }, &event.object))
    }

    fn since(&mut self, store: &Store, version: u64) -> Option<String> {
        let events = store.since(version)?;
        Some(events.filter_map(|event| self.told(event)).collect())
    }
}

fn too_old(version: u64, store: &Store) -> String {
    let status = Refusal::expired(version, store.oldest()).status();
    format!("{}\n", json!({"type": "ERROR", "object": status}))
}

/// What there is of a watch at its beginning.
///
/// # Errors
/// A selector or a version is none.
pub(super) fn begin(
    store: &Store,
    place: &Place<'_>,
    request: &Request,
    now: Timestamp,
) -> Result<Answer, Refusal> {
    let mut watch = Watch { place, selector: read::selector(request)?, request, now, begun: false };
    let named = request.get("resourceVersion").filter(|v| !v.is_empty() && v != "0");
    let mut text = String::new();
    let mut lasts = request.get("timeoutSeconds").and_then(|t| t.parse().ok()).map(Duration::from_secs);
    match named {
        None => {
            for (key, object) in store.list(place.kind) {
                if watch.is_of(key) && watch.selector.fits(object) {
                    text += &watch.line("ADDED", object);
                }
            }
        }
        Some(version) => {
            let version: u64 =
                version.parse().map_err(|_| Refusal::bad(format!("invalid resource version {version}")))?;
            match watch.since(store, version) {
                Some(events) => text += &events,
                None => {
                    text += &too_old(version, store);
                    lasts = Some(Duration::ZERO);
                }
            }
        }
    }
    if request.get("allowWatchBookmarks").is_some_and(|v| v == "true" || v == "1") {
        let version = place.kind.api_version(place.version);
        let metadata = json!({"resourceVersion": store.version().to_string(), "creationTimestamp": null});
        let object = json!({"kind": place.kind.kind, "apiVersion": version, "metadata": metadata});
        text += &format!("{}\n", json!({"type": "BOOKMARK", "object": object}));
    }
    let mark = Mark { at: store.version(), begun: watch.begun };
    let flow = Flow { kind: "application/json", text, mark, lasts: lasts.or(Some(PATIENCE)) };
    Ok(Answer { body: Body::Flow(flow), ..Answer::empty(200) })
}

/// What has happened since.
pub(super) fn more(store: &Store, place: &Place<'_>, request: &Request, mark: Mark, now: Timestamp) -> More {
    let Ok(selector) = read::selector(request) else {
        return More { text: String::new(), mark, ended: true };
    };
    let mut watch = Watch { place, selector, request, now, begun: mark.begun };
    let told = watch.since(store, mark.at);
    let ended = told.is_none();
    let text = told.unwrap_or_else(|| too_old(mark.at, store));
    More { text, mark: Mark { at: store.version(), begun: watch.begun }, ended }
}
