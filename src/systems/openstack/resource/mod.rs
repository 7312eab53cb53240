//! The resources as data: one row each, in one file per service. A row says where a resource lives,
//! how its lists are read, what it needs, and what can be done to it; nothing else knows.

mod action;
mod block_storage;
mod build;
mod compute;
mod container_infra;
mod identity;
mod image;
mod load_balancer;
mod network;
mod placement;
mod proof;
mod recognise;
mod row;
mod secrets;

use crate::base::error::nearest;
use crate::base::{Error, ErrorKind, Result};

pub use action::{Action, Body, Destroyer, Edge, UndoBy, Via};
pub(super) use build::scalar;
pub use build::{Item, action_call, create_call, delete_call, get_call, list_call, update_call};
pub(super) use proof::flaw;
pub use proof::{Proof, Proofs, Shape};
pub(super) use recognise::{Aim, aim, described_call, destroys, recognise};
pub use recognise::{Named, named};
pub use row::{NameFilter, Resource, Roles, States, Update, Verbs};
pub use secrets::{guarded, secrets};

/// Every row.
pub fn all() -> impl Iterator<Item = &'static Resource> {
    [
        compute::ROWS,
        identity::ROWS,
        image::ROWS,
        network::ROWS,
        load_balancer::ROWS,
        placement::ROWS,
        container_infra::ROWS,
        block_storage::ROWS,
    ]
    .into_iter()
    .flatten()
}

/// The row of a name.
///
/// # Errors
/// [`ErrorKind::Argument`], with the nearest name.
pub fn find(name: &str) -> Result<&'static Resource> {
    all().find(|row| row.name == name).ok_or_else(|| {
        let e = Error::new(ErrorKind::Argument, format!("there is no resource `{name}`"));
        match nearest(name, all().map(|row| row.name)) {
            Some(meant) => e.help(format!("did you mean `{meant}`?")),
            None => e.help(format!("there are {}", all().map(|row| row.name).collect::<Vec<_>>().join(", "))),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use serde_json::Value;

    #[test]
    fn every_row_is_whole() {
        let mut names = BTreeSet::new();
        for row in all() {
            assert!(names.insert(row.name), "{} twice", row.name);
            assert!(
                !row.title.is_empty() && row.doc.ends_with('.') && row.path.starts_with('/'),
                "{}",
                row.name
            );
            assert!(!row.verbs.list || !row.collection_key.is_empty(), "{}", row.name);
            assert!(!row.columns.is_empty(), "{}", row.name);
            for version in
                [row.microversion, row.create_microversion, row.delete_microversion].into_iter().flatten()
            {
                version.parse::<crate::systems::openstack::Version>().unwrap();
            }
            let stated = |verb: &str| row.proof(verb).is_some_and(|proof| !proof.statuses.is_empty());
            assert!(!row.verbs.create || stated("create"), "{}: what proves that one was made?", row.name);
            assert!(row.verbs.update == Update::None || stated("update"), "{}: a change?", row.name);
            assert!(!row.verbs.delete || stated("delete"), "{}: a deletion?", row.name);
            let mut verbs = BTreeSet::new();
            for operation in row.operations() {
                assert!(verbs.insert(operation.verb), "{operation} twice");
            }
        }
    }

    #[test]
    fn every_action_is_whole() {
        for (row, action) in all().flat_map(|row| row.actions.iter().map(move |a| (row, a))) {
            let name = format!("{}.{}", row.name, action.name);
            assert!(action.doc.ends_with('.') && !action.phrase.is_empty(), "{name}");
            assert!(action.path.is_empty() || action.path.starts_with('/'), "{name}");
            assert_eq!(action.reads(), action.result_key.is_some(), "{name}");
            assert_eq!(
                action.reads(),
                action.proof.statuses.is_empty(),
                "{name}: what proves that it was done?"
            );
            if let Body::Json(text) | Body::Under(_, text) = action.body {
                serde_json::from_str::<Value>(text).unwrap();
            }
            if let (Some(edge), Some(states)) = (action.edge, row.states) {
                assert_eq!(edge.field, states.field, "{name}");
                assert!(states.settled.contains(&edge.to), "{name}");
                assert!(edge.failed.iter().all(|s| states.failed.contains(s)), "{name}");
            }
        }
    }

    #[test]
    fn a_wrong_name_gets_the_likely_one() {
        let e = find("loadbalancers").unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Argument);
        assert_eq!(e.detail().help.as_deref(), Some("did you mean `load_balancers`?"));
    }
}
