//! Floor 1: the systems a runbook reaches, as plain async Rust that knows nothing of scripts.
//!
//! Requests are built by pure functions; whatever changes a system takes a
//! [`Permit`](crate::base::Permit) by value.

pub mod certificate;
pub mod command;
pub mod download;
pub mod file;
pub mod http;
pub mod kubernetes;
pub mod openstack;
pub mod probe;
pub mod ssh;
pub mod tool;
