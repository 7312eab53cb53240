//! The client: cheap to clone, one pool, no ambient settings.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::dns::{Name, Resolve, Resolving};
use reqwest::{Certificate, Client, Proxy, Url, header, redirect, retry};

use crate::base::{Error, ErrorKind, Result, duration};

use super::answer::Answer;
use super::body;
use super::failure::{Phase, failure};
use super::request::Request;
use super::settings::{HttpSettings, NOBODY_THERE};

/// Makes *ring* the TLS library's cryptography. Callable any number of times.
pub fn install_crypto() {
    // an error says that one is installed already, which is all that is wanted
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client for any number of servers that share [`HttpSettings`]. Clones share its connections.
///
/// Dropping the future of a request ends the request.
#[derive(Clone)]
pub struct Http(Arc<Inner>);

struct Inner {
    settings: HttpSettings,
    clients: Mutex<BTreeMap<Way, Client>>,
}

/// What needs a client of its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    /// Plain HTTP needs no authorities: reading the machine's costs milliseconds, or fails.
    secure: bool,
    /// A change takes a fresh connection: on one that the server is just closing, nobody could say
    /// whether it arrived.
    fresh: bool,
    /// The host to connect to where the URL holds the `server_name` instead.
    behind: Option<String>,
}

/// A request's URL and headers as they go out.
struct Route {
    way: Way,
    url: Url,
    host_header: Option<String>,
}

impl Http {
    /// A client. Nothing is read or connected before the first request.
    pub fn new(settings: HttpSettings) -> Http {
        Http(Arc::new(Inner { settings, clients: Mutex::default() }))
    }

    /// What the client was made with.
    pub fn settings(&self) -> &HttpSettings {
        &self.0.settings
    }

    /// Sends a request and reads the answer, whatever its status. A repeatable request is tried again as
    /// [`Retry`](super::Retry) says; a change is sent once.
    ///
    /// # Errors
    /// * [`ErrorKind::Unreachable`]: no connection, no TLS, or a read that got no answer, or not all of it. A change
    ///   that ends so was *not* sent, and the error [says so](Error::is_unsent).
    /// * [`ErrorKind::Timeout`]: a change was sent and got no answer, or not all of it; whether it took effect is not
    ///   known.
    /// * [`ErrorKind::Protocol`]: the body is longer than the cap; it has the status.
    /// * [`ErrorKind::Site`]: the CA file or the proxy is wrong.
    pub async fn send(&self, request: &Request) -> Result<Answer> {
        let retry = &self.0.settings.retry;
        let mut paused = Duration::ZERO;
        let mut tried = 0;
        loop {
            tried += 1;
            let outcome = self.once(request, tried).await;
            let pause = if request.repeatable { retry.pause_after(tried, paused, &outcome) } else { None };
            let Some(pause) = pause else { return outcome };
            paused += pause;
            // a rehearsal takes the same tries and no real time
            if self.0.settings.dialer.is_none() {
                tokio::time::sleep(pause).await;
            }
        }
    }

    async fn once(&self, request: &Request, tries: u32) -> Result<Answer> {
        let host = authority(&request.url);
        let url = shown(&request.url);
        let timeout = duration::show(self.0.settings.timeout);
        let phase = Phase { host: &host, url: &url, is_read: request.repeatable, timeout: &timeout };

        let sending = self.prepare(request)?;
        let response = match &request.file {
            Some(file) => file.send(sending, self.0.settings.timeout, phase).await?,
            None => sending.send().await.map_err(|e| failure(e, phase))?,
        };
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = body::read(response, self.0.settings.body_cap, phase).await?;
        Ok(Answer { status, headers, body, tries, withheld: false })
    }

    /// The request as it goes out.
    pub(super) fn prepare(&self, request: &Request) -> Result<reqwest::RequestBuilder> {
        let route = self.route(request)?;
        let mut headers = request.headers.clone();
        if let Some(host) = route.host_header.and_then(|h| header::HeaderValue::try_from(h).ok()) {
            headers.entry(header::HOST).or_insert(host);
        }
        let builder = self.client(&route.way)?.request(request.method.clone(), route.url).headers(headers);
        Ok(match &request.body {
            Some(body) => builder.body(body.clone()),
            None => builder,
        })
    }

    fn route(&self, request: &Request) -> Result<Route> {
        let mut url = request.url.clone();
        let fresh = !request.repeatable;
        let host = url.host_str().unwrap_or_default().to_string();
        let port = url.port_or_known_default().unwrap_or(80);
        let host_header = Some(authority(&url));
        if let Some(dialer) = &self.0.settings.dialer {
            let address = dialer.dial(&host, port).ok_or_else(|| {
                let e = Error::new(ErrorKind::Unreachable, format!("no connection to {host}:{port}"))
                    .cause(NOBODY_THERE);
                if request.repeatable { e } else { e.unsent() }
            })?;
            redirect_to(&mut url, address)?;
            return Ok(Route { way: Way { secure: false, fresh, behind: None }, url, host_header });
        }
        let secure = url.scheme() == "https";
        match &self.0.settings.tls.server_name {
            Some(name) if secure && *name != host => {
                url.set_host(Some(name)).map_err(|e| {
                    Error::new(ErrorKind::Site, format!("`server_name = \"{name}\"` is not a host name"))
                        .from_source(&e)
                })?;
                let behind = Some(host.trim_matches(['[', ']']).to_string());
                Ok(Route { way: Way { secure, fresh, behind }, url, host_header })
            }
            _ => Ok(Route { way: Way { secure, fresh, behind: None }, url, host_header: None }),
        }
    }

    fn client(&self, way: &Way) -> Result<Client> {
        let mut clients = self.0.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(way) {
            return Ok(client.clone());
        }
        let client = build(&self.0.settings, way)?;
        clients.insert(way.clone(), client.clone());
        Ok(client)
    }
}

fn build(settings: &HttpSettings, way: &Way) -> Result<Client> {
    install_crypto();
    let mut builder = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .user_agent(&settings.user_agent)
        .connect_timeout(settings.connect_timeout)
        .timeout(settings.timeout);
    if way.fresh {
        builder = builder.pool_max_idle_per_host(0);
    }
    if let (Some(proxy), None) = (&settings.proxy, &settings.dialer) {
        let proxy = Proxy::all(proxy).map_err(|e| {
            Error::new(ErrorKind::Site, format!("`proxy = \"{proxy}\"` is not a proxy's URL")).from_source(&e)
        })?;
        builder = builder.proxy(proxy);
    }
    if let Some(host) = &way.behind {
        // the Host header differs from the name asked for, which only HTTP/1.1 can say
        builder = builder.dns_resolver(Arc::new(Behind(host.clone()))).http1_only();
    }
    builder = if !way.secure {
        builder.tls_certs_only([])
    } else if settings.tls.insecure {
        builder.tls_danger_accept_invalid_certs(true)
    } else if let Some(path) = &settings.tls.ca_file {
        builder.tls_certs_only(authorities(path)?)
    } else {
        builder
    };
    builder.build().map_err(|e| {
        Error::new(ErrorKind::Site, "no HTTP client can be made of these settings")
            .help("without certificates of authorities on this machine, state `ca_file`")
            .from_source(&e)
    })
}

fn authorities(path: &std::path::Path) -> Result<Vec<Certificate>> {
    let wrong = |what: &str| {
        Error::new(ErrorKind::Site, format!("the CA file {} {what}", path.display()))
            .help("`ca_file` names a PEM file with the certificates of the authorities to trust")
    };
    let pem = std::fs::read(path).map_err(|e| wrong("cannot be read").from_source(&e))?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|e| wrong("is not PEM").from_source(&e))?;
    if found.is_empty() { Err(wrong("holds no certificate")) } else { Ok(found) }
}

/// Finds one host, whatever the name it is asked for.
struct Behind(String);

impl Resolve for Behind {
    fn resolve(&self, _: Name) -> Resolving {
        let host = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

fn redirect_to(url: &mut Url, address: SocketAddr) -> Result<()> {
    let moved = url.set_scheme("http").is_ok()
        && url.set_ip_host(address.ip()).is_ok()
        && url.set_port(Some(address.port())).is_ok();
    if moved { Ok(()) } else { Err(Error::new(ErrorKind::Internal, format!("{url} cannot be rehearsed"))) }
}

/// Host and port as a `Host` header has them.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_string(),
    }
}

/// The URL without query, fragment and credentials.
pub(super) fn shown(url: &Url) -> String {
    format!("{}://{}{}", url.scheme(), authority(url), url.path())
}
