//! The sixteen defects of the source procedures, each twice: the procedure's own lines pass over a fault,
//! and Rhumb fails by it. The lines are the procedures', word for word where they stand alone; the
//! programs they call are played and answer what the real ones were seen to answer.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

mod kube_server;
mod played;
mod stage;
mod stub_cloud;

#[path = "defects/bash.rs"]
mod bash;
#[path = "defects/charms.rs"]
mod charms;
#[path = "defects/clients.rs"]
mod clients;
#[path = "defects/failovers.rs"]
mod failovers;
#[path = "defects/identity.rs"]
mod identity;
#[path = "defects/inside.rs"]
mod inside;
#[path = "defects/room.rs"]
mod room;
#[path = "defects/template.rs"]
mod template;
#[path = "defects/waits.rs"]
mod waits;
