//! What a site changes in a shipped runbook's steps: replaced, preceded, followed, skipped, added.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rhai::FnPtr;

use super::later::Later;
use crate::base::{Error, ErrorKind, Place, Result};
use crate::run::StepKind;

/// What is done to a step.
#[derive(Clone)]
pub enum What {
    /// The step's body is this closure; it gets the shipped body as `original`.
    Replace(FnPtr),
    /// This runs in the step before its body.
    Before(FnPtr),
    /// This runs in the step after its body, with the body's value.
    After(FnPtr),
    /// The step is skipped.
    Skip(String),
    /// Another step follows it.
    Add {
        /// The new step's id.
        id: String,
        /// Its title.
        title: String,
        /// What it may do.
        kind: StepKind,
        /// Its body.
        body: FnPtr,
    },
}

/// One change of one step.
#[derive(Clone)]
pub struct Override {
    /// What is done.
    pub what: What,
    /// The context its closure was written in.
    pub later: Arc<Later>,
    /// Where it is written.
    pub place: Place,
    used: Arc<AtomicBool>,
}

impl Override {
    /// What a report says of it: `replaced by site/phase-08.rhai:12`.
    pub fn describe(&self) -> String {
        let how = match &self.what {
            What::Replace(_) => "replaced",
            What::Before(_) => "preceded",
            What::After(_) => "followed",
            What::Skip(_) => "skipped",
            What::Add { .. } => "added",
        };
        format!("{how} by {}:{}", self.place.file, self.place.line)
    }
}

/// What a site says that a runbook's verdict needs.
#[derive(Clone)]
pub struct Needs {
    /// The steps.
    pub steps: Vec<String>,
    /// Why.
    pub reason: String,
    /// Where it is written.
    pub place: Place,
}

impl Needs {
    /// What a report says of it.
    pub fn describe(&self) -> String {
        format!("{} ({}:{})", self.reason, self.place.file, self.place.line)
    }
}

/// All changes of one run's runbook.
#[derive(Clone, Default)]
pub struct Overrides(Arc<Mutex<BTreeMap<String, Vec<Override>>>>, Arc<Mutex<Option<Needs>>>);

impl Overrides {
    /// Takes a change in. Two replacements of one step contradict each other.
    pub fn add(&self, step: &str, what: What, later: Later, place: Place) -> Result<()> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_step = all.entry(step.to_string()).or_default();
        let settles = |w: &What| matches!(w, What::Replace(_) | What::Skip(_));
        if settles(&what)
            && let Some(other) = of_step.iter().find(|o| settles(&o.what))
        {
            return Err(Error::new(ErrorKind::Site, format!("step {step} is {} already", other.describe()))
                .place(place.file, place.line, place.column)
                .help("keep one of the two"));
        }
        of_step.push(Override { what, later: Arc::new(later), place, used: Arc::default() });
        Ok(())
    }

    /// Takes in what the verdict needs here. It is said once.
    pub fn set_needs(&self, needs: Needs) -> Result<()> {
        let mut said = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(other) = &*said {
            let what = format!("what the verdict needs is said already: {}", other.describe());
            let place = needs.place;
            return Err(Error::new(ErrorKind::Site, what)
                .place(place.file, place.line, place.column)
                .help("keep one of the two"));
        }
        *said = Some(needs);
        Ok(())
    }

    /// What the verdict needs here, where the site says otherwise than the runbook.
    pub fn needs(&self) -> Option<Needs> {
        self.1.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The changes of a step, which count as used from now on.
    pub fn of(&self, step: &str) -> Vec<Override> {
        let found =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).get(step).cloned().unwrap_or_default();
        found.iter().for_each(|o| o.used.store(true, Ordering::Relaxed));
        found
    }

    /// Every step that is changed, with where.
    pub fn targets(&self) -> Vec<(String, Place)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().flat_map(|(step, os)| os.iter().map(move |o| (step.clone(), o.place.clone()))).collect()
    }

    /// A change whose step never came: the run did not do what the site says.
    pub fn unused(&self) -> Option<(String, Override)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter()
            .flat_map(|(step, os)| os.iter().map(move |o| (step, o)))
            .find(|(_, o)| !o.used.load(Ordering::Relaxed))
            .map(|(step, o)| (step.clone(), o.clone()))
    }
}
