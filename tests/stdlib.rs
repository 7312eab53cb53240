//! The shipped modules over systems that are played: what they make of answers that real ones gave.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

mod kube_server;
mod played;
mod stage;
mod stub_cloud;

#[path = "stdlib/management.rs"]
mod management;
#[path = "stdlib/stuck.rs"]
mod stuck;

use played::{Played, run, run_at, site};
use serde_json::json;

/// Runs the body of one `verify` step and gives what it was seen to be.
fn seen(imports: &[&str], body: &str, played: &Played) -> (String, serde_json::Value) {
    let imports: String = imports.iter().map(|m| format!("import \"std/{m}\" as {m};\n")).collect();
    let o = run(&format!("{imports}verify(\"1\", \"T\", || fact(\"it\", {{ {body} }}));"), played);
    let fact = o.report.steps[0].facts.first().map(|f| f.value.clone());
    (o.verdicts(), fact.unwrap_or_else(|| panic!("{}", o.drawn)))
}

/// A program that prints a text.
fn prints(text: &str) -> Played {
    let text = text.to_string();
    Played::default().commands(move |_| (0, text.clone(), String::new()))
}

// ---------------------------------------------------------------------- juju

/// What `juju status --format=json` gives where its parts cannot be read; the shape is of a real 3.6.1.
const ERRORS: &str = r#"{"model": {"name": "tt", "model-status": {"status-error": "model status error!"}},
    "machines": {"3": {"status-error": "machine status error!"},
                 "4": {"juju-status": {"current": "started"}, "containers": {"4/lxd/0": {"juju-status": {"current": "down", "message": "agent lost"}}}}},
    "applications": {"app-failed": {"status-error": "app status error!"},
                     "unit-failed": {"units": {"unit-failed/0": {"status-error": "unit status error!"}}},
                     "lost": {"units": {"lost/1": {"workload-status": {"current": "active"}, "juju-status": {"current": "lost"}}}}}}"#;

#[test]
fn whatever_juju_cannot_read_is_not_settled() {
    let body = r#"juju::unsettled(juju::status(site.tool("juju"), "openstack"), ["active"])"#;
    let played = prints(ERRORS);
    let (_, found) = seen(&["juju"], body, &played);
    assert_eq!(
        found,
        json!([
            "machine 3: machine status error!",
            "machine 4/lxd/0: down, agent lost",
            "model: model status error!",
            "app-failed: app status error!",
            "lost/1: active (), agent lost",
            "unit-failed/0: unit status error!",
        ])
    );
    assert_eq!(*played.asked.lock().unwrap(), ["juju: status --format=json --model openstack"]);
}

#[test]
fn an_option_that_is_not_set_is_told_from_a_machine_that_did_not_answer() {
    let option = r#"juju::option(site.tool("juju"), (), "nova-compute/1", "/etc/nova/nova.conf", "reserved_host_memory_mb")"#;
    assert_eq!(seen(&["juju"], option, &prints("512\n8192\n")).1, json!("8192"), "the last one counts");
    assert_eq!(seen(&["juju"], option, &prints("")).1, json!(null));
    let gone =
        Played::default().commands(|_| (1, String::new(), "ERROR unit \"nova-compute/1\" not found".into()));
    let o = run(&format!(r#"import "std/juju" as juju; verify("1", "T", || {option});"#), &gone);
    assert_eq!(o.error.unwrap().kind().name(), "command");
    // and the pattern finds what nova.conf holds, and nothing like it
    let conf = "# reserved_host_memory_mb = 1\n[DEFAULT]\nreserved_host_memory_mb=8192\nxreserved_host_memory_mb = 2\n";
    let asked = Played::default();
    let asked = {
        let log = asked.asked.clone();
        (asked.commands(|_| (0, String::new(), String::new())), log)
    };
    seen(&["juju"], option, &asked.0);
    let line = asked.1.lock().unwrap()[0].clone();
    let sed =
        line.split_once("sed -n ").unwrap().1.split('\'').find(|p| p.starts_with("s/")).unwrap().to_string();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), conf).unwrap();
    let out = std::process::Command::new("sed").args(["-n", &sed]).arg(file.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout), "8192\n");
}

#[test]
fn a_stale_login_is_no_controller_outage() {
    let stale = Played::default().commands(|_| {
        (1, String::new(), "ERROR cannot get discharge from \"https://c:17070/auth\": Post: EOF".into())
    });
    let o = run(
        r#"import "std/juju" as juju; import "std/triage" as triage;
           verify("1", "T", || { let layer = triage::look("machines", || juju::machines_down(juju::status(site.tool("juju"), ())));
                                 fact("layer", layer); gate("red", !layer.green); });"#,
        &stale,
    );
    assert!(o.verdicts().starts_with("1 UNKNOWN: machines: "), "{}", o.drawn);
    let layer = o.report.steps[0].facts[0].value.to_string();
    assert!(layer.contains("No controller outage") && layer.contains("juju login"), "{layer}");
}

// --------------------------------------------------------------------- virsh

#[test]
fn a_baseline_that_lacks_a_machine_is_none() {
    let libvirt = Played::default().commands(|line| {
        let line = line
            .strip_prefix("hypervisor: virsh --connect qemu:///system ")
            .unwrap_or_else(|| panic!("{line}"));
        let said = match line {
            "list --all --name" => "juju-controller\ncompute-1\n\n",
            "snapshot-list --domain juju-controller --name --topological" => "snapshot-0\nsnapshot-1\n\n",
            "snapshot-list --domain compute-1 --name --topological" => "\n",
            "domstate --domain compute-1" => "shut off\n\n",
            other => panic!("{other}"),
        };
        (0, said.into(), String::new())
    });
    let body = r#"virsh::without_snapshot(site.host("hypervisor"), "qemu:///system", ["juju-controller", "compute-1", "compute-2"], "snapshot-1")"#;
    assert_eq!(
        seen(&["virsh"], body, &libvirt).1,
        json!(["compute-2: libvirt knows no such domain", "compute-1: shut off, no snapshot snapshot-1"])
    );
}

// --------------------------------------------------------------------- vault

/// A unit of Vault on loopback.
fn unit(runtime: &tokio::runtime::Runtime, body: serde_json::Value) -> String {
    let leads = body["sealed"] == false;
    let app = axum::Router::new()
        .route("/v1/sys/seal-status", axum::routing::get(move || async move { axum::Json(body) }))
        .route("/v1/sys/leader", axum::routing::get(move || async move {
            axum::Json(json!({"ha_enabled": true, "is_self": leads, "leader_address": if leads { "https://10.12.8.61:8200" } else { "" }}))
        }));
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("http://{address}")
}

#[test]
fn each_unit_of_vault_has_a_seal_of_its_own() {
    rhumb::systems::http::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let seal = |sealed: bool, progress: u8| json!({"type": "shamir", "initialized": true, "sealed": sealed, "t": 3, "n": 5, "progress": progress});
    let (open, shut) = (unit(&runtime, seal(false, 0)), unit(&runtime, seal(true, 2)));
    let raw = unit(&runtime, json!({"initialized": false, "sealed": true, "t": 0, "n": 0, "progress": 0}));
    let body =
        format!(r#"vault::not_serving(vault::seals(["{open}", "{shut}", "{raw}", "http://127.0.0.1:1"]))"#);
    let (_, found) = seen(&["vault"], &body, &Played::default());
    let lines: Vec<&str> = found.as_array().unwrap().iter().map(|l| l.as_str().unwrap()).collect();
    assert_eq!(
        lines[..2],
        [format!("{shut}: sealed, 2 of 3 key shares given"), format!("{raw}: not initialised")]
    );
    assert!(lines[2].starts_with("http://127.0.0.1:1: ") && lines[2].contains("refused"), "{lines:?}");

    // nobody initialises a Vault by waiting for it
    let o = run(
        &format!(
            r#"import "std/vault" as vault; verify("1", "T", || vault::wait_unsealed(["{raw}"], 1.h));"#
        ),
        &Played::default(),
    );
    assert_eq!((o.error.unwrap().kind().name(), o.elapsed.as_secs()), ("failed", 0));
    let o = run(
        &format!(
            r#"import "std/vault" as vault; verify("1", "T", || vault::wait_unsealed(["{shut}", "{open}"], 1.h));"#
        ),
        &Played::default(),
    );
    let error = o.error.unwrap();
    assert_eq!((error.kind().name(), o.elapsed.as_secs()), ("timeout", 3600));
    // how often is what the seal itself says, not what some other Vault takes
    assert!(error.to_string().contains("`vault operator unseal`, 3 times"), "{error}");
    let two = unit(&runtime, json!({"initialized": true, "sealed": true, "t": 2, "n": 3, "progress": 0}));
    let o = run(
        &format!(
            r#"import "std/vault" as vault; verify("1", "T", || vault::wait_unsealed(["{two}"], 1.min));"#
        ),
        &Played::default(),
    );
    let said = o.error.unwrap().to_string();
    assert!(said.contains("`vault operator unseal`, 2 times"), "{said}");
}

// ------------------------------------------------------------------- k8s_snap

#[test]
fn a_machine_that_was_never_bootstrapped_is_not_waited_for() {
    let machine = Played::default().commands(|line| match line {
        line if line.ends_with("uptime") => {
            (0, " 02:03:04 up 1 min,  load average: 0.10, 0.11, 0.12\n".into(), String::new())
        }
        line if line.contains("test -e") || line.contains("'test'") => (1, String::new(), String::new()),
        _ => (1, String::new(), "Error: The node is not part of a Kubernetes cluster. You can bootstrap a new cluster with:\n\n  sudo k8s bootstrap".into()),
    });
    let o = run(
        r#"import "std/k8s_snap" as k8s_snap; verify("2", "T", || k8s_snap::settle(site.host("capi-mgmt"), 40.min, 25.min));"#,
        &machine,
    );
    assert_eq!((o.error.unwrap().kind().name(), o.elapsed.as_secs()), ("failed", 0));
}

// --------------------------------------------------------------------- probes

#[test]
fn a_url_has_a_place_with_or_without_a_port() {
    let body = r#"["https://10.12.4.50:5000/v3", "https://h/x", "http://h", "http://h:8080", "https://[fd00::5]:5000/v3", "http://[fd00::5]"].map(|u| { let p = probes::place(u); `${p.host} ${p.port}` })"#;
    assert_eq!(
        seen(&["probes"], body, &Played::default()).1,
        json!(["10.12.4.50 5000", "h 443", "h 80", "h 8080", "fd00::5 5000", "fd00::5 80"])
    );
}

#[test]
fn a_url_is_made_of_what_people_and_controllers_write() {
    let body = r#"[probes::base("https://v:8200/"), probes::base("https://v:8200/vault//"), probes::http_url("10.0.0.1", "/x"), probes::http_url("fd00::5", "/x")]"#;
    let wanted = json!(["https://v:8200", "https://v:8200/vault", "http://10.0.0.1/x", "http://[fd00::5]/x"]);
    assert_eq!(seen(&["probes"], body, &Played::default()).1, wanted);
}

#[test]
fn a_tenant_vm_says_whether_a_vip_is_reached() {
    let knock = r#"probes::from_host(site.host("capi-mgmt"), "10.12.4.50", 5000, 6.s)"#;
    for (code, open, said) in
        [(0, true, ""), (124, false, "no answer within 6s"), (1, false, "Connection refused")]
    {
        let vm = Played::default().commands(move |line| {
            assert!(
                line.starts_with("capi-mgmt: timeout 6 bash -c ")
                    && line.contains("/dev/tcp/10.12.4.50/5000"),
                "{line}"
            );
            (code, String::new(), if code == 1 { "Connection refused\n".into() } else { String::new() })
        });
        let found = seen(&["probes"], knock, &vm).1;
        assert_eq!((found["open"].as_bool(), found["said"].as_str()), (Some(open), Some(said)));
    }
}

// --------------------------------------------------------------------- magnum

#[test]
fn versions_are_compared_by_number() {
    let body = r#"[["1.4.0", "1.4.0"], ["1.10.0", "1.4.0"], ["1.3.9", "1.4.0"], ["v2.0.0-rc1", "1.4.0"], ["1.4", "1.4.0"], ["1", "1.4.0"], ["1.4.0.dev3", "1.4.0"], ["1.4.0rc1", "1.4.0"], ["1.3.1.dev2", "1.4.0"]].map(|p| magnum::at_least(p[0], p[1]))"#;
    assert_eq!(
        seen(&["magnum"], body, &Played::default()).1,
        json!([true, true, false, true, true, false, true, true, false])
    );
}

// --------------------------------------------------------------------- triage

#[test]
fn the_lowest_red_layer_is_the_one_to_mend() {
    let body = r#"
        let layers = [triage::look("machines", || []),
                      triage::look("load balancers", || triage::balancers([#{ name: "api", provisioning_status: "ERROR", operating_status: "ONLINE" }])),
                      triage::look("Magnum", || triage::healths([#{ cluster: "c", health_status: "UNHEALTHY", health_status_reason: #{}, verdict: "unknown", means: "" }]))];
        triage::lowest_red(layers)"#;
    let (_, red) = seen(&["triage"], body, &Played::default());
    assert_eq!(red["layer"], "load balancers");
    assert_eq!(red["findings"][0]["mend"], "`lb-failover`");
    assert!(red["findings"][0]["means"].as_str().unwrap().contains("the traffic flows. No urgency"));
}

#[test]
fn an_empty_project_is_the_wrong_project() {
    let body = r#"triage::management_vm((), "capi-mgmt-v2", 0)"#;
    assert!(seen(&["triage"], body, &Played::default()).1.to_string().contains("The wrong project"));
    // D-042 is known good: nothing to mend, so no red layer
    let body = r#"triage::healths([#{ cluster: "c", health_status: "UNHEALTHY", health_status_reason: #{ infrastructure: "x" }, verdict: "d-042", means: "" }])"#;
    assert_eq!(seen(&["triage"], body, &Played::default()).1, json!([]));
}

#[test]
fn what_a_layer_says_is_what_it_means_there() {
    // a cold start is waited for, a machine that was never bootstrapped is not
    let text = |body: &str| seen(&["triage"], body, &Played::default()).1.to_string();
    let cold = text(
        r#"triage::management_kubernetes(#{ ready: false, summary: "Error: control.socket: deadline exceeded", load_1m: "90.1" })"#,
    );
    assert!(cold.contains("Cold start"), "{cold}");
    let never = text(
        r#"triage::management_kubernetes(#{ ready: false, summary: "Error: The node is not part of a Kubernetes cluster.", load_1m: "0.1", stranger: true })"#,
    );
    // the same words while k8sd opens its database
    let opens = text(
        r#"triage::management_kubernetes(#{ ready: false, summary: "Error: The node is not part of a Kubernetes cluster.", load_1m: "40.1", stranger: false })"#,
    );
    assert!(opens.contains("Cold start") && !opens.contains("phase-06"), "{opens}");
    assert!(never.contains("never bootstrapped") && !never.contains("Cold start"), "{never}");
    // a busy Nova says nothing of Magnum's conductor
    let busy = |layer: &str| {
        text(&format!(
            r#"triage::unanswered("{layer}", #{{ kind: "transient", message: "HTTP 503", help: () }})"#
        ))
    };
    assert!(busy("Magnum").contains("the conductor is stalled"));
    assert!(!busy("management VM").contains("conductor"), "{}", busy("management VM"));
    // nor does a balancer that a worker holds, or whose members are all down, pass for one that is well
    let balancers = text(
        r#"triage::balancers([
            #{ name: "a", provider: "amphora", provisioning_status: "ACTIVE", operating_status: "ONLINE" },
            #{ name: "b", provider: "amphora", provisioning_status: "PENDING_UPDATE", operating_status: "ONLINE" },
            #{ name: "off", provider: "amphora", provisioning_status: "ACTIVE", operating_status: "ERROR", admin_state_up: false },
            #{ name: "silent", provider: "amphora", provisioning_status: "ACTIVE", operating_status: "OFFLINE" },
            #{ name: "c", provider: "amphora", provisioning_status: "ACTIVE", operating_status: "ERROR" }]).map(|f| f.saw)"#,
    );
    assert_eq!(
        balancers,
        r#"["b: PENDING_UPDATE, operating ONLINE","silent: ACTIVE, operating OFFLINE","c: ACTIVE, operating ERROR"]"#
    );
    // a model without the cloud's applications is another model
    assert!(text(r#"triage::model("default", ["magnum"])"#).contains("Not the model"));
    assert_eq!(text(r#"triage::model("openstack", [])"#), "[]");
    // key shares are the site's
    assert!(text(r#"triage::seals(["v: sealed"], "2 of 3 key shares")"#).contains("with 2 of 3 key shares"));
}

#[test]
fn the_taint_of_a_node_tells_who_is_waited_for() {
    let lines = r#"triage::nodes("c", ["n1 takes no work: Cluster API has not synced labels, the management cluster may be down", "n2 is not Ready (KubeletNotReady: x)"]).map(|f| f.mend)"#;
    let (_, mends) = seen(&["triage"], lines, &Played::default());
    assert!(mends[0].as_str().unwrap().contains("the layers below"), "{mends}");
    assert!(mends[1].as_str().unwrap().contains("its server in Nova"), "{mends}");
}

// ---------------------------------------------------------------------- nova

#[test]
fn a_server_that_is_on_its_way_out_is_not_up_already() {
    // ACTIVE with powering-off for two looks, then SHUTOFF, then started
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let looks = std::sync::Mutex::new((0, false));
    let cloud = runtime.block_on(stub_cloud::start(move |asked, _| {
        let mut state = looks.lock().unwrap();
        if asked.method == "POST" {
            state.1 = true;
            return (202, json!(null));
        }
        if !asked.path.contains("/servers") {
            return (200, json!({"versions": [{"id": "v2.1", "version": "2.96", "min_version": "2.1", "status": "CURRENT"}]}));
        }
        state.0 += 1;
        let (status, task) = match *state {
            (_, true) => ("ACTIVE", json!(null)),
            (1..=2, false) => ("ACTIVE", json!("powering-off")),
            _ => ("SHUTOFF", json!(null)),
        };
        let server = json!({"id": "9e1f0000-0000-4000-8000-000000000001", "name": "vm", "status": status,
                            "OS-EXT-STS:task_state": task, "created": "2026-06-10T01:59:00Z"});
        match asked.path.contains("/servers/9e1f") {
            true => (200, json!({ "server": server })),
            false => (200, json!({ "servers": [server] })),
        }
    }));
    let played = Played::default().cloud({
        let cloud = std::sync::Arc::new(cloud);
        move |_, _| cloud.cloud("secret")
    });
    let o = run(
        r#"import "std/nova" as nova; change("1", "T", || { nova::start(site.scope("capi-mgmt").servers, "vm", 5.min); });"#,
        &played,
    );
    assert_eq!(o.verdicts(), "1 PASS", "{}", o.drawn);
}

// -------------------------------------------------------------------- drift

#[test]
fn a_site_that_names_no_vault_does_not_pass() {
    let o = run_at(
        r#"verify("D-011.6a", "Vault", || gate("the site names Vault's units", !site.vault_units.is_empty(), site.vault_units));"#,
        site("", &[]),
        &Played::default(),
    );
    assert_eq!(o.verdicts(), "D-011.6a FAIL: gate: the site names Vault's units");
}

#[test]
fn an_optional_value_that_is_not_set_is_nothing_and_a_wrong_name_is_an_error() {
    let o = run(r#"verify("1", "T", || expect("it", site.load_balancer, ()));"#, &Played::default());
    assert_eq!(o.verdicts(), "1 PASS", "{}", o.drawn);
    let o = run(r#"verify("1", "T", || site.load_balanced);"#, &Played::default());
    assert!(o.drawn.contains("load_balancer"), "{}", o.drawn);
    let o = run(r#"verify("1", "T", || site.image);"#, &Played::default());
    assert!(o.drawn.contains("the site does not set `image`"), "{}", o.drawn);
}
