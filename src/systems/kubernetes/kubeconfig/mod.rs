//! Kubeconfigs: read from where the site file says or fetched from a service, and checked before
//! anything uses them. Neither the environment nor `~/.kube` is looked at.
//!
//! kube's own loader is not used: it falls back to `HTTPS_PROXY`, and it turns a context whose
//! user is missing into an anonymous one without a word.

mod settings;
mod source;
mod texts;
mod token;

use std::path::PathBuf;

use http::Uri;
use kube::Config;
use kube::config::Kubeconfig;

use crate::base::{Error, Result};

use super::spec::KubeSpec;
pub(super) use settings::logs_in;
use source::Source;
pub(super) use token::token;

/// A kubeconfig reduced to the one context in use.
pub(super) struct Way {
    /// The context's name.
    pub(super) context: String,
    /// The name of its user entry, which need not be the user that the cluster sees.
    pub(super) user: Option<String>,
    /// How to connect.
    pub(super) config: Config,
    /// The server that it names, where it is reached at another address.
    pub(super) declared: Option<Uri>,
    /// The name that the server's certificate may have besides the one that it is reached by.
    pub(super) other_name: Option<String>,
    /// The file that its token comes from, which others may write anew.
    pub(super) token_file: Option<PathBuf>,
    /// Why it must not be used over a network.
    pub(super) in_clear: Option<Error>,
}

/// Reads, checks and reduces a kubeconfig.
///
/// # Errors
/// [`ErrorKind::Site`](crate::base::ErrorKind::Site) for a file of the site's,
/// [`ErrorKind::Protocol`](crate::base::ErrorKind::Protocol) for a fetched text that is no
/// kubeconfig, and [`ErrorKind::Refused`](crate::base::ErrorKind::Refused) for a fetched one that
/// would reach beyond itself.
pub(super) fn way(spec: &KubeSpec) -> Result<Way> {
    let source = Source::of(spec)?;
    let kubeconfig: Kubeconfig = source.parse()?;
    let Some(name) = spec.context.as_ref().or(kubeconfig.current_context.as_ref()) else {
        return Err(source.wrong("has no current context").help("state `context`"));
    };
    let contexts = kubeconfig.contexts.iter().map(|c| (c.name.as_str(), c.context.as_ref()));
    let context = source.named("context", name, contexts)?.cloned().unwrap_or_default();
    let clusters = kubeconfig.clusters.iter().map(|c| (c.name.as_str(), c.cluster.as_ref()));
    let cluster = source.named("cluster", &context.cluster, clusters)?.cloned().unwrap_or_default();
    let user = match &context.user {
        Some(name) => {
            let users = kubeconfig.auth_infos.iter().map(|u| (u.name.as_str(), u.auth_info.as_ref()));
            source.named("user", name, users)?.cloned().unwrap_or_default()
        }
        None => Default::default(),
    };
    source.refuse(&cluster, &user)?;
    source.hold_to_lines(name, &context.cluster, context.user.as_deref(), &user)?;
    let namespace = context.namespace.filter(|n| !n.is_empty());
    let in_clear = source.in_clear(&cluster, &user);
    let (config, token_file) = source.settings(cluster, user, namespace.as_deref().unwrap_or("default"))?;
    let (declared, other_name) = (None, None);
    Ok(Way { context: name.clone(), user: context.user, config, declared, other_name, token_file, in_clear })
}

#[cfg(test)]
mod tests;
