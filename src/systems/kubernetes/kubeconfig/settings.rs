//! From a cluster and a user of a kubeconfig to the settings of a connection.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::Config;
use kube::config::{AuthInfo, Cluster, ExecAuthCluster};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::base::secret::may_name_user;
use crate::base::{Error, Payload, Result, plain_file};
use crate::systems::http::is_loopback;

use super::source::{LARGEST, Source};
use super::token::token;

/// Longest wait for a connection, in real time.
const CONNECT: Duration = Duration::from_secs(10);

/// Most bytes of a server's URL: with a path behind it, it must still be one.
const LONGEST: usize = 4096;

/// Whether a user of a kubeconfig proves itself with what anybody on the way could use.
pub(in crate::systems::kubernetes) fn logs_in(user: &AuthInfo) -> bool {
    let AuthInfo { token, token_file, password, exec, .. } = user;
    token.is_some() || token_file.is_some() || password.is_some() || exec.is_some()
}

/// Whether a URL has a port that is one, or none at all: a port that is none must not become the usual one.
fn names_its_port(url: &http::Uri) -> bool {
    let authority = url.authority().map_or("", |a| a.as_str());
    let behind = authority.rsplit_once(']').map_or(authority, |(_, behind)| behind);
    url.port_u16().is_some() || !behind.contains(':')
}

impl Source {
    /// Why the user's credential must not be sent to the cluster's server: anybody on the way could read it. kubectl sends
    /// none then, and is refused for it; here that is told.
    pub(super) fn in_clear(&self, cluster: &Cluster, user: &AuthInfo) -> Option<Error> {
        let server = cluster.server.as_deref().unwrap_or_default();
        let url = server.parse::<http::Uri>().ok().filter(|u| u.scheme_str() == Some("http"))?;
        (logs_in(user) && !is_loopback(url.host().unwrap_or_default())).then(|| {
            self.wrong(&format!("has `{server}` as its server, where its credential would go in clear"))
                .help("write https://host:port, or leave the user's credential out")
        })
    }

    /// The settings of a connection by this cluster and user, and the file that its token comes from.
    pub(super) fn settings(
        &self,
        cluster: Cluster,
        mut user: AuthInfo,
        namespace: &str,
    ) -> Result<(Config, Option<PathBuf>)> {
        self.remember(&user);
        for (key, url) in [("server", &cluster.server), ("proxy-url", &cluster.proxy_url)] {
            if let Some(url) = url.as_deref().filter(|url| may_name_user(url)) {
                let error = self.wrong(&format!("has a user or a password in its {key}"));
                return Err(self
                    .placed(error, url)
                    .help("a URL is shown and journaled: take them out of it"));
            }
        }
        let server = cluster.server.as_deref().unwrap_or_default();
        if server.contains(['?', '#']) {
            let error = self.wrong("has a query or a fragment in its server");
            return Err(self
                .placed(error, server)
                .help("a URL is shown and journaled: write https://host:port"));
        }
        let url = server
            .parse::<http::Uri>()
            .ok()
            .filter(|u| server.len() <= LONGEST && names_its_port(u))
            .filter(|u| u.host().is_some_and(|host| !host.is_empty()))
            .filter(|u| matches!(u.scheme_str(), Some("http" | "https")));
        let Some(url) = url else {
            return Err(self
                .wrong(&format!("has `{server}` as its server"))
                .help("write https://host:port; a cluster without an API address is not up yet"));
        };
        for path in [&mut user.client_certificate, &mut user.client_key] {
            *path = path.take().map(|p| self.absolute(&p).display().to_string());
            // kube reads them, whatever they are
            if let Some(Err(e)) = path.as_deref().map(|path| plain_file::open(Path::new(path))) {
                return Err(self
                    .wrong(&format!("names `{}`", path.as_deref().unwrap_or_default()))
                    .from_source(&e));
            }
        }
        // kube keeps a line end that the file has, and cannot send it
        let mut token_file = None;
        if let Some(path) = user.token_file.take().filter(|_| user.token.is_none()) {
            let path = self.absolute(&path);
            let token = token(&path).map_err(|e| e.context(self.wrong("names a token file").to_string()))?;
            user.token = Some(token.expose().to_string().into());
            token_file = Some(path);
        }
        if let Some(exec) = user.exec.as_mut().filter(|e| e.provide_cluster_info) {
            exec.cluster = Some(ExecAuthCluster::try_from(&cluster).map_err(|e| {
                self.wrong("does not say enough of its cluster for its program").from_source(&e)
            })?);
        }
        let mut config = Config::new(url);
        config.default_namespace = namespace.to_string();
        config.connect_timeout = Some(CONNECT);
        config.root_cert = self.authorities(&cluster)?;
        config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
        config.tls_server_name = cluster.tls_server_name.clone();
        config.auth_info = user;
        config.default_retry = false;
        config.proxy_url = match cluster.proxy_url.as_deref().filter(|p| !p.is_empty()) {
            Some(proxy) => Some(proxy.parse().map_err(|e: http::uri::InvalidUri| {
                self.wrong(&format!("has `{proxy}` as its proxy-url")).from_source(&e)
            })?),
            None => None,
        };
        Ok((config, token_file))
    }

    /// Has what the user proves itself with masked wherever a server repeats it.
    fn remember(&self, user: &AuthInfo) {
        let _ = user.token_file.as_deref().map(|path| token(&self.absolute(path)));
        let keys = ["/token", "/password", "/client-key-data"].map(String::from);
        let _ = serde_json::to_value(user).map(|user| Payload::new(user, keys));
    }

    fn authorities(&self, cluster: &Cluster) -> Result<Option<Vec<Vec<u8>>>> {
        let pem = match (&cluster.certificate_authority_data, &cluster.certificate_authority) {
            (Some(data), _) => STANDARD.decode(data.trim()).map_err(|e| {
                self.wrong("has a certificate-authority-data that is not base64").from_source(&e)
            })?,
            (None, Some(path)) => plain_file::read(&self.absolute(path), LARGEST).map_err(|e| {
                self.wrong(&format!("names a certificate authority `{path}` that cannot be read"))
                    .from_source(&e)
            })?,
            (None, None) => return Ok(None),
        };
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        match found {
            Ok(found) if !found.is_empty() => Ok(Some(found.iter().map(|c| c.to_vec()).collect())),
            Ok(_) => Err(self.wrong("has a certificate authority without a PEM certificate in it")),
            Err(e) => Err(self.wrong("has a certificate authority that is not PEM").cause(e.to_string())),
        }
    }
}
