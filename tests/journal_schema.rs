//! `docs/journal.md` is what other programs are written against: it must name every kind of record
//! and every field, and its examples must be journal lines.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

use rhumb::base::again::With;
use rhumb::base::{Error, ErrorKind, Intent, Undo};
use rhumb::run::record::SourceMark;
use rhumb::run::{Earlier, Entry, Lacking, Outcome, Record, Selection, StepKind, Verdict};
use serde_json::{Value, json};

const DOCS: &str = include_str!("../docs/journal.md");

fn text(s: &str) -> String {
    s.into()
}

fn intent() -> Intent {
    Intent {
        system: text("openstack"),
        handle: text("admin"),
        identity: text("admin"),
        method: text("POST"),
        target: text("/servers"),
        url: text("https://nova.example:8774/v2.1/servers"),
        ids: vec![text("11111111-2222-4333-8444-555555555555")],
        summary: text("create a server"),
        body: json!({"name": "x"}),
        undo: Undo::By(text("delete it")),
        destroys: true,
        replaces: json!({"size": 3}),
        was: json!({"id": "6de15cf4-8805-4ac2-b413-8de2c48d92cf", "name": "capi-test-1"}),
    }
}

fn error() -> Value {
    let e = Error::new(ErrorKind::Gate, "no").help("fix it").scope("admin").status(409).request_id("req-1");
    serde_json::to_value(e.place("x.rhai", 1, 2).cause("why")).unwrap()
}

fn verdicts() -> Vec<Verdict> {
    let (reason, owner, until) = (text("r"), text("o"), text("2026-12-31"));
    let all = vec![
        Verdict::Pass,
        Verdict::Fail { reason: reason.clone() },
        Verdict::KnownIssue { id: text("KI-1") },
        Verdict::Waived { reason: reason.clone(), owner, until },
        Verdict::Deferred { decision: text("D-1") },
        Verdict::Skipped { reason },
        Verdict::Outstanding { claim: text("c") },
        Verdict::Unknown { reason: text("r") },
    ];
    // a new verdict must be added to the list above, and to the page
    for v in &all {
        match v {
            Verdict::Pass
            | Verdict::Fail { .. }
            | Verdict::KnownIssue { .. }
            | Verdict::Waived { .. }
            | Verdict::Deferred { .. }
            | Verdict::Skipped { .. }
            | Verdict::Outstanding { .. }
            | Verdict::Unknown { .. } => {}
        }
    }
    all
}

/// The records, each with every optional field.
fn records() -> Vec<Record> {
    let (step, by, version) = (text("1"), text("ops@jump"), text("0.1.0"));
    let with = With::of(None, &[text("a=b")], None);
    let begin = Record::RunBegin {
        run: text("r"),
        runbook: text("b"),
        site: text("s"),
        mode: text("run"),
        version: version.clone(),
        by: by.clone(),
        pid: 1,
        values: json!({}),
        with: with.clone(),
    };
    let title = || text("t");
    let mut all = vec![
        begin,
        Record::RunResume { version, by: by.clone(), pid: 1, with: with.clone() },
        Record::Selection(
            Selection::new(Some(text("2")), vec![text("3")], vec![text("4")], "a reason")
                .unwrap()
                .going_on(&Earlier::default())
                .with_values(json!({})),
        ),
        Record::Source(SourceMark { name: text("std/x"), layer: text("site"), sha256: "0".repeat(64) }),
        Record::Runbook {
            id: text("b"),
            title: title(),
            needs: Some(vec![text("1")]),
            overridden: Some(title()),
        },
        Record::StepBegin {
            step: step.clone(),
            title: title(),
            kind: StepKind::Change,
            overridden: Some(title()),
        },
        Record::Note { step: step.clone(), text: title() },
        Record::Fact { step: step.clone(), name: title(), value: json!(1) },
        Record::Gate {
            step: step.clone(),
            claim: title(),
            ok: false,
            observed: json!(1),
            wanted: json!(2),
            scopes: vec![text("admin")],
            excused: Some(Verdict::KnownIssue { id: text("KI-1") }),
        },
        Record::WaitBegin { step: step.clone(), wait: 1, title: title(), every: 1.0, within: 2.0 },
        Record::WaitSample { wait: 1, elapsed: 1.0, state: title(), tolerated: Some(title()) },
        Record::WaitEnd { wait: 1, elapsed: 1.0, looks: 2, tolerated: 1, error: Some(title()) },
        Record::Intent {
            step: step.clone(),
            call: text("1"),
            digest: intent().digest(),
            approved: text("--yes"),
            intent: intent(),
        },
        Record::Outcome { intent: 1, value: json!(1), error: error(), settled: true },
        Record::Refusal { step: step.clone(), reason: title(), intent: intent() },
        Record::Attest { step: step.clone(), claim: title(), by: Some(by), kept: Some(1) },
        Record::Cleanup { step: step.clone(), title: title(), error: Some(title()) },
        Record::RunEnd {
            ok: false,
            exit: 3,
            outcome: Some(Outcome::Failed),
            lacks: vec![Lacking { step: text("1"), why: title() }],
            seconds: 1.0,
            error: error(),
        },
    ];
    all.extend(verdicts().into_iter().map(|verdict| Record::StepEnd {
        step: step.clone(),
        verdict,
        seconds: 1.0,
        value: json!(1),
        error: error(),
        recalled: true,
    }));
    // a new record must be added to the list above, and to the page
    for record in &all {
        match record {
            Record::RunBegin { .. }
            | Record::RunResume { .. }
            | Record::Selection(_)
            | Record::Source(_)
            | Record::Runbook { .. }
            | Record::StepBegin { .. }
            | Record::Note { .. }
            | Record::Fact { .. }
            | Record::Gate { .. }
            | Record::WaitBegin { .. }
            | Record::WaitSample { .. }
            | Record::WaitEnd { .. }
            | Record::Intent { .. }
            | Record::Outcome { .. }
            | Record::Refusal { .. }
            | Record::Attest { .. }
            | Record::Cleanup { .. }
            | Record::StepEnd { .. }
            | Record::RunEnd { .. } => {}
        }
    }
    all
}

/// The part of the page about a kind of record: from its heading to the next.
fn section(kind: &str) -> &'static str {
    let heading = format!("### `{kind}`\n");
    let start = DOCS.find(&heading).unwrap_or_else(|| panic!("no heading for `{kind}`")) + heading.len();
    DOCS[start..].split("\n#").next().unwrap()
}

fn fields(value: &Value) -> Vec<&String> {
    value.as_object().into_iter().flatten().map(|(key, _)| key).collect()
}

#[test]
fn every_record_and_every_field_is_on_the_page() {
    let errors = DOCS.split("## Errors").nth(1).unwrap();
    for field in fields(&error()) {
        assert!(errors.contains(&format!("| `{field}` |")), "no row for an error's `{field}`");
    }
    for record in records() {
        let value = serde_json::to_value(&record).unwrap();
        let kind = value["kind"].as_str().unwrap().to_string();
        let mut about = section(&kind).to_string();
        if kind == "refusal" {
            about.push_str(section("intent")); // the page refers to it
        }
        for field in fields(&value).into_iter().filter(|f| *f != "kind") {
            assert!(about.contains(&format!("`{field}`")), "`{kind}` does not tell of `{field}`");
        }
        if let Some(verdict) = value["verdict"].as_str() {
            assert!(about.contains(&format!("| `{verdict}` |")), "no row for verdict `{verdict}`");
        }
    }
}

#[test]
fn what_must_be_on_disk_is_what_the_page_says() {
    let sentence = DOCS.split("**On disk.**").nth(1).unwrap().split("are on the disk").next().unwrap();
    for record in records() {
        let value = serde_json::to_value(&record).unwrap();
        let kind = value["kind"].as_str().unwrap();
        assert_eq!(record.must_sync(), sentence.contains(&format!("`{kind}`")), "{kind}");
    }
}

#[test]
fn every_example_is_a_journal_line_and_no_kind_lacks_one() {
    let examples: Vec<Entry> = DOCS
        .split("```json\n")
        .skip(1)
        .map(|rest| rest.split("\n```").next().unwrap())
        .map(|line| {
            let entry: Entry = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            // nothing in it is invented: written again, it says the same
            let given: Value = serde_json::from_str(line).unwrap();
            let written = serde_json::to_value(&entry).unwrap();
            assert_eq!(written, given);
            entry
        })
        .collect();
    let kind = |r: &Record| serde_json::to_value(r).unwrap()["kind"].as_str().unwrap().to_string();
    for record in records() {
        assert!(examples.iter().any(|e| kind(&e.record) == kind(&record)), "no example of {}", kind(&record));
    }
}
