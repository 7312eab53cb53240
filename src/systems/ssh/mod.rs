//! Commands on remote hosts, with the semantics operators know from OpenSSH and nothing of the
//! operator's own configuration: no `~/.ssh/config`, no `~/.ssh/known_hosts`, no default keys,
//! and no agent unless the host's entry allows it.
//!
//! [`Host`] is the handle; [`Transport`] is what it stands on: [`OpenSsh`] for real hosts, and
//! whatever answers in process for a rehearsal.

mod client;
mod config;
mod failure;
mod host;
mod known_hosts;
mod pin;
mod remote;

use std::sync::Arc;

use futures::future::BoxFuture;

use super::command::{Command, Output};
use crate::base::{Intent, Mutation, Permit, Result, Undo};

pub use client::OpenSsh;
pub use host::HostSpec;
pub use known_hosts::HostKey;
pub use pin::{HostKeyPin, pin};

/// Runs commands on hosts.
pub trait Transport: Send + Sync {
    /// Runs a command and waits for its end. Any exit code is an [`Output`]; errors are what
    /// kept the command from running, from ending, or from telling how it ended:
    /// `Unreachable` (no connection, or it broke), `Unauthorized` (the key is not accepted),
    /// `Refused` (the host's key is unknown or another), `Timeout` (the deadline; the remote
    /// process was ended), `Command` (killed with the shell around it), `Argument`.
    ///
    /// Dropping the future ends the remote process.
    fn exec<'a>(&'a self, host: &'a HostSpec, command: &'a Command) -> BoxFuture<'a, Result<Output>>;

    /// The key a host shows, known or not, without logging in to it.
    fn host_key<'a>(&'a self, host: &'a HostSpec) -> BoxFuture<'a, Result<HostKey>>;
}

/// A host of the site file. Cheap to clone.
#[derive(Clone)]
pub struct Host {
    spec: Arc<HostSpec>,
    transport: Arc<dyn Transport>,
}

impl Host {
    /// A host, reached over a transport.
    pub fn new(spec: HostSpec, transport: Arc<dyn Transport>) -> Self {
        Host { spec: Arc::new(spec), transport }
    }

    /// The same host at another address.
    #[must_use]
    pub fn at(&self, address: &str) -> Self {
        let spec = HostSpec { address: address.to_string(), ..(*self.spec).clone() };
        Host { spec: Arc::new(spec), transport: self.transport.clone() }
    }

    /// Where it is and who logs in.
    pub fn spec(&self) -> &HostSpec {
        &self.spec
    }

    /// Runs a command of which the caller says that it only reads. For the errors see
    /// [`Transport::exec`].
    pub async fn query(&self, command: &Command) -> Result<Output> {
        self.transport.exec(&self.spec, command).await
    }

    /// A command that changes something, to obtain a permit for.
    pub fn change(&self, command: Command) -> RemoteCommand {
        RemoteCommand { host: self.spec.clone(), command, undo: Undo::Unknown, destroys: false }
    }

    /// Runs a permitted command, on the host that the permit names.
    pub async fn run(&self, permit: Permit<RemoteCommand>) -> Result<Output> {
        let RemoteCommand { host, command, .. } = permit.spend();
        self.transport.exec(&host, &command).await
    }

    /// The key it shows, known or not, without logging in to it.
    pub async fn host_key(&self) -> Result<HostKey> {
        self.transport.host_key(&self.spec).await
    }
}

/// A command on a host that changes something there.
#[derive(Clone, Debug)]
pub struct RemoteCommand {
    host: Arc<HostSpec>,
    command: Command,
    /// Whether it can be taken back, as far as the author says.
    pub undo: Undo,
    /// The author says that it destroys something.
    pub destroys: bool,
}

impl RemoteCommand {
    /// What would be run.
    pub fn command(&self) -> &Command {
        &self.command
    }
}

impl Mutation for RemoteCommand {
    fn intent(&self) -> Intent {
        let shown = self.command.shown();
        Intent {
            system: "ssh".into(),
            handle: self.host.name.clone(),
            identity: self.host.identity(),
            method: "run".into(),
            summary: format!("run `{shown}` on {}", self.host.name),
            target: shown,
            body: self.command.body(),
            undo: self.undo.clone(),
            destroys: self.destroys,
            ..Intent::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Ledger, Secret};
    use crate::systems::command::Arg;
    use futures::FutureExt;
    use serde_json::json;
    use std::sync::Mutex;

    struct Answers(Mutex<Vec<String>>);

    impl Transport for Answers {
        fn exec<'a>(&'a self, host: &'a HostSpec, command: &'a Command) -> BoxFuture<'a, Result<Output>> {
            self.0.lock().unwrap().push(format!("{}: {}", host.name, command.shown()));
            let output = Output { code: 0, stdout: "up\n".into(), ..Output::default() };
            async move { Ok(output) }.boxed()
        }

        fn host_key<'a>(&'a self, _: &'a HostSpec) -> BoxFuture<'a, Result<HostKey>> {
            async { HostKey::parse("mgmt ssh-ed25519 AAAA") }.boxed()
        }
    }

    struct Yes;

    impl Ledger for Yes {
        fn authorise(&self, _: &Intent) -> Result<u64> {
            Ok(1)
        }
    }

    #[tokio::test]
    async fn a_change_runs_on_the_host_that_was_shown() {
        let answers = Arc::new(Answers(Mutex::default()));
        let host = |name| {
            Host::new(HostSpec::new(name, "10.20.0.10", "ubuntu", "/site/known_hosts"), answers.clone())
        };
        let (mgmt, other) = (host("mgmt"), host("other"));
        mgmt.query(&Command::new(["uptime"])).await.unwrap();
        let permit = Permit::obtain(&Yes, mgmt.change(Command::new(["reboot"]))).unwrap();
        other.run(permit).await.unwrap();
        assert_eq!(*answers.0.lock().unwrap(), ["mgmt: uptime", "mgmt: reboot"]);
    }

    #[test]
    fn an_intent_shows_who_where_and_what_but_no_secret() {
        let spec = HostSpec::new("mgmt", "10.20.0.10", "ubuntu", "/site/known_hosts");
        let host = Host::new(spec, Arc::new(Answers(Mutex::default())));
        let argv = [Arg::from("login"), "a b".into(), Secret::new("hunter2").into()];
        let intent = host.change(Command::new(argv).stdin("yes\n")).intent();
        assert_eq!((intent.handle.as_str(), intent.identity.as_str()), ("mgmt", "ubuntu@10.20.0.10:22"));
        assert_eq!(intent.target, "login 'a b' ***");
        assert_eq!(intent.body, json!({"deadline": "5m", "stdin": "yes\n"}));
        assert!(!serde_json::to_string(&intent).unwrap().contains("hunter2"));
    }
}
