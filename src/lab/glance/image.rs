//! An image, and how it is shown.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::STORE;
use crate::lab::exchange::Digests;
use crate::lab::ids::{Id, Ids};
use crate::lab::keystone::Grant;
use crate::lab::scenario;
use crate::lab::stamp;
use crate::lab::table::Row;
use crate::lab::timeline::Timeline;

/// What is known of an image's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// No bytes yet.
    Queued,
    /// Bytes wait in the staging area.
    Staged,
    /// The import was asked for.
    Accepted,
    /// It is at work.
    Importing,
    /// It came to its end, and its task is still named.
    Imported,
    /// Ready for use.
    Active,
    /// The import failed: the bytes are gone, the record stays and holds the name.
    Failed,
}

/// An image.
pub(crate) struct Image {
    pub(crate) id: Id,
    pub(crate) name: Option<String>,
    pub(crate) owner: Id,
    pub(crate) line: Timeline<State>,
    pub(crate) properties: Vec<(String, String)>,
    pub(super) visibility: String,
    pub(super) disk_format: Option<String>,
    pub(super) container_format: Option<String>,
    pub(super) content: Option<Digests>,
    /// What it is once unpacked.
    pub(super) virtual_size: Option<u64>,
    pub(super) protected: bool,
    pub(super) hidden: bool,
    pub(super) min_disk: u64,
    pub(super) min_ram: u64,
    pub(super) tags: Vec<String>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) task: Option<ImportTask>,
}

/// An import.
#[derive(Clone, Debug)]
pub(super) struct ImportTask {
    pub(super) id: Id,
    pub(super) request: Id,
    pub(super) user: Id,
    pub(super) start: Timestamp,
    pub(super) method: String,
}

impl Row for Image {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl Image {
    /// An image without bytes.
    pub(crate) fn new(id: Id, owner: Id, now: Timestamp) -> Self {
        Image {
            id,
            name: None,
            owner,
            line: Timeline::new(now, State::Queued),
            properties: Vec::new(),
            visibility: "shared".into(),
            disk_format: None,
            container_format: None,
            content: None,
            virtual_size: None,
            protected: false,
            hidden: false,
            min_disk: 0,
            min_ram: 0,
            tags: Vec::new(),
            created: now,
            updated: now,
            task: None,
        }
    }

    /// Gives it bytes that a seed decides.
    pub(crate) fn fill(&mut self, ids: &mut Ids) {
        let told = ids.secret("image-content");
        self.disk_format = Some("raw".into());
        self.container_format = Some("bare".into());
        self.content = Some(Digests::of(&told, 1 << 30));
        self.virtual_size = Some(1 << 30);
    }

    /// Gives it a tag.
    pub(crate) fn tag(&mut self, tag: &str) {
        self.tags.push(tag.into());
    }

    /// Makes it what a scenario says.
    pub(crate) fn become_like(&mut self, told: &scenario::Image) {
        self.visibility = told.visibility.clone();
        self.disk_format = Some(told.disk_format.clone());
        self.properties = told.properties.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        if let Some(content) = &mut self.content {
            content.bytes = told.size;
        }
        self.virtual_size = Some(told.size);
        if told.failed_import {
            self.content = None;
            self.line = Timeline::new(self.created, State::Failed);
        }
        if told.staged {
            self.line = Timeline::new(self.created, State::Staged);
        }
    }

    pub(crate) fn state(&self, now: Timestamp) -> State {
        self.line.at(now)
    }

    /// `status`.
    pub(crate) fn status(&self, now: Timestamp) -> &'static str {
        match self.state(now) {
            State::Queued | State::Failed => "queued",
            State::Staged | State::Accepted => "uploading",
            State::Importing => "importing",
            State::Imported | State::Active => "active",
        }
    }

    /// The value of a property.
    pub(crate) fn property(&self, key: &str) -> Option<&str> {
        self.properties.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// Whether a token sees it.
    pub(super) fn visible(&self, who: &Grant) -> bool {
        who.is_admin()
            || self.owner == who.project
            || ["public", "community"].contains(&self.visibility.as_str())
    }

    /// The properties that the import keeps on the image.
    fn marks(&self, now: Timestamp) -> Vec<(&'static str, Value)> {
        let state = self.state(now);
        let id = Value::from(self.task.as_ref().map(|task| &*task.id));
        let stores = |importing: &str, failed: &str| {
            [("os_glance_importing_to_stores", importing.into()), ("os_glance_failed_import", failed.into())]
        };
        match state {
            State::Queued | State::Staged => Vec::new(),
            State::Accepted => vec![("os_glance_import_task", id)],
            State::Importing => {
                [("os_glance_import_task", id)].into_iter().chain(stores(STORE, "")).collect()
            }
            State::Imported => [("os_glance_import_task", id)].into_iter().chain(stores("", "")).collect(),
            // an image that was uploaded at once never had an import
            State::Active if self.task.is_none() => Vec::new(),
            State::Active => stores("", "").into(),
            State::Failed => stores("", STORE).into(),
        }
    }

    /// The image as Glance shows it: its own properties stand beside everything else.
    pub(super) fn show(&self, now: Timestamp) -> Value {
        let mut shown = Map::new();
        let mut put = |key: &str, value: Value| shown.insert(key.into(), value);
        for (key, value) in &self.properties {
            put(key, value.as_str().into());
        }
        for (key, value) in self.marks(now) {
            put(key, value);
        }
        let state = self.state(now);
        let active = matches!(state, State::Imported | State::Active);
        let known = self.content.as_ref().filter(|_| state != State::Failed);
        let proven = known.filter(|_| active);
        put("name", self.name.as_deref().into());
        put("disk_format", self.disk_format.as_deref().into());
        put("container_format", self.container_format.as_deref().into());
        put("visibility", self.visibility.as_str().into());
        put("size", known.map(|d| d.bytes).into());
        put("virtual_size", self.virtual_size.filter(|_| active).into());
        put("status", self.status(now).into());
        put("checksum", proven.map(|d| d.md5.as_str()).into());
        put("protected", self.protected.into());
        put("min_ram", self.min_ram.into());
        put("min_disk", self.min_disk.into());
        put("owner", (*self.owner).into());
        put("os_hidden", self.hidden.into());
        put("os_hash_algo", proven.map(|_| "sha512").into());
        put("os_hash_value", proven.map(|d| d.sha512.as_str()).into());
        put("id", (*self.id).into());
        put("created_at", stamp::zulu(self.created).into());
        put("updated_at", stamp::zulu(self.updated.max(self.line.since(now))).into());
        put("tags", self.tags.as_slice().into());
        put("self", format!("/v2/images/{}", self.id).into());
        put("file", format!("/v2/images/{}/file", self.id).into());
        put("schema", "/v2/schemas/image".into());
        if active {
            put("stores", STORE.into());
        }
        shown.into()
    }
}
