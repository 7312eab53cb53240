//! A server that is at another address than its kubeconfig says: a floating IP is another one after each rebuild.

use std::net::IpAddr;

use http::Uri;
use http::uri::{Authority, Scheme};

use super::kubeconfig::{Way, logs_in};
use crate::base::{Error, ErrorKind, Result};
use crate::systems::http::is_loopback;

impl Way {
    /// The same server at another address: scheme, port and path stay, and so do the authority that its certificate must be
    /// signed by, the user and the proxy. The certificate must be for the address, or for the host that the kubeconfig
    /// names; where that says `tls-server-name`, for that alone.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where the address is none; [`ErrorKind::Refused`] where nothing would prove that it is the same
    /// server, or anybody on the way could read the credential.
    pub(super) fn at(mut self, address: &str) -> Result<Way> {
        let here = self.config.cluster_url.host().unwrap_or_default().to_string();
        let url = moved(&self.config.cluster_url, address)?;
        if url.host() == Some(&here) {
            return Ok(self);
        }
        let refused = |why: &str, help: &str| {
            Err(Error::new(ErrorKind::Refused, format!("the server is not asked at {address}: {why}"))
                .help(help))
        };
        if self.config.accept_invalid_certs {
            let help = "trust the cluster's own authority: `certificate-authority-data` in the kubeconfig";
            return refused(
                "its kubeconfig takes any certificate, so nobody would know who answers there",
                help,
            );
        }
        let clear = url.scheme() == Some(&Scheme::HTTP) && !is_loopback(url.host().unwrap_or_default());
        if clear && logs_in(&self.config.auth_info) {
            return refused("its credential would go in clear", "write https in the kubeconfig's server");
        }
        self.in_clear = None; // the address that counts was just looked at
        self.declared.get_or_insert(self.config.cluster_url.clone());
        if self.config.tls_server_name.is_none() {
            self.other_name = Some(here.trim_matches(['[', ']']).to_string());
        }
        self.config.cluster_url = url;
        Ok(self)
    }
}

/// A URL with another host.
fn moved(url: &Uri, address: &str) -> Result<Uri> {
    let wrong = || {
        Error::new(ErrorKind::Argument, format!("`{}` is no address", address.escape_debug()))
            .help("a name or an IP address, without a port: the port stays the kubeconfig's")
    };
    let host = match address.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(IpAddr::V6(v6)) => format!("[{v6}]"),
        Ok(IpAddr::V4(v4)) => v4.to_string(),
        Err(_) if is_name(address) => address.to_string(),
        Err(_) => return Err(wrong()),
    };
    let place = match url.port_u16() {
        Some(port) => format!("{host}:{port}"),
        None => host,
    };
    let mut parts = url.clone().into_parts();
    parts.authority = Some(place.parse::<Authority>().map_err(|_| wrong())?);
    Uri::from_parts(parts).map_err(|_| wrong())
}

/// Whether a text may be the name of a host.
fn is_name(text: &str) -> bool {
    let label =
        |l: &str| !l.is_empty() && l.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    text.len() <= 253 && text.trim_end_matches('.').split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_at_another_address_keeps_scheme_port_and_path() {
        let url: Uri = "https://10.12.7.40:6443/k8s/c1".parse().unwrap();
        assert_eq!(moved(&url, "10.12.7.99").unwrap(), "https://10.12.7.99:6443/k8s/c1");
        assert_eq!(moved(&url, "fd00::5").unwrap(), "https://[fd00::5]:6443/k8s/c1");
        assert_eq!(moved(&"https://mgmt".parse().unwrap(), "mgmt.example").unwrap(), "https://mgmt.example/");
        for wrong in ["", "10.12.7.99:6443", "user@host", "a/b", "a?b", "a b", "https://x"] {
            assert_eq!(moved(&url, wrong).unwrap_err().kind(), ErrorKind::Argument, "{wrong:?}");
        }
    }
}
