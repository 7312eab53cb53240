//! A runbook, or one step of it, run in a session: a run of its own with its own journal.

use std::collections::BTreeSet;

use rhai::Dynamic;

use super::lock::HOW;
use super::shell::Shell;
use super::source::Words;
use crate::base::{Error, ErrorKind, Result};
use crate::run::{Entry, Journal, Past, Record, Run, RunSettings, Selection, Verdict};
use crate::script::diagnostic::Report;
use crate::script::prose::{Prose, StepProse};
use crate::script::runbook::{Ended, evaluate};
use crate::script::{Host, value};

/// Runs a step and the verify steps whose values it uses. Returns the step's value.
///
/// # Errors
/// There is no such step; it uses what a change step gives; [`ErrorKind::Gate`] where the step fails or could not look, and what
/// ended the run: both were shown.
pub fn run(shell: &mut Shell, runbook: &str, id: &str) -> Result<Dynamic> {
    let prose = Prose::of(shell.session.host.library.shelf(), runbook)?;
    let only = needed(&prose, id)?;
    let selection = Selection::new(None, only, Vec::new(), &format!("`:step {id}` in a session"))?;
    let (error, report) = conduct(shell, runbook, &format!("{runbook}-{id}"), selection)?;
    if let (Some(error), Some(report)) = (error, report) {
        return Err(error).inspect_err(|_| shell.complain(&report));
    }
    let entries = shell.watcher.seen();
    let ended = entries.iter().rev().find_map(|e| match &e.record {
        Record::StepEnd { step, verdict, value, .. } if step == id => Some((verdict, value)),
        _ => None,
    });
    let Some((verdict, value)) = ended else { return Ok(Dynamic::UNIT) };
    // a runbook that goes on after a step ends without an error: the session must not
    if matches!(verdict, Verdict::Fail { .. } | Verdict::Unknown { .. }) {
        let error = Error::new(ErrorKind::Gate, format!("step {id}: {verdict}"));
        shell.failed_with(&error);
        return Err(error);
    }
    value::decode(&shell.session.host, value)
}

/// Runs a runbook whole and shows nothing but the step that is at work. Returns what happened, and the error that
/// ended it, shown unless it is a gate's.
///
/// # Errors
/// There is no such runbook; the journal cannot be written.
pub fn quietly(shell: &mut Shell, runbook: &str) -> Result<(Vec<Entry>, Option<Error>)> {
    let before = shell.watcher.seen().len();
    shell.watcher.hush(true);
    let ended = conduct(shell, runbook, runbook, Selection::default());
    shell.watcher.hush(false);
    let (error, report) = ended?;
    if let (Some(error), Some(report)) = (&error, report)
        && error.kind() != ErrorKind::Gate
    {
        shell.complain(&report);
    }
    Ok((shell.watcher.seen().split_off(before), error))
}

/// Conducts a run in the session. Returns the error that ended it, with the place it points to.
fn conduct(
    shell: &mut Shell,
    runbook: &str,
    title: &str,
    selection: Selection,
) -> Result<(Option<Error>, Option<Report>)> {
    let session = shell.session.clone();
    let site = session.host.site.clone();
    let cancel = session.run().cancel().clone();
    cancel.rearm();
    let clock = session.run().clock().clone();
    let start = &shell.start;
    let name = (start.run_id)(title, clock.now());
    let directory = start.runs.join(&name);
    let excuses = (site.clone(), runbook.to_string());
    let run = Run::begin(
        RunSettings {
            mode: session.run().mode(),
            clock,
            journal: Journal::create(&directory, start.durable)?,
            observer: shell.watcher.clone(),
            approver: (start.approver)(cancel.clone()),
            approvals: start.approvals.clone(),
            excuse: Box::new(move |step, claim, seen| excuses.0.excuse(&excuses.1, step, claim, seen)),
            past: Past::default(),
            selection,
            cancel,
            cleanup_within: start.cleanup_within,
        },
        Record::RunBegin {
            run: name,
            runbook: runbook.into(),
            site: site.name().to_string(),
            mode: session.run().mode().name().into(),
            version: env!("CARGO_PKG_VERSION").to_string(),
            by: start.by.clone(),
            pid: std::process::id(),
            values: site.values(),
            with: Default::default(),
        },
    )?;
    if !session.lock.is_open() {
        run.set_read_only(Some(HOW));
    }
    let host = Host::new(run.clone(), site, session.host.library.clone(), start.runtime.clone());
    session.lock.set_busy(true);
    let Ended { error, report } = evaluate(runbook, &host);
    session.lock.set_busy(false);
    shell.watcher.rest();
    run.finish(error.as_ref())?;
    if let Some(error) = &error {
        shell.failed_with(error);
    }
    Ok((error, report))
}

/// The step, and before it the verify steps whose values it uses.
fn needed(prose: &Prose, id: &str) -> Result<Vec<String>> {
    let wanted = prose.step(id)?;
    let mut only = BTreeSet::from([wanted.id.clone()]);
    let mut waiting = vec![wanted];
    while let Some(step) = waiting.pop() {
        let words = Words::of(&step.source);
        for other in &prose.steps {
            let Some(variable) = bound(other).filter(|_| other.id != step.id) else { continue };
            if !words.names.contains(variable) || only.contains(&other.id) {
                continue;
            }
            if other.kind == "change" {
                let what =
                    format!("step {} uses what step {} gives, which changes things", step.id, other.id);
                return Err(
                    Error::new(ErrorKind::Usage, what).help("run the runbook, or that step's calls by hand")
                );
            }
            only.insert(other.id.clone());
            waiting.push(other);
        }
    }
    Ok(only.into_iter().collect())
}

/// The variable that a step's value goes to.
fn bound(step: &StepProse) -> Option<&str> {
    let (before, _) = step.source.split_once(step.kind)?;
    before.trim().strip_prefix("let ")?.trim().strip_suffix('=').map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Layers;

    #[test]
    fn a_step_brings_the_verify_steps_it_uses() {
        let prose = Prose::of(&Layers::new(None, None).unwrap(), "lb-failover").unwrap();
        assert_eq!(needed(&prose, "2").unwrap(), ["1", "2"]);
        assert_eq!(needed(&prose, "3").unwrap(), ["1", "3"]);
        assert_eq!(needed(&prose, "9").unwrap_err().kind(), ErrorKind::Usage);
    }
}
