//! Makes the world of a scenario. It gets a past: what exists at the start was asked for long before,
//! through the same doors as everything later, and is what it is because time went by since.

use std::time::Duration;

use jiff::Timestamp;

use super::api::Refusal;
use super::downloads::File;
use super::glance::{Image, State};
use super::ids::Id;
use super::keystone::Keystone;
use super::kubernetes;
use super::machines::Machine;
use super::magnum::{Cluster, Health, NewCluster, NewTemplate, Template};
use super::neutron::{
    Cidr, FloatingIp, Network, NewFloatingIp, NewNetwork, NewPort, NewSubnet, Port, Router, Subnet,
};
use super::nova::{Flavor, Keypair, NO_VALID_HOST, Nic, Order, Resources, Server, made_up_key};
use super::octavia::{AMPHORA_FLAVOR, AMPHORA_IMAGE, AMPHORA_NETWORK, LoadBalancer, NewLoadBalancer};
use super::programs::Juju;
use super::scenario::{self, Obstacle, Scenario};
use super::tenancy::Tenancy;
use super::timeline::Timeline;
use super::vault::Vault;
use super::world::World;
use crate::base::{Error, ErrorKind, Result};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long before the start the cloud was built.
const AGE: Duration = Duration::from_secs(30 * 24 * 3600);
/// Between one thing and the next.
const MOMENT: Duration = Duration::from_secs(1);

fn wrong(what: &str, name: &str) -> Error {
    Error::new(ErrorKind::Site, format!("the scenario names a {what} `{name}` and makes none"))
}

fn refused(what: &str, refusal: &Refusal) -> Error {
    Error::new(ErrorKind::Site, format!("the scenario's {what} cannot be made"))
        .cause(super::api::shape::sentence(refusal))
}

/// The name of the n-th of several.
fn numbered(name: &str, n: u32, count: u32) -> String {
    if count == 1 { name.to_string() } else { format!("{name}-{n}") }
}

impl World {
    /// The world of a scenario, as it is at the start.
    ///
    /// # Errors
    /// * [`ErrorKind::Argument`]: the tenancy or the scenario names a user or a project that is not there.
    /// * [`ErrorKind::Site`]: the scenario names something else that it does not make.
    pub fn make(scenario: &Scenario, tenancy: &Tenancy, start: Timestamp, origin: String) -> Result<Self> {
        let birth = start.checked_sub(AGE).unwrap_or(start);
        let mut world = World::new(birth, scenario.seed);
        world.timings = scenario.timings.clone();
        world.quirks = scenario.quirks.clone();
        // what is there already was made while the driver and Cluster API agreed
        world.quirks.driver_reads = scenario.quirks.capi.first().cloned().unwrap_or_default();
        world.endpoints = scenario.endpoints.clone();
        world.origin = origin;
        world.keystone = Keystone::new(tenancy, &mut world.ids)?;
        world.found(scenario)?;
        world.pass(DAY);
        world.populate(scenario)?;
        world.settle(start.checked_sub(DAY).unwrap_or(start));
        world.afflict(scenario)?;
        world.settle(start);
        world.quirks.driver_reads = scenario.quirks.driver_reads.clone();
        world.surround(scenario);
        Ok(world)
    }

    /// What stands around the cloud.
    fn surround(&mut self, scenario: &Scenario) {
        let now = self.now();
        self.machines = scenario.machines.iter().map(|m| Machine::of(m, now)).collect();
        self.juju = Juju::of(&scenario.juju, &scenario.applications, now);
        self.vaults = scenario.vaults.iter().map(|v| Vault::of(v, now)).collect();
        self.downloads = scenario.downloads.iter().map(|d| File::of(d, now)).collect();
    }

    fn pass(&mut self, time: Duration) {
        self.settle(self.now().checked_add(time).unwrap_or(Timestamp::MAX));
    }

    /// What a cloud has before it has tenants.
    fn found(&mut self, scenario: &Scenario) -> Result<()> {
        for host in &scenario.hosts {
            self.nova.add_hosts(host, &mut self.ids);
        }
        let own = scenario::Flavor { name: AMPHORA_FLAVOR.into(), vcpus: 1, memory_mb: 1024, disk_gb: 8 };
        for flavor in scenario.flavors.iter().chain([&own]) {
            let resources =
                Resources { vcpus: flavor.vcpus, memory_mb: flavor.memory_mb, disk_gb: flavor.disk_gb };
            let id = self.ids.uuid("flavor");
            self.nova.flavors.insert(Flavor { id, name: flavor.name.as_str().into(), resources });
        }
        let service = self.octavia_project();
        let amphorae = scenario::Network::inner(AMPHORA_NETWORK, "172.16.0.0/16");
        self.add_network(&amphorae, &service)?;
        self.add_image(AMPHORA_IMAGE, service, |image| image.tag("octavia-amphora"));
        for network in &scenario.networks {
            let project = self.owner(network.project.as_deref())?;
            self.add_network(network, &project)?;
        }
        for image in &scenario.images {
            let owner = self.owner(image.project.as_deref())?;
            self.add_image(&image.name, owner, |made| made.become_like(image));
        }
        for pair in &scenario.keypairs {
            let mut users = Vec::new();
            if let Some(user) = &pair.user {
                users.push(self.keystone.any_user(user)?);
            }
            if let Some(project) = &pair.project {
                users.extend(self.keystone.members(&self.keystone.any_project(project)?));
            }
            for user in users {
                let (key, number) = (made_up_key(&mut self.ids), self.nova.keypairs.len() + 1);
                self.nova.keypairs.extend(Keypair::new(&pair.name, user, &key, self.now(), number));
            }
        }
        for router in &scenario.routers {
            self.add_router(router)?;
        }
        Ok(())
    }

    fn owner(&self, project: Option<&str>) -> Result<Id> {
        self.keystone.any_project(project.unwrap_or("admin"))
    }

    fn network(&self, name: &str) -> Result<Id> {
        self.neutron.network_named(name).map(|n| n.id.clone()).ok_or_else(|| wrong("network", name))
    }

    fn add_network(&mut self, told: &scenario::Network, project: &Id) -> Result<()> {
        let new = NewNetwork {
            id: told.id.as_deref().map(Id::from),
            name: told.name.clone(),
            project: project.clone(),
            external: told.external,
            shared: told.external,
            ..NewNetwork::default()
        };
        let network = Network::create(self, new);
        let subnet = NewSubnet {
            name: format!("{}-subnet", told.name),
            network,
            project: project.clone(),
            cidr: Cidr::parse(&told.cidr)
                .ok_or_else(|| wrong("network with an address range", &told.cidr))?,
            pool: told.pool.map(|[first, last]| (first, last)),
            dns: Vec::new(),
            dhcp: !told.external,
        };
        Subnet::create(self, subnet).map(|_| ()).map_err(|r| refused("network", &r))
    }

    fn add_image(&mut self, name: &str, owner: Id, shape: impl FnOnce(&mut Image)) {
        let mut image = Image::new(self.ids.uuid("image"), owner, self.now());
        image.name = Some(name.into());
        image.fill(&mut self.ids);
        image.line = Timeline::new(self.now(), State::Active);
        shape(&mut image);
        self.glance.images.insert(image);
    }

    fn add_router(&mut self, router: &scenario::Router) -> Result<()> {
        let project = self.keystone.any_project(&router.project)?;
        let id = Router::create(self, &router.name, &project);
        if let Some(external) = &router.external {
            let network = self.network(external)?;
            Router::set_gateway(self, &id, Some(&network)).map_err(|r| refused("router", &r))?;
        }
        for name in &router.networks {
            let network = self.network(name)?;
            let subnet = self
                .neutron
                .subnet_of(&network)
                .map(|s| s.id.clone())
                .ok_or_else(|| wrong("subnet", name))?;
            Router::join(self, &id, &subnet).map_err(|r| refused("router", &r))?;
        }
        Ok(())
    }

    /// What tenants made in it.
    fn populate(&mut self, scenario: &Scenario) -> Result<()> {
        for template in &scenario.templates {
            self.add_template(template)?;
        }
        for cluster in &scenario.clusters {
            self.add_cluster(cluster)?;
        }
        if !scenario.clusters.is_empty() {
            self.pass(*self.timings.cluster_create * 2);
        }
        for server in &scenario.servers {
            for n in 0..server.count {
                let id = self.add_server(server, numbered(&server.name, n, server.count))?;
                self.pass(MOMENT);
                self.add_floating_ip(&id, server.floating_ip.as_deref())?;
            }
        }
        for lb in &scenario.load_balancers {
            let project = self.keystone.any_project(&lb.project)?;
            let network = self.network(&lb.network)?;
            let subnet = self
                .neutron
                .subnet_of(&network)
                .map(|s| s.id.clone())
                .ok_or_else(|| wrong("subnet", &lb.network))?;
            for n in 0..lb.count {
                let new = NewLoadBalancer {
                    name: numbered(&lb.name, n, lb.count),
                    description: String::new(),
                    project: project.clone(),
                    subnet: subnet.clone(),
                    address: None,
                    enabled: !lb.switched_off,
                    tags: Vec::new(),
                };
                let id = LoadBalancer::create(self, new).map_err(|r| refused("load balancer", &r))?;
                if let Some(made) = self.octavia.load_balancers.get_mut(&id) {
                    made.unheard = lb.unheard;
                }
                self.pass(MOMENT);
            }
        }
        Ok(())
    }

    fn add_template(&mut self, told: &scenario::Template) -> Result<()> {
        let project = self.keystone.any_project(&told.project)?;
        let image =
            self.glance.image_named(&told.image).ok_or_else(|| wrong("image", &told.image))?.id.clone();
        let spec = NewTemplate {
            name: told.name.clone(),
            user: self.keystone.members(&project).into_iter().next().unwrap_or_default(),
            project,
            image,
            external_network: told.external_network.clone(),
            master_flavor: told.master_flavor.clone(),
            flavor: told.flavor.clone(),
            network_driver: "calico".into(),
            dns_nameserver: Some("8.8.8.8".into()),
            storage_driver: Some("overlay2".into()),
            labels: told.labels.iter().map(|(k, v)| (k.clone(), v.as_str().into())).collect(),
            master_lb: true,
            floating_ip: true,
            ..NewTemplate::default()
        };
        Template::create(self, spec);
        Ok(())
    }

    fn add_cluster(&mut self, told: &scenario::Cluster) -> Result<()> {
        let project = self.keystone.any_project(&told.project)?;
        let user = match &told.user {
            Some(name) => self.keystone.any_user(name)?,
            None => self.keystone.members(&project).into_iter().next().unwrap_or_default(),
        };
        let template =
            self.magnum.templates.iter().find(|t| t.spec.name == told.template).map(|t| t.id.clone());
        let template = template.ok_or_else(|| wrong("template", &told.template))?;
        let new = NewCluster {
            name: told.name.clone(),
            template,
            keypair: told.keypair.clone(),
            masters: told.masters,
            nodes: told.nodes,
            master_flavor: None,
            flavor: None,
            labels: None,
            roles: self.keystone.grant(&user, &project).roles,
            project,
            user,
        };
        let id = Cluster::create(self, new).map_err(|r| refused("cluster", &r))?;
        if let Some(cluster) = self.magnum.clusters.get_mut(&id) {
            cluster.last_health = told.mute.then_some(Health::Mute);
        }
        Ok(())
    }

    fn add_server(&mut self, server: &scenario::Server, name: String) -> Result<Id> {
        let project = self.keystone.any_project(&server.project)?;
        let user = self.keystone.members(&project).into_iter().next().unwrap_or_default();
        let flavor =
            self.nova.flavor_named(&server.flavor).cloned().ok_or_else(|| wrong("flavor", &server.flavor))?;
        let image =
            self.glance.image_named(&server.image).ok_or_else(|| wrong("image", &server.image))?.id.clone();
        let network = self.network(&server.network)?;
        let order = Order {
            name,
            project,
            user,
            flavor,
            image: Some(image),
            key: None,
            nics: vec![Nic::Network(network)],
            metadata: Vec::new(),
            user_data: None,
            request: format!("req-{}", self.ids.uuid("past-request")).into(),
        };
        Ok(Server::build(self, order))
    }

    fn add_floating_ip(&mut self, server: &str, wanted: Option<&str>) -> Result<()> {
        let Some(wanted) = wanted else { return Ok(()) };
        let Some(found) = self.nova.servers.get(server) else { return Ok(()) };
        let (project, port) = (found.project.clone(), found.plugs.first().map(|p| p.port.clone()));
        let external = self.neutron.networks.iter().find(|n| n.external).map(|n| n.id.clone());
        let network = external.ok_or_else(|| wrong("external network for floating IP", wanted))?;
        // a name, or an address of another network: the site reaches the machine there, and Neutron gives it any
        let subnet = self.neutron.subnet_of(&network);
        let own = |address: &std::net::Ipv4Addr| subnet.is_some_and(|s| s.cidr.contains(*address));
        let address = wanted.parse().ok().filter(own);
        let new = NewFloatingIp { project, network, address, port, ..NewFloatingIp::default() };
        FloatingIp::create(self, new).map(|_| ()).map_err(|r| refused("floating IP", &r))
    }

    /// What went wrong on the day before.
    fn afflict(&mut self, scenario: &Scenario) -> Result<()> {
        for zombie in &scenario.zombies {
            for _ in 0..zombie.count {
                self.add_zombie(&zombie.status)?;
            }
        }
        self.pass(Duration::from_secs(600));
        for server in &scenario.servers {
            for n in 0..server.count {
                let name = numbered(&server.name, n, server.count);
                let id = self.nova.server_named(&name).map(|s| s.id.clone()).unwrap_or_default();
                match server.status.as_str() {
                    "ACTIVE" => {}
                    "SHUTOFF" => Server::kill(self, &id),
                    "ERROR" => Server::fail(self, &id, 500, NO_VALID_HOST),
                    other => return Err(wrong("server status", other)),
                }
            }
        }
        for lb in scenario.load_balancers.iter().filter(|lb| lb.status == "ERROR") {
            for n in 0..lb.count {
                self.break_load_balancer(&numbered(&lb.name, n, lb.count));
            }
        }
        for told in &scenario.clusters {
            self.use_cluster(told)?;
        }
        for told in &scenario.clusters {
            self.afflict_cluster(told);
        }
        self.nova.set_services(&scenario.hosts);
        Ok(())
    }

    /// An amphora server that Octavia does not know.
    fn add_zombie(&mut self, status: &str) -> Result<()> {
        let flavor =
            self.nova.flavor_named(AMPHORA_FLAVOR).cloned().ok_or_else(|| wrong("flavor", AMPHORA_FLAVOR))?;
        let (project, user) = (self.octavia_project(), self.octavia_user());
        let network = self.network(AMPHORA_NETWORK)?;
        let order = Order {
            name: format!("amphora-{}", self.ids.uuid("zombie")),
            project,
            user,
            flavor,
            image: self.glance.image_named(AMPHORA_IMAGE).map(|i| i.id.clone()),
            key: None,
            nics: vec![Nic::Network(network)],
            metadata: Vec::new(),
            user_data: None,
            request: format!("req-{}", self.ids.uuid("past-request")).into(),
        };
        match status {
            "ACTIVE" => {}
            "ERROR" => self.nova.refusals += 1,
            other => return Err(wrong("zombie status", other)),
        }
        Server::build(self, order);
        self.pass(MOMENT);
        Ok(())
    }

    /// What a cluster's tenants had its own controllers make.
    fn use_cluster(&mut self, told: &scenario::Cluster) -> Result<()> {
        let Some(cluster) = self.magnum.clusters.iter().find(|c| c.name == told.name) else { return Ok(()) };
        let (id, external) = (cluster.id.clone(), self.neutron.networks.iter().find(|n| n.external));
        let external = external.map(|n| n.id.clone()).unwrap_or_default();
        for service in &told.services {
            kubernetes::leave_service(self, &id, service, external.clone())
                .map_err(|r| refused("Service", &r))?;
            self.pass(DAY / 24);
        }
        for claim in &told.claims {
            kubernetes::leave_volume(
                self,
                &id,
                claim,
                told.snapshots.contains(claim),
                told.kept.contains(claim),
            );
        }
        Ok(())
    }

    fn afflict_cluster(&mut self, told: &scenario::Cluster) {
        let now = self.now();
        let Some(cluster) = self.magnum.clusters.iter_mut().find(|c| c.name == told.name) else { return };
        let infra = &mut cluster.infrastructure;
        if told.api_lb_status == "ERROR"
            && let Some(lb) = infra.lb.as_ref().and_then(|lb| self.octavia.load_balancers.get_mut(lb))
        {
            lb.fail(now);
            infra.broke = true;
        }
        if let (Some(roles), Some(credential)) = (&told.credential_roles, &infra.credential) {
            self.keystone.freeze(credential, roles);
        }
        let id = cluster.id.clone();
        let (network, project) = (cluster.infrastructure.network.clone(), cluster.project.clone());
        if told.deleting {
            Cluster::delete(self, &id);
        }
        let Some(obstacle) = told.obstacle else { return };
        if obstacle == Obstacle::PortLeft
            && let Some(network) = network
        {
            let port = NewPort {
                name: "left-behind".into(),
                network,
                project,
                admin_up: true,
                ..NewPort::default()
            };
            drop(Port::create(self, port));
        }
        let Some(cluster) = self.magnum.clusters.get_mut(&id) else { return };
        let infra = &mut cluster.infrastructure;
        infra.obstacle = Some(obstacle);
        if obstacle == Obstacle::CredentialGone
            && let Some(credential) = &infra.credential
        {
            self.keystone.drop_credential(credential);
        }
        if obstacle == Obstacle::BalancerPending
            && let Some(lb) = infra.lb.as_ref().and_then(|lb| self.octavia.load_balancers.get_mut(lb))
        {
            lb.abandon(now);
        }
    }

    /// Takes the finalizer off the OpenStackCluster of a cluster that is being deleted: Magnum lets go of it,
    /// whatever it leaves behind.
    pub fn release_cluster(&mut self, name: &str) {
        let found = self.magnum.clusters.iter().find(|c| c.name == name).map(|c| c.id.clone());
        if let Some(id) = found {
            Cluster::release(self, &id);
        }
    }

    /// Puts the load balancers whose name holds a text into ERROR; their traffic goes on.
    pub(crate) fn break_load_balancer(&mut self, name: &str) {
        let now = self.now();
        for lb in self.octavia.load_balancers.iter_mut().filter(|lb| lb.name.contains(name)) {
            lb.fail(now);
        }
    }
}
