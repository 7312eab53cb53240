//! A journal, its report and its verdict cannot be made to disagree.

mod played;

use std::fs;
use std::path::{Path, PathBuf};

use rhumb::base::permit::hex;
use rhumb::base::{Error, ErrorKind, Result};
use rhumb::run::{head, journal};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::crashes::files::cases;
use crate::rig::Rig;

const JOURNAL: i32 = 14;

/// The lines of a journal, each chained to the one before.
fn chained(records: impl IntoIterator<Item = Value>) -> String {
    let (mut text, mut prev) = (String::new(), journal::ROOT.to_string());
    for (n, mut record) in records.into_iter().enumerate() {
        let fields = record.as_object_mut().unwrap();
        fields.insert("n".into(), (n + 1).into());
        fields.entry("at").or_insert("2026-06-10T02:00:00Z".into());
        fields.insert("prev".into(), prev.into());
        let line = record.to_string();
        prev = hex(&Sha256::digest(line.as_bytes()));
        text.push_str(&line);
        text.push('\n');
    }
    text
}

#[test]
fn a_chained_journal_is_believed_only_where_a_run_can_have_written_it() {
    for case in cases(".journal") {
        let dir = tempfile::tempdir().unwrap();
        let records = case.text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap());
        fs::write(dir.path().join(journal::FILE), chained(records)).unwrap();
        case.hold(journal::sound(dir.path()));
    }
}

/// A run whose gate fails, with its reports.
fn failed() -> (Rig, PathBuf) {
    let rig = Rig::new("name = \"quiet\"\n");
    let book = r#"runbook("count", "Count"); verify("1", "Look", #{ on_fail: "continue" }, || {
        fact("number", 41); expect("the number", 41, 42); }); verify("2", "Again", || note("fine"));"#;
    rig.file("count.rhai", book);
    rig.run(&["run", "count"]).expect(3);
    let dir = fs::read_dir(rig.state().join("runs")).unwrap().next().unwrap().unwrap().path();
    (rig, dir)
}

/// Every command that reads a run refuses it, and none says that it passed.
fn refused_by_all(rig: &Rig, what: &str) {
    for command in
        [&["verify-run"][..], &["show-run"], &["show-run", "--as", "markdown"], &["runs"], &["resume"]]
    {
        refused_by(rig, command, what);
    }
}

/// What a command says that refuses a run.
fn refused_by(rig: &Rig, command: &[&str], what: &str) -> String {
    let output = rig.command(command).output().unwrap();
    let told =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(JOURNAL), "{what}: {command:?}: {told}");
    assert!(!told.contains("PASSED"), "{what}: {command:?}: {told}");
    told
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

const END: (&str, &str) = (r#""ok":false,"exit":3"#, r#""ok":true,"exit":0"#);

#[test]
fn a_verdict_changed_in_the_last_line_is_found_with_and_without_reports() {
    let (rig, dir) = failed();
    edit(&dir.join(journal::FILE), END.0, END.1);
    refused_by_all(&rig, "beside its head and its reports");
    fs::remove_file(dir.join(head::FILE)).unwrap();
    refused_by_all(&rig, "beside its reports");
    for report in ["report.json", "report.md", "report.html", "junit.xml"] {
        fs::remove_file(dir.join(report)).unwrap();
    }
    refused_by_all(&rig, "alone");
    let told = rig.run(&["verify-run"]).told();
    assert!(told.contains("its steps and its error say that it did not pass"), "{told}");
}

#[test]
fn lines_cut_off_the_end_are_missed() {
    let (rig, dir) = failed();
    let path = dir.join(journal::FILE);
    let text = fs::read_to_string(&path).unwrap();
    let cut = text.trim_end().rsplit_once('\n').unwrap().0;
    fs::write(&path, format!("{cut}\n")).unwrap();
    refused_by_all(&rig, "beside its head");
    fs::remove_file(dir.join(head::FILE)).unwrap();
    let told = rig.run(&["verify-run"]).expect(JOURNAL).told();
    assert!(told.contains("report.json is of another journal"), "{told}");
}

#[test]
fn lines_added_at_the_end_are_found() {
    let (rig, dir) = failed();
    let path = dir.join(journal::FILE);
    let records = fs::read_to_string(&path).unwrap();
    let mut records: Vec<Value> = records.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    records.push(json!({"kind": "run-resume", "version": "0.1.0", "by": "ops@jump", "pid": 1}));
    for step in ["1", "2"] {
        records.push(json!({"kind": "step-begin", "step": step, "title": "Look", "step_kind": "verify"}));
        records.push(json!({"kind": "step-end", "step": step, "verdict": "pass", "seconds": 1.0}));
    }
    records.push(json!({"kind": "run-end", "ok": true, "exit": 0, "seconds": 1.0}));
    fs::write(&path, chained(records)).unwrap();
    refused_by_all(&rig, "beside its head");
    fs::remove_file(dir.join(head::FILE)).unwrap();
    let told = rig.run(&["verify-run"]).expect(JOURNAL).told();
    assert!(told.contains("and the journal goes on"), "{told}");
}

/// A run that was killed before it ended: what comes before its first step, and the head that names the last line of it.
fn killed(boot: &str) -> (Rig, PathBuf) {
    let (rig, dir) = failed();
    for report in ["report.json", "report.md", "report.html", "junit.xml"] {
        fs::remove_file(dir.join(report)).unwrap();
    }
    let text = fs::read_to_string(dir.join(journal::FILE)).unwrap();
    let begun: String =
        text.split_inclusive('\n').take_while(|line| !line.contains("\"kind\":\"step-begin\"")).collect();
    fs::write(dir.join(journal::FILE), &begun).unwrap();
    let hash = hex(&Sha256::digest(begun.trim_end().rsplit('\n').next().unwrap()));
    fs::write(dir.join(head::FILE), format!("last {hash}\nsynced {hash}\nboot {boot:-<36}\n")).unwrap();
    (rig, dir)
}

#[test]
fn an_end_that_was_added_is_found_in_this_boot_and_in_another() {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    for boot in [boot.trim(), "another"] {
        let (rig, dir) = killed(boot);
        rig.run(&["verify-run"]).expect(0);
        let path = dir.join(journal::FILE);
        let records = fs::read_to_string(&path).unwrap();
        let mut records: Vec<Value> =
            records.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        records.push(json!({"kind": "run-end", "ok": true, "exit": 0, "seconds": 1.0}));
        fs::write(&path, chained(records)).unwrap();
        refused_by_all(&rig, boot);
    }
}

#[test]
fn a_piece_of_a_line_behind_the_end_is_found() {
    let (rig, dir) = failed();
    let text = fs::read_to_string(dir.join(journal::FILE)).unwrap();
    fs::write(dir.join(journal::FILE), format!("{text}{{\"n\":")).unwrap();
    refused_by_all(&rig, "a torn line behind the end");
}

#[test]
fn a_damaged_and_a_moved_run_are_told_among_the_runs() {
    let (rig, dir) = failed();
    edit(&dir.join(journal::FILE), "\"kind\":\"run-begin\"", "\"kind\":\"run-begon\"");
    assert!(refused_by(&rig, &["runs"], "damaged").contains("DAMAGED"));

    let (rig, dir) = failed();
    fs::rename(&dir, dir.with_file_name("20990101T000000.000Z-f-aaaa")).unwrap();
    for command in [&["show-run"][..], &["verify-run"], &["resume"], &["runs"]] {
        let told = refused_by(&rig, command, "moved");
        assert!(told.contains("holds the journal of another run"), "{command:?}: {told}");
    }
}

#[test]
fn a_changed_report_is_named() {
    for (file, from, to, said) in [
        (
            "report.json",
            "\"standing\": \"failed\"",
            "\"standing\": \"passed\"",
            "disagree at `summary.standing`",
        ),
        ("report.json", "\"exit\": 3", "\"exit\": 0", "disagree at `end.exit`"),
        (
            "report.json",
            "\"verdict\": \"fail\"",
            "\"verdict\": \"pass\"",
            "disagree at `steps.0.verdict.verdict`",
        ),
        (
            "report.json",
            "\"ok\": false,\n          \"observed\"",
            "\"ok\": true,\n          \"observed\"",
            "disagree at `steps.0.gates.0.ok`",
        ),
        ("report.json", "\"schema\"", "schema", "report.json cannot be read"),
        ("report.md", "FAIL", "PASS", "report.md is not as it was made"),
        ("report.html", "FAIL", "PASS", "report.html is not as it was made"),
        ("junit.xml", "<failure", "<system-out", "junit.xml is not as it was made"),
    ] {
        let (rig, dir) = failed();
        edit(&dir.join(file), from, to);
        let told = rig.run(&["verify-run"]).expect(JOURNAL).told();
        assert!(told.contains(said), "{file}: {told}");
        if file == "report.json" {
            refused_by_all(&rig, file);
        }
        rig.run(&["show-run", "--write"]).expect(0);
        rig.run(&["verify-run"]).expect(0);
    }
}

#[test]
fn a_gate_of_report_and_journal_is_told_with_its_line() {
    let (rig, dir) = failed();
    edit(&dir.join("report.json"), "\"claim\": \"the number\"", "\"claim\": \"a number\"");
    let told = rig.run(&["verify-run"]).expect(JOURNAL).told();
    assert!(
        told.contains("the report says \"a number\"") && told.contains("the journal says \"the number\""),
        "{told}"
    );
    let gate = fs::read_to_string(dir.join(journal::FILE)).unwrap();
    let line = gate.lines().position(|l| l.contains("\"kind\":\"gate\"")).unwrap() + 1;
    assert!(told.contains(&format!("journal.jsonl:{line}")), "{told}");
}

#[test]
fn a_run_that_was_cut_and_went_on_is_believed_at_every_cut() {
    let (rig, dir) = failed();
    let path = dir.join(journal::FILE);
    let whole = fs::read(&path).unwrap();
    let lines: Vec<usize> =
        whole.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(n, _)| n + 1).collect();
    for report in ["report.json", "report.md", "report.html", "junit.xml"] {
        fs::remove_file(dir.join(report)).unwrap();
    }
    // as a killed process leaves it: what it was writing is torn, and the head may be a line behind
    for (n, end) in lines.iter().enumerate().skip(1).take(lines.len() - 2) {
        let head_of = |n: usize| hex(&Sha256::digest(&whole[lines[n - 1]..lines[n] - 1]));
        let kept = head::read(&dir).unwrap().unwrap();
        for (cut, last) in [(*end, n), (end + 9, n), (*end, n - 1)].into_iter().filter(|(_, last)| *last > 0)
        {
            fs::write(&path, &whole[..cut]).unwrap();
            let text =
                format!("last {}\nsynced {:-<64}\nboot {:-<36}\n", head_of(last), journal::ROOT, kept.boot);
            fs::write(dir.join(head::FILE), text).unwrap();
            rhumb::report::verify(&dir).unwrap_or_else(|e| panic!("line {n}: {e}"));
        }
    }
    rig.run(&["resume"]).expect(3);
    rig.run(&["verify-run"]).expect(0);
    rig.run(&["runs"]).expect(0);
}

#[test]
fn after_a_power_cut_only_what_was_synced_is_held() {
    let (_rig, dir) = failed();
    let path = dir.join(journal::FILE);
    let whole = fs::read_to_string(&path).unwrap();
    let kept = head::read(&dir).unwrap().unwrap();
    let last = whole.lines().last().unwrap();
    assert_eq!(kept.last, hex(&Sha256::digest(last.as_bytes())));
    assert_eq!(kept.last, kept.synced, "a run's end is on the disk");
    for report in ["report.json", "report.md", "report.html", "junit.xml"] {
        fs::remove_file(dir.join(report)).unwrap();
    }
    let (before, _) = whole.trim_end().rsplit_once('\n').unwrap();
    let synced = hex(&Sha256::digest(before.lines().last().unwrap().as_bytes()));
    fs::write(&path, format!("{before}\n")).unwrap();
    let came = |boot: &str, synced: &str| -> Result<head::Agreement> {
        let text = format!("last {}\nsynced {synced:-<64}\nboot {boot:-<36}\n", "f".repeat(64));
        fs::write(dir.join(head::FILE), text).unwrap();
        rhumb::report::verify(&dir).map(|v| v.kept_head)
    };
    assert_eq!(came("another-boot", &synced).unwrap(), head::Agreement::WentDown);
    // in the same boot a line may be missing that was announced and never written: the process was killed in between
    assert_eq!(came(&kept.boot, &synced).unwrap(), head::Agreement::Whole);
    let earlier = hex(&Sha256::digest(before.lines().rev().nth(1).unwrap().as_bytes()));
    let refused = |e: Error| (e.kind(), e.to_string().contains("its last line was changed"));
    assert_eq!(refused(came(&kept.boot, &earlier).unwrap_err()), (ErrorKind::Journal, true));
    assert_eq!(refused(came("another-boot", &"e".repeat(64)).unwrap_err()), (ErrorKind::Journal, true));
}

#[test]
fn who_ran_it_is_not_what_the_environment_says() {
    let rig = Rig::new("name = \"quiet\"\n");
    rig.file("x.rhai", r#"runbook("x", "X"); verify("1", "Look", || note("x"));"#);
    let mut command = rig.command(&["run", "x"]);
    command.env("USER", "mallory").env("LOGNAME", "mallory").env("SUDO_USER", "mallory");
    let ended = rig.end(&mut command).expect(0);
    let own = nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().map(|user| user.name);
    assert!(!ended.report.by.contains("mallory"), "{}", ended.report.by);
    assert!(ended.report.by.starts_with(&format!("{}@", own.unwrap())), "{}", ended.report.by);
}

/// A journal written anew, chained, without the head and the reports that would tell.
fn written_anew(dir: &Path, change: impl FnOnce(&mut Vec<Value>)) {
    let path = dir.join(journal::FILE);
    let text = fs::read_to_string(&path).unwrap();
    let mut records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    change(&mut records);
    fs::write(&path, chained(records)).unwrap();
    for file in [head::FILE, "report.json", "report.md", "report.html", "junit.xml"] {
        let _ = fs::remove_file(dir.join(file));
    }
}

/// A run of a runbook whose verdict needs a signature that nobody gave, and that went on once.
fn unsigned() -> (Rig, PathBuf) {
    let rig = Rig::new("name = \"quiet\"\n");
    let book = "runbook(\"sign\", \"Sign\", #{ needs: [\"1\", \"2\"] });\n\
        verify(\"1\", \"Sign\", || attest(\"it is so\"));\n\
        verify(\"2\", \"Sign more\", || { let n = [1, 2].map(|x| x + 1); note(`${n}`); attest(\"it is still so\"); });\n\
        verify(\"3\", \"Maybe\", || { if site.name == \"other\" { attest(\"never asked\"); } note(\"fine\") });\n";
    rig.file("sign.rhai", book);
    rig.run(&["run", "sign"]).expect(16);
    rig.run(&["resume"]).expect(16);
    let dir = fs::read_dir(rig.state().join("runs")).unwrap().next().unwrap().unwrap().path();
    rig.run(&["verify-run"]).expect(0);
    (rig, dir)
}

/// Makes the end of a run, and of its steps, say that it passed.
fn passes(records: &mut [Value]) {
    for record in records.iter_mut() {
        let fields = record.as_object_mut().unwrap();
        if fields["kind"] == "step-end" {
            fields.remove("claim");
            fields.insert("verdict".into(), "pass".into());
        }
    }
    let end = records.last_mut().unwrap().as_object_mut().unwrap();
    end.remove("lacks");
    end.extend([("ok".into(), true.into()), ("exit".into(), 0.into()), ("outcome".into(), "passed".into())]);
}

#[test]
fn what_a_verdict_needs_is_held_against_the_texts_and_what_was_before() {
    let refused = |change: fn(&mut Vec<Value>), said: &str| {
        let (rig, dir) = unsigned();
        written_anew(&dir, change);
        let told = rig.run(&["verify-run"]).expect(JOURNAL).told();
        assert!(told.contains(said), "{told}");
    };
    // one part of the run says otherwise than the part before
    refused(
        |records| {
            let named = records.iter_mut().rfind(|r| r["kind"] == "runbook").unwrap();
            named["needs"] = json!(["3"]);
            let end = records.last_mut().unwrap().as_object_mut().unwrap();
            end.remove("lacks");
            end.extend([
                ("ok".into(), true.into()),
                ("exit".into(), 0.into()),
                ("outcome".into(), "passed".into()),
            ]);
        },
        "needs 3, and before it went on, by the same texts, 1, 2",
    );
    // all parts do: the text is kept
    refused(
        |records| {
            for named in records.iter_mut().filter(|r| r["kind"] == "runbook") {
                named["needs"] = json!(["3"]);
            }
            for end in records.iter_mut().filter(|r| r["kind"] == "run-end") {
                let end = end.as_object_mut().unwrap();
                end.remove("lacks");
                end.extend([
                    ("ok".into(), false.into()),
                    ("exit".into(), 130.into()),
                    ("outcome".into(), "failed".into()),
                    ("error".into(), json!({"kind": "interrupted", "what": "interrupted"})),
                ]);
            }
        },
        "needs 3, and by its texts 1, 2",
    );
}

#[test]
fn a_signature_that_a_text_asks_for_cannot_be_left_out() {
    // the line that says that nobody signed is taken away, and the steps pass
    let (rig, dir) = unsigned();
    written_anew(&dir, |records| {
        let resumed = records.iter().position(|r| r["kind"] == "run-resume").unwrap();
        let mut n = 0;
        records.retain(|r| {
            n += 1;
            n <= resumed || r["kind"] != "attest"
        });
        passes(&mut records[resumed..]);
    });
    let told = rig.run(&["verify-run"]).expect(JOURNAL).told();
    assert!(told.contains("step 1 ends as PASS, and nobody signed \"it is so\""), "{told}");

    // another claim that is signed does not stand in for it, in a body with statements before
    let (rig, dir) = unsigned();
    written_anew(&dir, |records| {
        for record in records.iter_mut().filter(|r| r["kind"] == "attest") {
            record["by"] = "jo".into();
            if record["step"] == "2" {
                record["claim"] = "the weather is fine".into();
            }
        }
        let first = records.iter().position(|r| r["kind"] == "run-end").unwrap();
        records.truncate(first + 1);
        passes(records);
    });
    let told = rig.run(&["verify-run"]).expect(JOURNAL).told();
    assert!(told.contains("step 2 ends as PASS, and nobody signed \"it is still so\""), "{told}");

    // and the kept text is the one that the journal names
    let (rig, dir) = unsigned();
    for text in fs::read_dir(dir.join("sources")).unwrap() {
        let path = text.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        if text.contains("it is so") {
            fs::write(&path, text.replace("attest(\"it is so\")", "note(\"it is so\")")).unwrap();
        }
    }
    let told = rig.run(&["verify-run"]).expect(JOURNAL).told();
    assert!(told.contains("is not the one kept beside the journal"), "{told}");
}
