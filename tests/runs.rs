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

    rig.file("free.rhai", &THREE.replace("[made, more], [site.extra.made, site.extra.more]", "1, 1"));
    let skipped = rig.run(&["run", "free", "--skip", "2", "--because", "made by hand"]).expect(16);
    assert_eq!(
        skipped.verdicts(),
        "1 PASS, 2 SKIPPED, 3 PASS",
        "what needs it runs: the operator answers for it, and the run did not do the runbook"
    );
    assert!(skipped.stdout.contains("left out by --skip 2: made by hand"), "{}", skipped.stdout);
    let only = rig.run(&["run", "three", "--only", "1", "--because", "a try"]).expect(16);
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

const VALUES: &str = r#"
    runbook("values", "Values");
    let found = verify("1", "Look", || { note("looked"); ["a", "b"] });
    let file = site.kubeconfig_file;
    change("2", "Work", #{ when: || !found.is_empty() }, || { note(`${found.len()} found`); site.image });
    change("2.1", "Remember", || note(site.load_balancer ?? "none"));
    verify("3", "Hold", || gate("the flag is set", site.extra.flag));
"#;

/// A site with a flag.
fn flagged(flag: bool) -> Rig {
    let rig = site("127.0.0.1:9");
    let text = std::fs::read_to_string(rig.site().join("site.toml")).unwrap();
    rig.file("site.toml", &format!("{text}\n[values]\nimage = \"a\"\n[extra]\nflag = {flag}\n"));
    rig.file("values.rhai", VALUES);
    rig
}

#[test]
fn a_step_that_needs_the_value_of_one_that_was_left_out_is_refused_by_name() {
    let rig = flagged(true);
    let usage = i32::from(ErrorKind::Usage.exit_code());
    for choice in [&["--from", "2"][..], &["--only", "2"], &["--skip", "1"]] {
        let args: Vec<&str> =
            ["run", "values"].iter().chain(choice).copied().chain(["--because", "x"]).collect();
        let refused = rig.run(&args).expect(usage);
        let run = &refused.report.run;
        let said = "step 2 needs what step 1 returned, which this run does not have";
        assert!(refused.told().contains(said), "{choice:?}: {}", refused.stderr);
        let again = format!("start from step 1: rhumb resume {run} --from 1 --because REASON");
        assert!(refused.told().replace('`', "").contains(&again), "{choice:?}: {}", refused.stderr);
        assert!(!refused.stdout.contains("go on with"), "its help has the command: {}", refused.stdout);
        let whole = rig.run(&["resume", run, "--from", "1", "--because", "REASON"]).expect(0);
        assert!(whole.verdicts().starts_with("1 PASS, 2 PASS"), "{}", whole.verdicts());
    }
    let args = ["rehearse", "lb-failover", "--from", "2", "--because", "x"];
    let rehearsed = rig.end(rig.command(&args).env_remove("RHUMB_SITE")).expect(usage);
    assert!(rehearsed.told().contains("start from step 1: --from 1"), "{}", rehearsed.stderr);
}

#[test]
fn a_resumed_run_has_the_values_of_steps_that_are_left_out_from_its_journal() {
    let rig = flagged(false);
    rig.run(&["run", "values"]).expect(i32::from(ErrorKind::Gate.exit_code()));
    for (choice, found) in [(&["--from", "2"][..], 2), (&["--skip", "1"], 2), (&["--only", "2,3"], 2)] {
        let args: Vec<&str> = ["resume"].iter().chain(choice).copied().chain(["--because", "x"]).collect();
        let resumed = rig.run(&args).expect(i32::from(ErrorKind::Gate.exit_code()));
        assert!(resumed.verdicts().starts_with("1 PASS, 2 PASS"), "{choice:?}: {}", resumed.verdicts());
        assert!(resumed.report.step("1").unwrap().recalled, "{choice:?}");
        assert_eq!(notes(&resumed.entries).iter().filter(|n| **n == "looked").count(), 1, "{choice:?}");
        assert!(notes(&resumed.entries).contains(&format!("{found} found").as_str()), "{choice:?}");
    }
    rig.run(&["verify-run"]).expect(0);
}

#[test]
fn a_changed_value_names_the_steps_that_read_it_and_the_step_to_go_on_from() {
    let rig = flagged(false);
    let (drift, gate) = (i32::from(ErrorKind::Drift.exit_code()), i32::from(ErrorKind::Gate.exit_code()));
    rig.run(&["run", "values"]).expect(gate);
    let refused = |set: &str| rig.run(&["resume", "--set", set]).expect(drift).told();
    let told = refused("load_balancer=lb-1");
    assert!(
        told.contains("(step 2.1 reads it)")
            && told.contains("--from 2.1 --because REASON --site")
            && told.contains("--set load_balancer=lb-1"),
        "{told}"
    );
    let told = refused("image=b");
    assert!(told.contains("(step 2 reads it)") && told.contains("--from 2 --because"), "{told}");
    let told = refused("kubeconfig_file=/tmp/x");
    assert!(told.contains("read outside of steps") && told.contains("--from 1 --because"), "{told}");

    let late = rig.run(&["resume", "--set", "image=b", "--from", "2.1", "--because", "x"]);
    late.expect(drift);
    let on = rig.run(&["resume", "--set", "image=b", "--from", "2", "--because", "x"]).expect(gate);
    assert_eq!(notes(&on.entries).iter().filter(|n| **n == "2 found").count(), 2, "step 2 runs again");
    // the run has these values now: it goes on with them, and what has run since is not run again
    let again = rig.run(&["resume", "--set", "image=b"]).expect(gate);
    assert_eq!(notes(&again.entries).iter().filter(|n| **n == "2 found").count(), 2);
    rig.run(&["resume"]).expect(drift);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn from_a_step_that_has_finished_its_changes_are_really_sent_again() {
    let cloud = stub_cloud::start(move |seen, _| match seen.method.as_str() {
        "POST" => (202, json!(null)),
        _ if seen.path.contains("/servers") => {
            let vm = json!({"id": "11111111-2222-4333-8444-555555555555", "name": "vm", "status": "ACTIVE"});
            (200, json!({"servers": [vm], "server": vm}))
        }
        _ => (200, json!({"version": {"id": "v2.1", "version": "2.96", "min_version": "2.1"}})),
    })
    .await;
    let rig = site(&cloud.address.to_string());
    let book = PARK.to_string() + r#"verify("2", "Look", || gate("it is down", false));"#;
    rig.file(
        "stop-it.rhai",
        &book.replace(
            "scope.servers.get(\"vm\").stop();",
            "let n = baseline(\"since\", || 1); scope.servers.get(\"vm\").stop();",
        ),
    );
    let gate = i32::from(ErrorKind::Gate.exit_code());
    rig.run(&["run", "stop-it", "--yes"]).expect(gate);
    assert_eq!(cloud.seen("/action").len(), 1);
    rig.run(&["resume", "--yes"]).expect(gate);
    assert_eq!(cloud.seen("/action").len(), 1, "a finished change is not sent again");
    let anew = rig.run(&["resume", "--yes", "--from", "1", "--because", "once more"]).expect(gate);
    assert_eq!(cloud.seen("/action").len(), 2, "{}", anew.stdout);
    let resumed = rig.run(&["resume", "--yes"]).expect(gate);
    assert_eq!(cloud.seen("/action").len(), 2, "it was done since: {}", resumed.stdout);
    let unapproved = rig.run(&["resume", "--from", "1", "--because", "once more"]);
    unapproved.expect(i32::from(ErrorKind::NeedsApproval.exit_code()));
    assert_eq!(cloud.seen("/action").len(), 2, "each is approved");
}

/// Waits until a file is there.
fn until_there(file: &std::path::Path) {
    let end = Instant::now() + Duration::from_secs(60);
    while !file.exists() {
        assert!(Instant::now() < end, "{} never came", file.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Every command that a text shows for going on with a run.
fn shown_commands(text: &str) -> Vec<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let ends = |rest: &str| rest.find(['`', ';', ',']).unwrap_or(rest.len());
    text.match_indices("rhumb resume ").map(|(at, _)| text[at..at + ends(&text[at..])].to_string()).collect()
}

#[test]
fn what_is_in_doubt_is_approved_as_shown_and_each_command_works_as_it_is_printed() {
    let rig = site("127.0.0.1:9");
    let dir = rig.site().with_file_name("a place");
    std::fs::create_dir_all(&dir).unwrap();
    let (ran, go) = (dir.join("ran"), dir.join("go"));
    rig.file(
        "slow.sh",
        &format!("#!/bin/sh\necho ran >> '{}'\n[ -e '{}' ] || sleep 30\n", ran.display(), go.display()),
    );
    let text = std::fs::read_to_string(rig.site().join("site.toml")).unwrap();
    rig.file("site.toml", &format!("{text}\n[tools.slow]\nprogram = \"/bin/sh\"\n"));
    let script = rig.site().join("slow.sh");
    rig.file(
        "slow.rhai",
        &format!(
            "runbook(\"slow\", \"Slow\"); change(\"1\", \"Work\", || site.tool(\"slow\").run([\"{}\"]));\n\
         verify(\"2\", \"Sign\", || attest(\"it is done\"));",
            script.display()
        ),
    );
    // as typed in a directory, with nothing in the environment
    let typed = |line: &str| {
        let mut command = Command::new("/bin/sh");
        let bin = std::path::Path::new(env!("CARGO_BIN_EXE_rhumb")).parent().unwrap();
        command.args(["-c", line]).current_dir(&dir).env_clear().stdin(std::process::Stdio::null());
        command.env("PATH", format!("{}:/usr/bin:/bin", bin.display())).env("HOME", &dir);
        command
    };
    let options = "--site ../site --set image='a b' --state-dir ../state";
    let mut child = typed(&format!("exec rhumb run slow {options} --approve step:1")).spawn().unwrap();
    until_there(&ran);
    child.kill().unwrap();
    child.wait().unwrap();
    let times = || std::fs::read_to_string(&ran).unwrap().lines().count();

    // no approval from before the cut covers it
    for approval in ["", "--approve step:1", "--yes"] {
        let refused = rig.end(&mut typed(&format!("rhumb resume {options} {approval}")));
        let refused = refused.expect(i32::from(ErrorKind::NeedsApproval.exit_code()));
        assert!(refused.told().contains("sent again: --approve step:1:again"), "{}", refused.stderr);
        assert_eq!(times(), 1);
    }
    // what is said of a doubt is refused where there is none
    for (step, said) in [("2", "nothing of step 2 is in doubt"), ("3", "3")] {
        let refused = rig.end(&mut typed(&format!("rhumb resume {options} --approve step:{step}:done")));
        let refused = refused.expect(i32::from(ErrorKind::Usage.exit_code()));
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
    let both = format!("rhumb resume {options} --approve step:1:done,step:1:again");
    rig.end(&mut typed(&both)).expect(i32::from(ErrorKind::Usage.exit_code()));
    let new = format!("rhumb run slow {options} --approve step:1:done");
    rig.end(&mut typed(&new)).expect(i32::from(ErrorKind::Usage.exit_code()));
    let refused = rig.end(&mut typed(&format!("rhumb resume {options}")));
    std::fs::write(&go, "").unwrap();
    let shown = shown_commands(&refused.stdout);
    assert_eq!(shown.len(), 1, "{}", refused.stdout);
    let (site, state) = (rig.site().display().to_string(), rig.state().display().to_string());
    let parts = [format!("--site {site}"), "--set 'image=a b'".into(), format!("--state-dir {state}")];
    for part in parts.iter().map(String::as_str).chain(["--approve step:1:again"]) {
        assert!(shown[0].contains(part), "{part}: {shown:?}");
    }
    let done = rig.end(&mut typed(&shown[0])).expect(16);
    assert_eq!((done.verdicts().as_str(), times()), ("1 PASS, 2 OUTSTANDING", 2));

    // what the incomplete run shows works, and so does what a changed value is answered with
    let shown = shown_commands(&done.stdout);
    assert_eq!(shown.len(), 1, "{}", done.stdout);
    rig.end(&mut typed(&shown[0])).expect(16);
    let changed = shown[0].replace("image=a b", "image=c");
    let refused = rig.end(&mut typed(&changed)).expect(i32::from(ErrorKind::Drift.exit_code()));
    let shown = shown_commands(&refused.told());
    let from = format!("--from 1 --because REASON --site {site} --set image=c");
    assert!(shown.last().unwrap().contains(&from), "{shown:?}");
    let approved = format!("{} --approve step:1", shown.last().unwrap());
    rig.end(&mut typed(&approved)).expect(16);
    assert_eq!(times(), 3, "from there on it is done anew");
}

#[test]
fn what_an_operator_has_seen_done_is_said_beforehand_and_journaled_like_the_answer() {
    let rig = site("127.0.0.1:9");
    let (ran, go) = (rig.site().with_file_name("ran"), rig.site().with_file_name("go"));
    rig.file(
        "slow.sh",
        &format!("#!/bin/sh\necho ran >> '{}'\n[ -e '{}' ] || sleep 30\n", ran.display(), go.display()),
    );
    let text = std::fs::read_to_string(rig.site().join("site.toml")).unwrap();
    rig.file("site.toml", &format!("{text}\n[tools.slow]\nprogram = \"/bin/sh\"\n"));
    let script = rig.site().join("slow.sh");
    let script = script.display();
    rig.file(
        "slow.rhai",
        &format!(
            "runbook(\"slow\", \"Slow\"); change(\"1\", \"Work\", || {{ let slow = site.tool(\"slow\");
             slow.run([\"{script}\"]); slow.run([\"{script}\", \"more\"]); }});"
        ),
    );
    let mut child = rig.command(&["run", "slow", "--approve", "step:1"]).spawn().unwrap();
    until_there(&ran);
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::write(&go, "").unwrap();

    // it says that the first took effect, and approves nothing
    let needs = i32::from(ErrorKind::NeedsApproval.exit_code());
    let refused = rig.run(&["resume", "--approve", "step:1:done"]).expect(needs);
    assert!(refused.told().contains("more"), "{}", refused.stderr);
    let outcomes: Vec<_> = refused
        .entries
        .iter()
        .filter_map(|e| match &e.record {
            Record::Outcome { error, settled, .. } => Some((error.is_null(), *settled)),
            _ => None,
        })
        .collect();
    assert_eq!(outcomes, [(true, true)], "settled as done, and nothing was sent");
    let said = notes(&refused.entries);
    let form = "the operator says that it took effect (--approve step:1:done): ";
    assert!(said.iter().any(|note| note.starts_with(form)), "{said:?}");
    assert_eq!(std::fs::read_to_string(&ran).unwrap().lines().count(), 1);

    // by now it is no doubt any more
    rig.run(&["resume", "--approve", "step:1:done"]).expect(i32::from(ErrorKind::Usage.exit_code()));
    rig.run(&["resume", "--approve", "step:1"]).expect(0);
    assert_eq!(std::fs::read_to_string(&ran).unwrap().lines().count(), 2);
    rig.run(&["verify-run"]).expect(0);
}

/// A change through every system that a runbook reaches, where nobody listens, and whether it comes to be journaled: a cloud is
/// asked for a token before anything is sent, a cluster for what it serves.
const REFUSED: &[(&str, &str, bool)] = &[
    ("a host", r#"site.host("gone").run(["true"])"#, true),
    ("a tool", r#"site.tool("gone").run(["now"])"#, true),
    ("a download", r#"download("http://127.0.0.1:9/x", #{ to: `${site.extra.dir}/x` })"#, true),
    ("a cloud", r#"site.scope("capi").servers.get("vm").stop()"#, false),
    ("a call", r#"site.scope("capi").request("POST", "compute", "/servers", #{ server: #{} })"#, false),
    (
        "a cluster",
        r#"site.kube("gone").apply(#{ apiVersion: "v1", kind: "ConfigMap", metadata: #{ name: "drill", namespace: "default" } })"#,
        false,
    ),
];

#[test]
fn a_connection_that_is_refused_leaves_nothing_in_doubt_whatever_the_system() {
    let rig = site("127.0.0.1:9");
    let text = std::fs::read_to_string(rig.site().join("site.toml")).unwrap();
    let here = rig.site().display().to_string();
    rig.file(
        "site.toml",
        &format!(
            "{text}\n[hosts.gone]\naddress = \"127.0.0.1\"\nport = 9\nuser = \"u\"\nhost_keys = \"pin-once\"\n\
             [tools.gone]\nprogram = \"/nowhere/gone\"\n[kube.gone]\nkubeconfig = \"gone.yaml\"\n[extra]\ndir = \"{here}\"\n"
        ),
    );
    rig.file(
        "gone.yaml",
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}]\n\
         contexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {}}]\n",
    );
    let holds = |what: &str, entries: &[rhumb::run::Entry], journaled: bool| {
        let report = rhumb::run::RunReport::of(entries);
        let step = report.step("1").unwrap();
        assert!(matches!(step.verdict, Some(rhumb::run::Verdict::Fail { .. })), "{what}: {:?}", step.verdict);
        for effect in &step.effects {
            let unsent = effect.outcome == rhumb::run::report::EffectOutcome::Unsent;
            assert!(unsent, "{what}: {:?} {}", effect.outcome, effect.error);
        }
        assert!(!journaled || !step.effects.is_empty(), "{what}: no intent: {}", step.error);
    };
    let empty = rig.site().with_file_name("empty.toml");
    std::fs::write(&empty, "").unwrap();
    let empty = empty.display().to_string();
    for (what, call, journaled) in REFUSED {
        let runbook = |call: &str| format!("runbook(\"refused\", \"R\"); change(\"1\", \"S\", || {call});");
        rig.file("refused.rhai", &runbook(call));
        let ended = rig.run(&["run", "refused", "--yes"]);
        holds(&format!("{what}, {}", ended.told()), &ended.entries, *journaled);
        // the lab plays hosts and clouds, and on its loopback it answers itself
        if !["a tool", "a download"].contains(what) {
            continue;
        }
        rig.file("refused.rhai", &runbook(&call.replace("127.0.0.1", "cdn.example")));
        rig.run(&["rehearse", "refused", "--scenario", &empty]);
        let runs = std::fs::read_dir(rig.state().join("rehearsals/runs")).unwrap();
        let run = runs.map(|run| run.unwrap().path()).max().unwrap();
        let entries = rhumb::run::journal::read(&run.join("journal.jsonl")).unwrap().entries;
        holds(&format!("{what}, rehearsed"), &entries, *journaled);
    }
}

#[test]
fn a_shown_run_is_gone_on_with_as_it_was_started_wherever_it_is_shown() {
    let rig = site("127.0.0.1:9");
    let dir = rig.site().with_file_name("a place");
    std::fs::create_dir_all(&dir).unwrap();
    rig.file(
        "sign.rhai",
        "runbook(\"sign\", \"Sign\"); verify(\"1\", \"Sign\", || { expect(\"image\", site.image, \"a b\"); attest(\"done\") });",
    );
    let typed = |line: &str, from: &std::path::Path| {
        let mut command = Command::new("/bin/sh");
        let bin = std::path::Path::new(env!("CARGO_BIN_EXE_rhumb")).parent().unwrap();
        command.args(["-c", line]).current_dir(from).env_clear().stdin(std::process::Stdio::null());
        command.env("PATH", format!("{}:/usr/bin:/bin", bin.display())).env("HOME", &dir);
        command
    };
    let begun = "rhumb run sign --site ../site --set image='a b' --state-dir ../state";
    let first = rig.end(&mut typed(begun, &dir)).expect(16);
    let elsewhere = std::path::Path::new("/");
    let state = rig.state().display().to_string();
    let run_dir = format!("'{state}/runs/{}'", first.report.run);
    let by_id = format!("{} --state-dir '{state}'", first.report.run);
    for shown in [run_dir, by_id] {
        let shown = rig.end(&mut typed(&format!("rhumb show-run {shown}"), elsewhere)).expect(0);
        let commands = shown_commands(&shown.stdout);
        assert_eq!(commands.len(), 1, "{}", shown.stdout);
        let on = rig.end(&mut typed(&commands[0], elsewhere)).expect(16);
        assert_eq!((&on.report.run, on.verdicts().as_str()), (&first.report.run, "1 OUTSTANDING"));
    }

    // what stands in the environment was the run's as well, and is not of who reads this later
    let first = rig.run(&["run", "sign", "--set", "image=a b"]).expect(16);
    let told = shown_commands(&first.stdout);
    let on = rig.end(&mut typed(&told[0], elsewhere)).expect(16);
    assert_eq!((told.len(), on.report.run), (1, first.report.run));
}

#[test]
fn what_a_resume_leaves_out_keeps_its_end_and_is_done_by_the_next_one() {
    let rig = site("127.0.0.1:9");
    rig.file(
        "four.rhai",
        r#"
        runbook("four", "Four steps");
        let one = verify("1", "Look", || 41);
        verify("2", "Sign", || attest("it is so"));
        change("3", "Make", || { note("made"); gate("the flag is there", site.extra.flag) });
        verify("4", "Use", || expect("value", one, 41));
        "#,
    );
    let because = |words: &[&'static str]| [&["resume"], words, &["--because", "a test"]].concat();
    let first = rig.run(&["run", "four"]).expect(8); // no [extra] yet
    assert_eq!(first.verdicts(), "1 PASS, 2 OUTSTANDING, 3 FAIL");
    let text = std::fs::read_to_string(rig.site().join("site.toml")).unwrap();
    rig.file("site.toml", &format!("{text}\n[extra]\nflag = true\n"));

    // what waits for a signature waits for it still, and a value stays
    let skipped = rig.run(&because(&["--from", "3", "--skip", "3"])).expect(16);
    assert_eq!(skipped.verdicts(), "1 PASS, 2 OUTSTANDING, 3 SKIPPED, 4 PASS");
    let next = rig.run(&["resume"]).expect(16);
    assert_eq!(next.verdicts(), "1 PASS, 2 OUTSTANDING, 3 PASS, 4 PASS");
    let only = rig.run(&because(&["--only", "4"])).expect(16);
    assert_eq!(only.verdicts(), "1 PASS, 2 OUTSTANDING, 3 PASS, 4 PASS");
    assert_eq!(shown_commands(&only.stdout).len(), 1, "{}", only.stdout);
    rig.run(&["verify-run"]).expect(0);
}

#[test]
fn what_a_run_left_out_from_its_beginning_stays_left_out_and_by_a_resume_does_not() {
    let rig = site("127.0.0.1:9");
    rig.file(
        "three.rhai",
        r#"
        runbook("three", "Three steps");
        verify("1", "Sign", || attest("it is so"));
        change("2", "Make", || note("made"));
        change("3", "Make more", || note("more"));
        "#,
    );
    let first = rig.run(&["run", "three", "--skip", "2", "--because", "by hand"]).expect(16);
    assert_eq!(first.verdicts(), "1 OUTSTANDING, 2 SKIPPED, 3 PASS");
    let next = rig.run(&["resume"]).expect(16);
    assert_eq!(next.verdicts(), "1 OUTSTANDING, 2 SKIPPED, 3 PASS");
    assert!(next.stdout.contains("rhumb run three"), "{}", next.stdout);

    let again = rig.run(&["run", "three", "--only", "1", "--because", "first"]).expect(16);
    assert_eq!(again.verdicts(), "1 OUTSTANDING, 2 SKIPPED, 3 SKIPPED");
    let own = rig.run(&["resume", "--only", "2", "--because", "now this"]).expect(16);
    assert_eq!(own.verdicts(), "1 OUTSTANDING, 2 PASS, 3 SKIPPED");
    let plain = rig.run(&["resume"]).expect(16);
    assert_eq!(plain.verdicts(), "1 OUTSTANDING, 2 PASS, 3 SKIPPED", "as when it began");
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
