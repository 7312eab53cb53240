//! Kubernetes in scripts: a way into a cluster, and the objects it gives.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::base::error::nearest;
use crate::base::{Error, ErrorKind, Payload, Result, Secret};
use crate::script::host::Host;
use crate::script::thrown::Thrown;
use crate::script::value::{self, TAG};
use crate::site::Site;
use crate::systems::kubernetes::{Kube, KubeSpec, ObjectRef};

/// A way into a cluster: `site.kube("mgmt")`, or `kube(kubeconfig)`. Nothing is read before its
/// first use in a step, so that a runbook may name it at its top.
#[derive(Clone)]
pub struct KubeHandle {
    way: Arc<Way>,
    /// Where what names no namespace is meant; `None` is the kubeconfig's own.
    namespace: Option<Arc<str>>,
}

struct Way {
    name: String,
    /// What a script got its kubeconfig from; `None` is the site's declaration.
    given: Option<KubeSpec>,
    /// Where a run has found it, where that is another address than its kubeconfig says.
    address: Option<Arc<str>>,
    connected: OnceCell<Kube>,
    /// What the cluster has warned of so far: each is told once.
    warned: Mutex<BTreeSet<String>>,
    /// The ways to the same cluster at other addresses, so that each is opened once.
    elsewhere: Mutex<Vec<Arc<Way>>>,
}

impl KubeHandle {
    /// A cluster that the site declares.
    pub fn declared(name: &str) -> Self {
        KubeHandle::over(name, None, None)
    }

    /// A cluster of a kubeconfig that a script has.
    pub fn given(spec: KubeSpec) -> Self {
        KubeHandle::over(&spec.name.clone(), Some(spec), None)
    }

    fn over(name: &str, given: Option<KubeSpec>, address: Option<Arc<str>>) -> Self {
        let (name, connected) = (name.to_string(), OnceCell::new());
        let (warned, elsewhere) = (Mutex::default(), Mutex::default());
        let way = Way { name, given, address, connected, warned, elsewhere };
        KubeHandle { way: Arc::new(way), namespace: None }
    }

    /// The same cluster at another address than its kubeconfig says.
    #[must_use]
    pub fn at(&self, address: &str) -> Self {
        let mut ways = self.way.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        let known = ways.iter().find(|way| way.address.as_deref() == Some(address)).cloned();
        let way = known.unwrap_or_else(|| {
            let moved = KubeHandle::over(self.name(), self.way.given.clone(), Some(address.into())).way;
            ways.push(moved.clone());
            moved
        });
        KubeHandle { way, namespace: self.namespace.clone() }
    }

    /// The handle's name.
    pub fn name(&self) -> &str {
        &self.way.name
    }

    /// The same cluster with another namespace of its own.
    #[must_use]
    pub fn in_namespace(&self, namespace: &str) -> Self {
        KubeHandle { way: self.way.clone(), namespace: Some(namespace.into()) }
    }

    /// The way in. The first time, the kubeconfig is read, or fetched from where the site says.
    ///
    /// # Errors
    /// What keeps the kubeconfig from being had or used.
    pub fn reach(&self, host: &Host) -> Result<Kube> {
        let kube = host.block_on(self.connect(host.site.site()))?;
        host.run.used(self.name());
        Ok(kube)
    }

    /// The way in for work in the background: where it is open already, or opens without a question to
    /// anybody. Must be called within a runtime; nothing is journaled.
    ///
    /// # Errors
    /// [`ErrorKind::NeedsApproval`] where somebody might be asked; what keeps the kubeconfig from being had or used.
    pub async fn reach_unasked(&self, site: &Site) -> Result<Kube> {
        let open = self.way.given.is_some() || self.way.connected.initialized();
        if !open && !site.reaches_unasked(self.name()) {
            return Err(Error::new(ErrorKind::NeedsApproval, "its kubeconfig may ask for a login"));
        }
        self.connect(site).await
    }

    async fn connect(&self, site: &Site) -> Result<Kube> {
        let connect = || async {
            let address = self.way.address.as_deref();
            match &self.way.given {
                Some(spec) => site.cluster_of(spec, address, None),
                None => site.cluster_at(&self.way.name, address, None).await,
            }
        };
        let kube = self.way.connected.get_or_try_init(connect).await.cloned()?;
        Ok(match &self.namespace {
            Some(namespace) => kube.in_namespace(namespace),
            None => kube,
        })
    }

    /// Asks the cluster. What the server warns of, such as an API version that will go, becomes a remark.
    ///
    /// # Errors
    /// Those of [`KubeHandle::reach`], and of what is asked.
    pub fn ask<T>(&self, host: &Host, work: impl AsyncFnOnce(&Kube) -> Result<T>) -> Result<T> {
        let kube = self.reach(host)?;
        let answer = host.block_on(work(&kube));
        self.heed(host, &kube)?;
        answer
    }

    /// Tells what the server has warned of since, each once.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`] where the journal cannot be written.
    pub fn heed(&self, host: &Host, kube: &Kube) -> Result<()> {
        for warning in kube.take_warnings() {
            let mut warned = self.way.warned.lock().unwrap_or_else(PoisonError::into_inner);
            if warned.insert(warning.clone()) {
                host.run.note(&format!("{} warns: {warning}", self.name()))?;
            }
        }
        Ok(())
    }

    /// An object of this cluster.
    pub fn object(&self, body: Payload) -> Object {
        Object { from: self.clone(), body: Arc::new(body) }
    }

    /// As it is recorded. A kubeconfig never is, so a handle made of one cannot come back.
    pub fn encode(&self) -> Value {
        match self.way.given {
            Some(_) => json!({ TAG: "secret", "shown": self.to_string() }),
            None => {
                let mut way =
                    json!({ TAG: "kube", "kube": self.name(), "namespace": self.namespace.as_deref() });
                if let Some(address) = &self.way.address {
                    way["address"] = json!(&**address);
                }
                way
            }
        }
    }

    /// What [`KubeHandle::encode`] made, again.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] where the site declares no such cluster any more.
    pub fn decode(host: &Host, value: &Value) -> Result<Self> {
        let handle = host.site.kube(value["kube"].as_str().unwrap_or_default())?;
        let handle = value["address"].as_str().map_or(handle.clone(), |address| handle.at(address));
        Ok(match value["namespace"].as_str() {
            Some(namespace) => handle.in_namespace(namespace),
            None => handle,
        })
    }
}

impl std::fmt::Display for KubeHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "kube {}, namespace {namespace}", self.name()),
            None => write!(f, "kube {}", self.name()),
        }
    }
}

/// An object as the cluster gave it. It does not change; `refresh` looks again.
#[derive(Clone)]
pub struct Object {
    /// Where it comes from.
    pub from: KubeHandle,
    /// What the cluster answered, its secrets known.
    pub body: Arc<Payload>,
}

impl Object {
    /// What the cluster answered. Never for a message.
    pub fn exposed(&self) -> &Value {
        self.body.expose()
    }

    /// A text of its metadata; empty where there is none.
    pub fn metadata(&self, key: &str) -> &str {
        self.exposed()["metadata"][key].as_str().unwrap_or_default()
    }

    /// What tells it from other objects of its cluster.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where it says neither what it is nor how it is called.
    pub fn reference(&self) -> Result<ObjectRef> {
        ObjectRef::of(self.exposed()).map_err(|e| e.scope(self.from.name()))
    }

    /// Its body with the secrets masked.
    pub fn shown(&self) -> Value {
        self.body.masked()
    }

    /// The value at a JSON pointer; `None` where there is none. Secrets in it stay secrets.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] where it fits into no script value.
    pub fn at(&self, pointer: &str) -> Result<Option<Dynamic>> {
        let Some(part) = self.exposed().pointer(pointer) else { return Ok(None) };
        let below = self.body.secrets().filter_map(|secret| secret.strip_prefix(pointer));
        let inside = |rest: &&str| rest.is_empty() || rest.starts_with('/');
        let secrets: Vec<String> = below.filter(inside).map(str::to_string).collect();
        value::from_payload(&Payload::new(part.clone(), secrets)).map(Some)
    }

    /// `pod kube-system/coredns-7c`.
    pub fn describe(&self) -> String {
        let kind = self.exposed()["kind"].as_str().unwrap_or("object").to_lowercase();
        match (self.metadata("namespace"), self.metadata("name")) {
            ("", name) => format!("{kind} {name}"),
            (namespace, name) => format!("{kind} {namespace}/{name}"),
        }
    }

    /// As it is recorded.
    pub fn encode(&self) -> Value {
        json!({ TAG: "object", "from": self.from.encode(), "tainted": self.body.is_tainted(), "body": self.shown() })
    }

    /// What [`Object::encode`] made, again.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`] where it held a secret, or its cluster was reached by one.
    pub fn decode(host: &Host, value: &Value) -> Result<Self> {
        let from = &value["from"];
        if value["tainted"] == true || from[TAG] != "kube" {
            return Err(Error::new(ErrorKind::Journal, "a secret is not in the journal"));
        }
        Ok(KubeHandle::decode(host, from)?.object(value["body"].clone().into()))
    }
}

fn property(object: &Object, name: &str) -> Result<Dynamic> {
    let fields = || object.exposed().as_object().into_iter().flatten().map(|(key, _)| key.as_str());
    if fields().any(|field| field == name) {
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        return Ok(object.at(&pointer)?.unwrap_or(Dynamic::UNIT));
    }
    if let "name" | "namespace" | "uid" = name {
        return Ok(object.metadata(name).to_string().into());
    }
    let what = format!("{} has no field `{name}`", object.describe());
    let e = Error::new(ErrorKind::Script, what).scope(object.from.name());
    Err(match nearest(name, fields().chain(["name", "namespace", "uid"])) {
        Some(meant) => e.help(format!("did you mean `{meant}`?")),
        None => e.help(format!(
            "a field that may be missing is read with `.get(\"{name}\")`, which gives () then"
        )),
    })
}

/// The decoded value of a key of a Secret.
///
/// # Errors
/// [`ErrorKind::Argument`] for an object of another kind; [`ErrorKind::NotFound`] for a key that it has
/// not, with those it has; [`ErrorKind::Journal`] for one that came from the journal.
pub fn secret(object: &Object, key: &str) -> Result<Secret> {
    use crate::base::secret::MASK;
    use base64::Engine as _;
    let here = |kind: ErrorKind, what: String| Error::new(kind, what).scope(object.from.name());
    let Some(data) = object.exposed()["data"].as_object().filter(|_| object.exposed()["kind"] == "Secret")
    else {
        return Err(here(ErrorKind::Argument, format!("{} is no Secret with data", object.describe())));
    };
    let Some(text) = data.get(key).and_then(Value::as_str) else {
        let what = format!("{} has no key `{key}`", object.describe());
        let keys: Vec<&str> = data.keys().map(String::as_str).collect();
        return Err(here(ErrorKind::NotFound, what).help(format!("its keys are {}", keys.join(", "))));
    };
    if text == MASK {
        let what = format!("{} comes from the journal, which holds no secret", object.describe());
        return Err(here(ErrorKind::Journal, what).help("read it again with `get`"));
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).map(Secret::new).ok_or_else(|| {
        here(ErrorKind::Protocol, format!("`{key}` of {} is no text in base64", object.describe()))
    })
}

/// Registers the types: how they print, compare, and answer for fields.
pub fn register(engine: &mut Engine) {
    type Got = std::result::Result<Dynamic, Box<EvalAltResult>>;
    engine
        .register_type_with_name::<KubeHandle>("Kube")
        .register_fn("to_string", |k: &mut KubeHandle| k.to_string())
        .register_fn("to_debug", |k: &mut KubeHandle| k.to_string())
        .register_get("name", |k: &mut KubeHandle| k.name().to_string());
    engine
        .register_type_with_name::<Object>("Object")
        .register_fn("to_string", |o: &mut Object| o.describe())
        .register_fn("to_debug", |o: &mut Object| o.describe())
        .register_fn("==", |a: Object, b: Object| a.body == b.body)
        .register_fn("!=", |a: Object, b: Object| a.body != b.body)
        .register_indexer_get(|o: &mut Object, name: ImmutableString| -> Got {
            property(o, &name).map_err(|e| Thrown::from(e).into())
        });
}
