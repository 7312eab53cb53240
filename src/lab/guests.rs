//! What runs inside servers, as far as it can be told from outside: sshd, some time after ACTIVE.

use super::exchange::{Answer, Request};
use super::service::Service;
use super::world::World;

/// The machines behind floating IPs.
pub(super) struct Guests;

/// Where sshd listens.
const SSH: u16 = 22;

impl Service for Guests {
    fn name(&self) -> &'static str {
        "guest"
    }

    fn prefix(&self) -> Option<&'static str> {
        None
    }

    fn plays(&self, world: &World, host: &str, port: u16) -> bool {
        if let Some(machine) = world.machines.iter().find(|m| m.is_at(world, host)) {
            return port == machine.port && machine.up_since(world).is_some();
        }
        let Ok(address) = host.parse() else { return false };
        let server = world.neutron.port_at(address).and_then(|p| world.nova.servers.get(&p.device));
        let up = server.and_then(|s| s.up_since(world.now()));
        let listening = up.and_then(|since| since.checked_add(*world.timings.sshd).ok());
        port == SSH && listening.is_some_and(|at| at <= world.now())
    }

    /// sshd hears HTTP and says what it is.
    fn answer(&self, _: &mut World, _: &Request) -> Answer {
        Answer::text(
            400,
            "text/plain",
            "SSH-2.0-OpenSSH_8.9p1 Ubuntu-3\r\nInvalid SSH identification string.\r\n",
        )
    }

    fn failure(&self, status: u16, _: &Request) -> Answer {
        Answer::empty(status)
    }

    fn pattern(&self, _: &Request) -> &'static str {
        "ssh"
    }
}
