//! What a journal holds: one [`Entry`] a line. `docs/journal.md` is the schema for others' programs.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::conclusion::{Lacking, Outcome};
use super::readable::finite;
use super::selection::Selection;
use super::step::Idle;
use crate::base::again::With;
use crate::base::secret::mask_json;
use crate::base::{Error, ErrorKind, Intent, Result};

/// What a step may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepKind {
    /// Only read; runs again on resume.
    Verify,
    /// Change things after approval; a finished one keeps its value on resume.
    Change,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// Every gate holds.
    Pass,
    /// A gate does not hold, or the step ended with an error.
    Fail {
        /// The claim that failed, or the error.
        reason: String,
    },
    /// It could not look, so nothing is known: no gate failed, and none that counts was passed. Never a pass.
    Unknown {
        /// Why not.
        reason: String,
    },
    /// A gate does not hold for a reason that is on record.
    KnownIssue {
        /// The issue's id in `known-issues.toml`.
        id: String,
    },
    /// A gate does not hold and the site accepts that for a time.
    Waived {
        /// Why.
        reason: String,
        /// Who answers for it.
        owner: String,
        /// Last day, as `2026-12-31`.
        until: String,
    },
    /// A decision put it off.
    Deferred {
        /// The decision, such as `D-019`.
        decision: String,
    },
    /// Not needed, or not possible after another step's verdict.
    Skipped {
        /// Why.
        reason: String,
    },
    /// Somebody must still sign it off.
    Outstanding {
        /// What is to be signed off.
        claim: String,
    },
}

impl Verdict {
    /// The word in capitals, as reports show it.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Pass => "PASS",
            Verdict::Fail { .. } => "FAIL",
            Verdict::Unknown { .. } => "UNKNOWN",
            Verdict::KnownIssue { .. } => "KNOWN-ISSUE",
            Verdict::Waived { .. } => "WAIVED",
            Verdict::Deferred { .. } => "DEFERRED",
            Verdict::Skipped { .. } => "SKIPPED",
            Verdict::Outstanding { .. } => "OUTSTANDING",
        }
    }

    /// What stands behind the word, empty for PASS.
    pub fn detail(&self) -> String {
        match self {
            Verdict::Pass => String::new(),
            Verdict::Fail { reason } | Verdict::Unknown { reason } | Verdict::Skipped { reason } => {
                reason.clone()
            }
            Verdict::KnownIssue { id } => id.clone(),
            Verdict::Waived { reason, owner, until } => format!("{reason} ({owner}, until {until})"),
            Verdict::Deferred { decision } => decision.clone(),
            Verdict::Outstanding { claim } => claim.clone(),
        }
    }

    /// Whether a step that the operator leaves out later keeps it: it was judged, put off, or not needed.
    pub(super) fn keeps(&self) -> bool {
        match self {
            Verdict::Skipped { reason } => Idle::of(reason) == Idle::Own,
            verdict => verdict.carries() || matches!(verdict, Verdict::Deferred { .. }),
        }
    }

    /// Whether the step ended by a failed gate or an error: it failed, or could not look.
    pub fn ended_badly(&self) -> bool {
        matches!(self, Verdict::Fail { .. } | Verdict::Unknown { .. })
    }

    /// Whether a step that the operator leaves out now ends as it ended before: what waits for a signature waits for it still.
    pub(super) fn stays(&self) -> bool {
        self.keeps() || matches!(self, Verdict::Outstanding { .. })
    }

    /// Whether a step that needs this one may run.
    pub fn carries(&self) -> bool {
        matches!(self, Verdict::Pass | Verdict::KnownIssue { .. } | Verdict::Waived { .. })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail() {
            d if d.is_empty() => f.write_str(self.word()),
            d => write!(f, "{}: {d}", self.word()),
        }
    }
}

/// A text that took part in a run, with its fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceMark {
    /// Logical name: `restart`, `std/octavia`.
    pub name: String,
    /// `embedded`, `installed` or `site`.
    pub layer: String,
    /// SHA-256 of the text.
    pub sha256: String,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Record {
    /// A run starts.
    RunBegin {
        /// The run's id.
        run: String,
        /// Logical name of the runbook.
        runbook: String,
        /// Name of the site.
        site: String,
        /// `run`, `observe` or `rehearse`.
        mode: String,
        /// Version of Rhumb.
        version: String,
        /// `user@machine`.
        by: String,
        /// Process id.
        pid: u32,
        /// The values that differ between sites, secrets masked.
        values: Value,
        /// What it was started with: the commands that go on with it need that as well.
        #[serde(default, skip_serializing_if = "With::is_empty")]
        with: With,
    },
    /// A run goes on after it was cut off.
    RunResume {
        /// Version of Rhumb.
        version: String,
        /// `user@machine`.
        by: String,
        /// Process id.
        pid: u32,
        /// What it goes on with, as at its beginning.
        #[serde(default, skip_serializing_if = "With::is_empty")]
        with: With,
    },
    /// The operator leaves steps out, from here on.
    Selection(Selection),
    /// A script or module was loaded.
    Source(SourceMark),
    /// The runbook gave its id and title.
    Runbook {
        /// Id, such as `phase-08`.
        id: String,
        /// Title.
        title: String,
        /// The steps that its verdict needs; empty where it does not say. Journals of before lack it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        needs: Option<Vec<String>>,
        /// Who says otherwise than the runbook what its verdict needs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        overridden: Option<String>,
    },
    /// A step starts.
    StepBegin {
        /// Id within the runbook.
        step: String,
        /// Title.
        title: String,
        /// What it may do.
        #[serde(rename = "step_kind")]
        kind: StepKind,
        /// Who overrides it, such as `site: phase-08.rhai:12`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        overridden: Option<String>,
    },
    /// A remark of the script.
    Note {
        /// The step, empty outside of steps.
        step: String,
        /// The remark.
        text: String,
    },
    /// A value worth keeping.
    Fact {
        /// The step.
        step: String,
        /// Its name.
        name: String,
        /// Its value.
        value: Value,
    },
    /// A claim was checked.
    Gate {
        /// The step.
        step: String,
        /// The claim.
        claim: String,
        /// Whether it holds.
        ok: bool,
        /// What was seen.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        observed: Value,
        /// What was wanted.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        wanted: Value,
        /// The handles that the step had used by then.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        scopes: Vec<String>,
        /// The verdict that accepts a gate which does not hold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        excused: Option<Verdict>,
    },
    /// A wait starts.
    WaitBegin {
        /// The step.
        step: String,
        /// Number of the wait within the run.
        wait: u64,
        /// What is waited for.
        title: String,
        /// Seconds between looks.
        #[serde(serialize_with = "finite")]
        every: f64,
        /// Seconds until it fails.
        #[serde(serialize_with = "finite")]
        within: f64,
    },
    /// What a wait saw, when it changed.
    WaitSample {
        /// Number of the wait.
        wait: u64,
        /// Seconds since the wait began.
        #[serde(serialize_with = "finite")]
        elapsed: f64,
        /// What was seen.
        state: String,
        /// A transient error that was tolerated.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tolerated: Option<String>,
    },
    /// A wait ended.
    WaitEnd {
        /// Number of the wait.
        wait: u64,
        /// Seconds since the wait began.
        #[serde(serialize_with = "finite")]
        elapsed: f64,
        /// Looks.
        looks: u64,
        /// Transient errors tolerated.
        tolerated: u64,
        /// Why it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// A change is about to be sent. Synced to disk before it is.
    Intent {
        /// The step.
        step: String,
        /// The change's place in the step: `1`, `2`, or `2/1` in a parallel branch.
        call: String,
        /// SHA-256 over all that is sent.
        digest: String,
        /// Who approved it: `operator`, `--yes`, `--approve step:8.1`, `rehearsal`.
        approved: String,
        /// What is sent.
        #[serde(flatten)]
        intent: Intent,
    },
    /// How a change ended. An intent without it is in doubt.
    Outcome {
        /// The number of the intent's entry.
        intent: u64,
        /// What the service answered, secrets masked.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        value: Value,
        /// The error it ended with.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        error: Value,
        /// It was settled by looking after a cut, rather than answered.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        settled: bool,
    },
    /// The operator said no, or nobody could be asked.
    Refusal {
        /// The step.
        step: String,
        /// Why.
        reason: String,
        /// What would have been sent.
        #[serde(flatten)]
        intent: Intent,
    },
    /// The operator signed a claim off, or did not.
    Attest {
        /// The step.
        step: String,
        /// The claim.
        claim: String,
        /// Who signed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// The number of the entry in which it was signed before a cut: nobody was asked again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kept: Option<u64>,
    },
    /// A deferred clean-up ran.
    Cleanup {
        /// The step.
        step: String,
        /// Its title.
        title: String,
        /// Why it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// A step ended.
    StepEnd {
        /// The step.
        step: String,
        /// How.
        #[serde(flatten)]
        verdict: Verdict,
        /// Seconds it took.
        #[serde(serialize_with = "finite")]
        seconds: f64,
        /// What it returned.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        value: Value,
        /// The error behind a FAIL.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        error: Value,
        /// Its value was taken from the journal of the run before the cut.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        recalled: bool,
    },
    /// The run ended.
    RunEnd {
        /// Whether it passed.
        ok: bool,
        /// The program's exit code.
        exit: u8,
        /// How it ended, in a word. Journals of before lack it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<Outcome>,
        /// The steps that keep it from passing though none failed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lacks: Vec<Lacking>,
        /// Seconds it took.
        #[serde(serialize_with = "finite")]
        seconds: f64,
        /// The error that ended it.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        error: Value,
    },
}

/// Fields that hold a word or a number of the host's own: what reads a journal goes by them, so they stay as they are.
const OWN_FIELDS: &[&str] = &[
    "kind",
    "run",
    "mode",
    "version",
    "step",
    "step_kind",
    "verdict",
    "call",
    "digest",
    "sha256",
    "system",
    "method",
    "outcome",
    "needs",
    "lacks",
    "from",
    "only",
    "skip",
    "until",
];

impl Record {
    /// The same with every known secret masked, whoever put it there: the border of what a journal, a report and the
    /// terminal hold.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] where what is left is no record: then nothing is written.
    pub fn masked(self) -> Result<Self> {
        let broken = |e: serde_json::Error| {
            Error::new(ErrorKind::Internal, "a record cannot be masked").from_source(&e)
        };
        let before = serde_json::to_value(&self).map_err(broken)?;
        let mut after = before.clone();
        let fields = after.as_object_mut().into_iter().flatten();
        fields
            .filter(|(name, _)| !OWN_FIELDS.contains(&name.as_str()))
            .for_each(|(_, value)| mask_json(value));
        if after == before { Ok(self) } else { serde_json::from_value(after).map_err(broken) }
    }

    /// Whether it must be on disk before the run goes on.
    pub fn must_sync(&self) -> bool {
        use Record::*;
        matches!(self, Intent { .. } | Outcome { .. } | StepEnd { .. } | RunEnd { .. })
    }
}

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// From 1, without gaps.
    pub n: u64,
    /// Time of day. May go back when somebody sets the clock; `n` does not.
    pub at: Timestamp,
    /// SHA-256 of the line before, so that a journal cannot be edited unseen.
    pub prev: String,
    /// What happened.
    #[serde(flatten)]
    pub record: Record,
}
