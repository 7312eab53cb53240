//! Following objects as they change: a list, then a watch from there, and from the start again
//! when the server has forgotten where that was.
//!
//! The waiting loop stands above, on a [`Clock`](crate::base::Clock) that may be virtual. Here is
//! its one building block, which comes back when something changed, when nothing did for a while,
//! or when the server closed the watch.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::base::{Error, Payload, Result};

use super::ask::Ask;
use super::events::{Event, Events, OPEN};
use super::handle::Kube;
use super::read::selectors;
use super::redact::payload;
use super::resource::Resource;
use super::select::Selection;

/// Objects that are being followed.
pub struct Follow {
    kube: Kube,
    selection: Selection,
    resource: Resource,
    /// The version up to which `known` is right; `None` before the first list.
    version: Option<String>,
    known: BTreeMap<(String, String), Payload>,
    events: Option<Events>,
}

/// The objects as they are now.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The objects, by namespace and name.
    pub objects: Vec<Payload>,
    /// Whether that differs from what was seen before.
    pub changed: bool,
    /// The server closed the watch, as a rehearsal's does at once: sleep before looking again.
    pub closed: bool,
}

impl Kube {
    /// Follows the objects of a selection. Nothing is listed before the first look.
    ///
    /// # Errors
    /// [`Unsupported`](crate::base::ErrorKind::Unsupported) if the kind is not served; those of any read.
    pub async fn follow(&self, selection: Selection) -> Result<Follow> {
        let resource = self.resource(&selection.kind).await?;
        Ok(Follow {
            kube: self.clone(),
            selection,
            resource,
            version: None,
            known: BTreeMap::new(),
            events: None,
        })
    }
}

impl Follow {
    /// Looks: the first time at once, then as soon as something changes, and `within` at the latest
    /// (real time; the watch stays open for the next look).
    ///
    /// # Errors
    /// Those of any read. After a transient one the next look goes on where this one stopped.
    pub async fn look(&mut self, within: Duration) -> Result<Seen> {
        let step = match self.advance(within).await {
            Err(e) if is_expired(&e) => {
                self.events = None;
                self.relist().await.map(|changed| Step { changed, closed: false })
            }
            other => other,
        };
        match step {
            Ok(Step { changed, closed }) => {
                Ok(Seen { objects: self.known.values().cloned().collect(), changed, closed })
            }
            Err(e) => {
                self.events = None;
                self.kube.heed(Some(&e)).await;
                Err(e.scope(self.kube.name()))
            }
        }
    }

    /// Only the wait for events is cut short by `within`: a server that does not answer a list or
    /// open a watch is an error, not "nothing changed".
    async fn advance(&mut self, within: Duration) -> Result<Step> {
        if self.version.is_none() {
            self.relist().await?;
            return Ok(Step { changed: true, closed: false });
        }
        let mut events = match self.events.take() {
            Some(events) => events,
            None => self.watch().await?,
        };
        let deadline = Instant::now() + within;
        loop {
            let Ok(batch) = timeout_at(deadline, events.next()).await else {
                let closed = events.is_lost();
                self.events = Some(events).filter(|_| !closed);
                return Ok(Step { changed: false, closed });
            };
            let Some(batch) = batch? else { return Ok(Step { changed: false, closed: true }) };
            let mut changed = false;
            for event in batch {
                changed |= self.apply(event);
            }
            if changed {
                self.events = Some(events);
                return Ok(Step { changed, closed: false });
            }
        }
    }

    async fn watch(&self) -> Result<Events> {
        let path = self.resource.collection(self.kube.place(&self.selection.namespace))?;
        let query = selectors(&self.selection)
            .with("watch", "1")
            .with("allowWatchBookmarks", "true")
            .with("timeoutSeconds", &OPEN.as_secs().to_string())
            .with_some("resourceVersion", self.version.as_deref());
        let ask = Ask::get(format!("{path}{}", query.as_str()));
        let body = self.kube.connection().stream(&ask).await?;
        Ok(Events::new(ask, body))
    }

    /// Lists anew; tells whether that differs from what was known.
    async fn relist(&mut self) -> Result<bool> {
        let listed = self.kube.list_of(&self.resource, &self.selection).await?;
        let known: BTreeMap<_, _> = listed.objects.into_iter().map(|o| (key(o.expose()), o)).collect();
        let changed = known != self.known;
        self.known = known;
        self.version = Some(listed.resource_version);
        Ok(changed)
    }

    fn apply(&mut self, event: Event) -> bool {
        let (Event::There(object) | Event::Gone(object) | Event::Bookmark(object)) = &event;
        if let Some(version) = object["metadata"]["resourceVersion"].as_str() {
            self.version = Some(version.to_string());
        }
        match event {
            Event::There(object) => {
                let (key, object) = (key(&object), payload(object));
                self.known.insert(key, object.clone()) != Some(object)
            }
            Event::Gone(object) => self.known.remove(&key(&object)).is_some(),
            Event::Bookmark(_) => false,
        }
    }
}

struct Step {
    changed: bool,
    closed: bool,
}

fn is_expired(error: &Error) -> bool {
    error.detail().status == Some(410)
}

fn key(object: &Value) -> (String, String) {
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_string();
    (text("namespace"), text("name"))
}
