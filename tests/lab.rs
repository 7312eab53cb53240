//! The lab by itself: what its services do to each other over virtual time, what goes wrong on request, and
//! that nothing of it depends on anything but the scenario, the requests and the time.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use rhumb::base::{Clock as _, SimClock};
use rhumb::lab::{Fault, Lab, Scenario, Tenancy, Values};
use serde_json::{Value, json};

/// A lab with a clock and a client.
struct Bench {
    lab: Lab,
    clock: Arc<SimClock>,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

struct Reply {
    status: u16,
    token: String,
    body: Value,
}

impl Bench {
    fn of(scenario: &Scenario) -> Bench {
        rhumb::systems::http::install_crypto();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let clock = Arc::new(SimClock::new("2026-06-10T02:00:00Z".parse().unwrap()));
        let lab = Lab::start(scenario, &Tenancy::example(), clock.clone(), runtime.handle()).unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Bench { lab, clock, client, runtime }
    }

    fn shipped(name: &str) -> Bench {
        Bench::of(&Scenario::shipped(name, &Values::new()).unwrap())
    }

    /// A shipped scenario with something added.
    fn with(extra: &str) -> Bench {
        Bench::of(&Scenario::parse("test.toml", extra, &Values::new()).unwrap())
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance_to(self.clock.elapsed() + Duration::from_secs(seconds));
    }

    fn try_send(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> Result<Reply, reqwest::Error> {
        let url = format!("http://{}{path}", self.lab.address());
        let mut request = self.client.request(method.parse().unwrap(), url).header("x-auth-token", token);
        request = request.header("openstack-api-version", "compute 2.90,placement 1.39,container-infra 1.11");
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        self.runtime.block_on(async {
            let response = request.send().await?;
            let status = response.status().as_u16();
            let token = response
                .headers()
                .get("x-subject-token")
                .map(|t| t.to_str().unwrap().into())
                .unwrap_or_default();
            let text = response.text().await?;
            Ok(Reply { status, token, body: serde_json::from_str(&text).unwrap_or(Value::Null) })
        })
    }

    fn login(&self, user: &str, domain: &str, project: &str, project_domain: &str) -> User<'_> {
        let scope = json!({"project": {"name": project, "domain": {"name": project_domain}}});
        let user = json!({"name": user, "domain": {"name": domain}, "password": "secret"});
        let auth = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}});
        let reply = self.try_send("POST", "/identity/v3/auth/tokens", "", Some(&auth)).unwrap();
        assert_eq!(reply.status, 201, "{}", reply.body);
        User { bench: self, token: reply.token }
    }

    fn admin(&self) -> User<'_> {
        self.login("admin", "Default", "admin", "Default")
    }

    fn member(&self) -> User<'_> {
        self.login("capi-user", "capi", "capi-mgmt", "capi")
    }
}

/// Somebody with a token.
struct User<'b> {
    bench: &'b Bench,
    token: String,
}

impl User<'_> {
    fn send(&self, method: &str, path: &str, body: Value) -> Reply {
        let body = if body.is_null() { None } else { Some(body) };
        self.bench.try_send(method, path, &self.token, body.as_ref()).unwrap()
    }

    /// The body of a read that must succeed.
    fn get(&self, path: &str) -> Value {
        let reply = self.send("GET", path, Value::Null);
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        reply.body
    }

    fn status(&self, path: &str) -> u16 {
        self.send("GET", path, Value::Null).status
    }

    fn lb(&self) -> Value {
        self.get("/load-balancer/v2/lbaas/loadbalancers")["loadbalancers"][0].clone()
    }

    /// Ids of amphorae with their statuses.
    fn amphorae(&self) -> Vec<(String, String)> {
        let body = self.get("/load-balancer/v2/octavia/amphorae");
        body["amphorae"].as_array().unwrap().iter().map(|a| (text(&a["id"]), text(&a["status"]))).collect()
    }

    /// Names of amphora servers with their statuses.
    fn amphora_servers(&self) -> Vec<(String, String)> {
        let body = self.get("/compute/v2.1/servers/detail?all_tenants=1&name=^amphora-");
        let mut all: Vec<_> = body["servers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| (text(&s["name"]), text(&s["status"])))
            .collect();
        all.sort();
        all
    }

    fn failover(&self) -> u16 {
        let id = text(&self.lb()["id"]);
        self.send("PUT", &format!("/load-balancer/v2/lbaas/loadbalancers/{id}/failover"), Value::Null).status
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

/// One load balancer, and room for so many amphorae.
fn balancer(room: u64) -> Bench {
    Bench::with(&format!(
        r#"
        [[host]]
        name = "compute"
        vcpus = 16
        memory_mb = {}
        disk_gb = 100
        reserved_memory_mb = 0
        memory_ratio = 1.0
        [[network]]
        name = "net"
        project = "capi-mgmt"
        cidr = "10.20.0.0/24"
        [[load_balancer]]
        name = "api"
        project = "capi-mgmt"
        network = "net"
        "#,
        room * 1024
    ))
}

#[test]
fn a_failover_builds_before_it_reaps_and_takes_108_seconds() {
    let bench = balancer(2);
    let admin = bench.admin();
    let before = admin.amphorae();
    assert_eq!(before.len(), 1);
    assert_eq!(admin.failover(), 202);
    assert_eq!(admin.lb()["provisioning_status"], "PENDING_UPDATE");
    assert_eq!(admin.failover(), 409);

    bench.pass(60);
    assert_eq!(admin.lb()["operating_status"], "ONLINE");
    assert_eq!(admin.amphora_servers().len(), 2, "the new one is there before the old one goes");
    assert_eq!(admin.amphorae().iter().find(|(id, _)| *id == before[0].0).unwrap().1, "PENDING_DELETE");

    bench.pass(47);
    assert_eq!(admin.lb()["provisioning_status"], "PENDING_UPDATE");
    bench.pass(1);
    assert_eq!(admin.lb()["provisioning_status"], "ACTIVE");
    let after = admin.amphorae();
    assert_eq!((after.len(), after[0].1.as_str()), (1, "ALLOCATED"));
    assert_ne!(after[0].0, before[0].0);
    assert_eq!(admin.amphora_servers().len(), 1);
}

#[test]
fn a_failover_without_room_ends_in_error_and_leaves_an_orphan_until_somebody_deletes_it() {
    let bench = balancer(1);
    let admin = bench.admin();
    assert_eq!(
        admin.get("/placement/allocation_candidates?resources=VCPU:1,MEMORY_MB:1024,DISK_GB:8")["allocation_requests"],
        json!([])
    );
    assert_eq!(admin.failover(), 202);
    bench.pass(20);
    let lb = admin.lb();
    assert_eq!((&lb["provisioning_status"], &lb["operating_status"]), (&json!("ERROR"), &json!("ONLINE")));

    let known: Vec<String> = admin.amphorae().into_iter().map(|(id, _)| format!("amphora-{id}")).collect();
    let orphans: Vec<_> =
        admin.amphora_servers().into_iter().filter(|(name, _)| !known.contains(name)).collect();
    assert_eq!(orphans.len(), 1);
    assert_eq!(orphans[0].1, "ERROR");
    let orphan =
        admin.get(&format!("/compute/v2.1/servers/detail?all_tenants=1&name={}", orphans[0].0))["servers"][0]
            .clone();
    assert_eq!(orphan["fault"]["message"], "No valid host was found. ");

    // each attempt mints another
    assert_eq!(admin.failover(), 202);
    bench.pass(20);
    assert_eq!(admin.amphora_servers().len(), 3);
    assert_eq!(
        admin.send("DELETE", &format!("/compute/v2.1/servers/{}", text(&orphan["id"])), Value::Null).status,
        204
    );
    bench.pass(10);
    assert_eq!(admin.amphora_servers().len(), 2);
}

#[test]
fn on_the_day_of_the_incident_the_sweep_frees_the_room_for_the_failover() {
    let bench = Bench::shipped("restart");
    let admin = bench.admin();
    let room = || {
        admin.get("/placement/allocation_candidates?resources=VCPU:1,MEMORY_MB:1024,DISK_GB:8")["allocation_requests"].as_array().unwrap().len()
    };
    let known: Vec<String> = admin.amphorae().into_iter().map(|(id, _)| format!("amphora-{id}")).collect();
    let orphans: Vec<_> =
        admin.amphora_servers().into_iter().filter(|(name, _)| !known.contains(name)).collect();
    let mut statuses: Vec<&str> = orphans.iter().map(|(_, status)| status.as_str()).collect();
    statuses.sort_unstable();
    assert_eq!((statuses, room()), (vec!["ACTIVE", "ERROR"], 0));
    assert_eq!(
        (&admin.lb()["provisioning_status"], &admin.lb()["operating_status"]),
        (&json!("ERROR"), &json!("ONLINE"))
    );
    for (name, _) in &orphans {
        let id =
            text(&admin.get(&format!("/compute/v2.1/servers?all_tenants=1&name={name}"))["servers"][0]["id"]);
        assert_eq!(admin.send("DELETE", &format!("/compute/v2.1/servers/{id}"), Value::Null).status, 204);
    }
    bench.pass(10);
    assert_eq!(room(), 1);
    assert_eq!(admin.failover(), 202);
    bench.pass(108);
    assert_eq!(admin.lb()["provisioning_status"], "ACTIVE");
    assert_eq!(admin.amphorae()[0].1, "ALLOCATED");
}

#[test]
fn a_server_is_active_after_twenty_seconds_and_sshd_answers_after_three_and_a_half_minutes() {
    let bench = Bench::shipped("restart");
    let member = bench.member();
    let server = || member.get("/compute/v2.1/servers/detail?name=^capi-mgmt-v2$")["servers"][0].clone();
    assert_eq!(server()["status"], "SHUTOFF");
    let id = text(&server()["id"]);
    let floating = server()["addresses"]["capi-mgmt-net"]
        .as_array()
        .unwrap()
        .iter()
        .find(|a| a["OS-EXT-IPS:type"] == "floating")
        .unwrap()["addr"]
        .clone();
    let address = text(&floating);
    let dialer = bench.lab.dialer();
    assert_eq!(dialer.dial(&address, 22), None);

    assert_eq!(
        member.send("POST", &format!("/compute/v2.1/servers/{id}/action"), json!({"os-start": null})).status,
        202
    );
    bench.pass(19);
    assert_eq!(
        (&server()["status"], &server()["OS-EXT-STS:task_state"]),
        (&json!("SHUTOFF"), &json!("powering-on"))
    );
    bench.pass(1);
    assert_eq!(server()["status"], "ACTIVE");
    bench.pass(209);
    assert_eq!(dialer.dial(&address, 22), None);
    bench.pass(1);
    assert_eq!(dialer.dial(&address, 22), Some(bench.lab.address()));
    assert_eq!(dialer.dial(&address, 23), None);
}

const CLUSTERS: &str = "/container-infra/v1/clusters";

fn create_cluster(user: &User<'_>) -> String {
    let body = json!({"name": "c1", "cluster_template_id": "capi-k8s-v1-34", "keypair": "capi-mgmt-key", "master_count": 1, "node_count": 2});
    let reply = user.send("POST", CLUSTERS, body);
    assert_eq!(reply.status, 202, "{}", reply.body);
    let id = text(&reply.body["uuid"]);
    // its node groups are not written yet
    let early = user.send("GET", &format!("{CLUSTERS}/{id}"), Value::Null);
    assert_eq!(early.status, 400, "{}", early.body);
    assert!(text(&early.body["errors"][0]["detail"]).contains("master_count"), "{}", early.body);
    id
}

#[test]
fn a_cluster_takes_its_quarter_of_an_hour_and_leaves_nothing_behind() {
    let bench = Bench::shipped("phase-08");
    let member = bench.member();
    let count = |path: &str, key: &str| member.get(path)[key].as_array().unwrap().len();
    let networks = count("/network/v2.0/networks", "networks");
    let id = create_cluster(&member);
    let cluster = || member.get(&format!("{CLUSTERS}/{id}"));
    bench.pass(120);
    assert_eq!(cluster()["status"], "CREATE_IN_PROGRESS");
    assert!(text(&cluster()["api_address"]).starts_with("https://10.12.7."), "{}", cluster());
    bench.pass(779);
    assert_eq!(cluster()["status"], "CREATE_IN_PROGRESS");
    bench.pass(10);
    assert_eq!(
        (&cluster()["status"], &cluster()["health_status"]),
        (&json!("CREATE_COMPLETE"), &Value::Null)
    );
    bench.pass(60);
    assert_eq!(cluster()["health_status"], "HEALTHY");
    assert_eq!(count("/compute/v2.1/servers?name=^c1-", "servers"), 3);
    let tree =
        member.get(&format!("/load-balancer/v2/lbaas/loadbalancers/{}/status", text(&member.lb()["id"])));
    assert_eq!(
        tree["statuses"]["loadbalancer"]["listeners"][0]["pools"][0]["members"][0]["protocol_port"],
        6443
    );

    assert_eq!(member.send("DELETE", &format!("{CLUSTERS}/{id}"), Value::Null).status, 204);
    bench.pass(10);
    assert_eq!(cluster()["status"], "DELETE_IN_PROGRESS");
    bench.pass(300);
    assert_eq!(member.status(&format!("{CLUSTERS}/{id}")), 404);
    assert_eq!(count("/compute/v2.1/servers?name=^c1-", "servers"), 0);
    assert_eq!(count("/load-balancer/v2/lbaas/loadbalancers", "loadbalancers"), 0);
    assert_eq!(count("/network/v2.0/networks", "networks"), networks);
    assert_eq!(count("/network/v2.0/security-groups?name=lb", "security_groups"), 0);
}

#[test]
fn without_the_load_balancer_role_a_creation_never_gets_beyond_its_network() {
    let bench = Bench::shipped("frozen-app-cred");
    let member = bench.member();
    let id = create_cluster(&member);
    bench.pass(3600 - 60);
    let cluster = member.get(&format!("{CLUSTERS}/{id}"));
    assert_eq!((&cluster["status"], &cluster["api_address"]), (&json!("CREATE_IN_PROGRESS"), &Value::Null));
    assert_eq!(member.get("/load-balancer/v2/lbaas/loadbalancers")["loadbalancers"], json!([]));
}

#[test]
fn a_frozen_credential_wedges_the_deletion_and_letting_go_leaves_the_rest_behind() {
    let bench = Bench::shipped("wedged-delete");
    let admin = bench.login("admin", "Default", "capi-mgmt", "capi");
    let cluster = format!("{CLUSTERS}/capi-test-1");
    assert_eq!(admin.send("DELETE", &cluster, Value::Null).status, 204);
    bench.pass(3000);
    assert_eq!(admin.get(&cluster)["status"], "DELETE_IN_PROGRESS");
    let left =
        || admin.get("/load-balancer/v2/lbaas/loadbalancers")["loadbalancers"].as_array().unwrap().len();
    assert_eq!(left(), 2, "the API's, and a Service's");
    bench.lab.with(|world| world.release_cluster("capi-test-1"));
    bench.pass(5);
    assert_eq!(admin.status(&cluster), 404);
    assert_eq!(left(), 2, "what nobody deletes stays");
}

#[test]
fn an_old_driver_calls_a_healthy_cluster_unhealthy() {
    let bench = Bench::shipped("d-042");
    let admin = bench.login("admin", "Default", "capi-mgmt", "capi");
    let cluster = admin.get(&format!("{CLUSTERS}/capi-test-1"));
    let reason = json!({"cluster": "Ready", "infrastructure": "Infrastructure resource not found.", "controlplane": "Ready", "nodegroup": "Ready"});
    assert_eq!((&cluster["health_status"], &cluster["health_status_reason"]), (&json!("UNHEALTHY"), &reason));
}

#[test]
fn while_the_management_vm_is_down_health_is_what_it_was() {
    let bench = Bench::shipped("restart");
    let admin = bench.login("admin", "Default", "capi-mgmt", "capi");
    let health = || admin.get(&format!("{CLUSTERS}/capi-test-1"))["health_status_reason"].clone();
    assert_eq!(health(), json!({}));
    let server = text(&admin.get("/compute/v2.1/servers?name=^capi-mgmt-v2$")["servers"][0]["id"]);
    admin.send("POST", &format!("/compute/v2.1/servers/{server}/action"), json!({"os-start": null}));
    bench.pass(20 + 1230);
    assert_eq!(health(), json!({}), "the monitor asks once a minute");
    bench.pass(60);
    assert_eq!(health()["cluster"], "Waiting on ['Ready', 'InfrastructureReady']");
}

fn fault(text: &str) -> Fault {
    toml::from_str(text).unwrap()
}

#[test]
fn faults_are_answered_in_the_shape_of_the_service() {
    let bench = balancer(2);
    let admin = bench.admin();
    bench
        .lab
        .inject(fault("service = 'octavia'\nafter = 1\ntimes = 1\ndo = { status = 503, retry_after = 7 }"))
        .unwrap();
    bench.lab.inject(fault("service = 'nova'\npath = 'no-such'\ndo = { status = 500 }")).unwrap();
    let path = "/load-balancer/v2/lbaas/loadbalancers";
    let statuses: Vec<u16> = (0..3).map(|_| admin.status(path)).collect();
    assert_eq!(statuses, [200, 503, 200]);
    let reply = admin.send("GET", "/compute/v2.1/servers/no-such", Value::Null);
    assert_eq!((reply.status, &reply.body["computeFault"]["code"]), (500, &json!(500)));
}

#[test]
fn connections_break_before_during_and_after() {
    let bench = balancer(2);
    let admin = bench.admin();
    let create = |name: &str| {
        let body = json!({"network": {"name": name}});
        bench.try_send("POST", "/network/v2.0/networks", &admin.token, Some(&body)).map(|r| r.status)
    };
    bench.lab.inject(fault("method = 'POST'\ntimes = 1\ndo = { drop = true }")).unwrap();
    assert!(create("never-arrived").is_err());
    bench.lab.inject(fault("method = 'POST'\ntimes = 1\ndo = { reset = true }")).unwrap();
    assert!(create("in-doubt").is_err());
    bench.lab.inject(fault("method = 'POST'\ntimes = 1\ndo = { truncate = true }")).unwrap();
    assert!(create("half-told").is_err());
    assert_eq!(create("fine").unwrap(), 201);

    let names: Vec<String> = bench.lab.effects().iter().map(|e| text(&e.body["network"]["name"])).collect();
    assert_eq!(names, ["in-doubt", "half-told", "fine"]);
    assert_eq!(bench.lab.effects()[0].who, "admin in admin");
}

#[test]
fn latency_is_virtual_and_tokens_expire_by_the_same_clock() {
    let bench = balancer(2);
    let admin = bench.admin();
    bench.lab.inject(fault("service = 'nova'\ntimes = 1\ndo = { latency = '50min' }")).unwrap();
    let real = Instant::now();
    assert_eq!(admin.status("/compute/v2.1/servers"), 200);
    assert_eq!(bench.clock.elapsed(), Duration::from_secs(3000));
    assert!(real.elapsed() < Duration::from_secs(20));
    bench.pass(599);
    assert_eq!(admin.status("/compute/v2.1/servers"), 200);
    bench.pass(1);
    assert_eq!(admin.status("/compute/v2.1/servers"), 401);
    let fresh = bench.admin();
    bench.lab.inject(fault("at = '1h 5min'\ndo = { expire_tokens = true }")).unwrap();
    bench.pass(299);
    assert_eq!(fresh.status("/compute/v2.1/servers"), 200);
    bench.pass(1);
    assert_eq!(fresh.status("/compute/v2.1/servers"), 401);
}

#[test]
fn things_break_at_their_time() {
    let bench = Bench::shipped("phase-08");
    bench.lab.inject(fault("at = '10min'\ndo = { server_off = 'capi-mgmt-v2' }")).unwrap();
    let member = bench.member();
    let status =
        || text(&member.get("/compute/v2.1/servers/detail?name=^capi-mgmt-v2$")["servers"][0]["status"]);
    bench.pass(599);
    assert_eq!(status(), "ACTIVE");
    bench.pass(1);
    assert_eq!(status(), "SHUTOFF");
}

#[test]
fn a_seed_decides_everything() {
    let story = |seed: u64| {
        let mut scenario = Scenario::shipped("phase-08", &Values::new()).unwrap();
        scenario.seed = seed;
        let bench = Bench::of(&scenario);
        let member = bench.member();
        let id = create_cluster(&member);
        bench.pass(1000);
        let cluster = member.get(&format!("{CLUSTERS}/{id}"));
        let servers = member.get("/compute/v2.1/servers");
        let ids: Vec<String> =
            servers["servers"].as_array().unwrap().iter().map(|s| text(&s["id"])).collect();
        (id, text(&cluster["stack_id"]), ids, bench.lab.effects())
    };
    let (a, b, c) = (story(7), story(7), story(8));
    assert_eq!(a, b);
    assert_ne!(a.2, c.2);
}

#[test]
fn every_shipped_scenario_makes_a_world() {
    for name in Scenario::names() {
        let scenario = Scenario::shipped(name, &Values::new()).unwrap();
        assert!(!scenario.title.is_empty(), "{name} has no title");
        let bench = Bench::of(&scenario);
        assert_eq!(bench.admin().status("/compute/v2.1/os-hypervisors"), 200, "{name}");
    }
}

#[test]
fn a_wrong_name_in_a_scenario_is_named() {
    let wrong =
        "[[server]]\nname = 'vm'\nproject = 'capi-mgmt'\nflavor = 'no-such'\nimage = 'x'\nnetwork = 'y'";
    let scenario = Scenario::parse("wrong.toml", wrong, &Values::new()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let clock = Arc::new(SimClock::new("2026-06-10T02:00:00Z".parse().unwrap()));
    let error = Lab::start(&scenario, &Tenancy::example(), clock, runtime.handle()).err().unwrap();
    assert!(error.to_string().contains("flavor `no-such`"), "{error}");
    assert!(
        Scenario::shipped("phase8", &Values::new())
            .unwrap_err()
            .detail()
            .help
            .as_deref()
            .unwrap()
            .contains("phase-08")
    );
}

#[test]
fn ten_thousand_servers_are_paged_in_linear_time() {
    let bench = Bench::shipped("large");
    let admin = bench.admin();
    let page = |path: &str, key: &str, size: usize| {
        let (mut marker, mut seen, mut requests) = (String::new(), 0, 0);
        loop {
            let sep = if path.contains('?') { '&' } else { '?' };
            let body = admin.get(&format!("{path}{sep}limit={size}{marker}"));
            let rows = body[key].as_array().unwrap();
            requests += 1;
            seen += rows.len();
            match rows.last() {
                Some(last) if rows.len() == size => marker = format!("&marker={}", text(&last["id"])),
                _ => return (seen, requests),
            }
        }
    };
    assert_eq!(page("/compute/v2.1/servers/detail?all_tenants=1", "servers", 1000).0, 10_000);
    assert_eq!(page("/load-balancer/v2/octavia/amphorae", "amphorae", 1000).0, 5000);
    assert_eq!(page("/load-balancer/v2/lbaas/loadbalancers", "loadbalancers", 1000).0, 5000);
    // small pages cost no more than what they hold
    let real = Instant::now();
    let (seen, requests) = page("/compute/v2.1/servers?all_tenants=1", "servers", 50);
    assert_eq!((seen, requests), (10_000, 201));
    assert!(real.elapsed() < Duration::from_secs(30), "{:?}", real.elapsed());
}
