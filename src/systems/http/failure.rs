//! What went wrong between here and a server, from the whole chain of causes.

use rustls::CertificateError;

use crate::base::{Error, ErrorKind};

use super::chain::in_chain;

/// Which request it is, for its errors.
#[derive(Clone, Copy)]
pub(super) struct Phase<'a> {
    /// Host and port.
    pub(super) host: &'a str,
    /// Scheme, host and path.
    pub(super) url: &'a str,
    /// A read may be sent again; of a change that got no answer nobody knows whether it was done.
    pub(super) is_read: bool,
    /// The longest time for request and answer, as text.
    pub(super) timeout: &'a str,
}

impl Phase<'_> {
    pub(super) fn place(&self) -> &str {
        self.url
    }
}

/// Whether TLS is to blame: a certificate, or none where one was due.
pub(super) fn is_tls(e: &reqwest::Error) -> bool {
    in_chain::<rustls::Error>(e).is_some()
}

/// Tells a failed request by its chain of causes.
pub(super) fn failure(e: reqwest::Error, phase: Phase<'_>) -> Error {
    let e = e.without_url();
    // the way to the server: its name, the connection, the tunnel through a proxy, and the TLS handshake
    let connecting = e.is_connect();
    let error = if let Some(tls) = in_chain::<rustls::Error>(&e).filter(|_| connecting || phase.is_read) {
        tls_failure(tls, phase.host)
    } else if connecting {
        Error::new(ErrorKind::Unreachable, format!("no connection to {}", phase.host))
    } else if e.is_timeout() {
        let what = format!("{} did not answer within {}", phase.url, phase.timeout);
        unanswered(what, phase)
    } else if e.is_body() || e.is_decode() {
        unanswered(format!("the answer of {} ends early", phase.url), phase)
    } else if e.is_builder() {
        Error::new(ErrorKind::Argument, format!("the request to {} cannot be built", phase.url))
    } else {
        unanswered(format!("{} closed the connection without an answer", phase.host), phase)
    };
    let error = error.from_source(&e);
    if connecting && !phase.is_read { error.unsent() } else { error }
}

pub(super) fn unanswered(what: String, phase: Phase<'_>) -> Error {
    if phase.is_read {
        return Error::new(ErrorKind::Unreachable, what);
    }
    Error::new(ErrorKind::Timeout, what)
        .help("the change was sent; look whether it took effect before sending it again")
}

fn tls_failure(tls: &rustls::Error, host: &str) -> Error {
    use CertificateError::{
        BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
        NotValidYetContext, UnknownIssuer,
    };
    let unreachable = |what: String| Error::new(ErrorKind::Unreachable, what);
    match tls {
        rustls::Error::InvalidCertificate(Expired | ExpiredContext { .. }) => {
            unreachable(format!("the certificate of {host} has expired")).help("renew it on the server")
        }
        rustls::Error::InvalidCertificate(NotValidYet | NotValidYetContext { .. }) => {
            unreachable(format!("the certificate of {host} is not valid yet")).help("compare the clocks")
        }
        rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
            unreachable(format!("the certificate of {host} is for another name"))
                .help("use the name that the certificate carries, or state it as `server_name`")
        }
        rustls::Error::InvalidCertificate(UnknownIssuer | BadSignature) => unreachable(format!(
            "the certificate of {host} is self-signed, or of an authority that is not trusted here"
        ))
        .help("state the PEM file of its authority as `ca_file`"),
        // a CA certificate that serves as the server's own is self-signed by its nature
        rustls::Error::InvalidCertificate(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            unreachable(format!(
                "the certificate of {host} is self-signed, by an authority's own certificate"
            ))
            .help("give the server a certificate of its own, and state its authority's PEM file as `ca_file`")
        }
        rustls::Error::InvalidMessage(_) => unreachable(format!("{host} does not speak TLS"))
            .help("is the service behind http:// instead of https://?"),
        _ => unreachable(format!("no TLS connection to {host}")),
    }
}
