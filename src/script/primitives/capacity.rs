//! What a scope's cloud has: its services, and what the project may still use of them.

use rhai::Dynamic;
use serde_json::Value;

use crate::script::handles::Scope;
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::value;
use crate::systems::openstack;

/// The family.
pub const ALL: &[&Primitive] = &[&SERVICES, &LIMITS];

const SERVICES: Primitive = Primitive {
    name: "services",
    on: On::Type("Scope"),
    params: &[],
    returns: "list of strings: the services' types",
    effect: Effect::Read,
    doc: "The types of the services in the scope's catalog, such as `container-infra`: one that is missing is better found before the first step than in the middle.",
    example: r#"verify("1", "Services", || gate("Octavia is there", site.scope("capi-mgmt").services().contains("load-balancer")));"#,
    body: |call| {
        let scope: Scope = call.receiver()?;
        call.host.run.used(scope.0.handle());
        let types = call.host.block_on(scope.0.services())?;
        Ok(types.into_iter().map(Dynamic::from).collect::<Vec<_>>().into())
    },
};

const LIMITS: Primitive = Primitive {
    name: "limits",
    on: On::Type("Scope"),
    params: &[Param::new(
        "service",
        Ty::Choice(&["compute", "network", "load-balancer", "block-storage"]),
        "whose limits",
    )],
    returns: "map: for each thing, such as `cores` or `network`, a map of limit and used",
    effect: Effect::Read,
    doc: "What the scope's project may use of a service, and what it uses. A limit of -1 is none; `used` is () where the service does not tell.",
    example: r#"verify("1", "Room", || {
    let cores = site.scope("capi-mgmt").limits("compute").cores;
    gate("eight more cores", cores.limit < 0 || cores.limit - cores.used >= 8, cores);
});"#,
    body: |call| {
        let scope: Scope = call.receiver()?;
        call.host.run.used(scope.0.handle());
        let limits = call.host.block_on(openstack::limits(&scope.0, &call.text(0)))?;
        Ok(value::from_json(&Value::Object(limits))?)
    },
};
