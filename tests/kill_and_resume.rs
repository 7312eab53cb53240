//! A run that is killed at any of its records goes on as if nothing had been: no effect twice, none lost, the same
//! verdicts. Whole rehearsals are cut off after each record in turn, and once more with the outcome of each
//! change torn off, which is a death between the service's act and the journal's word of it.
//!
//! The death is a panic in whoever watches the run, right after the record is on disk: nothing of the run's own
//! code runs after it, no clean-up, no last record. The lab stays as it is, as a cloud does.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rhumb::base::Clock;
use rhumb::lab::{Effect, Rehearsal, Scenario};
use rhumb::run::approval::Question;
use rhumb::run::journal::{self, FILE};
use rhumb::run::{
    Answer, Approvals, Approver, Cancel, Entry, Journal, Mode, Observer, Past, Record, Run, RunReport,
    RunSettings, Selection,
};
use rhumb::script::handles::SiteHandle;
use rhumb::script::modules::Library;
use rhumb::script::{Host, Runbook};
use rhumb::site::Site;

const SITE: &str = include_str!("../examples/sites/roosevelt/site.toml");

/// Ends the run's threads after so many records, as a kill does.
struct Killer {
    after: u64,
    seen: AtomicU64,
}

impl Observer for Killer {
    fn entry(&self, _: &Entry) {
        if self.seen.fetch_add(1, Ordering::SeqCst) + 1 >= self.after {
            panic!("killed");
        }
    }
}

/// Approves, and remembers the questions that were asked because of a doubt.
struct Operator(Arc<Mutex<Vec<String>>>);

impl Approver for Operator {
    fn ask(&self, question: &Question<'_>, known: Option<&str>) -> Answer {
        if known.is_some() {
            return Answer::Once;
        }
        assert!(question.in_doubt, "all else is approved beforehand");
        self.0.lock().unwrap().push(question.intent.target.clone());
        Answer::Once
    }

    fn attest(&self, _: &str) -> Option<String> {
        Some("the operator".into())
    }
}

struct Theatre {
    runtime: tokio::runtime::Runtime,
    rehearsal: Rehearsal,
    dir: tempfile::TempDir,
    /// What the operator was asked.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Theatre {
    fn new(runbook: &str) -> Theatre {
        rhumb::systems::http::install_crypto();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let site = Site::from_embedded(SITE, "site.toml", &[]).unwrap();
        let name = Scenario::of_runbook(runbook).unwrap_or("phase-08");
        let scenario = Scenario::shipped(name, &Scenario::values_of(&site)).unwrap();
        let rehearsal = Rehearsal::begin(&site, scenario, &[], runtime.handle()).unwrap();
        Theatre { runtime, rehearsal, dir: tempfile::tempdir().unwrap(), asked: Arc::default() }
    }

    fn run_dir(&self) -> &Path {
        self.dir.path()
    }

    /// Runs, or goes on, until the end or until so many records were written. Whether it came to its end.
    fn act(&self, runbook: &str, resumed: bool, after: u64) -> bool {
        let site = self.rehearsal.site.clone();
        let clock: Arc<dyn Clock> = self.rehearsal.clock.clone();
        let (journal, past) = match resumed {
            false => (Journal::create(self.run_dir(), false).unwrap(), Past::default()),
            true => {
                let (journal, entries) = Journal::reopen(self.run_dir()).unwrap();
                (journal, Past::of(&entries))
            }
        };
        let library = Library::new(site.layers.clone());
        let handle = SiteHandle::new(site, clock.clone());
        let settings = RunSettings {
            mode: Mode::Rehearse,
            clock,
            journal,
            observer: Arc::new(Killer { after, seen: AtomicU64::new(0) }),
            approver: Box::new(Operator(self.asked.clone())),
            approvals: Approvals::of(Some("rehearsal"), []),
            excuse: Box::new(|_, _, _| None),
            past,
            selection: Selection::default(),
            cancel: Cancel::default(),
            cleanup_within: Duration::from_secs(1200),
        };
        let (version, by, pid) = ("test".to_string(), "test".to_string(), 1);
        let first = match resumed {
            true => Record::RunResume { version, by, pid },
            false => Record::RunBegin {
                run: "r".into(),
                runbook: runbook.into(),
                site: handle.name().into(),
                mode: "rehearse".into(),
                version,
                by,
                pid,
                values: handle.values(),
            },
        };
        let runtime = self.runtime.handle().clone();
        let play = move || {
            let run = Run::begin(settings, first).unwrap();
            let host = Host::new(run.clone(), handle, library, runtime);
            let ended = Runbook::load(runbook, &host).unwrap_or_else(|e| panic!("{}", e.error())).run();
            run.finish(ended.error.as_ref()).unwrap();
        };
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(play)).is_ok()
    }

    fn entries(&self) -> Vec<Entry> {
        journal::read(&self.run_dir().join(FILE)).unwrap().entries
    }

    fn report(&self) -> RunReport {
        RunReport::of(&self.entries())
    }

    /// Takes the last line away, as if the process had died before it was written.
    fn tear_last_line(&self) {
        let path = self.run_dir().join(FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        let whole = text.trim_end().rfind('\n').map_or(0, |at| at + 1);
        std::fs::write(&path, &text[..whole]).unwrap();
    }
}

/// The verdict of each step, by its id.
fn verdicts(report: &RunReport) -> BTreeMap<String, String> {
    let word = |s: &rhumb::run::report::StepReport| {
        (s.id.clone(), s.verdict.as_ref().map_or("none".to_string(), |v| v.word().to_string()))
    };
    report.steps.iter().map(word).collect()
}

/// How often each change was asked of the cloud; ids are made by the order of things, so kinds count.
fn effects(effects: &[Effect]) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for effect in effects {
        let id = |part: &str| part.len() >= 32 && part.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        let path: Vec<&str> = effect.path.split('/').map(|p| if id(p) { "{id}" } else { p }).collect();
        let key = format!("{} {} {} {}", effect.service, effect.method, path.join("/"), effect.status);
        *all.entry(key).or_default() += 1;
    }
    all
}

/// Where a cut may be, and whether the record there is torn off as well.
fn cuts(entries: &[Entry]) -> Vec<(u64, bool)> {
    let all = entries.iter().filter(|e| !matches!(e.record, Record::RunEnd { .. }));
    let outcome = |e: &Entry| matches!(e.record, Record::Outcome { .. });
    all.flat_map(|e| [(e.n, false), (e.n, true)].into_iter().filter(move |(_, torn)| !torn || outcome(e)))
        .collect()
}

/// Every `of`th cut, from the `part`th on: the parts run side by side.
fn holds(runbook: &str, part: usize, of: usize) {
    std::panic::set_hook(Box::new(|info| {
        if info.payload().downcast_ref::<&str>() != Some(&"killed") {
            eprintln!("{info}");
        }
    }));
    let undisturbed = Theatre::new(runbook);
    assert!(undisturbed.act(runbook, false, u64::MAX));
    let (wanted_verdicts, wanted_effects) =
        (verdicts(&undisturbed.report()), effects(&undisturbed.rehearsal.lab.effects()));
    assert!(!wanted_effects.is_empty(), "a run without effects proves nothing");

    let cuts = cuts(&undisturbed.entries());
    println!("{runbook}: {} cuts", cuts.len());
    for (after, torn) in cuts.into_iter().skip(part).step_by(of) {
        let theatre = Theatre::new(runbook);
        let at =
            format!("{runbook}, cut after record {after}{}", if torn { ", which is torn off" } else { "" });
        assert!(!theatre.act(runbook, false, after), "{at}: it was not cut");
        if torn {
            theatre.tear_last_line();
        }
        assert!(theatre.act(runbook, true, u64::MAX), "{at}: it did not come to its end");
        let report = theatre.report();
        assert_eq!(verdicts(&report), wanted_verdicts, "{at}");
        let seen = effects(&theatre.rehearsal.lab.effects());
        let asked = theatre.asked.lock().unwrap().clone();
        for (effect, times) in &wanted_effects {
            let now = seen.get(effect).copied().unwrap_or(0);
            assert!(now >= *times, "{at}: {effect} is lost: {now} of {times}");
            // nobody can tell by looking whether some changes took place: then the operator is asked
            assert!(now == *times || !asked.is_empty(), "{at}: {effect} twice, and nobody was asked");
        }
        for effect in seen.keys() {
            assert!(wanted_effects.contains_key(effect), "{at}: {effect} is not of the undisturbed run");
        }
    }
}

#[test]
fn the_parking_goes_on_from_any_record() {
    holds("park", 0, 1);
}

#[test]
fn the_restart_goes_on_from_any_record_1() {
    holds("restart", 0, 3);
}

#[test]
fn the_restart_goes_on_from_any_record_2() {
    holds("restart", 1, 3);
}

#[test]
fn the_restart_goes_on_from_any_record_3() {
    holds("restart", 2, 3);
}
