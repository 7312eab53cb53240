//! Changes of objects.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::kinds::NAMESPACES;
use super::place::Place;
use super::refusal::Refusal;
use super::store::{Key, Store};
use super::{defaults, ownership, patch, read, views};
use crate::lab::exchange::{Answer, Incoming, Request};
use crate::lab::ids::Ids;

type Outcome = Result<Answer, Refusal>;

/// A change that is asked for: of which objects, by whom, and when.
pub(super) struct Change<'c> {
    pub(super) store: &'c mut Store,
    pub(super) ids: &'c mut Ids,
    pub(super) place: Place<'c>,
    pub(super) request: &'c Request,
    pub(super) now: Timestamp,
}

impl Change<'_> {
    /// Carries it out.
    ///
    /// # Errors
    /// What keeps it from being carried out.
    pub(super) fn run(mut self) -> Outcome {
        let (whole, part) = (!self.place.name.is_empty(), self.place.part);
        match (&self.request.method, whole, part) {
            (&Method::POST, false, _) => self.create(),
            (&Method::PUT, true, "" | "status") => self.replace(),
            (&Method::PATCH, true, "" | "status") => self.patch(),
            (&Method::PATCH | &Method::PUT, true, "scale") if self.place.kind.scale => self.scale(),
            (&Method::DELETE, true, "") => self.delete(),
            _ => Err(Refusal::no_method()),
        }
    }

    fn key(&self) -> Key {
        Key::new(self.place.kind, self.place.namespace, self.place.name)
    }

    fn body(&self) -> Result<Value, Refusal> {
        match &self.request.body {
            Incoming::Json(body) => Ok(body.clone()),
            _ => Err(Refusal::bad(
                "the object provided is unrecognized (must be of type JSON); the lab reads no protobuf: `kubectl apply -f` sends JSON",
            )),
        }
    }

    fn manager(&self) -> String {
        self.request.get("fieldManager").unwrap_or_else(|| "unknown".into())
    }

    fn old(&self) -> Result<Value, Refusal> {
        let found = self.store.get(&self.key()).cloned();
        found.ok_or_else(|| Refusal::not_found(self.place.kind, self.place.name))
    }

    /// The object as it is now, with a status.
    fn shown(&self, status: u16, key: &Key) -> Answer {
        let object = self.store.get(key).cloned().unwrap_or_default();
        Answer::json(status, views::as_version(object, self.place.kind, self.place.version))
    }

    fn create(&mut self) -> Outcome {
        let mut object = views::as_kept(self.body()?, self.place.kind, self.place.version);
        let kind = self.place.kind;
        if self.place.kind.namespaced {
            if self.place.namespace.is_empty() {
                return Err(Refusal::no_method());
            }
            object["metadata"]["namespace"] = self.place.namespace.into();
        }
        if let (None, Some(begin)) =
            (object["metadata"]["name"].as_str(), object["metadata"]["generateName"].as_str())
        {
            object["metadata"]["name"] = format!("{begin}{}", self.ids.suffix("kubernetes-name", 5)).into();
        }
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_string();
        if self.store.get(&Key::new(kind, self.place.namespace, &name)).is_some() {
            return Err(Refusal::exists(kind, &name));
        }
        let set = object.clone();
        self.admit(&mut object, None)?;
        ownership::note(&mut object, &set, &self.manager(), "Update", self.now);
        let key = self.store.insert(self.ids, kind, object, self.now);
        Ok(self.shown(201, &key))
    }

    /// Checks a new state of an object and fills it in.
    fn admit(&self, object: &mut Value, old: Option<&Value>) -> Result<(), Refusal> {
        let kind = self.place.kind;
        if old.is_none() && kind.namespaced {
            let there = Key::new(&NAMESPACES, "", self.place.namespace);
            if self.store.get(&there).is_none() {
                return Err(Refusal::not_found(&NAMESPACES, self.place.namespace));
            }
        }
        defaults::check(kind, object)?;
        defaults::complete(kind, object, old, self.ids);
        Ok(())
    }

    /// Puts a new state of an object where the old one was: what the server alone decides stays.
    fn keep(&mut self, mut new: Value, old: &Value) -> Outcome {
        let (kind, name) = (self.place.kind, self.place.name);
        let version = new["metadata"]["resourceVersion"].as_str();
        if version.is_some_and(|v| *v != old["metadata"]["resourceVersion"]) {
            let why =
                "the object has been modified; please apply your changes to the latest version and try again";
            return Err(Refusal::conflict(kind, name, why));
        }
        for part in [
            "uid",
            "name",
            "namespace",
            "creationTimestamp",
            "deletionTimestamp",
            "generation",
            "resourceVersion",
        ] {
            match &old["metadata"][part] {
                Value::Null => _ = new["metadata"].as_object_mut().map(|m| m.remove(part)),
                value => new["metadata"][part] = value.clone(),
            }
        }
        new["kind"] = old["kind"].clone();
        match self.place.part {
            "status" => {
                let status = new["status"].take();
                new = old.clone();
                new["status"] = status;
            }
            _ if kind.status => new["status"] = old["status"].clone(),
            _ => {}
        }
        self.admit(&mut new, Some(old))?;
        let key = self.key();
        let gone = self.store.get(&key).is_some_and(|o| !o["metadata"]["deletionTimestamp"].is_null());
        self.store.change(&key, |object| *object = new.clone());
        // the last finalizer was taken off
        if gone && self.store.get(&key).is_none() {
            return Ok(Answer::json(200, views::as_version(new, kind, self.place.version)));
        }
        Ok(self.shown(200, &key))
    }

    fn replace(&mut self) -> Outcome {
        let old = self.old()?;
        let new = views::as_kept(self.body()?, self.place.kind, self.place.version);
        self.keep(new, &old)
    }

    fn patch(&mut self) -> Outcome {
        let body = self.body()?;
        let media = self.request.header("content-type").unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim();
        if media == "application/apply-patch+yaml" {
            return self.apply(&body);
        }
        let old = self.old()?;
        let mut new = views::as_version(old.clone(), self.place.kind, self.place.version);
        match media {
            "application/json-patch+json" => {
                patch::apply(&mut new, &body).map_err(|()| Refusal::patch_failed())?;
            }
            "application/merge-patch+json" => patch::merge(&mut new, &body),
            "application/strategic-merge-patch+json" if !self.place.kind.group.ends_with("x-k8s.io") => {
                patch::combine(&mut new, &body);
            }
            other => return Err(Refusal::media(other)),
        }
        if body.is_object() && self.place.part.is_empty() {
            ownership::note(&mut new, &body, &self.manager(), "Update", self.now);
        }
        let new = views::as_kept(new, self.place.kind, self.place.version);
        self.keep(new, &old)
    }

    fn apply(&mut self, applied: &Value) -> Outcome {
        let Some(manager) = self.request.get("fieldManager").filter(|m| !m.is_empty()) else {
            return Err(Refusal::bad(
                "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
            ));
        };
        let name = applied["metadata"]["name"].as_str().unwrap_or(self.place.name);
        if name != self.place.name {
            return Err(Refusal::bad(format!(
                "the name of the object ({name}) does not match the name on the URL ({})",
                self.place.name
            )));
        }
        let Ok(old) = self.old() else {
            let mut object = views::as_kept(applied.clone(), self.place.kind, self.place.version);
            object["metadata"]["name"] = self.place.name.into();
            object["metadata"]["namespace"] = self.place.namespace.into();
            self.admit(&mut object, None)?;
            ownership::note(&mut object, applied, &manager, "Apply", self.now);
            let key = self.store.insert(self.ids, self.place.kind, object, self.now);
            return Ok(self.shown(201, &key));
        };
        if self.request.get("force").as_deref() != Some("true") {
            ownership::check(&old, applied, &manager)?;
        }
        let mut new = old.clone();
        for keys in ownership::dropped(&old, applied, &manager) {
            ownership::take(&mut new, &keys);
        }
        patch::combine(&mut new, applied);
        ownership::note(&mut new, applied, &manager, "Apply", self.now);
        new["apiVersion"] = self.place.kind.kept().into();
        self.keep(new, &old)
    }

    fn scale(&mut self) -> Outcome {
        let old = self.old()?;
        let mut scale = scale(&old);
        patch::merge(&mut scale, &self.body()?);
        let mut new = old.clone();
        new["spec"]["replicas"] = scale["spec"]["replicas"].clone();
        self.place.part = "";
        self.keep(new, &old)?;
        Ok(Answer::json(200, self::scale(&self.old()?)))
    }

    fn delete(&mut self) -> Outcome {
        let (old, key, kind) = (self.old()?, self.key(), self.place.kind);
        let options =
            if let Incoming::Json(options) = &self.request.body { options.clone() } else { Value::Null };
        let uid = &old["metadata"]["uid"];
        if let Some(wanted) = options["preconditions"]["uid"].as_str()
            && uid != wanted
        {
            let uid = uid.as_str().unwrap_or_default();
            return Err(Refusal::another(kind, self.place.name, wanted, uid));
        }
        let how = options["propagationPolicy"].as_str().map(str::to_string);
        let how = how.or_else(|| self.request.get("propagationPolicy"));
        if how.as_deref() == Some("Orphan") {
            self.store.orphan(&key);
        }
        if self.place.is_namespace() {
            self.empty();
        }
        self.store.delete(&key, self.now);
        if self.store.get(&key).is_some() {
            return Ok(Answer::json(200, read::get(self.store, &self.place)?));
        }
        let mut details = json!({"name": self.place.name, "kind": kind.plural, "uid": uid});
        if !kind.group.is_empty() {
            details["group"] = kind.group.into();
        }
        let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details});
        Ok(Answer::json(200, status))
    }

    /// Asks for the end of all that is in a namespace.
    fn empty(&mut self) {
        let inside = self.store.within(self.place.name);
        for key in inside {
            self.store.delete(&key, self.now);
        }
    }
}

/// The `scale` of an object.
pub(super) fn scale(object: &Value) -> Value {
    let meta = &object["metadata"];
    let selector = object["spec"]["selector"]["matchLabels"].as_object();
    let selector: Vec<String> = selector
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    let replicas = object["status"]["replicas"].as_u64().unwrap_or_default();
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"], "resourceVersion": meta["resourceVersion"],
            "creationTimestamp": meta["creationTimestamp"],
        },
        "spec": {"replicas": object["spec"]["replicas"]},
        "status": {"replicas": replicas, "selector": selector.join(",")},
    })
}
