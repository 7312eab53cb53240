//! Changes of a cluster: each is bound to the handle that proved itself, approved and journaled.

use jiff::{SignedDuration, Timestamp};
use rhai::Dynamic;
use serde_json::Value;

use super::{KIND, NAME, NAMESPACE, UNDO, given, named};
use crate::base::{Error, ErrorKind, Payload, Result};
use crate::run;
use crate::run::settle::Settled;
use crate::script::adapter::Call;
use crate::script::arguments::Options;
use crate::script::handles::{KubeHandle, Object};
use crate::script::host::Host;
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::thrown::Thrown;
use crate::script::value;
use crate::systems::kubernetes::{Kube, KubeCall, ObjectRef, Patch, Propagation};

/// The family.
pub const ALL: &[&Primitive] = &[
    &APPLY,
    &CREATE,
    &PATCH,
    &SCALE,
    &DELETE,
    &REMOVE_FINALIZER,
    &OWN_PATCH,
    &OWN_SCALE,
    &OWN_DELETE,
    &OWN_REMOVE_FINALIZER,
];

const MANIFEST: Param = Param::new("manifest", Ty::Any, "the object as a map, or an object");

const PROPAGATION: Param = Param::optional(
    "propagation",
    Ty::Choice(&["background", "foreground", "orphan"]),
    "what becomes of the objects that it owns: deleted after it (default), before it, or left",
);

const TYPE: Param = Param::optional(
    "type",
    Ty::Choice(&["merge", "json", "strategic"]),
    "`merge` (default): the new values, a list is replaced as a whole; `json`: a list of operations, all or none; `strategic`: lists of built-in kinds are merged by their keys",
);

const APPLY: Primitive = Primitive {
    name: "apply",
    on: On::Type("Kube"),
    params: &[
        MANIFEST,
        Param::optional(
            "opts",
            Ty::Options(&[
                Param::optional("force", Ty::Bool, "take over fields that another manager owns"),
                UNDO,
            ]),
            "how it is applied",
        ),
    ],
    returns: "Object",
    effect: Effect::Change,
    doc: "Server-side apply: creates the object, or brings the stated fields to the stated values, as field manager `rhumb`. Fields that another manager owns are an error of kind `conflict` that names them.",
    example: r#"change("1", "Apply", || {
    let made = site.kube("mgmt").apply(#{ apiVersion: "v1", kind: "ConfigMap", metadata: #{ name: "drill" }, data: #{ a: "1" } });
    expect("data", made.data.a, "1");
    made.delete();
});"#,
    body: |call| {
        let kube: KubeHandle = call.receiver()?;
        let options = call.options(1);
        let manifest = call.arg(0).map(value::payload).unwrap_or_default();
        let apply = KubeCall::Apply { manifest, force: options.flag("force") };
        Ok(given(&kube, change(call.host, &kube, apply, &options)?))
    },
};

const CREATE: Primitive = Primitive {
    name: "create",
    on: On::Type("Kube"),
    params: &[MANIFEST, Param::optional("opts", Ty::Options(&[UNDO]), "what is known of it")],
    returns: "Object",
    effect: Effect::Change,
    doc: "Creates an object that must not exist yet; one that does is an error of kind `conflict`. It takes `metadata.generateName` as well.",
    example: r#"change("1", "Create", || {
    let manifest = #{ apiVersion: "v1", kind: "ConfigMap", metadata: #{ name: "drill" } };
    let made = site.kube("mgmt").create(manifest);
    try { site.kube("mgmt").create(manifest) } catch (e) { expect("kind", e.kind, "conflict") }
    made.delete();
});"#,
    body: |call| {
        let kube: KubeHandle = call.receiver()?;
        let manifest = call.arg(0).map(value::payload).unwrap_or_default();
        let create = KubeCall::Create { manifest };
        Ok(given(&kube, change(call.host, &kube, create, &call.options(1))?))
    },
};

const PATCH: Primitive = Primitive {
    name: "patch",
    on: On::Type("Kube"),
    params: &[
        KIND,
        NAME,
        Param::new("changes", Ty::Any, "the new values as a map, or a list of operations"),
        Param::optional(
            "opts",
            Ty::Options(&[NAMESPACE, TYPE, UNDO]),
            "where it lives, and how it is patched",
        ),
    ],
    returns: "Object",
    effect: Effect::Change,
    doc: "Changes parts of an object.",
    example: r#"change("1", "Patch", || {
    let kube = site.kube("mgmt");
    kube.create(#{ apiVersion: "v1", kind: "ConfigMap", metadata: #{ name: "drill" } });
    expect("data", kube.patch("configmap", "drill", #{ data: #{ a: "2" } }).data.a, "2");
    kube.delete("configmap", "drill");
});"#,
    body: |call| {
        let kube: KubeHandle = call.receiver()?;
        let options = call.options(3);
        let object = named(&call.text(0), &call.text(1), &options)?;
        let patch = KubeCall::Patch { object, patch: patch(call.arg(2), &options) };
        Ok(given(&kube, change(call.host, &kube, patch, &options)?))
    },
};

const REPLICAS: Param = Param::new("replicas", Ty::Integer, "how many there shall be");

const SCALE: Primitive = Primitive {
    name: "scale",
    on: On::Type("Kube"),
    params: &[KIND, NAME, REPLICAS, Param::optional("opts", Ty::Options(&[NAMESPACE]), "where it lives")],
    returns: "Object of kind Scale",
    effect: Effect::Change,
    doc: "Sets the number of replicas. The cluster has accepted it; that they run is another question, for `wait`.",
    example: r#"change("1", "Scale", || try { site.kube("mgmt").scale("deployment", "no-such", 2) } catch (e) { expect("kind", e.kind, "not-found") });"#,
    body: |call| {
        let kube: KubeHandle = call.receiver()?;
        let options = call.options(3);
        let object = named(&call.text(0), &call.text(1), &options)?;
        scale(call, &kube, object, call.integer(2))
    },
};

const DELETE: Primitive = Primitive {
    name: "delete",
    on: On::Type("Kube"),
    params: &[
        KIND,
        NAME,
        Param::optional(
            "opts",
            Ty::Options(&[
                NAMESPACE,
                PROPAGATION,
                Param::optional("uid", Ty::Text, "only if it is still the object of this uid"),
            ]),
            "where it lives, and what becomes of what it owns",
        ),
    ],
    returns: "()",
    effect: Effect::Change,
    doc: "Deletes an object. The cluster has accepted it; that it is gone is another question, for `wait`: finalizers may hold it.",
    example: r#"change("1", "Delete", || {
    let kube = site.kube("mgmt");
    kube.create(#{ apiVersion: "v1", kind: "ConfigMap", metadata: #{ name: "drill" } });
    kube.delete("configmap", "drill");
    kube.wait(#{ kind: "configmap", name: "drill", done: |o| o == (), within: 1.min });
});"#,
    body: |call| {
        let kube: KubeHandle = call.receiver()?;
        let options = call.options(2);
        let object = named(&call.text(0), &call.text(1), &options)?;
        delete(call, &kube, object, options.text("uid"), &options)
    },
};

const FINALIZER: Param = Param::new(
    "finalizer",
    Ty::Text,
    "the finalizer, such as `openstackcluster.infrastructure.cluster.x-k8s.io`",
);

const REMOVE_FINALIZER: Primitive = Primitive {
    name: "remove_finalizer",
    on: On::Type("Kube"),
    params: &[Param::new("object", Ty::Value("Object"), "the object as it was read"), FINALIZER],
    returns: "Object",
    effect: Effect::Change,
    doc: "Takes one finalizer off one object, if both are still what was read: the patch tests for the object's uid and for the finalizer at its place. Emptying the list would also strip the finalizers of controllers that have not cleaned up yet.",
    example: r#"change("1", "Unwedge", || {
    let kube = site.kube("mgmt");
    let held = kube.create(#{ apiVersion: "v1", kind: "ConfigMap", metadata: #{ name: "drill", finalizers: ["example.org/hold"] } });
    kube.remove_finalizer(held, "example.org/hold").delete();
});"#,
    body: |call| {
        let kube: KubeHandle = call.receiver()?;
        let object = call.arg(0).and_then(|o| o.clone().try_cast::<Object>());
        let object = object.ok_or_else(|| Error::new(ErrorKind::Internal, "no object was given"))?;
        remove_finalizer(call, &kube, &object, &call.text(1))
    },
};

const OWN_PATCH: Primitive = Primitive {
    name: "patch",
    on: On::Type("Object"),
    params: &[
        Param::new("changes", Ty::Any, "the new values as a map, or a list of operations"),
        Param::optional("opts", Ty::Options(&[TYPE, UNDO]), "how it is patched"),
    ],
    returns: "Object",
    effect: Effect::Change,
    doc: "Changes parts of this object.",
    example: r#"change("1", "Patch", || {
    let made = site.kube("mgmt").create(#{ apiVersion: "v1", kind: "ConfigMap", metadata: #{ name: "drill" }, data: #{ a: "1", b: "2" } });
    expect("data", made.patch([#{ op: "remove", path: "/data/a" }], #{ type: "json" }).data, #{ b: "2" });
    made.delete();
});"#,
    body: |call| {
        let object: Object = call.receiver()?;
        let options = call.options(1);
        let patch = KubeCall::Patch { object: object.reference()?, patch: patch(call.arg(0), &options) };
        Ok(given(&object.from, change(call.host, &object.from, patch, &options)?))
    },
};

const OWN_SCALE: Primitive = Primitive {
    name: "scale",
    on: On::Type("Object"),
    params: &[REPLICAS],
    returns: "Object of kind Scale",
    effect: Effect::Change,
    doc: "Sets the number of this object's replicas.",
    example: r#"change("1", "Scale", || {
    for deployment in site.kube("mgmt").list("deployments", #{ labels: "app=no-such" }) { deployment.scale(0); }
});"#,
    body: |call| {
        let object: Object = call.receiver()?;
        scale(call, &object.from, object.reference()?, call.integer(0))
    },
};

const OWN_DELETE: Primitive = Primitive {
    name: "delete",
    on: On::Type("Object"),
    params: &[Param::optional("opts", Ty::Options(&[PROPAGATION]), "what becomes of what it owns")],
    returns: "()",
    effect: Effect::Change,
    doc: "Deletes this object, and not a later one of the same name: its uid is told.",
    example: r#"change("1", "Delete", || site.kube("mgmt").create(#{ apiVersion: "v1", kind: "ConfigMap", metadata: #{ name: "drill" } }).delete());"#,
    body: |call| {
        let object: Object = call.receiver()?;
        let uid = Some(object.metadata("uid").to_string()).filter(|uid| !uid.is_empty());
        delete(call, &object.from, object.reference()?, uid, &call.options(0))
    },
};

const OWN_REMOVE_FINALIZER: Primitive = Primitive {
    name: "remove_finalizer",
    on: On::Type("Object"),
    params: &[FINALIZER],
    returns: "Object",
    effect: Effect::Change,
    doc: "Takes one finalizer off this object, if both are still what was read.",
    example: r#"change("1", "Unwedge", || {
    let held = site.kube("mgmt").create(#{ apiVersion: "v1", kind: "ConfigMap", metadata: #{ name: "drill", finalizers: ["example.org/hold"] } });
    held.remove_finalizer("example.org/hold").delete();
});"#,
    body: |call| {
        let object: Object = call.receiver()?;
        remove_finalizer(call, &object.from, &object, &call.text(0))
    },
};

fn patch(changes: Option<&Dynamic>, options: &Options) -> Patch {
    let changes = changes.map(value::payload).unwrap_or_default();
    match options.text("type").as_deref() {
        Some("json") => Patch::Json(changes),
        Some("strategic") => Patch::Strategic(changes),
        _ => Patch::Merge(changes),
    }
}

fn scale(
    call: &Call<'_>,
    kube: &KubeHandle,
    object: ObjectRef,
    replicas: Option<i64>,
) -> Result<Dynamic, Thrown> {
    let replicas = replicas.and_then(|n| u32::try_from(n).ok());
    let replicas =
        replicas.ok_or_else(|| Error::new(ErrorKind::Argument, "`replicas` is a number, 0 or more"))?;
    let scale = KubeCall::Scale { object, replicas };
    Ok(given(kube, change(call.host, kube, scale, &Options::default())?))
}

fn delete(
    call: &Call<'_>,
    kube: &KubeHandle,
    object: ObjectRef,
    uid: Option<String>,
    options: &Options,
) -> Result<Dynamic, Thrown> {
    let propagation = match options.text("propagation").as_deref() {
        Some("foreground") => Propagation::Foreground,
        Some("orphan") => Propagation::Orphan,
        _ => Propagation::Background,
    };
    change(call.host, kube, KubeCall::Delete { object, propagation, uid }, options)?;
    Ok(Dynamic::UNIT)
}

fn remove_finalizer(
    call: &Call<'_>,
    kube: &KubeHandle,
    object: &Object,
    finalizer: &str,
) -> Result<Dynamic, Thrown> {
    let remove = KubeCall::remove_finalizer(object.exposed(), finalizer).map_err(|e| e.scope(kube.name()))?;
    Ok(given(kube, change(call.host, kube, remove, &Options::default())?))
}

/// Has a change approved, journaled and carried out.
pub(super) fn change(host: &Host, kube: &KubeHandle, call: KubeCall, options: &Options) -> Result<Payload> {
    let reached = kube.reach(host)?;
    let asked = call.clone();
    let mut bound = host.block_on(reached.bind(call))?;
    if let Some(how) = options.text("undo") {
        bound = bound.undone_by(how);
    }
    if options.flag("destroys") {
        bound = bound.destroying();
    }
    let look = |effect: &run::Effect| settle(host, &reached, &asked, effect);
    let changed = host.run.effect(bound, look, |permit| host.block_on(Kube::mutate(permit)));
    kube.heed(host, &reached)?;
    changed
}

/// Whether a change that was cut off took effect.
fn settle(host: &Host, kube: &Kube, call: &KubeCall, effect: &run::Effect) -> Result<Settled> {
    let find = |object: &ObjectRef| host.block_on(kube.find(object));
    Ok(match call {
        // each brings the object to the stated values, however often it is sent
        KubeCall::Apply { .. }
        | KubeCall::Scale { .. }
        | KubeCall::Patch { patch: Patch::Merge(_) | Patch::Strategic(_), .. } => Settled::Again,
        KubeCall::Create { manifest } => match ObjectRef::of(manifest.expose()) {
            Ok(object) => match find(&object)? {
                Some(made) if made_before(made.expose(), effect) => Settled::NotDone,
                Some(made) => Settled::Done(made.masked()),
                None => Settled::NotDone,
            },
            // the server was to make the name
            Err(_) => Settled::Unknown,
        },
        KubeCall::Delete { object, uid, .. } => match find(object)? {
            None => Settled::Done(Value::Null),
            Some(there) => {
                let metadata = &there.expose()["metadata"];
                let another = uid.as_deref().is_some_and(|uid| metadata["uid"] != uid);
                // on its way: its finalizers hold it
                let goes = !metadata["deletionTimestamp"].is_null();
                if another || goes { Settled::Done(Value::Null) } else { Settled::NotDone }
            }
        },
        KubeCall::RemoveFinalizer { object, uid, finalizer, .. } => match find(object)? {
            Some(there) if there.expose()["metadata"]["uid"] == uid.as_str() => {
                let carried = there.expose()["metadata"]["finalizers"].as_array();
                match carried.is_some_and(|all| all.iter().any(|f| f == finalizer.as_str())) {
                    true => Settled::NotDone,
                    false => Settled::Done(there.masked()),
                }
            }
            _ => Settled::Done(Value::Null),
        },
        KubeCall::Patch { patch: Patch::Json(_), .. } | KubeCall::Exec { .. } => Settled::Unknown,
    })
}

/// Whether an object was there before a change was to make it.
fn made_before(object: &Value, effect: &run::Effect) -> bool {
    let at = object["metadata"]["creationTimestamp"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
    at.is_some_and(|at| at.duration_since(effect.at) < SignedDuration::from_mins(-5))
}
