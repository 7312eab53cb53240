//! What a report has from the runbook's own text: its comments as the *why*, the steps that the run did not reach, and the
//! bar of an acceptance.

use std::collections::BTreeSet;

use crate::run::RunReport;
use crate::run::report::NotReached;
use crate::script::modules::Shelf;
use crate::script::prose::Prose;

/// Adds what the runbook's source says: what it is for, why each step is done, which steps the run ended before, and what it
/// accepts.
///
/// Only where the shelf still holds every text that the run was made from; a report must not
/// explain a run by a text that has changed since. Where it cannot be had, the report stays as it is.
pub fn explain(report: &mut RunReport, shelf: &dyn Shelf) {
    let same = report.sources.iter().all(|then| {
        shelf.texts(&then.name).is_ok_and(|now| now.iter().any(|text| text.mark(&then.name) == *then))
    });
    if !same || report.steps.is_empty() {
        return;
    }
    if let Ok(prose) = Prose::of(shelf, &report.runbook) {
        fill(report, &prose);
    }
}

/// The same from prose that is at hand.
pub fn fill(report: &mut RunReport, prose: &Prose) {
    for step in &mut report.steps {
        if let Ok(known) = prose.step(&step.id) {
            step.why.clone_from(&known.why);
        }
    }
    // a run that ended with an error, or was cut off, ended before the steps behind it
    if report.end.as_ref().is_none_or(|end| !end.error.is_null()) {
        let reached = |id: &str| report.steps.iter().any(|step| step.id == id);
        let rest = prose.steps.iter().filter(|step| !step.computed && !reached(&step.id));
        let rest = rest.map(|step| NotReached { id: step.id.clone(), title: step.title.clone() });
        report.not_reached = rest.collect();
        // a step in two branches of an `if` is one step
        let mut named = BTreeSet::new();
        report.not_reached.retain(|step| named.insert(step.id.clone()));
    }
    report.accepts.clone_from(&prose.accepts);
    report.why.clone_from(&prose.header);
}
