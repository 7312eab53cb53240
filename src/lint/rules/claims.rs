//! What prose claims.

use crate::lint::codes::{HEADROOM_BY_HAND, HEALTH_WITHOUT_VERSION, RELEASE_CLAIM};
use crate::lint::finding::Finding;
use crate::lint::page::Page;
use crate::lint::pattern::Pattern;

/// `total x ratio - reserved`.
pub fn headroom(page: &Page<'_>) -> Vec<Finding> {
    static ARITHMETIC: Pattern =
        Pattern::new(r"(?i)\b(ram|cpu|disk)?_?(allocation_)?ratio\b[^\n]{0,24}?\s[-−]\s*reserved\w*");
    page.each(&HEADROOM_BY_HAND, &ARITHMETIC)
}

/// Where a cluster's health decides, and no version of its driver does.
pub fn health(page: &Page<'_>) -> Vec<Finding> {
    static DECIDES: Pattern = Pattern::new(
        r"(?i)(^|[\s•*-])(gate|success|exit|pass|accept\w*)\b\s*[:=][^\n]*?\b((un)?healthy\b|cosmetic\b)|\bhealth_status\s+(should\s+(read|be)\s+|must\s+be\s+|is\s+|=+\s*)?(un)?healthy\b",
    );
    static RECORD: Pattern = Pattern::new(r"(?i)\bhealth_status\s+was\b|already reports");
    let mut found = page.each(&HEALTH_WITHOUT_VERSION, &DECIDES);
    found.retain(|f| !RECORD.is_in(&f.text));
    // a line that decides twice says so once
    found.dedup_by_key(|f| f.line);
    found
}

/// Claims of what a release has or lacks.
pub fn release(page: &Page<'_>) -> Vec<Finding> {
    static CLAIM: Pattern = Pattern::new(
        r"(?i)\b((chart|driver|release|version|client)\s+v?\d[\w.]*\s+(ships?|has|supports?)\s+only\s+\w+|does\s+not\s+have\s+(a\s+|any\s+)?(standalone\s+)?[\w /]+?\b(sub)?commands?|(snap|client|cli)\s+(has|lacks)\s+(no\s+)?[\w -]*?(sub)?commands?)",
    );
    page.each(&RELEASE_CLAIM, &CLAIM)
}
