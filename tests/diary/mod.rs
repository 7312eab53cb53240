//! Journals of runs as they happen: written record by record through the real journal, under a clock
//! of their own. The runs resemble an acceptance of a Kubernetes cluster on an OpenStack cloud.

#![allow(dead_code, clippy::unwrap_used, reason = "each test binary uses its own part of the diary")]

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rhumb::base::{Error, ErrorKind, Intent, Undo};
use rhumb::run::record::SourceMark;
use rhumb::run::{Journal, Record, RunReport, StepKind, Verdict};
use serde_json::{Value, json};

/// A journal that is being written.
pub struct Diary {
    journal: Journal,
    now: Timestamp,
    began: Timestamp,
    waits: u64,
    step: String,
    calls: u64,
}

/// A change, with what a fixture needs of it.
pub struct Sent<'a> {
    pub method: &'a str,
    pub target: &'a str,
    pub summary: &'a str,
    pub body: Value,
    pub approved: &'a str,
}

impl Diary {
    pub fn begin(dir: &Path, run: &str, at: &str, mode: &str) -> Self {
        let now: Timestamp = at.parse().unwrap();
        let journal = Journal::create(dir, false).unwrap();
        let mut d = Diary { journal, now, began: now, waits: 0, step: String::new(), calls: 0 };
        d.write(Record::RunBegin {
            run: run.into(),
            runbook: "phase-08".into(),
            site: "vr0-dc0".into(),
            mode: mode.into(),
            version: "0.1.0".into(),
            by: "jesse@jumphost".into(),
            pid: 4711,
            values: json!({
                "image": "ubuntu-jammy-kube-v1.34.8", "kube_version": "v1.34.8", "template": "capi-k8s-v1-34",
                "cluster": "capi-test-1", "keypair": "capi-mgmt-key",
                "network": {"external": "provider-ext", "workload_cidr": "10.20.16.0/24"},
                "core_vips": ["10.12.4.50", "10.12.4.51", "10.12.4.52"],
            }),
            with: Default::default(),
        });
        for (name, layer, fill) in [
            ("phase-08", "embedded", "3f"),
            ("std/magnum", "embedded", "a1"),
            ("std/octavia", "embedded", "7c"),
            ("phase-08", "site", "d4"),
        ] {
            let mark = SourceMark { name: name.into(), layer: layer.into(), sha256: fill.repeat(32) };
            d.write(Record::Source(mark));
        }
        d.write(Record::Runbook {
            id: "phase-08".into(),
            title: "Workload-cluster acceptance (D-011)".into(),
            needs: None,
            overridden: None,
        });
        d
    }

    /// Opens a journal again, as a resumed run does.
    pub fn resume(dir: &Path, after: i64) -> Self {
        let (journal, entries) = Journal::reopen(dir).unwrap();
        let now = entries.last().unwrap().at + SignedDuration::from_secs(after);
        let waits = entries.iter().filter(|e| matches!(e.record, Record::WaitBegin { .. })).count() as u64;
        let mut d = Diary { journal, now, began: now, waits, step: String::new(), calls: 0 };
        d.write(Record::RunResume {
            version: "0.1.0".into(),
            by: "jesse@jumphost".into(),
            pid: 4890,
            with: Default::default(),
        });
        d
    }

    pub fn write(&mut self, record: Record) -> u64 {
        self.journal.append(self.now, record).unwrap().n
    }

    pub fn pass(&mut self, seconds: f64) {
        self.now += SignedDuration::from_millis((seconds * 1000.0) as i64);
    }

    /// A step whose time is what happens in it.
    pub fn step(&mut self, id: &str, title: &str, kind: StepKind, body: impl FnOnce(&mut Self)) {
        self.step_as(id, title, kind, None, Verdict::Pass, body);
    }

    pub fn step_as(
        &mut self,
        id: &str,
        title: &str,
        kind: StepKind,
        overridden: Option<&str>,
        verdict: Verdict,
        body: impl FnOnce(&mut Self),
    ) {
        self.open(id, title, kind, overridden);
        let began = self.now;
        body(self);
        let seconds = self.now.duration_since(began).as_secs_f64();
        self.close(verdict, Value::Null, seconds);
    }

    pub fn open(&mut self, id: &str, title: &str, kind: StepKind, overridden: Option<&str>) {
        (self.step, self.calls) = (id.into(), 0);
        let overridden = overridden.map(str::to_string);
        self.write(Record::StepBegin { step: id.into(), title: title.into(), kind, overridden });
    }

    pub fn close(&mut self, verdict: Verdict, error: Value, seconds: f64) {
        let step = self.step.clone();
        self.write(Record::StepEnd { step, verdict, seconds, value: Value::Null, error, recalled: false });
    }

    /// A step that ends with an error.
    pub fn fail(&mut self, id: &str, title: &str, error: &Error, body: impl FnOnce(&mut Self)) {
        self.fail_as(id, title, StepKind::Verify, error, body);
    }

    pub fn fail_as(
        &mut self,
        id: &str,
        title: &str,
        kind: StepKind,
        error: &Error,
        body: impl FnOnce(&mut Self),
    ) {
        self.open(id, title, kind, None);
        let began = self.now;
        body(self);
        let seconds = self.now.duration_since(began).as_secs_f64();
        let reason = error.detail().what.clone();
        self.close(Verdict::Fail { reason }, serde_json::to_value(error).unwrap(), seconds);
    }

    pub fn gate(&mut self, claim: &str, ok: bool, observed: Value, wanted: Value, scopes: &[&str]) {
        self.excused(claim, ok, observed, wanted, scopes, None);
    }

    pub fn excused(
        &mut self,
        claim: &str,
        ok: bool,
        observed: Value,
        wanted: Value,
        scopes: &[&str],
        excused: Option<Verdict>,
    ) {
        self.pass(0.4);
        let scopes = scopes.iter().map(ToString::to_string).collect();
        let (step, claim) = (self.step.clone(), claim.into());
        self.write(Record::Gate { step, claim, ok, observed, wanted, scopes, excused });
    }

    pub fn fact(&mut self, name: &str, value: Value) {
        let step = self.step.clone();
        self.write(Record::Fact { step, name: name.into(), value });
    }

    pub fn note(&mut self, text: &str) {
        let step = self.step.clone();
        self.write(Record::Note { step, text: text.into() });
    }

    /// A wait: what was seen after how many seconds (`!` before an error that was tolerated), and
    /// when it ended.
    pub fn wait(
        &mut self,
        title: &str,
        within: f64,
        seen: &[(f64, &str)],
        elapsed: f64,
        error: Option<&str>,
    ) {
        self.waits += 1;
        let (wait, every) = (self.waits, 10.0);
        self.write(Record::WaitBegin { step: self.step.clone(), wait, title: title.into(), every, within });
        let (began, mut state, mut tolerated) = (self.now, String::new(), 0);
        for (at, text) in seen {
            self.now = began + SignedDuration::from_millis((at * 1000.0) as i64);
            let missed = text.strip_prefix('!').map(str::to_string);
            match &missed {
                Some(_) => tolerated += 1,
                None => state = text.to_string(),
            }
            self.write(Record::WaitSample { wait, elapsed: *at, state: state.clone(), tolerated: missed });
        }
        self.now = began + SignedDuration::from_millis((elapsed * 1000.0) as i64);
        let looks = (elapsed / every) as u64 + 1;
        self.write(Record::WaitEnd { wait, elapsed, looks, tolerated, error: error.map(str::to_string) });
    }

    pub fn intent(&mut self, sent: &Sent<'_>) -> u64 {
        self.calls += 1;
        let intent = Intent {
            system: "openstack".into(),
            handle: "capi-mgmt".into(),
            identity: "project capi-mgmt (d5bc125c), user capi-admin, roles member, load-balancer_member"
                .into(),
            method: sent.method.into(),
            target: sent.target.into(),
            summary: sent.summary.into(),
            body: sent.body.clone(),
            undo: match sent.method {
                "DELETE" => Undo::Never,
                "PUT" => Undo::Unknown,
                _ => Undo::By("delete it again".into()),
            },
            destroys: sent.method == "DELETE",
            ..Intent::default()
        };
        let (step, call, digest) = (self.step.clone(), self.calls.to_string(), intent.digest());
        self.write(Record::Intent { step, call, digest, approved: sent.approved.into(), intent })
    }

    pub fn change(&mut self, sent: &Sent<'_>, answer: Value) {
        let intent = self.intent(sent);
        self.pass(1.3);
        self.write(Record::Outcome { intent, value: answer, error: Value::Null, settled: false });
    }

    pub fn end(&mut self, ok: bool, exit: u8, error: Option<&Error>) {
        let seconds = self.now.duration_since(self.began).as_secs_f64();
        let error = error.map_or(Value::Null, |e| serde_json::to_value(e).unwrap());
        self.write(Record::RunEnd { ok, exit, outcome: None, lacks: Vec::new(), seconds, error });
    }
}

/// The steps that every fixture begins with: prerequisites, creation, convergence.
fn create_cluster(d: &mut Diary) {
    d.step("8.0", "Prerequisites", StepKind::Verify, |d| {
        let image = json!({
            "id": "2b8f0b66-0b1f-4d0e-8f6e-5a5d7c1f7a10", "name": "ubuntu-jammy-kube-v1.34.8", "status": "active",
            "kube_version": "v1.34.8", "os_distro": "ubuntu", "disk_format": "raw", "size": 6_442_450_944_u64,
            "visibility": "public", "tags": [], "checksum": "7efde4857c9f9da045a98d71def30e22",
        });
        d.gate("image kube_version", true, json!("v1.34.8"), json!("v1.34.8"), &["capi-mgmt"]);
        d.gate("image is active", true, image, Value::Null, &["capi-mgmt"]);
        d.gate("reserved_host_memory on every compute host (D-040)", true, json!({"compute-0": 8192, "compute-1": 8192}), Value::Null, &["capi-mgmt", "juju"]);
        d.fact("capi-mgmt project id", json!("d5bc125c7c1841d389b76cd0a7b0a915"));
        d.fact("provider-ext id", json!("0d00ddc1-d2bf-4849-a087-14c07d77f167"));
    });
    d.step("8.1", "Create the workload cluster", StepKind::Change, |d| {
        let sent = Sent {
            method: "POST",
            target: "/v1/clusters",
            summary: "create cluster capi-test-1 from template capi-k8s-v1-34",
            body: json!({"name": "capi-test-1", "cluster_template_id": "9a4c6f2e", "keypair": "capi-mgmt-key", "master_count": 1, "node_count": 2}),
            approved: "operator",
        };
        d.pass(6.0);
        d.change(&sent, json!({"uuid": "6de15cf4-8805-4ac2-b413-8de2c48d92cf"}));
        d.fact("cluster uuid", json!("6de15cf4-8805-4ac2-b413-8de2c48d92cf"));
    });
}

fn converge(d: &mut Diary) {
    let seen = [
        (0.0, "status=CREATE_IN_PROGRESS health=None"),
        (330.0, "!HTTP 503 from container-infra"),
        (340.0, "!HTTP 503 from container-infra"),
        (410.0, "status=CREATE_IN_PROGRESS health=UNHEALTHY"),
        (770.0, "status=CREATE_COMPLETE health=UNHEALTHY"),
        (810.0, "status=CREATE_COMPLETE health=HEALTHY"),
    ];
    d.wait("capi-test-1 reaches CREATE_COMPLETE", 3600.0, &seen, 810.0, None);
    d.fact("API endpoint", json!("https://10.12.7.180:6443"));
    d.fact(
        "API load balancer",
        json!({"id": "0f968008-8429-4ac3-8b82-452e126982cf", "vip": "10.20.16.144", "fip": "10.12.7.180"}),
    );
}

fn nodes(d: &mut Diary) {
    d.step("8.3", "Nodes, CNI and addons", StepKind::Verify, |d| {
        let seen = [(0.0, "1 of 3 nodes Ready"), (20.0, "2 of 3 nodes Ready"), (70.0, "3 of 3 nodes Ready")];
        d.wait("nodes are Ready", 600.0, &seen, 70.0, None);
        d.gate("Ready nodes", true, json!(3), json!(3), &["kube:capi-test-1"]);
        d.gate(
            "Calico pods run on every node",
            true,
            json!(["calico-node-4xv2p", "calico-node-d8qwz", "calico-node-mk7tj"]),
            Value::Null,
            &["kube:capi-test-1"],
        );
        d.gate(
            "no pod of the cloud controller manager restarts",
            true,
            json!({"name": "openstack-cloud-controller-manager-xsc62", "phase": "Running", "restarts": 0}),
            Value::Null,
            &["kube:capi-test-1"],
        );
    });
}

fn failover(d: &mut Diary) {
    let lb = "0f968008-8429-4ac3-8b82-452e126982cf";
    let target = format!("/v2/lbaas/loadbalancers/{lb}/failover");
    let summary = format!("fail over load balancer k8s-capi-test-1-api ({lb})");
    let sent = Sent {
        method: "PUT",
        target: &target,
        summary: &summary,
        body: Value::Null,
        approved: "--approve step:8.4.4",
    };
    d.change(&sent, Value::Null);
    let seen = [
        (0.0, "provisioning=ACTIVE operating=ONLINE"),
        (10.0, "provisioning=PENDING_UPDATE operating=ONLINE"),
        (108.0, "provisioning=ACTIVE operating=ONLINE"),
    ];
    d.wait("load balancer comes back with another amphora", 600.0, &seen, 108.0, None);
    d.gate(
        "the amphora was replaced",
        true,
        json!({"before": ["a3c1"], "after": ["f07d"]}),
        Value::Null,
        &["admin", "capi-mgmt"],
    );
}

fn bar_items(d: &mut Diary) {
    d.step("8.4.1", "All charms active and idle", StepKind::Verify, |d| {
        d.gate("units neither active nor idle", true, json!([]), json!([]), &["juju"]);
    });
    d.step("8.4.2", "API reachability from the jumphost", StepKind::Verify, |d| {
        for (service, ip, status) in [("keystone", 50, 200), ("barbican", 51, 300), ("cinder", 52, 300)] {
            d.gate(&format!("{service} answers at 10.12.4.{ip}"), true, json!(status), Value::Null, &[]);
        }
    });
}

fn last_items(d: &mut Diary) {
    d.step("8.4.6", "Vault unseal", StepKind::Verify, |d| {
        d.gate("sealed", true, json!(false), json!(false), &["vault"])
    });
    let claim = "KVM snapshot baseline taken (D-012)".to_string();
    d.step_as(
        "8.4.7",
        "KVM snapshot baseline",
        StepKind::Verify,
        None,
        Verdict::Outstanding { claim: claim.clone() },
        |d| {
            let step = d.step.clone();
            d.write(Record::Attest { step, claim, by: None, kept: None });
        },
    );
    d.step_as(
        "8.4.8",
        "Designate zones and tenant hostnames",
        StepKind::Verify,
        None,
        Verdict::Deferred { decision: "D-019".into() },
        |_| {},
    );
    d.step_as(
        "8.5",
        "Clean delete",
        StepKind::Change,
        None,
        Verdict::Skipped { reason: "its `when` does not hold".into() },
        |_| {},
    );
}

fn waived() -> Verdict {
    Verdict::Waived {
        reason: "health monitor flaps while the mgmt API warms up (D-042)".into(),
        owner: "jesse".into(),
        until: "2026-12-31".into(),
    }
}

/// A run that passes with a waiver, a known issue, a deferral, an override and an unsigned claim.
pub fn accepted(dir: &Path) -> RunReport {
    let mut d = Diary::begin(dir, "20260610T020000.000Z-phase-08-1a2b", "2026-06-10T02:00:00Z", "run");
    d.note("site vr0-dc0, second rebuild");
    create_cluster(&mut d);
    d.step_as("8.2", "Cluster converges", StepKind::Verify, None, waived(), |d| {
        converge(d);
        d.note("slower than usual (12m): capi-test-1 reaches CREATE_COMPLETE: image pull on compute-1");
        d.excused(
            "health never was UNHEALTHY",
            false,
            json!(["UNHEALTHY", "HEALTHY"]),
            json!(["HEALTHY"]),
            &["capi-mgmt"],
            Some(waived()),
        );
    });
    nodes(&mut d);
    bar_items(&mut d);
    let known = Verdict::KnownIssue { id: "KI-7".into() };
    d.step_as("8.4.3", "API reachability from a tenant VM", StepKind::Verify, None, known.clone(), |d| {
        d.excused(
            "VM reaches 10.12.4.50:5000 on the first try",
            false,
            json!("VIP-FAIL, then VIP-OK"),
            json!("VIP-OK"),
            &["host:mgmt-vm"],
            Some(known),
        );
    });
    d.step_as(
        "8.4.4",
        "Octavia: round robin, failover, recovery",
        StepKind::Change,
        Some("site: phase-08.rhai:12"),
        Verdict::Pass,
        |d| {
            failover(d);
            let step = d.step.clone();
            let sent = Sent {
                method: "DELETE",
                target: "/api/v1/namespaces/default/services/rr",
                summary: "delete service rr",
                body: Value::Null,
                approved: "operator",
            };
            d.change(&sent, json!({"status": "Success"}));
            d.write(Record::Cleanup { step, title: "throwaway service rr".into(), error: None });
        },
    );
    last_items(&mut d);
    d.end(true, 0, None);
    RunReport::load(dir).unwrap()
}

/// A run in which a gate fails, a wait times out, a clean-up fails and a change ends with an error.
pub fn failed(dir: &Path) -> RunReport {
    let mut d = Diary::begin(dir, "20260611T081500.000Z-phase-08-77fe", "2026-06-11T08:15:00Z", "run");
    create_cluster(&mut d);
    d.step("8.2", "Cluster converges", StepKind::Verify, converge);
    let timeout = Error::new(
        ErrorKind::Timeout,
        "nodes are Ready: not within 10m; last seen: 2 of 3 nodes Ready",
    )
    .scope("kube:capi-test-1")
    .cause(
        "because worker capi-test-1-md-0-x7k holds the taint node.cloudprovider.kubernetes.io/uninitialized",
    )
    .cause("2 of 61 looks met a transient error")
    .help("the management VM may be down: `rhumb run restart`");
    d.fail("8.3", "Nodes, CNI and addons", &timeout, |d| {
        let seen = [
            (0.0, "1 of 3 nodes Ready"),
            (20.0, "2 of 3 nodes Ready"),
            (300.0, "!connection refused"),
            (310.0, "!connection refused"),
        ];
        let why = "nodes are Ready: not within 10m; last seen: 2 of 3 nodes Ready";
        d.wait("nodes are Ready", 600.0, &seen, 600.0, Some(why));
    });
    bar_items(&mut d);
    let gate = Error::new(ErrorKind::Gate, "gate: round robin reaches both members")
        .cause(r#"wanted ["rr-1","rr-2"], got ["rr-1"]"#)
        .place("phase-08.rhai", 212, 9);
    d.fail("8.4.4", "Octavia: round robin, failover, recovery", &gate, |d| {
        d.gate(
            "round robin reaches both members",
            false,
            json!(["rr-1"]),
            json!(["rr-1", "rr-2"]),
            &["kube:capi-test-1"],
        );
        let step = d.step.clone();
        let error = Some("HTTP 409 from load-balancer: the load balancer is immutable".into());
        d.write(Record::Cleanup { step, title: "throwaway service rr".into(), error });
    });
    d.step_as(
        "8.4.5",
        "End-to-end create",
        StepKind::Verify,
        None,
        Verdict::Skipped { reason: "needs step 8.3, which is FAIL".into() },
        |_| {},
    );
    d.end(false, 3, Some(&gate));
    RunReport::load(dir).unwrap()
}

/// A run that is killed between a request and its answer, leaving half a line behind.
pub fn cut(dir: &Path) {
    let mut d = Diary::begin(dir, "20260612T060000.000Z-phase-08-c0de", "2026-06-12T06:00:00Z", "run");
    create_cluster(&mut d);
    d.open("8.4.4", "Octavia: round robin, failover, recovery", StepKind::Change, None);
    let target = "/v2/lbaas/loadbalancers/0f968008-8429-4ac3-8b82-452e126982cf/failover";
    d.intent(&Sent {
        method: "PUT",
        target,
        summary: "fail over load balancer k8s-capi-test-1-api",
        body: Value::Null,
        approved: "operator",
    });
    drop(d);
    use std::io::Write as _;
    let path = dir.join(rhumb::run::journal::FILE);
    std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"{\"n\":12,\"at\":\"20").unwrap();
}

/// The cut run, gone on with the next morning: its change is found done.
pub fn resumed(dir: &Path) -> RunReport {
    cut(dir);
    let report = RunReport::load(dir).unwrap();
    let doubt = report.step("8.4.4").unwrap().effects[0].entry;
    let mut d = Diary::resume(dir, 50_000);
    for (id, title) in [("8.0", "Prerequisites"), ("8.1", "Create the workload cluster")] {
        let kind = if id == "8.0" { StepKind::Verify } else { StepKind::Change };
        d.open(id, title, kind, None);
        let (verdict, value, error) = (Verdict::Pass, Value::Null, Value::Null);
        let recalled = id == "8.1";
        d.write(Record::StepEnd { step: id.into(), verdict, seconds: 0.2, value, error, recalled });
    }
    d.step("8.4.4", "Octavia: round robin, failover, recovery", StepKind::Change, |d| {
        d.write(Record::Outcome { intent: doubt, value: Value::Null, error: Value::Null, settled: true });
        d.gate(
            "the amphora was replaced",
            true,
            json!({"before": ["a3c1"], "after": ["f07d"]}),
            Value::Null,
            &["admin"],
        );
    });
    d.end(true, 0, None);
    RunReport::load(dir).unwrap()
}

/// Texts that would break a page, a terminal, a table or an XML parser that trusted them.
pub const HOSTILE: &[&str] = &[
    "</script><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>'",
    "{{ 70001 * 7 }} {% raw %}",
    "a|b`c``d\n# heading\n- item",
    "\u{1b}[2J\u{1b}]0;title\u{7}\r\u{0}",
    "\u{202e}desrever\u{202c} ünïcödé 日本 🧭",
    "]]> --> &amp; &#x3c;",
];

/// A run in which every text is hostile.
pub fn hostile(dir: &Path) -> RunReport {
    let all = HOSTILE.join(" ");
    let mut d = Diary::begin(dir, &format!("run {all}"), "2026-06-10T02:00:00Z", "run");
    d.write(Record::Runbook {
        id: all.clone(),
        title: all.clone(),
        needs: Some(vec![all.clone()]),
        overridden: Some(all.clone()),
    });
    for (n, text) in HOSTILE.iter().enumerate() {
        let error =
            Error::new(ErrorKind::Gate, *text).cause(*text).help(*text).scope(*text).place(*text, 1, 1);
        d.fail_as(&format!("{n} {text}"), text, StepKind::Change, &error, |d| {
            d.gate(text, false, json!({*text: text, "name": text}), json!(text), &[text]);
            d.gate(text, true, json!(text.repeat(200)), Value::Null, &[]);
            d.wait(text, 60.0, &[(0.0, text), (5.0, &format!("!{text}")), (10.0, "next")], 20.0, Some(text));
            d.change(
                &Sent {
                    method: text,
                    target: text,
                    summary: text,
                    body: json!({*text: text}),
                    approved: text,
                },
                json!(text),
            );
            d.fact(text, json!(text));
            d.note(text);
            let step = d.step.clone();
            d.write(Record::Attest {
                step: step.clone(),
                claim: text.to_string(),
                by: Some(text.to_string()),
                kept: None,
            });
            d.write(Record::Cleanup { step, title: text.to_string(), error: Some(text.to_string()) });
        });
    }
    d.end(false, 3, None);
    RunReport::load(dir).unwrap()
}

/// A long run: this many steps, each with evidence of 10,000 characters now and then.
pub fn long(dir: &Path, steps: usize) -> RunReport {
    let mut d = Diary::begin(dir, "long", "2026-06-10T02:00:00Z", "rehearse");
    for n in 0..steps {
        d.step(&format!("{}.{}", n / 20 + 1, n % 20), &format!("Step number {n}"), StepKind::Verify, |d| {
            d.pass(5.0);
            d.gate("count", true, json!(n), json!(n), &["admin"]);
            if n % 25 == 0 {
                d.gate("log", true, json!("x7 ".repeat(3_333)), Value::Null, &[]);
            }
            d.wait("ready", 60.0, &[(0.0, "BUILD"), (20.0, "ACTIVE")], 20.0, None);
        });
    }
    d.end(true, 0, None);
    RunReport::load(dir).unwrap()
}
