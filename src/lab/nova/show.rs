//! How a server is shown, by version and by who asks.

use serde_json::{Value, json};

use super::{Server, Vm};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, Version, get};
use crate::lab::exchange::Answer;
use crate::lab::ids::Id;
use crate::lab::stamp;
use crate::lab::world::World;

pub(super) const ROUTES: &[Route] = &[
    get("/v2.1/servers/{}", Rule::Reader, "os_compute_api:servers:show", show),
    get("/v2.1/servers/{}/ips", Rule::Reader, "os_compute_api:ips:index", ips),
    get("/v2.1/servers/{}/metadata", Rule::Reader, "os_compute_api:server-metadata:index", metadata),
    get(
        "/v2.1/servers/{}/os-interface",
        Rule::Reader,
        "os_compute_api:os-attach-interfaces:list",
        interfaces,
    ),
    get(
        "/v2.1/servers/{}/os-volume_attachments",
        Rule::Reader,
        "os_compute_api:os-volumes-attachments:index",
        volumes,
    ),
    get(
        "/v2.1/servers/{}/os-security-groups",
        Rule::Reader,
        "os_compute_api:os-security-groups:list",
        groups,
    ),
];

/// The server that the path names, if the token sees it.
pub(super) fn find<'c>(call: &'c Call<'_>) -> Result<&'c Server, Refusal> {
    let id = call.param(0);
    let found = call.world.nova.servers.get(id).filter(|s| call.sees(&s.project));
    found.ok_or_else(|| Refusal::said(404, format!("Instance {id} could not be found.")))
}

pub(super) fn brief(server: &Server, base: &str) -> Value {
    json!({"id": &*server.id, "name": server.name, "links": links(server, base)})
}

fn links(server: &Server, base: &str) -> Value {
    json!([{"rel": "self", "href": format!("{base}/v2.1/servers/{}", server.id)},
        {"rel": "bookmark", "href": format!("{base}/servers/{}", server.id)}])
}

fn addresses(world: &World, server: &Server, detailed: bool) -> Value {
    let mut shown = json!({});
    for plug in &server.plugs {
        let (Some(network), Some(port)) =
            (world.neutron.networks.get(&plug.network), world.neutron.ports.get(&plug.port))
        else {
            continue;
        };
        let entry = |address: String, kind: &str| {
            let mut entry = json!({"version": 4, "addr": address});
            if detailed {
                entry["OS-EXT-IPS:type"] = kind.into();
                entry["OS-EXT-IPS-MAC:mac_addr"] = port.mac.as_str().into();
            }
            entry
        };
        let fixed = plug.address.map(|a| entry(a.to_string(), "fixed"));
        let floating =
            world.neutron.floating_ip_on(&plug.port).map(|f| entry(f.address.to_string(), "floating"));
        if let Value::Array(list) = shown
            .as_object_mut()
            .map_or(&mut Value::Null, |s| s.entry(network.name.as_str()).or_insert(json!([])))
        {
            list.extend(fixed.into_iter().chain(floating));
        }
    }
    shown
}

/// Everything about a server. The order of members is Nova's, which tables of clients keep.
pub(super) fn full(call: &Call<'_>, server: &Server, alone: bool) -> Value {
    let (world, version, admin) = (&*call.world, call.version, call.who.is_admin());
    let since = |minor: u16| version >= Version(2, minor);
    let (now, base) = (world.now(), &call.request.base);
    let phase = server.phase(now);
    let host = server.host.as_ref().and_then(|id| world.nova.hosts.get(id));
    let host_name = host.map(|h| h.name.as_str());
    let host_id = host_name.map_or(String::new(), |name| host_id(&server.project, name));
    let metadata: serde_json::Map<String, Value> =
        server.metadata.iter().map(|(k, v)| (k.clone(), v.as_str().into())).collect();
    let image = server.image.as_ref().map_or(
        json!(""),
        |id| json!({"id": &**id, "links": [{"rel": "bookmark", "href": format!("{base}/images/{id}")}]}),
    );
    let flavor = if since(47) {
        server.flavor.embedded()
    } else {
        let id = &server.flavor.id;
        json!({"id": &**id, "links": [{"rel": "bookmark", "href": format!("{base}/flavors/{id}")}]})
    };
    let mut shown = json!({
        "id": &*server.id, "name": server.name, "status": phase.status(), "tenant_id": &*server.project, "user_id": &*server.user,
        "metadata": metadata, "hostId": host_id, "image": image, "flavor": flavor, "created": stamp::zulu(server.created),
        "updated": stamp::zulu(server.line.since(now)), "addresses": addresses(world, server, true), "accessIPv4": "",
        "accessIPv6": "", "links": links(server, base), "OS-DCF:diskConfig": "MANUAL",
    });
    if let Some(fault) = server.fault.as_ref().filter(|_| phase.vm == Vm::Error) {
        let mut told =
            json!({"code": fault.code, "created": stamp::zulu(fault.created), "message": fault.message});
        if admin {
            told["details"] = super::lifecycle::TRACEBACK.into();
        }
        shown["fault"] = told;
    } else if matches!(phase.vm, Vm::Active | Vm::Building) {
        shown["progress"] = 0.into();
    }
    shown["OS-EXT-AZ:availability_zone"] = if host.is_some() { "nova" } else { "" }.into();
    if since(96) {
        shown["pinned_availability_zone"] = Value::Null;
    }
    shown["config_drive"] = "".into();
    shown["key_name"] = json!(server.key);
    shown["OS-SRV-USG:launched_at"] = json!(server.launched.filter(|at| *at <= now).map(stamp::micros));
    shown["OS-SRV-USG:terminated_at"] = Value::Null;
    shown["security_groups"] = server.groups.iter().map(|name| json!({"name": name})).collect();
    if server.host.is_none() && phase.vm == Vm::Error {
        // without a port there is no group
        shown.as_object_mut().map(|members| members.remove("security_groups"));
    }
    if admin {
        let number = format!("instance-{:08x}", server.number);
        shown["OS-EXT-SRV-ATTR:host"] = json!(host_name);
        shown["OS-EXT-SRV-ATTR:instance_name"] = number.into();
        shown["OS-EXT-SRV-ATTR:hypervisor_hostname"] = json!(host_name);
        if since(3) {
            let reservation: String = server.id.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
            shown["OS-EXT-SRV-ATTR:reservation_id"] = format!("r-{reservation}").into();
            shown["OS-EXT-SRV-ATTR:launch_index"] = 0.into();
            shown["OS-EXT-SRV-ATTR:hostname"] = server.name.to_ascii_lowercase().into();
            shown["OS-EXT-SRV-ATTR:kernel_id"] = "".into();
            shown["OS-EXT-SRV-ATTR:ramdisk_id"] = "".into();
            shown["OS-EXT-SRV-ATTR:root_device_name"] = json!(host.map(|_| "/dev/vda"));
            shown["OS-EXT-SRV-ATTR:user_data"] = json!(server.user_data);
        }
    }
    shown["OS-EXT-STS:task_state"] = json!(phase.task_state());
    shown["OS-EXT-STS:vm_state"] = phase.vm_state().into();
    shown["OS-EXT-STS:power_state"] = phase.power_state().into();
    shown["os-extended-volumes:volumes_attached"] = json!([]);
    if since(16) && admin {
        shown["host_status"] = match host {
            None => "",
            Some(host) if host.down => "DOWN",
            Some(host) if host.disabled.is_some() => "MAINTENANCE",
            Some(_) => "UP",
        }
        .into();
    }
    if since(9) {
        shown["locked"] = false.into();
    }
    if since(73) {
        shown["locked_reason"] = Value::Null;
    }
    if since(19) {
        shown["description"] = json!(server.description);
    }
    if since(26) {
        shown["tags"] = json!([]);
    }
    if since(63) {
        shown["trusted_image_certificates"] = Value::Null;
    }
    if since(90) && !admin {
        shown["OS-EXT-SRV-ATTR:hostname"] = server.name.to_ascii_lowercase().into();
    }
    if since(71) && alone {
        shown["server_groups"] = json!([]);
    }
    shown
}

/// The id by which a project can tell two of its hosts apart without knowing them.
pub(super) fn host_id(project: &str, host: &str) -> String {
    use sha2::{Digest, Sha224};
    crate::base::permit::hex(&Sha224::digest(format!("{project}{host}")))
}

fn show(call: &mut Call<'_>) -> Outcome {
    let server = find(call)?;
    Ok(Answer::json(200, json!({"server": full(call, server, true)})))
}

fn ips(call: &mut Call<'_>) -> Outcome {
    let server = find(call)?;
    Ok(Answer::json(200, json!({"addresses": addresses(call.world, server, false)})))
}

fn metadata(call: &mut Call<'_>) -> Outcome {
    let server = find(call)?;
    let pairs: serde_json::Map<String, Value> =
        server.metadata.iter().map(|(k, v)| (k.clone(), v.as_str().into())).collect();
    Ok(Answer::json(200, json!({"metadata": pairs})))
}

fn interfaces(call: &mut Call<'_>) -> Outcome {
    let server = find(call)?;
    let now = call.world.now();
    let plugged = server.plugs.iter().filter_map(|plug| {
        let port = call.world.neutron.ports.get(&plug.port)?;
        let fixed: Vec<Value> = port.fixed.iter().map(|f| json!({"subnet_id": &*f.subnet, "ip_address": f.address.to_string()})).collect();
        Some(json!({"net_id": &*port.network, "port_id": &*port.id, "mac_addr": port.mac, "port_state": port.status(now), "fixed_ips": fixed}))
    });
    let plugged: Vec<Value> = plugged.collect();
    Ok(Answer::json(200, json!({"interfaceAttachments": plugged})))
}

fn volumes(call: &mut Call<'_>) -> Outcome {
    find(call)?;
    Ok(Answer::json(200, json!({"volumeAttachments": []})))
}

fn groups(call: &mut Call<'_>) -> Outcome {
    let server = find(call)?;
    let ports = server.plugs.iter().filter_map(|plug| call.world.neutron.ports.get(&plug.port));
    let mut ids: Vec<&Id> = ports.flat_map(|port| port.groups.iter()).collect();
    ids.dedup();
    let found = ids.into_iter().filter_map(|id| call.world.neutron.security_groups.get(id));
    let rows: Vec<Value> = found.map(|group| group.as_nova_shows_it(&call.world.neutron)).collect();
    Ok(Answer::json(200, json!({"security_groups": rows})))
}
