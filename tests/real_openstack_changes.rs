//! Changes, made by rows on a real OpenStack 2024.1: each service's things made, changed, acted on and taken away.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail as a test does")]

mod real_cloud;
mod testbed;

use std::collections::BTreeSet;
use std::sync::Arc;

use real_cloud::{
    Log, act, change, cloud, create, delete, map, own_project, project, row, session, session_of, until,
};
use rhumb::base::{ErrorKind, Mutation, Payload, Secret};
use rhumb::systems::kubernetes::{Expected, Kube, KubeSpec, KubeconfigSource};
use rhumb::systems::openstack::resource::{self, Item};
use rhumb::systems::openstack::{
    self, AppCredential, Authority, Cloud, Credential, Declared, Session, find, get, list,
};
use serde_json::{Map, Value, json};

/// A name of this test run.
fn name(of: &str) -> String {
    format!("openstack-{of}-{}", std::process::id())
}

fn id(thing: &Value) -> &str {
    thing["id"].as_str().unwrap()
}

async fn named(session: &Session, resource: &str, name: &str) -> Value {
    get(session, row(resource), name, &Map::new()).await.unwrap()
}

async fn update(session: &Session, resource: &str, id: &str, fields: Value) -> rhumb::base::Result<()> {
    let item = Item { id, name: None, parents: &Map::new() };
    change(session, resource::update_call(row(resource), item, &Payload::from(fields)).unwrap())
        .await
        .map(drop)
}

#[tokio::test]
async fn a_server_is_made_stopped_started_and_deleted() {
    let member = session("member");
    let (image, flavor) =
        (named(&member, "images", "fixture").await, named(&member, "flavors", "gp.small").await);
    let network = named(&member, "networks", "capi-mgmt-net").await;
    let spec = json!({"name": name("vm"), "imageRef": id(&image), "flavorRef": id(&flavor), "networks": [{"uuid": id(&network)}]});
    let made = create(&member, "servers", spec.clone()).await;
    let server = until(&member, "servers", id(&made), |s| s["status"] == "ACTIVE").await;
    assert_eq!(
        (&server["name"], &server["flavor"]["id"], &server["locked"]),
        (&spec["name"], &flavor["id"], &json!(false))
    );
    let vm = id(&server);
    // by the inner id of an object, and by a regular expression's characters taken literally
    let same = list(&member, row("servers"), &map(json!({"flavor": id(&flavor), "name": spec["name"]})))
        .await
        .unwrap();
    assert_eq!(same.len(), 1);

    assert_eq!(act(&member, "servers", vm, "stop", json!({})).await.unwrap().status, 202);
    until(&member, "servers", vm, |s| s["status"] == "SHUTOFF").await;
    let e = act(&member, "servers", vm, "stop", json!({})).await.unwrap_err();
    assert_eq!((e.kind(), e.detail().status), (ErrorKind::Conflict, Some(409)));
    assert!(e.to_string().contains("vm_state stopped"), "{e}");
    act(&member, "servers", vm, "start", json!({})).await.unwrap();
    until(&member, "servers", vm, |s| s["status"] == "ACTIVE").await;
    act(&member, "servers", vm, "reboot", json!({"type": "HARD"})).await.unwrap();
    until(&member, "servers", vm, |s| s["status"] == "ACTIVE" && s["OS-EXT-STS:task_state"].is_null()).await;

    let history = act(&member, "servers", vm, "instance_actions", json!({})).await.unwrap().json().unwrap();
    let actions: BTreeSet<&str> = history["instanceActions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["create", "reboot", "start", "stop"].into());
    let ports = act(&member, "servers", vm, "interfaces", json!({})).await.unwrap().json().unwrap();
    let port = ports["interfaceAttachments"][0]["port_id"].as_str().unwrap();
    assert_eq!(named(&member, "ports", port).await["device_id"], vm);
    let console =
        act(&member, "servers", vm, "console_output", json!({"length": 5})).await.unwrap().json().unwrap();
    assert!(console["output"].is_string());

    let admin = session("admin");
    act(&admin, "servers", vm, "lock", json!({})).await.unwrap();
    let e = act(&member, "servers", vm, "stop", json!({})).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Conflict, "{e}");
    act(&admin, "servers", vm, "unlock", json!({})).await.unwrap();
    update(&member, "servers", vm, json!({"name": name("renamed")})).await.unwrap();
    assert_eq!(named(&member, "servers", vm).await["name"], name("renamed"));

    let found = list(&admin, row("servers"), &map(json!({"all_tenants": true, "name": name("renamed")})))
        .await
        .unwrap();
    assert_eq!((found.len(), &found[0]["id"]), (1, &json!(vm)));
    let host = named(
        &admin,
        "resource_providers",
        found[0]["OS-EXT-SRV-ATTR:hypervisor_hostname"].as_str().unwrap(),
    )
    .await;
    let taken =
        list(&admin, row("allocations"), &map(json!({"resource_provider": host["uuid"]}))).await.unwrap();
    assert!(taken.iter().any(|a| a["consumer"] == vm && a["resources"]["VCPU"] == 1), "{taken:?}");

    assert_eq!(delete(&member, "servers", vm, json!({})).await.unwrap().status, 204);
    until(&member, "servers", vm, Value::is_null).await;
    assert_eq!(delete(&member, "servers", vm, json!({})).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn networks_are_made_and_taken_down_in_their_order() {
    let member = session("member");
    let net = create(&member, "networks", json!({"name": name("net")})).await;
    let spec =
        json!({"name": name("subnet"), "network_id": id(&net), "ip_version": 4, "cidr": "10.99.0.0/24"});
    let subnet = create(&member, "subnets", spec).await;
    let external = named(&member, "networks", "provider-ext").await;
    let gateway = json!({"network_id": id(&external)});
    let router =
        create(&member, "routers", json!({"name": name("router"), "external_gateway_info": gateway})).await;
    let interface = json!({"subnet_id": id(&subnet)});
    act(&member, "routers", id(&router), "add_interface", interface.clone()).await.unwrap();
    let port = create(&member, "ports", json!({"name": name("port"), "network_id": id(&net)})).await;
    let fip =
        create(&member, "floating_ips", json!({"floating_network_id": id(&external), "port_id": id(&port)}))
            .await;
    let address = fip["floating_ip_address"].as_str().unwrap();
    assert_eq!(named(&member, "floating_ips", address).await["id"], fip["id"]);
    let group = create(&member, "security_groups", json!({"name": name("group")})).await;
    let rule = json!({"security_group_id": id(&group), "direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22});
    let rule = create(&member, "security_group_rules", rule).await;
    update(&member, "ports", id(&port), json!({"security_groups": [id(&group)]})).await.unwrap();
    let blockers = list(&member, row("ports"), &map(json!({"network_id": id(&net)}))).await.unwrap();
    let owners: BTreeSet<&str> = blockers.iter().map(|p| p["device_owner"].as_str().unwrap()).collect();
    assert_eq!(owners, ["", "network:router_interface"].into());

    for (resource, thing, code) in [
        ("networks", &net, "NetworkInUse"),
        ("subnets", &subnet, "SubnetInUse"),
        ("routers", &router, "RouterInUse"),
        ("security_groups", &group, "SecurityGroupInUse"),
    ] {
        let e = delete(&member, resource, id(thing), json!({})).await.unwrap_err();
        assert_eq!((e.kind(), e.detail().status), (ErrorKind::Conflict, Some(409)), "{e}");
        assert!(e.to_string().contains(&format!("({code})")), "{e}");
    }
    delete(&member, "floating_ips", id(&fip), json!({})).await.unwrap();
    delete(&member, "ports", id(&port), json!({})).await.unwrap();
    act(&member, "routers", id(&router), "remove_interface", interface).await.unwrap();
    act(&member, "routers", id(&router), "clear_gateway", json!({})).await.unwrap();
    assert_eq!(named(&member, "routers", id(&router)).await["external_gateway_info"], Value::Null);
    delete(&member, "security_group_rules", id(&rule), json!({})).await.unwrap();
    for (resource, thing) in
        [("security_groups", &group), ("routers", &router), ("subnets", &subnet), ("networks", &net)]
    {
        delete(&member, resource, id(thing), json!({})).await.unwrap();
        assert_eq!(find(&member, row(resource), id(thing), &Map::new()).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_load_balancer_is_failed_over_by_those_who_may() {
    let log = Arc::new(Log::default());
    let (member, admin) = (session("member").witnessed(log.clone()), session("admin"));
    let subnet = named(&member, "subnets", "capi-mgmt-subnet").await;
    let lb = create(
        &member,
        "load_balancers",
        json!({"name": name("lb"), "vip_subnet_id": id(&subnet), "provider": "amphora"}),
    )
    .await;
    let lb = id(&lb);
    // PENDING is a lock
    let e = delete(&member, "load_balancers", lb, json!({})).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Conflict, "{e}");
    let active = |thing: &Value| thing["provisioning_status"] == "ACTIVE";
    until(&member, "load_balancers", lb, active).await;
    let listener =
        json!({"name": name("listener"), "loadbalancer_id": lb, "protocol": "TCP", "protocol_port": 6443});
    let listener = create(&member, "listeners", listener).await;
    until(&member, "load_balancers", lb, active).await;
    let pool = json!({"name": name("pool"), "listener_id": id(&listener), "protocol": "TCP", "lb_algorithm": "ROUND_ROBIN"});
    let pool = create(&member, "pools", pool).await;
    until(&member, "load_balancers", lb, active).await;
    let spec =
        json!({"pool": id(&pool), "name": name("member"), "address": "10.20.0.200", "protocol_port": 6443});
    let added = create(&member, "members", spec).await;
    until(&member, "load_balancers", lb, active).await;
    let of_pool = map(json!({"pool": id(&pool)}));
    assert_eq!(
        find(&member, row("members"), &name("member"), &of_pool).await.unwrap().unwrap()["id"],
        added["id"]
    );
    assert_eq!(get(&member, row("members"), id(&added), &of_pool).await.unwrap()["address"], "10.20.0.200");
    let tree = act(&member, "load_balancers", lb, "status_tree", json!({})).await.unwrap().json().unwrap();
    let leaf = &tree["statuses"]["loadbalancer"]["listeners"][0]["pools"][0]["members"][0];
    assert_eq!(
        (leaf["id"].as_str(), leaf["provisioning_status"].as_str()),
        (Some(id(&added)), Some("ACTIVE"))
    );
    let stats = act(&member, "load_balancers", lb, "stats", json!({})).await.unwrap().json().unwrap();
    assert!(stats["stats"]["active_connections"].is_number());

    // who may not is refused here, before any request, and would be there
    let before = log.to("load-balancer");
    let e = act(&member, "load_balancers", lb, "failover", json!({})).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Refused, "{e}");
    assert_eq!(log.to("load-balancer"), before);
    let mut open = cloud("member", None);
    open.policy = rhumb::systems::openstack::Policy::new([("load_balancers.failover", vec![])]).unwrap();
    let e = act(&session_of(open, own_project("member")), "load_balancers", lb, "failover", json!({}))
        .await
        .unwrap_err();
    assert_eq!((e.kind(), e.detail().status), (ErrorKind::Forbidden, Some(403)), "{e}");

    // who may: 202, then PENDING_UPDATE, then ACTIVE with other amphorae
    let amphorae = async || {
        let all = list(&admin, row("amphorae"), &map(json!({"loadbalancer_id": lb}))).await.unwrap();
        let allocated = all.into_iter().filter(|a| a["status"] == "ALLOCATED");
        allocated.map(|a| id(&a).to_string()).collect::<BTreeSet<_>>()
    };
    let old = amphorae().await;
    let edge = row("load_balancers").action("failover").unwrap().edge.unwrap();
    assert_eq!(act(&admin, "load_balancers", lb, "failover", json!({})).await.unwrap().status, 202);
    until(&admin, "load_balancers", lb, |lb| edge.through.contains(&lb[edge.field].as_str().unwrap())).await;
    let e = act(&admin, "load_balancers", lb, "failover", json!({})).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Conflict, "{e}");
    until(&admin, "load_balancers", lb, |lb| lb[edge.field] == edge.to).await;
    let new = amphorae().await;
    assert!(!new.is_empty() && new.is_disjoint(&old), "{old:?} {new:?}");

    update(&member, "load_balancers", lb, json!({"description": "renamed"})).await.unwrap();
    until(&member, "load_balancers", lb, active).await;
    let e = delete(&member, "load_balancers", lb, json!({})).await.unwrap_err();
    assert!(matches!(e.kind(), ErrorKind::Invalid | ErrorKind::Conflict), "it has children: {e}");
    assert_eq!(delete(&member, "load_balancers", lb, json!({"cascade": true})).await.unwrap().status, 204);
    until(&member, "load_balancers", lb, |lb| lb.is_null() || lb["provisioning_status"] == "DELETED").await;
}

#[tokio::test]
async fn a_keypair_and_an_application_credential_give_secrets_once() {
    let member = session("member");
    let key = create(&member, "keypairs", json!({"name": name("key"), "type": "ssh"})).await;
    assert!(row("keypairs").secrets.iter().all(|s| key[s].as_str().unwrap().contains("PRIVATE KEY")));
    assert!(named(&member, "keypairs", &name("key")).await.get("private_key").is_none());
    delete(&member, "keypairs", &name("key"), json!({})).await.unwrap();
    assert_eq!(find(&member, row("keypairs"), &name("key"), &Map::new()).await.unwrap(), None);

    let made = create(&member, "application_credentials", json!({"name": name("app")})).await;
    let secret = made["secret"].as_str().unwrap();
    let credential = Credential::ApplicationCredential {
        credential: AppCredential::Id(id(&made).to_string()),
        secret: Secret::new(secret),
    };
    let cloud = Arc::new(Cloud::new("app", cloud("member", None).auth_url, credential));
    let clock = Arc::new(rhumb::base::SimClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
    let new = || {
        Session::new("app", cloud.clone(), Authority::OfCredential, Declared::default(), clock.clone())
            .unwrap()
    };
    let app = new();
    let identity = app.identity().await.unwrap();
    assert_eq!(identity.target, member.identity().await.unwrap().target);
    assert!(identity.restricted);
    list(&app, row("servers"), &Map::new()).await.unwrap();
    assert_eq!(app.narrow("x", project("admin", "Default"), &[]).unwrap_err().kind(), ErrorKind::Credentials);
    let call = resource::create_call(row("application_credentials"), &json!({"name": name("second")}).into())
        .unwrap();
    assert_eq!(change(&app, call).await.unwrap_err().kind(), ErrorKind::Forbidden, "it is restricted");

    let shown = named(&member, "application_credentials", &name("app")).await;
    assert_eq!((&shown["id"], shown.get("secret").and_then(Value::as_str)), (&made["id"], None));
    delete(&member, "application_credentials", id(&made), json!({})).await.unwrap();
    let e = new().identity().await.unwrap_err();
    assert_eq!((e.kind(), e.detail().status), (ErrorKind::Credentials, Some(404)));
    assert!(e.detail().help.as_ref().unwrap().contains("is wrong, expired or deleted"), "{e:?}");
}

#[tokio::test]
async fn an_image_is_described_by_its_properties() {
    let member = session("member");
    let spec = json!({"name": name("image"), "disk_format": "raw", "container_format": "bare", "os_distro": "ubuntu"});
    let image = create(&member, "images", spec).await;
    assert_eq!((&image["status"], &image["os_distro"]), (&json!("queued"), &json!("ubuntu")));
    update(
        &member,
        "images",
        id(&image),
        json!({"kube_version": "v1.34.8", "os_distro": null, "min_ram": 64}),
    )
    .await
    .unwrap();
    let shown = named(&member, "images", &name("image")).await;
    assert_eq!(
        (&shown["kube_version"], shown.get("os_distro"), &shown["min_ram"]),
        (&json!("v1.34.8"), None, &json!(64))
    );
    let found = list(&member, row("images"), &map(json!({"kube_version": "v1.34.8", "name": name("image")})))
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    let tasks = act(&member, "images", id(&image), "tasks", json!({})).await.unwrap().json().unwrap();
    assert_eq!(tasks["tasks"], json!([]));
    let import =
        act(&member, "images", id(&image), "import_data", json!({"method": {"name": "glance-direct"}})).await;
    assert_eq!(import.unwrap_err().kind(), ErrorKind::Conflict, "nothing was staged");
    let e = act(&session("admin"), "images", id(&image), "deactivate", json!({})).await.unwrap_err();
    assert!(matches!(e.kind(), ErrorKind::Forbidden | ErrorKind::Conflict), "it is not active: {e}");
    delete(&member, "images", id(&image), json!({})).await.unwrap();
    assert_eq!(find(&member, row("images"), id(&image), &Map::new()).await.unwrap(), None);
}

#[tokio::test]
async fn users_and_projects_are_made_without_showing_a_password() {
    let admin = session("admin");
    let made = create(&admin, "projects", json!({"name": name("project"), "domain_id": "default"})).await;
    update(&admin, "projects", id(&made), json!({"enabled": false})).await.unwrap();
    let filter = map(json!({"name": name("project"), "enabled": false}));
    assert_eq!(list(&admin, row("projects"), &filter).await.unwrap().len(), 1);
    delete(&admin, "projects", id(&made), json!({})).await.unwrap();

    let user = |password: Value| {
        Payload::new(json!({"name": name("user"), "password": password}), ["/password".to_string()])
    };
    let call = resource::create_call(row("users"), &user("hunter2".into())).unwrap();
    let bound = admin.bind(call.clone()).await.unwrap();
    assert_eq!(bound.intent().body["user"]["password"], "***");
    let made = change(&admin, call).await.unwrap().json().unwrap()["user"].clone();
    // Keystone echoes what it does not like
    let e = change(&admin, resource::create_call(row("users"), &user(json!({"hunter2": 1}))).unwrap())
        .await
        .unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Invalid, "{e}");
    assert!(!format!("{e:?}").contains("hunter2"), "{e:?}");
    delete(&admin, "users", id(&made), json!({})).await.unwrap();
}

#[tokio::test]
async fn a_flavor_and_a_compute_service_are_for_administrators() {
    let admin = session("admin");
    let spec = json!({"name": name("flavor"), "ram": 64, "vcpus": 1, "disk": 1, "id": name("flavor-id")});
    let flavor = create(&admin, "flavors", spec).await;
    update(&admin, "flavors", id(&flavor), json!({"description": "small"})).await.unwrap();
    // its id is no UUID, and it is found by it
    assert_eq!(named(&admin, "flavors", &name("flavor-id")).await["description"], "small");
    delete(&admin, "flavors", id(&flavor), json!({})).await.unwrap();
    let call = resource::create_call(row("flavors"), &json!({"name": "x"}).into()).unwrap();
    assert_eq!(session("member").bind(call).await.err().unwrap().kind(), ErrorKind::Refused);

    let service =
        list(&admin, row("compute_services"), &map(json!({"binary": "nova-compute", "status": "enabled"})))
            .await
            .unwrap();
    update(&admin, "compute_services", id(&service[0]), json!({"status": "enabled"})).await.unwrap();
}

#[tokio::test]
async fn a_cluster_grows_from_its_template_and_goes() {
    let capi = session("capi-mgmt");
    let made = testbed::fixture(["template"]);
    let template = named(&capi, "cluster_templates", made["name"].as_str().unwrap()).await;
    let spec = json!({"name": name("cluster"), "cluster_template_id": template["uuid"], "keypair": "capi-mgmt-key", "master_count": 1, "node_count": 1});
    let made = create(&capi, "clusters", spec).await;
    let cluster = made["uuid"].as_str().unwrap();
    let done = until(&capi, "clusters", cluster, |c| c["status"] == "CREATE_COMPLETE").await;
    for column in row("clusters").columns {
        assert!(done.get(column).is_some(), "no {column} in {done}");
    }
    assert_eq!(named(&capi, "clusters", &name("cluster")).await["uuid"], made["uuid"]);
    let of_it = map(json!({"cluster": cluster}));
    let groups = list(&capi, row("nodegroups"), &of_it).await.unwrap();
    let roles: BTreeSet<&str> = groups.iter().map(|g| g["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["master", "worker"].into());
    let group = get(&capi, row("nodegroups"), groups[0]["name"].as_str().unwrap(), &of_it).await.unwrap();
    for column in row("nodegroups").columns {
        assert!(group.get(column).is_some(), "no {column} in {group}");
    }
    let same = act(&capi, "clusters", cluster, "nodegroups", json!({})).await.unwrap().json().unwrap();
    assert_eq!(same["nodegroups"].as_array().unwrap().len(), groups.len());

    let authority = named(&capi, "certificates", cluster).await;
    assert!(authority["pem"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    let kubeconfig = openstack::kubeconfig(&capi, cluster).await.unwrap();
    let spec = KubeSpec {
        name: "workload".into(),
        source: KubeconfigSource::Fetched(kubeconfig),
        context: None,
        expected: Expected::default(),
    };
    assert_eq!(Kube::new(&spec, None, None).unwrap().server(), done["api_address"].as_str().unwrap());
    // another member of the project is no creator
    let e = openstack::kubeconfig(&session("member"), cluster).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Forbidden, "{e}");
    assert!(e.detail().help.as_deref().unwrap().contains("the user who created it"), "{e}");

    assert_eq!(
        act(&capi, "clusters", cluster, "resize", json!({"node_count": 2})).await.unwrap().status,
        202
    );
    until(&capi, "clusters", cluster, |c| c["status"] == "UPDATE_COMPLETE" && c["node_count"] == 2).await;
    update(&capi, "clusters", cluster, json!({"node_count": 1})).await.unwrap();
    until(&capi, "clusters", cluster, |c| c["status"] == "UPDATE_COMPLETE" && c["node_count"] == 1).await;
    assert_eq!(delete(&capi, "clusters", cluster, json!({})).await.unwrap().status, 204);
    until(&capi, "clusters", cluster, Value::is_null).await;
}
