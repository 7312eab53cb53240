use serde_json::{Value, json};

use super::{Ask, NO_ID, Step, all, ask, delete, get, post};

const STATES: &[&str] = &[
    "/server/status",
    "/server/OS-EXT-STS:task_state",
    "/server/OS-EXT-STS:vm_state",
    "/server/OS-EXT-STS:power_state",
];

fn server(name: &str) -> Value {
    json!({"name": name, "flavorRef": "{small}", "imageRef": "{image}", "networks": [{"uuid": "{net}"}], "key_name": "capi-mgmt-key"})
}

fn create(who: &'static str, server: Value) -> Ask {
    post(who, "compute", "/v2.1/servers").json(json!({"server": server}))
}

fn with(mut server: Value, key: &str, value: Value) -> Value {
    server[key] = value;
    server
}

fn act(who: &'static str, action: Value) -> Ask {
    post(who, "compute", "/v2.1/servers/{server}/action").json(action)
}

/// An image to boot from, which goes at the end.
pub(super) fn image() -> Vec<Step> {
    all([
        post("member", "image", "/v2/images")
            .json(json!({"name": "contract-boot", "disk_format": "raw", "container_format": "bare"}))
            .silent()
            .keep("image", "/id"),
        ask("member", "PUT", "image", "/v2/images/{image}/file").bytes(&[0; 1024]).silent(),
    ])
}

pub(super) fn steps() -> Vec<Step> {
    let c = "compute";
    let mut steps = image();
    steps.extend(all([
        get("member", "network", "/v2.0/networks?name=capi-mgmt-net").silent().keep("net", "/networks/0/id"),
        get("", c, "/"),
        get("", c, "/v2.1/"),
        get("", c, "/v2.1/servers"),
        get("bogus-token", c, "/v2.1/servers"),
        get("member", c, "/v2.1/no-such"),
        ask("member", "PUT", c, "/v2.1/servers"),
        get("member", c, "/v2.1/servers").at("2.999"),
        get("member", c, "/v2.1/servers").at("nonsense"),
        get("member", c, "/v2.1/servers?name=contract-none").at("latest"),
        get("member", c, "/v2.1/flavors?minRam=1024&limit=1"),
        get("member", c, "/v2.1/flavors/detail"),
        get("member", c, "/v2.1/flavors/detail").at("2.96"),
        get("member", c, "/v2.1/flavors/no-such"),
        post("admin", c, "/v2.1/flavors")
            .json(json!({"flavor": {"name": "contract-small", "ram": 512, "vcpus": 1, "disk": 1}}))
            .keep("small", "/flavor/id"),
        post("admin", c, "/v2.1/flavors")
            .json(json!({"flavor": {"name": "contract-small", "ram": 512, "vcpus": 1, "disk": 1}})),
        post("member", c, "/v2.1/flavors")
            .json(json!({"flavor": {"name": "contract-small", "ram": 512, "vcpus": 1, "disk": 1}})),
        post("admin", c, "/v2.1/flavors")
            .json(json!({"flavor": {"name": "contract-huge", "ram": 512, "vcpus": 1, "disk": 9000}}))
            .silent()
            .keep("huge", "/flavor/id"),
        get("member", c, "/v2.1/flavors/{small}"),
        get("member", c, "/v2.1/flavors/{small}/os-extra_specs"),
        get("admin", c, "/v2.1/os-hypervisors"),
        get("member", c, "/v2.1/os-hypervisors"),
        get("admin", c, "/v2.1/os-hypervisors/detail"),
        get("admin", c, "/v2.1/os-hypervisors/detail").at("2.53"),
        get("admin", c, "/v2.1/os-hypervisors/detail").at("2.87"),
        get("admin", c, "/v2.1/os-hypervisors/detail").at("2.88"),
        get("member", c, "/v2.1/os-hypervisors/detail").at("2.88"),
        get("admin", c, "/v2.1/os-hypervisors?hypervisor_hostname_pattern=compute-1")
            .at("2.96")
            .keep("hypervisor", "/hypervisors/0/id"),
        get("admin", c, "/v2.1/os-hypervisors/{hypervisor}").at("2.96"),
        get("admin", c, "/v2.1/os-hypervisors/statistics"),
        get("admin", c, "/v2.1/os-services?binary=nova-compute"),
        get("admin", c, "/v2.1/os-services?binary=nova-compute").at("2.96"),
        get("member", c, "/v2.1/os-services"),
        get("member", c, "/v2.1/os-keypairs/capi-mgmt-key"),
        get("member", c, "/v2.1/os-keypairs/no-such"),
        get("member", c, "/v2.1/os-keypairs").at("2.96"),
        post("member", c, "/v2.1/os-keypairs").json(json!({"keypair": {"name": "contract-key"}})),
        post("member", c, "/v2.1/os-keypairs").json(json!({"keypair": {"name": "contract-key"}})),
        post("member", c, "/v2.1/os-keypairs")
            .json(json!({"keypair": {"name": "contract-key-2", "public_key": "garbage"}})),
        get("member", c, "/v2.1/os-keypairs/contract-key").silent().keep("public", "/keypair/public_key"),
        post("member", c, "/v2.1/os-keypairs")
            .json(json!({"keypair": {"name": "contract-key-2", "public_key": "{public}", "type": "ssh"}}))
            .at("2.96"),
        delete("member", c, "/v2.1/os-keypairs/contract-key"),
        delete("member", c, "/v2.1/os-keypairs/contract-key-2").at("2.96"),
        delete("member", c, "/v2.1/os-keypairs/contract-key"),
        get("member", c, "/v2.1/limits"),
        get("member", c, "/v2.1/limits").at("2.96"),
        get("member", c, "/v2.1/os-quota-sets/{member-project}"),
        get("member", c, "/v2.1/os-quota-sets/{member-project}").at("2.96"),
        get("member", c, "/v2.1/os-availability-zone"),
        get("admin", c, "/v2.1/os-aggregates"),
        get("member", c, "/v2.1/os-aggregates"),
        get("member", c, "/v2.1/os-server-groups"),
        get("member", c, "/v2.1/extensions"),
        create("reader", server("contract-vm")),
        create("member", json!({"name": "contract-vm"})),
        create("member", with(server("contract-vm"), "flavorRef", "no-such".into())),
        create("member", with(server("contract-vm"), "imageRef", NO_ID.into())),
        create("member", with(server("contract-vm"), "imageRef", "no-such".into())),
        create("member", with(server("contract-vm"), "networks", json!([{"uuid": NO_ID}]))),
        create("member", with(server("contract-vm"), "key_name", "no-such".into())),
        create("member", with(server("contract-vm"), "bogus", 1.into())).status_only(),
        create("member", server("contract-vm")).keep("server", "/server/id"),
    ]));
    let show = |who| get(who, c, "/v2.1/servers/{server}");
    steps.push(show("member").until(STATES, &["ACTIVE", "ERROR"]));
    for version in ["2.1", "2.3", "2.9", "2.19", "2.26", "2.47", "2.63", "2.71", "2.73", "2.96"] {
        steps.push(show("member").at(version).into());
    }
    steps.extend(all([
        show("admin"),
        show("admin").at("2.96"),
        get("reader", c, "/v2.1/servers?name=^contract-vm$"),
        get("reader", c, "/v2.1/servers/detail?name=^contract-vm$"),
        get("admin", c, "/v2.1/servers/detail?all_tenants=1&name=contract-vm").at("2.96"),
        get("member", c, "/v2.1/servers?all_tenants=1"),
        get("member", c, "/v2.1/servers?name=^contract$"),
        get("member", c, "/v2.1/servers?name=["),
        get("member", c, "/v2.1/servers?status=ACTIVE&name=contract-vm"),
        get("member", c, "/v2.1/servers?status=NOPE"),
        get("member", c, "/v2.1/servers?status=ERROR&status=ACTIVE&name=contract-vm"),
        get("member", c, "/v2.1/servers/detail?status=ERROR&name=contract-vm"),
        get("admin", c, "/v2.1/servers?all_tenants=True&project_id={member-project}&name=contract-vm"),
        get("admin", c, "/v2.1/servers?project_id={member-project}&name=contract-vm"),
        get("admin", c, "/v2.1/servers?all_tenants=True&host=no-such-host&name=contract-vm"),
        get("member", c, "/v2.1/servers?host=no-such-host&name=contract-vm"),
        get("member", c, "/v2.1/servers?uuid={server}"),
        get("member", c, "/v2.1/servers?bogus=1&name=contract-vm"),
        get("member", c, "/v2.1/servers?name=contract-vm&limit=1"),
        get("member", c, "/v2.1/servers?marker=no-such"),
        get("member", c, "/v2.1/servers?limit=x"),
        get("member", c, "/v2.1/servers?limit=-1"),
        get("member", c, "/v2.1/servers/no-such"),
        get("member", c, &format!("/v2.1/servers/{NO_ID}")),
        get("member", c, "/v2.1/servers/{server}/os-interface"),
        get("member", c, "/v2.1/servers/{server}/os-volume_attachments"),
        get("member", c, "/v2.1/servers/{server}/os-security-groups"),
        get("member", c, "/v2.1/servers/{server}/ips"),
        get("member", c, "/v2.1/servers/{server}/metadata"),
        act("member", json!({"os-getConsoleOutput": {"length": 5}})),
        act("member", json!({"os-start": null})),
        act("reader", json!({"os-stop": null})),
        act("member", json!({"no-such": null})),
        act("member", json!({})),
        act("member", json!({"reboot": {}})),
        act("member", json!({"os-stop": null})),
    ]));
    steps.push(show("member").until(STATES, &["SHUTOFF"]));
    steps.extend(all([
        show("member"),
        act("member", json!({"os-stop": null})),
        act("member", json!({"reboot": {"type": "SOFT"}})),
        act("member", json!({"os-start": null})),
    ]));
    steps.push(show("member").until(STATES, &["ACTIVE"]));
    steps.extend(all([act("member", json!({"reboot": {"type": "HARD"}}))]));
    steps.push(show("member").until(STATES, &["ACTIVE"]));
    let actions = "/v2.1/servers/{server}/os-instance-actions";
    steps.extend(all([
        get("member", c, actions).keep("request", "/instanceActions/3/request_id"),
        get("member", c, actions).at("2.96"),
        get("member", c, &format!("{actions}/{{request}}")),
        get("member", c, &format!("{actions}/{{request}}")).at("2.96"),
        get("admin", c, &format!("{actions}/{{request}}")),
        get("admin", c, &format!("{actions}/{{request}}")).at("2.96"),
        get("member", c, &format!("{actions}/req-no-such")),
        delete("reader", c, "/v2.1/servers/{server}"),
        delete("member", c, "/v2.1/servers/{server}"),
    ]));
    steps.push(show("member").until(&["/server/OS-EXT-STS:task_state"], &["404"]));
    steps.extend(all([
        delete("member", c, "/v2.1/servers/{server}"),
        create("member", with(server("contract-huge"), "flavorRef", "{huge}".into()))
            .keep("server", "/server/id"),
    ]));
    steps.push(show("member").until(STATES, &["ERROR"]));
    steps.extend(all([
        show("member"),
        show("admin").at("2.96"),
        show("member").at("2.96"),
        get("admin", c, actions).at("2.96").keep("request", "/instanceActions/0/request_id"),
        get("admin", c, &format!("{actions}/{{request}}")).at("2.96"),
        act("member", json!({"os-start": null})),
        act("member", json!({"os-stop": null})),
        delete("member", c, "/v2.1/servers/{server}"),
        delete("admin", c, "/v2.1/flavors/{huge}"),
        delete("admin", c, "/v2.1/flavors/{huge}"),
        delete("admin", c, "/v2.1/flavors/{small}").silent(),
        delete("member", "image", "/v2/images/{image}").silent(),
    ]));
    steps
}
