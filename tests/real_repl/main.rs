//! The session at a terminal, driven by tmux: in the lab, and at the testbed's cloud.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

mod cloud;
mod lab;
#[path = "../rig/mod.rs"]
mod rig;
mod terminal;
#[path = "../testbed/mod.rs"]
mod testbed;
