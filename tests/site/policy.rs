//! What `[run]` of a site file says is done: the program that is told, slots, the lock and its holder.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::rig::Rig;

const RUNBOOK: &str = r#"//! Writes something.
runbook("write", "Writes something");
verify("1", "Signed off", || attest("the operator has seen it"));
verify("2", "Well", #{ on_fail: "continue" }, || gate("all is well", site.extra.well));
change("3", "Write", || site.tool("touch").run(["written"]));
"#;

/// A site with a program that is told; `hook` is the program's text.
fn site(hook: &str) -> Rig {
    let rig = Rig::new(
        "name = \"told\"\n[tools.touch]\nprogram = \"touch\"\n[extra]\nwell = false\n[run]\nnotify = [\"./hook\", \"an argument\"]\n",
    );
    rig.file("write.rhai", RUNBOOK);
    rig.file("hook", hook);
    fs::set_permissions(rig.site().join("hook"), fs::Permissions::from_mode(0o700)).unwrap();
    rig
}

/// What the program was told, in order.
fn told(rig: &Rig) -> Vec<Value> {
    let text = fs::read_to_string(rig.site().join("told")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_program_is_told_of_what_somebody_must_know() {
    let rig = site("#!/bin/sh\ntest \"$1\" = 'an argument' && test -z \"$RHUMB_SITE\" && cat >> told\n");
    let ended = rig.run(&["run", "write"]).expect(4);
    assert!(!ended.stdout.contains("nobody was notified"), "{}", ended.stdout);
    let told = told(&rig);
    let events: Vec<&str> = told.iter().map(|m| m["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["needs-approval", "failure", "needs-approval", "failure", "end"], "{told:#?}");
    assert_eq!(told[0]["claim"], "the operator has seen it");
    assert_eq!(
        (&told[1]["step"], &told[1]["site"], &told[1]["runbook"]),
        (&"2".into(), &"told".into(), &"write".into())
    );
    assert_eq!(told[2]["step"], "3");
    assert!(told[2]["summary"].as_str().unwrap().contains("touch written"), "{}", told[2]);
    assert_eq!((&told[4]["ok"], &told[4]["exit"]), (&false.into(), &4.into()));
    assert!(Path::new(told[4]["directory"].as_str().unwrap()).join("journal.jsonl").is_file());
    assert!(!rig.site().join("written").exists());

    // what is approved beforehand needs nobody
    let before = told.len();
    rig.run(&["run", "write", "--yes"]).expect(3);
    let events: Vec<String> =
        crate::policy::told(&rig)[before..].iter().map(|m| m["event"].to_string()).collect();
    assert_eq!(events, ["\"needs-approval\"", "\"failure\"", "\"end\""]);
    assert!(rig.site().join("written").exists());
}

#[test]
fn a_program_that_fails_changes_nothing_and_is_told_of() {
    for hook in ["#!/bin/sh\necho broken >&2; exit 3\n", "#!/no/such/shell\n"] {
        let rig = site(hook);
        let ended = rig.run(&["run", "write", "--yes", "--set", "node_count=1"]).expect(3);
        assert!(ended.stdout.contains("nobody was notified of \"end\""), "{}", ended.stdout);
        assert_eq!(ended.verdicts(), "1 OUTSTANDING, 2 FAIL, 3 PASS");
    }
    let rig = site("#!/bin/sh\n");
    fs::remove_file(rig.site().join("hook")).unwrap();
    let ended = rig.run(&["run", "write", "--yes"]).expect(3);
    assert!(ended.stdout.contains("nobody was notified"), "{}", ended.stdout);
    let checked = rig.run(&["site", "check", "write", "--offline"]).expect(7);
    assert!(checked.stdout.contains("the program of run.notify"), "{}", checked.stdout);
}

/// A site that holds a slot until a file is there.
fn slotted(shared: &Path, count: u32) -> Rig {
    let rig = Rig::new(&format!(
        "name = \"slotted\"\n[tools.sh]\nprogram = \"sh\"\n[run]\nslots = {{ amphora = {count} }}\nslots_dir = \"{}\"\n",
        shared.display()
    ));
    rig.file(
        "hold.rhai",
        r#"//! Holds a slot.
runbook("hold", "Holds a slot");
verify("7", "Hold it", || slot("amphora", #{ within: 1.min }, || {
    note("held");
    site.tool("sh").query(["-c", "touch held; while ! test -e over; do sleep 0.05; done"]);
}));
"#,
    );
    rig
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < end, "{what} never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_slot_is_held_by_as_many_as_there_are_and_the_others_see_by_whom() {
    let shared = tempfile::tempdir().unwrap();
    let (first, second) = (slotted(shared.path(), 1), slotted(shared.path(), 1));
    let mut holder = first.command(&["run", "hold"]).stdout(Stdio::null()).spawn().unwrap();
    until("the first", || first.site().join("held").exists());
    let waiter = second.command(&["run", "hold"]).stdout(Stdio::piped()).spawn().unwrap();
    until("the wait of the second", || {
        second.journal().iter().any(|e| matches!(e.record, rhumb::run::Record::WaitBegin { .. }))
    });
    assert!(!second.site().join("held").exists(), "two hold one slot");
    fs::write(second.site().join("over"), "").unwrap();
    fs::write(first.site().join("over"), "").unwrap();
    assert!(holder.wait().unwrap().success());
    let output = waiter.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
    assert!(
        told.contains("slot amphora is free: held by run ") && told.contains(", in step 7, since "),
        "{told}"
    );
}

#[test]
fn a_slot_of_a_run_that_was_killed_is_free_and_its_holder_is_named() {
    let shared = tempfile::tempdir().unwrap();
    let rig = slotted(shared.path(), 1);
    let mut killed = rig.command(&["run", "hold"]).stdout(Stdio::null()).spawn().unwrap();
    until("the first", || rig.site().join("held").exists());
    let busy = rig.run(&["run", "hold"]).expect(11);
    assert!(
        busy.stderr.contains("another run holds this site") && busy.stderr.contains("step 7, since"),
        "{}",
        busy.stderr
    );
    killed.kill().unwrap();
    killed.wait().unwrap();
    fs::write(rig.site().join("over"), "").unwrap();
    let ended = rig.run(&["run", "hold"]).expect(0);
    assert!(ended.stdout.contains("was cut off; `rhumb resume "), "{}", ended.stdout);
    assert!(ended.stdout.contains("slot amphora was left by run "), "{}", ended.stdout);
    // the one that ended in order leaves nothing
    let again = rig.run(&["run", "hold"]).expect(0);
    assert!(
        !again.stdout.contains("was cut off") && !again.stdout.contains("was left by"),
        "{}",
        again.stdout
    );
}

#[test]
fn a_slot_that_the_site_does_not_declare_is_an_error() {
    let shared = tempfile::tempdir().unwrap();
    let rig = slotted(shared.path(), 1);
    rig.file(
        "site.toml",
        "name = \"slotted\"\n[tools.sh]\nprogram = \"sh\"\n[run]\nslots = { amphorae = 1 }\n",
    );
    let checked = rig.run(&["site", "check", "hold", "--offline"]).expect(7);
    assert!(checked.stdout.contains("the site has no slot `amphora`"), "{}", checked.stdout);
    let ended = rig.run(&["run", "hold"]).expect(7);
    assert!(ended.stderr.contains("did you mean `amphorae`?"), "{}", ended.stderr);
}
