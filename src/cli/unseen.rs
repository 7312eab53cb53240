//! A rehearsal within this process that nobody sees: no page, no report, no disk that is waited for, nobody asked.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::ask::Rehearser;
use super::conduct::CLEANUP_WITHIN;
use crate::base::{Error, Result, SimClock};
use crate::run::{Approvals, Cancel, Journal, Mode, Observer, Past, Record, Run, RunSettings, Selection};
use crate::script::handles::SiteHandle;
use crate::script::modules::Library;
use crate::script::{Host, runbook};
use crate::site::Site;

/// What is rehearsed, and who watches.
pub(super) struct Unseen<'u> {
    pub(super) runbook: &'u str,
    pub(super) selection: Selection,
    /// The command that plays it.
    pub(super) by: &'u str,
    /// Where its journal goes; it must not be there yet.
    pub(super) directory: &'u Path,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) cancel: Cancel,
}

impl Unseen<'_> {
    /// Begins it, in a lab that is at work.
    ///
    /// # Errors
    /// Its journal cannot be written.
    pub(super) fn begin(
        self,
        site: Site,
        clock: Arc<SimClock>,
        library: Arc<Library>,
        runtime: &Handle,
    ) -> Result<Arc<Host>> {
        let handle = SiteHandle::new(site, clock.clone());
        let (excuses, name) = (handle.clone(), self.runbook.to_string());
        let first = Record::RunBegin {
            run: self.by.into(),
            runbook: self.runbook.into(),
            site: handle.name().to_string(),
            mode: Mode::Rehearse.name().into(),
            version: env!("CARGO_PKG_VERSION").into(),
            by: self.by.into(),
            pid: std::process::id(),
            values: handle.values(),
            with: Default::default(),
        };
        let settings = RunSettings {
            mode: Mode::Rehearse,
            clock,
            journal: Journal::create(self.directory, false)?,
            observer: self.observer,
            approver: Box::new(Rehearser),
            approvals: Approvals::of(Some("rehearsal"), []),
            excuse: Box::new(move |step, claim, observed| excuses.excuse(&name, step, claim, observed)),
            past: Past::default(),
            selection: self.selection,
            cancel: self.cancel,
            cleanup_within: handle.site().run.cleanup_within.unwrap_or(CLEANUP_WITHIN),
        };
        Ok(Host::new(Run::begin(settings, first)?, handle, library, runtime.clone()))
    }
}

/// Plays it to its end: the error that ended it, and the exit code.
pub(super) fn play(host: &Arc<Host>, runbook: &str) -> (Option<Error>, u8) {
    let ended = runbook::evaluate(runbook, host);
    let exit = match host.run.finish(ended.error.as_ref()) {
        Ok((_, exit)) => exit,
        Err(e) => e.kind().exit_code(),
    };
    (ended.error, exit)
}
