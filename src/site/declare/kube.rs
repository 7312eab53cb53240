//! `[kube.NAME]`: a Kubernetes cluster.

use std::path::PathBuf;

use super::endpoint::http_url;
use crate::base::Result;
use crate::site::document::{Entry, Spot};
use crate::site::paths::Paths;
use crate::systems::kubernetes::Expected;

/// A Kubernetes cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeDecl {
    /// Its name.
    pub name: String,
    /// Where its kubeconfig comes from.
    pub source: KubeSource,
    /// The context in it; without one its `current-context`.
    pub context: Option<String>,
    /// What it must prove to be before anything in it is changed.
    pub expected: Expected,
    /// Where it is declared.
    pub spot: Spot,
}

/// Where a kubeconfig comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KubeSource {
    /// A file.
    File {
        /// The file.
        path: PathBuf,
        /// A user of it may run a program to log in.
        allow_exec: bool,
    },
    /// What a command on a host prints, each time that a handle is made. It is never written to disk.
    Printed {
        /// The host, by its name in the site file.
        host: String,
        /// The command, which only reads.
        argv: Vec<String>,
    },
}

const KEYS: &[&str] =
    &["kubeconfig", "host", "print", "context", "allow_exec", "server", "user", "cluster_uid"];

impl KubeDecl {
    pub(in crate::site) fn read(entry: &Entry, paths: &Paths) -> Result<Self> {
        let f = entry.node.fields(KEYS)?;
        let help = "write kubeconfig = \"PATH\", or host = \"NAME\" and print = [\"PROGRAM\"] for one \
                    that a command on a host prints";
        let source = match f.either(["kubeconfig", "host"], help)? {
            (0, node) => {
                if let Some(print) = f.get("print") {
                    let error =
                        print.spot.error(format!("`{}` has `print` without a `host`", entry.node.path));
                    return Err(error.help(help));
                }
                KubeSource::File { path: paths.resolve(node)?, allow_exec: f.flag("allow_exec")? }
            }
            (_, node) => {
                if let Some(exec) = f.get("allow_exec") {
                    let what = format!(
                        "`{}`: a kubeconfig that comes from elsewhere may never run programs",
                        exec.path
                    );
                    return Err(exec.spot.error(what).help("remove it"));
                }
                KubeSource::Printed {
                    host: node.text()?.to_string(),
                    argv: f.need("print", "[\"sudo\", \"k8s\", \"config\"]")?.argv()?,
                }
            }
        };
        let expected = Expected {
            server: f.get("server").map(http_url).transpose()?,
            user: f.owned("user")?,
            cluster_uid: f.owned("cluster_uid")?,
        };
        let (name, spot) = (entry.key.clone(), entry.spot.clone());
        Ok(KubeDecl { name, source, context: f.owned("context")?, expected, spot })
    }
}
