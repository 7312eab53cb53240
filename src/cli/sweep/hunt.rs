//! The sweep itself: the first rehearsal, what nobody reads, and one rehearsal for each change.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::found::{Found, Outcome, Rated};
use super::play::{self, Piece, Played, Stage};
use crate::base::screen::{self, Stream, drawn};
use crate::base::{Error, ErrorKind, Result, duration};
use crate::lab::Fault;
use crate::lab::sweep::{
    Change, EMPTY_TEXT, Legal, Mutant, Noticed, Reviewed, Seen, Situations, Tape, Unread, fields_of, group,
    mutants, uncalled, unread, without_port,
};
use crate::systems::openstack;

/// No rehearsal takes longer than this many times the first one, and this at least.
const PATIENCE: u32 = 60;
const AT_LEAST: Duration = Duration::from_secs(20);
/// So many rehearsals are spent on what nobody reads; what is left then counts as read.
const GROUPS: usize = 240;

/// A sweep.
pub(super) struct Hunt<'a> {
    pub(super) piece: &'a Piece,
    pub(super) scenario: &'a str,
    pub(super) reviewed: &'a Reviewed,
    pub(super) sample: Option<usize>,
    pub(super) seed: u64,
    pub(super) once: bool,
    pub(super) jobs: usize,
    pub(super) matching: Option<&'a str>,
}

impl Hunt<'_> {
    /// Sweeps.
    ///
    /// # Errors
    /// * [`ErrorKind::Failed`]: the first rehearsal does not pass, or is not the same twice.
    /// * [`ErrorKind::Site`]: a reviewed entry fits nothing.
    pub(super) fn run(&self) -> Result<Found> {
        let began = Instant::now();
        let mut stage = Stage::new()?;
        let forever = Duration::from_secs(3600);
        openstack::watch_reads();
        let mut first = stage.play(self.piece, &[], true, forever)?;
        let read = openstack::fields_read();
        self.passes(&first)?;
        let again = stage.play(self.piece, &[], false, forever)?;
        first.seen.steady(&again.seen);
        if !again.seen.is_same(&first.seen) {
            let what = format!(
                "two rehearsals of {} in {} differ without any change",
                self.piece.runbook, self.scenario
            );
            return Err(Error::new(ErrorKind::Failed, what)
                .help("what depends on the order of branches or on real time cannot be swept"));
        }
        let limit = (again.took * PATIENCE).max(AT_LEAST);
        let words = play::words(&self.piece.site, &first.report)?;
        let candidates = unread(&first.tape, &words, &read);
        // a sample leaves all candidates out: to prove them would take longer than it does
        let without = stage.play(self.piece, &uncalled(&first.tape)?, false, limit)?;
        let uncalled = without.seen.is_same(&first.seen);
        let unread = match self.sample {
            Some(_) => candidates,
            None => self.unread(&mut stage, &first, candidates, limit)?,
        };
        let (legal, situations) = (Legal::shipped()?, Situations::shipped()?);
        let all = mutants(&first.tape, &legal, &situations, &Unread::new(), false);
        let mut list = mutants(&first.tape, &legal, &situations, &unread, uncalled);
        let not_read = all.len() - list.len();
        self.reviewed.hold(&self.piece.runbook, &all)?;
        if let Some(text) = self.matching {
            list.retain(|m| m.sentence().contains(text));
        }
        let possible = list.len();
        let sample = self.sample.unwrap_or(usize::MAX);
        if self.once || sample < list.len() {
            list = drawn(list, self.seed);
        }
        if self.once {
            list = once_each(list);
        }
        list.truncate(sample);
        let swept = Instant::now();
        let mut rated = self.rate(list, &first, limit)?;
        let sweeping = swept.elapsed();
        // a word of the scripts names these fields, and yet nobody may read them
        let silent = all_silent(&rated, &first.tape, &read);
        let more = self.unread(&mut stage, &first, silent, limit)?;
        let tried = rated.len();
        rated.retain(|one| !more.contains(&one.mutant.kind_of_field()));
        let also = tried - rated.len();
        let unread: Unread = unread.into_iter().chain(more).collect();
        Ok(Found {
            runbook: self.piece.runbook.clone(),
            scenario: self.scenario.to_string(),
            possible: possible - also,
            not_read: not_read + also,
            states_not_read: states_not_read(&legal, &unread),
            rated,
            first: first.took,
            sweeping,
            whole: began.elapsed(),
        })
    }

    fn passes(&self, first: &Played) -> Result<()> {
        if first.seen.passed {
            return Ok(());
        }
        let step = first.report.steps.iter().find(|s| s.verdict.as_ref().is_some_and(|v| v.word() == "FAIL"));
        let what = format!(
            "the rehearsal of {} in {} does not pass before anything is changed",
            self.piece.runbook, self.scenario
        );
        let mut error = Error::new(ErrorKind::Failed, what);
        if let Some(step) = step {
            let detail = step.verdict.as_ref().map_or_else(String::new, |v| v.detail());
            error = error.cause(format!("step {} failed: {detail}", step.id));
        } else if let Some(end) = &first.report.end {
            let said = end.error["what"].as_str().map(str::to_string);
            error = error.cause(said.unwrap_or_else(|| format!("it ended with exit code {}", end.exit)));
        }
        Err(error.help(format!(
            "`rhumb rehearse {}` shows it; a sweep starts from a run that passes: --scenario names another world",
            self.piece.runbook
        )))
    }

    /// The kinds of fields that nobody reads: of the candidates, those over whose change, all at once, the run stays the same.
    fn unread(
        &self,
        stage: &mut Stage,
        first: &Played,
        candidates: Unread,
        limit: Duration,
    ) -> Result<Unread> {
        let (mut proven, mut looks) = (Unread::new(), 0);
        let mut open: Vec<Unread> = vec![candidates];
        while let Some(kinds) = open.pop() {
            if kinds.is_empty() || looks >= GROUPS {
                continue;
            }
            let mut same = true;
            for missing in [true, false] {
                if same {
                    looks += 1;
                    let faults = group(&first.tape, &kinds, missing)?;
                    same = stage.play(self.piece, &faults, false, limit)?.seen.is_same(&first.seen);
                }
            }
            match (same, kinds.len()) {
                (true, _) => proven.extend(kinds),
                (false, 1) => {}
                (false, n) => {
                    let mut half: Vec<_> = kinds.into_iter().collect();
                    let rest = half.split_off(n / 2);
                    open.push(half.into_iter().collect());
                    open.push(rest.into_iter().collect());
                }
            }
        }
        Ok(proven)
    }

    /// Rehearses each mutant.
    fn rate(&self, list: Vec<Mutant>, first: &Played, limit: Duration) -> Result<Vec<Rated>> {
        let (next, over) = (AtomicUsize::new(0), AtomicBool::new(false));
        let rated: Mutex<Vec<(usize, Rated)>> = Mutex::default();
        let failed: Mutex<Option<Error>> = Mutex::default();
        std::thread::scope(|scope| {
            let mut workers = Vec::new();
            for _ in 0..self.jobs.min(list.len().max(1)) {
                workers.push(scope.spawn(|| {
                    let work = || -> Result<()> {
                        let mut stage = Stage::new()?;
                        while let Some((n, mutant)) =
                            take(&list, &next).filter(|_| !over.load(Ordering::Relaxed))
                        {
                            let fault: Fault = mutant.fault()?;
                            let played = stage.play(self.piece, &[fault], false, limit)?;
                            let one = self.rated(mutant, &played, &first.seen);
                            if let Ok(mut all) = rated.lock() {
                                all.push((n, one));
                            }
                        }
                        Ok(())
                    };
                    if let Err(e) = work() {
                        over.store(true, Ordering::Relaxed);
                        if let Ok(mut failed) = failed.lock() {
                            failed.get_or_insert(e);
                        }
                    }
                }));
            }
            self.progress(&list, &rated, || workers.iter().all(|w| w.is_finished()));
        });
        if let Some(e) = failed.into_inner().unwrap_or_default() {
            return Err(e);
        }
        let mut rated = rated.into_inner().unwrap_or_default();
        rated.sort_by_key(|(n, _)| *n);
        Ok(rated.into_iter().map(|(_, one)| one).collect())
    }

    fn rated(&self, mutant: &Mutant, played: &Played, first: &Seen) -> Rated {
        let runbook = &self.piece.runbook;
        let noticed = played.seen.noticed(first, mutant);
        let idle = self.reviewed.idle(runbook, mutant).or(mutant.idle.as_deref()).map(str::to_string);
        let outcome = match (&noticed, idle) {
            (Noticed::Verdict { .. }, Some(why)) => Outcome::Stops { why },
            (Noticed::Not { .. } | Noticed::Named { .. }, Some(why)) => Outcome::Harmless { why },
            (Noticed::Not { other_changes }, None) => {
                match self.reviewed.harmless(runbook, mutant, *other_changes) {
                    Some(why) => Outcome::Harmless { why: why.to_string() },
                    None => Outcome::Silent { other_changes: *other_changes },
                }
            }
            (_, None) => Outcome::Noticed,
        };
        Rated { mutant: mutant.clone(), outcome, noticed, endless: played.cut }
    }

    /// Says how far it is: a line each ten seconds on a terminal, else each minute.
    fn progress(&self, list: &[Mutant], rated: &Mutex<Vec<(usize, Rated)>>, over: impl Fn() -> bool) {
        let live = Stream::Error.columns().is_some();
        let every = Duration::from_secs(if live { 10 } else { 60 });
        let (began, mut told) = (Instant::now(), Instant::now());
        while !over() {
            std::thread::sleep(Duration::from_millis(20));
            if told.elapsed() < every {
                continue;
            }
            told = Instant::now();
            let (done, silent) = rated.lock().map_or((0, 0), |all| {
                (all.len(), all.iter().filter(|(_, r)| matches!(r.outcome, Outcome::Silent { .. })).count())
            });
            let left = began.elapsed().mul_f64((list.len() - done) as f64 / done.max(1) as f64);
            screen::complain(&drawn!(
                "{} of {} changes, {} silent, about {} left\n",
                done,
                list.len(),
                silent,
                duration::show(Duration::from_secs(left.as_secs()))
            ));
        }
    }
}

fn take<'l>(list: &'l [Mutant], next: &AtomicUsize) -> Option<(usize, &'l Mutant)> {
    let n = next.fetch_add(1, Ordering::Relaxed);
    Some((n, list.get(n)?))
}

/// In an order that a seed decides. The lab's own port, another one each time, has no part in it.
fn drawn(mut list: Vec<Mutant>, seed: u64) -> Vec<Mutant> {
    list.sort_by_cached_key(|m| Sha256::digest(without_port(&format!("{seed} {}", m.sentence()))).to_vec());
    list
}

/// Of the changes that are the same but for the thing, the first.
fn once_each(mut list: Vec<Mutant>) -> Vec<Mutant> {
    let mut had = BTreeSet::new();
    list.retain(|m| {
        // another text, or a date, is of its thing
        let becomes = match m.change {
            Change::Other if m.becomes != EMPTY_TEXT => "",
            Change::LongAgo | Change::Ahead | Change::Output => "",
            _ => &m.becomes,
        };
        // the objects in what a command prints are called as things are
        let (command, pattern) = match m.kind == "command" {
            true => {
                let parts: Vec<&str> = m.field.split('/').collect();
                (m.name.as_str(), parts[parts.len().saturating_sub(2)..].join("/"))
            }
            false => ("", m.pattern()),
        };
        let key = (m.service.clone(), m.kind.clone(), command.to_string(), pattern);
        had.insert((key, m.change, becomes.to_string()))
    });
    list
}

/// The kinds of fields that were changed and over no change of which the run was another. One that was `read` of a thing is none
/// of them: what a script reads and judges by nothing is what a sweep is for.
fn all_silent(rated: &[Rated], tape: &Tape, read: &BTreeSet<(String, String)>) -> Unread {
    let is_silent = |one: &Rated| one.outcome == Outcome::Silent { other_changes: false };
    let kind = |one: &Rated| one.mutant.kind_of_field();
    let heard: Unread = rated.iter().filter(|one| !is_silent(one)).map(kind).collect();
    let all = unread(tape, &BTreeSet::new(), &BTreeSet::new());
    let read = fields_of(tape, read);
    let may_be =
        |kind: &(String, String, String)| all.contains(kind) && !heard.contains(kind) && !read.contains(kind);
    rated.iter().map(kind).filter(may_be).collect()
}

/// The states that the cloud answered with and nobody reads.
fn states_not_read(legal: &Legal, unread: &Unread) -> Vec<String> {
    let is = |(service, kind, field): &&(String, String, String)| legal.of(service, kind, field).is_some();
    let said: BTreeSet<String> = unread.iter().filter(is).map(|(s, k, f)| format!("{s} {k} {f}")).collect();
    said.into_iter().collect()
}
