//! What a client is told about the way to a server. Nothing of it comes from the environment.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::retry::Retry;

/// Whom to trust.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// PEM file with the only authorities to trust; without it the machine's own.
    pub ca_file: Option<PathBuf>,
    /// Take any certificate. For a look at a broken server, never for a credential.
    pub insecure: bool,
    /// The name to ask for (SNI) and to find in the certificate, where it is not the URL's.
    pub server_name: Option<String>,
}

/// Why no connection comes about where a [`Dialer`] knows no address.
pub(crate) const NOBODY_THERE: &str =
    "nobody answers there in this rehearsal: the machine is down, or the scenario has none";

/// Whether what is sent to a host stays on this machine.
pub(in crate::systems) fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Where addresses of a procedure live while it is rehearsed.
pub trait Dialer: Send + Sync {
    /// The address on loopback that plays `host:port`; `None` where nothing plays it.
    fn dial(&self, host: &str, port: u16) -> Option<SocketAddr>;
}

/// How to reach servers.
#[derive(Clone)]
pub struct HttpSettings {
    /// Whom to trust.
    pub tls: Tls,
    /// The proxy's URL. `HTTPS_PROXY` and its relatives are not looked at.
    pub proxy: Option<String>,
    /// What the `User-Agent` header says.
    pub user_agent: String,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest time for one request with its answer, in real time.
    pub timeout: Duration,
    /// Most bytes of an answer's body, after decompression.
    pub body_cap: usize,
    /// How reads are tried again.
    pub retry: Retry,
    /// With a dialer every request goes, as plain HTTP and with its own `Host` header, to the address the
    /// dialer names, and nowhere if it names none: a rehearsal never leaves loopback.
    pub dialer: Option<Arc<dyn Dialer>>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        HttpSettings {
            tls: Tls::default(),
            proxy: None,
            user_agent: concat!("rhumb/", env!("CARGO_PKG_VERSION")).to_string(),
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(60),
            body_cap: 64 << 20,
            retry: Retry::default(),
            dialer: None,
        }
    }
}

impl std::fmt::Debug for HttpSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpSettings")
            .field("tls", &self.tls)
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("body_cap", &self.body_cap)
            .field("rehearsed", &self.dialer.is_some())
            .finish_non_exhaustive()
    }
}
