//! What is done with runs afterwards: list, show, verify, compare.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

mod rig;

use std::process::Output;

use rhumb::base::ErrorKind;
use rig::Rig;
use serde_json::Value;

/// A site with a runbook that needs no cloud, and two runs of it: the second sees another number.
fn two_runs() -> Rig {
    let rig = Rig::new("name = \"quiet\"\n[extra]\nnumber = 41\n");
    let book = r#"runbook("count", "Count"); verify("1", "Look", #{ on_fail: "continue" }, || {
        fact("number", site.extra.number); expect("the number", site.extra.number, 41); });"#;
    rig.file("count.rhai", book);
    rig.run(&["run", "count"]).expect(0);
    let file = rig.site().join("site.toml");
    let text = std::fs::read_to_string(&file).unwrap().replace("41", "42");
    rig.file("site.toml", &text);
    rig.run(&["run", "count"]).expect(3);
    rig
}

fn output(rig: &Rig, args: &[&str], code: i32) -> Output {
    let output = rig.command(args).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn stdout(rig: &Rig, args: &[&str]) -> String {
    String::from_utf8(output(rig, args, 0).stdout).unwrap()
}

/// The ids of the runs, newest first.
fn ids(rig: &Rig) -> Vec<String> {
    let listed: Value = serde_json::from_str(&stdout(rig, &["runs", "--json"])).unwrap();
    listed.as_array().unwrap().iter().map(|l| l["run"].as_str().unwrap().to_string()).collect()
}

#[test]
fn runs_are_listed_shown_verified_and_compared() {
    let rig = two_runs();
    let ids = ids(&rig);
    let lines = stdout(&rig, &["runs"]);
    let of = |id: &str| lines.lines().find(|l| l.starts_with(id)).unwrap().to_string();
    // newest first, also within a second
    let [failed, passed] = ids.as_slice() else { panic!("{lines}") };
    assert!(of(failed).contains("FAILED"), "{lines}");
    assert!(of(passed).contains("PASSED") && of(passed).ends_with("1 step: 1 PASS"), "{lines}");

    let shown = stdout(&rig, &["show-run", failed]);
    assert!(shown.contains("gate: the number\n") && shown.contains("wanted 41, got 42"), "{shown}");
    assert!(shown.contains("report.html"), "{shown}");
    for (form, first) in
        [("markdown", "# Exit gate of count"), ("html", "<!doctype html>"), ("junit", "<?xml")]
    {
        assert!(stdout(&rig, &["show-run", failed, "--as", form]).starts_with(first), "{form}");
    }
    let data: Value = serde_json::from_str(&stdout(&rig, &["show-run", failed, "--as", "json"])).unwrap();
    assert_eq!((&data["schema"], &data["summary"]["standing"]), (&Value::from(1), &Value::from("failed")));

    let verified = stdout(&rig, &["verify-run", passed]);
    assert!(verified.contains("ending   properly: the run passed"), "{verified}");
    assert!(verified.contains("the reports are of these entries"), "{verified}");

    let compared = stdout(&rig, &["diff-runs", passed, failed]);
    assert!(compared.contains("1 the number: holds → FAILS"), "{compared}");
    assert!(compared.contains("number: 41 → 42"), "{compared}");
    assert!(stdout(&rig, &["diff-runs", passed, passed]).contains("Nothing differs."));
}

#[test]
fn reports_say_why_and_waits_say_what_is_usual() {
    let rig = Rig::new("name = \"quiet\"\n");
    let book = r#"//! Waits for nothing in particular.
runbook("wait", "Wait");
// It is done at the second look.
verify("1", "Look", || { let n = 0; poll(#{ title: "two looks", every: 20.ms, within: 1.min, read: || { n += 1; n },
                                            done: |x| x == 2 }); });
"#;
    rig.file("wait.rhai", book);
    let first = rig.run(&["run", "wait"]).expect(0);
    assert!(!first.stdout.contains("last time"), "{}", first.stdout);
    let second = rig.run(&["run", "wait"]).expect(0);
    assert!(second.stdout.contains("of 1m, last time "), "{}", second.stdout);

    let shown = || stdout(&rig, &["show-run", "last", "--as", "markdown"]);
    assert!(shown().contains("Waits for nothing in particular.\n"), "{}", shown());
    assert!(shown().contains("It is done at the second look.\n"), "{}", shown());
    rig.file("wait.rhai", &book.replace("second look", "third look"));
    assert!(
        !shown().contains(" look."),
        "a text that has changed since does not explain the run: {}",
        shown()
    );
}

#[test]
fn a_changed_journal_is_named_with_its_line() {
    let rig = two_runs();
    let id = ids(&rig).remove(0);
    let journal = rig.state().join("runs").join(&id).join("journal.jsonl");
    let text = std::fs::read_to_string(&journal).unwrap();
    std::fs::write(&journal, text.replacen("quiet", "quite", 1)).unwrap();
    let refused = output(&rig, &["verify-run", &id], i32::from(ErrorKind::Journal.exit_code()));
    let stderr = String::from_utf8(refused.stderr).unwrap();
    assert!(stderr.contains("its chain is broken") && stderr.contains("journal.jsonl:2"), "{stderr}");
}

#[test]
fn a_run_is_shown_without_its_site_from_the_directory_alone() {
    let rig = two_runs();
    let dir = rig.state().join("runs").join(&ids(&rig)[0]);
    std::fs::remove_file(dir.join("report.md")).unwrap();
    let mut command = rig.command(&["show-run", dir.to_str().unwrap(), "--write"]);
    let output = command.env_remove("RHUMB_SITE").env_remove("RHUMB_STATE").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(dir.join("report.md").is_file());
}

#[test]
fn an_unknown_run_and_no_run_are_told_apart() {
    let rig = Rig::new("name = \"quiet\"\n");
    assert!(stdout(&rig, &["runs"]).starts_with("no run is kept in "));
    let refused = output(&rig, &["show-run", "nope"], i32::from(ErrorKind::NotFound.exit_code()));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("there is no run `nope`"));
}

#[test]
fn the_last_run_is_the_one_that_began_last_whatever_the_others_are_called() {
    let rig = two_runs();
    rig.file("a-look.rhai", r#"runbook("a-look", "A look"); verify("1", "Look", || gate("always", false));"#);
    rig.run(&["run", "a-look"]).expect(3);
    let newest = ids(&rig)[0].clone();
    assert!(newest.contains("-a-look-"), "{newest}");
    assert!(stdout(&rig, &["show-run"]).contains(&newest));
    for which in [&["resume"][..], &["resume", "last"], &["resume", "a-look"]] {
        let resumed = rig.run(which).expect(3);
        assert!(resumed.stdout.contains(&newest), "{which:?}: {}", resumed.stdout);
    }
    let unknown = rig.run(&["resume", "b-look"]).expect(i32::from(ErrorKind::NotFound.exit_code()));
    assert!(unknown.told().contains("there is no run `b-look`"), "{}", unknown.stderr);
    rig.run(&["resume", "count"]).expect(i32::from(ErrorKind::Ambiguous.exit_code()));
}
