//! The OpenStack half of the restart on real Keystone, Nova, Placement and Octavia: what it does, what it
//! leaves alone, and what it refuses before anything is sent.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

mod rig;
mod testbed;

use std::fs;

use rhumb::base::ErrorKind;
use rig::Rig;
use testbed::{Made, Until, fixture, machine, requests_to, var};

/// The name of this run's own management VM: one that a killed run left must not be taken for it.
fn server_name() -> String {
    format!("restart-mgmt-{}", std::process::id())
}

/// A site over the testbed; `admin` is an entry of its clouds.yaml, for the scope that is to be admin's.
fn site(admin: &str, more: &str) -> Rig {
    let (domain, project, roles) = match admin {
        "admin" => ("Default", "admin", r#"["admin"]"#),
        _ => ("capi", "capi-mgmt", r#"["member"]"#),
    };
    let rig = Rig::new(&format!(
        r#"
        name = "testbed"
        [scopes.admin]
        cloud = "{admin}"
        project = "{project}"
        domain = "{domain}"
        roles = {roles}
        [scopes.capi-mgmt]
        cloud = "member"
        project = "capi-mgmt"
        domain = "capi"
        roles = ["member", "load-balancer_member"]
        {machine}
        [kube.capi-mgmt]
        kubeconfig = "{caracal}/etc/mgmt.kubeconfig"
        [values]
        vault_units = ["{vault}"]
        magnum_driver_version = "1.4.0"
        octavia_project = "service"
        mgmt_server = "{server}"
        orphan_min_age = "1h"
        orphan_confirm_after = "2s"
        {more}
        "#,
        server = server_name(),
        machine = machine(),
        vault = var("VAULT_ADDR"),
        caracal = var("CARACAL"),
    ));
    // Cluster API's controllers are played here by a program without Deployments, and the clusters of other
    // tests come and go: the rest of the procedure is the shipped one.
    let elsewhere =
        ["3", "6.1", "6.2", "6.3", "6.4"].map(|id| format!("skip_step(\"{id}\", \"of other tests\");\n"));
    rig.file("restart.rhai", &elsewhere.concat());
    rig.file("clouds.yaml", &fs::read_to_string(format!("{}/clouds.yaml", var("CARACAL"))).unwrap());
    rig
}

/// A server of the fixture, gone with the test.
fn server<'a>(args: impl IntoIterator<Item = &'a str>) -> Made {
    Made::of("server", &fixture(args))
}

#[test]
fn a_server_is_parked_and_started_whatever_the_environment_says() {
    let server = server(["server", &server_name()]);
    let rig = site("admin", "");
    let poisoned = |args: &[&str]| {
        let mut command = rig.command(args);
        for (name, value) in [
            ("OS_PROJECT_NAME", "nonsense"),
            ("OS_PROJECT_ID", "nonsense"),
            ("OS_CLOUD", "nonsense"),
            ("OS_AUTH_URL", "http://127.0.0.1:9/"),
            ("KUBECONFIG", "/nonsense"),
            ("HTTP_PROXY", "http://127.0.0.1:9/"),
            ("http_proxy", "http://127.0.0.1:9/"),
            ("HTTPS_PROXY", "http://127.0.0.1:9/"),
            ("ALL_PROXY", "http://127.0.0.1:9/"),
        ] {
            command.env(name, value);
        }
        rig.end(&mut command)
    };
    let parked = poisoned(&["run", "park", "--yes"]).expect(0);
    assert_eq!(parked.verdicts(), "1 PASS, 2 PASS");
    assert_eq!(parked.sent(), [format!("POST compute /servers/{}/action", server.id)]);

    let again = rig.run(&["run", "park", "--yes"]).expect(0);
    assert_eq!(again.verdicts(), "1 SKIPPED, 2 PASS", "it is parked already, and nobody made it so");
    assert!(again.sent().is_empty());

    // the site skips steps that the verdict needs, so it is no acceptance
    let started =
        poisoned(&["run", "restart", "--yes"]).expect(i32::from(rhumb::run::conclusion::INCOMPLETE));
    assert_eq!(
        started.verdicts(),
        "0.1 PASS, 0.2 PASS, 0.3 PASS, 1 PASS, 1.1 PASS, 2 PASS, 3 SKIPPED, 4 PASS, 5.1 SKIPPED, 5.2 SKIPPED, 6 PASS, \
         6.1 SKIPPED, 6.2 SKIPPED, 6.3 SKIPPED, 6.4 SKIPPED"
    );
    let states: Vec<&str> =
        started.report.step("1").unwrap().waits[0].samples.iter().map(|s| s.state.as_str()).collect();
    assert_eq!(states.last(), Some(&"ACTIVE"), "{states:?}");
}

#[test]
fn without_a_terminal_and_an_approval_nothing_is_sent() {
    let _server = server(["server", &server_name()]);
    let rig = site("admin", "");
    let mut ended = None;
    let seen = requests_to("nova", || ended = Some(rig.run(&["run", "park"])));
    let ended = ended.unwrap().expect(i32::from(ErrorKind::NeedsApproval.exit_code()));
    // Neutron tells Nova of the new server's port whenever it likes
    let ours = || seen.iter().filter(|(_, path, _)| !path.ends_with("/os-server-external-events"));
    assert!(ours().all(|(method, _, _)| method == "GET"), "{seen:?}");
    assert!(ended.stderr.contains("--approve step:1"), "{}", ended.stderr);
    rig.run(&["run", "park", "--approve", "step:1"]).expect(0);
}

#[test]
fn the_sweep_deletes_an_orphan_and_leaves_its_look_alikes_alone() {
    let orphan = server(["orphan", "--age", "86400"]);
    let _young = server(["orphan"]);
    let alike = fixture(["lookalikes", "--age", "86400"]);
    let _alike: Vec<Made> = alike.as_object().unwrap().values().map(|a| Made::of("server", a)).collect();
    let rig = site("admin", "");
    let swept = rig.run(&["run", "amphora-sweep", "--yes"]).expect(0);
    assert_eq!(swept.verdicts(), "1 PASS, 2 PASS, 3 PASS");
    assert_eq!(swept.sent(), [format!("DELETE compute /servers/{}", orphan.id)]);
    assert!(rig.run(&["run", "amphora-sweep", "--yes"]).expect(0).sent().is_empty());
}

#[test]
fn a_failover_is_proven_and_without_headroom_it_is_not_even_tried() {
    let balancer = Made::of("loadbalancer", &fixture(["loadbalancer", "restart-lb", "--tree"]));
    let broken = &balancer.id;
    fixture(["loadbalancer-error", broken]);
    let rig = site("admin", "");

    let room = Until::room();
    let mut ended = None;
    let seen = requests_to("octavia", || ended = Some(rig.run(&["run", "lb-failover", "--yes"])));
    room.now();
    let full = ended.unwrap().expect(i32::from(ErrorKind::Gate.exit_code()));
    assert!(full.stderr.contains("a host has room for one more amphora"), "{}", full.stderr);
    assert!(seen.iter().all(|(method, _, _)| method == "GET"), "a zombie would have been minted: {seen:?}");

    // the failover that had no host left an orphan behind: too young to be swept, as the site says
    let done = rig.run(&["run", "lb-failover", "--yes"]).expect(0);
    assert_eq!(done.verdicts(), "1 PASS, 2 PASS, 3 PASS");
    assert_eq!(done.sent(), [format!("PUT load-balancer /lbaas/loadbalancers/{broken}/failover")]);
    let step = done.report.step("2").unwrap();
    let states: Vec<&str> = step.waits[0].samples.iter().map(|s| s.state.as_str()).collect();
    assert!(states[0].starts_with("PENDING_UPDATE"), "{states:?}");
    let gates: Vec<&str> = step.gates.iter().map(|g| g.claim.as_str()).collect();
    assert!(gates.contains(&"restart-lb is served by other amphorae"), "{gates:?}");
}

/// A service of the testbed that stands still until this ends, as one that died does for all who ask its API.
struct Still(String);

impl Still {
    fn stands(service: &str) -> Still {
        let pid = fs::read_to_string(format!("{}/run/{service}.pid", var("CARACAL"))).unwrap();
        let still = Still(format!("-{}", pid.split_whitespace().next().unwrap()));
        still.signal("-STOP");
        still
    }

    fn signal(&self, signal: &str) {
        assert!(std::process::Command::new("kill").args([signal, "--", &self.0]).status().unwrap().success());
    }
}

impl Drop for Still {
    fn drop(&mut self) {
        self.signal("-CONT");
    }
}

#[test]
fn a_worker_that_takes_no_job_is_told_apart_and_the_run_goes_on_once_it_does() {
    let balancer = Made::of("loadbalancer", &fixture(["loadbalancer", "restart-silent"]));
    let rig = site("admin", "failover_within = \"40s\"\nload_balancer = \"restart-silent\"\n");
    let still = Still::stands("octavia-worker");
    let silent = rig.run(&["run", "lb-failover", "--yes"]);
    drop(still);
    let silent = silent.expect(i32::from(ErrorKind::Timeout.exit_code()));
    for told in ["no worker has taken the job", "octavia-worker.log", "do not send it again"] {
        assert!(silent.told().contains(told), "{told}: {}", silent.stderr);
    }
    assert!(!silent.told().contains("failure of the flow"), "{}", silent.stderr);

    // the worker takes the job from the queue: nothing is sent again, and the failover is proven
    let mut ended = None;
    let seen = requests_to("octavia", || ended = Some(rig.run(&["resume", "--yes"])));
    assert_eq!(ended.unwrap().expect(0).verdicts(), "1 PASS, 2 PASS, 3 PASS");
    assert!(!seen.iter().any(|(method, path, _)| method == "PUT" && path.contains(&balancer.id)), "{seen:?}");
}

#[test]
fn compute_services_that_nobody_hears_of_are_named() {
    let rig = site("admin", "");
    rig.file(
        "drill.rhai",
        r#"import "std/nova" as nova;
           runbook("drill", "Of this test");
           let admin = site.scope("admin");
           verify("1", "Down", || {
               try { nova::explained(admin, || admin.servers.get("6b1c1a52-3c44-4b5e-9e06-000000000000")); }
               catch (e) { expect("what failed stays what failed", e.kind, "not-found"); }
               nova::down(admin).len()
           });"#,
    );
    fixture(["hypervisors", "down"]);
    let down = rig.run(&["run", "drill"]);
    fixture(["hypervisors", "up"]);
    let down = down.expect(0);
    let notes = &down.report.steps[0].notes;
    assert!(notes.len() >= 3 && notes.iter().all(|n| n.starts_with("nova-compute on ")), "{notes:?}");
    assert!(rig.run(&["run", "drill"]).expect(0).report.steps[0].notes.is_empty());
}

#[test]
fn a_member_is_refused_before_any_request_leaves() {
    let rig = site("member", "");
    let mut ended = None;
    let seen = requests_to("octavia", || ended = Some(rig.run(&["run", "lb-failover", "--yes"])));
    let refused = ended.unwrap().expect(i32::from(ErrorKind::Refused.exit_code()));
    assert!(
        !seen.iter().any(|(_, path, _)| path.contains("amphorae") || path.contains("failover")),
        "{seen:?}"
    );
    assert!(refused.stderr.contains("admin"), "{}", refused.stderr);
}

#[test]
fn a_token_that_expires_in_the_middle_of_a_poll_goes_unnoticed() {
    let usual = Until::usual_tokens(20);
    let rig = site("admin", "");
    rig.file(
        "long-poll.rhai",
        r#"
        runbook("long-poll", "A poll longer than a token");
        let scope = site.scope("capi-mgmt");
        verify("1", "Looks for 45 s", || {
            let began = now();
            poll(#{ title: "45 s", every: 3.s, within: 2.min, read: || { scope.servers.list(); age(began) }, done: |t| t > 45.s });
            expect("project", scope.identity().target, scope.identity().target);
            fact("project", scope.identity().project_id);
        });
        "#,
    );
    let mut ended = None;
    let keystone = requests_to("keystone", || ended = Some(rig.run(&["run", "long-poll"])));
    usual.now();
    let ended = ended.unwrap().expect(0);
    let minted = keystone
        .iter()
        .filter(|(method, path, _)| method == "POST" && path.ends_with("/auth/tokens"))
        .count();
    assert!(minted >= 2, "the token of 20 s was renewed: {minted}");
    assert_eq!(ended.report.steps[0].waits[0].tolerated, 0);
}
