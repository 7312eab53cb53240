//! Glance.

use crate::systems::openstack::service::IMAGE;

use super::action::{Action, Body, UndoBy, Via};
use super::proof::{Proof, Proofs};
use super::row::{Resource, States, Update, Verbs};

pub(super) const ROWS: &[Resource] = &[Resource {
    name: "images",
    title: "image",
    doc: "Disk images; their own properties stand beside Glance's.",
    service: &IMAGE,
    path: "/images",
    collection_key: "images",
    options: &[
        "visibility",
        "member_status",
        "tag",
        "size_min",
        "size_max",
        "created_at",
        "updated_at",
        "os_hidden",
    ],
    verbs: Verbs::all(Update::ImagePatch),
    proofs: Proofs::of(&[201], &[200], &[204]),
    actions: &[
        Action {
            name: "stage",
            doc: "Sends a file's bytes, to be imported: what converts an image does it there.",
            phrase: "send bytes to",
            via: Via::Put,
            path: "/stage",
            body: Body::File,
            proof: Proof::nothing(&[204]),
            undo: UndoBy::By("delete the image"),
            ..Action::BASE
        },
        // `import` is a word of Rhai's
        Action {
            name: "import_data",
            doc: "Imports what was staged, or from elsewhere: `method: #{ name: \"glance-direct\" }`.",
            phrase: "import",
            path: "/import",
            body: Body::Args,
            proof: Proof::nothing(&[202]),
            microversion: Some("2.6"),
            undo: UndoBy::By("delete the image"),
            ..Action::BASE
        },
        Action {
            name: "tasks",
            doc: "What an import did, and why it failed.",
            phrase: "show the tasks of",
            via: Via::Get,
            path: "/tasks",
            microversion: Some("2.12"),
            result_key: Some("tasks"),
            ..Action::BASE
        },
        Action {
            name: "deactivate",
            doc: "Forbids its use to all but administrators.",
            phrase: "deactivate",
            path: "/actions/deactivate",
            proof: Proof::nothing(&[204]),
            undo: UndoBy::By("reactivate it"),
            ..Action::BASE
        },
        Action {
            name: "reactivate",
            doc: "Allows its use again.",
            phrase: "reactivate",
            path: "/actions/reactivate",
            proof: Proof::nothing(&[204]),
            undo: UndoBy::By("deactivate it"),
            ..Action::BASE
        },
    ],
    // `queued` with `os_glance_failed_import` has failed as well
    states: Some(States {
        field: "status",
        settled: &["active"],
        failed: &["killed", "deleted", "deactivated"],
        task: None,
    }),
    columns: &["id", "name", "status", "visibility", "disk_format", "size", "updated_at"],
    ..Resource::BASE
}];
