//! Octavia.

use crate::systems::openstack::policy::{LB_ADMIN, LB_READ, LB_WRITE};
use crate::systems::openstack::service::LOAD_BALANCER;

use super::action::{Action, Destroyer, Edge, UndoBy, Via};
use super::proof::{Proof, Proofs};
use super::row::{NameFilter, Resource, Roles, States, Update, Verbs};

const OCTAVIA: Resource = Resource {
    service: &LOAD_BALANCER,
    options: &["tags", "tags-any", "not-tags", "not-tags-any"],
    verbs: Verbs::all(Update::Put),
    // the reference has 202 for an update, and the service answers 200
    proofs: Proofs::of(&[201], &[200, 202], &[204]),
    roles: Roles { read: LB_READ, write: LB_WRITE },
    states: PROVISIONING,
    ..Resource::BASE
};

/// PENDING_* is a lock: nothing else can be done meanwhile.
const PROVISIONING: Option<States> =
    Some(States { field: "provisioning_status", settled: &["ACTIVE"], failed: &["ERROR"], task: None });

pub(super) const ROWS: &[Resource] = &[
    Resource {
        name: "load_balancers",
        title: "load balancer",
        doc: "Load balancers of the project; for an administrator of every project.",
        path: "/lbaas/loadbalancers",
        collection_key: "loadbalancers",
        item_key: Some("loadbalancer"),
        options: &["cascade", "tags", "tags-any", "not-tags", "not-tags-any"],
        actions: &[
            Action {
                name: "failover",
                doc: "Builds new amphorae and deletes the old ones. Taken from ACTIVE and ERROR alone; needs room for one more amphora, and ends in ERROR without.",
                phrase: "fail over",
                via: Via::Put,
                path: "/failover",
                proof: Proof::nothing(&[202]),
                needs: Some(LB_ADMIN),
                undo: UndoBy::Never,
                destroys: true,
                edge: Some(Edge {
                    field: "provisioning_status",
                    through: &["PENDING_UPDATE"],
                    to: "ACTIVE",
                    failed: &["ERROR"],
                    task: None,
                }),
                ..Action::BASE
            },
            Action {
                name: "status_tree",
                doc: "The states of its listeners, pools and members, which it does not tell itself.",
                phrase: "show the status tree of",
                via: Via::Get,
                path: "/status",
                result_key: Some("statuses"),
                ..Action::BASE
            },
            Action {
                name: "stats",
                doc: "Its counters of connections and bytes.",
                phrase: "show the counters of",
                via: Via::Get,
                path: "/stats",
                result_key: Some("stats"),
                ..Action::BASE
            },
        ],
        columns: &[
            "id",
            "name",
            "provisioning_status",
            "operating_status",
            "vip_address",
            "provider",
            "project_id",
        ],
        ..OCTAVIA
    },
    Resource {
        name: "listeners",
        title: "listener",
        doc: "Ports that load balancers listen on.",
        path: "/lbaas/listeners",
        collection_key: "listeners",
        item_key: Some("listener"),
        columns: &["id", "name", "provisioning_status", "operating_status", "protocol", "protocol_port"],
        ..OCTAVIA
    },
    Resource {
        name: "pools",
        title: "pool",
        doc: "Groups of members behind listeners.",
        path: "/lbaas/pools",
        collection_key: "pools",
        item_key: Some("pool"),
        // the members that such a list leaves out are deleted
        destroyers: &[Destroyer { method: "PUT", path: "/members", key: None }],
        columns: &["id", "name", "provisioning_status", "operating_status", "protocol", "lb_algorithm"],
        ..OCTAVIA
    },
    Resource {
        name: "members",
        title: "member",
        doc: "Servers of a pool: `#{ pool: id }`.",
        path: "/lbaas/pools/{pool}/members",
        collection_key: "members",
        item_key: Some("member"),
        columns: &["id", "name", "provisioning_status", "operating_status", "address", "protocol_port"],
        ..OCTAVIA
    },
    Resource {
        name: "health_monitors",
        title: "health monitor",
        doc: "How members are watched.",
        path: "/lbaas/healthmonitors",
        collection_key: "healthmonitors",
        item_key: Some("healthmonitor"),
        columns: &["id", "name", "provisioning_status", "operating_status", "type"],
        ..OCTAVIA
    },
    Resource {
        name: "amphorae",
        title: "amphora",
        doc: "The servers that load balancers run on, of every project.",
        path: "/octavia/amphorae",
        collection_key: "amphorae",
        item_key: Some("amphora"),
        name_key: None,
        label: Some("{role} of load balancer {loadbalancer_id}"),
        name_filter: NameFilter::None,
        delete_microversion: Some("2.20"),
        verbs: Verbs { delete: true, ..Verbs::READ },
        roles: Roles { read: LB_ADMIN, write: LB_ADMIN },
        actions: &[Action {
            name: "failover",
            doc: "Replaces one amphora of its load balancer.",
            phrase: "fail over",
            via: Via::Put,
            path: "/failover",
            proof: Proof::nothing(&[202]),
            undo: UndoBy::Never,
            destroys: true,
            ..Action::BASE
        }],
        states: Some(States {
            field: "status",
            settled: &["ALLOCATED", "READY"],
            failed: &["ERROR", "FAILOVER_STOPPED"],
            task: None,
        }),
        columns: &["id", "loadbalancer_id", "status", "role", "compute_id", "lb_network_ip", "created_at"],
        ..OCTAVIA
    },
];
