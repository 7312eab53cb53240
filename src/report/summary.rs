//! What a run comes to: how it stands, what failed, what was accepted, what is open.
//! Every renderer says this first, in the same words.

use serde::Serialize;
use serde_json::Value;

use crate::run::record::Verdict;
use crate::run::report::{EffectOutcome, EndReport, RunReport, StepReport};
use crate::run::step::{OBSERVING, left_out_for};
use crate::run::{Lacking, Outcome, SESSION};

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Every step passed, nothing is open.
    Passed,
    /// It passed, and something was waived, put off, known, or is still open.
    Excepted,
    /// Nothing failed, and a step that the runbook's verdict needs was not passed: this is no acceptance.
    Incomplete,
    /// A step failed, or the run ended with an error.
    Failed,
    /// A change needs an approval that nobody could give.
    NeedsApproval,
    /// The operator declined a change.
    Declined,
    /// The operator interrupted it.
    Interrupted,
    /// The journal stops before the run's end: killed, or still running.
    Cut,
}

impl Standing {
    /// The words in capitals, as reports show them.
    pub fn words(self) -> &'static str {
        match self {
            Standing::Passed => "PASSED",
            Standing::Excepted => "PASSED WITH EXCEPTIONS",
            Standing::Incomplete => "INCOMPLETE",
            Standing::Failed => "FAILED",
            Standing::NeedsApproval => "NEEDS APPROVAL",
            Standing::Declined => "DECLINED",
            Standing::Interrupted => "INTERRUPTED",
            Standing::Cut => "CUT OFF",
        }
    }
}

/// A step that failed.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// The step's id; empty where the run failed outside of steps.
    pub step: String,
    /// Its title.
    pub title: String,
    /// What went wrong.
    pub reason: String,
    /// Its causes, nearest first.
    pub causes: Vec<String>,
    /// What to do about it.
    pub help: Option<String>,
    /// It could not look: nothing is known of what the step is about.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
}

/// Something that departs from the shipped procedure or from a clean pass, and is accepted.
#[derive(Clone, Debug, Serialize)]
pub struct Exception {
    /// The step; empty where it is about a whole text.
    pub step: String,
    /// `WAIVED`, `KNOWN-ISSUE`, `DEFERRED` or `OVERRIDDEN`.
    pub word: &'static str,
    /// The claim or the step that it is about.
    pub about: String,
    /// Reason and owner, issue, decision, or who overrides.
    pub detail: String,
}

/// Something that somebody must still do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenItem {
    /// The step.
    pub step: String,
    /// What is to be done.
    pub what: String,
}

/// What a run comes to.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// How it stands.
    pub standing: Standing,
    /// Steps that failed or could not look, and the error that ended the run where no step has it.
    pub failures: Vec<Failure>,
    /// The steps that the runbook's verdict needs and that were not passed, though none failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<OpenItem>,
    /// What was accepted: waivers, known issues, decisions, overrides.
    pub exceptions: Vec<Exception>,
    /// What is still to be done.
    pub open: Vec<OpenItem>,
    /// The changes that a run would make where this observation came by.
    pub would_follow: Vec<OpenItem>,
    /// What this observation could not look at, because it needs what one of those changes would make.
    pub not_observable: Vec<OpenItem>,
    /// The steps that the run ended before: nothing is known of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_reached: Vec<OpenItem>,
}

impl Summary {
    /// The summary of a run.
    pub fn of(report: &RunReport) -> Self {
        let exceptions: Vec<_> = layered(report)
            .into_iter()
            .chain(needs(report))
            .chain(report.steps.iter().flat_map(exceptions))
            .collect();
        let open: Vec<_> = report.steps.iter().flat_map(open).collect();
        let clean = open.is_empty() && exceptions.iter().all(|e| e.word == "OVERRIDDEN");
        let standing = match &report.end {
            None => Standing::Cut,
            Some(end) if end.ok && clean => Standing::Passed,
            Some(end) if end.ok => Standing::Excepted,
            Some(EndReport { outcome: Some(Outcome::Incomplete), .. }) => Standing::Incomplete,
            Some(end) => match end.error["kind"].as_str() {
                Some("needs-approval") => Standing::NeedsApproval,
                Some("declined") => Standing::Declined,
                Some("interrupted") => Standing::Interrupted,
                _ => Standing::Failed,
            },
        };
        let would_follow = report.steps.iter().filter_map(would_follow).collect();
        let not_observable = report.steps.iter().filter_map(not_observable).collect();
        let failures = failures(report);
        let not_reached = report.not_reached.iter();
        let not_reached =
            not_reached.map(|step| OpenItem { step: step.id.clone(), what: step.title.clone() }).collect();
        Summary {
            standing,
            failures,
            lacks: lacks(report),
            exceptions,
            open,
            would_follow,
            not_observable,
            not_reached,
        }
    }

    /// What the run means for an acceptance, in a sentence.
    pub fn conclusion(&self) -> String {
        let items = |n: usize| match n {
            1 => "1 item is".to_string(),
            n => format!("{n} items are"),
        };
        match (self.standing, self.open.len()) {
            (Standing::Passed, _) if !self.not_observable.is_empty() => {
                "Every step that could be observed passed; what needs a change first is listed below.".into()
            }
            (Standing::Passed, _) => "Every step passed and nothing is open.".into(),
            (Standing::Excepted, 0) => "It passed; the accepted exceptions are listed below.".into(),
            (Standing::Excepted, n) => format!("It passed; {} left to close it formally.", items(n)),
            (Standing::Incomplete, _) => {
                let ids: Vec<&str> = self.lacks.iter().map(|l| l.step.as_str()).collect();
                format!("This is no acceptance: its verdict needs {}, which did not pass.", ids.join(", "))
            }
            (Standing::Cut, _) => "The journal stops before the run's end: this is no acceptance.".into(),
            (_, 0) => "This is no acceptance.".into(),
            (_, n) => format!("This is no acceptance; {} open.", items(n)),
        }
    }

    /// The tally in a sentence: `12 steps: 9 PASS, 1 FAIL, 2 SKIPPED`.
    pub fn tally(report: &RunReport) -> String {
        let unfinished = report.steps.iter().filter(|s| s.verdict.is_none()).count();
        let mut parts: Vec<_> = report.tally().into_iter().map(|(word, n)| format!("{n} {word}")).collect();
        if unfinished > 0 {
            parts.push(format!("{unfinished} unfinished"));
        }
        let ran = match report.steps.len() {
            0 => "no step ran".into(),
            1 => format!("1 step: {}", parts.join(", ")),
            n => format!("{n} steps: {}", parts.join(", ")),
        };
        match report.not_reached.len() {
            0 => ran,
            n => format!("{ran}; {n} not reached"),
        }
    }
}

/// The name that reports give a run's procedure: the runbook's own id, or its logical name.
pub fn name(report: &RunReport) -> &str {
    if report.id.is_empty() { &report.runbook } else { &report.id }
}

/// Whether it is a session: its lines were tried out, and it cannot be gone on with.
pub fn is_session(report: &RunReport) -> bool {
    report.runbook == SESSION
}

/// What the run was for, where that keeps it from being evidence of a whole procedure on a real site.
pub fn caveat(report: &RunReport) -> Option<&'static str> {
    match report.mode.as_str() {
        "rehearse" => Some("Rehearsal against the lab under virtual time: no evidence of any real site."),
        "observe" => Some("Observation: only the steps that read were run; nothing was changed."),
        _ => None,
    }
}

/// Seconds that the run was at work: the sum over its steps, or its own clock where that is longer.
pub fn seconds(report: &RunReport) -> f64 {
    let steps: f64 = report.steps.iter().map(|s| s.seconds).sum();
    report.end.as_ref().map_or(steps, |end| end.seconds.max(steps))
}

fn text_of(error: &Value, field: &str) -> Option<String> {
    error[field].as_str().map(str::to_string)
}

fn failure(step: &str, title: &str, reason: String, error: &Value) -> Failure {
    let causes = error["causes"].as_array().into_iter().flatten().filter_map(|c| c.as_str());
    Failure {
        step: step.into(),
        title: title.into(),
        reason,
        causes: causes.map(str::to_string).collect(),
        help: text_of(error, "help"),
        unknown: false,
    }
}

fn failures(report: &RunReport) -> Vec<Failure> {
    let of_step = |s: &StepReport| match &s.verdict {
        Some(Verdict::Fail { reason }) => Some(failure(&s.id, &s.title, reason.clone(), &s.error)),
        Some(Verdict::Unknown { reason }) => {
            Some(Failure { unknown: true, ..failure(&s.id, &s.title, reason.clone(), &s.error) })
        }
        _ => None,
    };
    let mut found: Vec<_> = report.steps.iter().filter_map(of_step).collect();
    if let Some(end) = &report.end
        && let Some(what) = text_of(&end.error, "what")
        && !found.iter().any(|f| f.reason == what)
    {
        found.push(failure("", "", what, &end.error));
    }
    found
}

fn lacks(report: &RunReport) -> Vec<OpenItem> {
    let lacks = report.end.iter().flat_map(|end| &end.lacks);
    let item = |lacks: &Lacking| {
        let title = report.step(&lacks.step).map(|s| format!("{}: ", s.title)).unwrap_or_default();
        OpenItem { step: lacks.step.clone(), what: format!("{title}{}", lacks.why) }
    };
    lacks.map(item).collect()
}

/// Other steps than the runbook names, which its verdict needs here.
fn needs(report: &RunReport) -> Option<Exception> {
    let by = report.overridden.as_ref()?;
    let about = match report.needs.is_empty() {
        true => "the verdict needs no step by name".to_string(),
        false => format!("the verdict needs {}", report.needs.join(", ")),
    };
    Some(Exception { step: String::new(), word: "OVERRIDDEN", about, detail: by.clone() })
}

/// Texts of which an upper layer redefines a part.
fn layered(report: &RunReport) -> Vec<Exception> {
    let sources = report.sources.iter().enumerate();
    let over = sources.filter_map(|(n, upper)| {
        let lower = report.sources[..n].iter().rfind(|s| s.name == upper.name && s.layer != upper.layer)?;
        Some(Exception {
            step: String::new(),
            word: "OVERRIDDEN",
            about: upper.name.clone(),
            detail: format!("the {} text stands over the {} one", upper.layer, lower.layer),
        })
    });
    over.collect()
}

fn exceptions(step: &StepReport) -> Vec<Exception> {
    let exception = |word, about: &str, detail: String| Exception {
        step: step.id.clone(),
        word,
        about: about.into(),
        detail,
    };
    // what could not be looked at is accepted by nobody: the step's own verdict tells of it
    let accepted = |v: &&Verdict| !matches!(v, Verdict::Unknown { .. });
    let gates = step.gates.iter().filter_map(|g| g.excused.as_ref().filter(accepted).map(|v| (g, v)));
    let mut found: Vec<_> = gates.map(|(g, v)| exception(v.word(), &g.claim, v.detail())).collect();
    match &step.verdict {
        Some(v @ Verdict::Deferred { .. }) => found.push(exception(v.word(), &step.title, v.detail())),
        Some(v @ (Verdict::Waived { .. } | Verdict::KnownIssue { .. })) if found.is_empty() => {
            found.push(exception(v.word(), &step.title, v.detail()));
        }
        _ => {}
    }
    if let Some(by) = &step.overridden {
        found.push(exception("OVERRIDDEN", &step.title, by.clone()));
    }
    found
}

fn would_follow(step: &StepReport) -> Option<OpenItem> {
    matches!(&step.verdict, Some(Verdict::Skipped { reason }) if reason == OBSERVING)
        .then(|| OpenItem { step: step.id.clone(), what: step.title.clone() })
}

fn not_observable(step: &StepReport) -> Option<OpenItem> {
    let by = left_out_for(step.verdict.as_ref()?)?;
    Some(OpenItem { step: step.id.clone(), what: format!("{}: needs what step {by} would make", step.title) })
}

fn open(step: &StepReport) -> Vec<OpenItem> {
    let item = |what: String| OpenItem { step: step.id.clone(), what };
    let mut found = Vec::new();
    if step.verdict.is_none() {
        found.push(item(format!("the run stopped inside of this step: {}", step.title)));
    }
    if let Some(Verdict::Outstanding { claim }) = &step.verdict {
        found.push(item(format!("to be signed off: {claim}")));
    }
    for attest in step.attests.iter().filter(|a| a.by.is_none()) {
        let unsigned = item(format!("to be signed off: {}", attest.claim));
        if !found.contains(&unsigned) {
            found.push(unsigned);
        }
    }
    for effect in step.effects.iter().filter(|e| e.outcome == EffectOutcome::InDoubt) {
        let intent = &effect.intent;
        found.push(item(format!("in doubt: {} ({} {})", intent.summary, intent.method, intent.target)));
    }
    for cleanup in &step.cleanups {
        if let Some(error) = &cleanup.error {
            found.push(item(format!("left behind by a failed clean-up: {}: {error}", cleanup.title)));
        }
    }
    found
}
