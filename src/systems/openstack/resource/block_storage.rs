//! Cinder.

use crate::systems::openstack::service::BLOCK_STORAGE;

use super::action::Destroyer;
use super::proof::Proofs;
use super::row::{Resource, States, Update, Verbs};

// Filters are compared here: for who is no administrator Cinder drops those that it does not care for, and answers with
// everything.
const CINDER: Resource = Resource {
    service: &BLOCK_STORAGE,
    options: &["all_tenants"],
    sends_filters: false,
    verbs: Verbs::all(Update::Put),
    proofs: Proofs::of(&[202], &[200], &[202]),
    ..Resource::BASE
};

pub(super) const ROWS: &[Resource] = &[
    Resource {
        name: "volumes",
        title: "volume",
        doc: "Disks of their own; the `metadata` of one that a cluster made tells which cluster and which claim.",
        path: "/volumes",
        list_path: Some("/volumes/detail"),
        collection_key: "volumes",
        item_key: Some("volume"),
        states: Some(States {
            field: "status",
            settled: &["available", "in-use"],
            failed: &["error", "error_deleting", "error_extending", "error_restoring"],
            task: None,
        }),
        destroyers: &[
            Destroyer::action("os-force_delete"),
            Destroyer::action("os-unmanage"),
            Destroyer::action("os-reimage"),
            Destroyer::action("revert"),
        ],
        columns: &["id", "name", "status", "size", "created_at"],
        ..CINDER
    },
    Resource {
        name: "volume_snapshots",
        title: "snapshot of a volume",
        doc: "Snapshots of volumes; a volume that has one is not deleted.",
        path: "/snapshots",
        list_path: Some("/snapshots/detail"),
        collection_key: "snapshots",
        item_key: Some("snapshot"),
        states: Some(States {
            field: "status",
            settled: &["available"],
            failed: &["error", "error_deleting"],
            task: None,
        }),
        destroyers: &[Destroyer::action("os-force_delete"), Destroyer::action("os-unmanage")],
        columns: &["id", "name", "status", "volume_id", "created_at"],
        ..CINDER
    },
];
