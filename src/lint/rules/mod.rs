//! The rules, one file a family. A rule reads a page and tells what it found.

use super::finding::Finding;
use super::page::Page;

mod access;
mod changes;
mod claims;
mod identity;
mod literals;
mod reads;
mod waits;

const RULES: &[fn(&Page<'_>) -> Vec<Finding>] = &[
    waits::counted,
    waits::endless,
    waits::failure_may_not_come,
    changes::failover,
    changes::level_after_change,
    changes::finalizers,
    changes::deletions,
    reads::hidden_errors,
    reads::inverted_filter,
    reads::phase,
    reads::any_of,
    reads::dropped_field,
    identity::environment,
    identity::substitution,
    literals::hardcoded,
    claims::headroom,
    claims::health,
    claims::release,
    access::kubeconfig,
    access::host_key,
    access::tls,
    access::prompt,
];

/// What is found in a page by itself.
pub fn of_page(page: &Page<'_>) -> Vec<Finding> {
    RULES.iter().flat_map(|rule| rule(page)).collect()
}

/// What is found in one page that others contradict.
pub fn across(pages: &[Page<'_>], n: usize) -> Vec<Finding> {
    literals::contradictions(pages, n)
}
