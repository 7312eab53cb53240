//! Looks at a cluster.

use rhai::Dynamic;

use super::{ALL as EVERYWHERE, FIELDS, KIND, LABELS, NAME, NAMESPACE, given, named, pod, selected};
use crate::base::{Error, ErrorKind, Result};
use crate::script::handles::{KubeHandle, Object};
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::value;
use crate::systems::kubernetes::{KubeCall, LogPart};

/// The family.
pub const ALL: &[&Primitive] = &[&GET, &FIND, &LIST, &LOGS, &DRY_RUN, &REFRESH];

const PLACE: Param = Param::optional("opts", Ty::Options(&[NAMESPACE]), "where it lives");

const GET: Primitive = Primitive {
    name: "get",
    on: On::Type("Kube"),
    params: &[KIND, NAME, PLACE],
    returns: "Object",
    effect: Effect::Read,
    doc: "One object. An absent one is an error of kind `not-found`; a kind or a version that the cluster does not serve is one of kind `unsupported`, never an absence.",
    example: r#"verify("1", "There", || expect("name", site.kube("mgmt").get("namespace", "kube-system").name, "kube-system"));"#,
    body: |call| {
        let kube: KubeHandle = call.receiver()?;
        let object = named(&call.text(0), &call.text(1), &call.options(2))?;
        Ok(given(&kube, kube.ask(call.host, async |kube| kube.get(&object).await)?))
    },
};

const FIND: Primitive = Primitive {
    name: "find",
    on: On::Type("Kube"),
    params: &[KIND, NAME, PLACE],
    returns: "Object, or () where it is absent",
    effect: Effect::Read,
    doc: "One object, or () where there is none. Every other failure (forbidden, not served, unreachable) is an error, never an absence.",
    example: r#"verify("1", "Absent", || expect("it", site.kube("mgmt").find("configmap", "no-such"), ()));"#,
    body: |call| {
        let kube: KubeHandle = call.receiver()?;
        let object = named(&call.text(0), &call.text(1), &call.options(2))?;
        let found = kube.ask(call.host, async |kube| kube.find(&object).await)?;
        Ok(found.map_or(Dynamic::UNIT, |body| given(&kube, body)))
    },
};

const LIST: Primitive = Primitive {
    name: "list",
    on: On::Type("Kube"),
    params: &[
        KIND,
        Param::optional("opts", Ty::Options(&[NAMESPACE, EVERYWHERE, LABELS, FIELDS]), "which of them"),
    ],
    returns: "list of objects",
    effect: Effect::Read,
    doc: "Every object of a kind that the selectors pick, over all pages, as one moment of the cluster shows them.",
    example: r#"verify("1", "Pods", || gate("a list", site.kube("mgmt").list("pods", #{ all: true, labels: "app=rr" }).len() >= 0));"#,
    body: |call| {
        let kube: KubeHandle = call.receiver()?;
        let selection = selected(&call.text(0), &call.options(1))?;
        let found = kube.ask(call.host, async |kube| kube.list(&selection).await)?;
        Ok(found.into_iter().map(|body| given(&kube, body)).collect::<Vec<_>>().into())
    },
};

const LOG_KEYS: &[Param] = &[
    NAMESPACE,
    Param::optional("container", Ty::Text, "the container; without one the pod's only or default one"),
    Param::optional("previous", Ty::Bool, "the log of the container's run before this one"),
    Param::optional("tail", Ty::Integer, "only the last lines: how many"),
    Param::optional("since", Ty::Duration, "only what was written in this time"),
    Param::optional("timestamps", Ty::Bool, "each line with its time"),
];

const LOGS: Primitive = Primitive {
    name: "logs",
    on: On::Type("Kube"),
    params: &[
        Param::new("pod", Ty::Any, "the pod's name, or the pod"),
        Param::optional("opts", Ty::Options(LOG_KEYS), "which part of the log"),
    ],
    returns: "string",
    effect: Effect::Read,
    doc: "A container's log, at most 64 MiB of it.",
    example: r#"verify("1", "Logs", || try {
    site.kube("mgmt").logs("no-such-pod", #{ namespace: "kube-system", tail: 20 })
} catch (e) { expect("kind", e.kind, "not-found") });"#,
    body: |call| {
        let kube: KubeHandle = call.receiver()?;
        let options = call.options(1);
        let (namespace, pod) = pod(call, &options)?;
        let part = LogPart {
            container: options.text("container"),
            previous: options.flag("previous"),
            tail: options.integer("tail").map(lines).transpose()?,
            since: options.duration("since"),
            timestamps: options.flag("timestamps"),
        };
        let log = kube.ask(call.host, async |kube| kube.logs(namespace.as_deref(), &pod, &part).await)?;
        Ok(log.into())
    },
};

fn lines(number: i64) -> Result<u64> {
    u64::try_from(number)
        .map_err(|_| Error::new(ErrorKind::Argument, "`tail` is a number of lines, 0 or more"))
}

const DRY_RUN: Primitive = Primitive {
    name: "dry_run",
    on: On::Type("Kube"),
    params: &[
        Param::new("manifest", Ty::Any, "the object as a map, or an object"),
        Param::optional(
            "opts",
            Ty::Options(&[Param::optional(
                "force",
                Ty::Bool,
                "as if fields of other managers were taken over",
            )]),
            "how it would be applied",
        ),
    ],
    returns: "Object",
    effect: Effect::Read,
    doc: "What the cluster would make of applying a manifest: it goes through validation and admission on the server, and nothing is stored.",
    example: r#"verify("1", "Would do", || {
    let made = site.kube("mgmt").dry_run(#{ apiVersion: "v1", kind: "ConfigMap", metadata: #{ name: "drill" } });
    expect("name", made.name, "drill");
});"#,
    body: |call| {
        let kube: KubeHandle = call.receiver()?;
        let manifest = call.arg(0).map(value::payload).unwrap_or_default();
        let apply = KubeCall::Apply { manifest, force: call.options(1).flag("force") };
        Ok(given(&kube, kube.ask(call.host, async |kube| kube.dry_run(apply).await)?))
    },
};

const REFRESH: Primitive = Primitive {
    name: "refresh",
    on: On::Type("Object"),
    params: &[],
    returns: "Object",
    effect: Effect::Read,
    doc: "The object as it is now; an error of kind `not-found` where it is gone.",
    example: r#"verify("1", "Again", || expect("name", site.kube("mgmt").get("namespace", "default").refresh().name, "default"));"#,
    body: |call| {
        let object: Object = call.receiver()?;
        let (kube, reference) = (&object.from, object.reference()?);
        Ok(given(kube, kube.ask(call.host, async |kube| kube.get(&reference).await)?))
    },
};
