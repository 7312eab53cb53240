//! How a run goes on: the command that does it, typed as it is shown, or none where none can.

use super::summary::{Standing, Summary, is_session};
use crate::run::approval;
use crate::run::report::{EffectOutcome, RunReport, StepReport};
use crate::run::step::Idle;
use crate::run::{Mode, Verdict};

/// What an operator does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// When, and what for.
    pub how: &'static str,
    /// The command.
    pub command: String,
}

impl Next {
    /// Of a run. A rehearsal went with its lab, an observation is simply made again, and a session cannot be gone on with.
    pub fn of(report: &RunReport) -> Option<Self> {
        if report.mode != Mode::Run.name() || is_session(report) {
            return None;
        }
        let resume = |how| Some(Next { how, command: report.with.resume(&report.run) });
        let kind = report.end.as_ref().and_then(|end| end.error["kind"].as_str());
        match (Summary::of(report).standing, kind) {
            (Standing::Passed | Standing::Excepted, _) => None,
            (Standing::Incomplete, _) => Some(Self::of_incomplete(report)),
            (Standing::NeedsApproval, _) => Some(Self::of_unapproved(report)),
            // its help has the command: the run goes on from another step
            (Standing::Failed, Some("usage" | "drift")) => None,
            // a changed text is gone on with from the step that it changes
            (Standing::Failed, Some("script")) => match failed_in(report) {
                Some(step) => {
                    let command = report.with.from(&report.run, &step.id);
                    Some(Next { how: "Once the text is mended, go on with", command })
                }
                None => resume("Once the text is mended, go on with"),
            },
            (Standing::Failed, _) => resume("Once the cause is gone, go on with"),
            (Standing::Cut | Standing::Declined | Standing::Interrupted, _) => resume("Go on with"),
        }
    }

    fn of_incomplete(report: &RunReport) -> Self {
        let lacks = report.end.iter().flat_map(|end| &end.lacks).map(|l| report.step(&l.step));
        let not_run = |step: Option<&StepReport>| match step.and_then(|step| step.verdict.as_ref()) {
            Some(Verdict::Skipped { reason }) => Idle::of(reason) == Idle::LeftOut,
            verdict => verdict.is_none(),
        };
        let left_out = lacks.filter(|step| not_run(*step));
        let mut left_out = left_out.map(|step| step.is_none_or(|s| report.wanted.leaves_out(&s.id)));
        if let Some(at_first) = left_out.clone().next() {
            // what was left out from the beginning is left out by each resume, else by one
            if !at_first && !left_out.any(|at_first| at_first) {
                let how = "To do what was left out, go on with";
                return Next { how, command: report.with.resume(&report.run) };
            }
            let command = report.with.command(&["run", &report.runbook]);
            return Next { how: "With the steps that were left out, begin anew", command };
        }
        let unsigned = |step: &StepReport| matches!(step.verdict, Some(Verdict::Outstanding { .. }));
        let how = match report.steps.iter().any(unsigned) {
            true => "On a terminal, to sign what is outstanding, go on with",
            false => "Once the cause is gone, go on with",
        };
        Next { how, command: report.with.resume(&report.run) }
    }

    /// On a terminal somebody is asked; the form approves it where nobody is there.
    fn of_unapproved(report: &RunReport) -> Self {
        let steps = report.steps.iter().rev();
        let refused = steps.flat_map(|s| s.effects.iter().rev().map(move |e| (s, e)));
        let refused = refused.into_iter().find(|(_, e)| e.outcome == EffectOutcome::Refused);
        let grant = refused.map(|(step, effect)| {
            let digest = effect.intent.digest();
            let same = |e: &&crate::run::report::EffectReport| {
                e.outcome == EffectOutcome::InDoubt && e.intent.digest() == digest
            };
            approval::narrowest(&step.id, &effect.intent, step.effects.iter().any(|e| same(&e)))
        });
        match grant.map(|grant| grant.to_string()) {
            Some(form) => Next {
                how: "Go on on a terminal, or with this approval",
                command: report.with.command(&["resume", &report.run, "--approve", &form]),
            },
            None => Next { how: "Go on with", command: report.with.resume(&report.run) },
        }
    }
}

/// The step that failed.
fn failed_in(report: &RunReport) -> Option<&StepReport> {
    report.steps.iter().rev().find(|step| step.verdict.as_ref().is_some_and(Verdict::ended_badly))
}
