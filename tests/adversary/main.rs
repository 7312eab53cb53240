//! The adversary's suite: what scripts, names, answers and files try against the promises of `docs/security.md`.
//!
//! `README.md` beside this file says how to add a case: most take one file and no code.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what went wrong by panicking"
)]

mod approvals;
mod crashes;
mod endings;
mod evidence;
mod promises;
mod sandbox;
mod screen;
mod secrets;

#[path = "../kube_server/mod.rs"]
mod kube_server;
#[path = "../loopback/mod.rs"]
mod loopback;
#[path = "../rig/mod.rs"]
mod rig;
#[path = "../stage/mod.rs"]
mod stage;
#[path = "../stub_cloud/mod.rs"]
mod stub_cloud;
