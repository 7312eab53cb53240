//! Networks, taken apart in the order that they depend on each other: what is in the way.

use serde_json::Value;

use crate::base::{Error, ErrorKind};
use crate::script::handles::Resource;
use crate::script::host::Host;
use crate::script::primitive::{Effect, On, Primitive};
use crate::script::value;
use crate::systems::openstack::{self, Blocker};

/// The family.
pub const ALL: &[&Primitive] = &[&BLOCKERS];

const BLOCKERS: Primitive = Primitive {
    name: "blockers",
    on: On::Type("Resource"),
    params: &[],
    returns: "list of maps: id, name, type, owner (in words), device_owner, device_id, subnet_id, address",
    effect: Effect::Read,
    doc: "What is in the way of deleting a network, a subnet, a router or a security group: ports, told by whose they are, and a router's floating IPs. What goes along with it (DHCP ports, a router's gateway) is left out.",
    example: r#"change("1", "Blockers", || {
    let net = site.scope("capi-mgmt").networks.create(#{ name: "drill" });
    expect("nobody is in the way", net.blockers(), []);
    net.delete();
});"#,
    body: |call| {
        let thing: Resource = call.receiver()?;
        let session = &thing.from.session;
        call.host.run.used(session.handle());
        let found = call.host.block_on(openstack::blockers(session, thing.from.row, &thing.id()))?;
        let found: Value = found.iter().map(|b| serde_json::to_value(b).unwrap_or_default()).collect();
        Ok(value::from_json(&found)?)
    },
};

/// A refusal with who is in the way, where the service names nobody.
pub(super) fn explained(host: &Host, thing: &Resource, error: Error) -> Error {
    const APART: &[&str] = &["networks", "subnets", "routers", "security_groups"];
    let row = thing.from.row;
    if error.kind() != ErrorKind::Conflict || !APART.contains(&row.name) {
        return error;
    }
    // without it the refusal itself is still to be told
    let Ok(found) = host.block_on(openstack::blockers(&thing.from.session, row, &thing.id())) else {
        return error;
    };
    let told = |b: &Blocker| match b.address.as_str() {
        "" => format!("in the way: {} {} of {}", b.kind, b.id, b.owner),
        address => format!("in the way: {} {} ({address}) of {}", b.kind, b.id, b.owner),
    };
    found.iter().map(told).fold(error, Error::cause)
}
