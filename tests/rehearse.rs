//! `rhumb rehearse`: the shipped runbooks against the lab, as an operator runs them on a machine that has
//! nothing: no cloud, no configuration, no home of the program's.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use rhumb::run::{Entry, RunReport, journal};

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

    fn rehearse(&self, args: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rhumb"));
        command.arg("rehearse").args(args).env_clear().stdin(std::process::Stdio::null());
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
    assert_eq!(ended.verdicts(), "1 PASS, 2 PASS");
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

    let frozen = desk.rehearse(&["phase-08", "--scenario", "frozen-app-cred"]).expect(1);
    assert!(frozen.verdicts().ends_with("8.2 FAIL"), "{}", frozen.verdicts());
    assert!(frozen.stdout.contains("got 403 instead"), "{}", frozen.stdout);
    let crashing = desk.rehearse(&["phase-08", "--fault", "ccm-crashes"]).expect(3);
    assert!(crashing.verdicts().ends_with("8.3.1 FAIL"), "{}", crashing.verdicts());
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
