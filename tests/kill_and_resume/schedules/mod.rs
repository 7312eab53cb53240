//! Schedules: a run under kills, a lying network and an operator who goes on at once or later, all of it decided by a seed.
//!
//! One property: **effects = wanted, once; the verdicts of the undisturbed run; and no run that cannot go on**. After any
//! death or failure somebody types what the run printed, until it has passed.
//!
//! A run lives in this process ([`life`]) in the lab's virtual time, so a schedule takes some ten milliseconds; what a SIGKILL
//! does to a process is tried in the tests beside this room. Between the run and the lab stands the proxy of `tests/proxy`,
//! which resets, cuts, lies, doubles, queues and forwards later. [`plan`] says what a seed is made of.
//!
//! * `cargo nextest run --test kill_and_resume schedules` plays a sample of fixed seeds.
//! * `RHUMB_SCHEDULES=2000` plays so many, shared out among the runbooks; `RHUMB_SCHEDULES_FROM=N` begins with another seed.
//! * `RHUMB_SCHEDULE=network:17` plays one, and prints its course: `cargo test --test kill_and_resume one_schedule --
//!   --nocapture`. `RHUMB_SCHEDULE='network:17:0,2'` plays only these of its faults.

mod course;
mod life;
pub(crate) mod operator;
mod plan;
pub(crate) mod runbooks;
mod world;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rhumb::run::RunReport;
use rhumb::run::journal::{self, FILE};

use crate::proxy::Carried;
use plan::{Fault, Moments, Schedule};
use runbooks::Book;
use world::{World, alters};

/// A runbook, with the number of its schedules in the sample and its share of a thousand.
const BOOKS: &[(Book, u64, u64)] = &[
    (runbooks::NETWORK, 60, 180),
    (runbooks::OBJECTS, 40, 120),
    (runbooks::CLEAN_UP, 40, 120),
    (runbooks::UPLOAD, 40, 120),
    (runbooks::CLUSTER, 20, 80),
    (runbooks::SERVER, 40, 100),
    (runbooks::COMMAND, 30, 60),
    (runbooks::FILE, 30, 60),
    (runbooks::PARK, 30, 60),
    (runbooks::FAILOVER, 16, 40),
    (runbooks::SWEEP, 10, 20),
    (runbooks::RESTART, 8, 15),
    (runbooks::STUCK_DELETE, 8, 15),
    (runbooks::PHASE_08, 4, 10),
];

/// A run that nobody disturbed.
struct Undisturbed {
    book: Book,
    moments: Moments,
    verdicts: BTreeMap<String, String>,
    wanted: BTreeMap<String, usize>,
}

impl Undisturbed {
    fn of(book: Book) -> Undisturbed {
        let world = World::new(book, Vec::new());
        let came = course::follow(&world, &[Duration::ZERO]);
        assert!(came.is_ok(), "{}: {came:?}\n{}", book.name, world.story().join("\n"));
        let wanted = effects(&world);
        assert!(!wanted.is_empty(), "a run without effects proves nothing");
        Undisturbed { book, moments: world.moments(), verdicts: verdicts(&world), wanted }
    }

    /// Plays these faults. Returns what is not as it should be, and the course of the run.
    fn under(&self, faults: &[Fault], pauses: &[Duration]) -> (Vec<String>, Vec<String>) {
        let world = World::new(self.book, faults.to_vec());
        let wrong = match course::follow(&world, pauses) {
            Err(stuck) => vec![stuck],
            Ok(()) => self.differs(&world),
        };
        (wrong, world.story())
    }

    fn differs(&self, world: &World) -> Vec<String> {
        let mut wrong = Vec::new();
        for (step, verdict) in verdicts(world) {
            if self.verdicts.get(&step) != Some(&verdict) {
                wrong.push(format!("step {step} is {verdict}"));
            }
        }
        let mut seen = effects(world);
        // what states values may be stated again, and what was made and removed again counts for nothing
        let (mut again, mut removed) = (BTreeMap::new(), world.removals());
        for (effect, times) in &self.wanted {
            let now = seen.remove(effect).unwrap_or(0);
            if now < *times {
                wrong.push(format!("{effect} is lost: {now} of {times}"));
            }
            if now > *times {
                again.insert(effect.clone(), now - times);
            }
        }
        again.extend(seen);
        for (made, times) in again.clone() {
            let is_stated = made.contains("fieldManager=");
            let collection =
                made.strip_prefix("POST ").or(is_stated.then(|| made.trim_start_matches("PATCH ")));
            let Some(collection) = collection else { continue };
            let collection = collection.split('?').next().unwrap_or_default().to_string();
            let gone = again.keys().find(|key| {
                let path = key.strip_prefix("DELETE ").map(|path| path.split('?').next().unwrap_or_default());
                path.is_some_and(|path| path == collection || path.starts_with(&format!("{collection}/")))
            });
            if let Some(gone) = gone.cloned() {
                let pairs = times.min(again[&gone]);
                for key in [&made, &gone] {
                    *again.get_mut(key).unwrap() -= pairs;
                }
                removed += pairs;
            }
            if is_stated {
                again.remove(&made);
            }
        }
        for (effect, times) in again.into_iter().filter(|(_, times)| *times > 0) {
            // what goes with a thing that was removed and made anew: its bytes, its import
            if removed * 3 >= times && (effect.contains("/images") || effect.contains("/clusters")) {
                continue;
            }
            let wanted = self.wanted.get(&effect).copied().unwrap_or(0);
            wrong.push(format!("{effect} {} times instead of {wanted}", wanted + times));
        }
        wrong
    }

    /// Takes faults away as long as it goes wrong without them.
    fn shrunk(&self, schedule: &Schedule) -> Vec<usize> {
        let mut kept: Vec<usize> = (0..schedule.faults.len()).collect();
        for fault in 0..schedule.faults.len() {
            let fewer: Vec<usize> = kept.iter().copied().filter(|n| *n != fault).collect();
            let faults: Vec<Fault> = fewer.iter().map(|n| schedule.faults[*n]).collect();
            if !fewer.is_empty() && !self.under(&faults, &schedule.pauses).0.is_empty() {
                kept = fewer;
            }
        }
        kept
    }
}

/// The verdict of each step, by its id.
fn verdicts(world: &World) -> BTreeMap<String, String> {
    let report = RunReport::of(&journal::read(&world.run_dir().join(FILE)).unwrap().entries);
    crate::verdicts(&report)
}

/// How often each change took effect that the run sent: what the network doubled counts once, and what a service refused
/// not at all.
fn effects(world: &World) -> BTreeMap<String, usize> {
    let mut all: BTreeMap<String, usize> = BTreeMap::new();
    let accepted = world.accepted();
    let changes = accepted.iter().filter(|c| !c.copy && alters(&c.method, &c.path));
    for effect in changes.map(named).chain(world.commands()) {
        *all.entry(effect).or_default() += 1;
    }
    // commands that only look may be run any number of times
    all.retain(|effect, _| !effect.contains(": ") || world.changed_by_command(effect));
    all
}

/// What was done; ids are made by the order of things, so kinds count.
fn named(change: &Carried) -> String {
    let id = |part: &str| {
        let bare = part.split('?').next().unwrap_or_default();
        bare.len() >= 32 && bare.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
    };
    let path: Vec<&str> = change.path.split('/').map(|part| if id(part) { "{id}" } else { part }).collect();
    format!("{} {}", change.method, path.join("/"))
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Plays a runbook's share of the schedules.
fn play(name: &str) {
    let (book, sample, share) = BOOKS.iter().find(|(book, ..)| book.name == name).unwrap();
    let many = number("RHUMB_SCHEDULES").map_or(*sample, |all| (all * share).div_ceil(1000));
    let from = number("RHUMB_SCHEDULES_FROM").unwrap_or(0);
    let (run, began) = (Undisturbed::of(*book), Instant::now());
    let (mut wrong, mut failed) = (Vec::new(), 0);
    for seed in from..from + many {
        let schedule = Schedule::of(seed, run.moments);
        let (what, _) = run.under(&schedule.faults, &schedule.pauses);
        if what.is_empty() {
            continue;
        }
        failed += 1;
        if failed <= 12 {
            let kept = run.shrunk(&schedule);
            let numbers: Vec<String> = kept.iter().map(usize::to_string).collect();
            let faults: Vec<String> = kept.iter().map(|n| schedule.faults[*n].to_string()).collect();
            wrong.push(format!(
                "RHUMB_SCHEDULE={name}:{seed}:{}  {}\n    {}",
                numbers.join(","),
                faults.join(", "),
                what.join("\n    ")
            ));
        }
    }
    let rate = many as f64 / began.elapsed().as_secs_f64();
    println!("{name}: {many} schedules, {rate:.1} a second, {failed} failed");
    assert!(failed == 0, "{failed} of {many} schedules of {name} went wrong:\n{}", wrong.join("\n"));
}

#[test]
fn one_schedule() {
    let text = std::env::var("RHUMB_SCHEDULE").unwrap_or("network:0".into());
    let parts: Vec<&str> = text.split(':').collect();
    let (book, ..) = BOOKS.iter().find(|(book, ..)| book.name == parts[0]).unwrap();
    let run = Undisturbed::of(*book);
    let schedule = Schedule::of(parts[1].parse().unwrap(), run.moments);
    let faults = match parts.get(2) {
        Some(kept) => kept.split(',').map(|n| schedule.faults[n.parse::<usize>().unwrap()]).collect(),
        None => schedule.faults.clone(),
    };
    let (wrong, story) = run.under(&faults, &schedule.pauses);
    println!("{}", story.join("\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

macro_rules! played {
    ($($test:ident: $name:literal,)*) => {
        $(#[test] fn $test() { play($name); })*

        #[test]
        fn every_runbook_is_played() {
            let played = [$($name),*];
            assert!(BOOKS.iter().all(|(book, ..)| played.contains(&book.name)));
        }
    };
}

played! {
    network_under_schedules: "network",
    objects_under_schedules: "objects",
    clean_up_under_schedules: "clean-up",
    upload_under_schedules: "upload",
    cluster_under_schedules: "cluster",
    server_under_schedules: "server",
    command_under_schedules: "command",
    file_under_schedules: "file",
    park_under_schedules: "park",
    lb_failover_under_schedules: "lb-failover",
    amphora_sweep_under_schedules: "amphora-sweep",
    restart_under_schedules: "restart",
    stuck_delete_under_schedules: "stuck-delete",
    phase_08_under_schedules: "phase-08",
}

/// Whether a runbook bears one thing that goes wrong, with an operator who goes on at once.
fn bears(book: Book, at: plan::At, n: u64, what: plan::What) {
    let (wrong, story) = Undisturbed::of(book).under(&[Fault { at, n, what }], &[Duration::ZERO; 8]);
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), story.join("\n"));
}

#[test]
fn what_a_captive_portal_answers_makes_nothing_and_deletes_nothing() {
    let html = plan::What::Play(crate::proxy::Play::Html);
    bears(runbooks::NETWORK, plan::At::Change, 1, html);
    bears(runbooks::SERVER, plan::At::Change, 1, html);
    bears(runbooks::OBJECTS, plan::At::Change, 3, html);
}

#[test]
fn a_create_that_arrives_after_the_run_was_killed_and_gone_on_with_makes_one_thing() {
    bears(runbooks::NETWORK, plan::At::Change, 1, plan::What::KillLate(6));
    bears(runbooks::CLUSTER, plan::At::Change, 1, plan::What::KillLate(6));
}

#[test]
fn a_transfer_that_is_cut_in_the_middle_ends_as_an_image() {
    bears(runbooks::UPLOAD, plan::At::Change, 2, plan::What::KillMidway);
}

/// What let one into the cluster is in no journal, and what was seen in there is behind it.
#[test]
fn what_was_seen_inside_of_a_cluster_counts_though_its_deletion_is_cut_off() {
    let run = Undisturbed::of(runbooks::CLUSTER);
    for n in run.moments.records - 12..=run.moments.records {
        bears(runbooks::CLUSTER, plan::At::Record, n, plan::What::Kill);
    }
}

#[test]
fn phase_08_survives_a_death_in_its_deletion() {
    let run = Undisturbed::of(runbooks::PHASE_08);
    for n in (run.moments.records - 12..=run.moments.records).step_by(3) {
        bears(runbooks::PHASE_08, plan::At::Record, n, plan::What::Kill);
    }
}

#[test]
fn a_run_that_is_killed_while_it_waits_for_a_deletion_goes_on() {
    let run = Undisturbed::of(runbooks::SERVER);
    for n in 1..=run.moments.records {
        bears(runbooks::SERVER, plan::At::Record, n, plan::What::Kill);
    }
}
