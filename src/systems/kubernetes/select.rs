//! Which objects are meant: one by name, or several by namespace and selectors.

use serde_json::Value;

use crate::base::{Error, ErrorKind, Result};

use super::kind::KindName;

/// A namespace, or all of them. It means nothing for kinds that have none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Namespace {
    /// The handle's own.
    #[default]
    Own,
    /// Another one.
    Named(String),
    /// All of them.
    All,
}

/// One object by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRef {
    /// Its kind.
    pub kind: KindName,
    /// Its namespace; `None` is the handle's own.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl ObjectRef {
    /// An object in the handle's own namespace, or of a kind that has none.
    pub fn new(kind: KindName, name: impl Into<String>) -> Self {
        ObjectRef { kind, namespace: None, name: name.into() }
    }

    /// The object that an answer of a cluster, or a manifest, tells of.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where it does not say what it is and how it is called.
    pub fn of(object: &Value) -> Result<Self> {
        let text = |value: &Value| value.as_str().filter(|t| !t.is_empty()).map(String::from);
        let metadata = &object["metadata"];
        let (Some(name), Some(kind), Some(version)) =
            (text(&metadata["name"]), text(&object["kind"]), text(&object["apiVersion"]))
        else {
            return Err(Error::new(ErrorKind::Argument, "this is no object as a cluster gives it")
                .help("it needs apiVersion, kind and metadata.name, as what `get` returned has"));
        };
        let kind = KindName::of_manifest(&version, &kind);
        Ok(ObjectRef { kind, namespace: text(&metadata["namespace"]), name })
    }

    /// The same in another namespace.
    #[must_use]
    pub fn in_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }
}

/// Several objects of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Their kind.
    pub kind: KindName,
    /// Where they live.
    pub namespace: Namespace,
    /// A label selector as kubectl's `-l` takes it.
    pub labels: Option<String>,
    /// A field selector as kubectl's `--field-selector` takes it.
    pub fields: Option<String>,
}

impl Selection {
    /// All objects of a kind in the handle's own namespace.
    pub fn of(kind: KindName) -> Self {
        Selection { kind, namespace: Namespace::Own, labels: None, fields: None }
    }

    /// The same elsewhere.
    #[must_use]
    pub fn within(mut self, namespace: Namespace) -> Self {
        self.namespace = namespace;
        self
    }

    /// Only those that a label selector picks: `app=rr,tier!=db`.
    #[must_use]
    pub fn labelled(mut self, selector: impl Into<String>) -> Self {
        self.labels = Some(selector.into());
        self
    }

    /// Only those that a field selector picks: `spec.nodeName=n1`.
    #[must_use]
    pub fn with_fields(mut self, selector: impl Into<String>) -> Self {
        self.fields = Some(selector.into());
        self
    }
}

impl From<&ObjectRef> for Selection {
    /// The one object as a selection, which is how it is watched.
    fn from(object: &ObjectRef) -> Self {
        let namespace = object.namespace.clone().map_or(Namespace::Own, Namespace::Named);
        Selection::of(object.kind.clone())
            .within(namespace)
            .with_fields(format!("metadata.name={}", object.name))
    }
}
