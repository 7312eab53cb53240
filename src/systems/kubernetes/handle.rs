//! The handle: one way into one cluster, cheap to clone, immutable.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};

use crate::base::{Error, ErrorKind, Result};
use crate::systems::http::{Dialer, Witness};

use super::ask::Ask;
use super::connection::Connection;
use super::discovery::discover;
use super::identity::{Identity, identify};
use super::kind::KindName;
use super::kubeconfig::{Way, way};
use super::resource::Resource;
use super::select::Namespace;
use super::served::Served;
use super::spec::{Expected, KubeSpec};

/// One way into one cluster. Clones share connections and what was discovered.
#[derive(Clone)]
pub struct Kube {
    inner: Arc<Inner>,
    namespace: Arc<str>,
}

struct Inner {
    name: String,
    context: String,
    /// The name of the user's entry in the kubeconfig.
    entry: Option<String>,
    expected: Expected,
    connection: Connection,
    served: Mutex<Option<Arc<Served>>>,
    identity: OnceCell<Identity>,
}

impl Kube {
    /// Reads and checks the kubeconfig. Nothing is sent yet. Must be called within a runtime.
    ///
    /// With a dialer (a rehearsal) the server is whatever plays its address on loopback. The witness
    /// is told of every request but those of an exec's session.
    ///
    /// # Errors
    /// * [`ErrorKind::Site`]: the site's kubeconfig cannot be read or used;
    /// * [`ErrorKind::Protocol`]: a fetched text is no kubeconfig;
    /// * [`ErrorKind::Refused`]: a fetched kubeconfig reaches beyond itself;
    /// * [`ErrorKind::Unreachable`]: nothing plays the server in this rehearsal.
    pub fn new(
        spec: &KubeSpec,
        dialer: Option<&dyn Dialer>,
        witness: Option<Arc<dyn Witness>>,
    ) -> Result<Self> {
        Kube::by(spec, way(spec)?, dialer, witness)
    }

    /// The same at another address than the kubeconfig says. Everything else of it stays: who asks, whose certificate is
    /// trusted, and what the site file declares of the server is held against the kubeconfig's own.
    ///
    /// # Errors
    /// Those of [`Kube::new`], and [`ErrorKind::Argument`] where the address is none.
    pub fn new_at(
        spec: &KubeSpec,
        address: &str,
        dialer: Option<&dyn Dialer>,
        witness: Option<Arc<dyn Witness>>,
    ) -> Result<Self> {
        let way = way(spec)?.at(address).map_err(|e| e.scope(&spec.name))?;
        Kube::by(spec, way, dialer, witness)
    }

    fn by(
        spec: &KubeSpec,
        way: Way,
        dialer: Option<&dyn Dialer>,
        witness: Option<Arc<dyn Witness>>,
    ) -> Result<Self> {
        let connection = Connection::new(&spec.name, &way, dialer, witness)?;
        let namespace = Arc::from(connection.namespace());
        let inner = Inner {
            name: spec.name.clone(),
            context: way.context,
            entry: way.user,
            expected: spec.expected.clone(),
            connection,
            served: Mutex::new(None),
            identity: OnceCell::new(),
        };
        Ok(Kube { inner: Arc::new(inner), namespace })
    }

    /// The handle's name in the site file.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The URL that the API server is asked at.
    pub fn server(&self) -> &str {
        self.connection().server()
    }

    /// The namespace that is meant where none is named.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The same way with another namespace of its own.
    #[must_use]
    pub fn in_namespace(&self, namespace: &str) -> Self {
        Kube { inner: self.inner.clone(), namespace: Arc::from(namespace) }
    }

    /// Who and where this handle proves to be. Asked once.
    ///
    /// # Errors
    /// Those of any read; what this user may not ask is left out.
    pub async fn identity(&self) -> Result<&Identity> {
        let ask = || identify(self.connection(), &self.inner.context, self.inner.entry.as_deref());
        self.inner.identity.get_or_try_init(ask).await
    }

    /// Compares who and where this handle proves to be with what the site file declares.
    ///
    /// # Errors
    /// [`ErrorKind::ScopeMismatch`] that tells declared from found, and those of any read.
    pub async fn prove(&self) -> Result<&Identity> {
        let identity = self.identity().await?;
        identity.prove(&self.inner.expected).map_err(|e| e.scope(self.name()))?;
        Ok(identity)
    }

    /// What the cluster serves. Asked once, and again when a name is not found in it.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn versions(&self) -> Result<Arc<Served>> {
        let mut served = self.inner.served.lock().await;
        if let Some(served) = &*served {
            return Ok(served.clone());
        }
        let found = Arc::new(discover(self.connection()).await?);
        *served = Some(found.clone());
        Ok(found)
    }

    /// What the server warned of since the last call, such as an API version that will go.
    pub fn take_warnings(&self) -> Vec<String> {
        self.connection().take_warnings()
    }

    /// The resource that a name means in this cluster.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if it is not served (with what is); [`ErrorKind::Ambiguous`] if
    /// several groups have it; and those of any read.
    pub async fn resource(&self, kind: &KindName) -> Result<Resource> {
        let known = self.inner.served.lock().await.is_some();
        let mut found = self.versions().await?.resolve(kind).cloned();
        if known && found.as_ref().is_err_and(|e| e.kind() == ErrorKind::Unsupported) {
            // it may have been installed since
            self.forget_served().await;
            found = self.versions().await?.resolve(kind).cloned();
        }
        found.map_err(|e| e.scope(self.name()))
    }

    /// The versions in which an API group is served, the one to prefer first; none if it is not.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn served(&self, group: &str) -> Result<Vec<String>> {
        Ok(self.versions().await?.versions(group).into_iter().map(String::from).collect())
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.inner.connection
    }

    /// The namespace that a selection means; `None` is all.
    pub(super) fn place<'a>(&'a self, namespace: &'a Namespace) -> Option<&'a str> {
        match namespace {
            Namespace::Own => Some(&self.namespace),
            Namespace::Named(name) => Some(name),
            Namespace::All => None,
        }
    }

    /// Sends a request and reads JSON. A version that was discovered and is refused as unserved
    /// makes the handle look again the next time.
    pub(super) async fn json(&self, ask: &Ask) -> Result<Value> {
        let answer = self.connection().json(ask).await;
        self.heed(answer.as_ref().err()).await;
        answer
    }

    pub(super) async fn heed(&self, error: Option<&Error>) {
        if error.is_some_and(|e| e.kind() == ErrorKind::Unsupported) {
            self.forget_served().await;
        }
    }

    async fn forget_served(&self) {
        *self.inner.served.lock().await = None;
    }
}

impl std::fmt::Debug for Kube {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kube({} at {}, namespace {})", self.name(), self.server(), self.namespace)
    }
}
