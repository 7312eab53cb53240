//! Which steps of a runbook the operator wants: `--from`, `--only`, `--skip`, and why.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// Whether the run has come to `from`.
    #[serde(skip)]
    reached: AtomicBool,
    /// What it has left out so far.
    #[serde(skip)]
    left_out: Mutex<BTreeSet<String>>,
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

    /// The same choice, for a run that goes on under it.
    #[must_use]
    pub fn going_on(self) -> Self {
        Selection { goes_on: !self.is_all(), ..self }
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

    /// Why a step is left out. To be asked once for each step, in their order.
    pub(super) fn leaves_out(&self, step: &str) -> Option<String> {
        if self.from.as_deref() == Some(step) {
            self.reached.store(true, Ordering::SeqCst);
        }
        let early = self.from.as_ref().filter(|_| !self.reached.load(Ordering::SeqCst));
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
        ["1", "2", "3", "4"].into_iter().filter(|id| selection.leaves_out(id).is_none()).collect()
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
        let reason = selection.leaves_out("1").unwrap();
        assert_eq!(reason, "left out by --from 3: a test");
        assert!(is_left_out(&reason) && !is_left_out("it is there: left out by --from"));
    }

    #[test]
    fn nobody_leaves_out_steps_without_a_reason() {
        assert_eq!(Selection::new(None, vec![], vec!["1".into()], " ").unwrap_err().kind(), ErrorKind::Usage);
        Selection::new(None, vec![], vec![], "").unwrap();
    }
}
