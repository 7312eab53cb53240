//! Reading objects and logs.

use std::time::Duration;

use serde_json::Value;

use crate::base::{Error, ErrorKind, Payload, Result};

use super::ask::Ask;
use super::connection::CAP;
use super::handle::Kube;
use super::path::Query;
use super::redact::payload;
use super::resource::Resource;
use super::select::{ObjectRef, Selection};

/// Objects asked for at once.
const PAGE: &str = "500";
/// Most objects of one list.
const MOST_OBJECTS: usize = 100_000;
/// Most pages of one list, also where none of them has anything.
const MOST_PAGES: usize = 2_000;

/// A list and the moment in the cluster's history that it shows.
pub(super) struct Listed {
    pub(super) objects: Vec<Payload>,
    pub(super) resource_version: String,
}

/// Which part of a container's log to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPart {
    /// The container; `None` is the pod's only or default one.
    pub container: Option<String>,
    /// The log of the container's run before this one.
    pub previous: bool,
    /// Only the last lines.
    pub tail: Option<u64>,
    /// Only what was written in this time, in whole seconds.
    pub since: Option<Duration>,
    /// Each line with its time.
    pub timestamps: bool,
}

impl Kube {
    /// All objects of a selection, page by page. Each one has `apiVersion` and `kind`.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the kind is not served in this version; those of any read.
    pub async fn list(&self, selection: &Selection) -> Result<Vec<Payload>> {
        let resource = self.resource(&selection.kind).await?;
        Ok(self.list_of(&resource, selection).await?.objects)
    }

    /// One object.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if it is absent, which is not what an unserved kind or version is
    /// ([`ErrorKind::Unsupported`]); those of any read.
    pub async fn get(&self, object: &ObjectRef) -> Result<Payload> {
        let resource = self.resource(&object.kind).await?;
        let namespace = object.namespace.as_deref().unwrap_or(self.namespace());
        let path = resource.object(namespace, &object.name).map_err(|e| e.scope(self.name()))?;
        self.json(&Ask::get(path)).await.map(payload)
    }

    /// One object, or `None` if it is absent.
    ///
    /// # Errors
    /// Those of [`Kube::get`], except not-found.
    pub async fn find(&self, object: &ObjectRef) -> Result<Option<Payload>> {
        match self.get(object).await {
            Ok(found) => Ok(Some(found)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// A container's log. At most 64 MiB of it; what is not UTF-8 is replaced.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the pod is absent, [`ErrorKind::Invalid`] if the container is, or
    /// was never started before; those of any read.
    pub async fn logs(&self, namespace: Option<&str>, pod: &str, part: &LogPart) -> Result<String> {
        let target = log_target(namespace.unwrap_or(self.namespace()), pod, part);
        let ask = Ask { accept: Some("*/*"), ..Ask::get(target.map_err(|e| e.scope(self.name()))?) };
        Ok(self.connection().accepted(&ask).await?.text())
    }

    pub(super) async fn list_of(&self, resource: &Resource, selection: &Selection) -> Result<Listed> {
        let path = resource.collection(self.place(&selection.namespace)).map_err(|e| e.scope(self.name()))?;
        match self.pages(&path, resource, selection).await {
            // the server forgot the moment that the pages show: one whole answer shows one moment
            Err(e) if e.detail().status == Some(410) => {
                let query = selectors(selection);
                let answer = self.json(&Ask::get(format!("{path}{}", query.as_str()))).await?;
                let mut objects = Vec::new();
                let (_, resource_version) =
                    page(answer, resource, &mut objects).map_err(|e| e.scope(self.name()))?;
                Ok(Listed { objects, resource_version })
            }
            other => other,
        }
    }

    async fn pages(&self, path: &str, resource: &Resource, selection: &Selection) -> Result<Listed> {
        let (mut objects, mut pages) = (Vec::new(), 0);
        let mut next: Option<String> = None;
        loop {
            pages += 1;
            if pages > MOST_PAGES || objects.len() > MOST_OBJECTS {
                let what = format!(
                    "the list of {} has no end: {pages} pages, {} objects",
                    resource.plural,
                    objects.len()
                );
                return Err(Error::new(ErrorKind::Protocol, what)
                    .help("ask for less: labels or fields")
                    .scope(self.name()));
            }
            let query = selectors(selection).with("limit", PAGE).with_some("continue", next.as_deref());
            let answer = self.json(&Ask::get(format!("{path}{}", query.as_str()))).await?;
            let (more, resource_version) =
                page(answer, resource, &mut objects).map_err(|e| e.scope(self.name()))?;
            match more {
                Some(token) if next.as_ref() == Some(&token) => {
                    let what = format!("the list of {} comes back to a page it gave", resource.plural);
                    return Err(Error::new(ErrorKind::Protocol, what).scope(self.name()));
                }
                Some(token) => next = Some(token),
                None => return Ok(Listed { objects, resource_version }),
            }
        }
    }
}

pub(super) fn selectors(selection: &Selection) -> Query {
    Query::default()
        .with_some("labelSelector", selection.labels.as_deref())
        .with_some("fieldSelector", selection.fields.as_deref())
}

/// Takes the objects out of a page; returns the token of the next one and the list's version.
fn page(mut answer: Value, resource: &Resource, into: &mut Vec<Payload>) -> Result<(Option<String>, String)> {
    let Some(Value::Array(items)) = answer.get_mut("items").map(Value::take) else {
        let what = format!("the list of {} has no items", resource.plural);
        return Err(
            Error::new(ErrorKind::Protocol, what).help("the server of this kubeconfig is no Kubernetes API")
        );
    };
    into.extend(items.into_iter().map(|item| payload(named(item, resource))));
    let text = |key: &str| answer["metadata"][key].as_str().unwrap_or_default().to_string();
    Ok((Some(text("continue")).filter(|t| !t.is_empty()), text("resourceVersion")))
}

/// An item of a list with the `apiVersion` and `kind` that lists leave out.
fn named(mut item: Value, resource: &Resource) -> Value {
    if let Some(fields) = item.as_object_mut() {
        for (key, text) in [("kind", resource.kind.clone()), ("apiVersion", resource.api_version())] {
            if !fields.contains_key(key) {
                fields.shift_insert(0, key.to_string(), Value::from(text));
            }
        }
    }
    item
}

fn log_target(namespace: &str, pod: &str, part: &LogPart) -> Result<String> {
    let namespace = super::path::segment("namespace", namespace)?;
    let pod = super::path::segment("pod", pod)?;
    let flag = |on: bool| on.then_some("true");
    let query = Query::default()
        .with_some("container", part.container.as_deref())
        .with_some("previous", flag(part.previous))
        .with_some("timestamps", flag(part.timestamps))
        .with_some("tailLines", part.tail.map(|n| n.to_string()).as_deref())
        .with_some("sinceSeconds", part.since.map(|d| d.as_secs().max(1).to_string()).as_deref())
        .with("limitBytes", &CAP.to_string());
    Ok(format!("/api/v1/namespaces/{namespace}/pods/{pod}/log{}", query.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn items_of_a_list_say_what_they_are() {
        let resource = Resource {
            group: "apps".into(),
            version: "v1".into(),
            kind: "Deployment".into(),
            plural: "deployments".into(),
            ..Resource::default()
        };
        let answer = json!({
            "metadata": {"resourceVersion": "7", "continue": "abc"},
            "items": [{"metadata": {"name": "rr"}}],
        });
        let mut objects = Vec::new();
        let (next, version) = page(answer, &resource, &mut objects).unwrap();
        assert_eq!((next.as_deref(), version.as_str()), (Some("abc"), "7"));
        let wanted = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "rr"}});
        assert_eq!(objects[0].expose(), &wanted);
        let none = page(json!({"kind": "Status"}), &resource, &mut objects).map(|_| ());
        assert_eq!(none.unwrap_err().kind(), ErrorKind::Protocol);
    }

    #[test]
    fn a_log_is_asked_for_in_part() {
        let part = LogPart {
            container: Some("manager".into()),
            previous: true,
            tail: Some(20),
            since: Some(Duration::from_millis(10)),
            timestamps: false,
        };
        assert_eq!(
            log_target("capi-system", "p-1", &part).unwrap(),
            "/api/v1/namespaces/capi-system/pods/p-1/log\
             ?container=manager&previous=true&tailLines=20&sinceSeconds=1&limitBytes=67108864"
        );
        assert!(log_target("a/b", "p", &LogPart::default()).is_err());
    }
}
