//! A site in the lab: its scopes become users and projects, its endpoints the services' addresses,
//! its values what a scenario's `${...}` stand for. Nothing of the site's credentials is read.

use std::sync::Arc;

use super::kubernetes::Declared;
use super::scenario::{Machine, Scenario, Values, Vault};
use super::tenancy::{Project, Target, Tenancy};
use super::{Lab, SERVICES};
use crate::base::Secret;
use crate::site::{CloudSource, KubeDecl, Narrow, Reach, SameAs, ScopeDecl, Setting, Site, Value};
use crate::systems::http::Dialer;
use crate::systems::kubernetes::Expected;
use crate::systems::openstack::{self, Authority, Cloud, Credential, Domain, Policy, User};

/// The domain of what a site leaves without one.
const DOMAIN: &str = "Default";
/// The password of every user in a rehearsal.
const PASSWORD: &str = "password-of-a-rehearsal";
/// The value that lists the units of Vault.
const VAULT_UNITS: &str = "vault_units";
/// The value that names the project of the amphorae.
const SERVICE_PROJECT: &str = "octavia_project";

/// Who asks in a scope: the user it declares, or one called as its credentials are.
fn user(scope: &ScopeDecl) -> String {
    let source = match &scope.cloud.source {
        CloudSource::CloudsYaml { entry, .. } => entry.clone(),
        CloudSource::Openrc(file) => {
            file.file_stem().map_or_else(String::new, |n| n.to_string_lossy().into_owned())
        }
    };
    let named = source.strip_suffix("-openrc").unwrap_or(&source).to_string();
    scope.user.clone().unwrap_or(named)
}

/// Where a scope's token counts.
fn target(scope: &ScopeDecl) -> Target {
    let project = |name: &str, domain: Option<&String>| {
        Target::Project(name.into(), domain.map_or(DOMAIN, String::as_str).into())
    };
    match &scope.narrow {
        Narrow::Project { name, domain } => project(name, domain.as_ref()),
        Narrow::ProjectId(id) => project(id, None),
        Narrow::AsCredentials => project(&scope.name, None),
        Narrow::Domain(name) => Target::Domain(name.clone()),
        Narrow::System => Target::System,
    }
}

impl Tenancy {
    /// The users, projects and roles that a site's scopes declare.
    pub fn of(site: &Site) -> Tenancy {
        let mut tenancy = Tenancy::default();
        if let Some(setting) = site.values().iter().find(|(name, _)| *name == SERVICE_PROJECT) {
            tenancy.service_project = Some(setting.1.value.to_string());
        }
        for scope in site.scopes() {
            let name = user(scope);
            if !tenancy.users.iter().any(|u| u.name == name) {
                tenancy.add_user(&name, DOMAIN, PASSWORD);
            }
            let target = target(scope);
            match &target {
                Target::Project(project, domain) => {
                    tenancy.domains.push(domain.clone());
                    let id = match &scope.narrow {
                        Narrow::ProjectId(id) => Some(id.clone()),
                        _ => stated(site, &SameAs::ProjectOf(scope.name.clone())),
                    };
                    tenancy.projects.push(Project { name: project.clone(), domain: domain.clone(), id });
                }
                Target::Domain(domain) => tenancy.domains.push(domain.clone()),
                Target::System => {}
            }
            let declared: Vec<&str> = scope.roles.iter().map(String::as_str).collect();
            let roles = if declared.is_empty() { vec!["member", "load-balancer_member"] } else { declared };
            tenancy.grant(&name, DOMAIN, target, &roles);
            for narrowed in &scope.projects {
                tenancy.domains.push(narrowed.domain.clone());
                let (project, domain) = (narrowed.name.clone(), narrowed.domain.clone());
                if !tenancy.projects.iter().any(|p| p.name == project && p.domain == domain) {
                    tenancy.projects.push(Project {
                        name: project.clone(),
                        domain: domain.clone(),
                        id: None,
                    });
                }
                let roles: Vec<&str> = narrowed.roles.iter().map(String::as_str).collect();
                tenancy.grant(&name, DOMAIN, Target::Project(project, domain), &roles);
            }
        }
        tenancy
    }
}

impl Scenario {
    /// The values of a site as texts, for `${...}`, and the addresses of its hosts as `${host.NAME}`.
    pub fn values_of(site: &Site) -> Values {
        let values =
            site.values().iter().map(|(name, setting)| (name.to_string(), setting.value.to_string()));
        let hosts = site.hosts().map(|host| (format!("host.{}", host.name), host.spec.address.clone()));
        values.chain(hosts).collect()
    }

    /// Puts services, machines and units of Vault where a site says. A host of the site that the scenario does not
    /// know is a machine outside of the cloud. An endpoint's name is a service's name or type, or
    /// that of something that the lab only lets answer.
    pub fn adopt(&mut self, site: &Site) {
        for endpoint in site.endpoints() {
            let api = SERVICES.apis().find(|api| api.name == endpoint.name);
            let kind = api.map_or(endpoint.name.as_str(), |api| api.kind);
            self.endpoints.0.insert(kind.into(), authority(&endpoint.url));
        }
        for host in site.hosts() {
            let spec = &host.spec;
            let place = |m: &mut Machine| (m.address, m.port) = (spec.address.clone(), spec.port);
            match self.machines.iter_mut().find(|m| m.host == host.name) {
                Some(machine) => place(machine),
                None => {
                    let mut machine = Machine::outside(&host.name);
                    place(&mut machine);
                    self.machines.push(machine);
                }
            }
        }
        for (name, setting) in site.values().iter() {
            let named = self.networks.iter_mut().find(|n| n.name == setting.value.to_string());
            let id = stated(site, &SameAs::Field { value: name.into(), field: "id".into() });
            if let (Some(network), Some(id)) = (named, id) {
                network.id = Some(id);
            }
        }
        let units = self.adopt_vaults(site);
        self.vaults.truncate(units);
    }

    /// Gives each unit of Vault the address that the site has for it; returns how many units there are.
    fn adopt_vaults(&mut self, site: &Site) -> usize {
        let setting = site.values().iter().find(|(name, _)| *name == VAULT_UNITS);
        let Some((_, Setting { value: Value::List(units), .. })) = setting else { return self.vaults.len() };
        for (n, unit) in units.iter().enumerate() {
            if self.vaults.len() == n {
                self.vaults.push(Vault::default());
            }
            self.vaults[n].address = authority(&unit.to_string());
        }
        units.len()
    }
}

/// The value that is the same as something, such as the id that a project had when the site was captured: a
/// rehearsal's project has it too.
fn stated(site: &Site, what: &SameAs) -> Option<String> {
    let decl = site.values().schema().iter().find(|decl| decl.same_as.as_ref() == Some(what))?;
    site.values().get(&decl.name).ok().flatten().map(|setting| setting.value.to_string())
}

/// `host:port` of a URL.
pub(super) fn authority(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let address = rest.split('/').next().unwrap_or_default();
    let default = if url.starts_with("https") { 443 } else { 80 };
    if address.contains(':') { address.to_string() } else { format!("{address}:{default}") }
}

impl Lab {
    /// The kubeconfig of a cluster that a site declares. What the site says of the management cluster becomes
    /// true of it: its address, who asks there, and its uid.
    pub fn kubeconfig_of(&self, kube: &KubeDecl) -> Option<Secret> {
        self.with(|world| {
            let workload = world.magnum.clusters.iter().any(|c| c.name == kube.name);
            if !workload {
                let Expected { server, user, cluster_uid } = kube.expected.clone();
                world.kubernetes.declared = Declared { server, user, uid: cluster_uid };
            }
        });
        self.kubeconfig(&kube.name)
    }

    /// The lab's cloud as a scope of a site reaches it.
    pub fn reach(&self, scope: &ScopeDecl, policy: &Policy) -> Reach {
        reach(&self.auth_url(), self.dialer(), scope, policy)
    }
}

/// A lab's cloud as a scope of a site reaches it, from wherever Keystone's address and the way to it are known.
pub fn reach(auth_url: &str, dialer: Arc<dyn Dialer>, scope: &ScopeDecl, policy: &Policy) -> Reach {
    let user = User::Name { name: user(scope), domain: Domain::Name(DOMAIN.into()) };
    let credential = Credential::Password { user, password: Secret::new(PASSWORD) };
    let mut cloud = Cloud::new("lab", auth_url, credential);
    cloud.policy = policy.clone();
    cloud.http.dialer = Some(dialer);
    let own = match target(scope) {
        Target::Project(name, domain) => {
            Authority::Project(openstack::Project::Name { name, domain: Some(Domain::Name(domain)) })
        }
        Target::Domain(name) => Authority::Domain(Domain::Name(name)),
        Target::System => Authority::System,
    };
    Reach { cloud: Arc::new(cloud), own: Ok(own) }
}
