//! The things that a scenario's tables describe.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::timings::Time;

/// Hypervisors of one kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Its name; of several, the first part of it.
    pub name: String,
    /// How many; above one, each gets `-0`, `-1` and so on.
    #[serde(default = "one")]
    pub count: u32,
    /// Processors.
    pub vcpus: u64,
    /// Memory in MB.
    pub memory_mb: u64,
    /// Disk in GB.
    pub disk_gb: u64,
    /// `reserved_host_memory_mb`.
    #[serde(default = "reserved")]
    pub reserved_memory_mb: u64,
    /// `ram_allocation_ratio`.
    #[serde(default = "ratio")]
    pub memory_ratio: f64,
    /// `disk_allocation_ratio`.
    #[serde(default = "once")]
    pub disk_ratio: f64,
    /// Its service is disabled, for this reason.
    #[serde(default)]
    pub disabled: Option<String>,
    /// Its service does not report.
    #[serde(default)]
    pub down: bool,
}

fn one() -> u32 {
    1
}

fn reserved() -> u64 {
    512
}

fn ratio() -> f64 {
    1.5
}

fn once() -> f64 {
    1.0
}

/// A flavor.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flavor {
    /// Its name.
    pub name: String,
    /// Processors.
    pub vcpus: u64,
    /// Memory in MB.
    pub memory_mb: u64,
    /// Disk in GB.
    pub disk_gb: u64,
}

/// An image.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Its name.
    pub name: String,
    /// Its owner; without one, the project `admin`.
    pub project: Option<String>,
    /// `public`, `shared`, `community` or `private`.
    #[serde(default = "public")]
    pub visibility: String,
    /// Its format.
    #[serde(default = "raw")]
    pub disk_format: String,
    /// Bytes.
    #[serde(default = "some_bytes")]
    pub size: u64,
    /// Its properties.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    /// It is what a failed import leaves: queued, under its name.
    #[serde(default)]
    pub failed_import: bool,
    /// Its bytes came and were never imported: `uploading`.
    #[serde(default)]
    pub staged: bool,
}

fn public() -> String {
    "public".into()
}

fn raw() -> String {
    "raw".into()
}

fn some_bytes() -> u64 {
    4 << 30
}

/// A network with its one subnet.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Its id, where the site states it.
    #[serde(skip)]
    pub id: Option<String>,
    /// Its name; the subnet's is the same with `-subnet`.
    pub name: String,
    /// Its owner; without one, the project `admin`.
    pub project: Option<String>,
    /// The subnet.
    pub cidr: String,
    /// First and last address that are given out; without it, all of the subnet.
    pub pool: Option<[std::net::Ipv4Addr; 2]>,
    /// Floating IPs come from it.
    #[serde(default)]
    pub external: bool,
}

impl Network {
    /// One inside of the cloud, all of whose addresses are given out.
    pub(crate) fn inner(name: &str, cidr: &str) -> Network {
        let (name, cidr) = (name.into(), cidr.into());
        Network { id: None, name, project: None, cidr, pool: None, external: false }
    }
}

/// A router.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Router {
    /// Its name.
    pub name: String,
    /// Its owner.
    pub project: String,
    /// The network behind its gateway.
    pub external: Option<String>,
    /// The networks it joins.
    #[serde(default)]
    pub networks: Vec<String>,
}

/// A key pair of a user, or of every member of a project.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keypair {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub user: Option<String>,
    /// Whose members have it, each their own.
    pub project: Option<String>,
}

/// Servers of one kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Its name; of several, the first part of it.
    pub name: String,
    /// How many; above one, each gets `-0`, `-1` and so on.
    #[serde(default = "one")]
    pub count: u32,
    /// Its owner.
    pub project: String,
    /// Its flavor.
    pub flavor: String,
    /// Its image.
    pub image: String,
    /// Its network.
    pub network: String,
    /// `ACTIVE`, `SHUTOFF` or `ERROR` at the start.
    #[serde(default = "active")]
    pub status: String,
    /// A floating IP on it: this one, or any with `auto`.
    pub floating_ip: Option<String>,
}

fn active() -> String {
    "ACTIVE".into()
}

/// Load balancers of one kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadBalancer {
    /// Its name; of several, the first part of it.
    pub name: String,
    /// How many; above one, each gets `-0`, `-1` and so on.
    #[serde(default = "one")]
    pub count: u32,
    /// Its owner.
    pub project: String,
    /// Where its VIP is.
    pub network: String,
    /// `ACTIVE` or `ERROR` at the start.
    #[serde(default = "active")]
    pub status: String,
    /// Its owner has switched it off (`admin_state_up` is false).
    #[serde(default)]
    pub switched_off: bool,
    /// No heartbeat of its amphorae has ever reached Octavia's health manager. They serve.
    #[serde(default)]
    pub unheard: bool,
}

/// What failed failovers leave in Nova: amphora servers that Octavia does not know.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zombie {
    /// `ERROR` (its spawn failed) or `ACTIVE` (it runs and sends heartbeats).
    pub status: String,
    /// How many.
    #[serde(default = "one")]
    pub count: u32,
}

/// A cluster template.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// Its owner.
    pub project: String,
    /// The image of the nodes.
    pub image: String,
    /// Where floating IPs come from.
    pub external_network: String,
    /// Flavor of the control plane.
    pub master_flavor: String,
    /// Flavor of the workers.
    pub flavor: String,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// A cluster.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Its owner.
    pub project: String,
    /// Whose it is; without one, the first member of the project.
    pub user: Option<String>,
    /// Its template.
    pub template: String,
    /// The key pair.
    pub keypair: Option<String>,
    /// Nodes of the control plane.
    #[serde(default = "one")]
    pub masters: u32,
    /// Workers.
    #[serde(default = "one")]
    pub nodes: u32,
    /// The roles frozen into its application credential; without it, all that the user has.
    pub credential_roles: Option<Vec<String>>,
    /// `provisioning_status` of its API load balancer at the start.
    #[serde(default = "active")]
    pub api_lb_status: String,
    /// Magnum calls it UNHEALTHY and cannot say why, as long as it is blind.
    #[serde(default)]
    pub mute: bool,
    /// Its deletion was asked for on the day before.
    #[serde(default)]
    pub deleting: bool,
    /// Services, as `namespace/name`, whose load balancer, floating IP and security group its cloud controller made.
    #[serde(default)]
    pub services: Vec<String>,
    /// Claims, as `namespace/name`, whose volumes its CSI driver made.
    #[serde(default)]
    pub claims: Vec<String>,
    /// Those of the claims whose volume has a snapshot.
    #[serde(default)]
    pub snapshots: Vec<String>,
    /// Those of the claims whose volume its owner marked to be kept.
    #[serde(default)]
    pub kept: Vec<String>,
    /// What its deletion meets, besides what its credential may not.
    pub obstacle: Option<Obstacle>,
}

/// What a deletion meets that no waiting mends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obstacle {
    /// Its application credential was deleted.
    CredentialGone,
    /// The user of its application credential was disabled.
    UserDisabled,
    /// A port that nobody of the cluster's made is in its network.
    PortLeft,
    /// The worker that was at its API's load balancer died: PENDING_UPDATE for ever.
    BalancerPending,
    /// CAPO has let go, and the janitor lost what it logs in with: it looks no more.
    JanitorAlone,
}

/// A machine that the site reaches over SSH.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The site's name for it. Where it is, the site says.
    pub host: String,
    /// Its address, where the site does not say.
    #[serde(default)]
    pub address: String,
    /// The port of its sshd, where the site does not say.
    #[serde(default = "ssh_port")]
    pub port: u16,
    /// The server that it is; without one it stands outside of the cloud and is always up.
    pub server: Option<String>,
    /// Virtual machines that its libvirt runs.
    #[serde(default)]
    pub domains: Vec<String>,
    /// Snapshots that each of them has.
    #[serde(default)]
    pub snapshots: Vec<String>,
}

impl Machine {
    /// A machine outside of the cloud.
    pub(crate) fn outside(host: &str) -> Self {
        let (address, port) = (String::new(), ssh_port());
        Machine { host: host.into(), address, port, server: None, domains: Vec::new(), snapshots: Vec::new() }
    }
}

fn ssh_port() -> u16 {
    22
}

/// The model of Juju.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Juju {
    /// Its name.
    pub model: String,
    /// How many machines it has, which are numbered from 0.
    pub machines: u32,
    /// The machines that are down.
    pub down: Vec<String>,
}

/// An application of the model, with its units.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// How many units; each is on one of the machines, in turn.
    #[serde(default = "one")]
    pub units: u32,
    /// The workload's state.
    #[serde(default = "workload")]
    pub workload: String,
    /// What the workload says.
    #[serde(default = "unit_ready")]
    pub message: String,
    /// The agent's state.
    #[serde(default = "idle")]
    pub agent: String,
    /// Applications with a unit beside each of its own.
    #[serde(default)]
    pub subordinates: Vec<String>,
}

fn workload() -> String {
    "active".into()
}

fn unit_ready() -> String {
    "Unit is ready".into()
}

fn idle() -> String {
    "idle".into()
}

/// A unit of Vault.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vault {
    /// `host:port`, where the site does not say.
    #[serde(default)]
    pub address: String,
    /// It has keys.
    #[serde(default = "yes")]
    pub initialized: bool,
    /// It was restarted and nobody has unsealed it.
    #[serde(default)]
    pub sealed: bool,
    /// Holders of key shares come, and so long after the start it is unsealed.
    pub unsealed_after: Option<Time>,
    /// It may become the leader. Where no unsealed unit may, their lock is lost, and none serves.
    #[serde(default = "yes")]
    pub can_lead: bool,
}

impl Default for Vault {
    fn default() -> Self {
        Vault {
            address: String::new(),
            initialized: true,
            sealed: false,
            unsealed_after: None,
            can_lead: true,
        }
    }
}

fn yes() -> bool {
    true
}

/// A file that a server of the web has. Its bytes are the lab's own: a function of its URL.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Download {
    /// Where it is.
    pub url: String,
    /// Bytes.
    pub size: u64,
    /// How it begins: as `qcow2` does, or as nothing in particular.
    #[serde(default = "raw")]
    pub format: String,
    /// The value of the site that states its digest. The lab cannot have the bytes that the publisher's digest is
    /// of, so in a rehearsal this value is the digest of the lab's.
    pub digest: Option<String>,
}
