//! Which tests noticed mutants of a step before: they know what it is for, so they are tried first there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use super::catalogue::Candidate;
use super::first::Test;
use crate::cli::test::file::lock;

/// What was noticed so far, by script and step or function.
#[derive(Default)]
pub(super) struct Recall(Mutex<BTreeMap<(usize, String), BTreeSet<String>>>);

impl Recall {
    /// The same tests, those first that noticed something there; else as they are.
    pub(super) fn sort(&self, candidate: &Candidate, tests: &mut [&Test]) {
        let known = lock(&self.0);
        if let Some(names) = known.get(&place(candidate)) {
            tests.sort_by_key(|test| !names.contains(&test.name));
        }
    }

    /// This test noticed it.
    pub(super) fn keep(&self, candidate: &Candidate, test: &str) {
        lock(&self.0).entry(place(candidate)).or_default().insert(test.to_string());
    }
}

fn place(candidate: &Candidate) -> (usize, String) {
    (candidate.target, candidate.mutant.within.clone())
}
