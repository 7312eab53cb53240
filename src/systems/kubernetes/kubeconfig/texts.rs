//! The texts of a kubeconfig that become parts of headers, paths and command lines, with where they stand. kube makes
//! headers of some of them and panics where that cannot be.

use std::collections::HashMap;

use kube::config::ExecConfig;
use serde::Deserialize;
use serde_saphyr::{Location, Spanned};

use crate::base::line;

type Text = Spanned<String>;

/// The entries of a kubeconfig, their texts alone.
#[derive(Deserialize)]
pub(super) struct Texts {
    contexts: Option<Vec<OfContext>>,
    clusters: Option<Vec<OfCluster>>,
    users: Option<Vec<OfUser>>,
}

#[derive(Deserialize)]
struct OfContext {
    name: String,
    context: Option<Context>,
}

#[derive(Deserialize)]
struct Context {
    namespace: Option<Text>,
}

#[derive(Deserialize)]
struct OfCluster {
    name: String,
    cluster: Option<Cluster>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cluster {
    server: Option<Text>,
    tls_server_name: Option<Text>,
    proxy_url: Option<Text>,
    certificate_authority: Option<Text>,
}

#[derive(Deserialize)]
struct OfUser {
    name: String,
    user: Option<User>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct User {
    token: Option<Text>,
    #[serde(rename = "tokenFile")]
    token_file: Option<Text>,
    username: Option<Text>,
    password: Option<Text>,
    #[serde(rename = "as")]
    impersonate: Option<Text>,
    as_uid: Option<Text>,
    as_groups: Option<Vec<Text>>,
    as_user_extra: Option<HashMap<Text, Vec<Text>>>,
    client_certificate: Option<Text>,
    client_key: Option<Text>,
}

/// A text that cannot be used, and why.
pub(super) struct Flawed {
    /// Its key.
    pub(super) key: &'static str,
    /// What it holds.
    pub(super) flaw: &'static str,
    /// Where it stands.
    pub(super) at: Location,
}

impl Texts {
    /// The first text of a context, its cluster and its user that is not one line.
    pub(super) fn flawed(&self, context: &str, cluster: &str, user: Option<&str>) -> Option<Flawed> {
        let mut all: Vec<(&'static str, &Text)> = Vec::new();
        let contexts =
            self.contexts.iter().flatten().filter(|c| c.name == context).filter_map(|c| c.context.as_ref());
        let clusters =
            self.clusters.iter().flatten().filter(|c| c.name == cluster).filter_map(|c| c.cluster.as_ref());
        let users = self.users.iter().flatten().filter(|u| Some(u.name.as_str()) == user);
        for c in contexts {
            all.extend(c.namespace.iter().map(|t| ("namespace", t)));
        }
        for c in clusters {
            let texts = [
                ("server", &c.server),
                ("tls-server-name", &c.tls_server_name),
                ("proxy-url", &c.proxy_url),
                ("certificate-authority", &c.certificate_authority),
            ];
            all.extend(texts.into_iter().filter_map(|(key, text)| Some((key, text.as_ref()?))));
        }
        for u in users.filter_map(|u| u.user.as_ref()) {
            let texts = [
                ("token", &u.token),
                ("tokenFile", &u.token_file),
                ("username", &u.username),
                ("password", &u.password),
                ("as", &u.impersonate),
                ("as-uid", &u.as_uid),
                ("client-certificate", &u.client_certificate),
                ("client-key", &u.client_key),
            ];
            all.extend(texts.into_iter().filter_map(|(key, text)| Some((key, text.as_ref()?))));
            all.extend(u.as_groups.iter().flatten().map(|t| ("as-groups", t)));
            let extra = u.as_user_extra.iter().flatten();
            all.extend(
                extra
                    .flat_map(|(key, values)| std::iter::once(key).chain(values))
                    .map(|t| ("as-user-extra", t)),
            );
        }
        all.into_iter().find_map(|(key, text)| {
            line::flaw(&text.value).map(|flaw| Flawed { key, flaw, at: text.referenced })
        })
    }
}

/// Whether a word of a program's command line or environment holds what none can.
pub(super) fn has_nul(exec: &ExecConfig) -> bool {
    let args = exec.args.iter().flatten();
    let env = exec.env.iter().flatten().flatten().flat_map(|(name, value)| [name, value]);
    exec.command.iter().chain(args).chain(env).any(|word| word.contains('\0'))
}
