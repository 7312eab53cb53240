//! Rhumb runs operations procedures for OpenStack and Kubernetes clouds as Rhai runbooks.
//!
//! The floors, from the bottom: `base`, `systems`, `site`, `run`, `script`, then
//! `report`, `lab` and `lint`, then `repl`, then `cli`. A file uses only floors below its own
//! (`tests/floors.rs` holds that); `ARCHITECTURE.md` says what lives where.

#![deny(clippy::disallowed_macros, clippy::disallowed_methods)]

pub mod base;
pub mod cli;
pub mod lab;
pub mod lint;
pub mod repl;
pub mod report;
pub mod run;
pub mod script;
pub mod site;
pub mod systems;
