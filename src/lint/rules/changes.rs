//! Commands that change something.

use crate::lint::codes::{CHANGE_UNPROVEN, DELETION_NOT_AWAITED, FINALIZERS_EMPTIED};
use crate::lint::finding::Finding;
use crate::lint::page::{Page, Passage};
use crate::lint::pattern::Pattern;

static FAILOVER: Pattern = Pattern::new(r"\bopenstack\s+loadbalancer\s+(amphora\s+)?failover\b[^|;&\n]*");
static CHECKED: Pattern =
    Pattern::new(r"(^|[\s;(])(if|while|until)\s+(!\s+)?|\|\||&&|\brc=\$\?|(^|[\s;(])!\s");
static NEXT_CHECKS: Pattern =
    Pattern::new(r#"^\s*(if\s+\[|\[|\w+=\$\?|case\s+"?\$\?|if\s+\(\()[^\n]*\$\?|^\s*\w+=\$\?"#);

/// Whether a command's exit status counts for something.
fn is_checked(page: &Page<'_>, passage: &Passage<'_>) -> bool {
    let next = page.rest_of_block(passage).next().is_some_and(|next| NEXT_CHECKS.is_in(next.text));
    CHECKED.is_in(passage.text) || next || page.stops_on_error(passage)
}

/// Failovers whose answer nobody looks at: the state after a refusal is the state of success.
pub fn failover(page: &Page<'_>) -> Vec<Finding> {
    let unchecked = page.passages.iter().filter(|p| FAILOVER.is_in(p.text) && !is_checked(page, p));
    unchecked.flat_map(|p| each(page, p, &FAILOVER)).collect()
}

fn each(page: &Page<'_>, p: &Passage<'_>, pattern: &Pattern) -> Vec<Finding> {
    let found = pattern.all(p.text).into_iter();
    found.map(|m| page.finding(&CHANGE_UNPROVEN, p.start + m.start()..p.start + m.end())).collect()
}

/// Other changes whose answer nobody looks at, with a wait for a state behind them.
pub fn level_after_change(page: &Page<'_>) -> Vec<Finding> {
    static CHANGE: Pattern = Pattern::new(
        r"^[\s$]*openstack\s+((server\s+(start|stop|reboot|rebuild|resize|unshelve|shelve|migrate))|(loadbalancer\s+(set|unset))|(coe\s+cluster\s+(update|resize|upgrade)))\b[^|;&\n]*",
    );
    static STATE: Pattern = Pattern::new(r"\b(ACTIVE|SHUTOFF|ONLINE|\w+_COMPLETE)\b");
    let waited = |p: &Passage<'_>| {
        let mut later = page.loops.iter().filter(|l| l.block == p.block && l.start > p.start);
        later.any(|l| STATE.is_in(l.text))
    };
    let unchecked =
        page.passages.iter().filter(|p| CHANGE.is_in(p.text) && waited(p) && !is_checked(page, p));
    unchecked.flat_map(|p| each(page, p, &CHANGE)).collect()
}

/// Finalizers that are removed all at once.
pub fn finalizers(page: &Page<'_>) -> Vec<Finding> {
    static EMPTIED: Pattern =
        Pattern::new(r#"["']?finalizers["']?\s*:\s*(\[\s*\]|null)|/metadata/finalizers"?\s*\}"#);
    let mut found = page.each(&FINALIZERS_EMPTIED, &EMPTIED);
    // `path: /metadata/finalizers` without an index takes all of them, but only where it removes
    found.retain(|f| !f.text.contains("/metadata/finalizers") || f.text.contains("remove"));
    found
}

/// Deletions of what leaves something behind, without a look whether it is gone.
pub fn deletions(page: &Page<'_>) -> Vec<Finding> {
    static DELETE: Pattern = Pattern::new(
        r"\bkubectl\s+(?:-\S+\s+\S+\s+)*delete\s+(svc|services?|ingress|ing|pvc|ns|namespaces?|clusters?)\b[^|;&\n#]*|\bopenstack\s+(coe\s+cluster|loadbalancer|stack)\s+delete\s+\S[^|;&\n#]*",
    );
    static LOOKS: Pattern = Pattern::new(
        r"loadbalancer\s+(list|show)|wait\s+--for=delete|coe\s+cluster\s+(list|show)|--wait\b|stack\s+(list|show)",
    );
    let mut found = Vec::new();
    for passage in page.passages.iter().filter(|p| DELETE.is_in(p.text)) {
        let waits = page.rest_of_block(passage).any(|next| LOOKS.is_in(next.text) && !is_comment(next.text));
        let here = passage.text.split('#').next().unwrap_or_default();
        if !waits && !LOOKS.is_in(here) {
            let deletes = DELETE.all(passage.text).into_iter();
            found.extend(deletes.map(|m| {
                page.finding(&DELETION_NOT_AWAITED, passage.start + m.start()..passage.start + m.end())
            }));
        }
    }
    found
}

fn is_comment(text: &str) -> bool {
    text.trim_start().starts_with('#')
}
