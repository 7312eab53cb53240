//! A site whose clouds, hosts and programs are played: what a test says they answer is what a script gets,
//! through all the code that reaches real ones.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's support fails as a test does")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rhumb::base::{Error, ErrorKind, Result, Secret};
use rhumb::lab::Lab;
use rhumb::site::credentials::SecretSource;
use rhumb::site::{KubeDecl, Layers, Reach, ScopeDecl, Site, Wiring};
use rhumb::systems::command::{Command, Output};
use rhumb::systems::http::Dialer;
use rhumb::systems::openstack::{Authority, Policy};
use rhumb::systems::ssh::{HostKey, HostSpec, Transport};
use rhumb::systems::tool::{Runner, ToolSpec};

use crate::stage::{Outcome, Stage, Texts};

/// What a command line is answered with.
pub(crate) type Answers = dyn Fn(&str) -> (i32, String, String) + Send + Sync;

/// How the cloud of a scope is reached.
type Reaches = dyn Fn(&ScopeDecl, &Policy) -> Result<Reach> + Send + Sync;

/// The systems of a site, played.
#[derive(Clone)]
pub(crate) struct Played {
    cloud: Arc<Reaches>,
    commands: Arc<Answers>,
    kubeconfig: Option<String>,
    dialer: Option<Arc<dyn Dialer>>,
    /// Every command line that came, with where it was to run.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Default for Played {
    fn default() -> Self {
        let nothing = |what: &str| Error::new(ErrorKind::Unreachable, format!("nothing plays {what}"));
        Played {
            cloud: Arc::new(move |scope, _| Err(nothing(&scope.name))),
            commands: Arc::new(|line| panic!("nobody said what `{line}` answers")),
            kubeconfig: None,
            dialer: None,
            asked: Arc::default(),
        }
    }
}

impl Played {
    /// Scopes reach this cloud; what a scope declares is what its tokens are asked for.
    pub(crate) fn cloud(
        mut self,
        cloud: impl Fn(&ScopeDecl, &Policy) -> rhumb::systems::openstack::Cloud + Send + Sync + 'static,
    ) -> Self {
        self.cloud = Arc::new(move |scope, policy| {
            let own = Ok(Authority::Unscoped);
            Ok(Reach { cloud: Arc::new(cloud(scope, policy)), own })
        });
        self
    }

    /// Scopes reach the cloud of a lab, as a rehearsal's do.
    pub(crate) fn lab(mut self, lab: Arc<Lab>) -> Self {
        self.dialer = Some(lab.dialer());
        self.cloud = Arc::new(move |scope, policy| Ok(lab.reach(scope, policy)));
        self
    }

    /// Hosts and programs answer so: exit code and both outputs for a line `WHERE: WORDS...`.
    pub(crate) fn commands(
        mut self,
        answers: impl Fn(&str) -> (i32, String, String) + Send + Sync + 'static,
    ) -> Self {
        self.commands = Arc::new(answers);
        self
    }

    /// Clusters are reached by this kubeconfig.
    pub(crate) fn kubeconfig(mut self, text: impl Into<String>) -> Self {
        self.kubeconfig = Some(text.into());
        self
    }

    /// Probes and downloads go to whatever plays the address.
    pub(crate) fn dialer(mut self, dialer: Arc<dyn Dialer>) -> Self {
        self.dialer = Some(dialer);
        self
    }

    fn answer(&self, place: &str, command: &Command) -> Result<Output> {
        let line = format!("{place}: {}", command.shown());
        self.asked.lock().unwrap().push(line.clone());
        let (code, stdout, stderr) = (self.commands)(&line);
        if code == 255 {
            return Err(Error::new(ErrorKind::Unreachable, stderr));
        }
        Ok(Output { code, stdout, stderr, ..Output::default() })
    }
}

impl Wiring for Played {
    fn cloud(&self, scope: &ScopeDecl, policy: &Policy) -> Result<Reach> {
        (self.cloud)(scope, policy)
    }

    fn kubeconfig(&self, _: &KubeDecl) -> Result<Option<Secret>> {
        Ok(self.kubeconfig.clone().map(Secret::new))
    }

    fn transport(&self) -> Result<Arc<dyn Transport>> {
        Ok(Arc::new(self.clone()))
    }

    fn runner(&self) -> Arc<dyn Runner> {
        Arc::new(self.clone())
    }

    fn secret(&self, _: &SecretSource) -> Result<Secret> {
        Ok(Secret::new("played"))
    }

    fn dialer(&self) -> Option<Arc<dyn Dialer>> {
        self.dialer.clone()
    }
}

impl Transport for Played {
    fn exec<'a>(&'a self, host: &'a HostSpec, command: &'a Command) -> BoxFuture<'a, Result<Output>> {
        async move { self.answer(&host.name, command) }.boxed()
    }

    fn host_key<'a>(&'a self, _: &'a HostSpec) -> BoxFuture<'a, Result<HostKey>> {
        async { Err(Error::new(ErrorKind::Unreachable, "nobody shows a key")) }.boxed()
    }
}

impl Runner for Played {
    fn exec<'a>(&'a self, tool: &'a ToolSpec, command: &'a Command) -> BoxFuture<'a, Result<Output>> {
        async move { self.answer(&tool.name, command) }.boxed()
    }
}

/// Everything at these addresses is played at one on loopback.
pub(crate) struct Dials(pub(crate) Vec<(String, SocketAddr)>);

impl Dialer for Dials {
    fn dial(&self, host: &str, port: u16) -> Option<SocketAddr> {
        let wanted = format!("{host}:{port}");
        self.0.iter().find(|(place, _)| *place == wanted).map(|(_, address)| *address)
    }
}

/// The shipped runbooks and modules, as the binary holds them.
pub(crate) fn shipped() -> Texts {
    let layers = Layers::default();
    layers.list().unwrap().into_iter().fold(Texts::default(), |texts, listing| {
        let sources = layers.stack(&listing.name).unwrap();
        sources.iter().fold(texts, |texts, source| texts.with(&listing.name, "embedded", &source.text))
    })
}

/// The site of the procedures, with what a test adds to it.
pub(crate) fn site(more: &str, sets: &[&str]) -> Site {
    let text = format!(
        r#"
        name = "played"
        [scopes.admin]
        cloud = "admin"
        project = "admin"
        domain = "Default"
        [scopes.capi-mgmt]
        cloud = "admin"
        project = "capi-mgmt"
        domain = "capi"
        [hosts.capi-mgmt]
        address = "10.12.7.40"
        user = "ubuntu"
        [hosts.hypervisor]
        address = "10.12.4.1"
        user = "ubuntu"
        [kube.capi-mgmt]
        kubeconfig = "capi-mgmt.kubeconfig"
        [tools.juju]
        program = "juju"
        [endpoints.keystone]
        url = "https://10.12.4.50:5000/v3"
        expect = [200, 300]
        {more}
        "#
    );
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    Site::from_embedded(&text, "site.toml", &sets).unwrap()
}

/// Runs a script over the shipped modules, with these systems behind its handles.
pub(crate) fn run(script: &str, played: &Played) -> Outcome {
    run_at(script, site("", &[]), played)
}

/// The same at a site of the test's own.
pub(crate) fn run_at(script: &str, site: Site, played: &Played) -> Outcome {
    let mut stage = Stage::new("");
    stage.texts = shipped().with("main", "site", script);
    stage.site = site.rewired(Arc::new(played.clone()));
    stage.run()
}
