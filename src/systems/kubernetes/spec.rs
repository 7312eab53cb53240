//! A cluster and a way into it, before anything was read or connected.

use std::path::PathBuf;

use crate::base::Secret;

/// Where a kubeconfig comes from, which decides how far it is trusted.
#[derive(Clone, Debug)]
pub enum KubeconfigSource {
    /// A file that the site file names. It may refer to other files.
    File {
        /// The file.
        path: PathBuf,
        /// It may also name a program (`exec`) that logs its user in. The program runs with the
        /// operator's environment, when the handle is made and again when its token expires.
        allow_exec: bool,
    },
    /// A text that a service gave out. It must hold all that it needs, and it is never written
    /// to disk here.
    Fetched(Secret),
}

/// What the site file says a handle must prove to be; what is `None` is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// The API server's URL.
    pub server: Option<String>,
    /// The user name as the cluster knows it.
    pub user: Option<String>,
    /// The uid of the `kube-system` namespace, which is as good as a cluster's own id.
    pub cluster_uid: Option<String>,
}

/// A cluster and a way into it, before anything was read or connected.
#[derive(Clone, Debug)]
pub struct KubeSpec {
    /// The handle's name, for messages and the journal.
    pub name: String,
    /// Where its kubeconfig comes from.
    pub source: KubeconfigSource,
    /// The context to use; `None` is the kubeconfig's current one.
    pub context: Option<String>,
    /// What it must prove to be before it changes anything.
    pub expected: Expected,
}
