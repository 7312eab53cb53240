//! How long things take in a scenario, and how its cloud differs from a plain one.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::time::Duration;

use serde::Deserialize;

use crate::base::{Error, Result, duration};

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
    /// Version of the charts that the conductors are configured with.
    pub chart: String,
    /// The version of Cluster API's objects that the driver reads, as `[capi_helm] api_resources` has it.
    pub driver_reads: String,
    /// The versions in which the management cluster serves the objects of Cluster API, the preferred one first.
    pub capi: Vec<String>,
    /// Those in which it serves the objects of cluster-api-provider-openstack.
    pub capo: Vec<String>,
    /// CAPO writes conditions on what it cannot do. Before 0.14 it does not, and only Events tell.
    pub capo_conditions: bool,
    /// The server that hosts the management cluster. While it is down or converges, Magnum is blind.
    pub management: Option<String>,
    /// Roles that Magnum leaves out of the application credentials it makes (D-039).
    pub credential_lacks: Vec<String>,
    /// Projects that are entered with an application credential that may make no others.
    pub restricted_in: Vec<String>,
    /// `reclaim_instance_interval` is set: a deleted server is SOFT_DELETED for days, and keeps its room.
    pub soft_delete: bool,
    /// So many reads of a cluster answer 400 after its creation, and at the end of its deletion.
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
            chart: "0.25.1".into(),
            driver_reads: "v1beta1".into(),
            capi: vec!["v1beta2".into(), "v1beta1".into()],
            capo: vec!["v1beta1".into()],
            capo_conditions: true,
            management: None,
            credential_lacks: Vec::new(),
            restricted_in: Vec::new(),
            soft_delete: false,
            spurious_400: 0,
            convert_to: "raw".into(),
            quota: Quota { instances: -1, cores: -1, memory_mb: -1 },
        }
    }
}

impl Quirks {
    /// Whether the driver asks for an API version of CAPO that is served. Before 1.4.0 it is one of long ago.
    pub(crate) fn driver_sees_infrastructure(&self) -> bool {
        let mut numbers = self.driver.split('.').map(|n| n.parse::<u32>().unwrap_or(0));
        (numbers.next(), numbers.next()) >= (Some(1), Some(4)) && self.capo.contains(&self.driver_reads)
    }

    /// Whether it asks for one of Cluster API that is served.
    pub(crate) fn driver_sees_clusters(&self) -> bool {
        self.capi.contains(&self.driver_reads)
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
