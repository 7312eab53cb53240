//! The resources as data: one row each, in one file per service. A row says where a resource lives,
//! how its lists are read, what it needs, and what can be done to it; nothing else knows.

mod action;
mod build;
mod compute;
mod container_infra;
mod identity;
mod image;
mod load_balancer;
mod network;
mod placement;
mod row;

use crate::base::error::nearest;
use crate::base::{Error, ErrorKind, Result};

pub use action::{Action, Body, Edge, UndoBy, Via};
pub(super) use build::scalar;
pub use build::{Item, action_call, create_call, delete_call, get_call, list_call, update_call};
pub use row::{NameFilter, Resource, Roles, States, Update, Verbs};

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
