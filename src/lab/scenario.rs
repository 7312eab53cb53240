//! Scenarios: what exists when a rehearsal starts, how long things take, what goes wrong.
//!
//! A scenario is a TOML file that an operator can read and change. `${name}` in any text stands
//! for a value of the site; the table `[values]` says what it is where the site says nothing.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::time::Duration;

use include_dir::{Dir, include_dir};
use jiff::Timestamp;
use serde::Deserialize;

use crate::base::error::nearest;
use crate::base::{Error, ErrorKind, Result, duration};

use super::fault::Fault;

/// Values of a site by name.
pub type Values = BTreeMap<String, String>;

/// The world as it is when a rehearsal starts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// One sentence for a list of scenarios.
    pub title: String,
    /// Another scenario that this one adds to: its tables are merged with that one's, its lists go on.
    pub extends: Option<String>,
    /// Decides every id, unless the command line does.
    pub seed: u64,
    /// The time of day at the start.
    pub start: Option<Timestamp>,
    /// What `${...}` stands for where the site has no such value.
    pub values: Values,
    /// How long things take.
    pub timings: Timings,
    /// How this cloud differs from a plain one.
    pub quirks: Quirks,
    /// The services' addresses in the procedure.
    pub endpoints: Endpoints,
    /// Hypervisors.
    #[serde(rename = "host")]
    pub hosts: Vec<Host>,
    /// Flavors.
    #[serde(rename = "flavor")]
    pub flavors: Vec<Flavor>,
    /// Images.
    #[serde(rename = "image")]
    pub images: Vec<Image>,
    /// Networks, each with one subnet.
    #[serde(rename = "network")]
    pub networks: Vec<Network>,
    /// Routers.
    #[serde(rename = "router")]
    pub routers: Vec<Router>,
    /// Key pairs.
    #[serde(rename = "keypair")]
    pub keypairs: Vec<Keypair>,
    /// Servers.
    #[serde(rename = "server")]
    pub servers: Vec<Server>,
    /// Load balancers.
    #[serde(rename = "load_balancer")]
    pub load_balancers: Vec<LoadBalancer>,
    /// Amphora servers that Octavia does not know.
    #[serde(rename = "zombie")]
    pub zombies: Vec<Zombie>,
    /// Cluster templates.
    #[serde(rename = "template")]
    pub templates: Vec<Template>,
    /// Clusters that were created long ago.
    #[serde(rename = "cluster")]
    pub clusters: Vec<Cluster>,
    /// What goes wrong.
    #[serde(rename = "fault")]
    pub faults: Vec<Fault>,
}

/// A duration as an operator writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Time(pub Duration);

impl TryFrom<String> for Time {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        duration::parse(&text).map(Time)
    }
}

impl Deref for Time {
    type Target = Duration;

    fn deref(&self) -> &Duration {
        &self.0
    }
}

const fn seconds(n: u64) -> Time {
    Time(Duration::from_secs(n))
}

/// How long things take. The defaults are what the procedures measured.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timings {
    /// Life of a token.
    pub token: Time,
    /// A server's way from the request to ACTIVE.
    pub server_build: Time,
    /// From `os-start` to ACTIVE.
    pub server_start: Time,
    /// From `os-stop` to SHUTOFF.
    pub server_stop: Time,
    /// From the DELETE to 404.
    pub server_delete: Time,
    /// From ACTIVE until sshd answers.
    pub sshd: Time,
    /// From ACTIVE until the Kubernetes of a management VM says `ready`.
    pub convergence: Time,
    /// A load balancer's way to ACTIVE.
    pub lb_create: Time,
    /// A change of a load balancer's parts.
    pub lb_update: Time,
    /// From the DELETE to 404.
    pub lb_delete: Time,
    /// A failover that succeeds.
    pub failover: Time,
    /// A build of an amphora that finds no host.
    pub failover_failure: Time,
    /// An import with its conversion, whatever the size.
    pub image_import: Time,
    /// From the request to CREATE_COMPLETE.
    pub cluster_create: Time,
    /// From the DELETE to 404.
    pub cluster_delete: Time,
    /// A change of the number of nodes.
    pub cluster_update: Time,
    /// How often Magnum asks for a cluster's health.
    pub health_period: Time,
    /// How often CAPO tries again what failed.
    pub resync: Time,
}

impl Default for Timings {
    fn default() -> Self {
        Timings {
            token: seconds(3600),
            server_build: seconds(20),
            server_start: seconds(20),
            server_stop: seconds(15),
            server_delete: seconds(5),
            sshd: seconds(210),
            convergence: seconds(1230),
            lb_create: seconds(60),
            lb_update: seconds(3),
            lb_delete: seconds(15),
            failover: seconds(108),
            failover_failure: seconds(15),
            image_import: seconds(180),
            cluster_create: seconds(900),
            cluster_delete: seconds(240),
            cluster_update: seconds(300),
            health_period: seconds(60),
            resync: seconds(600),
        }
    }
}

/// How this cloud differs from a plain one.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// Version of magnum-capi-helm. Before 1.4.0 the health of a healthy cluster is UNHEALTHY (D-042).
    pub driver: String,
    /// The server that hosts the management cluster. While it is down or converges, Magnum is blind.
    pub management: Option<String>,
    /// Roles that Magnum leaves out of the application credentials it makes (D-039).
    pub credential_lacks: Vec<String>,
    /// So many reads of a cluster answer 400 after its creation.
    pub spurious_400: u32,
    /// What an import converts images to; nothing if empty.
    pub convert_to: String,
    /// Quotas of a project: instances, cores, memory in MB. Negative is unlimited.
    pub quota: Quota,
}

impl Default for Quirks {
    fn default() -> Self {
        Quirks {
            driver: "1.4.0".into(),
            management: None,
            credential_lacks: Vec::new(),
            spurious_400: 0,
            convert_to: "raw".into(),
            quota: Quota { instances: -1, cores: -1, memory_mb: -1 },
        }
    }
}

impl Quirks {
    /// Whether the driver asks for an API version of CAPO that is served: 1.4.0 and later.
    pub(crate) fn driver_is_coherent(&self) -> bool {
        let mut numbers = self.driver.split('.').map(|n| n.parse::<u32>().unwrap_or(0));
        (numbers.next(), numbers.next()) >= (Some(1), Some(4))
    }
}

/// What one project may use of Nova. Negative is unlimited.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Servers.
    pub instances: i64,
    /// Virtual processors.
    pub cores: i64,
    /// Memory in MB.
    pub memory_mb: i64,
}

/// `host:port` of each service in the procedure, by the service's type.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Endpoints(pub BTreeMap<String, String>);

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
}

impl Scenario {
    /// The names of the scenarios that are shipped.
    pub fn names() -> Vec<&'static str> {
        let mut names: Vec<&str> = SHIPPED.files().filter_map(|f| f.path().file_stem()?.to_str()).collect();
        names.sort_unstable();
        names
    }

    /// A scenario that is shipped.
    ///
    /// # Errors
    /// [`ErrorKind::Site`]: none is called so, or it asks for a value that nobody states.
    pub fn shipped(name: &str, site: &Values) -> Result<Scenario> {
        Scenario::parse(&format!("{name}.toml"), embedded(name).ok_or_else(|| unknown(name))?, site)
    }

    /// Reads a scenario. `file` names it in errors; `site` overlays its `[values]`.
    ///
    /// # Errors
    /// [`ErrorKind::Site`]: it is not TOML, holds a key that is none of a scenario's, or asks for
    /// a value that nobody states.
    pub fn parse(file: &str, text: &str, site: &Values) -> Result<Scenario> {
        let wrong = |what: String| Error::new(ErrorKind::Site, format!("{file}: {what}"));
        let mut tree = read(file, text)?;
        let mut ancestors = 0;
        while let Some(base) = tree.as_table_mut().and_then(|t| t.remove("extends")) {
            let name = base.as_str().unwrap_or_default();
            let mut merged = read(name, embedded(name).ok_or_else(|| unknown(name))?)?;
            merge(&mut merged, tree);
            tree = merged;
            ancestors += 1;
            if ancestors > 8 {
                return Err(wrong("`extends` goes round in a circle".into()));
            }
        }
        let mut values: Values = match tree.get("values") {
            Some(own) => own.clone().try_into().map_err(|e| wrong(format!("`[values]`: {e}")))?,
            None => Values::new(),
        };
        values.extend(site.iter().map(|(k, v)| (k.clone(), v.clone())));
        fill(&mut tree, &values).map_err(|name| {
            let meant = nearest(&name, values.keys().map(String::as_str));
            let help = meant
                .map_or("state it under `[values]`".to_string(), |m| format!("did you mean `${{{m}}}`?"));
            wrong(format!("no value is called `{name}`")).help(help)
        })?;
        tree.try_into().map_err(|e: toml::de::Error| wrong(e.message().to_string()))
    }
}

static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/runbooks/scenarios");

/// The text of a scenario that is shipped.
fn embedded(name: &str) -> Option<&'static str> {
    SHIPPED.get_file(format!("{name}.toml"))?.contents_utf8()
}

fn unknown(name: &str) -> Error {
    let names = Scenario::names();
    let meant = nearest(name, names.iter().copied());
    Error::new(ErrorKind::Site, format!("no scenario is called `{name}`")).help(match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("shipped are {}", names.join(", ")),
    })
}

fn read(file: &str, text: &str) -> Result<toml::Value> {
    toml::from_str(text).map_err(|e: toml::de::Error| {
        let (line, column) = e.span().map_or((1, 0), |span| place(text, span.start));
        Error::new(ErrorKind::Site, format!("{file} is not TOML: {}", e.message())).place(file, line, column)
    })
}

/// Puts one tree over another: tables are merged, lists go on, anything else is replaced.
fn merge(under: &mut toml::Value, over: toml::Value) {
    match (under, over) {
        (toml::Value::Table(under), toml::Value::Table(over)) => {
            for (key, value) in over {
                match under.get_mut(&key) {
                    Some(old) => merge(old, value),
                    None => _ = under.insert(key, value),
                }
            }
        }
        (toml::Value::Array(under), toml::Value::Array(over)) if under.iter().all(toml::Value::is_table) => {
            under.extend(over)
        }
        (under, over) => *under = over,
    }
}

/// Line and column, from 1, of a place in a text.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
    (line, column)
}

/// Puts values in the place of `${name}`; the error is a name without a value.
fn fill(tree: &mut toml::Value, values: &Values) -> Result<(), String> {
    match tree {
        toml::Value::String(text) => {
            if text.contains("${") {
                *text = expand(text, values)?;
            }
            Ok(())
        }
        toml::Value::Array(items) => items.iter_mut().try_for_each(|item| fill(item, values)),
        toml::Value::Table(table) => table.iter_mut().try_for_each(|(_, item)| fill(item, values)),
        _ => Ok(()),
    }
}

fn expand(text: &str, values: &Values) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, tail) = after.split_once('}').ok_or_else(|| after.to_string())?;
        out.push_str(before);
        out.push_str(values.get(name).ok_or_else(|| name.to_string())?);
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        title = "one server"
        [values]
        image = "jammy"
        network = "net"
        [timings]
        server_build = "1min 5s"
        [[server]]
        name = "vm"
        project = "p"
        flavor = "small"
        image = "${image}-kube"
        network = "${network}"
    "#;

    #[test]
    fn the_site_overlays_the_values_of_a_scenario() {
        let site = Values::from([("image".to_string(), "noble".to_string())]);
        let scenario = Scenario::parse("small", SMALL, &site).unwrap();
        let server = &scenario.servers[0];
        assert_eq!((server.image.as_str(), server.network.as_str()), ("noble-kube", "net"));
        assert_eq!(scenario.timings.server_build.as_secs(), 65);
        assert_eq!(scenario.timings.failover.as_secs(), 108);
    }

    #[test]
    fn a_mistake_is_named() {
        let error = |text: &str| Scenario::parse("s.toml", text, &Values::new()).unwrap_err();
        let e = error("x = [\n  1,,\n]");
        assert_eq!(e.detail().place.as_ref().unwrap().line, 2, "{e}");
        let e = error("[values]\nimage = 'a'\n[[flavor]]\nname = '${imag}'");
        assert!(e.to_string().contains("`imag`"), "{e}");
        assert_eq!(e.detail().help.as_deref(), Some("did you mean `${image}`?"));
        assert!(error("[timings]\nserver_bild = '1s'").to_string().contains("server_bild"));
        assert!(error("[timings]\nserver_build = 'soon'").to_string().contains("`soon` is not a duration"));
    }
}
