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
    // the text that it had, and not the one that has taken its place since
    assert!(shown().contains("second look.") && !shown().contains("third look."), "{}", shown());
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
fn what_the_texts_say_of_a_run_is_read_from_those_it_kept_and_not_from_its_report() {
    let rig = Rig::new("name = \"quiet\"\n");
    let book = r#"runbook("bar", "Bar", #{ needs: ["later"], accepts: #{ what: "v1", bar: "D-1", items: #{ ".1": "charms" } } });
        verify("D-1.1", "Charms", || gate("all charms", false));
        verify("later", "What the verdict needs", || gate("it", true));"#;
    rig.file("bar.rhai", book);
    rig.run(&["run", "bar"]).expect(3);
    output(&rig, &["verify-run"], 0);
    let file = rig.state().join("runs").join(ids(&rig).remove(0)).join("report.json");
    let written = std::fs::read_to_string(&file).unwrap();
    for (part, forged) in [
        ("not_reached", serde_json::json!([])),
        ("not_reached", serde_json::json!([{"id": "later", "title": "Nothing that matters"}])),
        ("accepts", serde_json::json!({"what": "v1", "bar": "D-2", "items": {}})),
        ("accepts", Value::Null),
    ] {
        let mut report: Value = serde_json::from_str(&written).unwrap();
        assert_ne!(report[part], forged, "the report has its own");
        report[part] = forged;
        std::fs::write(&file, report.to_string()).unwrap();
        let told = output(&rig, &["verify-run"], i32::from(ErrorKind::Journal.exit_code()));
        let told = String::from_utf8(told.stderr).unwrap();
        assert!(told.contains(&format!("`{part}`")), "{told}");
    }
    // a report that says nothing of the texts at all, where the run kept them
    let mut bare: Value = serde_json::from_str(&written).unwrap();
    let report = bare.as_object_mut().unwrap();
    for part in ["not_reached", "accepts", "why"] {
        report.remove(part);
    }
    for step in report["steps"].as_array_mut().unwrap() {
        step.as_object_mut().unwrap().remove("why");
    }
    std::fs::write(&file, bare.to_string()).unwrap();
    output(&rig, &["verify-run"], i32::from(ErrorKind::Journal.exit_code()));
    // without the texts a report says nothing of them that counts
    std::fs::write(&file, written).unwrap();
    std::fs::remove_dir_all(file.with_file_name("sources")).unwrap();
    output(&rig, &["verify-run"], i32::from(ErrorKind::Journal.exit_code()));
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

const SIGN: &str = r#"runbook("sign", "Sign", #{ needs: ["exit"] });
verify("1", "By hand", || attest("it can be done by hand"));
verify("2", "Not here", #{ when: || false }, || note("never"));
verify("3", "Aside", || attest("a thing beside it"));
verify("exit", "Accepted", #{ needs: ["1"] }, || note("accepted"));
"#;

#[test]
fn a_run_whose_verdict_was_not_reached_is_no_pass_for_anybody() {
    let rig = Rig::new("name = \"quiet\"\n");
    rig.file("sign.rhai", SIGN);
    let ended = rig.run(&["run", "sign"]).expect(16);
    assert_eq!(ended.verdicts(), "1 OUTSTANDING, 2 SKIPPED, 3 OUTSTANDING, exit SKIPPED");
    assert!(ended.stdout.contains("INCOMPLETE") && !ended.stdout.contains("PASSED"), "{}", ended.stdout);
    assert!(ended.stdout.contains("Accepted: SKIPPED: needs step 1, which is"), "{}", ended.stdout);
    let hint = format!("rhumb resume {}", ended.report.run);
    assert!(ended.stdout.contains("to sign what is outstanding") && ended.stdout.contains(&hint));

    let verified = stdout(&rig, &["verify-run"]);
    assert!(verified.contains("the run is INCOMPLETE and did not pass (exit code 16)"), "{verified}");
    assert!(verified.contains("its verdict needs exit: SKIPPED: needs step 1"), "{verified}");
    assert!(stdout(&rig, &["runs"]).contains("INCOMPLETE"));
    let as_form = |form: &str| stdout(&rig, &["show-run", "last", "--as", form]);
    for (form, said) in [
        ("terminal", "INCOMPLETE"),
        ("markdown", "This is no acceptance: its verdict needs exit, which did not pass."),
        ("html", "Not passed: what the runbook"),
        ("junit", "<failure type=\"incomplete\" message=\"its verdict needs exit, which did not pass\">"),
        ("junit", "failures=\"1\""),
        ("json", "\"standing\": \"incomplete\""),
        ("json", "\"outcome\": \"incomplete\""),
    ] {
        assert!(as_form(form).contains(said), "{form}: {}", as_form(form));
    }
    // it can go on, and ends the same until somebody signs
    rig.run(&["resume"]).expect(16);
    // an observation accepts nothing, and holds where nothing that it sees fails
    rig.run(&["run", "sign", "--observe"]).expect(0);
}

#[test]
fn what_a_verdict_needs_is_what_its_runbook_says_and_all_of_it_where_it_says_nothing() {
    let rig = Rig::new("name = \"quiet\"\n");
    let aside = SIGN.replace("verify(\"1\", \"By hand\", || attest", "verify(\"1\", \"By hand\", || note");
    rig.file("aside.rhai", &aside);
    let ended = rig.run(&["run", "aside"]).expect(0);
    assert!(ended.stdout.contains("PASSED WITH EXCEPTIONS"), "step 3 is open beside it: {}", ended.stdout);
    let left_out = rig.run(&["run", "aside", "--skip", "exit", "--because", "a try"]).expect(16);
    assert!(left_out.stdout.contains("left out by --skip exit: a try"), "{}", left_out.stdout);
    assert!(left_out.stdout.contains("rhumb run aside"), "{}", left_out.stdout);
    rig.run(&["run", "aside", "--skip", "3", "--because", "a try"]).expect(0);

    let silent = aside.replace(", #{ needs: [\"exit\"] }", "");
    rig.file("silent.rhai", &silent);
    let ended = rig.run(&["run", "silent"]).expect(16);
    assert_eq!(ended.report.end.unwrap().lacks[0].step, "3", "2 is skipped by its own condition");
    let without = silent.replace("attest(\"a thing", "note(\"a thing");
    rig.file("without.rhai", &without);
    rig.run(&["run", "without"]).expect(0);
    rig.run(&["run", "without", "--only", "1", "--because", "a try"]).expect(16);

    rig.file("wrong.rhai", &SIGN.replace("[\"exit\"]", "[\"exitt\"]"));
    let found = output(&rig, &["check", "wrong"], 8);
    let found = String::from_utf8(found.stdout).unwrap();
    assert!(
        found.contains("needs step exitt, and there is none") && found.contains("wrong.rhai:1"),
        "{found}"
    );
    assert!(found.contains("did you mean `exit`?"), "{found}");
    rig.run(&["run", "wrong"]).expect(16);
}

#[test]
fn a_site_says_knowingly_what_a_verdict_needs_here() {
    let rig = Rig::new("name = \"quiet\"\n");
    let shipped = rig.site().with_file_name(".local/share/rhumb");
    std::fs::create_dir_all(shipped.join("runbooks")).unwrap();
    std::fs::write(shipped.join("runbooks/sign.rhai"), SIGN).unwrap();
    rig.file("sign.rhai", "override_needs([\"2\", \"3\"], \"Vault unseals itself here\");\n");
    let run = |args: &[&str]| rig.run(args);
    let ended = run(&["run", "sign"]).expect(16);
    let lacks: Vec<_> = ended.report.end.iter().flat_map(|e| &e.lacks).map(|l| l.step.as_str()).collect();
    assert_eq!(lacks, ["2", "3"], "a step that the site names must have run");
    assert!(
        ended.stdout.contains("OVERRIDDEN the verdict needs 2, 3: Vault unseals itself here"),
        "{}",
        ended.stdout
    );
    rig.file("sign.rhai", "override_needs([\"23\"], \"x\");\n");
    let found = run(&["check", "sign"]).expect(8);
    assert!(found.stdout.contains("needs step 23, and there is none"), "{}", found.stdout);
}

#[test]
fn the_last_run_is_no_session_and_for_resume_one_that_can_go_on() {
    let rig = two_runs();
    let all = ids(&rig);
    rig.run(&["repl"]).expect(0); // a session of no line
    assert!(ids(&rig)[0].contains("-repl-"), "{:?}", ids(&rig));
    for command in ["show-run", "verify-run"] {
        let shown = rig.run(&[command]);
        assert!(shown.stdout.contains(&all[0]), "{command}: {}", shown.stdout);
        assert!(shown.stderr.contains(&format!("last is run {}", all[0])), "{command}: {}", shown.stderr);
    }
    let session = rig.run(&["show-run", "last-session"]).expect(0);
    assert!(
        session.stdout.contains("-repl-") && !session.stdout.contains("rhumb resume"),
        "{}",
        session.stdout
    );
    let resumed = rig.run(&["resume"]).expect(3);
    assert!(resumed.stdout.contains(&all[0]), "{}", resumed.stdout);
    let refused = rig.run(&["resume", "repl"]).expect(2);
    assert!(refused.told().contains("is a session"), "{}", refused.stderr);

    // a run of another runbook that passed is stepped over; one of the same is the newer word
    rig.file("fine.rhai", r#"runbook("fine", "Fine"); verify("1", "Look", || gate("always", true));"#);
    rig.run(&["run", "fine"]).expect(0);
    assert!(rig.run(&["resume"]).expect(3).stdout.contains(&all[0]));
    let text = std::fs::read_to_string(rig.site().join("site.toml")).unwrap();
    rig.file("site.toml", &text.replace("42", "41"));
    rig.run(&["run", "count"]).expect(0);
    assert!(rig.run(&["resume"]).expect(2).told().contains("nothing to resume"));
}
