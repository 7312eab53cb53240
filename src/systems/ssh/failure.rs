//! What `ssh` says when a connection fails, told apart. It says it in prose, and only there.

use std::error::Error as _;

use super::{HostSpec, known_hosts, pin};
use crate::base::{Error, ErrorKind};

/// Why no connection came about. No command was sent over it.
pub(super) async fn to_connect(host: &HostSpec, error: &openssh::Error) -> Error {
    let said = innermost(error);
    if matches!(error, openssh::Error::Connect(e) if e.kind() == std::io::ErrorKind::NotFound) {
        let error = Error::new(ErrorKind::Io, "the ssh program could not be started");
        return causes(error, &said).help("install the OpenSSH client").unsent();
    }
    if said.contains("HOST IDENTIFICATION HAS CHANGED") {
        let shown = said.split_whitespace().find(|word| word.starts_with("SHA256:")).unwrap_or_default();
        let pinned = known_hosts::fingerprints(host).await;
        return pin::changed(host, shown.trim_end_matches('.'), &pinned).unsent();
    }
    interpret(host, &said)
}

fn interpret(host: &HostSpec, said: &str) -> Error {
    let at = format!("{} ({})", host.name, host.identity());
    let (kind, what, help) = if said.contains("Host key verification failed") {
        let what = format!("the host key of {at} is not in {}", host.known_hosts.display());
        (ErrorKind::Refused, what, Some("compare its fingerprint with the host's console log and pin it"))
    } else if said.contains("Permission denied (") || said.contains("Too many authentication failures") {
        let what = format!("{at} does not accept the login");
        (ErrorKind::Unauthorized, what, Some(login_help(host)))
    } else if said.contains("Bad configuration option") {
        let what = format!("this ssh does not know an option that the connection to {at} needs");
        (ErrorKind::Unsupported, what, Some("OpenSSH 8.4 or later is needed"))
    } else {
        (ErrorKind::Unreachable, format!("no connection to {at}"), None)
    };
    let error = Error::new(kind, what);
    let error = match help {
        Some(help) => error.help(help),
        None => error,
    };
    causes(error, said).unsent()
}

fn login_help(host: &HostSpec) -> &'static str {
    match (&host.identity_file, host.allow_agent) {
        (None, false) => "the host's entry names neither a key nor allows the agent",
        (None, true) => "is the right key in the agent?",
        (Some(_), _) => "is it the right user, and the right key?",
    }
}

/// Why a running command's end is not known.
pub(super) fn lost(host: &HostSpec, shown: &str, error: &openssh::Error) -> Error {
    let what = format!("the connection to {} was lost while `{shown}` ran", host.name);
    causes(Error::new(ErrorKind::Unreachable, what), &innermost(error))
        .help("it is ended there as soon as the host notices; what it did until then is not known")
}

/// Why a command was not started over a connection that stands.
pub(super) fn to_start(host: &HostSpec, shown: &str, error: &openssh::Error) -> Error {
    let what = format!("`{shown}` could not be started on {}", host.name);
    causes(Error::new(ErrorKind::Unreachable, what), &innermost(error))
}

/// The text at the end of the chain: the outer ones only say that something failed.
fn innermost(error: &openssh::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = source.to_string();
        next = source.source();
    }
    text
}

fn causes(error: Error, said: &str) -> Error {
    let telling = |line: &&str| !line.is_empty() && !line.starts_with("Warning: Permanently added");
    said.lines().map(str::trim).filter(telling).fold(error, |error, line| error.cause(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_says_is_told_apart() {
        let host = HostSpec::new("mgmt", "10.20.0.10", "ubuntu", "/site/known_hosts");
        for (said, kind) in [
            ("connect to host 10.20.0.10 port 22: Connection refused", ErrorKind::Unreachable),
            ("connect to host 10.20.0.10 port 22: No route to host", ErrorKind::Unreachable),
            ("Could not resolve hostname mgmt.example: Name or service not known", ErrorKind::Unreachable),
            ("kex_exchange_identification: Connection closed by remote host", ErrorKind::Unreachable),
            (
                "No ED25519 host key is known for 10.20.0.10 and you have requested strict checking.\r\nHost key verification failed.",
                ErrorKind::Refused,
            ),
            ("ubuntu@10.20.0.10: Permission denied (publickey).", ErrorKind::Unauthorized),
        ] {
            let error = interpret(&host, said);
            assert_eq!((error.kind(), error.is_unsent()), (kind, true), "{said}");
            assert_eq!(error.detail().causes.last().map(String::as_str), said.lines().last());
        }
    }
}
