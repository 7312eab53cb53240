//! Rehearsals within this process: no reports, no disk that is waited for, nobody asked.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::base::{Error, ErrorKind, Result};
use crate::cli::unseen::{self, Unseen};
use crate::lab::sweep::{Seen, Tape};
use crate::lab::{Fault, Rehearsal, Scenario};
use crate::run::{Cancel, Entry, Observer, RunReport, Selection};
use crate::script::modules::Library;
use crate::site::Site;

/// What is rehearsed again and again.
pub(super) struct Piece {
    pub(super) site: Site,
    pub(super) runbook: String,
    pub(super) scenario: Scenario,
    pub(super) selection: Selection,
}

/// A rehearsal that is over.
pub(super) struct Played {
    pub(super) seen: Seen,
    pub(super) report: RunReport,
    pub(super) tape: Tape,
    /// How long it took, in real time.
    pub(super) took: Duration,
    /// It was ended, since it took too long.
    pub(super) cut: bool,
}

/// Where one worker rehearses: requests run on a runtime of its own.
pub(super) struct Stage {
    runtime: Runtime,
    scratch: tempfile::TempDir,
    played: u64,
}

/// Keeps the entries of a run.
#[derive(Default)]
struct Entries(Mutex<Vec<Entry>>);

impl Observer for Entries {
    fn entry(&self, entry: &Entry) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry.clone());
    }
}

impl Stage {
    pub(super) fn new() -> Result<Stage> {
        let io = |e: std::io::Error| Error::new(ErrorKind::Io, "no room for rehearsals").from_source(&e);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Ok(Stage { runtime: runtime.map_err(io)?, scratch: tempfile::tempdir().map_err(io)?, played: 0 })
    }

    /// Rehearses with some faults. Where it takes longer than `limit` in real time, it is ended.
    ///
    /// # Errors
    /// The lab or the run cannot begin.
    pub(super) fn play(
        &mut self,
        piece: &Piece,
        faults: &[Fault],
        record: bool,
        limit: Duration,
    ) -> Result<Played> {
        let began = Instant::now();
        self.played += 1;
        let dir = self.scratch.path().join(self.played.to_string());
        let Rehearsal { lab, clock, site } =
            Rehearsal::begin(&piece.site, piece.scenario.clone(), faults, self.runtime.handle())?;
        if record {
            lab.record();
        }
        let library = Library::new(site.layers.clone());
        let (entries, cancel) = (Arc::new(Entries::default()), Cancel::default());
        let unseen = Unseen {
            runbook: &piece.runbook,
            selection: piece.selection.clone(),
            by: "rhumb sweep",
            directory: &dir,
            observer: entries.clone(),
            cancel: cancel.clone(),
        };
        let host = unseen.begin(site, clock, library, self.runtime.handle())?;
        let watch = self.runtime.spawn({
            let cancel = cancel.clone();
            async move {
                tokio::time::sleep(limit).await;
                cancel.interrupt();
            }
        });
        // how it ended is in its last entry
        let _ = unseen::play(&host, &piece.runbook);
        watch.abort();
        let entries = entries.0.lock().unwrap_or_else(PoisonError::into_inner);
        let report = RunReport::of(&entries);
        let tape = if record { lab.tape() } else { Tape::default() };
        // a scratch that cannot be emptied goes with its directory
        let _ = std::fs::remove_dir_all(&dir);
        let cut = cancel.was_interrupted();
        Ok(Played { seen: Seen::of(&report, &entries), report, tape, took: began.elapsed(), cut })
    }
}

/// Every word of the texts that took part in a run.
pub(super) fn words(site: &Site, report: &RunReport) -> Result<BTreeSet<String>> {
    let library = Library::new(site.layers.clone());
    let mut words = BTreeSet::new();
    for mark in &report.sources {
        for text in library.shelf().texts(&mark.name)? {
            let part = |c: char| !(c.is_alphanumeric() || "_-:".contains(c));
            words.extend(text.text.split(part).map(|w| w.trim_matches([':', '-']).to_string()));
        }
    }
    words.remove("");
    Ok(words)
}
