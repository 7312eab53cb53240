//! A run that is killed goes on as if nothing had been: no effect twice, none lost, the same verdicts and gates as those
//! of the undisturbed run. Whole rehearsals run in a process of their own against a lab in the test's; that process is
//! killed (SIGKILL) and another one resumes.
//!
//! * **With a record**: the process dies as soon as a record is in the journal, and once more with the outcome of
//!   each change torn off, which is a death between the service's act and the journal's word of it.
//! * **In a request**: the process dies with half of a request on its way, or with the answer on its way back.
//! * **In a row**: the process that goes on dies as well, and the one after it.
//!
//! The tests' own runbooks (an upload, a deletion that is waited for, a clean-up with a poll and a signature) die with each
//! record. [`schedules`] has kills and what a network does beside them, decided by a seed: see there how to play one.
//! [`proxy`] stands between, and [`plays`] holds what it plays.
//!
//! `cargo nextest run` takes a part of all deaths, so that it stays short: each intent, each outcome, every 24th record besides,
//! and eight moments in requests. All of them (each record, and each moment in a change) take a quarter of an hour:
//! `RHUMB_EVERY_DEATH=1 cargo test --test kill_and_resume`.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

mod player;
mod plays;
#[path = "../proxy/mod.rs"]
mod proxy;
mod schedules;
mod stage;

use std::collections::{BTreeMap, BTreeSet};

use rhumb::lab::Effect;
use rhumb::run::{Entry, Record, RunReport, Verdict};
use schedules::operator::Advice;
use schedules::runbooks::Book;
use stage::{Death, Passing, Stage};

/// How many moments in requests are tried of a runbook.
const MOMENTS: usize = 8;

/// Whether every death is to be tried.
fn every() -> bool {
    std::env::var_os("RHUMB_EVERY_DEATH").is_some()
}

/// The verdict of each step, by its id; of a FAIL with what failed.
fn verdicts(report: &RunReport) -> BTreeMap<String, String> {
    let words = |v: &Option<Verdict>| match v {
        Some(fail @ Verdict::Fail { .. }) => fail.to_string(),
        Some(other) => other.word().to_string(),
        None => "none".to_string(),
    };
    report.steps.iter().map(|s| (s.id.clone(), words(&s.verdict))).collect()
}

/// How often each change was asked of the cloud; ids are made by the order of things, so kinds count. What is asked
/// with a POST and changes nothing may be asked again: a verify step does.
fn effects(effects: &[Effect]) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    let reads = |e: &&Effect| e.path.ends_with("/certificates") || e.path.ends_with("reviews");
    // what was refused changed nothing
    for effect in effects.iter().filter(|e| !reads(e) && e.status < 400) {
        let id = |part: &str| part.len() >= 32 && part.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        let path: Vec<&str> = effect.path.split('/').map(|p| if id(p) { "{id}" } else { p }).collect();
        // whether an object was made or stated again is all that its status tells
        let status = if effect.path.contains("fieldManager=") { 200 } else { effect.status };
        let key = format!("{} {} {} {status}", effect.service, effect.method, path.join("/"));
        *all.entry(key).or_default() += 1;
    }
    all
}

/// How often each command was run that the journal of the undisturbed run has as a change.
fn commands(stage: &Stage, changes: &BTreeSet<String>) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for line in stage.commands() {
        let (_, shown) = line.split_once(' ').unwrap();
        if changes.contains(shown) {
            *all.entry(line).or_default() += 1;
        }
    }
    all
}

/// A run that nobody disturbed.
struct Undisturbed {
    runbook: String,
    entries: Vec<Entry>,
    seen: Vec<Passing>,
    verdicts: BTreeMap<String, String>,
    changes: BTreeSet<String>,
    wanted: BTreeMap<String, usize>,
}

impl Undisturbed {
    fn of(runbook: &str) -> Undisturbed {
        let stage = Stage::new(runbook);
        assert!(stage.play(false, Death::None));
        let entries = stage.entries();
        let command = |e: &Entry| match &e.record {
            Record::Intent { intent, .. } if intent.method == "run" => Some(intent.target.clone()),
            _ => None,
        };
        let changes = entries.iter().filter_map(command).collect();
        let mut wanted = effects(&stage.rehearsal().lab.effects());
        wanted.extend(commands(&stage, &changes));
        assert!(!wanted.is_empty(), "a run without effects proves nothing");
        let verdicts = verdicts(&stage.report());
        Undisturbed { runbook: runbook.into(), entries, seen: stage.seen(), verdicts, changes, wanted }
    }

    /// Whether every record is tried: those of the tests' own runbooks are few.
    fn is_own(&self) -> bool {
        Book::own(&self.runbook).is_some()
    }

    /// The records that a process dies with, and whether the record is torn off as well.
    fn records(&self) -> Vec<(u64, bool)> {
        let mut all = Vec::new();
        for e in self.entries.iter().filter(|e| !matches!(e.record, Record::RunEnd { .. })) {
            let outcome = matches!(e.record, Record::Outcome { .. });
            if every()
                || self.is_own()
                || outcome
                || matches!(e.record, Record::Intent { .. })
                || e.n % 24 == 0
            {
                all.push((e.n, false));
            }
            if outcome {
                all.push((e.n, true));
            }
        }
        all
    }

    /// Moments that a process dies at: half of them in changes and their answers.
    fn moments(&self) -> Vec<u64> {
        let grave = |at: usize| {
            let change = |p: &Passing| matches!(p, Passing::Change | Passing::Command | Passing::Output);
            change(&self.seen[at]) || at > 0 && self.seen[at - 1] == Passing::Change
        };
        let (graves, others): (Vec<usize>, Vec<usize>) = (0..self.seen.len()).partition(|at| grave(*at));
        let mut dice = Dice(u64::from(seed(&self.runbook)));
        let some = if every() { others.len() } else { MOMENTS / 2 };
        let mut all = if every() { graves } else { dice.of(&graves, MOMENTS / 2) };
        all.extend(dice.of(&others, some.min(24)));
        all.into_iter().map(|at| at as u64).collect()
    }

    /// Kills a run and goes on with it. Returns what is not as it should be.
    fn suffers(&self, death: Death, torn: bool) -> Vec<String> {
        let stage = Stage::new(&self.runbook);
        if stage.play(false, death) {
            return vec!["it was not killed".into()];
        }
        if torn {
            stage.tear_last_line();
        }
        self.goes_on(&stage)
    }

    /// Kills a run, and whoever goes on with it, one after the other.
    fn suffers_all(&self, deaths: &[Death]) -> Vec<String> {
        let stage = Stage::new(&self.runbook);
        for death in deaths {
            let began = stage.journal().exists();
            if stage.play(began, *death) {
                return self.differs(&stage);
            }
        }
        self.goes_on(&stage)
    }

    /// Goes on with a run that was killed. Returns what is not as it should be.
    fn goes_on(&self, stage: &Stage) -> Vec<String> {
        let began = stage.journal().exists();
        if !stage.play(began, Death::None) {
            return vec!["it did not come to its end".into()];
        }
        self.differs(stage)
    }

    fn differs(&self, stage: &Stage) -> Vec<String> {
        let mut wrong = Vec::new();
        // one that says what is to be done first is followed in the schedules
        let ended = stage.report().end.and_then(|end| end.error["help"].as_str().map(Advice::of));
        if ended.is_some_and(|advice| advice != Advice::default()) {
            return wrong;
        }
        for (step, verdict) in verdicts(&stage.report()) {
            if self.verdicts.get(&step) != Some(&verdict) {
                wrong.push(format!("step {step} is {verdict}"));
            }
        }
        let mut seen = effects(&stage.rehearsal().lab.effects());
        seen.extend(commands(stage, &self.changes));
        // nobody can tell by looking whether some changes took place: then the operator is asked
        let mut asked = stage.asked().len();
        let (mut applied, mut deleted) = (0, 0);
        for (effect, times) in &self.wanted {
            let now = seen.remove(effect).unwrap_or(0);
            if now < *times {
                wrong.push(format!("{effect} is lost: {now} of {times}"));
            }
            match now.saturating_sub(*times) {
                0 => {}
                // it states values, which are the same however often they are stated
                again if effect.contains("fieldManager=") => applied += again,
                again if effect.starts_with("kubernetes DELETE") => deleted += again,
                again if again <= asked => asked -= again,
                _ => wrong.push(format!("{effect} {now} times, and nobody was asked")),
            }
        }
        // a drill that had begun to clean up is done once more, and cleaned up once more
        if deleted > applied {
            wrong.push(format!("{deleted} deletions too many"));
        }
        wrong.extend(seen.keys().map(|effect| format!("{effect} is not of the undisturbed run")));
        wrong
    }

    /// Has it die each of these deaths.
    fn survives(&self, deaths: impl IntoIterator<Item = (Death, bool)>) {
        let mut wrong = Vec::new();
        for (death, torn) in deaths {
            let torn_off = if torn { ", which is torn off" } else { "" };
            for what in self.suffers(death, torn) {
                wrong.push(format!("{} {death:?}{torn_off}: {what}", self.runbook));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

fn seed(runbook: &str) -> u32 {
    runbook.bytes().fold(7, |seed, b| seed.wrapping_mul(31).wrapping_add(u32::from(b)))
}

/// Throws the same each time.
struct Dice(u64);

impl Dice {
    /// So many of these, each at most once.
    fn of(&mut self, all: &[usize], many: usize) -> Vec<usize> {
        let mut left = all.to_vec();
        let mut taken = Vec::new();
        while taken.len() < many && !left.is_empty() {
            // Knuth's MMIX
            self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            taken.push(left.swap_remove((self.0 >> 33) as usize % left.len()));
        }
        taken
    }
}

/// Every `of`th death with a record, from the `part`th on: the parts run side by side.
fn survives_records(runbook: &str, part: usize, of: usize) {
    let run = Undisturbed::of(runbook);
    let all = run.records();
    println!("{runbook}: {} of {} records", all.len(), run.entries.len());
    run.survives(all.into_iter().skip(part).step_by(of).map(|(n, torn)| (Death::Record(n), torn)));
}

fn survives_moments(runbook: &str) {
    let run = Undisturbed::of(runbook);
    let all = run.moments();
    println!("{runbook}: {} of {} moments", all.len(), run.seen.len());
    run.survives(all.into_iter().map(|at| (Death::Moment(at), false)));
}

/// Kills a run, and the resume, and the resume of that, at records and moments that are thrown.
fn survives_deaths_in_a_row(runbook: &str, rows: u64) {
    let run = Undisturbed::of(runbook);
    let mut wrong = Vec::new();
    for row in 0..rows {
        let mut dice = Dice(u64::from(seed(runbook)) + row);
        let mut below = |limit: usize| 1 + dice.of(&(0..limit).collect::<Vec<_>>(), 1)[0] as u64;
        let (records, moments) = (run.entries.len() - 1, run.seen.len() - 1);
        // a run that goes on begins with a few records of its own
        let deaths = [
            Death::Record(below(records)),
            Death::Record(below(6)),
            Death::Moment(below(moments.min(24))),
            Death::Record(below(12)),
        ];
        wrong
            .extend(run.suffers_all(&deaths).into_iter().map(|what| format!("{runbook} {deaths:?}: {what}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_upload_survives_a_death_with_each_record() {
    survives_records("upload", 0, 1);
}

#[test]
fn an_upload_survives_a_death_in_a_request() {
    survives_moments("upload");
}

#[test]
fn a_deletion_that_is_waited_for_survives_a_death_with_each_record() {
    survives_records("server", 0, 1);
}

#[test]
fn a_deletion_that_is_waited_for_survives_a_death_in_a_request() {
    survives_moments("server");
}

#[test]
fn a_clean_up_a_poll_and_a_signature_survive_a_death_with_each_record() {
    survives_records("clean-up", 0, 1);
}

#[test]
fn a_clean_up_and_a_poll_survive_a_death_in_a_request() {
    survives_moments("clean-up");
}

#[test]
fn a_resume_survives_one_death_after_the_other() {
    survives_deaths_in_a_row("clean-up", 4);
    survives_deaths_in_a_row("park", 3);
    survives_deaths_in_a_row("upload", 3);
    survives_deaths_in_a_row("restart", 2);
}

#[test]
fn park_survives_a_death_with_a_record() {
    survives_records("park", 0, 1);
}

#[test]
fn restart_survives_a_death_with_a_record() {
    survives_records("restart", 0, 1);
}

#[test]
fn phase_08_survives_a_death_with_a_record_1() {
    survives_records("phase-08", 0, 2);
}

#[test]
fn phase_08_survives_a_death_with_a_record_2() {
    survives_records("phase-08", 1, 2);
}

#[test]
fn park_survives_a_death_in_a_request() {
    survives_moments("park");
}

#[test]
fn restart_survives_a_death_in_a_request() {
    survives_moments("restart");
}

#[test]
fn phase_08_survives_a_death_in_a_request() {
    survives_moments("phase-08");
}
