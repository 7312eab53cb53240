//! What stands in for OpenSSH in a rehearsal.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::base::{Error, ErrorKind, Result, duration};
use crate::lab::dispatch::{Desk, Heard};
use crate::lab::world::World;
use crate::systems::command::{Arg, Command, Output};
use crate::systems::ssh::{HostKey, HostSpec, Transport};

/// Every sshd of the lab.
pub(in crate::lab) struct Sshd(pub(in crate::lab) Arc<Desk>);

fn unreachable(host: &HostSpec, why: &str) -> Error {
    Error::new(ErrorKind::Unreachable, format!("no connection to {} ({})", host.name, host.identity()))
        .cause(format!("connect to host {} port {}: {why}", host.address, host.port))
}

impl Sshd {
    fn run(&self, host: &HostSpec, command: &Command) -> Result<Output> {
        let words = words(command.argv());
        let shown = command.shown();
        let run = |world: &mut World| world.run(&host.name, &host.address, &words);
        match self.0.command("ssh", &host.name, &shown, command.time(), run) {
            Heard::Reply(reply) => {
                let output = Output {
                    code: reply.code,
                    stdout: reply.stdout,
                    stderr: reply.stderr,
                    ..Output::default()
                };
                command.follow(&output);
                Ok(output)
            }
            Heard::Nobody => Err(unreachable(host, "Connection timed out").unsent()),
            Heard::Lost => Err(Error::new(
                ErrorKind::Unreachable,
                format!("the connection to {} was lost while `{shown}` ran", host.name),
            )
            .help("it is ended there as soon as the host notices; what it did until then is not known")),
            Heard::Silence => Err(Error::new(
                ErrorKind::Timeout,
                format!("`{shown}` on {} did not end within {}", host.name, duration::show(command.time())),
            )
            .help("give it more time with `within`, if it needs that")),
        }
    }
}

impl Transport for Sshd {
    fn exec<'a>(&'a self, host: &'a HostSpec, command: &'a Command) -> BoxFuture<'a, Result<Output>> {
        async move { self.run(host, command) }.boxed()
    }

    fn host_key<'a>(&'a self, host: &'a HostSpec) -> BoxFuture<'a, Result<HostKey>> {
        async move {
            let up = self.0.with(|world| world.machine_at(&host.name, &host.address).is_some());
            if !up {
                return Err(unreachable(host, "Connection timed out"));
            }
            // a key of 32 bytes that the host's name decides
            let mut blob = b"\0\0\0\x0bssh-ed25519\0\0\0 ".to_vec();
            blob.extend(host.name.bytes().chain(std::iter::repeat(b'.')).take(32));
            HostKey::parse(&format!("{} ssh-ed25519 {}", host.known_as(), STANDARD.encode(blob)))
        }
        .boxed()
    }
}

/// The words of a command as the lab's programs read them.
pub(in crate::lab) fn words(argv: &[Arg]) -> Vec<String> {
    argv.iter().map(|word| word.expose().to_string()).collect()
}
