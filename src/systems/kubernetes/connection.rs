//! The way to one API server: a change goes out once, a read is tried a few times, each within a
//! deadline, and what comes back is bounded.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderValue, Request, Response, Uri, header};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use serde_json::Value;
use tokio::time::timeout;

use crate::base::{Error, ErrorKind, Payload, Result, Secret, caught, duration};
use crate::systems::http::{Answer, Dialer, NOBODY_THERE, RequestRecord, Retry, Witness, install_crypto};

use super::ask::Ask;
use super::kubeconfig::{Way, token};
use super::proof::unproven;
use super::refusal::refusal;
use super::transport;

/// Longest time for a request with its answer, in real time: longer than an API server lets one take (60 s).
pub(super) const ANSWER: Duration = Duration::from_secs(75);

/// Most bytes of one answer.
pub(super) const CAP: usize = 64 << 20;

/// Most bytes of a path with its query. kube panics where it makes no URL of it.
const LONGEST: usize = 32 << 10;

/// The way to one API server.
pub(super) struct Connection {
    handle: String,
    server: String,
    declared: String,
    namespace: String,
    live: Mutex<Live>,
    token_file: Option<PathBuf>,
    rehearsed: bool,
    witness: Option<Arc<dyn Witness>>,
    warnings: Mutex<BTreeSet<String>>,
}

/// What requests go through.
struct Live {
    config: kube::Config,
    /// Shared by reads.
    reads: Client,
    /// The token that its file held.
    token: Option<Secret>,
    /// The name that the server's certificate may have besides the one that is asked for now.
    other_name: Option<String>,
}

impl Connection {
    /// Prepares a connection; nothing is sent yet. Must be called within a runtime.
    ///
    /// With a dialer the server is whatever plays its address on loopback, over plain HTTP.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] if certificates, key or proxy of the kubeconfig cannot be used, or its credential would go in clear;
    /// [`ErrorKind::Unreachable`] if nothing plays the address in a rehearsal.
    pub(super) fn new(
        handle: &str,
        way: &Way,
        dialer: Option<&dyn Dialer>,
        witness: Option<Arc<dyn Witness>>,
    ) -> Result<Self> {
        install_crypto();
        if let (Some(e), None) = (&way.in_clear, dialer) {
            return Err(e.clone());
        }
        let mut config = way.config.clone();
        let shown = |url: &Uri| url.to_string().trim_end_matches('/').to_string();
        let server = shown(&config.cluster_url);
        let declared = way.declared.as_ref().map_or_else(|| server.clone(), shown);
        if let Some(dialer) = dialer {
            rehearse(&mut config, dialer).map_err(|e| e.scope(handle))?;
        }
        let namespace = config.default_namespace.clone();
        let (reads, other_name) = (client(handle, &config)?, way.other_name.clone());
        let live = Mutex::new(Live { reads, config, token: None, other_name });
        let (rehearsed, warnings, token_file) = (dialer.is_some(), Mutex::default(), way.token_file.clone());
        let handle = handle.to_string();
        Ok(Connection { handle, server, declared, namespace, live, token_file, rehearsed, witness, warnings })
    }

    /// The URL that the server is asked at.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// The server's URL as the kubeconfig has it.
    pub(super) fn declared(&self) -> &str {
        &self.declared
    }

    /// The namespace of the kubeconfig's context.
    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// What the server warned of since the last call, such as an API version that will go.
    pub(super) fn take_warnings(&self) -> Vec<String> {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *warnings).into_iter().collect()
    }

    /// Sends a request and reads its answer as JSON.
    ///
    /// # Errors
    /// * what [`refusal`] makes of an answer that is no success;
    /// * [`ErrorKind::Unreachable`]: no connection, no TLS, or a read that got no answer, or not all of it;
    /// * [`ErrorKind::Timeout`]: a change was sent and got no answer, so nobody knows;
    /// * [`ErrorKind::Protocol`]: the answer is not JSON or is longer than [`CAP`]; to a change, it proves nothing.
    pub(super) async fn json(&self, ask: &Ask) -> Result<Value> {
        let (began, mut tried) = (Instant::now(), 0);
        loop {
            tried += 1;
            let answer = self.accepted(ask).await?;
            let taken = match &ask.proof {
                Some(proof) => proof.take(ask, &answer),
                None if ask.is_read() => answer.json(),
                None => Err(unproven(ask, &answer, "nothing that would prove it is known")),
            };
            let e = match taken {
                Ok(value) => return Ok(value),
                Err(e) => e.scope(&self.handle),
            };
            // a body that was cut on its way, which only its reader notices
            let retry = Retry::default();
            let again = ask.is_read().then(|| retry.pause_after(tried, began.elapsed(), &Err(e.clone())));
            let Some(pause) = again.flatten() else { return Err(e) };
            if !self.rehearsed {
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// Sends a request and reads its answer, which is a success.
    ///
    /// # Errors
    /// As [`Connection::json`].
    pub(super) async fn accepted(&self, ask: &Ask) -> Result<Answer> {
        let answer = self.answer(ask).await?;
        if answer.is_success() { Ok(answer) } else { Err(refusal(ask, &answer).scope(&self.handle)) }
    }

    /// Sends a request and reads its answer, whatever its status. A read is tried again as
    /// [`Retry`] says; anything else is sent once.
    async fn answer(&self, ask: &Ask) -> Result<Answer> {
        let (began, retry) = (Instant::now(), Retry::default());
        let mut tries = 0;
        let outcome = loop {
            tries += 1;
            let outcome = self.once(ask, tries).await;
            let pause =
                if ask.is_read() { retry.pause_after(tries, began.elapsed(), &outcome) } else { None };
            let Some(pause) = pause else { break outcome };
            // a rehearsal takes the same tries and no real time
            if !self.rehearsed {
                tokio::time::sleep(pause).await;
            }
        };
        self.witnessed(ask, began, tries, outcome.as_ref().map(|a| (a.status, a.header("audit-id"))));
        outcome
    }

    async fn once(&self, ask: &Ask, tries: u32) -> Result<Answer> {
        let exchange = async {
            let response = self.begin(ask).await?;
            self.read(ask, response, tries).await
        };
        timeout(ANSWER, exchange).await.unwrap_or_else(|_| Err(self.silent(ask)))
    }

    fn silent(&self, ask: &Ask) -> Error {
        let what = format!("{} did not answer {} {}", self.server, ask.method, ask.path());
        transport::unanswered(format!("{what} within {}", duration::show(ANSWER)), ask).scope(&self.handle)
    }

    fn witnessed(&self, ask: &Ask, began: Instant, tries: u32, outcome: Result<(u16, Option<&str>), &Error>) {
        let Some(witness) = &self.witness else { return };
        witness.request(&RequestRecord {
            handle: self.handle.clone(),
            service: "kubernetes".to_string(),
            method: ask.method.to_string(),
            url: format!("{}{}", self.server, ask.target),
            status: outcome.ok().map(|(status, _)| status),
            failure: outcome.err().map(Error::kind),
            request_id: outcome.ok().and_then(|(_, id)| id.map(String::from)),
            took: began.elapsed(),
            tries,
        });
    }

    /// Sends a request whose answer is a stream.
    ///
    /// # Errors
    /// As [`Connection::json`].
    pub(super) async fn stream(&self, ask: &Ask) -> Result<Body> {
        let began = Instant::now();
        let begun = timeout(ANSWER, self.begin(ask)).await.unwrap_or_else(|_| Err(self.silent(ask)));
        self.witnessed(ask, began, 1, begun.as_ref().map(|response| (response.status().as_u16(), None)));
        let response = begun?;
        if response.status().is_success() {
            return Ok(response.into_body());
        }
        let answer = timeout(ANSWER, self.read(ask, response, 1)).await;
        let answer = answer.unwrap_or_else(|_| Err(self.silent(ask)))?;
        Err(refusal(ask, &answer).scope(&self.handle))
    }

    /// A client with a connection of its own: on a pooled one that the server is just closing nobody
    /// could say whether a change arrived, and the session of an exec outlives an ordinary answer.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] as [`Connection::new`].
    pub(super) fn fresh(&self) -> Result<Client> {
        let live = self.live()?;
        // a program that logs the user in may ask for a password: it is run once
        match live.config.auth_info.exec {
            Some(_) => Ok(live.reads.clone()),
            None => client(&self.handle, &live.config),
        }
    }

    /// What requests go through, with the token that its file holds by now. One that cannot be read any more stays.
    fn live(&self) -> Result<MutexGuard<'_, Live>> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = self.token_file.as_deref().and_then(|file| token(file).ok())
            && live.token.as_ref() != Some(&token)
        {
            live.config.auth_info.token = Some(token.expose().to_string().into());
            live.reads = client(&self.handle, &live.config)?;
            live.token = Some(token);
        }
        Ok(live)
    }

    /// The error behind one of kube's.
    pub(super) fn failure(&self, error: &kube::Error, ask: &Ask) -> Error {
        transport::failure(error, ask, &self.server).scope(&self.handle)
    }

    async fn begin(&self, ask: &Ask) -> Result<Response<Body>> {
        loop {
            let request = request(ask).map_err(|e| e.scope(&self.handle))?;
            let client = if ask.is_read() { self.live()?.reads.clone() } else { self.fresh()? };
            match client.send(request).await {
                // the handshake failed, so nothing was sent
                Err(e) if transport::is_for_another_name(&e) && self.take_other_name()? => {}
                answer => return answer.map_err(|e| self.failure(&e, ask)),
            }
        }
    }

    /// From now on the server's certificate must be for the other name that it may have; `false` where there is none.
    fn take_other_name(&self) -> Result<bool> {
        let mut live = self.live()?;
        let Some(name) = live.other_name.take() else { return Ok(false) };
        live.config.tls_server_name = Some(name);
        live.reads = client(&self.handle, &live.config)?;
        Ok(true)
    }

    async fn read(&self, ask: &Ask, response: Response<Body>, tries: u32) -> Result<Answer> {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        self.note_warnings(&headers);
        let mut stream = response.into_body();
        let mut body = Vec::new();
        while let Some(frame) = stream.frame().await {
            let frame = frame.map_err(|e| transport::torn(&e, ask).status(status).scope(&self.handle))?;
            let Some(chunk) = frame.data_ref() else { continue };
            if body.len() + chunk.len() > CAP {
                let cap = duration::show_size(CAP as u64);
                let what = format!("the answer to {} {} is longer than {cap}", ask.method, ask.path());
                return Err(Error::new(ErrorKind::Protocol, what)
                    .status(status)
                    .scope(&self.handle)
                    .help("ask for less: a namespace, or a selector"));
            }
            body.extend_from_slice(chunk);
        }
        Ok(Answer { status, headers, body, tries, withheld: ask.is_tainted() })
    }

    fn note_warnings(&self, headers: &HeaderMap) {
        let found = headers.get_all(header::WARNING).iter().filter_map(|v| warning(v.to_str().ok()?));
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
    }
}

fn client(handle: &str, config: &kube::Config) -> Result<Client> {
    let unusable = || {
        Error::new(ErrorKind::Site, "the kubeconfig's certificates, key or token cannot be used")
            .scope(handle)
    };
    // kube makes a header of what the kubeconfig's program prints, and panics where that cannot be one
    caught(|| Client::try_from(config.clone()).map_err(|e| unusable().from_source(&e))).map_err(|e| {
        match e.kind() {
            ErrorKind::Internal => unusable().cause("what its program prints holds no token of one line"),
            _ => e,
        }
    })
}

fn request(ask: &Ask) -> Result<Request<Body>> {
    let wrong = |e: http::Error| {
        Error::new(ErrorKind::Argument, format!("{} cannot be asked for", ask.target)).from_source(&e)
    };
    if ask.target.len() > LONGEST {
        let what = format!("{} is {} bytes long; {LONGEST} can be asked for", ask.path(), ask.target.len());
        return Err(Error::new(ErrorKind::Argument, what).help("ask by a shorter name or selector"));
    }
    let mut builder = Request::builder()
        .method(ask.method.clone())
        .uri(&ask.target)
        .header(header::USER_AGENT, concat!("rhumb/", env!("CARGO_PKG_VERSION")))
        .header(header::ACCEPT, ask.accept.unwrap_or("application/json"));
    let body = match ask.body.as_ref().map(Payload::expose) {
        Some(body) => {
            builder = builder.header(header::CONTENT_TYPE, ask.content_type.unwrap_or("application/json"));
            body.to_string().into_bytes()
        }
        None => Vec::new(),
    };
    builder.body(Body::from(body)).map_err(wrong)
}

/// Points a connection at what plays its server on loopback.
fn rehearse(config: &mut kube::Config, dialer: &dyn Dialer) -> Result<()> {
    let url = &config.cluster_url;
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']).to_string();
    let port = url.port_u16().unwrap_or(if url.scheme() == Some(&Scheme::HTTP) { 80 } else { 443 });
    let address = dialer.dial(&host, port).ok_or_else(|| {
        Error::new(ErrorKind::Unreachable, format!("no connection to {host}:{port}"))
            .cause(NOBODY_THERE)
            .unsent()
    })?;
    if let Some(authority) = url.authority().and_then(|a| HeaderValue::try_from(a.as_str()).ok()) {
        config.headers.push((header::HOST, authority));
    }
    config.cluster_url = moved(url, address)?;
    config.proxy_url = None;
    Ok(())
}

fn moved(url: &Uri, address: SocketAddr) -> Result<Uri> {
    let broken = |e: &dyn std::error::Error| {
        Error::new(ErrorKind::Internal, format!("{url} cannot be rehearsed")).from_source(e)
    };
    let mut parts = url.clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(address.to_string().parse::<Authority>().map_err(|e| broken(&e))?);
    Uri::from_parts(parts).map_err(|e| broken(&e))
}

/// The text of a `Warning: 299 - "text"` header.
fn warning(header: &str) -> Option<String> {
    let quoted = header.split_once('"')?.1.rsplit_once('"')?.0;
    Some(quoted.replace("\\\"", "\"").replace("\\\\", "\\"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_read_from_its_header() {
        let text = r#"299 - "cluster.x-k8s.io/v1beta1 Cluster is deprecated; use \"v1beta2\"""#;
        assert_eq!(
            warning(text).unwrap(),
            r#"cluster.x-k8s.io/v1beta1 Cluster is deprecated; use "v1beta2""#
        );
        assert_eq!(warning("299 -"), None);
    }

    #[test]
    fn a_rehearsal_keeps_the_path_and_the_host_header() {
        struct Lab;
        impl Dialer for Lab {
            fn dial(&self, host: &str, port: u16) -> Option<SocketAddr> {
                (host == "10.12.7.40" && port == 6443).then(|| ([127, 0, 0, 1], 4711).into())
            }
        }
        let mut config = kube::Config::new("https://10.12.7.40:6443/k8s/c1".parse().unwrap());
        config.proxy_url = Some("http://proxy:3128".parse().unwrap());
        rehearse(&mut config, &Lab).unwrap();
        assert_eq!(config.cluster_url, "http://127.0.0.1:4711/k8s/c1");
        assert_eq!(config.headers[0].1, "10.12.7.40:6443");
        assert!(config.proxy_url.is_none());
        let mut other = kube::Config::new("https://10.0.0.1".parse().unwrap());
        assert_eq!(rehearse(&mut other, &Lab).unwrap_err().kind(), ErrorKind::Unreachable);
    }
}
