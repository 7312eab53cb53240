//! A site's handles over the lab: clouds, hosts, clusters and programs are the lab's, whatever files the
//! site names. Nothing of its credentials is read.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::machines::Sshd;
use super::programs::Programs;
use super::scenario::Download;
use super::{Fault, Lab, Scenario, Tenancy};
use crate::base::{Error, ErrorKind, Result, Secret, SimClock};
use crate::site::credentials::SecretSource;
use crate::site::{KubeDecl, Reach, ScopeDecl, Site, Wiring};
use crate::systems::http::Dialer;
use crate::systems::openstack::Policy;
use crate::systems::ssh::Transport;
use crate::systems::tool::Runner;

/// When a scenario begins that does not say it.
const BEGINNING: &str = "2026-06-10T02:00:00Z";

/// A site over a lab of its own, in virtual time.
pub struct Rehearsal {
    /// The lab.
    pub lab: Arc<Lab>,
    /// Its time.
    pub clock: Arc<SimClock>,
    /// The site, with its handles led to the lab.
    pub site: Site,
}

impl Rehearsal {
    /// Starts a lab for a site. `scenario` was read with the site's values.
    ///
    /// # Errors
    /// Those of [`Lab::start`].
    pub fn begin(site: &Site, mut scenario: Scenario, faults: &[Fault], runtime: &Handle) -> Result<Self> {
        scenario.adopt(site);
        scenario.faults.extend_from_slice(faults);
        let start = scenario.start.or_else(|| BEGINNING.parse().ok()).unwrap_or_default();
        let clock = Arc::new(SimClock::new(start));
        let lab = Arc::new(Lab::start(&scenario, &Tenancy::of(site), clock.clone(), runtime)?);
        let own = |site: Site, file: &Download| match &file.digest {
            Some(value) => site.restated(value, file.content().sha512(), "the digest of the lab's own bytes"),
            None => site,
        };
        let site = scenario.downloads.iter().fold(site.rewired(Arc::new(Wires(lab.clone()))), own);
        Ok(Rehearsal { lab, clock, site })
    }
}

/// Leads every handle to one lab.
struct Wires(Arc<Lab>);

impl Wiring for Wires {
    fn cloud(&self, scope: &ScopeDecl, policy: &Policy) -> Result<Reach> {
        Ok(self.0.reach(scope, policy))
    }

    fn kubeconfig(&self, kube: &KubeDecl) -> Result<Option<Secret>> {
        let none = || {
            Error::new(
                ErrorKind::Site,
                format!("this scenario has no server for the cluster `{}`", kube.name),
            )
        };
        self.0.kubeconfig_of(kube).map(Some).ok_or_else(none)
    }

    fn transport(&self) -> Result<Arc<dyn Transport>> {
        Ok(Arc::new(Sshd(self.0.desk.clone())))
    }

    fn runner(&self) -> Arc<dyn Runner> {
        Arc::new(Programs(self.0.desk.clone()))
    }

    fn secret(&self, _: &SecretSource) -> Result<Secret> {
        Ok(Secret::unlisted("rehearsal"))
    }

    fn dialer(&self) -> Option<Arc<dyn Dialer>> {
        Some(self.0.dialer())
    }
}
