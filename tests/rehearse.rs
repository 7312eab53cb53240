//! `rhumb rehearse`: the shipped runbooks against the lab, as an operator runs them on a machine that has
//! nothing: no cloud, no configuration, no home of the program's.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

mod served;

use std::path::{Path, PathBuf};
use std::process::Command;

use rhumb::run::{Entry, RunReport, journal};
use served::{Served, read_until};

/// A machine that has nothing.
struct Desk {
    home: tempfile::TempDir,
}

struct Ended {
    exit: i32,
    stdout: String,
    stderr: String,
    entries: Vec<Entry>,
}

impl Desk {
    fn new() -> Desk {
        Desk { home: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The example site with one more runbook.
    fn site(&self, runbook: &str, script: &str) -> String {
        let dir = self.home.path().join("site");
        std::fs::create_dir_all(&dir).unwrap();
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/sites/roosevelt/site.toml");
        std::fs::copy(example, dir.join("site.toml")).unwrap();
        std::fs::write(dir.join(format!("{runbook}.rhai")), script).unwrap();
        dir.to_str().unwrap().to_string()
    }

    fn rehearse(&self, args: &[&str]) -> Ended {
        self.run(&[&["rehearse"], args].concat())
    }

    fn run(&self, args: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rhumb"));
        command.args(args).env_clear().stdin(std::process::Stdio::null());
        let output = command.env("PATH", "/nowhere").env("HOME", self.home.path()).output().unwrap();
        Ended {
            exit: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            entries: newest(self.home.path()).map(|dir| entries(&dir)).unwrap_or_default(),
        }
    }
}

fn newest(home: &Path) -> Option<PathBuf> {
    let runs = home.join(".local/state/rhumb/roosevelt/rehearsals/runs");
    let mut all: Vec<PathBuf> = std::fs::read_dir(runs).ok()?.map(|e| e.unwrap().path()).collect();
    all.sort_by_key(|dir| std::fs::metadata(dir.join(journal::FILE)).and_then(|m| m.modified()).ok());
    all.pop()
}

fn entries(dir: &Path) -> Vec<Entry> {
    journal::read(&dir.join(journal::FILE)).unwrap().entries
}

impl Ended {
    fn expect(self, exit: i32) -> Self {
        assert_eq!(self.exit, exit, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    fn report(&self) -> RunReport {
        RunReport::of(&self.entries)
    }

    /// Methods and targets of the changes that were sent.
    fn sent(&self) -> Vec<String> {
        let report = self.report();
        let effects = report.steps.iter().flat_map(|s| &s.effects).filter(|e| e.approved.is_some());
        effects.map(|e| format!("{} {}", e.intent.method, e.intent.target)).collect()
    }

    fn verdicts(&self) -> String {
        let word = |s: &rhumb::run::report::StepReport| {
            format!("{} {}", s.id, s.verdict.as_ref().map_or("none", |v| v.word()))
        };
        self.report().steps.iter().map(word).collect::<Vec<_>>().join(", ")
    }

    /// How much virtual time the steps took, in seconds.
    fn seconds(&self) -> f64 {
        self.report().steps.iter().map(|s| s.seconds).sum()
    }
}

#[test]
fn parking_stops_one_server_and_says_that_it_was_a_rehearsal() {
    let desk = Desk::new();
    let ended = desk.rehearse(&["park"]).expect(0);
    assert_eq!(ended.verdicts(), "1 PASS, 2 PASS");
    assert_eq!(ended.sent().len(), 1, "{:?}", ended.sent());
    assert!(ended.stdout.starts_with("rehearsal in the lab"), "{}", ended.stdout);
    let last = ended.stdout.lines().last().unwrap();
    assert!(last.starts_with("rehearsed 20s in ") && last.contains("requests to the lab"), "{last}");
    assert!(newest(desk.home.path()).unwrap().join("report.html").is_file());
}

#[test]
fn orphans_are_swept_and_nothing_else_is() {
    let ended = Desk::new().rehearse(&["amphora-sweep"]).expect(0);
    assert_eq!(ended.verdicts(), "1 PASS, 2 PASS, 3 PASS");
    let sent = ended.sent();
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent.iter().all(|s| s.starts_with("DELETE compute /servers/")), "{sent:?}");
}

#[test]
fn a_failover_is_proven_by_other_amphorae_after_its_108_seconds() {
    let ended = Desk::new().rehearse(&["lb-failover"]).expect(0);
    assert_eq!(ended.verdicts(), "1 PASS, 2 PASS, 3 PASS");
    assert!((108.0..120.0).contains(&ended.seconds()), "{}", ended.seconds());
}

#[test]
fn the_day_of_the_incident_is_mended_from_the_bottom_up() {
    let ended = Desk::new().rehearse(&["restart"]).expect(0);
    let sent = ended.sent();
    let kinds: Vec<&str> = sent.iter().map(|s| s.split(['/', ' ']).next().unwrap_or_default()).collect();
    assert_eq!(kinds, ["POST", "DELETE", "DELETE", "PUT"], "{sent:?}");
    assert!(ended.seconds() > 300.0, "{}", ended.seconds());
}

#[test]
fn the_acceptance_of_a_cluster_is_rehearsed_to_its_exit_gate() {
    let desk = Desk::new();
    let whole = desk.rehearse(&["phase-08"]);
    let verdicts = whole.verdicts();
    assert!(!verdicts.contains("FAIL"), "{verdicts}\n{}", whole.stdout);
    for passed in ["8.2 PASS", "8.3.2 PASS", "D-011.4a PASS", "D-011.5 PASS", "exit PASS"] {
        assert!(verdicts.contains(passed), "{passed}: {verdicts}");
    }
    assert!(whole.seconds() > 900.0, "{}", whole.seconds());

    // the lab's projects and networks are those of the site
    assert!(!whole.stdout.contains("another id"), "{}", whole.stdout);
    let frozen = desk.rehearse(&["phase-08", "--scenario", "frozen-app-cred"]).expect(1);
    assert!(frozen.verdicts().ends_with("8.2 FAIL"), "{}", frozen.verdicts());
    assert!(frozen.stdout.contains("got 403 instead"), "{}", frozen.stdout);
    let crashing = desk.rehearse(&["phase-08", "--fault", "ccm-crashes"]).expect(3);
    assert!(crashing.verdicts().ends_with("8.3.1 FAIL"), "{}", crashing.verdicts());
}

/// The bar, and the steps that a run ended before, are in the reports and not in the journal.
#[test]
fn reports_of_an_acceptance_agree_with_its_journal() {
    for more in [&[][..], &["--fault", "ccm-crashes"]] {
        let desk = Desk::new();
        let ended = desk.rehearse(&[&["phase-08"], more].concat());
        assert_eq!(ended.exit == 0, more.is_empty(), "{}{}", ended.stdout, ended.stderr);
        let dir = newest(desk.home.path()).unwrap();
        let held = desk.run(&["verify-run", dir.to_str().unwrap()]);
        assert_eq!(held.stderr, "", "{more:?}");
    }
}

#[test]
fn a_deletion_that_is_stuck_is_freed_finalizer_by_finalizer() {
    let ended = Desk::new().rehearse(&["stuck-delete"]).expect(0);
    let sent = ended.sent();
    let place = |what: &str| sent.iter().position(|s| s.contains(what)).unwrap();
    let (balancer, finalizer) = (place("/lbaas/loadbalancers/"), place("/openstackclusters/"));
    assert!(balancer < finalizer && finalizer < place("DELETE network /networks/"), "{sent:?}");
    assert_eq!(sent.iter().filter(|s| s.contains("/openstackclusters/")).count(), 2, "{sent:?}");
}

#[test]
fn a_seed_decides_every_id_and_another_seed_decides_others() {
    let told = |seed| Desk::new().rehearse(&["amphora-sweep", "--seed", seed]).expect(0).sent();
    assert_eq!(told("7"), told("7"));
    assert_ne!(told("7"), told("8"));
}

/// A journal without what the lab does not decide: the run's id and process, the port, the place of its files, real time,
/// and the digests over these.
fn of_the_lab(dir: &Path) -> Vec<String> {
    let chance = regex::Regex::new(
        r#""(prev|run|digest)":"[^"]*"|"(pid|latency_ms)":\d+|127\.0\.0\.1:\d+|rhumb-rehearsal-\w+"#,
    );
    let chance = chance.unwrap();
    let text = std::fs::read_to_string(dir.join(journal::FILE)).unwrap();
    text.lines().map(|line| chance.replace_all(line, "").into_owned()).collect()
}

#[test]
fn a_rehearsal_of_a_seed_is_the_same_each_time_record_by_record() {
    for arguments in [&["phase-08"][..], &["phase-08", "--scenario", "fresh-deploy"], &["restart"]] {
        let desk = Desk::new();
        let told = || {
            desk.rehearse(arguments).expect(0);
            of_the_lab(&newest(desk.home.path()).unwrap())
        };
        let (one, other) = (told(), told());
        assert!(one.len() > 100, "{arguments:?}: {}", one.len());
        for (mine, theirs) in one.iter().zip(&other) {
            assert_eq!(mine, theirs, "{arguments:?}");
        }
        assert_eq!(one.len(), other.len(), "{arguments:?}");
    }
}

#[test]
fn faults_come_by_name_or_written_out_and_end_at_the_right_step() {
    let desk = Desk::new();
    let refused = desk.rehearse(&["lb-failover", "--fault", "octavia-conflict"]).expect(1);
    assert!(refused.verdicts().starts_with("1 PASS, 2 FAIL"), "{}", refused.verdicts());
    assert!(refused.stdout.contains("409") || refused.stderr.contains("409"), "{}", refused.stderr);
    let tolerated =
        desk.rehearse(&["lb-failover", "--fault", "service = 'octavia', times = 2, do = { status = 503 }"]);
    assert_eq!(tolerated.expect(0).verdicts(), "1 PASS, 2 PASS, 3 PASS");
    let unknown = desk.rehearse(&["lb-failover", "--fault", "octavia-conflikt"]).expect(2);
    assert!(unknown.stderr.contains("did you mean `octavia-conflict`?"), "{}", unknown.stderr);
    let nonsense = desk.rehearse(&["lb-failover", "--fault", "do = { stauts = 503 }"]).expect(2);
    assert!(nonsense.stderr.contains("is not a fault"), "{}", nonsense.stderr);
}

#[test]
fn every_fault_of_the_deck_can_be_put_on_and_none_hangs() {
    let desk = Desk::new();
    for name in rhumb::lab::Fault::shipped().unwrap().keys() {
        let ended = desk.rehearse(&["park", "--fault", name]);
        assert!(ended.stdout.contains("rehearsed "), "{name}: {}\n{}", ended.stdout, ended.stderr);
    }
}

#[test]
fn every_fault_of_the_deck_has_a_test_that_says_what_comes_of_it() {
    let dir = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rehearsals")).unwrap();
    let files = dir.map(|file| file.unwrap().path()).filter(|path| path.is_file());
    let tests: String = files.map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let untold = |name: &String| !tests.contains(&format!("test(\"{name}: "));
    let untested: Vec<String> = rhumb::lab::Fault::shipped().unwrap().into_keys().filter(untold).collect();
    assert!(untested.is_empty(), "{untested:?}");
}

#[test]
fn a_scenario_can_be_a_file() {
    let desk = Desk::new();
    let file = desk.file(
        "mine.toml",
        "title = \"no room to stop\"\nextends = \"phase-08\"\n[timings]\nserver_stop = \"3min\"\n",
    );
    let ended = desk.rehearse(&["park", "--scenario", file.to_str().unwrap()]).expect(0);
    assert!(ended.seconds() >= 180.0, "{}", ended.seconds());
    let wrong = desk.rehearse(&["park", "--scenario", "phase-8"]).expect(7);
    assert!(wrong.stderr.contains("did you mean `phase-08`?"), "{}", wrong.stderr);
}

#[test]
fn a_runbook_that_is_not_there_is_named_with_the_likely_one() {
    let ended = Desk::new().rehearse(&["restrat"]);
    assert!(ended.exit != 0 && ended.stderr.contains("did you mean `restart`?"), "{}", ended.stderr);
}

/// A runbook that goes through what Kubernetes answers, with the real client.
const TOUR: &str = r#"
runbook("tour", "What the lab's Kubernetes answers");
let tenant = site.scope("capi-mgmt");
let mgmt = site.kube("capi-mgmt");

verify("1", "the management cluster", || {
    expect("who asks", mgmt.identity().user, "admin");
    expect("Cluster API", mgmt.versions("cluster.x-k8s.io"), ["v1beta2", "v1beta1"]);
    gate("an older version is not served", !mgmt.serves("openstackcluster.infrastructure.cluster.x-k8s.io/v1alpha6"));
    let space = "magnum-" + tenant.identity().project_id;
    let cluster = mgmt.list("clusters.cluster.x-k8s.io", #{ namespace: space })[0];
    gate("it is available", cluster.condition("Available").good, cluster.unmet());
    let older = mgmt.get("cluster.cluster.x-k8s.io/v1beta1", cluster.name, #{ namespace: space });
    gate("by the older rules too", older.condition("Ready").good, older.unmet());
    expect("machines", mgmt.list("machines.cluster.x-k8s.io", #{ all: true }).len(), 3);
    expect("what is absent", mgmt.find("services", "absent"), ());
    let kinds = [];
    try { mgmt.get("machinepools.cluster.x-k8s.io", "x"); } catch (e) { kinds.push(e.kind); }
    try { mgmt.get("services", "absent"); } catch (e) { kinds.push(e.kind); }
    expect("an unserved kind and an absent object differ", kinds, ["unsupported", "not-found"]);
});

change("2", "a workload cluster", || {
    let workload = kube(tenant.clusters.get(site.cluster).kubeconfig(), #{ name: "w" });
    expect("nodes", workload.list("nodes").len(), 3);
    expect("pods that do not run", workload.list("pods", #{ all: true, fields: "status.phase!=Running" }).len(), 0);
    let apps = workload.namespace("default");
    let labels = #{ app: "web" };
    apps.apply(#{ apiVersion: "apps/v1", kind: "Deployment", metadata: #{ name: "web", labels: labels },
        spec: #{ replicas: 3, selector: #{ matchLabels: labels }, template: #{ metadata: #{ labels: labels },
            spec: #{ containers: [#{ name: "web", image: "example/web" }] } } } });
    apps.wait(#{ kind: "deployments", name: "web", within: 1.min, done: |d| (d.get("status.availableReplicas") ?? 0) == 3 });
    apps.scale("deployments", "web", 2);
    expect("pods after scaling", apps.list("pods", #{ labels: "app=web" }).len(), 2);
    let dry = apps.dry_run(#{ apiVersion: "v1", kind: "ConfigMap", metadata: #{ name: "c" }, data: #{ a: "b" } });
    expect("a dry run stores nothing", apps.find("configmaps", dry.name), ());
    let made = apps.create(#{ apiVersion: "v1", kind: "ConfigMap", metadata: #{ name: "c", finalizers: ["x/y"] }, data: #{ a: "b" } });
    let seen = "";
    try { apps.create(#{ apiVersion: "v1", kind: "ConfigMap", metadata: #{ name: "c" } }); } catch (e) { seen = e.kind; }
    expect("a second one of the name", seen, "conflict");
    expect("patched", made.patch(#{ data: #{ a: "z" } }).get("data.a"), "z");
    made.refresh().delete();
    gate("its finalizer holds it", made.refresh().get("metadata.deletionTimestamp") != ());
    made.refresh().remove_finalizer("x/y");
    expect("then it is gone", apps.find("configmaps", "c"), ());
    let pod = apps.list("pods", #{ labels: "app=web" })[0];
    expect("a command in a container", apps.exec(pod, ["hostname"]).stdout, pod.name + "\n");
    expect("its input comes back", apps.exec(pod, ["cat"], #{ stdin: "over and out" }).stdout, "over and out");
    expect("its exit code", apps.exec(pod, ["sh", "-c", "exit 3"], #{ any_code: true }).code, 3);
    expect("what its shell does not know", apps.exec(pod, ["sh", "-c", "frobnicate"], #{ any_code: true }).code, 127);
    let never = "";
    try { apps.exec(pod, ["frobnicate"]); } catch (e) { never = `${e.kind}: ${e}`; }
    gate("a program that is not there", never.starts_with("command:") && never.contains("executable file not found"), never);
    apps.delete("deployments", "web");
    expect("and its pods with it", apps.list("pods", #{ labels: "app=web" }).len(), 0);
});
"#;

#[test]
fn the_real_client_goes_through_what_the_labs_kubernetes_answers() {
    let desk = Desk::new();
    let site = desk.site("tour", TOUR);
    let ended = desk.rehearse(&["tour", "--site", &site, "--scenario", "healthy-cluster"]);
    assert_eq!(ended.expect(0).verdicts(), "1 PASS, 2 PASS");
}

#[test]
fn hosts_and_programs_answer_as_on_the_day_of_the_incident() {
    let desk = Desk::new();
    let script = r#"
runbook("hosts", "Hosts and programs");
let mgmt = site.host("capi-mgmt");
let hypervisor = site.host("hypervisor");
let juju = site.tool("juju");
verify("1", "the machine that is down", || {
    let kind = "";
    try { mgmt.query(["uptime"]); } catch (e) { kind = e.kind; }
    expect("kind", kind, "unreachable");
});
change("2", "the hypervisor", || {
    let virsh = ["virsh", "--connect", "qemu:///system"];
    hypervisor.run(virsh + ["snapshot-create-as", "--domain", "control-1", "--name", "s2"]);
    let names = hypervisor.query(virsh + ["snapshot-list", "--domain", "control-1", "--name"]).stdout;
    gate("the snapshot is there", names.contains("s2"), names);
    expect("a session of the user's has no domain", hypervisor.query(["virsh", "list", "--name"]).stdout.contains("control-1"), false);
    expect("an unknown program", hypervisor.query(["frobnicate"], #{ any_code: true }).code, 127);
});
verify("3", "juju", || {
    let status = parse_json(juju.query(["status", "--format=json"]).stdout);
    expect("units", status.applications["nova-compute"].units.len(), 3);
    let kept = juju.query(["ssh", "nova-compute/0", "sudo sed -n 's/^[[:space:]]*reserved_host_memory_mb[[:space:]]*=[[:space:]]*//p' /etc/nova/nova.conf"]).stdout;
    expect("D-040", kept, "8192\n");
});
"#;
    let site = desk.site("hosts", script);
    let ended = desk.rehearse(&["hosts", "--site", &site, "--scenario", "restart"]).expect(0);
    assert_eq!(ended.verdicts(), "1 PASS, 2 PASS, 3 PASS");
    // a command that hangs costs its deadline in virtual time, and says so
    let hung = desk.rehearse(&[
        "hosts",
        "--site",
        &site,
        "--scenario",
        "restart",
        "--fault",
        "ssh-hangs",
        "--only",
        "2",
        "--because",
        "of it alone",
    ]);
    assert_eq!(hung.exit, 10, "{}", hung.stderr);
    assert!(hung.stderr.contains("did not end"), "{}", hung.stderr);
}

#[test]
fn the_shipped_tests_of_runbooks_pass() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rehearsals");
    let ended = Desk::new().run(&["test", dir]).expect(0);
    assert!(ended.stdout.contains("0 failed, 0 not run"), "{}", ended.stdout);
}

#[test]
fn a_test_that_fails_says_what_was_wanted_and_where() {
    let desk = Desk::new();
    let text = r#"
test("good", || assert_eq("verdict", rehearse("park").steps["1"].verdict, "PASS"));
test("bad", || assert_eq("what was sent", rehearse("park", #{ seed: 3 }).sent.len(), 7));
test("wrong option", || rehearse("park", #{ scenaro: "restart" }));
"#;
    let file = desk.file("mine_test.rhai", text);
    let ended = desk.run(&["test", file.to_str().unwrap()]).expect(3);
    for part in [
        "✓ good",
        "✗ bad",
        "wanted 7",
        "got    1",
        "at line 3",
        "did you mean `scenario`?",
        "1 passed, 2 failed",
    ] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    let broken = desk.file("broken_test.rhai", "test(");
    assert_eq!(desk.run(&["test", broken.to_str().unwrap()]).exit, 8);
    assert_eq!(desk.run(&["test", "/nowhere/at/all"]).exit, 2);
}

#[test]
fn a_lab_is_served_to_ordinary_clients_until_it_is_interrupted() {
    use std::os::unix::fs::PermissionsExt as _;

    let served = Served::start(&[]);
    for name in ["clouds.yaml", "management.kubeconfig", "capi-test-1.kubeconfig"] {
        let mode = std::fs::metadata(served.dir.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    // as kubectl asks: through the lab as a proxy, for a table
    let accept = "Accept: application/json;as=Table;v=v1;g=meta.k8s.io\r\n";
    let answer = served.ask("GET", "/api/v1/nodes", accept, "");
    assert!(answer.contains("\"kind\":\"Table\"") && answer.contains("control-plane"), "{answer}");
    assert!(served.interrupt().starts_with("ended; "));
}

#[test]
fn where_time_passes_by_itself_a_watch_is_held_open_and_tells_what_comes() {
    use std::io::{Read as _, Write as _};

    let served = Served::start(&["--speed", "60"]);
    let host = served.cluster();
    let path = "/api/v1/namespaces/default/configmaps";
    let mut watch = served.connect();
    write!(watch, "GET http://{host}{path}?watch=1&timeoutSeconds=3 HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
        .unwrap();
    read_until(&mut watch, "\r\n\r\n");
    let made = served.ask(
        "POST",
        path,
        "Content-Type: application/json\r\n",
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"came"}}"#,
    );
    assert!(made.starts_with("HTTP/1.1 201"), "{made}");
    let told = read_until(&mut watch, "\"came\"");
    assert!(told.contains("\"type\":\"ADDED\""), "{told}");
    // its time is over: a chunk of length nothing, and the connection's end
    let mut rest = String::new();
    watch.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("0\r\n\r\n"), "{rest}");
}

#[test]
fn a_tunnel_leads_to_what_the_lab_plays_and_nowhere_else() {
    use std::io::Write as _;

    let served = Served::start(&[]);
    let host = served.cluster();
    let mut stream = served.connect();
    write!(stream, "CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: 192.0.2.1:443\r\n\r\n").unwrap();
    assert!(read_until(&mut stream, "answers there").starts_with("HTTP/1.1 502"));

    // as kubectl runs a command in a container through a proxy: a tunnel, and in it a WebSocket
    let list = served.ask("GET", "/api/v1/namespaces/kube-system/pods?limit=1", "", "");
    let pod = list.split("\"name\":\"").nth(1).unwrap().split('"').next().unwrap();
    let mut stream = served.connect();
    write!(stream, "CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    assert!(read_until(&mut stream, "\r\n\r\n").starts_with("HTTP/1.1 200"));
    write!(
        stream,
        "GET /api/v1/namespaces/kube-system/pods/{pod}/exec?command=hostname&stdout=true HTTP/1.1\r\nHost: {host}\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n"
    )
    .unwrap();
    let said = read_until(&mut stream, "\"Success\"");
    assert!(said.starts_with("HTTP/1.1 101") && said.contains(&format!("\u{1}{pod}\n")), "{said}");
}
