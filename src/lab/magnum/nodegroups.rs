//! Node groups: each cluster has the two that it is born with.

use serde_json::{Value, json};

use super::clusters::find;
use super::{Cluster, links};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, Version, get};
use crate::lab::exchange::Answer;
use crate::lab::stamp;

pub(super) const ROUTES: &[Route] = &[
    get("/v1/clusters/{}/nodegroups", Rule::Reader, "nodegroup:get_all", list),
    get("/v1/clusters/{}/nodegroups/{}", Rule::Reader, "nodegroup:get", show),
];

/// They came with 1.9.
fn known(call: &Call<'_>) -> Result<(), Refusal> {
    if call.version >= Version(1, 9) { Ok(()) } else { Err(Refusal::BadVersion(call.version.to_string())) }
}

fn brief(call: &Call<'_>, cluster: &Cluster, n: usize) -> Value {
    let (name, role, flavor, count) = match n {
        0 => ("default-master", "master", &cluster.master_flavor, cluster.masters),
        _ => ("default-worker", "worker", &cluster.flavor, cluster.nodes),
    };
    let image = call.world.magnum.templates.get(&cluster.template).map(|t| &*t.spec.image);
    json!({
        "uuid": &*cluster.groups[n], "name": name, "flavor_id": flavor, "image_id": image, "node_count": count, "role": role,
        "min_node_count": 0, "max_node_count": null, "is_default": true, "stack_id": cluster.stack,
        "status": cluster.status(call.world.now()).name(), "merge_labels": false,
    })
}

fn list(call: &mut Call<'_>) -> Outcome {
    known(call)?;
    let cluster = find(call, call.param(0))?;
    Ok(Answer::json(200, json!({"nodegroups": [brief(call, cluster, 0), brief(call, cluster, 1)]})))
}

fn show(call: &mut Call<'_>) -> Outcome {
    known(call)?;
    let (cluster, ident) = (find(call, call.param(0))?, call.param(1));
    let place = ["default-master", "default-worker"].iter().position(|name| *name == ident);
    let place = place.or_else(|| cluster.groups.iter().position(|id| **id == *ident));
    let n = place.ok_or_else(|| Refusal::said(404, format!("Nodegroup {ident} could not be found.")))?;
    let mut shown = brief(call, cluster, n);
    let path = format!("clusters/{}/nodegroups/{}", cluster.id, cluster.groups[n]);
    for (key, value) in [
        ("id", (n + 1).into()),
        ("cluster_id", (*cluster.id).into()),
        ("project_id", (*cluster.project).into()),
        ("docker_volume_size", Value::Null),
        ("labels", cluster.labels.clone().into()),
        ("links", links(&call.request.base, &path)),
        ("node_addresses", json!([])),
        ("status_reason", Value::Null),
        ("version", Value::Null),
        ("labels_overridden", json!({})),
        ("labels_added", json!({})),
        ("labels_skipped", json!({})),
        ("created_at", stamp::offset(cluster.created).into()),
        ("updated_at", cluster.updated.map(stamp::offset).into()),
    ] {
        shown[key] = value;
    }
    Ok(Answer::json(200, shown))
}
