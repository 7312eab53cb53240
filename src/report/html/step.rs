//! A step as the page shows it.

use serde::Serialize;
use serde_json::Value;

use super::chart::Chart;
use super::view::{Evidence, Tone, anchor};
use crate::base::Undo;
use crate::base::duration::show_seconds;
use crate::report::evidence::{brief, inline, leaves};
use crate::report::when::{stamp, time};
use crate::run::record::{StepKind, Verdict};
use crate::run::report::{
    CleanupReport, EffectOutcome, EffectReport, GateReport, RunReport, StepReport, WaitReport,
};
use crate::script::paragraphs::paragraphs;

/// A step.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    anchor: String,
    id: String,
    title: String,
    kind: &'static str,
    word: &'static str,
    detail: String,
    tone: Tone,
    took: String,
    began: String,
    recalled: bool,
    overridden: Option<String>,
    why: Vec<String>,
    /// Where its time lies among that of all steps, in percent.
    x: f64,
    width: f64,
    error: Option<StepError>,
    notes: Vec<String>,
    attests: Vec<Attest>,
    gates: Vec<Gate>,
    waits: Vec<Wait>,
    effects: Vec<Effect>,
    cleanups: Vec<CleanupReport>,
    /// What the filter's buttons go by.
    tags: String,
}

/// The error behind a FAIL.
#[derive(Debug, Serialize)]
struct StepError {
    reason: String,
    causes: Vec<String>,
    help: Option<String>,
    /// Kind, scope, status, request id and place, where known.
    marks: Vec<(&'static str, String)>,
}

/// A claim that somebody was asked to sign.
#[derive(Debug, Serialize)]
struct Attest {
    claim: String,
    by: Option<String>,
    at: String,
    kept: Option<u64>,
}

/// A gate.
#[derive(Debug, Serialize)]
struct Gate {
    claim: String,
    tone: Tone,
    excused: Option<String>,
    observed: Option<Evidence>,
    wanted: Option<Evidence>,
    /// There is more evidence than a line of the table takes.
    long: bool,
    scopes: String,
    time: String,
    entry: u64,
}

/// A wait.
#[derive(Debug, Serialize)]
struct Wait {
    title: String,
    tone: Tone,
    took: String,
    within: String,
    every: String,
    looks: u64,
    tolerated: u64,
    error: Option<String>,
    ended: bool,
    chart: Option<Chart>,
    samples: Vec<(String, String, bool)>,
}

/// A change.
#[derive(Debug, Serialize)]
struct Effect {
    summary: String,
    sent: String,
    handle: String,
    identity: String,
    approved: Option<String>,
    words: &'static str,
    tone: Tone,
    destroys: bool,
    undo: String,
    error: Option<String>,
    body: Option<Evidence>,
    /// The body's members by their paths, where they are few enough to be read at a glance.
    fields: Vec<(String, String)>,
    answer: Option<Evidence>,
    at: String,
    entry: u64,
}

impl Step {
    /// The steps of a run.
    pub(super) fn all(report: &RunReport) -> Vec<Self> {
        let whole: f64 = report.steps.iter().map(|s| s.seconds).sum::<f64>().max(f64::MIN_POSITIVE);
        let mut before = 0.0;
        let steps = report.steps.iter().enumerate().map(|(n, s)| {
            let x = 100.0 * before / whole;
            before += s.seconds;
            Step { x, width: 100.0 * s.seconds / whole, ..Step::of(s, n) }
        });
        steps.collect()
    }

    fn of(s: &StepReport, index: usize) -> Self {
        Step {
            anchor: anchor(&s.id, index),
            id: s.id.clone(),
            title: s.title.clone(),
            kind: match s.kind {
                StepKind::Verify => "verify",
                StepKind::Change => "change",
            },
            word: s.verdict.as_ref().map_or("UNFINISHED", Verdict::word),
            detail: s
                .verdict
                .as_ref()
                .map_or("the journal stops inside of this step".into(), Verdict::detail),
            tone: Tone::of(s.verdict.as_ref()),
            took: if s.seconds > 0.0 { show_seconds(s.seconds) } else { String::new() },
            began: stamp(s.began),
            recalled: s.recalled,
            overridden: s.overridden.clone(),
            why: paragraphs(&s.why),
            x: 0.0,
            width: 0.0,
            error: StepError::of(s),
            notes: s.notes.clone(),
            attests: s
                .attests
                .iter()
                .map(|a| Attest { claim: a.claim.clone(), by: a.by.clone(), at: stamp(a.at), kept: a.kept })
                .collect(),
            gates: s.gates.iter().map(Gate::of).collect(),
            waits: s.waits.iter().map(Wait::of).collect(),
            effects: s.effects.iter().map(Effect::of).collect(),
            cleanups: s.cleanups.clone(),
            tags: tags(s),
        }
    }
}

fn tags(s: &StepReport) -> String {
    let excepted = s.overridden.is_some()
        || s.gates.iter().any(|g| matches!(&g.excused, Some(v) if !matches!(v, Verdict::Unknown { .. })))
        || !matches!(s.verdict, Some(Verdict::Pass | Verdict::Fail { .. } | Verdict::Unknown { .. }));
    let failed = matches!(s.verdict, Some(Verdict::Fail { .. } | Verdict::Unknown { .. }) | None);
    let tags = [("failed", failed), ("exceptions", excepted), ("changes", !s.effects.is_empty())];
    tags.into_iter().filter(|(_, has)| *has).map(|(tag, _)| tag).collect::<Vec<_>>().join(" ")
}

impl StepError {
    fn of(s: &StepReport) -> Option<Self> {
        let Some(Verdict::Fail { reason } | Verdict::Unknown { reason }) = &s.verdict else { return None };
        let text = |value: &Value| match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        let place = &s.error["place"];
        let place = text(&place["file"]).map(|file| format!("{file}:{}:{}", place["line"], place["column"]));
        let marks = [
            ("kind", text(&s.error["kind"])),
            ("scope", text(&s.error["scope"])),
            ("status", text(&s.error["status"])),
            ("request id", text(&s.error["request_id"])),
            ("place", place),
        ];
        let causes = s.error["causes"].as_array().into_iter().flatten();
        Some(StepError {
            reason: reason.clone(),
            causes: causes.filter_map(text).collect(),
            help: text(&s.error["help"]),
            marks: marks.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
        })
    }
}

impl Gate {
    fn of(g: &GateReport) -> Self {
        let (observed, wanted) = (Evidence::of(&g.observed), Evidence::of(&g.wanted));
        let long = [&observed, &wanted].into_iter().flatten().any(Evidence::is_long);
        Gate {
            long,
            observed,
            wanted,
            claim: g.claim.clone(),
            tone: match (g.ok, &g.excused) {
                (true, _) => Tone::Good,
                (false, Some(Verdict::Unknown { .. })) => Tone::Bad,
                (false, Some(_)) => Tone::Warn,
                (false, None) => Tone::Bad,
            },
            excused: g.excused.as_ref().map(ToString::to_string),
            scopes: g.scopes.join(", "),
            time: time(g.at),
            entry: g.entry,
        }
    }
}

impl Wait {
    fn of(w: &WaitReport) -> Self {
        let sample = |s: &crate::run::report::SampleReport| {
            let text = s.tolerated.as_ref().unwrap_or(&s.state);
            (show_seconds(s.elapsed), text.clone(), s.tolerated.is_some())
        };
        Wait {
            title: w.title.clone(),
            tone: if w.ended && w.error.is_none() { Tone::Good } else { Tone::Bad },
            took: show_seconds(w.elapsed),
            within: show_seconds(w.within),
            every: show_seconds(w.every),
            looks: w.looks,
            tolerated: w.tolerated,
            // the title stands above it already
            error: w
                .error
                .as_deref()
                .map(|e| e.strip_prefix(&format!("{}: ", w.title)).unwrap_or(e).to_string()),
            ended: w.ended,
            chart: Chart::of(w),
            samples: w.samples.iter().map(sample).collect(),
        }
    }
}

fn fields(body: &Value) -> Vec<(String, String)> {
    const MOST: usize = 16;
    let leaves = if body.is_object() { leaves(body) } else { Vec::new() };
    let short = leaves.len() <= MOST && leaves.iter().all(|(_, value)| brief(value, 120).is_none());
    let leaves = if short { leaves } else { Vec::new() };
    leaves.into_iter().map(|(name, value)| (name, inline(value))).collect()
}

impl Effect {
    fn of(e: &EffectReport) -> Self {
        let i = &e.intent;
        Effect {
            summary: i.summary.clone(),
            sent: format!("{} {}", i.method, i.target),
            handle: i.handle.clone(),
            identity: i.identity.clone(),
            approved: e.approved.clone(),
            words: e.outcome.words(),
            tone: match e.outcome {
                EffectOutcome::Done | EffectOutcome::Settled => Tone::Good,
                EffectOutcome::Failed | EffectOutcome::Broken => Tone::Bad,
                EffectOutcome::InDoubt => Tone::Open,
                EffectOutcome::Refused
                | EffectOutcome::Unsent
                | EffectOutcome::NotDone
                | EffectOutcome::Undone => Tone::Idle,
                EffectOutcome::Repeated => Tone::Warn,
            },
            destroys: i.destroys,
            undo: match &i.undo {
                Undo::By(how) => how.clone(),
                Undo::Never => "cannot be undone".into(),
                Undo::Unknown => "not known".into(),
            },
            error: e.error["what"].as_str().or(e.error.as_str()).map(str::to_string),
            body: Evidence::of(&i.body),
            fields: fields(&i.body),
            answer: Evidence::of(&e.value),
            at: stamp(e.at),
            entry: e.entry,
        }
    }
}
