//! Whether something listens on a port.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::net::TcpStream;

use super::super::http::{Dialer, NOBODY_THERE};
use crate::base::{Error, ErrorKind, Result};

/// Why a port did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TcpFault {
    /// The host answers, and nothing listens there.
    Refused,
    /// Nobody answered in time: the host is down, or a filter drops the packets.
    TimedOut,
    /// There is no way to the address.
    Unreachable,
    /// The name has no address.
    NameNotFound,
    /// Something else; the text of the probe has it.
    Other,
}

/// What a look at a port found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TcpProbe {
    /// Host and port that were asked for.
    pub target: String,
    /// Something accepted the connection.
    pub open: bool,
    /// Until it was accepted or had failed.
    pub latency: Duration,
    /// Why it did not open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<TcpFault>,
    /// The system's own words for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Connects to a port and closes the connection. Each address of a name is tried; `timeout` is
/// for all of them. With a dialer only what the dialer names is reached.
///
/// # Errors
/// [`ErrorKind::Argument`] for what is no host or port; never for a closed port.
pub async fn tcp(host: &str, port: u16, timeout: Duration, dialer: Option<&dyn Dialer>) -> Result<TcpProbe> {
    let bare = host.trim_matches(['[', ']']);
    if bare.is_empty() || bare.contains(|c: char| c.is_whitespace() || c.is_control()) || port == 0 {
        let what = format!("`{}:{port}` is not a host and a port", host.escape_debug());
        return Err(Error::new(ErrorKind::Argument, what));
    }
    let started = Instant::now();
    let outcome = tokio::time::timeout(timeout, connect(bare, port, dialer)).await;
    let latency = started.elapsed();
    let (fault, error) = match outcome {
        Ok(Ok(())) => (None, None),
        Ok(Err((fault, error))) => (Some(fault), Some(error.to_string())),
        Err(_) => (Some(TcpFault::TimedOut), Some("no answer in time".to_owned())),
    };
    let target = if bare.contains(':') { format!("[{bare}]:{port}") } else { format!("{bare}:{port}") };
    Ok(TcpProbe { target, open: fault.is_none(), latency, fault, error })
}

async fn connect(host: &str, port: u16, dialer: Option<&dyn Dialer>) -> Result<(), (TcpFault, io::Error)> {
    let addresses: Vec<SocketAddr> = match dialer {
        Some(dialer) => dialer.dial(host, port).into_iter().collect(),
        None => {
            tokio::net::lookup_host((host, port)).await.map_err(|e| (TcpFault::NameNotFound, e))?.collect()
        }
    };
    let mut last = (TcpFault::Unreachable, io::Error::other(NOBODY_THERE));
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(_) => return Ok(()),
            Err(e) => last = (fault_of(&e), e),
        }
    }
    Err(last)
}

fn fault_of(error: &io::Error) -> TcpFault {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => TcpFault::Refused,
        io::ErrorKind::TimedOut => TcpFault::TimedOut,
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::AddrNotAvailable
        | io::ErrorKind::NetworkDown => TcpFault::Unreachable,
        _ => TcpFault::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Error as IoError;

    #[test]
    fn what_the_system_says_is_told_apart() {
        for (errno, fault) in [
            (111, TcpFault::Refused),
            (110, TcpFault::TimedOut),
            (113, TcpFault::Unreachable),
            (101, TcpFault::Unreachable),
            (24, TcpFault::Other),
        ] {
            assert_eq!(fault_of(&IoError::from_raw_os_error(errno)), fault, "{errno}");
        }
    }

    #[tokio::test]
    async fn only_what_is_no_target_is_an_error() {
        for (host, port) in [("", 22), ("a b", 22), ("host", 0)] {
            let error = tcp(host, port, Duration::from_secs(1), None).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Argument);
        }
    }
}
