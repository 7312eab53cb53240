//! Kubernetes: objects of any kind that a cluster serves, changes behind an approval, waits by watch.

mod change;
mod connect;
mod exec;
mod object;
mod read;
mod wait;

use rhai::Dynamic;

use crate::base::{Error, ErrorKind, Payload, Result};
use crate::script::adapter::Call;
use crate::script::arguments::Options;
use crate::script::handles::{KubeHandle, Object};
use crate::script::primitive::{Param, Primitive, Ty};
use crate::systems::kubernetes::{KindName, Namespace, ObjectRef, Selection};

/// The family, in the order of the reference.
pub fn all() -> impl Iterator<Item = &'static Primitive> {
    [connect::ALL, read::ALL, object::ALL, change::ALL, exec::ALL, wait::ALL].into_iter().flatten().copied()
}

const KIND: Param = Param::new(
    "kind",
    Ty::Text,
    "as operators write it: `pods`, `deploy`, `clusters.cluster.x-k8s.io`, `cluster.cluster.x-k8s.io/v1beta1`; without a version the latest that is served",
);

const NAME: Param = Param::new("name", Ty::Text, "the object's name");

const NAMESPACE: Param = Param::optional("namespace", Ty::Text, "another namespace than the handle's own");

const ALL: Param = Param::optional("all", Ty::Bool, "in all namespaces");
const LABELS: Param =
    Param::optional("labels", Ty::Text, "a label selector, as `kubectl -l` takes it: `app=rr,tier!=db`");
const FIELDS: Param = Param::optional(
    "fields",
    Ty::Text,
    "a field selector, as `kubectl --field-selector` takes it: `status.phase!=Running`",
);

const UNDO: Param = Param::optional("undo", Ty::Text, "how it is taken back, for whoever approves it");

/// The object of a kind and a name, in the namespace that options or the handle name.
fn named(kind: &str, name: &str, options: &Options) -> Result<ObjectRef> {
    let object = ObjectRef::new(kind.parse::<KindName>()?, name);
    Ok(match options.text("namespace") {
        Some(namespace) => object.in_namespace(namespace),
        None => object,
    })
}

/// The objects of a kind that options pick.
fn selected(kind: &str, options: &Options) -> Result<Selection> {
    let namespace = match (options.text("namespace"), options.flag("all")) {
        (Some(_), true) => {
            return Err(Error::new(ErrorKind::Argument, "`namespace` and `all` contradict each other"));
        }
        (Some(name), false) => Namespace::Named(name),
        (None, true) => Namespace::All,
        (None, false) => Namespace::Own,
    };
    let mut selection = Selection::of(kind.parse()?).within(namespace);
    selection.labels = options.text("labels");
    selection.fields = options.text("fields");
    Ok(selection)
}

/// A pod by its name, or the object itself: namespace and name.
fn pod(call: &Call<'_>, options: &Options) -> Result<(Option<String>, String)> {
    let given = call.arg(0).cloned().unwrap_or(Dynamic::UNIT);
    if let Some(object) = given.clone().try_cast::<Object>() {
        let namespace = Some(object.metadata("namespace").to_string()).filter(|n| !n.is_empty());
        return Ok((namespace, object.metadata("name").to_string()));
    }
    if !given.is_string() {
        let got = crate::script::engine::type_name(&given);
        return Err(Error::new(ErrorKind::Argument, format!("a pod is its name, or an object, not a {got}")));
    }
    Ok((options.text("namespace"), given.to_string()))
}

/// What a cluster answered, as scripts have it.
fn given(kube: &KubeHandle, body: Payload) -> Dynamic {
    Dynamic::from(kube.object(body))
}
