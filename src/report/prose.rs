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

/// The paragraphs of a comment. Lines of a paragraph are joined, but for those of a list.
pub fn paragraphs(comment: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    for line in comment.lines().map(str::trim_end) {
        let Some(last) = paragraphs.last_mut() else { break };
        let item = list_item(line).is_some();
        match (line.trim().is_empty(), last.is_empty()) {
            (true, true) => {}
            (true, false) => paragraphs.push(String::new()),
            (false, true) => last.push_str(line.trim()),
            (false, false) => {
                last.push(if item { '\n' } else { ' ' });
                last.push_str(line.trim());
            }
        }
    }
    paragraphs.retain(|p| !p.is_empty());
    paragraphs
}

/// What a line says as an item of a list; `None` where it is none.
pub fn list_item(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("- ").or_else(|| line.strip_prefix("* "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_joined_and_lists_are_not() {
        let comment = "Parks the\ncluster.\n\n\nNeeds:\n - a host\n   that answers\n - a key\n";
        assert_eq!(paragraphs(comment), ["Parks the cluster.", "Needs:\n- a host that answers\n- a key"]);
        assert!(paragraphs("\n \n").is_empty());
    }
}
