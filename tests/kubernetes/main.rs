//! Kubernetes over real sockets, against a small API server in the test.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's support fails as a test does")]

#[path = "../kube_server/mod.rs"]
mod kube_server;

mod ambient;
mod changes;
mod commands;
mod discovery;
mod following;
mod lease;
mod reads;
mod tls;

use rhumb::systems::kubernetes::{KindName, ObjectRef, Selection};

fn kind(name: &str) -> KindName {
    name.parse().unwrap()
}

fn object(kind_name: &str, name: &str) -> ObjectRef {
    ObjectRef::new(kind(kind_name), name)
}

fn all(kind_name: &str) -> Selection {
    Selection::of(kind(kind_name))
}
