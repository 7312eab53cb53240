use serde_json::{Value, json};

use super::{Ask, NO_ID, Step, all, ask, delete, get, post};

const C: &str = "coe";
const CLUSTER: &str = "/v1/clusters/{cluster}";

fn at(ask: Ask) -> Ask {
    ask.at("1.11")
}

fn template(extra: Value) -> Value {
    let mut template = json!({
        "name": "contract-template", "coe": "kubernetes", "server_type": "vm", "image_id": "{image}", "external_network_id": "provider-ext",
        "master_flavor_id": "gp.mid", "flavor_id": "capi.node", "master_lb_enabled": true, "floating_ip_enabled": true,
        "network_driver": "calico", "dns_nameserver": "8.8.8.8", "docker_storage_driver": "overlay2",
        "labels": {"fixed_subnet_cidr": "10.20.77.0/24", "octavia_provider": "amphora"},
    });
    extra.as_object().unwrap().iter().for_each(|(k, v)| template[k] = v.clone());
    template
}

fn cluster(extra: Value) -> Value {
    let mut cluster = json!({"name": "contract-c1", "cluster_template_id": "contract-template", "keypair": "capi-mgmt-key", "master_count": 1, "node_count": 1});
    extra.as_object().unwrap().iter().for_each(|(k, v)| cluster[k] = v.clone());
    cluster
}

fn image(name: &str, kept: &'static str, properties: Value) -> Vec<Step> {
    let mut image = json!({"name": name, "disk_format": "raw", "container_format": "bare"});
    properties.as_object().unwrap().iter().for_each(|(k, v)| image[k] = v.clone());
    all([
        post("member", "image", "/v2/images").json(image).silent().keep(kept, "/id"),
        ask("member", "PUT", "image", &format!("/v2/images/{{{kept}}}/file")).bytes(&[0; 1024]).silent(),
    ])
}

/// A certificate request that openssl made: admin of system:masters.
const CSR: &str = include_str!("csr.pem");

pub(super) fn steps() -> Vec<Step> {
    let mut steps =
        image("contract-kube", "image", json!({"os_distro": "ubuntu", "kube_version": "v1.34.8"}));
    steps.extend(image("contract-plain", "plain", json!({})));
    let make = |who: &'static str, body: Value| at(post(who, C, "/v1/clustertemplates")).json(body);
    let create = |who: &'static str, body: Value| at(post(who, C, "/v1/clusters")).json(body);
    steps.extend(all([
        get("", C, "/"),
        get("member", C, "/v1"),
        get("", C, "/v1/clusters"),
        at(get("member", C, "/v1/no-such")),
        get("member", C, "/v1/clusters").at("1.99"),
        get("member", C, "/v1/clusters").at("nonsense"),
        at(get("member", C, "/v1/mservices")),
        at(get("admin", C, "/v1/mservices")),
        at(get("member", C, "/v1/quotas")),
        at(get("admin", C, "/v1/quotas")),
        at(get("member", C, "/v1/clustertemplates/no-such")),
        at(get("member", C, "/v1/clusters/no-such")),
        at(get("member", C, &format!("/v1/clusters/{NO_ID}"))),
        make("reader", template(json!({}))),
        make("member", json!({})),
        make("member", template(json!({"image_id": "no-such"}))),
        make("member", template(json!({"image_id": "{plain}"}))),
        make("member", template(json!({"flavor_id": "no-such"}))),
        make("member", template(json!({"external_network_id": "no-such"}))),
        make("member", template(json!({"bogus": 1}))),
        make("member", template(json!({"public": true}))),
        make("member", template(json!({"network_driver": "nonsense"}))),
        make("member", template(json!({}))).keep("template", "/uuid"),
        at(get("member", C, "/v1/clustertemplates/{template}")),
        at(get("member", C, "/v1/clustertemplates/contract-template")),
        get("member", C, "/v1/clustertemplates/contract-template"),
        at(get("member", C, "/v1/clustertemplates?limit=1")).status_only(),
        at(get("member", C, "/v1/clustertemplates/detail")).status_only(),
        at(ask("member", "PATCH", C, "/v1/clustertemplates/{template}"))
            .json(json!([{"op": "replace", "path": "/name", "value": "contract-template"}])),
        create("reader", cluster(json!({}))),
        create("member", json!({})),
        create("member", cluster(json!({"cluster_template_id": "no-such"}))),
        create("member", cluster(json!({"keypair": "no-such"}))).status_only(),
        create("member", cluster(json!({"node_count": -1}))),
        create("member", cluster(json!({"bogus": 1}))),
        create("member", cluster(json!({"name": "1 bad"}))),
        create("member", cluster(json!({}))).keep("cluster", "/uuid"),
    ]));
    steps.push(at(get("member", C, CLUSTER)).until(&["/status"], &["CREATE_COMPLETE", "CREATE_FAILED"]));
    steps.push(at(get("member", C, CLUSTER)).until(&["/health_status"], &["HEALTHY"]));
    let certificates = |who: &'static str, body: Value| at(post(who, C, "/v1/certificates")).json(body);
    steps.extend(all([
        at(get("member", C, CLUSTER)).keep("stack", "/stack_id"),
        at(get("member", C, "/v1/clusters/contract-c1")),
        at(get("reader", C, CLUSTER)),
        at(get("admin", C, CLUSTER)),
        get("member", C, CLUSTER),
        at(get("member", C, "/v1/clusters")),
        at(get("member", C, "/v1/clusters/detail")),
        at(get("member", C, "/v1/clusters?limit=1")),
        at(get("member", C, &format!("{CLUSTER}/nodegroups"))).keep("group", "/nodegroups/0/uuid"),
        get("member", C, &format!("{CLUSTER}/nodegroups")).at("1.8"),
        at(get("member", C, &format!("{CLUSTER}/nodegroups/{{group}}"))),
        at(get("member", C, &format!("{CLUSTER}/nodegroups/default-worker"))),
        at(get("member", C, "/v1/stats")),
        at(get("member", C, "/v1/certificates/{cluster}")),
        at(get("reader", C, "/v1/certificates/{cluster}")),
        at(get("admin", C, "/v1/certificates/{cluster}")),
        at(get("capi-mgmt", C, "/v1/certificates/{cluster}")),
        at(get("member", C, "/v1/certificates/no-such")),
        certificates("member", json!({"cluster_uuid": "{cluster}", "csr": CSR})),
        certificates("reader", json!({"cluster_uuid": "{cluster}", "csr": CSR})),
        certificates("capi-mgmt", json!({"cluster_uuid": "{cluster}", "csr": CSR})),
        certificates("member", json!({"cluster_uuid": "{cluster}", "csr": "bad"})),
        at(delete("member", C, "/v1/clustertemplates/{template}")),
        at(delete("reader", C, CLUSTER)),
        // what Cluster API made in the other services
        get("member", "compute", "/v2.1/servers?name=^{stack}-"),
        get(
            "member",
            "lb",
            "/v2/lbaas/loadbalancers?name=k8s-clusterapi-cluster-magnum-{member-project}-{stack}-kubeapi",
        )
        .except(&["listeners", "pools"]),
        get(
            "member",
            "network",
            "/v2.0/networks?name=k8s-clusterapi-cluster-magnum-{member-project}-{stack}",
        ),
        get("member", "network", "/v2.0/routers?name=k8s-clusterapi-cluster-magnum-{member-project}-{stack}"),
        at(ask("member", "PATCH", C, CLUSTER))
            .json(json!([{"op": "replace", "path": "/node_count", "value": 2}])),
    ]));
    steps.push(at(get("member", C, CLUSTER)).until(&["/status"], &["UPDATE_COMPLETE", "UPDATE_FAILED"]));
    steps.extend(all([
        at(post("member", C, &format!("{CLUSTER}/actions/resize"))).json(json!({"node_count": 1})),
        at(delete("member", C, CLUSTER)),
        at(delete("member", C, CLUSTER)),
    ]));
    steps.push(at(get("member", C, CLUSTER)).until(&["/status"], &["404"]));
    steps.extend(all([
        at(get("member", C, CLUSTER)),
        at(delete("member", C, CLUSTER)),
        at(delete("member", C, "/v1/clustertemplates/{template}")),
        at(delete("member", C, "/v1/clustertemplates/{template}")),
        delete("member", "image", "/v2/images/{image}").silent(),
        delete("member", "image", "/v2/images/{plain}").silent(),
    ]));
    steps
}
