//! What scripts reach, over real sockets: clusters and clouds that do what a test says.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

#[path = "../kube_server/mod.rs"]
mod kube_server;
#[path = "../loopback/mod.rs"]
mod loopback;
#[path = "../stage/mod.rs"]
mod stage;
#[path = "../stub_cloud/mod.rs"]
mod stub_cloud;

mod files;
mod glance;
mod kubernetes;
mod magnum;
mod site;
