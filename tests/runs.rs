//! The program from outside: what a killed run leaves, how Ctrl-C ends one, who waits for whom, and what bad
//! input is told.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

mod kube_server;
mod rig;
#[path = "stub_cloud/mod.rs"]
mod stub_cloud;

use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kube_server::{Behaviour, Cluster};
use rhumb::base::ErrorKind;
use rhumb::run::{Past, Record};
use rig::Rig;
use serde_json::json;
use stub_cloud::StubCloud;

const PARK: &str = r#"
    runbook("stop-it", "Stop a server");
    let scope = site.scope("capi");
    change("1", "Stop", || { defer("say so", || note("cleaned up")); scope.servers.get("vm").stop(); });
"#;

/// A site over a played cloud.
fn site(address: &str) -> Rig {
    let rig = Rig::played(address);
    let text = std::fs::read_to_string(rig.site().join("site.toml")).unwrap();
    rig.file("site.toml", &format!("{text}[run]\nlate_within = \"1s\"\n"));
    rig.file("stop-it.rhai", PARK);
    rig
}

/// Keeps the stop from being answered for as long as the test lasts.
struct Hold(Arc<AtomicBool>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One server, and a stop that is never answered.
async fn that_never_answers_a_stop() -> (StubCloud, Hold) {
    let over = Arc::new(AtomicBool::new(false));
    let hold = Hold(over.clone());
    let cloud = stub_cloud::start(move |seen, _| match seen.method.as_str() {
        "POST" => {
            tokio::task::block_in_place(|| {
                while !over.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(20));
                }
            });
            (202, json!(null))
        }
        _ if seen.path.contains("/servers") => {
            let vm = json!({"id": "11111111-2222-4333-8444-555555555555", "name": "vm", "status": "ACTIVE"});
            (200, json!({"servers": [vm], "server": vm}))
        }
        _ => (200, json!({"version": {"id": "v2.1", "version": "2.96", "min_version": "2.1"}})),
    })
    .await;
    (cloud, hold)
}

/// Waits until the cloud has seen the stop.
fn until_sent(cloud: &StubCloud) {
    let end = Instant::now() + Duration::from_secs(60);
    while cloud.seen("/action").is_empty() {
        assert!(Instant::now() < end, "the stop was never sent: {:?}", cloud.stage().seen);
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_killed_between_intent_and_outcome_says_so_in_its_journal() {
    let (cloud, _hold) = that_never_answers_a_stop().await;
    let rig = site(&cloud.address.to_string());
    let mut child = rig.command(&["run", "stop-it", "--yes"]).spawn().unwrap();
    until_sent(&cloud);
    child.kill().unwrap();
    child.wait().unwrap();
    let entries = rig.journal();
    assert!(matches!(entries.last().unwrap().record, Record::Intent { .. }), "{entries:?}");
    let past = Past::of(&entries);
    let doubtful: Vec<&str> = past.in_doubt().map(|c| c.intent.summary.as_str()).collect();
    assert_eq!(doubtful, ["stop server vm (11111111…)"]);

    // the look finds the server ACTIVE: the stop took no effect, and is asked for anew, but nobody is here to answer
    let sent = cloud.seen("/action").len();
    let resumed = rig.run(&["resume"]).expect(i32::from(ErrorKind::NeedsApproval.exit_code()));
    assert_eq!(cloud.seen("/action").len(), sent);
    assert_eq!(resumed.report.resumes.len(), 1);

    rig.file("stop-it.rhai", &PARK.replace("Stop a server", "Stop another server"));
    let changed = rig.run(&["resume"]).expect(i32::from(ErrorKind::Drift.exit_code()));
    assert!(changed.stderr.contains("`stop-it` of the site layer has changed"), "{}", changed.stderr);
    assert!(changed.stderr.contains("Stop another server"), "{}", changed.stderr);
}

const THREE: &str = r#"
    runbook("three", "Three steps");
    let made = change("1", "Make", || { note("made"); 41 });
    let more = change("2", "Make more", || { note("more"); 1 });
    verify("3", "Look", #{ needs: ["2"] }, || expect("values", [made, more], [site.extra.made, site.extra.more]));
"#;

fn three(extra: &str) -> Rig {
    let rig = site("127.0.0.1:9");
    let text = std::fs::read_to_string(rig.site().join("site.toml")).unwrap();
    rig.file("site.toml", &format!("{text}\n[extra]\n{extra}\n"));
    rig.file("three.rhai", THREE);
    rig
}

fn notes(entries: &[rhumb::run::Entry]) -> Vec<&str> {
    let text = |e: &'_ rhumb::run::Entry| matches!(&e.record, Record::Note { .. });
    entries
        .iter()
        .filter(|e| text(e))
        .map(|e| match &e.record {
            Record::Note { text, .. } => text.as_str(),
            _ => "",
        })
        .collect()
}

#[test]
fn a_run_goes_on_with_another_text_only_from_the_first_step_that_it_changes() {
    let rig = three("made = 41\nmore = 2");
    rig.run(&["run", "three"]).expect(i32::from(ErrorKind::Gate.exit_code()));
    rig.file("three.rhai", &THREE.replace("note(\"more\"); 1", "note(\"more\"); 2"));

    let refused = rig.run(&["resume"]).expect(i32::from(ErrorKind::Drift.exit_code()));
    assert!(refused.stderr.contains("--from 2 --because"), "{}", refused.stderr);
    assert!(refused.stderr.contains("-    let more = change("), "{}", refused.stderr);
    let late = rig.run(&["resume", "--from", "3", "--because", "x"]);
    late.expect(i32::from(ErrorKind::Drift.exit_code()));

    let done = rig.run(&["resume", "--from", "2", "--because", "one was too few"]).expect(0);
    assert_eq!(done.verdicts(), "1 PASS, 2 PASS, 3 PASS");
    assert_eq!(notes(&done.entries), ["made", "more", "more"], "step 1 keeps its value, step 2 runs again");
}

#[test]
fn steps_are_left_out_for_a_reason_and_the_report_tells_it() {
    let rig = three("made = 41\nmore = 1");
    let usage = i32::from(ErrorKind::Usage.exit_code());
    let silent = rig.run(&["run", "three", "--skip", "2"]).expect(usage);
    assert!(silent.stderr.contains("--because"), "{}", silent.stderr);
    let wrong = rig.run(&["run", "three", "--from", "33", "--because", "x"]).expect(usage);
    assert!(wrong.stderr.contains("did you mean `3`?"), "{}", wrong.stderr);
    assert!(rig.journal().is_empty(), "nothing ran");

    let gate = i32::from(ErrorKind::Gate.exit_code());
    let skipped = rig.run(&["run", "three", "--skip", "2", "--because", "made by hand"]).expect(gate);
    assert_eq!(
        skipped.verdicts(),
        "1 PASS, 2 SKIPPED, 3 FAIL",
        "what needs it runs: the operator answers for it"
    );
    assert!(skipped.stdout.contains("--skip 2: made by hand"), "{}", skipped.stdout);
    let only = rig.run(&["run", "three", "--only", "1", "--because", "a try"]).expect(0);
    assert_eq!(only.verdicts(), "1 PASS, 2 SKIPPED, 3 SKIPPED");
}

#[test]
fn a_value_that_changed_is_told_before_a_run_goes_on() {
    let rig = three("made = 41\nmore = 2");
    rig.run(&["run", "three", "--set", "image=a"]).expect(i32::from(ErrorKind::Gate.exit_code()));
    let refused = rig.run(&["resume", "--set", "image=b"]).expect(i32::from(ErrorKind::Drift.exit_code()));
    assert!(refused.stderr.contains("the value `image` was \"a\" and is \"b\""), "{}", refused.stderr);
    rig.run(&["resume", "--set", "image=a"]).expect(i32::from(ErrorKind::Gate.exit_code()));
}

#[test]
fn a_finished_change_gives_its_recorded_value_when_the_run_goes_on() {
    let rig = site("127.0.0.1:9");
    rig.file(
        "two.rhai",
        r#"
        runbook("two", "Two steps");
        let made = change("1", "Make", || { note("made"); #{ n: 41, wait: 30.s } });
        verify("2", "Look", || { gate("the flag is there", site.extra.flag); expect("value", made.n, 41);
                                 gate("a duration is one again", made.wait == 30.s); });
        "#,
    );
    let first = rig.run(&["run", "two"]).expect(8); // no [extra] yet
    assert_eq!(first.verdicts(), "1 PASS, 2 FAIL");
    let text = std::fs::read_to_string(rig.site().join("site.toml")).unwrap();
    rig.file("site.toml", &format!("{text}\n[extra]\nflag = true\n"));
    let second = rig.run(&["resume"]).expect(0);
    assert_eq!(second.verdicts(), "1 PASS, 2 PASS");
    let notes =
        second.entries.iter().filter(|e| matches!(&e.record, Record::Note { text, .. } if text == "made"));
    assert_eq!(notes.count(), 1, "the change did not run again");
    rig.run(&["resume"]).expect(i32::from(ErrorKind::Usage.exit_code()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ctrl_c_in_the_middle_of_a_request_cleans_up_and_leaves_the_change_in_doubt() {
    let (cloud, _hold) = that_never_answers_a_stop().await;
    let rig = site(&cloud.address.to_string());
    let mut child = rig.command(&["run", "stop-it", "--yes"]).spawn().unwrap();
    until_sent(&cloud);
    let asked = Instant::now();
    signal(&child, "INT");
    let status = child.wait().unwrap();
    println!("ended {} ms after Ctrl-C", asked.elapsed().as_millis());
    assert_eq!(status.code(), Some(130));
    let entries = rig.journal();
    let report = rhumb::run::RunReport::of(&entries);
    assert_eq!(report.steps[0].notes, ["cleaned up"]);
    assert_eq!(Past::of(&entries).in_doubt().count(), 1);
    assert!(matches!(entries.last().unwrap().record, Record::RunEnd { exit: 130, .. }));
}

#[test]
fn ctrl_c_ends_a_busy_loop() {
    let rig = site("127.0.0.1:9");
    rig.file(
        "busy.rhai",
        r#"runbook("busy", "Busy"); verify("1", "Loop", || { note("in the loop"); loop { let x = 1; } });"#,
    );
    let mut child = rig.command(&["run", "busy"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while !rig.journal().iter().any(|e| matches!(e.record, Record::Note { .. })) {
        assert!(Instant::now() < end);
        std::thread::sleep(Duration::from_millis(20));
    }
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_second_run_of_a_site_is_told_who_holds_it_and_sends_nothing() {
    let (cloud, _hold) = that_never_answers_a_stop().await;
    let rig = site(&cloud.address.to_string());
    let mut first = rig.command(&["run", "stop-it", "--yes"]).spawn().unwrap();
    until_sent(&cloud);
    let before = cloud.stage().seen.len();
    let second = rig.run(&["run", "stop-it", "--yes"]).expect(i32::from(ErrorKind::Locked.exit_code()));
    assert!(second.told().contains(&format!("process {}", first.id())), "{}", second.stderr);
    assert_eq!(cloud.stage().seen.len(), before);
    first.kill().unwrap();
    first.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_verify_step_cannot_change_anything() {
    let (cloud, _hold) = that_never_answers_a_stop().await;
    let rig = site(&cloud.address.to_string());
    rig.file("sly.rhai", &PARK.replace("change(", "verify("));
    let ended = rig.run(&["run", "sly", "--yes"]).expect(i32::from(ErrorKind::Refused.exit_code()));
    assert!(ended.stderr.contains("may only read"), "{}", ended.stderr);
    assert!(cloud.seen("/action").is_empty());
}

#[test]
fn bad_input_has_its_own_exit_code_and_a_way_out() {
    let rig = site("127.0.0.1:9");
    for (name, script) in [
        ("syntax", "runbook(\"x\", \"X\");\nverify(\"1\", \"T\", || { let = 1; });\n"),
        ("bomb", "runbook(\"x\", \"X\");\nlet s = \"x\";\nloop { s += s; }\n"),
        ("deep", "runbook(\"x\", \"X\");\nfn f(n) { f(n + 1) }\nf(0);\n"),
        ("io", "runbook(\"x\", \"X\");\nsite.scope(\"capi\").servers.list();\n"),
        ("typo", "runbook(\"x\", \"X\");\nverify(\"1\", \"T\", || site.scope(\"cappi\"));\n"),
    ] {
        rig.file(&format!("{name}.rhai"), script);
    }
    let cases: &[(&[&str], ErrorKind, &str)] = &[
        (&["run", "syntax"], ErrorKind::Script, "syntax.rhai:2"),
        (&["run", "bomb"], ErrorKind::Script, "without an end"),
        (&["run", "deep"], ErrorKind::Script, "without an end"),
        (&["run", "io"], ErrorKind::Refused, "outside of a step"),
        (&["run", "typo"], ErrorKind::Site, "did you mean `capi`"),
        (&["run", "stop-itt"], ErrorKind::Script, "did you mean `stop-it`"),
        (&["run", "stop-it", "--site", "/nowhere"], ErrorKind::Site, "site.toml"),
        (&["run", "stop-it", "--set", "nope=1"], ErrorKind::Usage, "nope"),
        (&["run", "stop-it", "--yess"], ErrorKind::Usage, "--yes"),
        (&["run", "stop-it", "--yes"], ErrorKind::Credentials, "127.0.0.1:9"),
    ];
    for (args, kind, said) in cases {
        let ended = rig.run(args).expect(i32::from(kind.exit_code()));
        assert!(ended.stderr.contains(said), "{args:?} does not say `{said}`:\n{}", ended.stderr);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
    rig.file("site.toml", "name = \"played\"\n[scopes.capi]\ncloudd = \"stub\"\n");
    let ended = rig.run(&["run", "stop-it"]).expect(i32::from(ErrorKind::Site.exit_code()));
    assert!(ended.stderr.contains("site.toml:3") && ended.stderr.contains("`cloud`"), "{}", ended.stderr);
}

/// A site whose runs are kept apart by a Lease in a cluster.
async fn with_a_lease() -> (Cluster, Rig) {
    let cluster = Cluster::start(Behaviour::default()).await;
    let rig = Rig::new(
        "name = \"leased\"\n[kube.mgmt]\nkubeconfig = \"mgmt.yaml\"\n[run]\nlock = { kube = \"mgmt\", namespace = \"rhumb\" }\n",
    );
    rig.file("mgmt.yaml", &cluster.kubeconfig());
    rig.file("note.rhai", r#"runbook("note", "A note"); verify("1", "Note", || note("done"));"#);
    (cluster, rig)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lease_keeps_runs_of_two_machines_apart() {
    let (cluster, rig) = with_a_lease().await;
    let (kube, now) = (cluster.kube(), jiff::Timestamp::now());
    let other = kube.lease("rhumb", "rhumb-leased", "ops@jump-2 run r7", now).await.unwrap();
    let refused = rig.run(&["run", "note"]).expect(i32::from(ErrorKind::Locked.exit_code()));
    assert!(refused.stderr.contains("held by ops@jump-2 run r7"), "{}", refused.stderr);
    assert!(refused.entries.is_empty(), "nothing ran");

    other.release().await.unwrap();
    rig.run(&["run", "note"]).expect(0);
    let leases = "/apis/coordination.k8s.io/v1/namespaces/rhumb/leases";
    let lease = cluster.lock().store.get(leases, "rhumb-leased").unwrap().clone();
    assert_eq!(lease["spec"]["holderIdentity"], "", "it is given back: {lease}");
}
