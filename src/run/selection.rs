//! Which steps of a runbook the operator wants: `--from`, `--only`, `--skip`, and why.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::state::lock;
use crate::base::{Error, ErrorKind, Result};

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
            ..Selection::default()
        }
    }
}

impl PartialEq for Selection {
    fn eq(&self, other: &Self) -> bool {
        (&self.from, &self.only, &self.skip, &self.because)
            == (&other.from, &other.only, &other.skip, &other.because)
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
        Some(format!("{option}: {}", self.because))
    }

    /// Whether it has left a step out.
    pub(super) fn left_out(&self, step: &str) -> bool {
        lock(&self.left_out).contains(step)
    }

    /// Whether finished steps run again: the operator wants the run from here.
    pub(super) fn begins_anew(&self) -> bool {
        self.from.is_some() && self.reached.load(Ordering::SeqCst)
    }
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
        assert_eq!(selection.leaves_out("1").unwrap(), "--from 3: a test");
    }

    #[test]
    fn nobody_leaves_out_steps_without_a_reason() {
        assert_eq!(Selection::new(None, vec![], vec!["1".into()], " ").unwrap_err().kind(), ErrorKind::Usage);
        Selection::new(None, vec![], vec![], "").unwrap();
    }
}
