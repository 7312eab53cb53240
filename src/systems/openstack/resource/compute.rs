//! Nova.

use crate::systems::openstack::policy::{ADMIN, ANYONE, MEMBER};
use crate::systems::openstack::service::COMPUTE;

use super::action::{Action, Body, Destroyer, Edge, UndoBy, Via};
use super::proof::{Proof, Proofs, Shape};
use super::row::{NameFilter, Resource, Roles, States, Update, Verbs};

const NOVA: Resource = Resource { service: &COMPUTE, ..Resource::BASE };

/// An edge of a server's status: Nova may pass it too quickly for states on the way to be seen.
const fn becomes(to: &'static str, task: &'static str) -> Option<Edge> {
    Some(Edge { field: "status", through: &[], to, failed: &["ERROR"], task: Some(task) })
}

const SERVER_ACTIONS: &[Action] = &[
    Action {
        name: "start",
        doc: "Starts a server that is SHUTOFF.",
        phrase: "start",
        body: Body::Json(r#"{"os-start": null}"#),
        proof: Proof::nothing(&[202]),
        undo: UndoBy::By("stop it"),
        edge: becomes("ACTIVE", "powering-on"),
        ..Action::BASE
    },
    Action {
        name: "stop",
        doc: "Stops a server that is ACTIVE or ERROR; the guest is asked to shut down first.",
        phrase: "stop",
        body: Body::Json(r#"{"os-stop": null}"#),
        proof: Proof::nothing(&[202]),
        undo: UndoBy::By("start it"),
        edge: becomes("SHUTOFF", "powering-off"),
        ..Action::BASE
    },
    Action {
        name: "reboot",
        doc: "Restarts the guest; with `type: \"HARD\"` the machine.",
        phrase: "reboot",
        body: Body::Under("reboot", r#"{"type": "SOFT"}"#),
        proof: Proof::nothing(&[202]),
        undo: UndoBy::Never,
        edge: Some(Edge {
            field: "status",
            through: &["REBOOT", "HARD_REBOOT"],
            to: "ACTIVE",
            failed: &["ERROR"],
            task: None,
        }),
        ..Action::BASE
    },
    Action {
        name: "lock",
        doc: "Forbids changes to all but administrators.",
        phrase: "lock",
        body: Body::Json(r#"{"lock": null}"#),
        proof: Proof::nothing(&[202]),
        undo: UndoBy::By("unlock it"),
        ..Action::BASE
    },
    Action {
        name: "unlock",
        doc: "Allows changes again.",
        phrase: "unlock",
        body: Body::Json(r#"{"unlock": null}"#),
        proof: Proof::nothing(&[202]),
        undo: UndoBy::By("lock it"),
        ..Action::BASE
    },
    Action {
        name: "instance_actions",
        doc: "What was done to the server, when, and how it ended.",
        phrase: "show what was done to",
        via: Via::Get,
        path: "/os-instance-actions",
        result_key: Some("instanceActions"),
        ..Action::BASE
    },
    Action {
        name: "interfaces",
        doc: "The ports that the server has.",
        phrase: "show the ports of",
        via: Via::Get,
        path: "/os-interface",
        result_key: Some("interfaceAttachments"),
        ..Action::BASE
    },
    Action {
        name: "console_output",
        doc: "The last lines of the server's console; `length` says how many.",
        phrase: "show the console of",
        via: Via::Query,
        body: Body::Under("os-getConsoleOutput", r#"{"length": 200}"#),
        needs: Some(MEMBER),
        result_key: Some("output"),
        ..Action::BASE
    },
];

/// A rebuild and an evacuation write the disk anew, a backup deletes the oldest, and of a resize one of two machines goes.
const SERVER_DESTROYERS: &[Destroyer] = &[
    Destroyer::action("forceDelete"),
    Destroyer::action("rebuild"),
    Destroyer::action("evacuate"),
    Destroyer::action("createBackup"),
    Destroyer::action("confirmResize"),
    Destroyer::action("revertResize"),
];

pub(super) const ROWS: &[Resource] = &[
    Resource {
        name: "servers",
        title: "server",
        doc: "Virtual machines of the project; with `all_tenants: true` of every project (admin).",
        path: "/servers",
        list_path: Some("/servers/detail"),
        collection_key: "servers",
        item_key: Some("server"),
        name_filter: NameFilter::Regex("name"),
        options: &[
            "all_tenants",
            "project_id",
            "changes-since",
            "changes-before",
            "deleted",
            "ip",
            "ip6",
            "host",
            "availability_zone",
            "tags",
            "tags-any",
            "not-tags",
            "not-tags-any",
        ],
        // 2.9 tells whether it is locked, 2.37 takes `networks: "none"`; 2.47 would hide the flavor's id
        microversion: Some("2.37"),
        verbs: Verbs::all(Update::Put),
        proofs: Proofs {
            // several at once are told by their reservation, if that was asked for
            create: Proof {
                statuses: &[202],
                body: Shape::AnyOf(&[Shape::Thing, Shape::Has("reservation_id")]),
            },
            ..Proofs::of(&[202], &[200], &[204])
        },
        actions: SERVER_ACTIONS,
        destroyers: SERVER_DESTROYERS,
        states: Some(States {
            field: "status",
            settled: &["ACTIVE", "SHUTOFF"],
            failed: &["ERROR"],
            task: Some("OS-EXT-STS:task_state"),
        }),
        columns: &["id", "name", "status", "OS-EXT-STS:task_state", "tenant_id", "created"],
        secrets: &["adminPass", "user_data", "OS-EXT-SRV-ATTR:user_data"],
        ..NOVA
    },
    Resource {
        name: "flavors",
        title: "flavor",
        doc: "Sizes of servers.",
        path: "/flavors",
        list_path: Some("/flavors/detail"),
        collection_key: "flavors",
        item_key: Some("flavor"),
        name_filter: NameFilter::None,
        options: &["is_public", "minRam", "minDisk"],
        // extra_specs, where a flavor's required traits are
        microversion: Some("2.61"),
        verbs: Verbs::all(Update::Put),
        proofs: Proofs::of(&[200], &[200], &[202]),
        roles: Roles { read: ANYONE, write: ADMIN },
        columns: &["id", "name", "ram", "vcpus", "disk", "os-flavor-access:is_public"],
        ..NOVA
    },
    Resource {
        name: "keypairs",
        title: "keypair",
        doc: "SSH keys of the user, not of the project.",
        path: "/os-keypairs",
        collection_key: "keypairs",
        item_key: Some("keypair"),
        id_key: "name",
        name_key: None,
        name_filter: NameFilter::None,
        options: &["user_id"],
        microversion: Some("2.10"),
        verbs: Verbs { update: Update::None, ..Verbs::all(Update::None) },
        // the first of each before 2.2, the second from there
        proofs: Proofs::of(&[200, 201], &[], &[202, 204]),
        roles: Roles { read: ANYONE, write: ANYONE },
        columns: &["name", "type", "fingerprint"],
        secrets: &["private_key"],
        ..NOVA
    },
    Resource {
        name: "hypervisors",
        title: "hypervisor",
        doc: "Machines that run servers.",
        path: "/os-hypervisors",
        list_path: Some("/os-hypervisors/detail"),
        collection_key: "hypervisors",
        item_key: Some("hypervisor"),
        name_key: Some("hypervisor_hostname"),
        name_filter: NameFilter::None,
        options: &["with_servers", "hypervisor_hostname_pattern"],
        sends_filters: false,
        // ids are UUIDs from 2.53; the memory fields are gone from 2.88
        microversion: Some("2.53"),
        roles: Roles { read: ADMIN, write: ADMIN },
        states: Some(States { field: "state", settled: &["up"], failed: &["down"], task: None }),
        columns: &[
            "id",
            "hypervisor_hostname",
            "state",
            "status",
            "memory_mb_used",
            "memory_mb",
            "running_vms",
        ],
        ..NOVA
    },
    Resource {
        name: "compute_services",
        title: "compute service",
        doc: "Nova's own processes on each machine.",
        path: "/os-services",
        collection_key: "services",
        name_key: None,
        label: Some("{binary} on {host}"),
        name_filter: NameFilter::None,
        microversion: Some("2.53"),
        verbs: Verbs { get: false, update: Update::Put, ..Verbs::READ },
        proofs: Proofs {
            update: Proof { statuses: &[200], body: Shape::Under("service") },
            ..Proofs::UNSTATED
        },
        roles: Roles { read: ADMIN, write: ADMIN },
        states: Some(States { field: "state", settled: &["up"], failed: &["down"], task: None }),
        columns: &["id", "binary", "host", "status", "state", "disabled_reason", "updated_at"],
        ..NOVA
    },
];
