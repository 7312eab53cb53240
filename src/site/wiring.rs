//! How handles reach their systems: this machine's way, or a rehearsal's.
//!
//! A rehearsal replaces clouds, hosts, clusters and programs, and nothing else: names, projects, declared
//! roles and values stay the site's, and the same code runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::access::{self, Reach};
use super::credentials::{Ask, SecretSource, Terminal};
use super::declare::{CloudDecl, EndpointDecl, KubeDecl, KubeSource, ScopeDecl, Variable};
use super::document::Spot;
use super::file::Site;
use crate::base::{Clock, Error, Result, Secret};
use crate::systems::command::{Arg, Command};
use crate::systems::http::{Dialer, HttpSettings, Tls, Witness};
use crate::systems::kubernetes::{Kube, KubeSpec, KubeconfigSource};
use crate::systems::openstack::{Policy, Session};
use crate::systems::ssh::{Host, OpenSsh, Transport};
use crate::systems::tool::{Processes, Runner, Tool, ToolSpec};

/// How handles reach their systems.
pub trait Wiring: Send + Sync {
    /// The cloud of a scope, with who asks there.
    ///
    /// # Errors
    /// What keeps the credentials from being read.
    fn cloud(&self, scope: &ScopeDecl, policy: &Policy) -> Result<Reach>;

    /// The kubeconfig of a cluster, where it is another than the site file says.
    ///
    /// # Errors
    /// What keeps it from being made.
    fn kubeconfig(&self, kube: &KubeDecl) -> Result<Option<Secret>>;

    /// What hosts are reached by.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::base::ErrorKind::Io) where it cannot begin.
    fn transport(&self) -> Result<Arc<dyn Transport>>;

    /// What programs are run by.
    fn runner(&self) -> Arc<dyn Runner>;

    /// A secret that the site names the source of.
    ///
    /// # Errors
    /// What keeps it from being had.
    fn secret(&self, source: &SecretSource) -> Result<Secret>;

    /// Where HTTP requests and probes go instead of where their URLs say; nothing means there.
    fn dialer(&self) -> Option<Arc<dyn Dialer>>;
}

/// This machine's way: the files that the site names, and its operator.
pub struct Machine {
    ask: Arc<dyn Ask>,
    /// What was read, so that scopes of one cloud share connections, and a secret is asked for once.
    clouds: Mutex<Vec<(CloudDecl, Reach)>>,
    /// The connections to hosts, once there are any.
    ssh: Mutex<Option<Arc<OpenSsh>>>,
}

impl Default for Machine {
    fn default() -> Self {
        Machine::asking(Arc::new(Terminal))
    }
}

impl Machine {
    /// A machine whose operator is asked for secrets in a given way.
    pub fn asking(ask: Arc<dyn Ask>) -> Self {
        Machine { ask, clouds: Mutex::default(), ssh: Mutex::default() }
    }
}

impl Wiring for Machine {
    fn cloud(&self, scope: &ScopeDecl, policy: &Policy) -> Result<Reach> {
        // held while a secret is asked for: two threads must not both ask
        let mut clouds = lock(&self.clouds);
        if let Some((_, reach)) = clouds.iter().find(|(decl, _)| *decl == scope.cloud) {
            return Ok(reach.clone());
        }
        let reach = access::reach(&scope.cloud, policy, self.ask.as_ref())?;
        clouds.push((scope.cloud.clone(), reach.clone()));
        Ok(reach)
    }

    fn kubeconfig(&self, _: &KubeDecl) -> Result<Option<Secret>> {
        Ok(None)
    }

    fn transport(&self) -> Result<Arc<dyn Transport>> {
        let mut ssh = lock(&self.ssh);
        Ok(match &*ssh {
            Some(ssh) => ssh.clone(),
            None => ssh.insert(Arc::new(OpenSsh::new()?)).clone(),
        })
    }

    fn runner(&self) -> Arc<dyn Runner> {
        Arc::new(Processes)
    }

    fn secret(&self, source: &SecretSource) -> Result<Secret> {
        source.resolve(self.ask.as_ref())
    }

    fn dialer(&self) -> Option<Arc<dyn Dialer>> {
        None
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An error that has no place yet, at a declaration.
fn at(error: Error, spot: &Spot) -> Error {
    error.place(spot.file(), spot.line, spot.column)
}

/// Whether a host is the one that a cluster's API is declared to be on; so it is where nothing is declared.
fn is_server(host: &Host, server: Option<&str>) -> bool {
    let url = server.and_then(|server| reqwest::Url::parse(server).ok());
    let declared = url.as_ref().and_then(reqwest::Url::host_str);
    declared.is_none_or(|declared| declared.trim_matches(['[', ']']) == host.spec().address)
}

/// What a command on a host prints, which is a secret.
async fn printed(host: &Host, argv: &[String]) -> Result<Secret> {
    let command = Command::new(argv.iter().map(String::as_str));
    let output = host.query(&command).await?.success(&command, &host.spec().name)?;
    Ok(Secret::new(output.stdout))
}

impl Site {
    /// The same site over other systems.
    #[must_use]
    pub fn rewired(&self, wiring: Arc<dyn Wiring>) -> Site {
        let mut site = self.clone();
        site.wiring = wiring;
        site
    }

    /// A Kubernetes cluster. A kubeconfig that a host prints is fetched; to the cluster nothing is sent yet.
    /// The witness is told of every request. Must be called within a runtime.
    ///
    /// # Errors
    /// [`ErrorKind::Site`](crate::base::ErrorKind::Site) for an unknown name, with the likely one; what keeps the
    /// host from answering; and those of [`Kube::new`].
    pub async fn cluster(&self, name: &str, witness: Option<Arc<dyn Witness>>) -> Result<Kube> {
        self.cluster_at(name, None, witness).await
    }

    /// The same at another address than its kubeconfig says. The host that prints the kubeconfig is asked there too, unless
    /// the site has the two at different addresses.
    ///
    /// # Errors
    /// Those of [`Site::cluster`] and [`Kube::new_at`].
    pub async fn cluster_at(
        &self,
        name: &str,
        address: Option<&str>,
        witness: Option<Arc<dyn Witness>>,
    ) -> Result<Kube> {
        let decl = self.kube(name)?;
        let source = match (self.wiring.kubeconfig(decl)?, &decl.source) {
            (Some(text), _) => KubeconfigSource::Fetched(text),
            (None, KubeSource::File { path, allow_exec }) => {
                KubeconfigSource::File { path: path.clone(), allow_exec: *allow_exec }
            }
            (None, KubeSource::Printed { host, argv }) => {
                let host = self.ssh(host).map_err(|e| at(e, &decl.spot))?;
                let moved = address.filter(|_| is_server(&host, decl.expected.server.as_deref()));
                let host = moved.map_or_else(|| host.clone(), |address| host.at(address));
                KubeconfigSource::Fetched(printed(&host, argv).await.map_err(|e| at(e, &decl.spot))?)
            }
        };
        let (context, expected) = (decl.context.clone(), decl.expected.clone());
        let spec = KubeSpec { name: decl.name.clone(), source, context, expected };
        let dialer = self.wiring.dialer();
        let kube = match address {
            Some(address) => Kube::new_at(&spec, address, dialer.as_deref(), witness),
            None => Kube::new(&spec, dialer.as_deref(), witness),
        };
        kube.map_err(|e| at(e, &decl.spot))
    }

    /// A Kubernetes cluster whose kubeconfig a run came by, at its own address or another. To the cluster nothing is sent yet. Must be called
    /// within a runtime.
    ///
    /// # Errors
    /// Those of [`Kube::new_at`].
    pub fn cluster_of(
        &self,
        spec: &KubeSpec,
        address: Option<&str>,
        witness: Option<Arc<dyn Witness>>,
    ) -> Result<Kube> {
        let dialer = self.wiring.dialer();
        match address {
            Some(address) => Kube::new_at(spec, address, dialer.as_deref(), witness),
            None => Kube::new(spec, dialer.as_deref(), witness),
        }
    }

    /// A host, over SSH.
    ///
    /// # Errors
    /// [`ErrorKind::Site`](crate::base::ErrorKind::Site) for an unknown name, with the likely one.
    pub fn ssh(&self, name: &str) -> Result<Host> {
        let spec = self.host(name)?.spec.clone();
        Ok(Host::new(spec, self.wiring.transport()?))
    }

    /// A local program.
    ///
    /// # Errors
    /// [`ErrorKind::Site`](crate::base::ErrorKind::Site) for an unknown name, with the likely one, and for a
    /// secret of its environment that cannot be had.
    pub fn program(&self, name: &str) -> Result<Tool> {
        let decl = self.tool(name)?;
        let mut spec = ToolSpec::new(&decl.name, &decl.program, &decl.directory);
        spec.args_prefix = decl.args.iter().map(|arg| Arg::from(arg.as_str())).collect();
        for (variable, value) in &decl.env {
            let value = match value {
                Variable::Text(text) => Arg::from(text.as_str()),
                Variable::Secret(source) => Arg::Secret(self.wiring.secret(source)?),
            };
            spec.env.insert(variable.clone(), value);
        }
        Ok(Tool::new(spec, self.wiring.runner()))
    }

    /// What runs programs of this site.
    pub fn runner(&self) -> Arc<dyn Runner> {
        self.wiring.runner()
    }

    /// How the site's HTTP requests go: what a probe or a download starts from.
    pub fn http(&self) -> HttpSettings {
        HttpSettings { dialer: self.wiring.dialer(), ..HttpSettings::default() }
    }

    /// How requests to one of its endpoints go.
    pub fn http_to(&self, endpoint: &EndpointDecl) -> HttpSettings {
        let tls = Tls { ca_file: endpoint.ca_file.clone(), insecure: endpoint.insecure, ..Tls::default() };
        HttpSettings { tls, ..self.http() }
    }

    /// A session in an authorisation scope. Nothing is sent before it is used.
    ///
    /// # Errors
    /// [`ErrorKind::Site`](crate::base::ErrorKind::Site) for an unknown name, with the likely one, and for
    /// credentials that cannot be read or could mean two projects.
    pub fn session(&self, scope: &str, clock: Arc<dyn Clock>) -> Result<Session> {
        let scope = self.scope(scope)?;
        let named = |e: Error| at(e.scope(&scope.name), &scope.spot);
        let reach = self.wiring.cloud(scope, &self.policy).map_err(named)?;
        let authority = access::authority(scope, reach.own).map_err(named)?;
        Session::new(&scope.name, reach.cloud, authority, access::declared(scope), clock).map_err(named)
    }
}
