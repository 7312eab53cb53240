//! Where a host is, who logs in, and which files say so.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::{Error, ErrorKind, Result};

/// The time to connect, unless a host's entry says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A host as the site file declares it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostSpec {
    /// Its name in the site file.
    pub name: String,
    /// A name or an IP address, IPv6 without brackets.
    pub address: String,
    /// The port of its SSH server.
    pub port: u16,
    /// The user to log in as.
    pub user: String,
    /// The private key, an absolute path. Without one only the agent can log in.
    pub identity_file: Option<PathBuf>,
    /// The host keys the site trusts, an absolute path; no other file is asked.
    pub known_hosts: PathBuf,
    /// The host to go through; its own entry says how it is reached.
    pub jump: Option<Box<HostSpec>>,
    /// The time to connect, in whole seconds, at least one.
    pub connect_timeout: Duration,
    /// Whether the operator's SSH agent may be used.
    pub allow_agent: bool,
}

impl HostSpec {
    /// A host on port 22, reached directly within 10 s, with neither key nor agent.
    pub fn new(
        name: impl Into<String>,
        address: impl Into<String>,
        user: impl Into<String>,
        known_hosts: impl Into<PathBuf>,
    ) -> Self {
        HostSpec {
            name: name.into(),
            address: address.into(),
            port: 22,
            user: user.into(),
            identity_file: None,
            known_hosts: known_hosts.into(),
            jump: None,
            connect_timeout: CONNECT_TIMEOUT,
            allow_agent: false,
        }
    }

    /// Who logs in where: `ubuntu@10.20.0.10:22`.
    pub fn identity(&self) -> String {
        let (user, address, port) = (&self.user, &self.address, self.port);
        if address.contains(':') {
            format!("{user}@[{address}]:{port}")
        } else {
            format!("{user}@{address}:{port}")
        }
    }

    /// The host as `known_hosts` names it: `10.20.0.10`, `[10.20.0.10]:2222`.
    pub fn known_as(&self) -> String {
        let address = self.address.to_lowercase();
        if self.port == 22 { address } else { format!("[{address}]:{}", self.port) }
    }

    /// Refuses what could say something else in an `ssh_config` than it says in the site file.
    ///
    /// # Errors
    /// [`ErrorKind::Site`], naming the field.
    pub fn validate(&self) -> Result<()> {
        let word = |field: &str, text: &str| {
            let plain = |c: char| c.is_alphanumeric() || "._-:%$".contains(c);
            if text.is_empty() || text.starts_with('-') || !text.chars().all(plain) {
                return Err(self.wrong(field, &format!("`{}` is not one", text.escape_debug())));
            }
            Ok(())
        };
        word("address", &self.address)?;
        word("user", &self.user)?;
        self.path("known_hosts", &self.known_hosts)?;
        if let Some(identity) = &self.identity_file {
            self.path("identity_file", identity)?;
        }
        self.jump.as_deref().map_or(Ok(()), HostSpec::validate)
    }

    fn path(&self, field: &str, path: &Path) -> Result<()> {
        let text = path.to_string_lossy();
        if !path.is_absolute() {
            return Err(self.wrong(field, &format!("`{text}` is not an absolute path")));
        }
        // no way to escape these in an ssh_config
        let unsayable = |c: char| c.is_control() || matches!(c, '"' | '\\' | '\u{fffd}');
        if text.contains(unsayable) || text.contains("${") {
            return Err(self.wrong(field, &format!("ssh cannot be told the path {text:?}")));
        }
        Ok(())
    }

    fn wrong(&self, field: &str, what: &str) -> Error {
        Error::new(ErrorKind::Site, format!("host {}: {field}: {what}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_the_names_operators_know() {
        let mut host = HostSpec::new("mgmt", "FD00::1", "ubuntu", "/site/known_hosts");
        assert_eq!((host.identity().as_str(), host.known_as().as_str()), ("ubuntu@[FD00::1]:22", "fd00::1"));
        host.port = 2222;
        assert_eq!(host.known_as(), "[fd00::1]:2222");
    }

    #[test]
    fn what_could_smuggle_an_option_is_refused() {
        let good = HostSpec::new("mgmt", "mgmt.example", "ubuntu", "/site/known hosts");
        good.validate().unwrap();
        let bad = [
            HostSpec { address: "-oProxyCommand=x".into(), ..good.clone() },
            HostSpec { address: "a b".into(), ..good.clone() },
            HostSpec { address: String::new(), ..good.clone() },
            HostSpec { user: "x\n  ProxyCommand touch".into(), ..good.clone() },
            HostSpec { known_hosts: "known_hosts".into(), ..good.clone() },
            HostSpec { known_hosts: "/a\"b".into(), ..good.clone() },
            HostSpec { identity_file: Some("/${HOME}/key".into()), ..good.clone() },
        ];
        for host in bad {
            assert_eq!(host.validate().unwrap_err().kind(), ErrorKind::Site, "{host:?}");
            let behind = HostSpec { jump: Some(Box::new(host)), ..good.clone() };
            assert_eq!(behind.validate().unwrap_err().kind(), ErrorKind::Site);
        }
    }
}
