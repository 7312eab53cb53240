//! A site from its directory: what is understood, and what is told where it is wrong.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

mod cloud;
mod credentials;
mod directory;
mod errors;
mod examples;
mod overrides;
mod policy;
mod refused;
#[path = "../rig/mod.rs"]
mod rig;
mod wiring;
