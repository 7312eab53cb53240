//! `[kube.NAME]`: a Kubernetes cluster.

use std::path::PathBuf;

use crate::base::Result;
use crate::site::document::{Entry, Spot};
use crate::site::paths::Paths;

/// A Kubernetes cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeDecl {
    /// Its name.
    pub name: String,
    /// Where its kubeconfig comes from.
    pub source: KubeSource,
    /// The context in it; without one its `current-context`.
    pub context: Option<String>,
    /// A user of the kubeconfig may run a program to log in. Only for a file that the site names.
    pub allow_exec: bool,
    /// Where it is declared.
    pub spot: Spot,
}

/// Where a kubeconfig comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KubeSource {
    /// A file.
    File(PathBuf),
    /// What a command on a host prints, each time anew.
    Printed {
        /// The host, by its name in the site file.
        host: String,
        /// The command, which only reads.
        argv: Vec<String>,
    },
    /// A text, in a rehearsal.
    Text(String),
}

impl KubeDecl {
    pub(in crate::site) fn read(entry: &Entry, paths: &Paths) -> Result<Self> {
        let f = entry.node.fields(&["kubeconfig", "host", "print", "context", "allow_exec"])?;
        let help = "write kubeconfig = \"PATH\", or host = \"NAME\" and print = [\"PROGRAM\"] for one \
                    that a command on a host prints";
        let source = match f.either(["kubeconfig", "host"], help)? {
            (0, node) => {
                if let Some(print) = f.get("print") {
                    let error =
                        print.spot.error(format!("`{}` has `print` without a `host`", entry.node.path));
                    return Err(error.help(help));
                }
                KubeSource::File(paths.resolve(node)?)
            }
            (_, node) => KubeSource::Printed {
                host: node.text()?.to_string(),
                argv: f.need("print", "[\"sudo\", \"k8s\", \"config\"]")?.argv()?,
            },
        };
        let allow_exec = f.flag("allow_exec")?;
        if allow_exec && !matches!(source, KubeSource::File(_)) {
            let what = format!(
                "`{}`: a kubeconfig that comes from elsewhere may never run programs",
                entry.node.path
            );
            return Err(entry.spot.error(what).help("remove allow_exec"));
        }
        Ok(KubeDecl {
            name: entry.key.clone(),
            source,
            context: f.owned("context")?,
            allow_exec,
            spot: entry.spot.clone(),
        })
    }
}
