//! Which steps of a runbook the operator wants: `--from`, `--only`, `--skip`, and why.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record::Record;
use super::state::lock;
use crate::base::{Error, ErrorKind, Result};

/// What the reason of a step begins with that the operator left out.
const LEFT_OUT: &str = "left out by ";

/// The operator's choice of steps. The default is all of them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Selection {
    /// Steps before this one are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Steps that are not among these are left out, unless there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    only: Vec<String>,
    /// These are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    skip: Vec<String>,
    /// Why.
    because: String,
    /// It is the choice of an earlier resume, which goes on: what was done since then stays done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    goes_on: bool,
    /// The site's values from here on, where they are others than the run had.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    values: Value,
    /// What stands before `from` and has nothing to keep is done: an earlier resume left it out, and this one does not.
    #[serde(skip)]
    catches_up: bool,
    /// Whether the run has come to `from`.
    #[serde(skip)]
    reached: AtomicBool,
    /// What it has left out so far.
    #[serde(skip)]
    left_out: Mutex<BTreeSet<String>>,
}

/// What a run goes on under of what the operator wanted before.
#[derive(Clone, Debug, Default)]
pub struct Earlier {
    /// The choice that it began with, or the step that a resume wanted it from.
    choice: Option<Selection>,
    /// Whether it is of a resume.
    of_resume: bool,
    resumed: bool,
}

impl Earlier {
    /// Takes in what was journaled.
    pub(super) fn take(&mut self, record: &Record) {
        match record {
            Record::RunResume { .. } => self.resumed = true,
            Record::Selection(first) if !self.resumed => self.choice = Some(first.clone()),
            Record::Selection(now) if now.from.is_some() && !now.goes_on => {
                let (from, because) = (now.from.clone(), now.because.clone());
                self.choice = Some(Selection { from, because, ..Selection::default() });
                self.of_resume = true;
            }
            _ => {}
        }
    }

    /// Whether a step is left out by a resume as well that says nothing of it.
    pub fn leaves_out(&self, step: &str) -> bool {
        !self.of_resume && self.choice.as_ref().is_some_and(|choice| choice.could_leave_out(step))
    }
}

impl Clone for Selection {
    /// The same choice, for a run that begins.
    fn clone(&self) -> Self {
        Selection {
            from: self.from.clone(),
            only: self.only.clone(),
            skip: self.skip.clone(),
            because: self.because.clone(),
            goes_on: self.goes_on,
            catches_up: self.catches_up,
            values: self.values.clone(),
            ..Selection::default()
        }
    }
}

impl PartialEq for Selection {
    fn eq(&self, other: &Self) -> bool {
        let of =
            |s: &Self| (s.from.clone(), s.only.clone(), s.skip.clone(), s.because.clone(), s.values.clone());
        of(self) == of(other)
    }
}

impl Selection {
    /// A choice of steps by their ids.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`]: steps are to be left out and nobody says why.
    pub fn new(from: Option<String>, only: Vec<String>, skip: Vec<String>, because: &str) -> Result<Self> {
        let selection =
            Selection { from, only, skip, because: because.trim().into(), ..Selection::default() };
        if !selection.is_all() && selection.because.is_empty() {
            return Err(Error::new(ErrorKind::Usage, "steps are to be left out, and nothing says why")
                .help("add --because REASON: it stands in the report beside each step that is left out"));
        }
        Ok(selection)
    }

    /// Whether nothing is left out.
    pub fn is_all(&self) -> bool {
        self.from.is_none() && self.only.is_empty() && self.skip.is_empty()
    }

    /// The choice of a resume, which is of that resume. Where nothing is said now, what was said when the run began holds. A
    /// step that a resume wanted the run from holds as well: from there on, what was done before is not what is wanted.
    #[must_use]
    pub fn going_on(self, earlier: &Earlier) -> Self {
        let Some(base) = earlier.choice.as_ref().filter(|_| self.from.is_none()) else { return self };
        let catches_up = earlier.of_resume;
        if self.is_all() {
            return Selection { goes_on: true, catches_up, ..base.clone() };
        }
        let Some(from) = base.from.clone() else { return self };
        let because = match base.because == self.because {
            true => self.because,
            false => format!("{}; {}", base.because, self.because),
        };
        Selection { from: Some(from), because, goes_on: true, catches_up, ..self }
    }

    /// The same, for a run that goes on with other values than it had.
    #[must_use]
    pub fn with_values(self, values: Value) -> Self {
        Selection { values, ..self }
    }

    /// The site's values from here on, where they are others than before.
    pub fn values(&self) -> Option<&Value> {
        Some(&self.values).filter(|values| !values.is_null())
    }

    /// Whether it is the choice of an earlier resume, under which the run goes on.
    pub fn goes_on(&self) -> bool {
        self.goes_on
    }

    /// The step that the run is wanted from.
    pub fn from(&self) -> Option<&str> {
        self.from.as_deref()
    }

    /// Every step that it names.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.from.iter().chain(&self.only).chain(&self.skip).map(String::as_str)
    }

    /// Why a step is left out. To be asked once for each step, in their order. `kept`: it has an end of before the cut to keep.
    pub(super) fn leaves_out(&self, step: &str, kept: bool) -> Option<String> {
        if self.from.as_deref() == Some(step) {
            self.reached.store(true, Ordering::SeqCst);
        }
        let early = self.from.as_ref().filter(|_| !self.reached.load(Ordering::SeqCst));
        let early = early.filter(|_| kept || !self.catches_up);
        let option = if let Some(from) = early {
            format!("--from {from}")
        } else if !self.only.is_empty() && !self.only.iter().any(|id| id == step) {
            format!("--only {}", self.only.join(","))
        } else if self.skip.iter().any(|id| id == step) {
            format!("--skip {step}")
        } else {
            return None;
        };
        lock(&self.left_out).insert(step.into());
        Some(format!("{LEFT_OUT}{option}: {}", self.because))
    }

    /// Whether it may leave a step out. Which steps stand before `from`, the runbook knows.
    pub(super) fn could_leave_out(&self, step: &str) -> bool {
        self.from.as_deref().is_some_and(|from| from != step)
            || (!self.only.is_empty() && !self.only.iter().any(|id| id == step))
            || self.skip.iter().any(|id| id == step)
    }

    /// Whether it has left a step out.
    pub(super) fn left_out(&self, step: &str) -> bool {
        lock(&self.left_out).contains(step)
    }

    /// Whether finished steps run again: the operator wants the run from here. Under a choice that goes on, those that have
    /// done so stay finished ([`Run::begins_anew`](super::Run)).
    pub(super) fn begins_anew(&self) -> bool {
        self.from.is_some() && self.reached.load(Ordering::SeqCst)
    }
}

/// Whether this is a reason that a choice of steps gives.
pub fn is_left_out(reason: &str) -> bool {
    let option = reason.strip_prefix(LEFT_OUT).unwrap_or_default();
    ["--from ", "--only ", "--skip "].into_iter().any(|name| option.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(selection: &Selection) -> Vec<&'static str> {
        ["1", "2", "3", "4"].into_iter().filter(|id| selection.leaves_out(id, false).is_none()).collect()
    }

    fn of(from: Option<&str>, only: &[&str], skip: &[&str]) -> Selection {
        let texts = |ids: &[&str]| ids.iter().map(|id| id.to_string()).collect();
        Selection::new(from.map(str::to_string), texts(only), texts(skip), "a test").unwrap()
    }

    #[test]
    fn steps_are_left_out_as_asked() {
        assert_eq!(ran(&Selection::default()), ["1", "2", "3", "4"]);
        assert_eq!(ran(&of(Some("3"), &[], &[])), ["3", "4"]);
        assert_eq!(ran(&of(None, &["2", "4"], &[])), ["2", "4"]);
        assert_eq!(ran(&of(Some("2"), &[], &["3"])), ["2", "4"]);
        let selection = of(Some("3"), &[], &[]);
        let reason = selection.leaves_out("1", true).unwrap();
        assert_eq!(reason, "left out by --from 3: a test");
        assert!(is_left_out(&reason) && !is_left_out("it is there: left out by --from"));
    }

    #[test]
    fn a_resumes_choice_is_of_that_resume() {
        let resumed = || {
            let (version, by) = (String::new(), String::new());
            Record::RunResume { version, by, pid: 1, with: Default::default() }
        };
        let choice = |said: Selection, records: &[Record]| {
            let mut earlier = Earlier::default();
            records.iter().for_each(|record| earlier.take(record));
            let going_on = said.going_on(&earlier);
            (ran(&going_on), going_on.goes_on())
        };
        let (all, chosen) = (Selection::default, Record::Selection);
        let skip = || of(None, &[], &["3"]);
        let from = || of(Some("2"), &[], &[]);
        let all_steps = vec!["1", "2", "3", "4"];
        assert_eq!(choice(all(), &[resumed(), chosen(skip())]), (all_steps.clone(), false));
        assert_eq!(choice(all(), &[chosen(skip()), resumed()]), (vec!["1", "2", "4"], true));
        assert_eq!(choice(of(None, &["3"], &[]), &[chosen(skip()), resumed()]), (vec!["3"], false));
        assert_eq!(choice(all(), &[chosen(from()), resumed()]), (vec!["2", "3", "4"], true));
        assert_eq!(
            choice(all(), &[resumed(), chosen(from())]),
            (all_steps.clone(), true),
            "nothing is kept of step 1"
        );
        assert_eq!(choice(skip(), &[resumed(), chosen(from()), resumed()]), (vec!["1", "2", "4"], true));
        assert_eq!(choice(from(), &[chosen(skip()), resumed()]), (vec!["2", "3", "4"], false));
        let narrowed = [chosen(skip()), resumed(), chosen(from()), resumed()];
        assert_eq!(choice(all(), &narrowed), (all_steps.clone(), true));
        assert_eq!(choice(from(), &[]), (vec!["2", "3", "4"], false));
    }

    #[test]
    fn nobody_leaves_out_steps_without_a_reason() {
        assert_eq!(Selection::new(None, vec![], vec!["1".into()], " ").unwrap_err().kind(), ErrorKind::Usage);
        Selection::new(None, vec![], vec![], "").unwrap();
    }
}
