//! One life of a run within this process, and its death: from then on nothing of it reaches the journal, the clock or the
//! outside. Whatever it asks of them unwinds the thread that asks, as if the process were gone.

use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use rhumb::base::{CancellationToken, Clock, Error, ErrorKind, Result, Secret, SimClock};
use rhumb::lab;
use rhumb::run::Cancel;
use rhumb::site::credentials::SecretSource;
use rhumb::site::{KubeDecl, Reach, ScopeDecl, Wiring};
use rhumb::systems::command::{Command, Output};
use rhumb::systems::http::Dialer;
use rhumb::systems::openstack::Policy;
use rhumb::systems::ssh::{HostKey, HostSpec, Transport};
use rhumb::systems::tool::{Runner, ToolSpec};

use super::plan::At;
use super::world::{Struck, World};

/// One life of a run. Everything that it has of the outside goes through here.
pub(super) struct Life {
    pub(super) world: Arc<World>,
    pub(super) cancel: Cancel,
    dead: AtomicBool,
    /// Threads of it in the lab's time, besides its first.
    threads: AtomicI64,
}

impl Life {
    pub(super) fn new(world: &Arc<World>) -> Arc<Life> {
        let (dead, threads) = (AtomicBool::new(false), AtomicI64::new(0));
        Arc::new(Life { world: world.clone(), cancel: Cancel::default(), dead, threads })
    }

    /// Kills it.
    pub(super) fn end(&self) {
        self.dead.store(true, Ordering::SeqCst);
        self.cancel.interrupt(); // wakes what it waits for
    }

    pub(super) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// Does not come back where it is dead.
    pub(super) fn lives(&self) {
        if self.is_dead() {
            resume_unwind(Box::new("the process was killed"));
        }
    }

    /// Takes what it left in the lab's time out of it.
    pub(super) fn bury(&self) {
        for _ in 0..self.threads.swap(0, Ordering::SeqCst) {
            self.clock().leave();
        }
    }

    fn clock(&self) -> &SimClock {
        &self.world.rehearsal.clock
    }

    async fn command(&self, line: String, run: BoxFuture<'_, Result<Output>>) -> Result<Output> {
        self.lives();
        let lost =
            || Error::new(ErrorKind::Timeout, format!("the connection broke in the middle of `{line}`"));
        let struck = self.world.strike(At::Command, &line);
        if struck == Some(Struck::Before) {
            self.end();
            self.lives();
        }
        let came = run.await;
        self.world.ran(line.clone());
        match struck {
            Some(Struck::After) => {
                self.end();
                self.lives();
                came
            }
            Some(Struck::Lost) => Err(lost()),
            _ => came,
        }
    }
}

/// A life as the run knows it.
#[derive(Clone)]
pub(super) struct Outside(pub(super) Arc<Life>);

impl Clock for Outside {
    fn now(&self) -> Timestamp {
        self.0.lives();
        self.0.clock().now()
    }

    fn elapsed(&self) -> Duration {
        self.0.lives();
        self.0.clock().elapsed()
    }

    fn sleep(&self, time: Duration, cancel: &CancellationToken) -> Result<()> {
        self.0.lives();
        let slept = self.0.clock().sleep(time, cancel);
        self.0.lives();
        slept
    }

    fn enter(&self) {
        self.0.threads.fetch_add(1, Ordering::SeqCst);
        self.0.clock().enter();
    }

    fn leave(&self) {
        self.0.threads.fetch_sub(1, Ordering::SeqCst);
        self.0.clock().leave();
    }
}

impl Dialer for Outside {
    fn dial(&self, host: &str, port: u16) -> Option<SocketAddr> {
        self.0.lives();
        let world = &self.0.world;
        world.rehearsal.lab.dialer().dial(host, port).map(|_| world.proxy().address)
    }
}

fn line(place: &str, command: &Command) -> String {
    let words: Vec<_> = command.argv().iter().map(|word| word.expose().to_string()).collect();
    format!("{place}: {}", words.join(" "))
}

impl Transport for Outside {
    fn exec<'a>(&'a self, host: &'a HostSpec, command: &'a Command) -> BoxFuture<'a, Result<Output>> {
        let there = self.0.world.rehearsal.site.ssh(&host.name);
        let run = async move { there?.query(command).await }.boxed();
        self.0.command(line(&host.name, command), run).boxed()
    }

    fn host_key<'a>(&'a self, host: &'a HostSpec) -> BoxFuture<'a, Result<HostKey>> {
        async move { panic!("no runbook here asks for the key of {}", host.name) }.boxed()
    }
}

impl Runner for Outside {
    fn exec<'a>(&'a self, tool: &'a ToolSpec, command: &'a Command) -> BoxFuture<'a, Result<Output>> {
        let there = self.0.world.rehearsal.site.program(&tool.name);
        let run = async move { there?.query(command).await }.boxed();
        self.0.command(line(&tool.name, command), run).boxed()
    }
}

impl Wiring for Outside {
    fn cloud(&self, scope: &ScopeDecl, policy: &Policy) -> Result<Reach> {
        let auth_url = self.0.world.rehearsal.lab.auth_url();
        Ok(lab::reach(&auth_url, Arc::new(self.clone()), scope, policy))
    }

    fn kubeconfig(&self, kube: &KubeDecl) -> Result<Option<Secret>> {
        Ok(self.0.world.rehearsal.lab.kubeconfig_of(kube))
    }

    fn transport(&self) -> Result<Arc<dyn Transport>> {
        Ok(Arc::new(self.clone()))
    }

    fn runner(&self) -> Arc<dyn Runner> {
        Arc::new(self.clone())
    }

    fn secret(&self, _: &SecretSource) -> Result<Secret> {
        Ok(Secret::unlisted("rehearsal"))
    }

    fn dialer(&self) -> Option<Arc<dyn Dialer>> {
        Some(Arc::new(self.clone()))
    }
}
