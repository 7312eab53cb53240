//! Machines that a site reaches over SSH, and what programs on them answer.
//!
//! A machine is one of Nova's servers, and then it answers once that one's sshd does, or it stands outside of the
//! cloud and always does. It knows the commands of the procedures; any other is not found (127).

mod k8s_snap;
mod libvirt;
mod shell;
mod transport;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use jiff::Timestamp;

pub(super) use transport::{Sshd, words};

use super::scenario;
use super::world::World;

pub(crate) use libvirt::Domain;

/// A machine.
pub(crate) struct Machine {
    /// The name that the site has for it.
    pub(crate) host: String,
    /// Where the site says that it is.
    pub(crate) address: String,
    /// The port of its sshd.
    pub(crate) port: u16,
    /// The server that it is.
    pub(crate) server: Option<String>,
    /// The virtual machines that it runs itself.
    pub(crate) domains: Vec<Domain>,
}

/// What came of a command.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reply {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// How long it takes.
    pub(crate) takes: Duration,
}

impl Reply {
    /// It printed this and ended well.
    pub(crate) fn said(stdout: impl Into<String>) -> Self {
        Reply { stdout: stdout.into(), ..Reply::default() }
    }

    /// It complained and ended with this code.
    pub(crate) fn failed(code: i32, stderr: impl Into<String>) -> Self {
        Reply { code, stderr: stderr.into(), ..Reply::default() }
    }
}

impl Machine {
    pub(super) fn of(told: &scenario::Machine, now: Timestamp) -> Machine {
        Machine {
            host: told.host.clone(),
            address: told.address.clone(),
            port: told.port,
            server: told.server.clone(),
            domains: told.domains.iter().map(|name| Domain::new(name, &told.snapshots, now)).collect(),
        }
    }

    /// Whether it is reached at an address. A server's floating IP is where it is, whatever the site says; one without, and a
    /// machine outside of the cloud, are where the site has them. A name leads to where its machine is.
    pub(crate) fn is_at(&self, world: &World, address: &str) -> bool {
        match self.server.as_deref().and_then(|server| world.floating_ip_of(server)) {
            Some(real) if address.parse::<IpAddr>().is_ok() => address == real.to_string(),
            _ => address == self.address,
        }
    }

    /// Since when its sshd answers, if it does.
    pub(crate) fn up_since(&self, world: &World) -> Option<Timestamp> {
        let Some(name) = &self.server else { return Some(Timestamp::MIN) };
        let up = world.nova.server_named(name)?.up_since(world.now())?;
        let at = up.checked_add(*world.timings.sshd).ok()?;
        (at <= world.now()).then_some(up)
    }
}

impl World {
    /// The machine of a name in the site file.
    pub(crate) fn machine(&self, host: &str) -> Option<&Machine> {
        self.machines.iter().find(|m| m.host == host)
    }

    /// The floating IP of the first port of a server that has one.
    pub(crate) fn floating_ip_of(&self, server: &str) -> Option<Ipv4Addr> {
        let plugs = &self.nova.server_named(server)?.plugs;
        plugs.iter().find_map(|plug| Some(self.neutron.floating_ip_on(&plug.port)?.address))
    }

    /// The machine of a name in the site file, if its sshd answers at an address.
    pub(crate) fn machine_at(&self, host: &str, address: &str) -> Option<&Machine> {
        self.machine(host).filter(|m| m.is_at(self, address) && m.up_since(self).is_some())
    }

    /// Runs a command on a machine that is reached at an address; nothing where no sshd answers there.
    pub(crate) fn run(&mut self, host: &str, address: &str, words: &[String]) -> Option<Reply> {
        self.machine_at(host, address)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Some(shell::run(self, host, &words))
    }
}
