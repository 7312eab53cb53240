//! A site over other systems: what a rehearsal replaces, and what stays the site's.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rhumb::base::{Error, ErrorKind, Result, Secret};
use rhumb::site::credentials::SecretSource;
use rhumb::site::{KubeDecl, Machine, Reach, ScopeDecl, Site, Wiring};
use rhumb::systems::command::{Command, Output};
use rhumb::systems::http::Dialer;
use rhumb::systems::openstack::{Authority, Cloud, Credential, Domain, Policy, Project};
use rhumb::systems::ssh::{HostKey, HostSpec, Transport};
use rhumb::systems::tool::{Runner, ToolSpec};

use crate::directory::clock;

const SITE: &str = "name = \"x\"\n\
    [scopes.capi-mgmt]\ncloud = \"admin\"\nproject = \"capi-mgmt\"\ndomain = \"capi\"\nroles = [\"member\"]\n\
    password = { prompt = \"nobody is ever asked\" }\n\
    [scopes.plain]\ncloud = \"admin\"\n\
    [hosts.bastion]\naddress = \"10.0.0.1\"\nuser = \"ops\"\n\
    [hosts.mgmt]\naddress = \"10.0.0.2\"\nuser = \"ubuntu\"\njump = \"bastion\"\n\
    [kube.mgmt]\nhost = \"mgmt\"\nprint = [\"sudo\", \"k8s\", \"config\"]\n\
    [tools.juju]\nprogram = \"juju\"\nargs = [\"--model\", \"openstack\"]\nenv = { PIN = { prompt = \"PIN\" }, A = \"b\" }\n\
    [endpoints.keystone]\nurl = \"https://10.0.0.3:5000\"\ninsecure = true\n\
    [values]\nimage = \"ubuntu\"\n";

const KUBECONFIG: &str = "apiVersion: v1\nkind: Config\ncurrent-context: mgmt\n\
    contexts: [{name: mgmt, context: {cluster: mgmt, user: admin}}]\n\
    clusters: [{name: mgmt, cluster: {server: 'https://10.0.0.4:6443'}}]\n\
    users: [{name: admin, user: {token: played}}]\n";

/// Answers for every system, and remembers who asked.
#[derive(Default)]
struct Played(Mutex<Vec<String>>);

impl Played {
    fn note(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }
}

fn nothing() -> Error {
    Error::new(ErrorKind::Unsupported, "nothing is played")
}

impl Transport for Played {
    fn exec<'a>(&'a self, host: &'a HostSpec, _: &'a Command) -> BoxFuture<'a, Result<Output>> {
        let over = host.jump.as_ref().map_or("nobody", |jump| &jump.name);
        self.note(format!("ssh {} over {over}", host.identity()));
        async { Err(nothing()) }.boxed()
    }

    fn host_key<'a>(&'a self, _: &'a HostSpec) -> BoxFuture<'a, Result<HostKey>> {
        async { Err(nothing()) }.boxed()
    }
}

impl Runner for Played {
    fn exec<'a>(&'a self, tool: &'a ToolSpec, command: &'a Command) -> BoxFuture<'a, Result<Output>> {
        self.note(format!("{} with PIN={}", tool.shown(command), tool.env["PIN"].expose()));
        async { Err(nothing()) }.boxed()
    }
}

impl Dialer for Played {
    fn dial(&self, host: &str, port: u16) -> Option<SocketAddr> {
        self.note(format!("dial {host}:{port}"));
        "127.0.0.1:1".parse().ok()
    }
}

struct Stage(Arc<Played>);

impl Wiring for Stage {
    fn cloud(&self, scope: &ScopeDecl, policy: &Policy) -> Result<Reach> {
        self.0.note(format!("cloud of {}", scope.name));
        let token = Credential::Token { token: Secret::new("played") };
        let mut cloud = Cloud::new("lab", "http://127.0.0.1:1/v3", token);
        cloud.policy = policy.clone();
        Ok(Reach { cloud: Arc::new(cloud), own: Ok(Authority::System) })
    }

    fn kubeconfig(&self, kube: &KubeDecl) -> Result<Option<Secret>> {
        self.0.note(format!("kubeconfig of {}", kube.name));
        Ok(Some(Secret::new(KUBECONFIG)))
    }

    fn transport(&self) -> Result<Arc<dyn Transport>> {
        Ok(self.0.clone())
    }

    fn runner(&self) -> Arc<dyn Runner> {
        self.0.clone()
    }

    fn secret(&self, _: &SecretSource) -> Result<Secret> {
        Ok(Secret::new("played"))
    }

    fn dialer(&self) -> Option<Arc<dyn Dialer>> {
        Some(self.0.clone())
    }
}

#[test]
fn a_rehearsal_replaces_the_systems_and_nothing_else() {
    let played = Arc::new(Played::default());
    let site = Site::from_embedded(SITE, "site.toml", &[]).unwrap();
    let site = site.rewired(Arc::new(Stage(played.clone())));

    let session = site.session("capi-mgmt", clock()).unwrap();
    assert_eq!((session.handle(), &*session.cloud().name), ("capi-mgmt", "lab"));
    let name = Project::Name { name: "capi-mgmt".into(), domain: Some(Domain::Name("capi".into())) };
    assert_eq!(session.authority(), &Authority::Project(name));
    assert_eq!(site.session("plain", clock()).unwrap().authority(), &Authority::System);
    assert_eq!(site.scope("capi-mgmt").unwrap().roles, ["member"]);

    let command = Command::new(["status"]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let asked = [
        runtime.block_on(site.ssh("mgmt").unwrap().query(&command)),
        runtime.block_on(site.program("juju").unwrap().query(&command)),
    ];
    assert!(asked.iter().all(Result::is_err));
    let kube = runtime.block_on(site.cluster("mgmt", None)).unwrap();
    assert_eq!((kube.name(), kube.server()), ("mgmt", "https://10.0.0.4:6443"));
    assert_eq!(
        *played.0.lock().unwrap(),
        [
            "cloud of capi-mgmt",
            "cloud of plain",
            "ssh ubuntu@10.0.0.2:22 over bastion",
            "juju --model openstack status with PIN=played",
            "kubeconfig of mgmt",
            "dial 10.0.0.4:6443",
        ]
    );
    assert!(site.http().dialer.is_some());
    let keystone = site.http_to(site.endpoint("keystone").unwrap());
    assert!(keystone.dialer.is_some() && keystone.tls.insecure);
    assert_eq!(site.values().get("image").unwrap().unwrap().value.to_string(), "ubuntu");
}

#[test]
fn on_this_machine_nothing_is_redirected() {
    let site = Site::from_embedded(SITE, "site.toml", &[]).unwrap();
    assert!(site.http().dialer.is_none() && site.http().proxy.is_none());
    assert_eq!(site.ssh("mgmt").unwrap().spec().jump.as_ref().unwrap().address, "10.0.0.1");
    assert_eq!(
        site.ssh("mgnt").map(|_| ()).unwrap_err().detail().help.as_deref(),
        Some("did you mean `mgmt`?")
    );
}

/// A host that prints the kubeconfig above, and nothing else.
struct Printer;

impl Transport for Printer {
    fn exec<'a>(&'a self, _: &'a HostSpec, command: &'a Command) -> BoxFuture<'a, Result<Output>> {
        let (code, stdout) = match &*command.shown() {
            "sudo k8s config" => (0, KUBECONFIG.to_string()),
            _ => (127, String::new()),
        };
        let duration = std::time::Duration::ZERO;
        async move { Ok(Output { code, stdout, stderr: String::new(), duration, truncated: false }) }.boxed()
    }

    fn host_key<'a>(&'a self, _: &'a HostSpec) -> BoxFuture<'a, Result<HostKey>> {
        async { Err(nothing()) }.boxed()
    }
}

/// This machine, but for its hosts.
struct Printing(Machine);

impl Wiring for Printing {
    fn cloud(&self, scope: &ScopeDecl, policy: &Policy) -> Result<Reach> {
        self.0.cloud(scope, policy)
    }

    fn kubeconfig(&self, kube: &KubeDecl) -> Result<Option<Secret>> {
        self.0.kubeconfig(kube)
    }

    fn transport(&self) -> Result<Arc<dyn Transport>> {
        Ok(Arc::new(Printer))
    }

    fn runner(&self) -> Arc<dyn Runner> {
        self.0.runner()
    }

    fn secret(&self, source: &SecretSource) -> Result<Secret> {
        self.0.secret(source)
    }

    fn dialer(&self) -> Option<Arc<dyn Dialer>> {
        None
    }
}

#[test]
fn a_kubeconfig_comes_from_a_host_or_a_file_and_a_missing_one_is_told_at_its_place() {
    let site = format!(
        "{SITE}[kube.wrong]\nhost = \"mgmt\"\nprint = [\"k9s\"]\n[kube.file]\nkubeconfig = \"kc\"\n[kube.none]\nkubeconfig = \"no\"\n"
    );
    let dir = crate::directory::SiteDir::new(&[("site.toml", 0o644, &site), ("kc", 0o600, KUBECONFIG)]);
    let site = dir.load().rewired(Arc::new(Printing(Machine::default())));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server =
        |name: &str| runtime.block_on(site.cluster(name, None)).map(|kube| kube.server().to_string());
    assert_eq!(server("mgmt").unwrap(), "https://10.0.0.4:6443");
    assert_eq!(server("file").unwrap(), "https://10.0.0.4:6443");
    let told: Vec<String> =
        ["wrong", "none"].iter().map(|name| dir.told(&server(name).unwrap_err())).collect();
    crate::directory::golden("missing_kubeconfigs", &told.join("\n"));
}
