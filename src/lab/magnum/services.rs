//! Magnum's own services, statistics and quotas.

use serde_json::json;

use super::Cluster;
use crate::lab::api::{Call, Outcome, Route, Rule, get};
use crate::lab::exchange::Answer;
use crate::lab::stamp;

pub(super) const ROUTES: &[Route] = &[
    get("/v1/mservices", Rule::Admin, "magnum-service:get_all", conductors),
    get("/v1/stats", Rule::Reader, "stats:get_all", stats),
    get("/v1/quotas", Rule::Admin, "quota:get_all", quotas),
];

fn conductors(call: &mut Call<'_>) -> Outcome {
    let now = stamp::offset(call.world.now());
    let one = json!({"host": "magnum-0", "binary": "magnum-conductor", "state": "up", "id": 1, "report_count": 1, "disabled": false,
        "disabled_reason": null, "created_at": now, "updated_at": now});
    Ok(Answer::json(200, json!({"mservices": [one]})))
}

fn stats(call: &mut Call<'_>) -> Outcome {
    let asked = call.query("project_id");
    let project = asked.unwrap_or_else(|| call.who.project.to_string());
    let own: Vec<&Cluster> = call
        .world
        .magnum
        .clusters
        .iter()
        .filter(|c| *c.project == *project && call.sees(&c.project))
        .collect();
    let nodes: u32 = own.iter().map(|c| c.masters + c.nodes).sum();
    Ok(Answer::json(200, json!({"clusters": own.len(), "nodes": nodes})))
}

fn quotas(_: &mut Call<'_>) -> Outcome {
    Ok(Answer::json(200, json!({"quotas": []})))
}
