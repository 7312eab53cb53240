//! A change brought down to the one request that carries it out, without sending anything.

use http::Method;
use serde_json::{Value, json};

use crate::base::{Error, ErrorKind, Intent, Payload, Result, Undo, is_uuid};
use crate::systems::command::Command;

use super::ask::Ask;
use super::call::{
    APPLY_PATCH, FIELD_MANAGER, JSON_PATCH, KubeCall, MERGE_PATCH, Patch, STRATEGIC_PATCH, finalizer_patch,
};
use super::path::Query;
use super::proof::Proof;
use super::redact::{guarded, guarded_patch};
use super::resource::Resource;
use super::select::ObjectRef;

/// A change brought down to what is sent.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) action: Action,
    /// The object that it is aimed at; `None` where it is to be made.
    aim: Option<Aim>,
    summary: String,
    pub(super) undo: Undo,
    pub(super) destroys: bool,
}

/// The one object that a change is aimed at.
#[derive(Clone, Debug)]
struct Aim {
    /// Its kind, namespace and name: `deployments.apps/default/rr`, `nodes/n1`.
    name: String,
    /// Its uid, where the server is asked to compare it.
    uid: Option<String>,
}

/// What is sent.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// One request.
    Ask(Ask),
    /// A command in a container.
    Exec { namespace: String, pod: String, container: Option<String>, command: Command },
}

impl Plan {
    /// Brings a change down to what is sent, for the resource that its kind means.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if a name or a manifest is not one.
    pub(super) fn new(call: KubeCall, resource: &Resource, own: &str) -> Result<Plan> {
        let target = Target { resource, own };
        match call {
            KubeCall::Apply { manifest, force } => target.apply(manifest, force),
            KubeCall::Create { manifest } => target.create(manifest),
            KubeCall::Patch { object, patch } => target.patch(&object, patch),
            KubeCall::Scale { object, replicas } => target.scale(&object, replicas),
            KubeCall::Delete { object, propagation, uid } => {
                let mut options = json!({
                    "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation.name(),
                });
                if let Some(uid) = &uid {
                    options["preconditions"] = json!({"uid": uid});
                }
                let ask = Ask::new(Method::DELETE, target.path(&object)?, Some(options.into()))
                    .proven_by(Proof::deleted(&resource.kind, &object.name));
                Ok(Plan {
                    action: Action::Ask(ask),
                    aim: target.aim(&object, uid),
                    summary: format!("delete {}", target.call(&object)),
                    undo: Undo::Never,
                    destroys: true,
                })
            }
            KubeCall::RemoveFinalizer { object, uid, index, finalizer } => {
                let patch = finalizer_patch(&uid, index, &finalizer);
                let ask = changed(target.path(&object)?, JSON_PATCH, patch.into())
                    .proven_by(Proof::patched(&resource.kind, &object.name));
                Ok(Plan {
                    action: Action::Ask(ask),
                    aim: target.aim(&object, Some(uid)),
                    summary: format!("remove the finalizer {finalizer} from {}", target.call(&object)),
                    undo: Undo::Never,
                    destroys: true,
                })
            }
            KubeCall::Exec { namespace, pod, container, command } => {
                let namespace = namespace.unwrap_or_else(|| own.to_string());
                // the session puts these into its path as they are
                if resource.object(&namespace, &pod)? != format!("/api/v1/namespaces/{namespace}/pods/{pod}")
                {
                    let what = format!("`{}` is not the name of a pod", pod.escape_debug());
                    return Err(Error::new(ErrorKind::Argument, what));
                }
                command.validate()?;
                if command.argv().is_empty() {
                    return Err(Error::new(ErrorKind::Argument, "there is no command to run"));
                }
                Ok(Plan {
                    summary: format!("run `{}` in {}", command.shown(), resource.call(&namespace, &pod)),
                    aim: Some(Aim { name: resource.told(&namespace, &pod), uid: None }),
                    action: Action::Exec { namespace, pod, container, command },
                    undo: Undo::Unknown,
                    destroys: false,
                })
            }
        }
    }

    /// The same request as a server dry run, which goes through admission and stores nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for a command, which cannot be tried without running it.
    pub(super) fn dry(self) -> Result<Ask> {
        match self.action {
            Action::Ask(mut ask) => {
                ask.target.push(if ask.target.contains('?') { '&' } else { '?' });
                ask.target.push_str("dryRun=All");
                ask.harmless = true;
                Ok(ask)
            }
            Action::Exec { .. } => {
                Err(Error::new(ErrorKind::Unsupported, format!("there is no dry run: {}", self.summary)))
            }
        }
    }

    /// What to show, approve and journal, if a handle sends it to this server.
    pub(super) fn intent(&self, handle: &str, identity: &str, server: &str) -> Intent {
        let (method, target, body) = match &self.action {
            Action::Ask(ask) => {
                let body = ask.body.as_ref().map(Payload::masked).unwrap_or_default();
                (ask.method.to_string(), ask.target.clone(), body)
            }
            Action::Exec { namespace, pod, container, command } => {
                let mut body = command.body();
                body["command"] = command.shown().into();
                if let Some(container) = container {
                    body["container"] = container.as_str().into();
                }
                ("run".to_string(), format!("/api/v1/namespaces/{namespace}/pods/{pod}/exec"), body)
            }
        };
        // by its server: what a script calls a cluster is the script's word
        let cluster = server.split_once("://").map_or(server, |(_, rest)| rest);
        let ids = self.aim.iter().flat_map(|aim| {
            let uid = aim.uid.as_deref().filter(|uid| is_uuid(uid)).map(str::to_ascii_lowercase);
            uid.into_iter().chain([format!("{cluster}/{}", aim.name)])
        });
        Intent {
            system: "kubernetes".to_string(),
            handle: handle.to_string(),
            identity: identity.to_string(),
            method,
            url: format!("{server}{target}"),
            target,
            ids: ids.collect(),
            summary: self.summary.clone(),
            body,
            undo: self.undo.clone(),
            destroys: self.destroys,
            replaces: Value::Null,
            was: Value::Null,
        }
    }
}

/// What a change is about: a resource, and the namespace that is meant where none is named.
struct Target<'a> {
    resource: &'a Resource,
    own: &'a str,
}

impl Target<'_> {
    fn namespace<'a>(&'a self, object: &'a ObjectRef) -> &'a str {
        object.namespace.as_deref().unwrap_or(self.own)
    }

    fn path(&self, object: &ObjectRef) -> Result<String> {
        self.resource.object(self.namespace(object), &object.name)
    }

    fn aim(&self, object: &ObjectRef, uid: Option<String>) -> Option<Aim> {
        Some(Aim { name: self.resource.told(self.namespace(object), &object.name), uid })
    }

    fn call(&self, object: &ObjectRef) -> String {
        self.resource.call(self.namespace(object), &object.name)
    }

    /// The namespace and the name in a manifest; the name is empty if the server is to make one.
    fn named<'a>(&'a self, manifest: &'a Value) -> (&'a str, &'a str) {
        let text = |key: &str| manifest["metadata"][key].as_str().filter(|t| !t.is_empty());
        (text("namespace").unwrap_or(self.own), text("name").unwrap_or_default())
    }

    fn apply(&self, manifest: Payload, force: bool) -> Result<Plan> {
        let (namespace, name) = self.named(manifest.expose());
        if name.is_empty() {
            return Err(Error::new(ErrorKind::Argument, "the manifest has no metadata.name")
                .help("only an object with a name can be applied; `create` also takes generateName"));
        }
        let query =
            Query::default().with("fieldManager", FIELD_MANAGER).with_some("force", force.then_some("true"));
        let path = self.resource.object(namespace, name)?;
        let object = self.resource.call(namespace, name);
        let aim = Some(Aim { name: self.resource.told(namespace, name), uid: None });
        let proof = Proof::patched(&self.resource.kind, name);
        Ok(Plan {
            action: Action::Ask(
                changed(format!("{path}{}", query.as_str()), APPLY_PATCH, guarded(manifest)).proven_by(proof),
            ),
            aim,
            undo: Undo::By(format!("delete {object} if it is new, else apply its former values")),
            summary: format!("apply {object}"),
            destroys: false,
        })
    }

    fn create(&self, manifest: Payload) -> Result<Plan> {
        let (namespace, name) = self.named(manifest.expose());
        let generated = manifest.expose()["metadata"]["generateName"].as_str().unwrap_or_default();
        if name.is_empty() && generated.is_empty() {
            return Err(Error::new(
                ErrorKind::Argument,
                "the manifest has neither metadata.name nor generateName",
            ));
        }
        let query = Query::default().with("fieldManager", FIELD_MANAGER);
        let path = self.resource.collection(Some(namespace))?;
        let kind = &self.resource.kind;
        let (object, proof) = match name {
            "" => {
                (self.resource.call(namespace, &format!("{generated}*")), Proof::generated(kind, generated))
            }
            name => (self.resource.call(namespace, name), Proof::created(kind, name)),
        };
        let target = format!("{path}{}", query.as_str());
        Ok(Plan {
            action: Action::Ask(Ask::new(Method::POST, target, Some(guarded(manifest))).proven_by(proof)),
            aim: None,
            summary: format!("create {object}"),
            undo: Undo::By(format!("delete {object}")),
            destroys: false,
        })
    }

    fn patch(&self, object: &ObjectRef, patch: Patch) -> Result<Plan> {
        let (content_type, body) = match patch {
            Patch::Merge(body) => (MERGE_PATCH, body),
            Patch::Strategic(body) => (STRATEGIC_PATCH, body),
            Patch::Json(body) => (JSON_PATCH, body),
        };
        let well_formed = match content_type {
            JSON_PATCH => body.expose().is_array(),
            _ => body.expose().is_object(),
        };
        if !well_formed {
            return Err(Error::new(ErrorKind::Argument, "the patch has the wrong shape")
                .help("a JSON patch is a list of operations; a merge patch is a map of new values"));
        }
        let query = Query::default().with("fieldManager", FIELD_MANAGER);
        Ok(Plan {
            action: Action::Ask(
                changed(
                    format!("{}{}", self.path(object)?, query.as_str()),
                    content_type,
                    guarded_patch(self.resource, body),
                )
                .proven_by(Proof::patched(&self.resource.kind, &object.name)),
            ),
            aim: self.aim(object, None),
            summary: format!("patch {}", self.call(object)),
            undo: Undo::Unknown,
            destroys: false,
        })
    }

    fn scale(&self, object: &ObjectRef, replicas: u32) -> Result<Plan> {
        let query = Query::default().with("fieldManager", FIELD_MANAGER);
        let path = format!("{}/scale{}", self.path(object)?, query.as_str());
        let body = json!({"spec": {"replicas": replicas}});
        Ok(Plan {
            action: Action::Ask(
                changed(path, MERGE_PATCH, body.into()).proven_by(Proof::patched("Scale", &object.name)),
            ),
            aim: self.aim(object, None),
            summary: format!("scale {} to {replicas}", self.call(object)),
            undo: Undo::By("scale it back".to_string()),
            destroys: false,
        })
    }
}

fn changed(target: String, content_type: &'static str, body: Payload) -> Ask {
    Ask { content_type: Some(content_type), ..Ask::new(Method::PATCH, target, Some(body)) }
}

#[cfg(test)]
mod tests {
    use super::super::call::Propagation;
    use super::super::kind::KindName;
    use super::*;

    fn services() -> Resource {
        Resource {
            version: "v1".into(),
            kind: "Service".into(),
            plural: "services".into(),
            singular: "service".into(),
            namespaced: true,
            ..Resource::default()
        }
    }

    fn plan(call: KubeCall) -> Result<Intent> {
        Ok(Plan::new(call, &services(), "default")?.intent(
            "workload",
            "admin at https://x",
            "https://k8s:6443",
        ))
    }

    fn rr() -> ObjectRef {
        ObjectRef::new(KindName::of_manifest("v1", "Service"), "rr")
    }

    fn manifest() -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "rr"}, "spec": {"type": "LoadBalancer"}})
    }

    #[test]
    fn apply_owns_its_fields_by_name() {
        let intent = plan(KubeCall::Apply { manifest: manifest().into(), force: true }).unwrap();
        assert_eq!(intent.method, "PATCH");
        assert_eq!(intent.target, "/api/v1/namespaces/default/services/rr?fieldManager=rhumb&force=true");
        assert_eq!(intent.summary, "apply service default/rr");
        assert_eq!(intent.body, manifest());
        assert!(!intent.destroys);
    }

    #[test]
    fn create_takes_the_namespace_of_the_manifest() {
        let mut there = manifest();
        there["metadata"]["namespace"] = "apps".into();
        let intent = plan(KubeCall::Create { manifest: there.into() }).unwrap();
        assert_eq!(
            (intent.method.as_str(), intent.target.as_str()),
            ("POST", "/api/v1/namespaces/apps/services?fieldManager=rhumb")
        );
        assert_eq!(intent.undo, Undo::By("delete service apps/rr".into()));
        let nameless = json!({"apiVersion": "v1", "kind": "Service", "metadata": {}});
        assert_eq!(
            plan(KubeCall::Create { manifest: nameless.clone().into() }).unwrap_err().kind(),
            ErrorKind::Argument
        );
        assert_eq!(
            plan(KubeCall::Apply { manifest: nameless.into(), force: false }).unwrap_err().kind(),
            ErrorKind::Argument
        );
    }

    #[test]
    fn delete_says_what_becomes_of_the_rest() {
        let call =
            KubeCall::Delete { object: rr(), propagation: Propagation::Foreground, uid: Some("u-1".into()) };
        let intent = plan(call).unwrap();
        assert_eq!(
            intent.body,
            json!({
                "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground", "preconditions": {"uid": "u-1"},
            })
        );
        assert!(intent.destroys && intent.undo == Undo::Never);
    }

    #[test]
    fn a_patch_has_the_shape_of_its_type() {
        let patch = |patch| plan(KubeCall::Patch { object: rr(), patch });
        assert!(patch(Patch::Merge(json!({"spec": {}}).into())).is_ok());
        assert!(patch(Patch::Json(json!([]).into())).is_ok());
        for wrong in [
            Patch::Merge(json!([]).into()),
            Patch::Json(json!({}).into()),
            Patch::Strategic(json!("x").into()),
        ] {
            assert_eq!(patch(wrong).unwrap_err().kind(), ErrorKind::Argument);
        }
    }

    #[test]
    fn a_dry_run_is_the_same_request() {
        let call = KubeCall::Scale { object: rr(), replicas: 2 };
        let ask = Plan::new(call, &services(), "default").unwrap().dry().unwrap();
        assert_eq!(ask.target, "/api/v1/namespaces/default/services/rr/scale?fieldManager=rhumb&dryRun=All");
        assert!(ask.is_read());
        let exec = KubeCall::Exec {
            namespace: None,
            pod: "p".into(),
            container: None,
            command: Command::new(["ls"]),
        };
        let pods = Resource { singular: "pod".into(), plural: "pods".into(), ..services() };
        assert_eq!(
            Plan::new(exec, &pods, "default").unwrap().dry().unwrap_err().kind(),
            ErrorKind::Unsupported
        );
    }

    #[test]
    fn a_secret_is_not_in_the_intent() {
        let secret = Payload::new(
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "rr"}, "data": {"k": "hunter2"}}),
            ["/data/k".to_string()],
        );
        let plan =
            Plan::new(KubeCall::Apply { manifest: secret, force: false }, &services(), "default").unwrap();
        let shown = format!("{plan:?} {:?}", plan.intent("w", "x", "https://k8s:6443"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_change_is_aimed_at_one_object_by_its_uid_and_its_full_name() {
        let uid = "0F968008-8429-4ac3-8b82-452e126982cf";
        let ids = |call| {
            Plan::new(call, &services(), "default").unwrap().intent("mgmt", "x", "https://k8s:6443").ids
        };
        let delete = |uid: Option<&str>| KubeCall::Delete {
            object: rr(),
            propagation: Propagation::Background,
            uid: uid.map(str::to_string),
        };
        assert_eq!(ids(delete(None)), ["k8s:6443/services/default/rr"]);
        assert_eq!(ids(delete(Some(uid))), [&uid.to_lowercase(), "k8s:6443/services/default/rr"]);
        // what a script gives for a uid is no path of a file
        assert_eq!(ids(delete(Some("/etc/passwd"))), ["k8s:6443/services/default/rr"]);
        assert_eq!(ids(KubeCall::Scale { object: rr(), replicas: 2 }), ["k8s:6443/services/default/rr"]);
        let manifest = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "rr"}});
        assert!(ids(KubeCall::Create { manifest: manifest.into() }).is_empty(), "it is not there yet");
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_no_name() {
        let pods = Resource { singular: "pod".into(), plural: "pods".into(), ..services() };
        for name in ["a/b", "..", ".", "a%2fb", "%2e%2e", "a\\b", "a\nb", "a b", "a?b", "a#b", ""] {
            let exec = KubeCall::Exec {
                namespace: None,
                pod: name.into(),
                container: None,
                command: Command::new(["ls"]),
            };
            let e = Plan::new(exec, &pods, "default").unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Argument, "{name:?}");
        }
        for namespace in ["kube-system/pods/x", "..", "a\\b"] {
            let object = rr().in_namespace(namespace);
            let delete = KubeCall::Delete { object, propagation: Propagation::Background, uid: None };
            assert_eq!(
                Plan::new(delete, &services(), "default").unwrap_err().kind(),
                ErrorKind::Argument,
                "{namespace}"
            );
        }
    }

    #[test]
    fn a_command_is_shown_whole() {
        let pods = Resource { singular: "pod".into(), plural: "pods".into(), ..services() };
        let exec = KubeCall::Exec {
            namespace: Some("kube-system".into()),
            pod: "etcd-0".into(),
            container: Some("etcd".into()),
            command: Command::new(["etcdctl", "endpoint", "health"]),
        };
        let intent = Plan::new(exec, &pods, "default").unwrap().intent("mgmt", "x", "https://k8s:6443");
        assert_eq!(intent.summary, "run `etcdctl endpoint health` in pod kube-system/etcd-0");
        assert_eq!(intent.body["container"], "etcd");
        assert_eq!(intent.body["command"], "etcdctl endpoint health");
    }
}
