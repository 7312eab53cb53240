//! A run as data: one fold over a journal's entries. Every renderer takes this.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::record::{Entry, Record, SourceMark, StepKind, Verdict};
use crate::base::Intent;

/// A run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RunReport {
    /// The run's id.
    pub run: String,
    /// Logical name of the runbook.
    pub runbook: String,
    /// Its title.
    pub title: String,
    /// Name of the site.
    pub site: String,
    /// `run`, `observe` or `rehearse`.
    pub mode: String,
    /// `user@machine`.
    pub by: String,
    /// Version of Rhumb.
    pub version: String,
    /// First entry.
    pub began: Option<Timestamp>,
    /// Last entry.
    pub ended: Option<Timestamp>,
    /// Texts that took part.
    pub sources: Vec<SourceMark>,
    /// The site's values.
    pub values: Value,
    /// The steps, in the order they ran.
    pub steps: Vec<StepReport>,
    /// Remarks outside of steps.
    pub notes: Vec<String>,
    /// How it ended; `None` where the journal stops before its end.
    pub end: Option<EndReport>,
    /// How often it was resumed.
    pub resumed: usize,
}

/// How a run ended.
#[derive(Clone, Debug, Serialize)]
pub struct EndReport {
    /// Whether it passed.
    pub ok: bool,
    /// Exit code.
    pub exit: u8,
    /// Seconds by the run's clock.
    pub seconds: f64,
    /// The error that ended it.
    pub error: Value,
}

/// A step of a run.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    /// Id within the runbook.
    pub id: String,
    /// Title.
    pub title: String,
    /// What it may do.
    pub kind: StepKind,
    /// Who overrides it.
    pub overridden: Option<String>,
    /// When it started.
    pub began: Timestamp,
    /// How it ended; `None` where the journal stops before.
    pub verdict: Option<Verdict>,
    /// Seconds it took.
    pub seconds: f64,
    /// Its value was taken from before a cut.
    pub recalled: bool,
    /// The error behind a FAIL.
    pub error: Value,
    /// Remarks.
    pub notes: Vec<String>,
    /// Named values.
    pub facts: Vec<(String, Value)>,
    /// Gates.
    pub gates: Vec<GateReport>,
    /// Waits.
    pub waits: Vec<WaitReport>,
    /// Changes.
    pub effects: Vec<EffectReport>,
    /// Clean-ups and the error of each that failed.
    pub cleanups: Vec<(String, Option<String>)>,
    /// Claims and who signed them.
    pub attests: Vec<(String, Option<String>)>,
}

/// A gate.
#[derive(Clone, Debug, Serialize)]
pub struct GateReport {
    /// When.
    pub at: Timestamp,
    /// The claim.
    pub claim: String,
    /// Whether it holds.
    pub ok: bool,
    /// What was seen.
    pub observed: Value,
    /// What was wanted.
    pub wanted: Value,
    /// Handles used by then.
    pub scopes: Vec<String>,
    /// Why it is accepted all the same.
    pub excused: Option<Verdict>,
}

/// A wait.
#[derive(Clone, Debug, Serialize)]
pub struct WaitReport {
    /// What was waited for.
    pub title: String,
    /// Seconds until it would have failed.
    pub within: f64,
    /// What was seen: seconds, state.
    pub samples: Vec<(f64, String)>,
    /// Seconds it took.
    pub elapsed: f64,
    /// Looks.
    pub looks: u64,
    /// Transient errors tolerated.
    pub tolerated: u64,
    /// Why it failed.
    pub error: Option<String>,
    /// Whether it ended.
    pub ended: bool,
}

/// A change.
#[derive(Clone, Debug, Serialize)]
pub struct EffectReport {
    /// When.
    pub at: Timestamp,
    /// What was sent.
    pub intent: Intent,
    /// Who approved it; `None` where it was refused.
    pub approved: Option<String>,
    /// `done`, `failed`, `refused`, `in doubt` or `settled`.
    pub outcome: String,
    /// What was answered.
    pub value: Value,
    /// The error it ended with, or why it was refused.
    pub error: Value,
}

impl RunReport {
    /// The report of a journal's entries.
    pub fn of(entries: &[Entry]) -> Self {
        let mut report = RunReport::default();
        let mut fold = Fold { report: &mut report, waits: HashMap::new(), effects: HashMap::new() };
        for entry in entries {
            fold.take(entry);
        }
        report
    }

    /// The step with this id.
    pub fn step(&self, id: &str) -> Option<&StepReport> {
        self.steps.iter().find(|s| s.id == id)
    }

    /// How many steps ended with each verdict's word, in the order of reports.
    pub fn tally(&self) -> Vec<(&'static str, usize)> {
        ["PASS", "FAIL", "KNOWN-ISSUE", "WAIVED", "DEFERRED", "SKIPPED", "OUTSTANDING"]
            .into_iter()
            .map(|word| {
                let n = self.steps.iter().filter(|s| s.verdict.as_ref().is_some_and(|v| v.word() == word));
                (word, n.count())
            })
            .filter(|(_, n)| *n > 0)
            .collect()
    }
}

struct Fold<'a> {
    report: &'a mut RunReport,
    /// Number of a wait: its step and place.
    waits: HashMap<u64, (usize, usize)>,
    /// Entry of an intent: its step and place.
    effects: HashMap<u64, (usize, usize)>,
}

impl Fold<'_> {
    /// The step's place; a step that runs again after a cut starts anew.
    fn step(&mut self, id: &str) -> Option<&mut StepReport> {
        self.report.steps.iter_mut().rev().find(|s| s.id == id)
    }

    fn place(&self, id: &str) -> Option<usize> {
        self.report.steps.iter().rposition(|s| s.id == id)
    }

    fn take(&mut self, entry: &Entry) {
        self.report.began.get_or_insert(entry.at);
        self.report.ended = Some(entry.at);
        match &entry.record {
            Record::RunBegin { run, runbook, site, mode, version, by, values, .. } => {
                let r = &mut *self.report;
                (r.run, r.runbook, r.site) = (run.clone(), runbook.clone(), site.clone());
                (r.mode, r.version, r.by) = (mode.clone(), version.clone(), by.clone());
                r.values = values.clone();
            }
            Record::RunResume { .. } => {
                self.report.resumed += 1;
                self.report.end = None;
            }
            Record::Source(mark) => {
                if !self.report.sources.contains(mark) {
                    self.report.sources.push(mark.clone());
                }
            }
            Record::Runbook { title, .. } => self.report.title = title.clone(),
            Record::RunEnd { ok, exit, seconds, error } => {
                let error = error.clone();
                self.report.end = Some(EndReport { ok: *ok, exit: *exit, seconds: *seconds, error });
            }
            Record::StepBegin { step, title, kind, overridden } => {
                self.report.steps.retain(|s| s.id != *step);
                // places of other steps moved: what refers to them is over by now
                self.waits.clear();
                self.effects.clear();
                self.report.steps.push(StepReport {
                    id: step.clone(),
                    title: title.clone(),
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
                    effects: Vec::new(),
                    cleanups: Vec::new(),
                    attests: Vec::new(),
                });
            }
            record => self.in_step(entry, record),
        }
    }

    fn in_step(&mut self, entry: &Entry, record: &Record) {
        match record {
            Record::Note { step, text } => match self.step(step) {
                Some(s) => s.notes.push(text.clone()),
                None => self.report.notes.push(text.clone()),
            },
            Record::Fact { step, name, value } => {
                if let Some(s) = self.step(step) {
                    s.facts.push((name.clone(), value.clone()));
                }
            }
            Record::Gate { step, claim, ok, observed, wanted, scopes, excused } => {
                if let Some(s) = self.step(step) {
                    s.gates.push(GateReport {
                        at: entry.at,
                        claim: claim.clone(),
                        ok: *ok,
                        observed: observed.clone(),
                        wanted: wanted.clone(),
                        scopes: scopes.clone(),
                        excused: excused.clone(),
                    });
                }
            }
            Record::WaitBegin { step, wait, title, within, .. } => {
                if let Some(place) = self.place(step) {
                    let waits = &mut self.report.steps[place].waits;
                    self.waits.insert(*wait, (place, waits.len()));
                    waits.push(WaitReport {
                        title: title.clone(),
                        within: *within,
                        samples: Vec::new(),
                        elapsed: 0.0,
                        looks: 0,
                        tolerated: 0,
                        error: None,
                        ended: false,
                    });
                }
            }
            Record::WaitSample { wait, elapsed, state, tolerated } => {
                if let Some((step, n)) = self.waits.get(wait) {
                    let wait = &mut self.report.steps[*step].waits[*n];
                    wait.elapsed = *elapsed;
                    let state = tolerated.as_ref().map_or(state.clone(), |e| format!("({e})"));
                    wait.samples.push((*elapsed, state));
                }
            }
            Record::WaitEnd { wait, elapsed, looks, tolerated, error } => {
                if let Some((step, n)) = self.waits.get(wait) {
                    let wait = &mut self.report.steps[*step].waits[*n];
                    (wait.elapsed, wait.looks, wait.tolerated) = (*elapsed, *looks, *tolerated);
                    (wait.error, wait.ended) = (error.clone(), true);
                }
            }
            Record::Intent { step, approved, intent, .. } => {
                if let Some(place) = self.place(step) {
                    let effects = &mut self.report.steps[place].effects;
                    self.effects.insert(entry.n, (place, effects.len()));
                    effects.push(effect(entry, intent, Some(approved), "in doubt", Value::Null));
                }
            }
            Record::Refusal { step, reason, intent } => {
                if let Some(s) = self.step(step) {
                    s.effects.push(effect(entry, intent, None, "refused", Value::from(reason.clone())));
                }
            }
            Record::Outcome { intent, value, error, settled } => {
                if let Some((step, n)) = self.effects.get(intent) {
                    let effect = &mut self.report.steps[*step].effects[*n];
                    effect.value = value.clone();
                    effect.error = error.clone();
                    effect.outcome = match (error.is_null(), settled) {
                        (true, true) => "settled",
                        (true, false) => "done",
                        (false, _) => "failed",
                    }
                    .into();
                }
            }
            Record::Attest { step, claim, by } => {
                if let Some(s) = self.step(step) {
                    s.attests.push((claim.clone(), by.clone()));
                }
            }
            Record::Cleanup { step, title, error } => {
                if let Some(s) = self.step(step) {
                    s.cleanups.push((title.clone(), error.clone()));
                }
            }
            Record::StepEnd { step, verdict, seconds, error, recalled, .. } => {
                if let Some(s) = self.step(step) {
                    s.verdict = Some(verdict.clone());
                    s.seconds = *seconds;
                    s.error = error.clone();
                    s.recalled = *recalled;
                }
            }
            _ => {}
        }
    }
}

fn effect(
    entry: &Entry,
    intent: &Intent,
    approved: Option<&String>,
    outcome: &str,
    error: Value,
) -> EffectReport {
    EffectReport {
        at: entry.at,
        intent: intent.clone(),
        approved: approved.cloned(),
        outcome: outcome.into(),
        value: Value::Null,
        error,
    }
}
