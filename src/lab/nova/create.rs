//! Creating and deleting servers.

use serde_json::{Value, json};

use super::{Flavor, Nic, Order, Resources, Server};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, Version, delete, post, shape};
use crate::lab::exchange::Answer;
use crate::lab::ids::Id;

pub(super) const ROUTES: &[Route] = &[
    post("/v2.1/servers", Rule::Member, "os_compute_api:servers:create", create),
    delete("/v2.1/servers/{}", Rule::Member, "os_compute_api:servers:delete", remove),
];

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::said(400, message)
}

fn required(given: &Value, key: &str) -> Refusal {
    bad(format!(
        "Invalid input for field/attribute server. Value: {}. '{key}' is a required property",
        shape::python(given)
    ))
}

const KNOWN: &[&str] = &[
    "name",
    "flavorRef",
    "imageRef",
    "networks",
    "key_name",
    "metadata",
    "security_groups",
    "availability_zone",
    "config_drive",
    "user_data",
    "min_count",
    "max_count",
    "description",
    "tags",
    "block_device_mapping_v2",
    "personality",
    "adminPass",
    "OS-DCF:diskConfig",
    "accessIPv4",
    "accessIPv6",
    "host",
    "hypervisor_hostname",
    "hostname",
    "return_reservation_id",
    "trusted_image_certificates",
    "block_device_mapping",
];

fn nics(call: &Call<'_>, given: &Value) -> Result<Vec<Nic>, Refusal> {
    let world = &call.world;
    match given.get("networks") {
        Some(Value::Array(asked)) => asked
            .iter()
            .map(|nic| {
                if let Some(port) = nic["port"].as_str() {
                    let port = world
                        .neutron
                        .ports
                        .get(port)
                        .ok_or_else(|| bad(format!("Port id {port} could not be found.")))?;
                    return Ok(Nic::Port(port.id.clone()));
                }
                let id = nic["uuid"].as_str().unwrap_or_default();
                let network = world
                    .neutron
                    .networks
                    .get(id)
                    .ok_or_else(|| bad(format!("Network {id} could not be found.")))?;
                Ok(Nic::Network(network.id.clone()))
            })
            .collect(),
        Some(Value::String(word)) if word == "none" => Ok(Vec::new()),
        None if call.version >= Version(2, 37) => Err(required(given, "networks")),
        _ => {
            let mut own =
                world.neutron.networks.iter().filter(|n| n.project == call.who.project && !n.external);
            match (own.next(), own.next()) {
                (Some(_), Some(_)) => Err(Refusal::said(
                    409,
                    "Multiple possible networks found, use a Network ID to be more specific.",
                )),
                (one, _) => Ok(one.map(|n| Nic::Network(n.id.clone())).into_iter().collect()),
            }
        }
    }
}

/// What a project may still use.
fn quota(call: &Call<'_>, flavor: &Flavor) -> Result<(), Refusal> {
    let quota = call.world.quirks.quota;
    let (instances, used) = call.world.nova.used_by(&call.who.project);
    let Resources { vcpus, memory_mb, .. } = flavor.resources;
    for (name, asked, used, limit) in [
        ("instances", 1, instances, quota.instances),
        ("cores", vcpus as i64, used.vcpus as i64, quota.cores),
        ("ram", memory_mb as i64, used.memory_mb as i64, quota.memory_mb),
    ] {
        if limit >= 0 && used + asked > limit {
            return Err(Refusal::said(
                403,
                format!(
                    "Quota exceeded for {name}: Requested {asked}, but already used {used} of {limit} {name}"
                ),
            ));
        }
    }
    Ok(())
}

fn create(call: &mut Call<'_>) -> Outcome {
    let given = call
        .member("server")
        .ok_or_else(|| bad("Invalid input for field/attribute body. 'server' is a required property"))?;
    let name = given["name"].as_str().ok_or_else(|| required(given, "name"))?;
    let flavor_id = given["flavorRef"].as_str().ok_or_else(|| required(given, "flavorRef"))?;
    let strange = given.as_object().into_iter().flatten().find(|(key, _)| !KNOWN.contains(&key.as_str()));
    if let Some((key, _)) = strange {
        return Err(bad(format!(
            "Invalid input for field/attribute server. Value: {}. Additional properties are not allowed ('{key}' was unexpected)",
            shape::python(given)
        )));
    }
    let world = &call.world;
    let image = match given["imageRef"].as_str() {
        Some("") | None => None,
        Some(id) if id.len() != 36 => {
            return Err(bad(format!(
                "Invalid input for field/attribute imageRef. Value: {id}. '{id}' is not valid under any of the given schemas"
            )));
        }
        Some(id) => {
            let image = world.glance.images.get(id).ok_or_else(|| bad("Can not find requested image"))?;
            let status = image.status(world.now());
            if status != "active" {
                return Err(bad(format!("Image {id} is not active.")));
            }
            Some(image.id.clone())
        }
    };
    let flavor = world
        .nova
        .flavors
        .get(flavor_id)
        .cloned()
        .ok_or_else(|| bad(format!("Flavor {flavor_id} could not be found.")))?;
    let key = given["key_name"].as_str().map(str::to_string);
    if let Some(key) = &key
        && !world.nova.keypairs.iter().any(|k| k.user == call.who.user && k.name == *key)
    {
        return Err(bad("Invalid key_name provided."));
    }
    let nics = nics(call, given)?;
    quota(call, &flavor)?;
    let pairs = given["metadata"].as_object().into_iter().flatten();
    let order = Order {
        name: name.into(),
        project: call.who.project.clone(),
        user: call.who.user.clone(),
        flavor,
        image,
        key,
        nics,
        metadata: pairs.map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_string())).collect(),
        user_data: given["user_data"].as_str().map(Into::into),
        request: call.request.id.clone(),
    };
    let id = Server::build(call.world, order);
    if call.version >= Version(2, 19)
        && let Some(server) = call.world.nova.servers.get_mut(&id)
    {
        server.description = given["description"].as_str().map(Into::into);
    }
    let base = &call.request.base;
    let own = format!("{base}/v2.1/servers/{id}");
    let links =
        json!([{"rel": "self", "href": own}, {"rel": "bookmark", "href": format!("{base}/servers/{id}")}]);
    let password = call.world.ids.suffix("admin-password", 12);
    let body = json!({"server": {"id": &*id, "links": links, "OS-DCF:diskConfig": "MANUAL",
        "security_groups": [{"name": "default"}], "adminPass": password}});
    Ok(Answer::json(202, body).header("location", &own))
}

fn remove(call: &mut Call<'_>) -> Outcome {
    let id: Id = super::show::find(call)?.id.clone();
    Server::delete(call.world, &id);
    Ok(Answer::empty(204))
}
