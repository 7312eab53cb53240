//! What a URL answers, seen over a connection of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::super::http::{Address, Dialer, Http, HttpSettings, Incoming, Method, Request, Retry, Tls};
use crate::base::{Error, ErrorKind, Result};

/// Most looks in one sample.
const MOST: usize = 1000;

/// Headers a probe keeps.
const HEADERS: &[&str] =
    &["content-length", "content-type", "location", "retry-after", "server", "via", "x-served-by"];

/// How to look at a URL.
#[derive(Clone)]
pub struct HttpLook {
    /// `GET` or `HEAD`.
    pub method: Method,
    /// Whom to trust.
    pub tls: Tls,
    /// Longest time for the connection and the whole answer.
    pub timeout: Duration,
    /// The statuses that count as healthy; none stands for 200 to 399.
    pub expect: Vec<u16>,
    /// Bytes of the body that are kept.
    pub body_cap: usize,
    /// Where addresses live while a procedure is rehearsed.
    pub dialer: Option<Arc<dyn Dialer>>,
}

impl Default for HttpLook {
    /// A `GET` that trusts the machine's authorities, within 10 s, keeping 64 KiB.
    fn default() -> Self {
        HttpLook {
            method: Method::GET,
            tls: Tls::default(),
            timeout: Duration::from_secs(10),
            expect: Vec::new(),
            body_cap: 64 << 10,
            dialer: None,
        }
    }
}

impl HttpLook {
    fn is_healthy(&self, status: u16) -> bool {
        if self.expect.is_empty() { (200..400).contains(&status) } else { self.expect.contains(&status) }
    }

    fn settings(&self) -> HttpSettings {
        HttpSettings {
            tls: self.tls.clone(),
            connect_timeout: self.timeout,
            timeout: self.timeout,
            retry: Retry::NEVER,
            dialer: self.dialer.clone(),
            ..HttpSettings::default()
        }
    }
}

/// What a look at a URL found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HttpProbe {
    /// The URL that was asked for.
    pub url: String,
    /// An answer came whole, with one of the expected statuses.
    pub ok: bool,
    /// Its status; none where no answer came.
    pub status: Option<u16>,
    /// Until the head of the answer came, or it had failed; with the connection.
    pub latency: Duration,
    /// Why there was no answer, or not all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The part of that which TLS is to blame for: a certificate, or none where one was due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_error: Option<String>,
    /// Those headers that tell servers apart, by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The beginning of the body; bytes that are not UTF-8 are replaced.
    pub body: String,
    /// The body was longer than what is kept.
    pub truncated: bool,
}

/// Looks at a URL once, over a connection of its own. Redirects are answers like any other.
///
/// # Errors
/// [`ErrorKind::Argument`] for what is no URL, or another method; [`ErrorKind::Site`] for a CA
/// file that cannot be used; never for what the server does.
pub async fn http(url: &str, look: &HttpLook) -> Result<HttpProbe> {
    if look.method != Method::GET && look.method != Method::HEAD {
        let what = format!("a probe may not {} {url}: that could change something", look.method);
        return Err(Error::new(ErrorKind::Argument, what).help("a probe uses GET or HEAD"));
    }
    // as it is, for the digest of a page that is compressed on the way is of no use
    let request = Request::to(look.method.clone(), &Address::whole(url)?);
    let request = request.header("accept-encoding", "identity")?;
    let mut probe = HttpProbe { url: url.to_owned(), ..HttpProbe::default() };
    let started = Instant::now();
    let all = tokio::time::timeout(look.timeout, async {
        let mut answer = match Http::new(look.settings()).open(&request).await {
            Ok(answer) => answer,
            Err(failure) if matches!(failure.error.kind(), ErrorKind::Argument | ErrorKind::Site) => {
                return Err(failure.error);
            }
            Err(failure) => {
                probe.latency = started.elapsed();
                let text = failure.error.to_string();
                probe.tls_error = failure.is_tls.then(|| text.clone());
                probe.error = Some(text);
                return Ok(());
            }
        };
        probe.latency = started.elapsed();
        read(&mut answer, look, &mut probe).await;
        Ok(())
    });
    match all.await {
        Ok(outcome) => outcome?,
        Err(_) => {
            probe.latency = if probe.status.is_some() { probe.latency } else { started.elapsed() };
            probe.error = Some("no answer in time".to_owned());
        }
    }
    probe.ok = probe.error.is_none() && probe.status.is_some_and(|status| look.is_healthy(status));
    Ok(probe)
}

async fn read(answer: &mut Incoming, look: &HttpLook, probe: &mut HttpProbe) {
    probe.status = Some(answer.status());
    for name in HEADERS {
        if let Some(value) = answer.header(name) {
            probe.headers.insert((*name).to_owned(), value.to_owned());
        }
    }
    let mut body = Vec::new();
    loop {
        match answer.next().await {
            Ok(Some(piece)) => {
                let room = look.body_cap.saturating_sub(body.len()).min(piece.len());
                body.extend_from_slice(&piece[..room]);
                if room < piece.len() {
                    probe.truncated = true;
                    break;
                }
            }
            Ok(None) => break,
            Err(failure) => {
                probe.error = Some(failure.error.to_string());
                break;
            }
        }
    }
    probe.body = String::from_utf8_lossy(&body).into_owned();
}

/// Looks at a URL a number of times, each over a connection of its own, so that a load balancer
/// chooses anew each time.
///
/// # Errors
/// As [`http()`]; [`ErrorKind::Argument`] for none or more than 1000 looks.
pub async fn http_sample(url: &str, looks: usize, look: &HttpLook) -> Result<Vec<HttpProbe>> {
    if looks == 0 || looks > MOST {
        let what = format!("a sample of {looks} is not possible");
        return Err(Error::new(ErrorKind::Argument, what).help(format!("take 1 to {MOST}")));
    }
    let mut probes = Vec::with_capacity(looks);
    for _ in 0..looks {
        probes.push(http(url, look).await?);
    }
    Ok(probes)
}
