//! The API of clusters.

use serde_json::{Map, Value, json};

use super::{Cluster, NewCluster, Status, invalid, named, page, templates};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, Version, delete, get, patch, post};
use crate::lab::exchange::Answer;

pub(super) const ROUTES: &[Route] = &[
    get("/v1/clusters", Rule::Reader, "cluster:get_all", list),
    get("/v1/clusters/detail", Rule::Reader, "cluster:detail", detail),
    post("/v1/clusters", Rule::Member, "cluster:create", create),
    get("/v1/clusters/{}", Rule::Reader, "cluster:get", show),
    patch("/v1/clusters/{}", Rule::Member, "cluster:update", update),
    delete("/v1/clusters/{}", Rule::Member, "cluster:delete", remove),
    post("/v1/clusters/{}/actions/resize", Rule::Member, "cluster:resize", resize),
];

/// The cluster of an id or a name.
pub(super) fn find<'c>(call: &'c Call<'_>, ident: &str) -> Result<&'c Cluster, Refusal> {
    let seen = |c: &Cluster| call.sees(&c.project);
    named(&call.world.magnum.clusters, ident, seen, |c| &c.name, ("Cluster", "clusters"))
}

fn list(call: &mut Call<'_>) -> Outcome {
    let seen = |c: &Cluster| *c.project == *call.who.project;
    page(call, &call.world.magnum.clusters, "clusters", seen, |c| c.brief(call.world, &call.request.base))
}

fn detail(call: &mut Call<'_>) -> Outcome {
    let seen = |c: &Cluster| *c.project == *call.who.project;
    page(call, &call.world.magnum.clusters, "clusters", seen, |c| c.full(call.world, &call.request.base))
}

fn show(call: &mut Call<'_>) -> Outcome {
    let id = find(call, call.param(0))?.id.clone();
    if let Some(cluster) = call.world.magnum.clusters.get_mut(&id).filter(|c| c.spurious > 0) {
        cluster.spurious -= 1;
        // its node groups are not written yet, or gone already: Magnum cannot show what it has
        return Err(invalid("master_count", "0", "Value should be greater or equal to 1"));
    }
    let shown = find(call, &id)?.full(call.world, &call.request.base);
    Ok(Answer::json(200, shown))
}

const KNOWN: &[&str] = &[
    "name",
    "cluster_template_id",
    "keypair",
    "master_count",
    "node_count",
    "docker_volume_size",
    "labels",
    "master_flavor_id",
    "flavor_id",
    "create_timeout",
    "discovery_url",
    "fixed_network",
    "fixed_subnet",
    "floating_ip_enabled",
    "merge_labels",
    "master_lb_enabled",
    "baymodel_id",
    "driver",
];

fn count(given: &Map<String, Value>, key: &str, least: i64) -> Result<u32, Refusal> {
    let n = given.get(key).and_then(Value::as_i64).unwrap_or(1);
    if n < least {
        return Err(invalid(key, &n.to_string(), &format!("Value should be greater or equal to {least}")));
    }
    Ok(u32::try_from(n).unwrap_or(u32::MAX))
}

fn create(call: &mut Call<'_>) -> Outcome {
    let empty = Map::new();
    let given = call.json().and_then(Value::as_object).unwrap_or(&empty);
    let text = |key: &str| given.get(key).and_then(Value::as_str).map(str::to_string);
    if let Some(strange) = given.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err(Refusal::said(400, format!("Unknown attribute for argument cluster: {strange}")));
    }
    // zero nodes came with 1.10
    let least = if call.version >= Version(1, 10) { 0 } else { 1 };
    let (masters, nodes) = (count(given, "master_count", 1)?, count(given, "node_count", least)?);
    let name = text("name").unwrap_or_default();
    let starts = name.chars().next().is_none_or(|c| c.is_ascii_alphabetic());
    let fine = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if !starts || !name.chars().all(fine) {
        return Err(invalid("name", &name, "Value should match the pattern ^[a-zA-Z][a-zA-Z0-9_.-]*$"));
    }
    let template = text("cluster_template_id")
        .ok_or_else(|| invalid("cluster_template_id", "None", "Mandatory field missing."))?;
    let template = templates::find(call, &template)?.id.clone();
    let keypair = text("keypair");
    if let Some(key) = &keypair
        && !call.world.nova.keypairs.iter().any(|k| k.user == call.who.user && k.name == *key)
    {
        return Err(Refusal::said(404, format!("Unable to find keypair {key}.")));
    }
    let grant = &call.who;
    let restricted = grant.is_restricted(&call.world.keystone);
    if restricted {
        // the driver makes an application credential, which this token may not
        return Err(Refusal::said(
            403,
            "You are not authorized to perform the requested action: Using method 'application_credential' is not allowed for managing additional application credentials.",
        ));
    }
    let new = NewCluster {
        name,
        project: grant.project.clone(),
        user: grant.user.clone(),
        template,
        keypair,
        masters,
        nodes,
        master_flavor: text("master_flavor_id"),
        flavor: text("flavor_id"),
        labels: given.get("labels").and_then(Value::as_object).cloned(),
        roles: grant.roles.clone(),
    };
    let id = Cluster::create(call.world, new)?;
    let spurious = call.world.quirks.spurious_400;
    if let Some(cluster) = call.world.magnum.clusters.get_mut(&id) {
        cluster.spurious = spurious;
    }
    Ok(Answer::json(202, json!({"uuid": &*id})))
}

/// A cluster that can be changed now.
fn settled<'c>(call: &'c Call<'_>) -> Result<&'c Cluster, Refusal> {
    let cluster = find(call, call.param(0))?;
    match cluster.status(call.world.now()) {
        Status::DeleteInProgress | Status::DeleteComplete => Err(Refusal::said(
            400,
            format!(
                "Updating a cluster when status is \"{}\" is not supported.",
                Status::DeleteInProgress.name()
            ),
        )),
        _ => Ok(cluster),
    }
}

fn update(call: &mut Call<'_>) -> Outcome {
    let id = settled(call)?.id.clone();
    let steps = call.json().and_then(Value::as_array).cloned().unwrap_or_default();
    for step in &steps {
        let path = step["path"].as_str().unwrap_or_default();
        match (path, step["value"].as_u64().or_else(|| step["value"].as_str()?.parse().ok())) {
            ("/node_count", Some(nodes)) => {
                Cluster::resize(call.world, &id, u32::try_from(nodes).unwrap_or(u32::MAX))
            }
            _ => return Err(Refusal::said(400, format!("'{path}' is not an allowed path for update"))),
        }
    }
    Ok(Answer::json(202, json!({"uuid": &*id})))
}

fn resize(call: &mut Call<'_>) -> Outcome {
    let id = settled(call)?.id.clone();
    let nodes = call.member("node_count").and_then(Value::as_u64);
    let nodes = nodes.ok_or_else(|| invalid("node_count", "None", "Mandatory field missing."))?;
    Cluster::resize(call.world, &id, u32::try_from(nodes).unwrap_or(u32::MAX));
    Ok(Answer::json(202, json!({"uuid": &*id})))
}

fn remove(call: &mut Call<'_>) -> Outcome {
    let id = find(call, call.param(0))?.id.clone();
    Cluster::delete(call.world, &id);
    Ok(Answer::empty(204))
}
