//! A site over other systems: what a rehearsal replaces, and what stays the site's.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rhumb::base::{Error, ErrorKind, Result, Secret};
use rhumb::site::credentials::SecretSource;
use rhumb::site::{Reach, ScopeDecl, Site, Wiring};
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
    [tools.juju]\nprogram = \"juju\"\nargs = [\"--model\", \"openstack\"]\nenv = { PIN = { prompt = \"PIN\" }, A = \"b\" }\n\
    [endpoints.keystone]\nurl = \"https://10.0.0.3:5000\"\ninsecure = true\n\
    [values]\nimage = \"ubuntu\"\n";

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
    fn dial(&self, _: &str, _: u16) -> Option<SocketAddr> {
        None
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
    assert_eq!(
        *played.0.lock().unwrap(),
        [
            "cloud of capi-mgmt",
            "cloud of plain",
            "ssh ubuntu@10.0.0.2:22 over bastion",
            "juju --model openstack status with PIN=played",
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
