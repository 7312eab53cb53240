//! `rhumb sweep`: what a cloud could have answered instead, and what a runbook makes of it.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// A runbook that reads three fields of one server, and looks at one of them.
const LOOK: &str = r#"
//! Looks at the management VM.
runbook("look", "Is it there?");
let admin = site.scope("admin");
verify("1", "It runs", || {
    let vm = admin.servers.list(#{ all_tenants: true }).filter(|s| s.name == site.mgmt_server);
    gate("there is one", vm.len() == 1);
    let task = vm[0].get("OS-EXT-STS:task_state");
    let flavor = vm[0].flavor;
    expect("its status", vm[0].status, "ACTIVE");
    if vm[0].get("locked") == true { note(`${vm[0].name} is locked`); }
});
"#;

struct Desk {
    home: tempfile::TempDir,
}

impl Desk {
    fn new() -> Desk {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("site");
        std::fs::create_dir_all(&dir).unwrap();
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/sites/roosevelt/site.toml");
        std::fs::copy(example, dir.join("site.toml")).unwrap();
        std::fs::write(dir.join("look.rhai"), LOOK).unwrap();
        Desk { home }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rhumb"));
        command.args(args).env_clear().stdin(std::process::Stdio::null());
        command.env("PATH", "/nowhere").env("HOME", self.home.path()).output().unwrap()
    }

    /// Sweeps the site's own runbook.
    fn look(&self, more: &[&str]) -> Output {
        let site = self.home.path().join("site").display().to_string();
        self.run(&[&["sweep", "look", "--site", &site], more].concat())
    }
}

/// All that was said, in one line: errors are wrapped.
fn said(output: &Output) -> String {
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", said(output)))
}

/// The outcomes of the changes of a field, by what it becomes.
fn of<'f>(found: &'f Value, field: &str, becomes: &str) -> &'f Value {
    let all = found["rated"].as_array().unwrap();
    let is = |one: &&Value| {
        one["mutant"]["field"] == field
            && one["mutant"]["becomes"] == becomes
            && one["mutant"]["name"] == "capi-mgmt-v2"
    };
    all.iter().find(is).unwrap_or_else(|| panic!("no change of {field} to {becomes}"))
}

#[test]
fn what_is_looked_at_is_noticed_and_what_is_only_read_is_silent() {
    let desk = Desk::new();
    let output = desk.look(&["--json", "--matching", "nova server capi-mgmt-v2"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let found = json(&output);
    assert_eq!(of(&found, "status", "ERROR")["outcome"], "noticed");
    assert_eq!(of(&found, "status", "ERROR")["noticed"]["verdict"]["step"], "1");
    // it passes, and says that it saw it
    assert!(of(&found, "locked", "true")["noticed"]["named"]["said"].as_str().unwrap().contains("is locked"));
    let silent = &of(&found, "OS-EXT-STS:task_state", "deleting")["outcome"]["silent"];
    assert_eq!(silent["other_changes"], false);
    // no word of the runbook names it, and nothing comes of it: it cannot matter, and is no success of a gate
    assert!(found["not_read"].as_u64().unwrap() > 20, "{}", found["not_read"]);
    let unseen: Vec<&str> =
        found["states_not_read"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(unseen.contains(&"nova server OS-EXT-STS:power_state"), "{unseen:?}");
}

#[test]
fn a_silent_change_is_a_scenario_that_shows_it_again() {
    let desk = Desk::new();
    let dir = desk.home.path().join("found");
    let only = "nova server capi-mgmt-v2: OS-EXT-STS:task_state";
    let output = desk.look(&["--matching", only, "--out", dir.to_str().unwrap()]);
    let text = said(&output);
    assert!(text.contains("nova server OS-EXT-STS:task_state state ("), "{text}");
    let files: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(!files.is_empty());
    let site = desk.home.path().join("site").display().to_string();
    let file = files[0].display().to_string();
    let rehearsed = desk.run(&["rehearse", "look", "--site", &site, "--scenario", &file]);
    assert_eq!(rehearsed.status.code(), Some(0), "{}", said(&rehearsed));
    // and one that is noticed, written by hand in the same words, fails there
    let text = std::fs::read_to_string(&files[0]).unwrap();
    let state = text.lines().find(|l| l.starts_with("value = ")).unwrap();
    let other = text.replace("OS-EXT-STS:task_state\"", "status\"").replace(state, "value = \"ERROR\"");
    let file = desk.file("noticed.toml", &other);
    let rehearsed = desk.run(&["rehearse", "look", "--site", &site, "--scenario", &file]);
    assert_eq!(rehearsed.status.code(), Some(3), "{other}\n{}", said(&rehearsed));
}

#[test]
fn what_a_person_has_looked_at_is_harmless_or_must_not_stop() {
    let desk = Desk::new();
    let table = r#"
[[harmless]]
runbooks = ["look"]
service = "nova"
thing = "server"
field = "OS-EXT-STS:task_state"
why = "the runbook only asks whether it is there"

[[idle]]
runbooks = ["look"]
service = "nova"
thing = "server"
field = "status"
becomes = ["PAUSED"]
why = "a paused one is there as well, as this site sees it"
"#;
    desk.file("site/sweep.toml", table);
    let output = desk.look(&["--json", "--matching", "nova server capi-mgmt-v2"]);
    let found = json(&output);
    let why = &of(&found, "OS-EXT-STS:task_state", "deleting")["outcome"]["harmless"]["why"];
    assert_eq!(why, "the runbook only asks whether it is there");
    assert!(of(&found, "status", "PAUSED")["outcome"]["stops"]["why"].as_str().unwrap().contains("paused"));
    assert_eq!(output.status.code(), Some(3));

    desk.file("site/sweep.toml", &table.replace("task_state", "task_stat"));
    let refused = desk.look(&[]);
    assert_eq!(refused.status.code(), Some(7));
    assert!(said(&refused).contains("fits no mutant of look"), "{}", said(&refused));
}

#[test]
fn a_sweep_starts_from_a_run_that_passes() {
    let desk = Desk::new();
    let file = desk.file(
        "off.toml",
        "title = \"off\"\nextends = \"phase-08\"\n[[fault]]\nat = \"0s\"\ndo = { server_off = \"capi-mgmt-v2\" }\n",
    );
    let output = desk.look(&["--scenario", &file]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let text = said(&output);
    assert!(
        text.contains("does not pass before anything is changed") && text.contains("step 1 failed"),
        "{text}"
    );
    assert!(!Path::new("/nowhere").exists());
}

#[test]
fn a_seed_decides_which_changes_a_sample_takes() {
    let desk = Desk::new();
    let lines = |seed: &str| {
        let output = desk.look(&["--json", "--sample", "6", "--seed", seed]);
        let found = json(&output);
        let rated = found["rated"].as_array().unwrap().clone();
        assert_eq!(rated.len(), 6);
        // an address of the lab has another port each time
        rated
            .iter()
            .map(|r| format!("{} {} {}", r["mutant"]["name"], r["mutant"]["field"], r["mutant"]["change"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(lines("1"), lines("1"));
    assert_ne!(lines("1"), lines("2"));
}

/// The shipped runbooks that were swept, nothing of which is silent: how, what of them is tried in every test run, and what where all
/// is tried. Of the longer ones that is each change of a kind of field on one thing.
const SWEPT: [(&[&str], &[&str], &[&str]); 6] = [
    (&["park"], &["--sample", "25"], &[]),
    (&["lb-failover"], &["--sample", "25"], &[]),
    (&["amphora-sweep"], &["--sample", "25"], &[]),
    (&["stuck-delete"], &["--once", "--sample", "25"], &["--once"]),
    (&["triage", "--scenario", "healthy-cluster"], &["--once", "--sample", "25"], &["--once"]),
    (&["restart"], &["--once", "--sample", "12"], &["--once"]),
];

/// Those whose tables a person has begun: some changes are still silent.
const BEGUN: [&str; 1] = ["phase-08"];

/// Whether every change is to be tried, of every runbook, rather than a sample that a seed decides.
fn all() -> bool {
    std::env::var("RHUMB_SWEEP").is_ok_and(|wanted| wanted == "all")
}

#[test]
fn nothing_is_silent_in_the_runbooks_that_were_swept() {
    let mut used = BTreeSet::new();
    for (runbook, sample, whole) in SWEPT {
        let part = if all() { whole } else { sample };
        let output = Desk::new().run(&[&["sweep", "--json", "--seed", "7"], runbook, part].concat());
        let found = json(&output);
        assert_eq!(output.status.code(), Some(0), "{runbook:?}: {}", left(&found));
        for one in found["rated"].as_array().unwrap() {
            used.extend(one["outcome"]["harmless"]["why"].as_str().map(str::to_string));
        }
    }
    // what the common table excuses is excused somewhere, or it excuses nothing
    if all() {
        let common: toml::Table = toml::from_str(&table("common")).unwrap();
        for entry in common.values().flat_map(|entries| entries.as_array().unwrap()) {
            let why = entry["why"].as_str().unwrap();
            assert!(used.contains(why), "runbooks/sweep/common.toml: fits no change of any runbook: {why}");
        }
    }
}

#[test]
fn a_table_that_was_begun_fits_its_runbook() {
    for begun in BEGUN {
        let output = Desk::new().run(&["sweep", begun, "--once", "--json", "--sample", "1"]);
        // silent or not: an entry that fits nothing would be refused
        assert!(matches!(output.status.code(), Some(0 | 3)), "{}", said(&output));
    }
}

/// What a sweep left over, a line each.
fn left(found: &Value) -> String {
    let is = |one: &&Value| !one["outcome"]["silent"].is_null() || !one["outcome"]["stops"].is_null();
    let line = |one: &Value| {
        let m = &one["mutant"];
        format!("{} {} {}: {} -> {}", m["kind"], m["name"], m["field"], m["was"], m["becomes"])
    };
    found["rated"].as_array().unwrap().iter().filter(is).map(line).collect::<Vec<_>>().join("\n")
}

fn tables() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks/sweep")
}

fn table(name: &str) -> String {
    std::fs::read_to_string(tables().join(name).with_extension("toml")).unwrap()
}

#[test]
fn each_table_is_the_common_one_or_a_shipped_runbooks() {
    let runbooks = tables().join("..");
    for file in std::fs::read_dir(tables()).unwrap() {
        let file = file.unwrap().path();
        let name = file.file_stem().unwrap().to_str().unwrap().to_string();
        let is_runbook = runbooks.join(&name).with_extension("rhai").is_file();
        assert!(name == "common" || is_runbook, "{} is for no shipped runbook", file.display());
        let known = SWEPT.iter().any(|(runbook, ..)| runbook[0] == name) || BEGUN.contains(&name.as_str());
        assert!(name == "common" || known, "add {name} to SWEPT");
    }
}
