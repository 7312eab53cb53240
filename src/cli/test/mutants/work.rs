//! One mutant: the tests that come through its place, until one fails.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rhai::Map;
use serde_json::Value;

use super::Tests;
use super::catalogue::{Candidate, Catalogue};
use super::first::First;
use super::recall::Recall;
use crate::base::{Error, ErrorKind};
use crate::cli::test::file::{self, Rehearse, Wanted, lock};
use crate::cli::test::stage::{self, Bounds, Part, key};
use crate::script::mutate::trial::Trial;

/// Operations of the language that a mutant may take in a rehearsal. A runbook needs thousands.
const OPERATIONS: u64 = 20_000_000;

/// What came of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// A test failed: its name.
    Noticed(String),
    /// A rehearsal went past its bound, in the test of this name.
    Endless(String),
    /// So many tests came through it, and all passed.
    Survived(usize),
    /// It does not compile, for this reason: it shows nothing of the tests.
    Broken(String),
}

/// Tries one.
pub(super) fn attempt(
    all: &Tests,
    first: &Arc<First>,
    recall: &Recall,
    catalogue: &Catalogue,
    candidate: &Candidate,
) -> Fate {
    if let Some(why) = catalogue.broken(candidate) {
        return Fate::Broken(why);
    }
    let mut tests = first.reaching(candidate.mark);
    recall.sort(candidate, &mut tests);
    let over = Arc::new(AtomicBool::new(false));
    let rehearse = rehearse(all, first, catalogue, candidate, &over);
    for test in &tests {
        let exactly = test.name.clone();
        let wanted: Arc<Wanted> = Arc::new(move |name: &str| name == exactly);
        let outcome = file::run(&test.file, &rehearse, &wanted);
        if over.load(Ordering::SeqCst) {
            return Fate::Endless(test.name.clone());
        }
        if outcome.broken.is_some() || outcome.cases.iter().any(|case| case.failure.is_some()) {
            recall.keep(candidate, &test.name);
            return Fate::Noticed(test.name.clone());
        }
    }
    Fate::Survived(tests.len())
}

/// Rehearses over the mutated text. What does not come through it is as it was; what several tests rehearse is played once.
fn rehearse(
    all: &Tests,
    first: &Arc<First>,
    catalogue: &Catalogue,
    candidate: &Candidate,
    over: &Arc<AtomicBool>,
) -> Arc<Rehearse> {
    let (site, first, mark) = (all.site.clone(), first.clone(), candidate.mark);
    let (instead, over) = (Arc::new(catalogue.mutated(candidate)), over.clone());
    // a change outside of all steps may be one of what the runbook says of itself
    let pages = if candidate.mutant.within.is_empty() { Arc::default() } else { all.pages.clone() };
    let kept: Mutex<BTreeMap<String, Value>> = Mutex::default();
    Arc::new(move |beside: &Path, runbook: &str, options: &Map| {
        let key = key(beside, runbook, options);
        if let Some(told) = first.untouched(&key, mark) {
            return Ok(told.clone());
        }
        let before = lock(&kept).get(&key).cloned();
        if let Some(told) = before {
            return Ok(told);
        }
        if over.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Timeout, "the mutant is endless"));
        }
        let instead = instead.clone();
        let part = Part { site: site.as_deref(), beside, runbook, options, instead, pages: &pages };
        let played = stage::play(&part, bounds(&first, &key), Some(&Trial::new(OPERATIONS)))?;
        if played.over {
            over.store(true, Ordering::SeqCst);
        }
        lock(&kept).insert(key, played.told.clone());
        Ok(played.told)
    })
}

/// Some times as much as without the mutant, and enough for a wait that goes to its end.
fn bounds(first: &First, key: &str) -> Bounds {
    let known = first.rehearsals.get(key);
    let (played, real) = known.map_or_else(Default::default, |known| (known.played, known.real));
    Bounds {
        operations: OPERATIONS,
        played: played * 2 + Duration::from_secs(4 * 3600),
        real: real * 5 + Duration::from_secs(30),
    }
}
