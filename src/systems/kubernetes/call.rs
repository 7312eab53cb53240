//! Changes, before anything is known of the cluster: values that say what is wanted.

use serde_json::{Value, json};

use crate::base::{Error, ErrorKind, Payload, Result};
use crate::systems::command::Command;

use super::kind::KindName;
use super::select::ObjectRef;

/// Content types of the three patches, and of server-side apply.
pub(super) const JSON_PATCH: &str = "application/json-patch+json";
pub(super) const MERGE_PATCH: &str = "application/merge-patch+json";
pub(super) const STRATEGIC_PATCH: &str = "application/strategic-merge-patch+json";
pub(super) const APPLY_PATCH: &str = "application/apply-patch+yaml";

/// The name under which what is applied is owned.
pub const FIELD_MANAGER: &str = "rhumb";

/// A change to an object.
#[derive(Clone, Debug)]
pub enum KubeCall {
    /// Server-side apply: creates the object, or brings the stated fields to the stated values.
    Apply {
        /// The object as far as it is to be owned.
        manifest: Payload,
        /// Take over fields that another manager owns.
        force: bool,
    },
    /// Creates an object that must not exist yet.
    Create {
        /// The whole object.
        manifest: Payload,
    },
    /// Changes parts of an object.
    Patch {
        /// The object.
        object: ObjectRef,
        /// How the parts are told.
        patch: Patch,
    },
    /// Sets the number of replicas through the `scale` subresource.
    Scale {
        /// The object.
        object: ObjectRef,
        /// How many there shall be.
        replicas: u32,
    },
    /// Deletes an object.
    Delete {
        /// The object.
        object: ObjectRef,
        /// What becomes of the objects that it owns.
        propagation: Propagation,
        /// Only if it is still the object of this uid, and not a later one of the same name.
        uid: Option<String>,
    },
    /// Takes one finalizer off one object, if both are still what was read.
    RemoveFinalizer {
        /// The object.
        object: ObjectRef,
        /// Its uid when it was read.
        uid: String,
        /// Where the finalizer was in the list.
        index: usize,
        /// The finalizer.
        finalizer: String,
    },
    /// Runs a command in a container.
    Exec {
        /// The pod's namespace; `None` is the handle's own.
        namespace: Option<String>,
        /// The pod.
        pod: String,
        /// The container; `None` is the pod's only or default one.
        container: Option<String>,
        /// What to run there. When its time is up the session is closed; Kubernetes has no way to
        /// end the process itself.
        command: Command,
    },
}

/// How the parts to change are told.
#[derive(Clone, Debug)]
pub enum Patch {
    /// RFC 7386: the new values; `null` removes a key; a list is replaced as a whole.
    Merge(Payload),
    /// RFC 6902: a list of operations, all or none.
    Json(Payload),
    /// Kubernetes' own: lists of built-in kinds are merged by their keys.
    Strategic(Payload),
}

/// What becomes of the objects that a deleted one owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    /// They are deleted after it.
    #[default]
    Background,
    /// They are deleted before it.
    Foreground,
    /// They stay.
    Orphan,
}

impl Propagation {
    pub(super) fn name(self) -> &'static str {
        match self {
            Propagation::Background => "Background",
            Propagation::Foreground => "Foreground",
            Propagation::Orphan => "Orphan",
        }
    }
}

impl KubeCall {
    /// Takes one finalizer off an object as it was read.
    ///
    /// The patch tests for the object's uid and for the finalizer at its place, so that it removes
    /// this one from this object or nothing: emptying the list would also strip the finalizers of
    /// controllers that have not cleaned up yet.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the object does not carry the finalizer (with those it has);
    /// [`ErrorKind::Argument`] if it is no object as the cluster gives them.
    pub fn remove_finalizer(object: &Value, finalizer: &str) -> Result<Self> {
        let metadata = &object["metadata"];
        let (reference, uid) = (ObjectRef::of(object)?, metadata["uid"].as_str().unwrap_or_default());
        if uid.is_empty() {
            return Err(Error::new(ErrorKind::Argument, "this is no object as a cluster gives it")
                .help("pass what `get` returned: it needs a metadata.uid"));
        }
        let carried: Vec<&str> =
            metadata["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let Some(index) = carried.iter().position(|f| *f == finalizer) else {
            let what = format!(
                "{} {} does not carry the finalizer `{finalizer}`",
                reference.kind.name, reference.name
            );
            let error = Error::new(ErrorKind::NotFound, what);
            return Err(match carried.as_slice() {
                [] => error.help("it carries none"),
                some => error.help(format!("it carries {}", some.join(", "))),
            });
        };
        let (uid, finalizer) = (uid.to_string(), finalizer.to_string());
        Ok(KubeCall::RemoveFinalizer { object: reference, uid, index, finalizer })
    }

    /// The kind it is about; for a manifest, the one it declares.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if a manifest does not say what it is.
    pub(super) fn kind(&self) -> Result<KindName> {
        match self {
            KubeCall::Apply { manifest, .. } | KubeCall::Create { manifest } => declared(manifest.expose()),
            KubeCall::Patch { object, .. }
            | KubeCall::Scale { object, .. }
            | KubeCall::Delete { object, .. }
            | KubeCall::RemoveFinalizer { object, .. } => Ok(object.kind.clone()),
            KubeCall::Exec { .. } => Ok(KindName::of_manifest("v1", "Pod")),
        }
    }
}

fn declared(manifest: &Value) -> Result<KindName> {
    match (manifest["apiVersion"].as_str(), manifest["kind"].as_str()) {
        (Some(version), Some(kind)) if !version.is_empty() && !kind.is_empty() => {
            if kind == "List" {
                return Err(Error::new(ErrorKind::Argument, "the manifest is a List")
                    .help("apply its items one by one: each is a change of its own"));
            }
            Ok(KindName::of_manifest(version, kind))
        }
        _ => Err(Error::new(ErrorKind::Argument, "the manifest does not say what it is")
            .help("it needs apiVersion and kind")),
    }
}

/// The JSON patch that takes one finalizer off.
pub(super) fn finalizer_patch(uid: &str, index: usize, finalizer: &str) -> Value {
    let path = format!("/metadata/finalizers/{index}");
    json!([
        {"op": "test", "path": "/metadata/uid", "value": uid},
        {"op": "test", "path": path, "value": finalizer},
        {"op": "remove", "path": path},
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wedged() -> Value {
        json!({
            "apiVersion": "infrastructure.cluster.x-k8s.io/v1beta1", "kind": "OpenStackCluster",
            "metadata": {
                "name": "capi-test-2", "namespace": "magnum-1", "uid": "u-1",
                "finalizers": ["openstackcluster.infrastructure.cluster.x-k8s.io", "janitor.capi.stackhpc.com"],
            },
        })
    }

    #[test]
    fn one_finalizer_is_removed_where_it_was_seen() {
        let call = KubeCall::remove_finalizer(&wedged(), "janitor.capi.stackhpc.com").unwrap();
        let KubeCall::RemoveFinalizer { object, uid, index, finalizer } = call else { panic!("{call:?}") };
        assert_eq!((object.name.as_str(), object.namespace.as_deref()), ("capi-test-2", Some("magnum-1")));
        assert_eq!(object.kind.to_string(), "openstackcluster.infrastructure.cluster.x-k8s.io/v1beta1");
        assert_eq!(
            finalizer_patch(&uid, index, &finalizer),
            json!([
                {"op": "test", "path": "/metadata/uid", "value": "u-1"},
                {"op": "test", "path": "/metadata/finalizers/1", "value": "janitor.capi.stackhpc.com"},
                {"op": "remove", "path": "/metadata/finalizers/1"},
            ])
        );
    }

    #[test]
    fn a_finalizer_that_is_not_there_is_told_with_those_that_are() {
        let error = KubeCall::remove_finalizer(&wedged(), "other").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.detail().help.clone().unwrap().contains("janitor.capi.stackhpc.com"));
        let stub = json!({"kind": "X", "metadata": {"finalizers": ["f"]}});
        assert_eq!(KubeCall::remove_finalizer(&stub, "f").unwrap_err().kind(), ErrorKind::Argument);
    }

    #[test]
    fn a_manifest_must_say_what_it_is() {
        let kind = |manifest: Value| KubeCall::Create { manifest: manifest.into() }.kind();
        assert_eq!(
            kind(json!({"apiVersion": "apps/v1", "kind": "Deployment"})).unwrap().to_string(),
            "deployment.apps/v1"
        );
        for manifest in
            [json!({}), json!({"kind": "Pod"}), json!([]), json!({"apiVersion": "v1", "kind": "List"})]
        {
            assert_eq!(kind(manifest).unwrap_err().kind(), ErrorKind::Argument);
        }
    }
}
