use serde_json::{Value, json};

use super::{Ask, NO_ID, Step, all, delete, get, post, put};

const L: &str = "lb";
const LB: &str = "/v2/lbaas/loadbalancers/{lb}";

fn lb() -> Ask {
    get("member", L, LB)
}

fn settled() -> Step {
    lb().until(&["/loadbalancer/provisioning_status"], &["ACTIVE", "ERROR"])
}

fn create(who: &'static str, lb: Value) -> Ask {
    post(who, L, "/v2/lbaas/loadbalancers").json(json!({"loadbalancer": lb}))
}

fn listener(listener: Value) -> Ask {
    post("member", L, "/v2/lbaas/listeners").json(json!({"listener": listener}))
}

pub(super) fn steps() -> Vec<Step> {
    let amphorae = "/v2/octavia/amphorae?loadbalancer_id={lb}";
    let mut steps = all([
        get("member", "network", "/v2.0/subnets?name=capi-mgmt-subnet").silent(),
        get("member", "network", "/v2.0/networks?name=capi-mgmt-net")
            .silent()
            .keep("sub", "/networks/0/subnets/0"),
        get("", L, "/"),
        get("", L, "/v2/lbaas/loadbalancers"),
        get("member", L, "/v2/no-such"),
        get("member", L, "/v2/lbaas/no-such"),
        get("member", L, "/v2/lbaas/loadbalancers?name=contract-none"),
        get("reader", L, "/v2/lbaas/loadbalancers"),
        get("member", L, "/v2"),
        get("member", L, "/v2.0"),
        get("member", L, "/v2/lbaas/providers"),
        get("member", L, "/v2/lbaas/flavors"),
        get("member", L, "/v2/lbaas/availabilityzones"),
        get("member", L, "/v2/octavia/amphorae"),
        get("admin", L, "/v2/octavia/amphorae/no-such"),
        create("reader", json!({"name": "contract-lb", "vip_subnet_id": "{sub}"})),
        create("member", json!({"name": "contract-lb"})),
        create("member", json!({"vip_subnet_id": "nonsense"})),
        create("member", json!({"vip_subnet_id": NO_ID})),
        create("member", json!({"vip_subnet_id": "{sub}", "bogus": 1})),
        create("member", json!({"vip_subnet_id": "{sub}", "provider": "nonsense"})),
        create("member", json!({"name": "contract-lb", "vip_subnet_id": "{sub}", "provider": "amphora"}))
            .keep("lb", "/loadbalancer/id")
            .keep("vip-port", "/loadbalancer/vip_port_id"),
        put("admin", L, &format!("{LB}/failover")),
        delete("member", L, LB),
        put("member", L, LB).json(json!({"loadbalancer": {"name": "x"}})),
        listener(json!({"loadbalancer_id": "{lb}", "protocol": "TCP", "protocol_port": 6443})),
    ]);
    steps.push(settled());
    steps.push(lb().until(&["/loadbalancer/operating_status"], &["ONLINE"]));
    steps.extend(all([
        lb(),
        get("admin", L, amphorae).keep("amphora", "/amphorae/0/id").keep("compute", "/amphorae/0/compute_id"),
        get("admin", L, "/v2/octavia/amphorae/{amphora}"),
        get("admin", L, "/v2/octavia/amphorae/{amphora}/stats"),
        get("admin", L, "/v2/octavia/amphorae?compute_id={compute}"),
        get("admin", L, "/v2/octavia/amphorae?loadbalancer_id={lb}&status=ALLOCATED&role=STANDALONE"),
        get("admin", L, "/v2/octavia/amphorae?loadbalancer_id={lb}&status=ERROR"),
        get("admin", L, "/v2/octavia/amphorae?loadbalancer_id={lb}&fields=id&fields=status"),
        get("admin", L, "/v2/octavia/amphorae?bogus=1"),
        get("admin", L, "/v2/octavia/amphorae?loadbalancer_id={lb}&limit=1"),
        get("reader", L, "/v2/octavia/amphorae/{amphora}"),
        get("member", L, "/v2/octavia/amphorae/{amphora}"),
        get("admin", "compute", "/v2.1/servers/{compute}").at("2.96"),
        get("admin", "network", "/v2.0/ports?device_id={compute}&name=octavia-lb-vrrp-{amphora}")
            .status_only(),
        get("member", "network", "/v2.0/ports/{vip-port}"),
        get("reader", L, LB),
        put("member", L, &format!("{LB}/failover")),
        delete("reader", L, LB),
        get("member", L, &format!("{LB}/status")),
        get("member", L, &format!("{LB}/stats")),
        put("member", L, LB).json(json!({"loadbalancer": {"description": "d"}})),
    ]));
    steps.push(settled());
    steps.extend(all([
        listener(json!({"loadbalancer_id": "{lb}"})),
        listener(json!({"loadbalancer_id": "{lb}", "protocol": "NONSENSE", "protocol_port": 1})).status_only(),
        listener(json!({"name": "contract-l", "loadbalancer_id": "{lb}", "protocol": "TCP", "protocol_port": 6443})).keep("listener", "/listener/id"),
    ]));
    steps.push(settled());
    steps.extend(all([
        listener(json!({"loadbalancer_id": "{lb}", "protocol": "TCP", "protocol_port": 6443})),
        post("member", L, "/v2/lbaas/pools").json(json!({"pool": {"name": "contract-p", "listener_id": "{listener}", "protocol": "TCP", "lb_algorithm": "ROUND_ROBIN"}}))
            .keep("pool", "/pool/id"),
    ]));
    steps.push(settled());
    let members = "/v2/lbaas/pools/{pool}/members";
    steps.extend(all([post("member", L, members)
        .json(json!({"member": {"address": "10.20.0.5", "protocol_port": 6443, "subnet_id": "{sub}"}}))
        .keep("member-id", "/member/id")]));
    steps.push(settled());
    steps.extend(all([
        post("member", L, "/v2/lbaas/healthmonitors").json(json!({"healthmonitor": {"pool_id": "{pool}", "type": "TCP", "delay": 5, "timeout": 3, "max_retries": 3}}))
            .keep("monitor", "/healthmonitor/id"),
    ]));
    steps.push(settled());
    steps.push(
        get("member", L, &format!("{members}/{{member-id}}"))
            .until(&["/member/operating_status"], &["ONLINE"]),
    );
    for path in [
        "/v2/lbaas/listeners/{listener}",
        "/v2/lbaas/listeners?loadbalancer_id={lb}",
        "/v2/lbaas/listeners/{listener}/stats",
        "/v2/lbaas/pools/{pool}",
        "/v2/lbaas/pools?loadbalancer_id={lb}",
        "/v2/lbaas/pools/{pool}/members",
        "/v2/lbaas/pools/{pool}/members/{member-id}",
        "/v2/lbaas/pools/{pool}/members/no-such",
        "/v2/lbaas/healthmonitors/{monitor}",
        "/v2/lbaas/loadbalancers/{lb}",
        "/v2/lbaas/loadbalancers/{lb}/status",
        "/v2/lbaas/loadbalancers/{lb}/statuses",
        "/v2/lbaas/healthmonitors",
        "/v2/lbaas/loadbalancers?name=contract-lb",
        "/v2.0/lbaas/loadbalancers/{lb}",
        "/v2/lbaas/loadbalancers?name=contract-lb&provisioning_status=ACTIVE&limit=1",
        "/v2/lbaas/loadbalancers?fields=id&fields=name&name=contract-lb",
        "/v2/lbaas/loadbalancers?vip_port_id={vip-port}",
        "/v2/lbaas/loadbalancers?vip_address=192.0.2.1",
        "/v2/lbaas/loadbalancers?name=contract-lb&operating_status=ONLINE",
        "/v2/lbaas/loadbalancers?name=contract-lb&provisioning_status=ERROR",
        "/v2/lbaas/loadbalancers?id={lb}&fields=id&fields=vip_address",
        "/v2/lbaas/listeners?loadbalancer_id={lb}&protocol=TCP&protocol_port=6443",
        "/v2/lbaas/listeners?loadbalancer_id={lb}&protocol=HTTP",
        "/v2/lbaas/listeners?bogus=1",
        "/v2/lbaas/pools?loadbalancer_id={lb}&fields=id&fields=members",
        "/v2/lbaas/pools?bogus=1",
        "/v2/lbaas/pools/{pool}/members?address=10.20.0.5&protocol_port=6443",
        "/v2/lbaas/pools/{pool}/members?address=10.20.0.99",
        "/v2/lbaas/pools/{pool}/members?fields=id&fields=weight",
        "/v2/lbaas/healthmonitors?pool_id={pool}",
        "/v2/lbaas/healthmonitors/no-such",
        "/v2/lbaas/loadbalancers/no-such/status",
        "/v2/lbaas/loadbalancers?bogus=1",
        "/v2/lbaas/loadbalancers/no-such",
        "/v2/lbaas/listeners/no-such",
        "/v2/lbaas/pools/no-such",
    ] {
        steps.push(get("member", L, path).into());
    }
    steps.extend(all([
        delete("member", L, LB),
        put("admin", L, &format!("{LB}/failover")),
        put("admin", L, &format!("{LB}/failover")),
    ]));
    // build before reap: the old amphora is marked, and goes when the new one is there
    steps.push(get("admin", L, "/v2/octavia/amphorae/{amphora}").until(&["/amphora/status"], &["404"]));
    steps.push(settled());
    steps.extend(all([
        get("admin", L, amphorae).keep("amphora-2", "/amphorae/0/id"),
        put("admin", L, "/v2/octavia/amphorae/{amphora}/failover"),
        delete("admin", L, "/v2/octavia/amphorae/{amphora-2}"),
        put("admin", L, "/v2/octavia/amphorae/{amphora-2}/failover"),
    ]));
    steps.push(settled());
    steps.extend(all([delete("member", L, "/v2/lbaas/healthmonitors/{monitor}")]));
    steps.push(settled());
    steps.extend(all([delete("member", L, &format!("{members}/{{member-id}}"))]));
    steps.push(settled());
    steps.extend(all([
        delete("member", L, &format!("{members}/{{member-id}}")),
        put("member", L, "/v2/lbaas/listeners/{listener}").json(json!({"listener": {"name": "contract-l2"}})),
    ]));
    steps.push(settled());
    steps.extend(all([delete("member", L, "/v2/lbaas/pools/{pool}")]));
    steps.push(settled());
    steps.extend(all([delete("member", L, "/v2/lbaas/listeners/{listener}")]));
    steps.push(settled());
    steps.extend(all([listener(
        json!({"name": "contract-l", "loadbalancer_id": "{lb}", "protocol": "TCP", "protocol_port": 6443}),
    )
    .silent()]));
    steps.push(settled());
    steps.extend(all([
        delete("member", L, &format!("/v2/lbaas/loadbalancers/{NO_ID}")),
        delete("member", L, &format!("{LB}?cascade=true")),
        lb(),
    ]));
    steps.push(lb().until(&["/loadbalancer/provisioning_status"], &["404"]));
    steps.extend(all([delete("member", L, &format!("{LB}?cascade=true")), get("admin", L, amphorae)]));
    steps
}
