//! What keeps a part of a network from being deleted. Neutron refuses with 409 and names nobody; whoever is in
//! the way is known by the ports.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::base::{Error, ErrorKind, Result};

use super::collection::list;
use super::resource::{self, Resource};
use super::session::Session;

/// Owners of ports that go with their network.
const GO_ALONG: &[&str] = &["network:dhcp", "network:distributed", "network:ha_router_replicated_interface"];

/// Something that is in the way of a deletion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Blocker {
    /// Its id.
    pub id: String,
    /// Its name; empty if it has none.
    pub name: String,
    /// `port` or `floating IP`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Whose it is, in words: `load balancer 0f96…`, `interface of router 3c1d…`.
    pub owner: String,
    /// Neutron's word for that: `Octavia`, `compute:nova`, `network:router_interface`; empty if nobody's.
    pub device_owner: String,
    /// The id of that server, router or load balancer; empty if nobody's.
    pub device_id: String,
    /// The subnet of its first address; empty if it has none.
    pub subnet_id: String,
    /// Its first address; empty if it has none.
    pub address: String,
}

/// What is in the way of deleting a network, a subnet, a router or a security group.
///
/// # Errors
/// [`ErrorKind::Argument`] for another kind of thing; and as [`Session::send`].
pub async fn blockers(session: &Session, row: &Resource, id: &str) -> Result<Vec<Blocker>> {
    let ask = |key: &str| Map::from_iter([(key.to_string(), Value::from(id))]);
    let filter = match row.name {
        "networks" => ask("network_id"),
        "subnets" => Map::from_iter([("fixed_ips".to_string(), Value::from(format!("subnet_id={id}")))]),
        "routers" => ask("device_id"),
        "security_groups" => ask("security_groups"),
        _ => {
            let what = format!("what is in the way of a {} is not known by ports", row.title);
            return Err(Error::new(ErrorKind::Argument, what)
                .help("it is of networks, subnets, routers and security groups")
                .scope(session.handle()));
        }
    };
    let ports = list(session, resource::find("ports")?, &filter).await?;
    let mut found: Vec<Blocker> = ports.iter().filter(|p| blocks(row, id, p)).map(of_port).collect();
    if row.name == "routers" {
        let addresses = list(session, resource::find("floating_ips")?, &ask("router_id")).await?;
        found.extend(addresses.iter().map(of_address));
    }
    Ok(found)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

/// Whether a port keeps a thing: those that go along do not, and a router's gateway goes with the router.
fn blocks(row: &Resource, id: &str, port: &Value) -> bool {
    let owner = port["device_owner"].as_str().unwrap_or_default();
    match row.name {
        "routers" => owner.starts_with("network:router_interface"),
        "subnets" => {
            let of_it = |ip: &Value| ip["subnet_id"] == id;
            !GO_ALONG.contains(&owner)
                && port["fixed_ips"].as_array().is_some_and(|ips| ips.iter().any(of_it))
        }
        "security_groups" => true,
        _ => !GO_ALONG.contains(&owner),
    }
}

fn of_port(port: &Value) -> Blocker {
    let (device_owner, device) = (text(&port["device_owner"]), text(&port["device_id"]));
    let device_id = device.strip_prefix("lb-").unwrap_or(&device).to_string();
    Blocker {
        id: text(&port["id"]),
        name: text(&port["name"]),
        kind: "port",
        owner: owner(&device_owner, &device_id),
        device_owner,
        device_id,
        subnet_id: text(&port["fixed_ips"][0]["subnet_id"]),
        address: text(&port["fixed_ips"][0]["ip_address"]),
    }
}

/// A floating IP, which needs its router's gateway.
fn of_address(address: &Value) -> Blocker {
    let port = text(&address["port_id"]);
    Blocker {
        id: text(&address["id"]),
        name: text(&address["floating_ip_address"]),
        kind: "floating IP",
        owner: format!("port {port}"),
        device_owner: "network:floatingip".to_string(),
        device_id: port,
        subnet_id: String::new(),
        address: text(&address["floating_ip_address"]),
    }
}

fn owner(device_owner: &str, device: &str) -> String {
    let what = match device_owner {
        "" if device.is_empty() => return "nobody".to_string(),
        owner if owner.starts_with("compute:") => "server",
        "Octavia" => "load balancer",
        "network:router_gateway" => "gateway of router",
        "network:floatingip" => "floating IP",
        "network:dhcp" => "DHCP agent",
        owner if owner.starts_with("network:router_interface") => "interface of router",
        "trunk:subport" => "subport of trunk",
        owner => owner,
    };
    format!("{what} {device}").trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(name: &str) -> &'static Resource {
        resource::find(name).unwrap()
    }

    fn port(owner: &str, device: &str) -> Value {
        json!({"id": "p", "name": "", "device_owner": owner, "device_id": device,
               "fixed_ips": [{"subnet_id": "s", "ip_address": "10.20.16.144"}]})
    }

    #[test]
    fn whose_a_port_is_is_told_in_words() {
        for (owner, device, words) in [
            ("Octavia", "lb-0f96", "load balancer 0f96"),
            ("compute:nova", "vm-1", "server vm-1"),
            ("network:router_interface_distributed", "r-1", "interface of router r-1"),
            ("network:router_gateway", "r-1", "gateway of router r-1"),
            ("", "", "nobody"),
            ("baremetal:none", "x", "baremetal:none x"),
        ] {
            assert_eq!(of_port(&port(owner, device)).owner, words);
        }
    }

    #[test]
    fn what_goes_along_is_not_in_the_way() {
        let (dhcp, gateway, interface) = (
            port("network:dhcp", ""),
            port("network:router_gateway", "r"),
            port("network:router_interface", "r"),
        );
        assert!(!blocks(row("networks"), "n", &dhcp) && blocks(row("networks"), "n", &interface));
        assert!(!blocks(row("routers"), "r", &gateway) && blocks(row("routers"), "r", &interface));
        assert!(blocks(row("subnets"), "s", &interface) && !blocks(row("subnets"), "other", &interface));
    }
}
