//! Signatures: claims that a person signs off by name. One that was given before a cut counts for the resumed run as well, as
//! long as it is the same claim of the same step, over the same evidence.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::frame::{self, frame};
use super::met::Ending;
use super::record::{Entry, Record};
use super::state::{Run, lock};
use crate::base::secret::mask;
use crate::base::{Error, ErrorKind, Result};

/// What the step at work has shown so far: its gates and its named values. A claim is signed over it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Evidence(Vec<Value>);

impl Evidence {
    /// Takes in what was journaled.
    pub(super) fn take(&mut self, record: &Record) {
        match record {
            Record::StepBegin { .. } => self.0.clear(),
            Record::Gate { claim, ok, observed, wanted, .. } => {
                self.0.push(json!([claim, ok, observed, wanted]));
            }
            Record::Fact { step, name, value } if !step.is_empty() => self.0.push(json!([name, value])),
            _ => {}
        }
    }
}

/// A claim that was signed.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    /// The number of the entry in which it was.
    pub(super) entry: u64,
    /// Who signed.
    pub(super) by: String,
    /// Over what.
    over: Evidence,
}

/// The claims of a run that were signed, as its journal shows them.
#[derive(Clone, Debug, Default)]
pub(super) struct Signatures {
    shown: Evidence,
    given: HashMap<(String, String), Signature>,
}

impl Signatures {
    /// Takes in what was journaled. A claim that was asked again and not signed is signed no more.
    pub(super) fn take(&mut self, entry: &Entry) {
        self.shown.take(&entry.record);
        match &entry.record {
            Record::Attest { step, claim, by: Some(by), kept: None } => {
                let signature = Signature { entry: entry.n, by: by.clone(), over: self.shown.clone() };
                self.given.insert((step.clone(), claim.clone()), signature);
            }
            Record::Attest { step, claim, by: None, .. } => {
                self.given.remove(&(step.clone(), claim.clone()));
            }
            _ => {}
        }
    }

    /// The signature of a claim of a step that has shown this.
    fn over(&self, step: &str, claim: &str, shown: &Evidence) -> Option<&Signature> {
        let signature = self.given.get(&(step.to_string(), claim.to_string()))?;
        (signature.over == *shown).then_some(signature)
    }

    /// The signature of a claim of the step at work, over what it has shown by now.
    pub(super) fn standing(&self, step: &str, claim: &str) -> Option<&Signature> {
        self.over(step, claim, &self.shown)
    }
}

impl Run {
    /// Has a claim signed off. `None`: nobody signed, and the step ends as OUTSTANDING.
    ///
    /// A signature from before a cut is kept. Where the run is wanted from this step on, it is asked for again.
    pub fn attest(&self, claim: &str) -> Result<Option<String>> {
        let step = frame().map(|f| f.step.clone()).unwrap_or_default();
        let shared = self.shared();
        let shown = lock(&shared.shown).clone();
        // as it is journaled, it was signed
        let claim_told = mask(claim).to_string();
        let before = shared.past.signatures().over(&step, &claim_told, &shown);
        if let Some(signed) = before.filter(|_| !self.begins_anew(&step)) {
            let (by, kept) = (Some(signed.by.clone()), Some(signed.entry));
            self.append(Record::Attest { step, claim: claim.into(), by: by.clone(), kept })?;
            return Ok(by);
        }
        let by = shared.approver.attest(&claim_told);
        // Ctrl-C is no answer: the step that asks is the one that was interrupted, and it asks again when the run goes on
        if by.is_none() && self.cancel().is_cancelled() {
            let e =
                Error::new(ErrorKind::Interrupted, format!("interrupted at the signature of: {claim_told}"));
            frame::meet_error(&e);
            return Err(e);
        }
        self.append(Record::Attest { step, claim: claim.into(), by: by.clone(), kept: None })?;
        if by.is_none() {
            frame::meet(Ending::Outstanding(claim.into()));
        }
        Ok(by)
    }
}
