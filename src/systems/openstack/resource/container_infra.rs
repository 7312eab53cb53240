//! Magnum.

use crate::systems::openstack::policy::{ADMIN, ANYONE, MEMBER};
use crate::systems::openstack::service::CONTAINER_INFRA;

use super::action::{Action, Body, Destroyer, UndoBy, Via};
use super::proof::{Proof, Proofs, Shape};
use super::row::{NameFilter, Resource, Roles, States, Update, Verbs};

const MAGNUM: Resource = Resource {
    service: &CONTAINER_INFRA,
    id_key: "uuid",
    name_filter: NameFilter::None,
    // Magnum refuses query keys that it does not know
    sends_filters: false,
    // nodegroups since 1.9, clusters without nodes since 1.10
    microversion: Some("1.10"),
    verbs: Verbs::all(Update::JsonPatch),
    // of a cluster and of a node group the answer may tell the id alone
    proofs: Proofs::of(&[202], &[202], &[204]),
    ..Resource::BASE
};

const STATUS: Option<States> = Some(States {
    field: "status",
    settled: &[
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "RESUME_COMPLETE",
        "RESTORE_COMPLETE",
        "ROLLBACK_COMPLETE",
        "SNAPSHOT_COMPLETE",
        "CHECK_COMPLETE",
        "ADOPT_COMPLETE",
        "DELETE_COMPLETE",
    ],
    failed: &["CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED", "RESUME_FAILED", "ROLLBACK_FAILED"],
    task: None,
});

pub(super) const ROWS: &[Resource] = &[
    Resource {
        name: "clusters",
        title: "cluster",
        doc: "Kubernetes clusters. A deleted one is gone: its last state is not to be seen.",
        path: "/clusters",
        collection_key: "clusters",
        list_is_brief: true,
        actions: &[
            Action {
                name: "nodegroups",
                doc: "Its groups of nodes, each with its own status.",
                phrase: "show the node groups of",
                via: Via::Get,
                path: "/nodegroups",
                result_key: Some("nodegroups"),
                ..Action::BASE
            },
            Action {
                name: "resize",
                doc: "Sets the number of nodes: `#{ node_count: 3 }`, with `nodegroup` another than the default.",
                phrase: "resize",
                path: "/actions/resize",
                body: Body::Args,
                proof: Proof { statuses: &[202], body: Shape::Id("uuid") },
                undo: UndoBy::By("resize it again"),
                ..Action::BASE
            },
            Action {
                name: "upgrade",
                doc: "Moves it to another template: `#{ cluster_template: id }`.",
                phrase: "upgrade",
                path: "/actions/upgrade",
                body: Body::Args,
                proof: Proof { statuses: &[202], body: Shape::Id("uuid") },
                undo: UndoBy::Never,
                ..Action::BASE
            },
        ],
        states: STATUS,
        columns: &["uuid", "name", "status", "health_status", "master_count", "node_count"],
        ..MAGNUM
    },
    Resource {
        name: "cluster_templates",
        title: "cluster template",
        doc: "What clusters are made from.",
        path: "/clustertemplates",
        collection_key: "clustertemplates",
        proofs: Proofs::of(&[201], &[200], &[204]),
        columns: &["uuid", "name", "image_id", "coe", "network_driver", "public"],
        ..MAGNUM
    },
    Resource {
        name: "nodegroups",
        title: "node group",
        doc: "Groups of nodes of a cluster: `#{ cluster: id }`.",
        path: "/clusters/{cluster}/nodegroups",
        collection_key: "nodegroups",
        list_is_brief: true,
        states: STATUS,
        columns: &["uuid", "name", "status", "role", "node_count", "flavor_id"],
        ..MAGNUM
    },
    Resource {
        name: "certificates",
        title: "certificate",
        doc: "A cluster's certificate authority, by the cluster's id; creating one signs a request: `#{ cluster_uuid: id, csr: pem }`. For the cluster's own user and administrators.",
        path: "/certificates",
        id_key: "cluster_uuid",
        name_key: None,
        destroyers: &[Destroyer { method: "PATCH", path: "", key: None }],
        verbs: Verbs { list: false, get: true, create: true, update: Update::None, delete: false },
        roles: Roles { read: ANYONE, write: MEMBER },
        proofs: Proofs { create: Proof { statuses: &[201], body: Shape::Has("pem") }, ..Proofs::UNSTATED },
        columns: &["cluster_uuid", "pem"],
        ..MAGNUM
    },
    Resource {
        name: "mservices",
        title: "Magnum service",
        doc: "Magnum's own processes.",
        path: "/mservices",
        collection_key: "mservices",
        id_key: "id",
        name_key: None,
        label: Some("{binary} on {host}"),
        verbs: Verbs { get: false, ..Verbs::READ },
        roles: Roles { read: ADMIN, write: ADMIN },
        states: Some(States { field: "state", settled: &["up"], failed: &["down"], task: None }),
        columns: &["id", "binary", "host", "state", "disabled", "updated_at"],
        ..MAGNUM
    },
];
