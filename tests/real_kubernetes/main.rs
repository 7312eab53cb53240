//! Kubernetes against the testbed's real API server, which is 1.20: older than what Rhumb is written for, and the newest that a
//! distribution has the source of.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's support fails as a test does")]

#[path = "../kube_contract/mod.rs"]
mod kube_contract;
#[path = "../kube_server/mod.rs"]
mod kube_server;
#[path = "../rig/mod.rs"]
mod rig;
#[path = "../testbed/mod.rs"]
mod testbed;

mod access;
mod cluster_api;
mod lease;
mod objects;
mod packaging;
mod place;
mod waits;

use kube_contract::record;
use place::admin;

async fn real() -> [rhumb::systems::kubernetes::Kube; 1] {
    [admin().in_namespace("default")]
}

kube_contract::contract!(real);

#[tokio::test]
async fn the_server_answers_as_recorded() {
    let seen = record::play(&admin().in_namespace("default")).await;
    if std::env::var_os("RHUMB_RECORD_CONTRACT").is_some() {
        return record::record(&seen);
    }
    let wrong = record::differences(&record::witness(), &seen, &[]);
    assert!(wrong.is_empty(), "{} places differ from the record:\n{}", wrong.len(), wrong.join("\n"));
}
