//! Amphorae, which administrators alone see.

use std::net::Ipv4Addr;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::resource::{Resource, find, list, show};
use super::{LoadBalancer, Octavia, Provisioning};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, delete, get, put};
use crate::lab::exchange::Answer;
use crate::lab::ids::Id;
use crate::lab::stamp;
use crate::lab::table::{Row, Table};
use crate::lab::timeline::Timeline;
use crate::lab::world::World;

pub(super) const ROUTES: &[Route] = &[
    get("/v2/octavia/amphorae", Rule::LbAdmin, "", list::<Amphora>),
    get("/v2/octavia/amphorae/{}", Rule::LbAdmin, "", show::<Amphora>),
    delete("/v2/octavia/amphorae/{}", Rule::LbAdmin, "", remove),
    put("/v2/octavia/amphorae/{}/failover", Rule::LbAdmin, "", failover),
    get("/v2/octavia/amphorae/{}/stats", Rule::LbAdmin, "", stats),
];

/// `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Booting,
    Allocated,
    PendingDelete,
    Error,
}

/// An amphora.
pub(crate) struct Amphora {
    pub(crate) id: Id,
    pub(crate) lb: Option<Id>,
    /// Its server.
    pub(crate) compute: Option<Id>,
    pub(super) line: Timeline<Stage>,
    pub(super) management: Option<Ipv4Addr>,
    /// Its own port on the VIP's network.
    pub(super) vrrp: Option<(Id, Ipv4Addr)>,
    /// The VIP.
    pub(super) ha: Option<(Id, Ipv4Addr)>,
    pub(super) image: Option<Id>,
    pub(super) flavor: Option<Id>,
    created: Timestamp,
}

/// `[certificates] cert_validity_time`.
const CERTIFICATE: Duration = Duration::from_secs(30 * 24 * 3600);

impl Octavia {
    /// The rows of the amphorae of load balancers whose names hold a text are gone.
    pub(crate) fn lose_amphorae(&mut self, name: &str) {
        let of = |a: &&Amphora| {
            let lb = a.lb.as_ref().and_then(|lb| self.load_balancers.get(lb));
            lb.is_some_and(|lb| lb.name.contains(name))
        };
        let lost: Vec<Id> = self.amphorae.iter().filter(of).map(|a| a.id.clone()).collect();
        for id in &lost {
            self.amphorae.remove(id);
        }
    }
}

impl Row for Amphora {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl Amphora {
    pub(super) fn new(id: Id, lb: &str, now: Timestamp) -> Self {
        Amphora {
            id,
            lb: Some(lb.into()),
            compute: None,
            line: Timeline::new(now, Stage::Booting),
            management: None,
            vrrp: None,
            ha: None,
            image: None,
            flavor: None,
            created: now,
        }
    }

    /// `status`.
    pub(crate) fn stage(&self, now: Timestamp) -> Stage {
        self.line.at(now)
    }
}

impl Resource for Amphora {
    const ONE: &'static str = "amphora";
    const MANY: &'static str = "amphorae";
    const NAME: &'static str = "Amphora";

    fn table(octavia: &Octavia) -> &Table<Self> {
        &octavia.amphorae
    }

    /// Whoever may ask for amphorae sees them all.
    fn project<'o>(&'o self, _: &'o Octavia) -> &'o str {
        ""
    }

    fn show(&self, world: &World) -> Value {
        let now = world.now();
        let stage = match self.stage(now) {
            Stage::Booting => "BOOTING",
            Stage::Allocated => "ALLOCATED",
            Stage::PendingDelete => "PENDING_DELETE",
            Stage::Error => "ERROR",
        };
        let address = |place: &Option<(Id, Ipv4Addr)>| place.as_ref().map(|(_, address)| address.to_string());
        let port = |place: &Option<(Id, Ipv4Addr)>| place.as_ref().map(|(port, _)| port.to_string());
        let certificate = self.created + CERTIFICATE;
        json!({
            "id": &*self.id, "loadbalancer_id": self.lb.as_deref(), "compute_id": self.compute.as_deref(),
            "lb_network_ip": self.management.map(|a| a.to_string()), "vrrp_ip": address(&self.vrrp), "ha_ip": address(&self.ha),
            "vrrp_port_id": port(&self.vrrp), "ha_port_id": port(&self.ha), "cert_expiration": stamp::plain(certificate),
            "cert_busy": false, "role": "STANDALONE", "status": stage, "vrrp_interface": null, "vrrp_id": 1, "vrrp_priority": null,
            "cached_zone": "nova", "created_at": stamp::plain(self.created), "updated_at": stamp::plain(self.line.since(now)),
            "image_id": self.image.as_deref(), "compute_flavor": self.flavor.as_deref(),
        })
    }
}

fn failover(call: &mut Call<'_>) -> Outcome {
    let amphora: &Amphora = find(call)?;
    let id = amphora.id.clone();
    let immutable =
        || Refusal::said(409, format!("Load Balancer of amphora {id} is immutable and cannot be updated."));
    let lb = amphora.lb.clone().ok_or_else(immutable)?;
    let now = call.world.now();
    let status = call.world.octavia.load_balancers.get(&lb).map(|lb| lb.provisioning(now));
    if !matches!(status, Some(Provisioning::Active | Provisioning::Error)) {
        return Err(immutable());
    }
    LoadBalancer::failover(call.world, &lb);
    Ok(Answer::empty(202))
}

/// Only an amphora that serves nobody can be deleted.
fn remove(call: &mut Call<'_>) -> Outcome {
    let amphora: &Amphora = find(call)?;
    let id = amphora.id.clone();
    if amphora.lb.is_some() {
        return Err(Refusal::said(409, format!("amphora {id} is immutable and cannot be updated.")));
    }
    call.world.octavia.amphorae.remove(&id);
    Ok(Answer::empty(204))
}

fn stats(call: &mut Call<'_>) -> Outcome {
    let amphora: &Amphora = find(call)?;
    Err(Refusal::said(404, format!("Amphora stats for {} not found.", amphora.id)))
}
