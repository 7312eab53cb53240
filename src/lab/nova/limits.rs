//! Limits, quotas, and the small things that clients ask for on their way.

use serde_json::json;

use crate::lab::api::{Call, Outcome, Route, Rule, Version, get};
use crate::lab::exchange::Answer;

pub(super) const ROUTES: &[Route] = &[
    get("/v2.1/limits", Rule::Reader, "os_compute_api:limits", limits),
    get("/v2.1/os-quota-sets/{}", Rule::Reader, "os_compute_api:os-quota-sets:show", quotas),
    get("/v2.1/os-availability-zone", Rule::Token, "", zones),
    get("/v2.1/os-aggregates", Rule::Admin, "os_compute_api:os-aggregates:index", aggregates),
    get("/v2.1/os-server-groups", Rule::Reader, "os_compute_api:os-server-groups:index", groups),
    get("/v2.1/extensions", Rule::Token, "", extensions),
];

fn limits(call: &mut Call<'_>) -> Outcome {
    let quota = call.world.quirks.quota;
    let (instances, used) = call.world.nova.used_by(&call.who.project);
    let mut limits = json!({"maxTotalInstances": quota.instances, "maxTotalCores": quota.cores, "maxTotalRAMSize": quota.memory_mb, "maxServerMeta": 128});
    let old = |limits: &mut serde_json::Value, last: u16, members: serde_json::Value| {
        if let (true, serde_json::Value::Object(members)) = (call.version < Version(2, last), members) {
            members.into_iter().for_each(|(key, value)| limits[key] = value);
        }
    };
    old(&mut limits, 39, json!({"maxImageMeta": 128}));
    old(&mut limits, 57, json!({"maxPersonality": 5, "maxPersonalitySize": 10240}));
    limits["maxTotalKeypairs"] = 100.into();
    limits["maxServerGroups"] = 10.into();
    limits["maxServerGroupMembers"] = 10.into();
    old(
        &mut limits,
        36,
        json!({"maxTotalFloatingIps": -1, "maxSecurityGroups": -1, "maxSecurityGroupRules": -1}),
    );
    limits["totalRAMUsed"] = used.memory_mb.into();
    limits["totalCoresUsed"] = used.vcpus.into();
    limits["totalInstancesUsed"] = instances.into();
    old(&mut limits, 36, json!({"totalFloatingIpsUsed": 0, "totalSecurityGroupsUsed": 0}));
    limits["totalServerGroupsUsed"] = 0.into();
    Ok(Answer::json(200, json!({"limits": {"rate": [], "absolute": limits}})))
}

fn quotas(call: &mut Call<'_>) -> Outcome {
    let project = call.param(0);
    call.allow(call.sees(project), "os_compute_api:os-quota-sets:show")?;
    let quota = call.world.quirks.quota;
    let mut shown = json!({"id": project, "cores": quota.cores});
    if call.version < Version(2, 36) {
        shown["fixed_ips"] = (-1).into();
        shown["floating_ips"] = (-1).into();
    }
    if call.version < Version(2, 57) {
        shown["injected_file_content_bytes"] = 10240.into();
        shown["injected_file_path_bytes"] = 255.into();
        shown["injected_files"] = 5.into();
    }
    shown["instances"] = quota.instances.into();
    shown["key_pairs"] = 100.into();
    shown["metadata_items"] = 128.into();
    shown["ram"] = quota.memory_mb.into();
    if call.version < Version(2, 36) {
        shown["security_group_rules"] = (-1).into();
        shown["security_groups"] = (-1).into();
    }
    shown["server_group_members"] = 10.into();
    shown["server_groups"] = 10.into();
    Ok(Answer::json(200, json!({"quota_set": shown})))
}

fn zones(_: &mut Call<'_>) -> Outcome {
    let zone = json!({"zoneName": "nova", "zoneState": {"available": true}, "hosts": null});
    Ok(Answer::json(200, json!({"availabilityZoneInfo": [zone]})))
}

fn aggregates(_: &mut Call<'_>) -> Outcome {
    Ok(Answer::json(200, json!({"aggregates": []})))
}

fn groups(_: &mut Call<'_>) -> Outcome {
    Ok(Answer::json(200, json!({"server_groups": []})))
}

fn extensions(_: &mut Call<'_>) -> Outcome {
    let one = json!({"alias": "os-hypervisors", "description": "Admin-only hypervisor administration.", "links": [],
        "name": "Hypervisors", "namespace": "http://docs.openstack.org/compute/ext/fake_xml", "updated": "2014-12-03T00:00:00Z"});
    Ok(Answer::json(200, json!({"extensions": [one]})))
}
