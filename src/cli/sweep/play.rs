//! Rehearsals within this process: no reports, no disk that is waited for, nobody asked.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::base::{Error, ErrorKind, Result};
use crate::cli::ask::Rehearser;
use crate::lab::sweep::{Seen, Tape};
use crate::lab::{Fault, Rehearsal, Scenario};
use crate::run::{
    Approvals, Cancel, Entry, Journal, Mode, Observer, Past, Record, Run, RunReport, RunSettings, Selection,
};
use crate::script::Host;
use crate::script::handles::SiteHandle;
use crate::script::modules::Library;
use crate::script::runbook;
use crate::site::Site;

/// How long the clean-up of one step may take, in the lab's time.
const CLEANUP_WITHIN: Duration = Duration::from_secs(20 * 60);

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
        let handle = SiteHandle::new(site, clock.clone());
        let (excuses, name) = (handle.clone(), piece.runbook.clone());
        let (entries, cancel) = (Arc::new(Entries::default()), Cancel::default());
        let begin = Record::RunBegin {
            run: "sweep".into(),
            runbook: piece.runbook.clone(),
            site: handle.name().to_string(),
            mode: Mode::Rehearse.name().into(),
            version: env!("CARGO_PKG_VERSION").into(),
            by: "sweep".into(),
            pid: std::process::id(),
            values: handle.values(),
            with: Default::default(),
        };
        let settings = RunSettings {
            mode: Mode::Rehearse,
            clock: clock.clone(),
            journal: Journal::create(&dir, false)?,
            observer: entries.clone(),
            approver: Box::new(Rehearser),
            approvals: Approvals::of(Some("rehearsal"), []),
            excuse: Box::new(move |step, claim, observed| excuses.excuse(&name, step, claim, observed)),
            past: Past::default(),
            selection: piece.selection.clone(),
            cancel: cancel.clone(),
            cleanup_within: CLEANUP_WITHIN,
        };
        let run = Run::begin(settings, begin)?;
        let watch = self.runtime.spawn({
            let cancel = cancel.clone();
            async move {
                tokio::time::sleep(limit).await;
                cancel.interrupt();
            }
        });
        let host = Host::new(run.clone(), handle, library, self.runtime.handle().clone());
        let ended = runbook::evaluate(&piece.runbook, &host);
        // how it ended is in its last entry
        let _ = run.finish(ended.error.as_ref());
        watch.abort();
        let entries = entries.0.lock().unwrap_or_else(PoisonError::into_inner);
        let report = RunReport::of(&entries);
        let tape = if record { lab.tape() } else { Tape::default() };
        // a scratch that cannot be emptied goes with its directory
        let _ = std::fs::remove_dir_all(&dir);
        let cut = cancel.was_interrupted();
        Ok(Played { seen: Seen::of(&report), report, tape, took: began.elapsed(), cut })
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
