//! The tests without any mutant: whether they pass, which rehearsals each of them makes, and what each rehearsal comes through.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rhai::Map;
use serde_json::Value;

use super::Tests;
use super::pool;
use super::progress::Progress;
use crate::base::Result;
use crate::cli::test::file::{self, Rehearse, Wanted, lock};
use crate::cli::test::stage::{self, Bounds, Part, key};
use crate::script::mutate::shelf::Instead;
use crate::script::mutate::trial::Trial;

/// A rehearsal that tests make.
#[derive(Clone)]
pub(super) struct Known {
    /// What came of it; nothing where it did not begin.
    pub(super) told: Option<Value>,
    /// The marks that it came through.
    reached: BTreeSet<i64>,
    /// Time of the lab.
    pub(super) played: Duration,
    /// Time of this machine.
    pub(super) real: Duration,
}

/// A test, with its rehearsals by their keys.
pub(super) struct Test {
    pub(super) file: PathBuf,
    pub(super) name: String,
    rehearsals: BTreeSet<String>,
    /// Why it fails.
    pub(super) failure: Option<String>,
}

/// What the first run showed.
pub(super) struct First {
    pub(super) tests: Vec<Test>,
    pub(super) rehearsals: BTreeMap<String, Known>,
}

impl First {
    /// Runs the tests over marked texts.
    pub(super) fn run(all: &Tests, marked: &Arc<Instead>, jobs: usize) -> Self {
        let named: Vec<(PathBuf, std::result::Result<String, String>)> =
            all.files.iter().flat_map(|path| names(path, &all.wanted)).collect();
        let known: Arc<Mutex<BTreeMap<String, Known>>> = Arc::default();
        let progress = Progress::new("tests without a mutant", named.len());
        let tests = pool::each(jobs, named.len(), |n| {
            let (path, name) = &named[n];
            let test = match name {
                Ok(name) => one(all, path, name, marked, &known),
                Err(why) => broken(path, why),
            };
            progress.step(None);
            test
        });
        progress.end();
        let rehearsals = std::mem::take(&mut *lock(&known));
        First { tests, rehearsals }
    }

    /// The tests that come through a mark, the quickest first.
    pub(super) fn reaching(&self, mark: i64) -> Vec<&Test> {
        let cost = |test: &Test| -> Duration { self.touched(test, mark).map(|known| known.real).sum() };
        let mut tests: Vec<&Test> =
            self.tests.iter().filter(|test| self.touched(test, mark).next().is_some()).collect();
        tests.sort_by_key(|test| cost(test));
        tests
    }

    fn touched<'s>(&'s self, test: &'s Test, mark: i64) -> impl Iterator<Item = &'s Known> {
        let known = test.rehearsals.iter().filter_map(|key| self.rehearsals.get(key));
        known.filter(move |known| known.reached.contains(&mark))
    }

    /// A rehearsal that a mutant there cannot change.
    pub(super) fn untouched(&self, key: &str, mark: i64) -> Option<&Value> {
        let known = self.rehearsals.get(key).filter(|known| !known.reached.contains(&mark))?;
        known.told.as_ref()
    }
}

/// The wanted tests of a file, or why it cannot be read.
fn names(path: &Path, wanted: &Arc<Wanted>) -> Vec<(PathBuf, std::result::Result<String, String>)> {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let (names, own) = (seen.clone(), wanted.clone());
    let none: Arc<Wanted> = Arc::new(move |name: &str| {
        if own(name) {
            lock(&names).push(name.to_string());
        }
        false
    });
    let nothing: Arc<Rehearse> = Arc::new(|_: &Path, _: &str, _: &Map| Ok(Value::Null));
    let outcome = file::run(path, &nothing, &none);
    let found = std::mem::take(&mut *lock(&seen));
    let mut all: Vec<_> = found.into_iter().map(|name| (path.to_path_buf(), Ok(name))).collect();
    all.extend(outcome.broken.map(|why| (path.to_path_buf(), Err(why))));
    all
}

fn broken(path: &Path, why: &str) -> Test {
    let name = "the file as a whole".to_string();
    Test { file: path.to_path_buf(), name, rehearsals: BTreeSet::new(), failure: Some(why.to_string()) }
}

fn one(
    all: &Tests,
    path: &Path,
    name: &str,
    marked: &Arc<Instead>,
    known: &Arc<Mutex<BTreeMap<String, Known>>>,
) -> Test {
    let made: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let (site, instead, pages) = (all.site.clone(), marked.clone(), all.pages.clone());
    let (keys, all_known) = (made.clone(), known.clone());
    let rehearse: Arc<Rehearse> = Arc::new(move |beside: &Path, runbook: &str, options: &Map| {
        let key = key(beside, runbook, options);
        lock(&keys).insert(key.clone());
        let before = lock(&all_known).get(&key).and_then(|known| known.told.clone());
        if let Some(told) = before {
            return Ok(told);
        }
        let instead = instead.clone();
        let part = Part { site: site.as_deref(), beside, runbook, options, instead, pages: &pages };
        let (known, told) = look(&part);
        lock(&all_known).insert(key, known);
        told
    });
    let exactly = name.to_string();
    let wanted: Arc<Wanted> = Arc::new(move |name: &str| name == exactly);
    let outcome = file::run(path, &rehearse, &wanted);
    let failure = outcome.cases.into_iter().find_map(|case| case.failure).or(outcome.broken);
    let rehearsals = std::mem::take(&mut *lock(&made));
    Test { file: path.to_path_buf(), name: name.to_string(), rehearsals, failure }
}

/// Plays a rehearsal, and takes note of what it comes through.
fn look(part: &Part<'_>) -> (Known, Result<Value>) {
    let (trial, began) = (Trial::new(Bounds::FAR.operations), Instant::now());
    let played = stage::play(part, Bounds::FAR, Some(&trial));
    let known = Known {
        told: played.as_ref().ok().map(|played| played.told.clone()),
        reached: trial.reached(),
        played: played.as_ref().map(|played| played.played).unwrap_or_default(),
        real: began.elapsed(),
    };
    (known, played.map(|played| played.told))
}
