//! Flavors.

use serde_json::{Value, json};

use super::Resources;
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, Version, delete, get, post, shape};
use crate::lab::exchange::Answer;
use crate::lab::ids::Id;
use crate::lab::table::Row;

pub(super) const ROUTES: &[Route] = &[
    get("/v2.1/flavors", Rule::Token, "", list),
    get("/v2.1/flavors/detail", Rule::Token, "", detail),
    post("/v2.1/flavors", Rule::Admin, "os_compute_api:os-flavor-manage:create", create),
    get("/v2.1/flavors/{}", Rule::Token, "", show),
    get("/v2.1/flavors/{}/os-extra_specs", Rule::Token, "", extra_specs),
    delete("/v2.1/flavors/{}", Rule::Admin, "os_compute_api:os-flavor-manage:delete", remove),
];

/// A flavor. Clones share the texts.
#[derive(Clone, Debug)]
pub(crate) struct Flavor {
    pub(crate) id: Id,
    pub(crate) name: std::sync::Arc<str>,
    pub(crate) resources: Resources,
}

impl Row for Flavor {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl Flavor {
    pub(crate) fn resources(&self) -> Resources {
        self.resources
    }

    fn brief(&self, base: &str) -> Value {
        json!({"id": &*self.id, "name": &*self.name, "links": self.links(base)})
    }

    fn links(&self, base: &str) -> Value {
        json!([{"rel": "self", "href": format!("{base}/v2.1/flavors/{}", self.id)},
            {"rel": "bookmark", "href": format!("{base}/flavors/{}", self.id)}])
    }

    fn full(&self, base: &str, version: Version) -> Value {
        let Resources { vcpus, memory_mb, disk_gb } = self.resources;
        let mut shown = json!({
            "id": &*self.id, "name": &*self.name, "ram": memory_mb, "disk": disk_gb,
            "swap": if version >= Version(2, 75) { json!(0) } else { json!("") }, "OS-FLV-EXT-DATA:ephemeral": 0,
            "OS-FLV-DISABLED:disabled": false, "vcpus": vcpus, "os-flavor-access:is_public": true, "rxtx_factor": 1.0,
            "links": self.links(base),
        });
        if version >= Version(2, 55) {
            shown["description"] = Value::Null;
        }
        if version >= Version(2, 61) {
            shown["extra_specs"] = json!({});
        }
        shown
    }

    /// What servers say of it from 2.47 on.
    pub(super) fn embedded(&self) -> Value {
        let Resources { vcpus, memory_mb, disk_gb } = self.resources;
        json!({"vcpus": vcpus, "ram": memory_mb, "disk": disk_gb, "ephemeral": 0, "swap": 0, "original_name": &*self.name, "extra_specs": {}})
    }
}

fn page(call: &Call<'_>, show: impl Fn(&Flavor) -> Value) -> Outcome {
    let limit = super::list::limit(call)?;
    let marker = call.query("marker");
    let rows = call.world.nova.flavors.after(marker.as_deref());
    let rows =
        rows.ok_or_else(|| Refusal::said(400, format!("marker [{}] not found", marker.unwrap_or_default())))?;
    let number = |key: &str| call.query(key).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
    let (memory, disk) = (number("minRam"), number("minDisk"));
    let page: Vec<&Flavor> =
        rows.filter(|f| f.resources.memory_mb >= memory && f.resources.disk_gb >= disk).take(limit).collect();
    let mut body = json!({"flavors": page.iter().map(|f| show(f)).collect::<Vec<_>>()});
    if call.query("limit").is_some()
        && page.len() == limit
        && let Some(last) = page.last()
    {
        body["flavors_links"] =
            json!([{"rel": "next", "href": shape::next(call.request, &call.request.path, &last.id)}]);
    }
    Ok(Answer::json(200, body))
}

fn list(call: &mut Call<'_>) -> Outcome {
    page(call, |f| f.brief(&call.request.base))
}

fn detail(call: &mut Call<'_>) -> Outcome {
    page(call, |f| f.full(&call.request.base, call.version))
}

fn find<'c>(call: &'c Call<'_>) -> Result<&'c Flavor, Refusal> {
    let id = call.param(0);
    call.world
        .nova
        .flavors
        .get(id)
        .ok_or_else(|| Refusal::said(404, format!("Flavor {id} could not be found.")))
}

fn show(call: &mut Call<'_>) -> Outcome {
    let flavor = find(call)?.full(&call.request.base, call.version);
    Ok(Answer::json(200, json!({"flavor": flavor})))
}

fn extra_specs(call: &mut Call<'_>) -> Outcome {
    find(call)?;
    Ok(Answer::json(200, json!({"extra_specs": {}})))
}

fn create(call: &mut Call<'_>) -> Outcome {
    let given = call.member("flavor").cloned().unwrap_or_default();
    let number = |key: &str| {
        given[key].as_u64().ok_or_else(|| {
            Refusal::said(
                400,
                format!(
                    "Invalid input for field/attribute flavor. Value: {given}. '{key}' is a required property"
                ),
            )
        })
    };
    let resources =
        Resources { vcpus: number("vcpus")?, memory_mb: number("ram")?, disk_gb: number("disk")? };
    let name = given["name"].as_str().unwrap_or_default();
    if call.world.nova.flavors.iter().any(|f| *f.name == *name) {
        return Err(Refusal::said(409, format!("Flavor with name {name} already exists.")));
    }
    let id = given["id"].as_str().filter(|id| *id != "auto").map(Id::from);
    let flavor =
        Flavor { id: id.unwrap_or_else(|| call.world.ids.uuid("flavor")), name: name.into(), resources };
    let shown = flavor.full(&call.request.base, call.version);
    call.world.nova.flavors.insert(flavor);
    Ok(Answer::json(200, json!({"flavor": shown})))
}

fn remove(call: &mut Call<'_>) -> Outcome {
    let id = find(call)?.id.clone();
    call.world.nova.flavors.remove(&id);
    Ok(Answer::empty(202))
}
