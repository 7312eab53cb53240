//! What went wrong between here and an API server, from the whole chain of causes.

use std::error::Error as StdError;

use hyper_util::client::legacy;
use rustls::CertificateError;

use crate::base::{Error, ErrorKind};
use crate::systems::http::in_chain;

use super::ask::Ask;

/// Tells a request that got no answer by its chain of causes.
pub(super) fn failure(error: &kube::Error, ask: &Ask, server: &str) -> Error {
    let cause: &(dyn StdError + 'static) = match error {
        kube::Error::Service(inner) => inner.as_ref(),
        other => other,
    };
    // the way to the server: its name, the connection, the tunnel through a proxy, and the TLS handshake
    let connecting = in_chain::<legacy::Error>(cause).is_some_and(legacy::Error::is_connect);
    let no_credential = matches!(error, kube::Error::Auth(_));
    let tls = in_chain::<rustls::Error>(cause).filter(|_| connecting || ask.is_read());
    let told = if let Some(tls) = tls {
        tls_failure(tls, server)
    } else if connecting {
        Error::new(ErrorKind::Unreachable, format!("no connection to {server}"))
    } else if no_credential {
        Error::new(ErrorKind::Site, format!("the kubeconfig holds no usable credential for {server}"))
    } else {
        unanswered(format!("{server} closed the connection without an answer"), ask)
    };
    let told = told.from_source(cause);
    if (connecting || no_credential) && !ask.is_read() { told.unsent() } else { told }
}

/// Whether a handshake ended because the server's certificate is for another name.
pub(super) fn is_for_another_name(error: &kube::Error) -> bool {
    let kube::Error::Service(inner) = error else { return false };
    let connecting = in_chain::<legacy::Error>(inner.as_ref()).is_some_and(legacy::Error::is_connect);
    let named = |e: &rustls::Error| {
        matches!(
            e,
            rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
            )
        )
    };
    connecting && in_chain::<rustls::Error>(inner.as_ref()).is_some_and(named)
}

/// A read that got no answer may be sent again; of a change nobody knows whether it was carried out.
pub(super) fn unanswered(what: String, ask: &Ask) -> Error {
    if ask.is_read() {
        return Error::new(ErrorKind::Unreachable, what);
    }
    Error::new(ErrorKind::Timeout, what)
        .help("the change was sent; look whether it took effect before sending it again")
}

/// An answer that ended before its end.
pub(super) fn torn(error: &kube::Error, ask: &Ask) -> Error {
    unanswered(format!("the answer to {} {} ends early", ask.method, ask.path()), ask).from_source(error)
}

fn tls_failure(tls: &rustls::Error, server: &str) -> Error {
    use CertificateError::{
        BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
        NotValidYetContext, UnknownIssuer,
    };
    let (what, help) = match tls {
        // authorities of clusters have the same name: one of another cluster fits but for its key
        rustls::Error::InvalidCertificate(UnknownIssuer | BadSignature) => (
            "is not signed by the kubeconfig's certificate authority",
            "the kubeconfig is of another cluster, or older than this cluster's CA; fetch it anew",
        ),
        rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => (
            "is for another name",
            "use a server name that the certificate carries, or state it as `tls-server-name`",
        ),
        rustls::Error::InvalidCertificate(Expired | ExpiredContext { .. }) => {
            ("has expired", "renew it on the control plane")
        }
        rustls::Error::InvalidCertificate(NotValidYet | NotValidYetContext { .. }) => {
            ("is not valid yet", "compare the clocks")
        }
        _ => {
            return Error::new(ErrorKind::Unreachable, format!("no TLS connection to {server}"));
        }
    };
    Error::new(ErrorKind::Unreachable, format!("the certificate of {server} {what}")).help(help)
}
