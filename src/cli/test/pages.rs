//! What runbooks say of themselves (their steps, the bar they take), read once for all rehearsals: no change of a step is a
//! change of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::file::lock;
use crate::report::prose;
use crate::run::RunReport;
use crate::script::modules::Shelf;
use crate::script::prose::Prose;

/// The pages of runbooks by their names; nothing where one cannot be read.
#[derive(Default)]
pub(super) struct Pages(Mutex<BTreeMap<String, Option<Arc<Prose>>>>);

impl Pages {
    /// Adds to a report what its runbook says.
    pub(super) fn explain(&self, report: &mut RunReport, shelf: &dyn Shelf) {
        let known = lock(&self.0).get(&report.runbook).cloned();
        let page = known.unwrap_or_else(|| {
            let page = Prose::of(shelf, &report.runbook).ok().map(Arc::new);
            lock(&self.0).insert(report.runbook.clone(), page.clone());
            page
        });
        if let Some(page) = page {
            prose::fill(report, &page);
        }
    }
}
