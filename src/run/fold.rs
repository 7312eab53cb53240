//! From a journal's entries to a [`RunReport`], also across cuts: what a step did before a cut
//! stays part of it.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;

use super::effect_state::Effects;
use super::record::{Entry, Record};
use super::report::{
    AttestReport, CleanupReport, EffectOutcome, EffectReport, EndReport, FactReport, GateReport,
    ResumeReport, RunReport, SampleReport, StepReport, WaitReport,
};
use crate::base::Intent;

/// The report of a journal's entries.
pub(super) fn fold(entries: &[Entry]) -> RunReport {
    let mut fold = Fold::default();
    for entry in entries {
        fold.take(entry);
        // what does not fit is for the audit to tell
        let _ = fold.states.take(entry);
    }
    fold.end()
}

#[derive(Default)]
struct Fold {
    report: RunReport,
    /// Number of a wait: its step and its place there.
    waits: HashMap<u64, (String, usize)>,
    states: Effects,
    /// When each claim was signed, by the number of its entry.
    signed: HashMap<u64, Timestamp>,
    /// Steps as they were before the resumed run came to them again.
    earlier: HashMap<String, StepReport>,
}

impl Fold {
    /// Each effect as it stands in the end.
    fn end(mut self) -> RunReport {
        for effect in self.report.steps.iter_mut().flat_map(|step| &mut step.effects) {
            let Some(now) = self.states.at(effect.entry).filter(|_| effect.approved.is_some()) else {
                continue;
            };
            effect.outcome = now.state;
            (effect.value, effect.error) = (now.value.clone(), now.error.clone());
        }
        self.report
    }

    fn step(&mut self, id: &str) -> Option<&mut StepReport> {
        self.report.steps.iter_mut().rev().find(|s| s.id == id)
    }

    fn take(&mut self, entry: &Entry) {
        let report = &mut self.report;
        report.began.get_or_insert(entry.at);
        report.ended = Some(entry.at);
        report.entries = entry.n;
        report.wanted.take(&entry.record);
        match &entry.record {
            Record::RunBegin { run, runbook, site, mode, version, by, values, with, .. } => {
                (report.run, report.runbook, report.site) = (run.clone(), runbook.clone(), site.clone());
                (report.mode, report.version, report.by) = (mode.clone(), version.clone(), by.clone());
                (report.values, report.with) = (values.clone(), with.clone());
            }
            Record::Selection(selection) => report.selection = Some(selection.clone()),
            Record::RunResume { version, by, with, .. } => {
                report.with = with.clone();
                report.resumes.push(ResumeReport { at: entry.at, by: by.clone(), version: version.clone() });
                (report.end, report.selection) = (None, None);
            }
            Record::Source(mark) => {
                if !report.sources.contains(mark) {
                    report.sources.push(mark.clone());
                }
            }
            Record::Runbook { id, title, needs, overridden } => {
                (report.id, report.title) = (id.clone(), title.clone());
                (report.needs, report.overridden) = (needs.clone().unwrap_or_default(), overridden.clone());
            }
            Record::RunEnd { ok, exit, outcome, lacks, seconds, error } => {
                let (error, lacks) = (error.clone(), lacks.clone());
                let (ok, exit, outcome, seconds) = (*ok, *exit, *outcome, *seconds);
                report.end = Some(EndReport { ok, exit, outcome, lacks, seconds, error });
            }
            Record::StepBegin { .. } => self.begin(entry),
            Record::StepEnd { step, verdict, seconds, error, recalled, .. } => {
                let before = if *recalled { self.earlier.remove(step) } else { None };
                let Some(s) = self.step(step) else { return };
                if let Some(before) = before {
                    *s = before;
                } else {
                    s.seconds = *seconds;
                }
                (s.verdict, s.error, s.recalled) = (Some(verdict.clone()), error.clone(), *recalled);
            }
            Record::WaitSample { wait, elapsed, state, tolerated } => {
                if let Some(w) = self.wait(*wait) {
                    w.elapsed = *elapsed;
                    let (state, tolerated) = (state.clone(), tolerated.clone());
                    w.samples.push(SampleReport { elapsed: *elapsed, state, tolerated });
                }
            }
            Record::WaitEnd { wait, elapsed, looks, tolerated, error } => {
                if let Some(w) = self.wait(*wait) {
                    (w.elapsed, w.looks, w.tolerated) = (*elapsed, *looks, *tolerated);
                    (w.error, w.ended) = (error.clone(), true);
                }
            }
            record => self.in_step(entry, record),
        }
    }

    /// A step starts, or starts again after a cut: then what it had sent stays with it.
    fn begin(&mut self, entry: &Entry) {
        let Record::StepBegin { step, title, kind, overridden } = &entry.record else { return };
        let before =
            self.report.steps.iter().position(|s| s.id == *step).map(|n| self.report.steps.remove(n));
        self.waits.retain(|_, (of, _)| of != step);
        self.report.steps.push(StepReport {
            id: step.clone(),
            title: title.clone(),
            why: String::new(),
            kind: *kind,
            overridden: overridden.clone(),
            began: entry.at,
            verdict: None,
            seconds: 0.0,
            recalled: false,
            error: Value::Null,
            notes: Vec::new(),
            facts: Vec::new(),
            gates: Vec::new(),
            waits: Vec::new(),
            effects: before.as_ref().map_or_else(Vec::new, |b| b.effects.clone()),
            cleanups: Vec::new(),
            attests: Vec::new(),
        });
        if let Some(before) = before {
            self.earlier.insert(step.clone(), before);
        }
    }

    fn wait(&mut self, number: u64) -> Option<&mut WaitReport> {
        let (step, n) = self.waits.get(&number)?.clone();
        self.step(&step)?.waits.get_mut(n)
    }

    fn in_step(&mut self, entry: &Entry, record: &Record) {
        let at = entry.at;
        match record {
            Record::Note { step, text } => match self.step(step) {
                Some(s) => s.notes.push(text.clone()),
                None => self.report.notes.push(text.clone()),
            },
            Record::Fact { step, name, value } => {
                let fact = FactReport { name: name.clone(), value: value.clone() };
                match self.step(step) {
                    Some(s) => s.facts.push(fact),
                    None => self.report.facts.push(fact),
                }
            }
            Record::Gate { step, claim, ok, observed, wanted, scopes, excused } => {
                let gate = GateReport {
                    entry: entry.n,
                    at,
                    claim: claim.clone(),
                    ok: *ok,
                    observed: observed.clone(),
                    wanted: wanted.clone(),
                    scopes: scopes.clone(),
                    excused: excused.clone(),
                };
                if let Some(s) = self.step(step) {
                    s.gates.push(gate);
                }
            }
            Record::WaitBegin { step, wait, title, every, within } => {
                let report = WaitReport {
                    at,
                    title: title.clone(),
                    every: *every,
                    within: *within,
                    samples: Vec::new(),
                    elapsed: 0.0,
                    looks: 0,
                    tolerated: 0,
                    error: None,
                    ended: false,
                };
                let Some(s) = self.step(step) else { return };
                s.waits.push(report);
                let place = (step.clone(), s.waits.len() - 1);
                self.waits.insert(*wait, place);
            }
            Record::Intent { step, call, approved, intent, .. } => {
                let mut effect = effect(entry, intent, EffectOutcome::InDoubt, Value::Null);
                effect.call = call.clone();
                effect.approved = Some(approved.clone());
                if let Some(s) = self.step(step) {
                    s.effects.push(effect);
                }
            }
            Record::Refusal { step, reason, intent } => {
                let effect = effect(entry, intent, EffectOutcome::Refused, Value::from(reason.clone()));
                if let Some(s) = self.step(step) {
                    s.effects.push(effect);
                }
            }
            Record::Attest { step, claim, by, kept } => {
                let given = kept.and_then(|entry| self.signed.get(&entry).copied());
                let at = given.unwrap_or(at);
                if by.is_some() && kept.is_none() {
                    self.signed.insert(entry.n, at);
                }
                let attest = AttestReport { at, claim: claim.clone(), by: by.clone(), kept: *kept };
                if let Some(s) = self.step(step) {
                    s.attests.push(attest);
                }
            }
            Record::Cleanup { step, title, error } => {
                let cleanup = CleanupReport { title: title.clone(), error: error.clone() };
                if let Some(s) = self.step(step) {
                    s.cleanups.push(cleanup);
                }
            }
            _ => {}
        }
    }
}

fn effect(entry: &Entry, intent: &Intent, outcome: EffectOutcome, error: Value) -> EffectReport {
    EffectReport {
        entry: entry.n,
        at: entry.at,
        call: String::new(),
        intent: intent.clone(),
        approved: None,
        outcome,
        value: Value::Null,
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::record::{StepKind, Verdict};
    use serde_json::json;

    fn journal(records: impl IntoIterator<Item = Record>) -> Vec<Entry> {
        let entry = |(n, record)| {
            let at = Timestamp::from_second(n as i64).unwrap();
            Entry { n: n as u64 + 1, at, prev: String::new(), record }
        };
        records.into_iter().enumerate().map(entry).collect()
    }

    fn begin(step: &str) -> Record {
        Record::StepBegin { step: step.into(), title: "T".into(), kind: StepKind::Change, overridden: None }
    }

    fn end(step: &str, recalled: bool) -> Record {
        let (verdict, value, error) = (Verdict::Pass, Value::Null, Value::Null);
        let seconds = if recalled { 0.0 } else { 9.0 };
        Record::StepEnd { step: step.into(), verdict, seconds, value, error, recalled }
    }

    fn gate(step: &str) -> Record {
        let (observed, wanted) = (json!(1), json!(1));
        let (step, claim) = (step.into(), "holds".into());
        Record::Gate { step, claim, ok: true, observed, wanted, scopes: vec![], excused: None }
    }

    fn intent(step: &str, call: &str) -> Record {
        let intent = Intent {
            system: "openstack".into(),
            handle: "admin".into(),
            method: "POST".into(),
            target: "/servers".into(),
            summary: "create server".into(),
            ..Intent::default()
        };
        let (step, call, digest, approved) = (step.into(), call.into(), "d".into(), "--yes".into());
        Record::Intent { step, call, digest, approved, intent }
    }

    fn outcome(intent: u64, error: Value, settled: bool) -> Record {
        Record::Outcome { intent, value: json!("answer"), error, settled }
    }

    fn resume() -> Record {
        Record::RunResume { version: "1".into(), by: "ops".into(), pid: 1, with: Default::default() }
    }

    fn outcomes(report: &RunReport) -> Vec<EffectOutcome> {
        report.steps.iter().flat_map(|s| &s.effects).map(|e| e.outcome).collect()
    }

    #[test]
    fn a_step_recalled_from_before_a_cut_keeps_its_evidence() {
        let cut = [begin("1"), gate("1"), intent("1", "1"), outcome(3, Value::Null, false), end("1", false)];
        let again = [resume(), begin("1"), end("1", true), begin("2"), end("2", false)];
        let report = fold(&journal(cut.into_iter().chain(again)));
        let step = report.step("1").unwrap();
        assert_eq!((step.gates.len(), step.effects.len(), step.recalled), (1, 1, true));
        assert_eq!((step.seconds, step.began.as_second()), (9.0, 0));
        assert_eq!(report.resumes.len(), 1);
    }

    #[test]
    fn what_an_unfinished_step_sent_before_a_cut_stays_in_the_report() {
        let cut = [begin("1"), gate("1"), intent("1", "1"), outcome(3, Value::Null, false), intent("1", "2")];
        let found = [resume(), begin("1"), outcome(5, Value::Null, true), end("1", false)];
        let report = fold(&journal(cut.iter().cloned().chain(found)));
        assert_eq!(outcomes(&report), [EffectOutcome::Done, EffectOutcome::Settled]);
        assert!(report.step("1").unwrap().gates.is_empty(), "its gates are checked anew");
        let again = [resume(), begin("1"), intent("1", "2"), outcome(8, Value::Null, false), end("1", false)];
        let report = fold(&journal(cut.into_iter().chain(again)));
        let (done, repeated) = (EffectOutcome::Done, EffectOutcome::Repeated);
        assert_eq!(outcomes(&report), [done, repeated, done]);
    }

    #[test]
    fn an_answer_that_never_came_leaves_a_change_in_doubt() {
        for (kind, expected) in [
            ("timeout", EffectOutcome::InDoubt),
            ("unreachable", EffectOutcome::InDoubt),
            ("conflict", EffectOutcome::Failed),
        ] {
            let records = [begin("1"), intent("1", "1"), outcome(2, json!({ "kind": kind }), false)];
            assert_eq!(outcomes(&fold(&journal(records))), [expected], "{kind}");
        }
    }
}
