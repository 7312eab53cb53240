//! An approval covers what was shown, and nothing else.

/// `--approve`: forms that cannot be taken for each other.
mod forms;
/// What is shown of a request is what is sent.
mod paths;
/// What is replaced by a file is shown, and destroyed.
mod replaced;
/// What a call by hand says of itself, and what is known of it whatever it says.
mod requests;

use crate::{rig, stub_cloud};

use rhumb::base::Intent;
use rhumb::run::{Entry, Record};
use serde_json::json;

use stub_cloud::StubCloud;

const A: &str = "11111111-2222-4333-8444-555555555555";
const B: &str = "22222222-2222-4333-8444-555555555555";

/// A cloud that accepts every change, and has the network `prod`, the server `vm` and a compute service.
async fn cloud() -> StubCloud {
    stub_cloud::start(|seen, _| {
        let id = if seen.path.contains(B) { B } else { A };
        match (seen.method.as_str(), seen.path.split('?').next().unwrap_or_default()) {
            ("GET", "/compute/") => (300, json!({"versions": [{"id": "v2.1", "version": "2.96", "min_version": "2.1"}]})),
            ("GET", path) if path.ends_with("/os-services") => {
                (200, json!({"services": [{"id": id, "binary": "nova-compute", "host": "compute-1", "status": "enabled"}]}))
            }
            ("GET", path) if path.contains("/networks/") => (200, json!({"network": {"id": id, "name": "prod"}})),
            ("GET", path) if path.contains("/servers/") => (200, json!({"server": {"id": id, "name": "vm"}})),
            ("GET", path) if path.contains("/loadbalancers/") => (200, json!({"loadbalancer": {"id": id, "name": "api"}})),
            ("GET", _) => (200, json!({})),
            _ => stub_cloud::documented(seen),
        }
    })
    .await
}

/// The changes that a cloud was asked for, with path and query as they came.
fn changes(cloud: &StubCloud) -> Vec<String> {
    let stage = cloud.stage();
    let changes = stage.seen.iter().filter(|s| s.method != "GET" && !s.path.starts_with("/identity"));
    changes.map(|s| format!("{} {}", s.method, s.path)).collect()
}

/// What was approved, with who approved it.
fn approved(entries: &[Entry]) -> Vec<(Intent, String)> {
    let intents = entries.iter().filter_map(|e| match &e.record {
        Record::Intent { intent, approved, .. } => Some((intent.clone(), approved.clone())),
        _ => None,
    });
    intents.collect()
}
