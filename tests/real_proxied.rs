//! Changes to real services through a proxy that delays, cuts, loses and lies: whatever it plays with the one request that
//! matters, the run ends by itself or by the command that it prints, and the services have what was wanted, once.
//!
//! The proxy speaks no TLS: before it is `kubectl proxy` where the Kubernetes API server is reached through it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

mod proxy;
mod rig;
mod testbed;

#[path = "real_proxied/kubernetes.rs"]
mod kubernetes;

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use proxy::{Play, Proxy, Request, Told};
use rhumb::base::SystemClock;
use rig::Rig;
use testbed::{Made, fixture, var};

/// How long a request may be late on this way: twice what the proxy holds one.
const LATE: &str = "12s";

/// How often a run may have to be gone on with.
const RESUMES: usize = 3;

/// What is played, each with the one request that matters.
const PLAYS: [Play; 6] = [
    Play::Late { after: Duration::from_secs(6), told: Told::Reset },
    Play::LostAnswer,
    Play::CutHead,
    Play::CutBody,
    Play::Html,
    Play::Busy { retry_after: 1 },
];

fn name(of: &str) -> String {
    format!("proxied-{of}-{}", std::process::id())
}

/// A change that is made through the proxy.
struct Case {
    /// Where the service answers.
    at: SocketAddr,
    reached: Reached,
    /// The request that matters.
    method: &'static str,
    path: &'static str,
    /// The body of the change step.
    script: String,
}

/// What leads Rhumb to the proxy.
#[derive(Clone, Copy)]
enum Reached {
    /// A service of the catalog: its type, and what its endpoint has behind the address.
    Endpoint { service: &'static str, base: &'static str },
    /// The kubeconfig of cluster `m`.
    Kubeconfig,
}

impl Reached {
    /// A site that goes through the proxy.
    fn site(self, proxy: SocketAddr) -> Rig {
        match self {
            Reached::Endpoint { service, base } => {
                site(&format!("endpoint_overrides = {{ {service} = \"http://{proxy}{base}\" }}\n"), "")
            }
            Reached::Kubeconfig => kubernetes::site(&format!("http://{proxy}")),
        }
    }
}

/// Where a service of the testbed listens; its port may have been set.
fn service(variable: &str, port: u16) -> SocketAddr {
    let set = std::env::var(variable).ok().and_then(|port| port.parse().ok());
    ([127, 0, 0, 1], set.unwrap_or(port)).into()
}

fn site(overrides: &str, more: &str) -> Rig {
    let rig = Rig::new(&format!(
        "name = \"proxied\"\n[run]\nread_below = [\".\"]\nlate_within = \"{LATE}\"\n[scopes.admin]\ncloud = \"admin\"\nproject = \"admin\"\ndomain = \"Default\"\n{overrides}\
         [scopes.capi-mgmt]\ncloud = \"member\"\nproject = \"capi-mgmt\"\ndomain = \"capi\"\n{overrides}{more}"
    ));
    rig.file("clouds.yaml", &fs::read_to_string(format!("{}/clouds.yaml", var("CARACAL"))).unwrap());
    rig.file("image.raw", &"a few bytes of an image\n".repeat(4096));
    rig
}

/// Plays with the request of a case; gives what the service was asked of it, by method and status.
fn play(runtime: &tokio::runtime::Runtime, case: &Case, play: Play) -> Vec<(String, u16)> {
    let (method, path) = (case.method, case.path);
    let matters = move |request: &Request| request.method == method && request.path.contains(path);
    let played = AtomicBool::new(false);
    let clock = Arc::new(SystemClock::new(runtime.handle().clone()));
    let rule = move |request: &Request| match matters(request) && !played.swap(true, Ordering::SeqCst) {
        true => play,
        false => Play::Pass,
    };
    let proxy = Proxy::before(case.at, clock, runtime.handle(), Box::new(rule));
    let rig = case.reached.site(proxy.address);
    let script = format!(
        "import \"std/octavia\" as octavia;\nrunbook(\"proxied\", \"One change\");\nlet admin = site.scope(\"admin\");\n\
         let tenant = site.scope(\"capi-mgmt\");\nchange(\"1\", \"Change\", || {{ {}; }});\n",
        case.script.replace("{site}", &rig.site().display().to_string())
    );
    rig.file("proxied.rhai", &script);
    let mut ended = rig.run(&["run", "proxied", "--yes"]);
    for _ in 0..RESUMES {
        if ended.exit == 0 {
            break;
        }
        let told = format!("{}{}", ended.stdout, ended.stderr);
        let at =
            told.find("rhumb resume").unwrap_or_else(|| panic!("{play:?}: no way on is printed:\n{told}"));
        let line = told[at..].split(['`', '\n']).next().unwrap();
        let mut words: Vec<&str> = line.split_whitespace().skip(1).collect();
        words.push("--yes");
        ended = rig.run(&words);
    }
    assert_eq!(ended.exit, 0, "{play:?}:\n{}{}", ended.stdout, ended.stderr);
    let end = Instant::now() + Duration::from_secs(30);
    while proxy.held() > 0 {
        assert!(Instant::now() < end, "{play:?}: a late request is held for ever");
        std::thread::sleep(Duration::from_millis(100));
    }
    let carried = proxy.carried().into_iter().filter(|c| c.method == method && c.path.contains(path));
    carried.map(|c| (c.method, c.status)).collect()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// How many things of a name a collection has, asked without the proxy, and then deletes them.
fn take_away(collection: &str, name: &str) -> usize {
    let rig = site("", "");
    rig.file(
        "count.rhai",
        &format!(
            "runbook(\"count\", \"Of this test\");\nlet tenant = site.scope(\"capi-mgmt\");\nchange(\"1\", \"Count\", || {{\n\
             let all = tenant.{collection}.list().filter(|it| it.name == \"{name}\");\nfact(\"count\", all.len());\n\
             for it in all {{ it.delete(); }}\n}});\n"
        ),
    );
    let counted = rig.run(&["run", "count", "--yes"]).expect(0);
    let value = &counted.report.steps[0].facts[0].value;
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

#[test]
fn a_network_is_made_once() {
    let runtime = runtime();
    for what in PLAYS {
        let name = name("net");
        let case = Case {
            at: service("P_NEUTRON", 9696),
            reached: Reached::Endpoint { service: "network", base: "" },
            method: "POST",
            path: "/v2.0/networks",
            script: format!("tenant.networks.create(#{{ name: \"{name}\" }})"),
        };
        let asked = play(&runtime, &case, what);
        assert_eq!(take_away("networks", &name), 1, "{what:?}: {asked:?}");
    }
}

#[test]
fn an_image_is_uploaded_once() {
    let runtime = runtime();
    for (method, path) in [("POST", "/v2/images"), ("PUT", "/stage"), ("POST", "/import")] {
        for what in
            [Play::LostAnswer, Play::Html, Play::Late { after: Duration::from_secs(6), told: Told::Reset }]
        {
            let name = name("image");
            let case = Case {
                at: service("P_GLANCE", 9292),
                reached: Reached::Endpoint { service: "image", base: "" },
                method,
                path,
                script: format!(
                    "tenant.images.upload(\"{name}\", \"{{site}}/image.raw\", #{{ disk_format: \"raw\", container_format: \"bare\" }}, #{{ every: 1.s, within: 2.min }})"
                ),
            };
            let asked = play(&runtime, &case, what);
            assert_eq!(take_away("images", &name), 1, "{method} {path} {what:?}: {asked:?}");
        }
    }
}

#[test]
fn a_balancer_is_failed_over_once() {
    let runtime = runtime();
    let balancer = Made::of("loadbalancer", &fixture(["loadbalancer", &name("lb")]));
    for what in [PLAYS[0], Play::Twice] {
        let case = Case {
            at: service("P_OCTAVIA", 9876),
            reached: Reached::Endpoint { service: "load-balancer", base: "" },
            method: "PUT",
            path: "/failover",
            script: format!("octavia::failover_and_prove(admin, \"{}\", 3.min)", balancer.id),
        };
        let asked = play(&runtime, &case, what);
        let accepted = asked.iter().filter(|(_, status)| *status == 202).count();
        assert_eq!(accepted, 1, "{what:?}: {asked:?}");
    }
}

#[test]
fn a_cluster_is_made_and_deleted_once() {
    let runtime = runtime();
    let (cluster, template) = (name("c"), fixture(["template"])["id"].as_str().unwrap().to_string());
    let make = Case {
        at: service("P_MAGNUM", 9511),
        reached: Reached::Endpoint { service: "container-infra", base: "/v1" },
        method: "POST",
        path: "/clusters",
        script: format!(
            "tenant.clusters.ensure(\"{cluster}\", #{{ cluster_template_id: \"{template}\", keypair: \"capi-mgmt-key\", master_count: 1, node_count: 1 }})"
        ),
    };
    let asked = play(&runtime, &make, Play::LostAnswer);
    assert_eq!(asked, [("POST".to_string(), 202)]);
    let delete = Case {
        method: "DELETE",
        path: "/clusters/",
        script: format!(
            "poll(#{{ title: \"made\", every: 3.s, within: 4.min, read: || tenant.clusters.get(\"{cluster}\"), done: |c| c.status == \"CREATE_COMPLETE\" }}); \
             tenant.clusters.get(\"{cluster}\").delete()"
        ),
        ..make
    };
    let asked = play(&runtime, &delete, Play::LostAnswer);
    let accepted = asked.iter().filter(|(_, status)| *status == 204).count();
    assert!(accepted <= 2, "a deletion may be asked again, of what is on its way: {asked:?}");
    let rig = site("", "");
    rig.file(
        "gone.rhai",
        &format!(
            "runbook(\"gone\", \"Of this test\");\nlet tenant = site.scope(\"capi-mgmt\");\nverify(\"1\", \"Gone\", || {{\n\
             poll(#{{ title: \"gone\", every: 3.s, within: 4.min, read: || tenant.clusters.find(\"{cluster}\"), done: |c| c == () }});\n}});\n"
        ),
    );
    rig.run(&["run", "gone"]).expect(0);
}
