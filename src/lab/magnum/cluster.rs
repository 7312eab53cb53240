//! A cluster, and how it is shown.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::certificates::Authority;
use super::health::Health;
use super::infrastructure::Infrastructure;
use super::links;
use crate::lab::ids::Id;
use crate::lab::stamp;
use crate::lab::table::Row;
use crate::lab::timeline::Timeline;
use crate::lab::world::World;

/// `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    CreateInProgress,
    CreateComplete,
    UpdateInProgress,
    UpdateComplete,
    DeleteInProgress,
    DeleteComplete,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Status::CreateInProgress => "CREATE_IN_PROGRESS",
            Status::CreateComplete => "CREATE_COMPLETE",
            Status::UpdateInProgress => "UPDATE_IN_PROGRESS",
            Status::UpdateComplete => "UPDATE_COMPLETE",
            Status::DeleteInProgress => "DELETE_IN_PROGRESS",
            Status::DeleteComplete => "DELETE_COMPLETE",
        }
    }
}

/// A cluster.
pub(crate) struct Cluster {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) project: Id,
    pub(crate) user: Id,
    pub(crate) template: Id,
    pub(crate) keypair: Option<String>,
    pub(crate) masters: u32,
    pub(crate) nodes: u32,
    pub(crate) master_flavor: String,
    pub(crate) flavor: String,
    pub(crate) labels: Map<String, Value>,
    /// Name of its Cluster API objects, once the driver gave it one.
    pub(crate) stack: Option<String>,
    /// `vX.Y.Z`, once the control plane says it.
    pub(crate) version: Option<String>,
    pub(crate) line: Timeline<Status>,
    pub(crate) created: Timestamp,
    pub(crate) infrastructure: Infrastructure,
    pub(crate) authority: Authority,
    /// The health it had when nobody could ask any more.
    pub(crate) last_health: Option<Health>,
    /// When its creation was complete.
    pub(super) completed: Option<Timestamp>,
    /// So many reads of it answer 400: its node groups are written after it, and go before it.
    pub(super) spurious: u32,
    pub(super) updated: Option<Timestamp>,
    pub(super) groups: [Id; 2],
}

/// What a new cluster is to be.
pub(crate) struct NewCluster {
    pub(crate) name: String,
    pub(crate) project: Id,
    pub(crate) user: Id,
    pub(crate) template: Id,
    pub(crate) keypair: Option<String>,
    pub(crate) masters: u32,
    pub(crate) nodes: u32,
    pub(crate) master_flavor: Option<String>,
    pub(crate) flavor: Option<String>,
    pub(crate) labels: Option<Map<String, Value>>,
    /// The roles of its application credential.
    pub(crate) roles: Vec<Id>,
}

impl Row for Cluster {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl Cluster {
    pub(crate) fn status(&self, now: Timestamp) -> Status {
        self.line.at(now)
    }

    /// The namespace of its Cluster API objects.
    pub(crate) fn namespace(&self) -> String {
        format!("magnum-{}", self.project.replace(|c: char| !c.is_ascii_alphanumeric(), "").to_lowercase())
    }

    /// What lists show of it.
    pub(super) fn brief(&self, world: &World, base: &str) -> Value {
        let health = self.health(world);
        json!({
            "uuid": &*self.id, "name": self.name, "cluster_template_id": &*self.template, "keypair": self.keypair,
            "node_count": self.nodes, "master_count": self.masters, "docker_volume_size": null, "labels": self.labels,
            "master_flavor_id": self.master_flavor, "flavor_id": self.flavor, "create_timeout": 60,
            "links": links(base, &format!("clusters/{}", self.id)), "stack_id": self.stack,
            "status": self.status(world.now()).name(), "health_status": health.map(|h| h.status()), "merge_labels": false,
        })
    }

    /// Everything about it.
    pub(super) fn full(&self, world: &World, base: &str) -> Value {
        let mut shown = self.brief(world, base);
        let health = self.health(world);
        let template = world.magnum.templates.get(&self.template);
        let endpoint = self.infrastructure.endpoint.map(|address| format!("https://{address}:6443"));
        let members = shown.as_object_mut().map(|m| m.remove("merge_labels").and(m.remove("health_status")));
        debug_assert!(members.is_some());
        for (key, value) in [
            ("status_reason", Value::Null),
            ("health_status", health.as_ref().map(|h| h.status()).into()),
            ("health_status_reason", health.as_ref().map_or_else(|| json!({}), Health::reason)),
            ("discovery_url", Value::Null),
            ("api_address", endpoint.into()),
            ("coe_version", self.version.clone().into()),
            ("container_version", Value::Null),
            ("project_id", (*self.project).into()),
            ("user_id", (*self.user).into()),
            ("node_addresses", json!([])),
            ("master_addresses", json!([])),
            ("fixed_network", Value::Null),
            ("fixed_subnet", Value::Null),
            ("floating_ip_enabled", template.is_none_or(|t| t.spec.floating_ip).into()),
            ("merge_labels", false.into()),
            ("labels_overridden", json!({})),
            ("labels_added", json!({})),
            ("labels_skipped", json!({})),
            ("master_lb_enabled", template.is_none_or(|t| t.spec.master_lb).into()),
            ("created_at", stamp::offset(self.created).into()),
            ("updated_at", self.updated.map(stamp::offset).into()),
        ] {
            shown[key] = value;
        }
        shown
    }
}
