//! The runbook's own comments as the *why* of a report.

use crate::run::RunReport;
use crate::script::modules::Shelf;
use crate::script::prose::Prose;

/// Adds the comments of the runbook's source: what it is for, and why each step is done.
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
    let Ok(prose) = Prose::of(shelf, &report.runbook) else { return };
    for step in &mut report.steps {
        if let Ok(known) = prose.step(&step.id) {
            step.why.clone_from(&known.why);
        }
    }
    report.why = prose.header;
}
