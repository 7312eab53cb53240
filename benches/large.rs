//! A sweep over many servers and amphorae, beside a client that does nothing but page: `cargo bench --bench large`.
//!
//! The lab serves a cloud of each size, half of it amphorae. `rhumb run --observe amphora-sweep` looks for orphans in it: it reads all load
//! balancers, all amphorae and all servers of a project, and compares them. The bare client reads the same pages of the same
//! lists with a token that it has, and counts. Each figure is the median of whole processes (for the bare client: of whole readings);
//! the memory is the most that one of them held.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot run says so by panicking")]

#[path = "../tests/rig/mod.rs"]
mod rig;

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rhumb::base::SimClock;
use rhumb::lab::{Lab, Scenario, Tenancy, Values};
use rig::Rig;
use serde_json::Value;

const RUNS: usize = 5;
const SIZES: [u32; 4] = [1250, 2500, 5000, 10_000];
/// As many as Nova gives at once, unless its operator says otherwise.
const PAGE: usize = 1000;

/// The shipped cloud of 10,000 servers, of another size.
fn lab(servers: u32, runtime: &tokio::runtime::Runtime) -> (Lab, Tenancy) {
    let text = include_str!("../runbooks/scenarios/large.toml");
    let half = format!("count = {}", servers / 2);
    let scenario =
        Scenario::parse("large.toml", &text.replace("count = 5000", &half), &Values::new()).unwrap();
    let clock = Arc::new(SimClock::new("2026-06-10T02:00:00Z".parse().unwrap()));
    let mut tenancy = Tenancy::example();
    tenancy.service_project = Some("services".into());
    (Lab::start(&scenario, &tenancy, clock, runtime.handle()).unwrap(), tenancy)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// A process to its end: how long it took, and the most memory that it held, in MiB.
fn process(command: &mut Command) -> (Duration, u64) {
    let began = Instant::now();
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    let ended = loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let held =
            text.lines().find_map(|l| l.strip_prefix("VmHWM:")?.trim().split(' ').next()?.parse().ok());
        most = most.max(held.unwrap_or(0));
        match child.try_wait().unwrap() {
            Some(ended) => break ended,
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    assert!(ended.success(), "{ended}");
    (began.elapsed(), most / 1024)
}

/// A client that pages, and no more.
struct Bare {
    client: reqwest::Client,
    base: String,
    token: String,
}

impl Bare {
    async fn login(address: std::net::SocketAddr) -> Bare {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let base = format!("http://{address}");
        let auth = serde_json::json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {"name": "admin", "domain": {"name": "Default"}, "password": "secret"}}},
            "scope": {"project": {"name": "admin", "domain": {"name": "Default"}}},
        }});
        let request = client.post(format!("{base}/identity/v3/auth/tokens"));
        let answer =
            request.header("content-type", "application/json").body(auth.to_string()).send().await.unwrap();
        let token = answer.headers()["x-subject-token"].to_str().unwrap().to_string();
        Bare { client, base, token }
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.client.get(format!("{}{path}", self.base)).header("x-auth-token", &self.token);
        serde_json::from_slice(&request.send().await.unwrap().bytes().await.unwrap()).unwrap()
    }

    /// How many rows a list has.
    async fn count(&self, path: &str, key: &str) -> usize {
        let (mut seen, mut marker) = (0, String::new());
        loop {
            let page = self.get(&format!("{path}limit={PAGE}{marker}")).await;
            let rows = page[key].as_array().unwrap();
            seen += rows.len();
            match rows.last().and_then(|row| row["id"].as_str()) {
                Some(last) if rows.len() == PAGE => marker = format!("&marker={last}"),
                _ => return seen,
            }
        }
    }

    /// The three lists of the sweep.
    async fn read(&self, project: &str) -> usize {
        self.count("/load-balancer/v2/lbaas/loadbalancers?", "loadbalancers").await
            + self.count("/load-balancer/v2/octavia/amphorae?", "amphorae").await
            + self
                .count(
                    &format!("/compute/v2.1/servers/detail?all_tenants=True&project_id={project}&"),
                    "servers",
                )
                .await
    }
}

fn main() {
    rhumb::systems::http::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    println!(
        "{:>8} {:>8} {:>12} {:>12} {:>16} {:>10}",
        "servers", "rows", "bare", "sweep", "per 1,000 rows", "memory"
    );
    for size in SIZES {
        let (lab, tenancy) = lab(size, &runtime);
        let rig = Rig::new(
            "name = \"bench\"\n[scopes.admin]\ncloud = \"admin@admin\"\nproject = \"admin\"\ndomain = \"Default\"\nroles = [\"admin\"]\n",
        );
        rig.file("clouds.yaml", &lab.clouds_yaml(&tenancy));
        let sweep = || process(&mut rig.command(&["run", "amphora-sweep", "--observe"]));
        sweep();
        let (times, held): (Vec<_>, Vec<_>) = (0..RUNS).map(|_| sweep()).unzip();

        let (rows, bare) = runtime.block_on(async {
            let bare = Bare::login(lab.address()).await;
            let projects = bare.get("/identity/v3/projects?name=services").await;
            let project = projects["projects"][0]["id"].as_str().unwrap().to_string();
            let rows = bare.read(&project).await;
            let mut times = Vec::new();
            for _ in 0..RUNS {
                let began = Instant::now();
                assert_eq!(bare.read(&project).await, rows);
                times.push(began.elapsed());
            }
            (rows, median(times))
        });
        let sweep = median(times);
        let ms = |time: Duration| format!("{:.0} ms", time.as_secs_f64() * 1e3);
        println!(
            "{size:>8} {rows:>8} {:>12} {:>12} {:>13.1} ms {:>6} MiB",
            ms(bare),
            ms(sweep),
            sweep.as_secs_f64() * 1e6 / rows as f64,
            held.into_iter().max().unwrap_or(0)
        );
    }
}
