//! A journal, as bytes and as records: damaged ones are refused, and of whole ones every view can be made, whatever is
//! recorded in them and in whichever order.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rhumb::base::ErrorKind;
use rhumb::report::{RunDiff, html, json, junit, markdown, terminal};
use rhumb::run::audit::audit;
use rhumb::run::report::StepReport;
use rhumb::run::{Entry, Journal, Past, RunReport, SESSION, Verdict, journal};
use serde_json::Value;

/// Records that a run of one input may have; more only costs time.
const MOST: usize = 64;

fuzz_target!(|bytes: &[u8]| {
    let dir = tempfile::tempdir().expect("a directory");
    let raw = dir.path().join("raw.jsonl");
    std::fs::write(&raw, bytes).expect("a file");
    if let Err(e) = journal::read(&raw) {
        assert_eq!(e.kind(), ErrorKind::Journal);
    }

    // the same records in a chain that is whole, so that what reads behind the chain is reached
    let records = bytes.split(|b| *b == b'\n').filter_map(record).take(MOST);
    let mut it = Journal::create(&dir.path().join("run"), false).expect("a journal");
    let written: Vec<Entry> =
        records.map(|e| it.append(e.at, e.record).expect("a record that was read is written")).collect();
    let read = journal::read(it.path()).expect("what was written is read").entries;
    assert_eq!(read, written);

    let _ = Past::of(&read);
    let report = RunReport::of(&read);
    // what is believed does not pass over a step or a gate that fails
    let passed = report.end.as_ref().is_some_and(|end| end.ok) && report.runbook != SESSION;
    if passed && audit(&read).is_ok() {
        let failed = |step: &StepReport| {
            matches!(step.verdict, Some(Verdict::Fail { .. }))
                || step.verdict.is_some() && step.gates.iter().any(|gate| !gate.ok && gate.excused.is_none())
        };
        assert!(!report.steps.iter().any(failed), "a run that failed is believed to have passed");
    }
    let _ = markdown::render(&report);
    let _ = junit::render(&report);
    let _ = terminal::render(&report, &terminal::Options { width: 80, colours: true, reports: None });
    json::render(&report).expect("a report is JSON");
    html::render(&report).expect("a report is a page");
    assert!(RunDiff::of(&report, &report).is_empty(), "a run differs from itself");
});

/// A line as an entry; its number, time and chain may be missing.
fn record(line: &[u8]) -> Option<Entry> {
    let mut value: Value = serde_json::from_slice(line).ok()?;
    let fields = value.as_object_mut()?;
    fields.insert("n".into(), 1.into());
    fields.insert("prev".into(), "".into());
    fields.entry("at").or_insert_with(|| "2026-06-10T02:00:00Z".into());
    serde_json::from_value(value).ok()
}
