//! The lab: a cloud inside the program, for rehearsals. It speaks the real protocols on loopback,
//! so that exactly the code that talks to a real cloud runs against it.
//!
//! Nothing here sleeps or waits. The lab shares a [`SimClock`] with the run, and what exists at a
//! moment is a function of the scenario, of the requests so far, and of that moment. A new
//! service is a file with a [`Service`], its state in the [`World`], and a row in `SERVICES`.

mod amend;
mod api;
mod cinder;
mod content;
mod dispatch;
mod downloads;
mod exchange;
mod facades;
mod fault;
mod follow;
mod glance;
mod guests;
mod ids;
mod keystone;
mod kubernetes;
mod machines;
mod magnum;
mod make;
mod neutron;
mod nova;
mod octavia;
mod placement;
mod programs;
mod rehearsal;
mod scenario;
mod serve;
mod service;
mod session;
mod stamp;
pub mod sweep;
mod table;
mod tenancy;
mod timeline;
mod tunnel;
mod vault;
mod wiring;
mod world;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

pub use amend::{Amend, Copy, Instead};
pub use content::Content;
pub use dispatch::Effect;
pub use exchange::{Answer, Body, Digests, Flow, Front, Incoming, Request};
pub use fault::{Act, Fault};
pub use follow::{Mark, More};
pub use ids::{Id, Ids};
pub use rehearsal::reach;
pub use scenario::{Scenario, Timings, Values};
pub use service::Service;
pub use session::Session;
pub use table::{Row, Table};
pub use tenancy::{Assignment, Credential, Project, Target, Tenancy, User};
pub use timeline::Timeline;
pub use wiring::Rehearsal;
pub use world::World;

use crate::base::{Clock, Error, ErrorKind, Result, Secret, SimClock};
use crate::systems::http::Dialer;

use api::Api;
use dispatch::{Desk, answers};

/// Every service of the lab.
struct Services {
    /// OpenStack's, which are in the catalogue.
    apis: &'static [&'static Api],
    /// The others.
    others: &'static [&'static dyn Service],
}

static SERVICES: Services = Services {
    apis: &[
        &keystone::API,
        &nova::API,
        &placement::API,
        &neutron::API,
        &glance::API,
        &octavia::API,
        &magnum::API,
        &cinder::API,
    ],
    others: &[
        &kubernetes::ApiServers,
        &kubernetes::Balanced,
        &guests::Guests,
        &vault::Vaults,
        &facades::Facades,
        &downloads::Downloads,
    ],
};

impl Services {
    fn apis(&self) -> impl Iterator<Item = &'static Api> {
        self.apis.iter().copied()
    }

    fn all(&self) -> impl Iterator<Item = &'static dyn Service> {
        self.apis().map(|api| api as &dyn Service).chain(self.others.iter().copied())
    }
}

/// Leads addresses to the lab.
struct Ways {
    desk: Arc<Desk>,
    address: SocketAddr,
}

impl Dialer for Ways {
    fn dial(&self, host: &str, port: u16) -> Option<SocketAddr> {
        (self.desk.is_at(host, port) || self.desk.answers_at(host, port)).then_some(self.address)
    }
}

/// A running lab. Dropping it ends it.
pub struct Lab {
    desk: Arc<Desk>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Lab {
    /// Starts a lab on a free port of loopback. Its time is the clock's; `runtime` serves it.
    ///
    /// # Errors
    /// * [`ErrorKind::Site`]: the scenario names something that it does not make.
    /// * [`ErrorKind::Argument`]: the tenancy does.
    /// * [`ErrorKind::Io`]: no port.
    pub fn start(
        scenario: &Scenario,
        tenancy: &Tenancy,
        clock: Arc<SimClock>,
        runtime: &Handle,
    ) -> Result<Lab> {
        let io = |e: std::io::Error| {
            Error::new(ErrorKind::Io, "the lab cannot listen on loopback").from_source(&e)
        };
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(io)?;
        listener.set_nonblocking(true).map_err(io)?;
        let address = listener.local_addr().map_err(io)?;
        let listener = {
            let _guard = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(io)?
        };
        let world = World::make(scenario, tenancy, clock.now(), format!("http://{address}"))?;
        let desk = Arc::new(Desk::new(clock, address, world));
        for fault in &scenario.faults {
            desk.inject(fault.clone())?;
        }
        let server = runtime.spawn(serve::serve(listener, desk.clone()));
        Ok(Lab { desk, address, server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leads the addresses of the procedure here: the services' endpoints, and what runs at a floating IP.
    /// Where nothing answers at the moment, it leads nowhere.
    pub fn dialer(&self) -> Arc<dyn Dialer> {
        Arc::new(Ways { desk: self.desk.clone(), address: self.address })
    }

    /// Every route of the lab's APIs: `nova GET /v2.1/servers/{}`, as [`Lab::requests`] counts them.
    pub fn routes() -> Vec<String> {
        SERVICES.apis().flat_map(Api::routes).collect()
    }

    /// A `clouds.yaml` for the users of a tenancy, one cloud for each of their projects.
    pub fn clouds_yaml(&self, tenancy: &Tenancy) -> String {
        let mut clouds = serde_json::Map::new();
        for assignment in &tenancy.roles {
            let Target::Project(project, project_domain) = &assignment.target else { continue };
            let (name, domain) = &assignment.user;
            let Some(user) = tenancy.users.iter().find(|u| u.name == *name && u.domain == *domain) else {
                continue;
            };
            let auth = serde_json::json!({
                "auth_url": self.auth_url(), "username": name, "user_domain_name": domain, "password": user.password.expose(),
                "project_name": project, "project_domain_name": project_domain,
            });
            let cloud =
                serde_json::json!({"auth": auth, "region_name": "RegionOne", "identity_api_version": 3});
            clouds.insert(format!("{name}@{project}"), cloud);
        }
        // JSON is YAML
        serde_json::json!({"clouds": clouds}).to_string()
    }

    /// The names in [`Lab::clouds_yaml`].
    pub fn cloud_names(&self, tenancy: &Tenancy) -> Vec<String> {
        let named = |a: &Assignment| match &a.target {
            Target::Project(project, _) => Some(format!("{}@{project}", a.user.0)),
            Target::Domain(_) | Target::System => None,
        };
        let names: std::collections::BTreeSet<String> = tenancy.roles.iter().filter_map(named).collect();
        names.into_iter().collect()
    }

    /// Kubeconfigs for clients that know nothing of the lab, by cluster: plain HTTP, with the lab as the proxy that
    /// knows the way. A cluster is among them once it has an address.
    pub fn client_kubeconfigs(&self) -> Vec<(String, String)> {
        self.desk.with(|world| kubernetes::for_clients(world))
    }

    /// Keystone's address.
    pub fn auth_url(&self) -> String {
        format!("http://{}/identity/v3", self.address)
    }

    /// The kubeconfig of one of its clusters: that of a name of Magnum's or of Cluster API's, once it has
    /// one, and the management cluster's for any other name, where the scenario has a server for it.
    pub fn kubeconfig(&self, name: &str) -> Option<Secret> {
        self.desk.with(|world| kubernetes::kubeconfig(world, name))
    }

    /// Every request for a change so far, in order.
    pub fn effects(&self) -> Vec<Effect> {
        self.desk.effects()
    }

    /// How many requests came, by service, method and route: `nova GET /v2.1/servers/{}`.
    pub fn requests(&self) -> BTreeMap<String, u64> {
        self.desk.counts()
    }

    /// Keeps what is answered from now on, for [`Lab::tape`].
    pub fn record(&self) {
        self.desk.record();
    }

    /// What was answered since [`Lab::record`]; nothing before it.
    pub fn tape(&self) -> sweep::Tape {
        self.desk.tape()
    }

    /// Adds a fault to the deck.
    ///
    /// # Errors
    /// [`ErrorKind::Site`]: a pattern of it is no regular expression.
    pub fn inject(&self, fault: Fault) -> Result<()> {
        self.desk.inject(fault)
    }

    /// Lets time pass by itself, as far as `elapsed` since the beginning. Whoever watches something hears at each
    /// call what has come of it; before the first, an answer that would go on ends with what there is.
    pub fn pass(&self, elapsed: Duration) {
        self.desk.pass(elapsed);
    }

    /// Looks at the world as it is now, or changes it behind the services' backs.
    pub fn with<R>(&self, look: impl FnOnce(&mut World) -> R) -> R {
        self.desk.with(|world| {
            world.touch();
            look(world)
        })
    }
}
