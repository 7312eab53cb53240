//! `[hosts.NAME]`: a host that is reached over SSH.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::Result;
use crate::site::document::{Entry, Node, Spot, suggestion};
use crate::site::paths::Paths;
use crate::systems::ssh::HostSpec;

/// A host that is reached over SSH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostDecl {
    /// Its name.
    pub name: String,
    /// Where it is, who logs in, and over which hosts.
    pub spec: HostSpec,
    /// What to do about a host whose key is not known.
    pub host_keys: HostKeys,
    /// The host to go through, by its name in the site file.
    pub jump: Option<String>,
    /// How long a command on it may take, unless the call says otherwise.
    pub within: Option<Duration>,
    /// Where it is declared.
    pub spot: Spot,
}

/// What to do about a host whose key is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKeys {
    /// Refuse it.
    Strict,
    /// A fresh machine: a runbook may accept its key once and pin it.
    PinOnce,
}

const KEYS: &[&str] = &[
    "address",
    "port",
    "user",
    "identity_file",
    "known_hosts",
    "host_keys",
    "jump",
    "agent",
    "connect_within",
    "within",
];

impl HostDecl {
    pub(in crate::site) fn read(entry: &Entry, paths: &Paths) -> Result<Self> {
        let f = entry.node.fields(KEYS)?;
        let address = f.need("address", "\"10.0.0.1\"")?.text()?;
        let user = f.need("user", "\"ubuntu\"")?.text()?;
        let known_hosts = f.get("known_hosts").map(|n| paths.resolve(n)).transpose()?;
        let known_hosts = known_hosts.unwrap_or_else(|| paths.beside("known_hosts"));
        let mut spec = HostSpec::new(&entry.key, address, user, known_hosts);
        if let Some(port) = f.get("port") {
            spec.port = u16::try_from(port.integer(1..=65_535)?).unwrap_or(spec.port);
        }
        spec.identity_file = f.get("identity_file").map(|n| paths.resolve(n)).transpose()?;
        spec.allow_agent = f.flag("agent")?;
        if let Some(within) = f.get("connect_within").map(Node::duration).transpose()? {
            spec.connect_timeout = within;
        }
        if paths.can_be_opened() {
            spec.validate().map_err(|e| entry.node.located(&e))?;
        }
        let host_keys = match f.get("host_keys").map(|n| n.word(&["strict", "pin-once"])).transpose()? {
            Some("pin-once") => HostKeys::PinOnce,
            _ => HostKeys::Strict,
        };
        let (name, spot) = (entry.key.clone(), entry.spot.clone());
        let within = f.get("within").map(Node::duration).transpose()?;
        Ok(HostDecl { name, spec, host_keys, jump: f.owned("jump")?, within, spot })
    }

    /// Puts into each host the hosts it jumps over.
    ///
    /// # Errors
    /// [`ErrorKind::Site`](crate::base::ErrorKind::Site) for a jump over a host that is not declared, and for
    /// jumps that come to no end.
    pub(in crate::site) fn link(hosts: &mut BTreeMap<String, HostDecl>) -> Result<()> {
        let linked: Vec<(String, HostSpec)> = hosts
            .values()
            .map(|host| Ok((host.name.clone(), way(host, hosts, &mut Vec::new())?)))
            .collect::<Result<_>>()?;
        for (name, spec) in linked {
            if let Some(host) = hosts.get_mut(&name) {
                host.spec = spec;
            }
        }
        Ok(())
    }
}

/// A host with the hosts it jumps over; `walked` are those that jump over it.
fn way<'a>(
    host: &'a HostDecl,
    hosts: &'a BTreeMap<String, HostDecl>,
    walked: &mut Vec<&'a str>,
) -> Result<HostSpec> {
    if walked.contains(&&*host.name) {
        walked.push(&host.name);
        let error = host.spot.error(format!("the jumps of host `{}` go round in a circle", walked[0]));
        return Err(error.help(walked.join(" over ")));
    }
    walked.push(&host.name);
    let mut spec = host.spec.clone();
    if let Some(jump) = &host.jump {
        let next = hosts.get(jump).ok_or_else(|| {
            let what = format!("host `{}` jumps over `{jump}`, which is no host", host.name);
            host.spot.error(what).help(suggestion(jump, hosts.keys().map(String::as_str)))
        })?;
        spec.jump = Some(Box::new(way(next, hosts, walked)?));
    }
    Ok(spec)
}
