//! Whether a journal's records can be those of one run. The chain tells that no line was changed before the last one; this
//! tells what no run writes: a verdict that its step's own records contradict, an end that does not follow from the steps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::attest::Signatures;
use super::conclusion::{Conclusion, Grounds, SESSION};
use super::effect_state::Effects;
use super::record::{Entry, Record, StepKind, Verdict};
use super::selection::Selection;
use super::state::Mode;
use crate::base::ErrorKind;

/// What does not fit, and in which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The line that says it.
    pub line: u64,
    /// What it says, against what.
    pub what: String,
}

/// Holds the records of a journal against each other.
///
/// # Errors
/// The first line that no run writes behind the lines before it.
pub fn audit(entries: &[Entry]) -> Result<(), Contradiction> {
    let mut audit = Audit::default();
    entries
        .iter()
        .try_for_each(|entry| audit.take(entry).map_err(|what| Contradiction { line: entry.n, what }))
}

/// What a record says that cannot be.
type Fault = String;

/// The fingerprints of texts, by name and layer.
type Texts<'a> = BTreeMap<(&'a str, &'a str), &'a str>;

#[derive(Default)]
struct Audit<'a> {
    /// The runbook, once the run has begun.
    runbook: Option<&'a str>,
    /// Whether it is an observation.
    observed: bool,
    /// The steps that its verdict needs; `None`: it was written before journals said that.
    needs: Option<&'a [String]>,
    /// The texts that were loaded since it last went on, by name and layer, until the runbook named itself.
    texts: Texts<'a>,
    /// The texts by which the runbook named itself last, and the steps that its verdict needed then.
    named: Option<(Texts<'a>, &'a [String])>,
    /// Which steps the operator leaves out.
    selection: Option<&'a Selection>,
    signatures: Signatures,
    /// The line in which it last went on.
    resumed_at: u64,
    /// How it ended, if it has not gone on since.
    ended: Option<bool>,
    open: Option<Open<'a>>,
    /// The steps begun since it last went on.
    begun: BTreeSet<&'a str>,
    /// The last verdict of each step.
    verdicts: BTreeMap<&'a str, &'a Verdict>,
    /// How steps ended before it last went on: what may be recalled.
    before: HashMap<&'a str, Ended<'a>>,
    /// How steps ended since.
    since: HashMap<&'a str, Ended<'a>>,
    effects: Effects,
    /// Whether each wait has ended.
    waits: HashMap<u64, bool>,
}

/// A step at work.
struct Open<'a> {
    step: &'a str,
    kind: StepKind,
    /// Something was journaled in it.
    worked: bool,
    /// The first line that keeps it from passing, and what it says.
    failed: Option<(u64, &'static str)>,
    /// The verdicts that accept gates of it.
    excused: Vec<&'a Verdict>,
    /// The claims that nobody signed.
    unsigned: Vec<&'a str>,
}

/// How a step ended, and in which line.
struct Ended<'a> {
    kind: StepKind,
    verdict: &'a Verdict,
    value: &'a Value,
    line: u64,
}

impl<'a> Audit<'a> {
    fn take(&mut self, entry: &'a Entry) -> Result<(), Fault> {
        let record = &entry.record;
        match (self.runbook, record) {
            (None, Record::RunBegin { runbook, mode, .. }) => {
                (self.runbook, self.observed) = (Some(runbook.as_str()), mode == Mode::Observe.name());
                return Ok(());
            }
            (None, _) => return Err("it is the first line, and no run begins with it".into()),
            (Some(_), Record::RunBegin { .. }) => return Err("the run begins a second time".into()),
            (Some(_), _) => {}
        }
        match (self.ended, record) {
            (None, _) | (Some(false), Record::RunResume { .. }) => {}
            (Some(true), Record::RunResume { .. }) => return Err("a run that has passed goes on".into()),
            // of a hook that failed when it was told of the end
            (Some(_), Record::Note { step, .. }) if step.is_empty() => {}
            (Some(_), _) => return Err("it stands behind the end of the run".into()),
        }
        self.effects.take(entry)?;
        match record {
            Record::RunResume { .. } => self.resume(entry.n),
            Record::StepBegin { step, kind, .. } => {
                self.signatures.take(entry);
                return self.begin(step, *kind);
            }
            Record::StepEnd { step, verdict, value, error, recalled, .. } => {
                return self.end(entry.n, step, (verdict, value), error, *recalled);
            }
            Record::RunEnd { .. } => return self.finish(record),
            Record::WaitBegin { step, wait, .. } => {
                self.within(step)?;
                if self.waits.insert(*wait, false).is_some() {
                    return Err(format!("wait {wait} begins a second time"));
                }
            }
            Record::WaitSample { wait, .. } => self.waiting(*wait, false)?,
            Record::WaitEnd { wait, .. } => self.waiting(*wait, true)?,
            Record::Selection(selection) => self.selection = Some(selection),
            Record::Runbook { needs, .. } => self.name(needs.as_deref())?,
            Record::Source(mark) => drop(self.texts.insert((&mark.name, &mark.layer), &mark.sha256)),
            Record::Outcome { .. } | Record::RunBegin { .. } => {}
            Record::Note { step, .. }
            | Record::Fact { step, .. }
            | Record::Gate { step, .. }
            | Record::Intent { step, .. }
            | Record::Refusal { step, .. }
            | Record::Attest { step, .. }
            | Record::Cleanup { step, .. } => {
                self.within(step)?;
                self.in_step(entry.n, record)?;
            }
        }
        self.signatures.take(entry);
        Ok(())
    }

    /// Holds that the same texts with the same values say the same of what the verdict needs.
    fn name(&mut self, needs: Option<&'a [String]>) -> Result<(), Fault> {
        self.needs = needs.or(self.needs);
        let Some(needs) = needs else { return Ok(()) };
        let other_values = self.selection.is_some_and(|selection| selection.values().is_some());
        if let Some((texts, before)) = &self.named
            && *texts == self.texts
            && *before != needs
            && !other_values
        {
            return Err(format!(
                "the run's verdict needs {}, and before it went on, by the same texts, {}",
                named(needs),
                named(before)
            ));
        }
        self.named = Some((self.texts.clone(), needs));
        Ok(())
    }

    /// What stood open at a cut is begun anew.
    fn resume(&mut self, line: u64) {
        self.texts.clear();
        self.resumed_at = line;
        self.selection = None;
        self.ended = None;
        self.open = None;
        self.begun.clear();
        self.before.extend(self.since.drain());
    }

    /// Holds that a record of a step stands in it. One outside of steps names none.
    fn within(&mut self, step: &str) -> Result<(), Fault> {
        if step.is_empty() {
            return Ok(());
        }
        match &mut self.open {
            Some(open) if open.step == step => open.worked = true,
            _ => return Err(format!("it belongs to step {step}, which is not at work here")),
        }
        Ok(())
    }

    fn begin(&mut self, step: &'a str, kind: StepKind) -> Result<(), Fault> {
        if let Some(open) = &self.open {
            return Err(format!("step {step} begins before step {} has ended", open.step));
        }
        if !self.begun.insert(step) && self.runbook != Some(SESSION) {
            return Err(format!("step {step} begins a second time"));
        }
        self.verdicts.remove(step);
        let (excused, unsigned) = (Vec::new(), Vec::new());
        self.open = Some(Open { step, kind, worked: false, failed: None, excused, unsigned });
        Ok(())
    }

    fn in_step(&mut self, line: u64, record: &'a Record) -> Result<(), Fault> {
        let Some(open) = &mut self.open else { return Ok(()) };
        match record {
            Record::Gate { ok: true, excused: Some(_), .. } => {
                return Err("a gate that holds is accepted".into());
            }
            Record::Gate { ok: false, excused: Some(Verdict::Unknown { .. }), .. } => {
                open.failed.get_or_insert((line, "a claim could not be looked at"));
            }
            Record::Gate { ok: false, excused: Some(verdict), .. } => open.excused.push(verdict),
            Record::Gate { ok: false, excused: None, .. } => {
                open.failed.get_or_insert((line, "a gate does not hold"));
            }
            Record::Refusal { .. } => {
                open.failed.get_or_insert((line, "a change was not approved"));
            }
            Record::Cleanup { error: Some(_), .. } => {
                open.failed.get_or_insert((line, "a clean-up failed"));
            }
            Record::Attest { claim, by: None, kept: None, .. } => open.unsigned.push(claim),
            Record::Attest { step, claim, by, kept: Some(kept) } => {
                let standing = self.signatures.standing(step, claim);
                let is_it = standing.is_some_and(|s| s.entry == *kept && Some(&s.by) == by.as_ref());
                if !is_it || *kept >= self.resumed_at {
                    return Err(format!(
                        "it keeps the signature of line {kept}, and nobody signed that there before the run went on"
                    ));
                }
            }
            Record::Intent { .. } if open.kind == StepKind::Verify => {
                return Err(format!("step {} is a `verify`, and changes something", open.step));
            }
            _ => {}
        }
        Ok(())
    }

    fn waiting(&mut self, wait: u64, ends: bool) -> Result<(), Fault> {
        match self.waits.get_mut(&wait) {
            Some(ended @ false) => *ended = ends,
            Some(true) => return Err(format!("wait {wait} has ended before")),
            None => return Err(format!("wait {wait} has not begun")),
        }
        Ok(())
    }

    fn end(
        &mut self,
        line: u64,
        step: &'a str,
        (verdict, value): (&'a Verdict, &'a Value),
        error: &Value,
        recalled: bool,
    ) -> Result<(), Fault> {
        let open = match self.open.take() {
            Some(open) if open.step == step => open,
            Some(open) => return Err(format!("step {step} ends while step {} is at work", open.step)),
            None => return Err(format!("step {step} ends and has not begun")),
        };
        let mut since = line;
        if recalled {
            let kept = self.before.get(step).filter(|kept| {
                let left_out =
                    self.selection.is_some_and(|s| s.could_leave_out(step)) && kept.verdict.stays();
                let may = match open.kind {
                    StepKind::Change => !open.worked && kept.verdict.carries(),
                    // it looked at what the run itself has removed by then
                    StepKind::Verify => {
                        kept.verdict.carries() && self.effects.removed_since(step, kept.line).is_some()
                    }
                };
                kept.kind == open.kind
                    && (may || (left_out && !open.worked))
                    && (kept.verdict, kept.value) == (verdict, value)
            });
            let Some(kept) = kept.filter(|_| error.is_null()) else {
                return Err(format!("step {step} is recalled, and did not end like this before a cut"));
            };
            since = kept.line;
        } else if let Some(fault) = open.contradicts(verdict, error) {
            return Err(format!("step {step} ends as {}, and {fault}", verdict.word()));
        }
        self.since.insert(step, Ended { kind: open.kind, verdict, value, line: since });
        self.verdicts.insert(step, verdict);
        Ok(())
    }

    fn finish(&mut self, record: &Record) -> Result<(), Fault> {
        let Record::RunEnd { ok, exit, outcome, lacks, error, .. } = record else { return Ok(()) };
        self.ended = Some(*ok);
        // a thread that ends by a defect of ours leaves its step open
        if let Some(open) = self.open.as_ref().filter(|_| error["kind"] != ErrorKind::Internal.name()) {
            return Err(format!("the run ends, and step {} has not", open.step));
        }
        // of a session, whose lines are tried out, the steps count that a line declares and that fail
        let session = self.runbook == Some(SESSION);
        let counts =
            |step: &str, verdict: &Verdict| !session || (verdict.ended_badly() && !step.starts_with('['));
        let steps = self.verdicts.iter().map(|(step, verdict)| (*step, *verdict));
        let grounds = Grounds {
            steps: steps.filter(|(step, verdict)| counts(step, verdict)).collect(),
            needs: self.needs.unwrap_or_default(),
            in_doubt: if session { Vec::new() } else { self.effects.in_doubt() },
            observed: self.observed,
            of_before: self.needs.is_none() && outcome.is_none(),
        };
        let Some(due) = Conclusion::of(&grounds, error) else {
            return match !ok && *exit != 0 {
                true => Ok(()),
                false => Err("it says that the run passed, and holds an error".into()),
            };
        };
        if (due.ok(), due.exit) != (*ok, *exit) {
            return Err(format!(
                "it says that the run {} (exit code {exit}); its steps and its error say that it {} (exit code {})",
                passed(*ok),
                passed(due.ok()),
                due.exit
            ));
        }
        if outcome.is_some_and(|outcome| outcome != due.outcome) || *lacks != due.lacks {
            return Err("what it says that the run lacks is not what its steps say".into());
        }
        Ok(())
    }
}

impl Open<'_> {
    /// Why it cannot have ended so.
    fn contradicts(&self, verdict: &Verdict, error: &Value) -> Option<String> {
        let failed = verdict.ended_badly();
        if let (Some((line, what)), false) = (self.failed, failed) {
            return Some(format!("line {line} says that {what}"));
        }
        if !error.is_null() && !failed {
            return Some("holds an error".into());
        }
        match verdict {
            Verdict::Pass if !self.excused.is_empty() => Some("a gate does not hold and is accepted".into()),
            Verdict::KnownIssue { .. } | Verdict::Waived { .. } if !self.excused.contains(&verdict) => {
                Some("no gate of it is accepted like this".into())
            }
            Verdict::Outstanding { claim } if !self.unsigned.contains(&claim.as_str()) => {
                Some("nobody was asked to sign that".into())
            }
            verdict if verdict.carries() => {
                self.unsigned.first().map(|claim| format!("nobody signed \"{claim}\""))
            }
            _ => None,
        }
    }
}

fn named(steps: &[String]) -> String {
    if steps.is_empty() { "no step by name".into() } else { steps.join(", ") }
}

fn passed(ok: bool) -> &'static str {
    if ok { "passed" } else { "did not pass" }
}
