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
mod sandbox;
mod screen;
mod secrets;
#[path = "../stage/mod.rs"]
mod stage;
