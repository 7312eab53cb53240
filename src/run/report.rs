//! A run as data: one fold over a journal's entries. Every renderer takes this.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Selection;
use super::conclusion::{Lacking, Outcome};
pub use super::effect_state::State as EffectOutcome;
use super::fold;
use super::journal;
use super::record::{Entry, SourceMark, StepKind, Verdict};
use super::selection::Earlier;
use crate::base::again::With;
use crate::base::{Intent, Result};

/// A run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RunReport {
    /// The run's id.
    pub run: String,
    /// Logical name of the runbook.
    pub runbook: String,
    /// The id that the runbook gives itself, such as `phase-08`; empty where it gives none.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The steps that its verdict needs; empty where it does not say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// Who says otherwise than the runbook what its verdict needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overridden: Option<String>,
    /// What it is for: the runbook's header. The journal does not hold it; whoever has the
    /// sources sets it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
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
    /// What it was started with, or went on with last: the commands that go on with it need that.
    #[serde(skip_serializing_if = "With::is_empty")]
    pub with: With,
    /// The steps, in the order they ran.
    pub steps: Vec<StepReport>,
    /// The steps that the run ended before. Set like [`RunReport::why`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_reached: Vec<NotReached>,
    /// The bar that the runbook takes, where it takes one. Set like [`RunReport::why`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepts: Option<Accepts>,
    /// Which steps the operator wanted; `None`: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selection: Option<Selection>,
    /// What a resume goes on under of what the operator wanted.
    #[serde(skip)]
    pub wanted: Earlier,
    /// Remarks outside of steps.
    pub notes: Vec<String>,
    /// Named values outside of steps.
    pub facts: Vec<FactReport>,
    /// How it ended; `None` where the journal stops before its end.
    pub end: Option<EndReport>,
    /// The times it went on after it was cut off.
    pub resumes: Vec<ResumeReport>,
    /// Number of the last entry.
    pub entries: u64,
    /// SHA-256 of the journal's last line, which by the chain stands for all of it; `None`
    /// where the report was not made of a file.
    pub head: Option<String>,
}

/// A step that a run ended before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotReached {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
}

/// The bar of an acceptance, item by item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepts {
    /// What is accepted, such as `v1`.
    pub what: String,
    /// What the ids of its items' steps begin with, such as `D-011`.
    pub bar: String,
    /// The rest of each item's id, such as `.4`, and what it is called; in the order of the bar.
    pub items: Vec<(String, String)>,
}

/// How a run ended.
#[derive(Clone, Debug, Serialize)]
pub struct EndReport {
    /// Whether it passed.
    pub ok: bool,
    /// Exit code.
    pub exit: u8,
    /// How it ended, in a word; journals of before lack it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The steps that keep it from passing though none failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<Lacking>,
    /// Seconds by the run's clock, since it began or was last resumed.
    pub seconds: f64,
    /// The error that ended it.
    pub error: Value,
}

/// A run that goes on.
#[derive(Clone, Debug, Serialize)]
pub struct ResumeReport {
    /// When.
    pub at: Timestamp,
    /// `user@machine`.
    pub by: String,
    /// Version of Rhumb.
    pub version: String,
}

/// A step of a run.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    /// Id within the runbook.
    pub id: String,
    /// Title.
    pub title: String,
    /// Why it is done: the comment before it in the source. Set like [`RunReport::why`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
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
    /// It finished before a cut: the resumed run took its value from the journal.
    pub recalled: bool,
    /// The error behind a FAIL.
    pub error: Value,
    /// Remarks.
    pub notes: Vec<String>,
    /// Named values.
    pub facts: Vec<FactReport>,
    /// Gates.
    pub gates: Vec<GateReport>,
    /// Waits.
    pub waits: Vec<WaitReport>,
    /// Changes, also those sent before a cut.
    pub effects: Vec<EffectReport>,
    /// Clean-ups.
    pub cleanups: Vec<CleanupReport>,
    /// Claims that somebody was asked to sign.
    pub attests: Vec<AttestReport>,
}

/// A named value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FactReport {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Value,
}

/// A gate.
#[derive(Clone, Debug, Serialize)]
pub struct GateReport {
    /// Number of its entry in the journal.
    pub entry: u64,
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
    /// The verdict that accepts it.
    pub excused: Option<Verdict>,
}

/// A wait.
#[derive(Clone, Debug, Serialize)]
pub struct WaitReport {
    /// When it began.
    pub at: Timestamp,
    /// What was waited for.
    pub title: String,
    /// Seconds between looks.
    pub every: f64,
    /// Seconds until it would have failed.
    pub within: f64,
    /// What was seen, where it changed.
    pub samples: Vec<SampleReport>,
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

/// What a wait saw.
#[derive(Clone, Debug, Serialize)]
pub struct SampleReport {
    /// Seconds since the wait began.
    pub elapsed: f64,
    /// The state; after a tolerated error the one seen before.
    pub state: String,
    /// The transient error met instead of a state.
    pub tolerated: Option<String>,
}

/// A change.
#[derive(Clone, Debug, Serialize)]
pub struct EffectReport {
    /// Number of its intent's entry in the journal.
    pub entry: u64,
    /// When.
    pub at: Timestamp,
    /// Its place in the step; empty where it was refused.
    pub call: String,
    /// What was sent.
    pub intent: Intent,
    /// Who approved it; `None` where it was refused.
    pub approved: Option<String>,
    /// How it ended.
    pub outcome: EffectOutcome,
    /// What was answered.
    pub value: Value,
    /// The error it ended with, or why it was refused.
    pub error: Value,
}

/// A clean-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CleanupReport {
    /// Its title.
    pub title: String,
    /// Why it failed.
    pub error: Option<String>,
}

/// A claim that somebody was asked to sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AttestReport {
    /// When: of a signature that was kept, when it was given.
    pub at: Timestamp,
    /// The claim.
    pub claim: String,
    /// Who signed it.
    pub by: Option<String>,
    /// The number of the entry in which it was signed before a cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<u64>,
}

impl RunReport {
    /// The report of a journal's entries.
    pub fn of(entries: &[Entry]) -> Self {
        fold::fold(entries)
    }

    /// The report of the run in a directory. Errors where the journal cannot be read or is not the one that was
    /// written (see [`journal::sound`]).
    pub fn load(dir: &Path) -> Result<Self> {
        let read = journal::sound(dir)?;
        Ok(RunReport { head: Some(read.last_hash), ..Self::of(&read.entries) })
    }

    /// The step with this id.
    pub fn step(&self, id: &str) -> Option<&StepReport> {
        self.steps.iter().find(|s| s.id == id)
    }

    /// How many steps ended with each verdict's word, in the order of reports.
    pub fn tally(&self) -> Vec<(&'static str, usize)> {
        ["PASS", "FAIL", "UNKNOWN", "KNOWN-ISSUE", "WAIVED", "DEFERRED", "SKIPPED", "OUTSTANDING"]
            .into_iter()
            .map(|word| {
                let n = self.steps.iter().filter(|s| s.verdict.as_ref().is_some_and(|v| v.word() == word));
                (word, n.count())
            })
            .filter(|(_, n)| *n > 0)
            .collect()
    }
}
