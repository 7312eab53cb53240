//! Commands that look, and what is made of what they print.

use crate::lint::codes::{ANY_OF_IS_ENOUGH, DROPPED_FIELD, ERRORS_HIDDEN, INVERTED_FILTER, PHASE_AS_HEALTH};
use crate::lint::finding::Finding;
use crate::lint::page::Page;
use crate::lint::pattern::Pattern;

/// Programs that ask a system, with their standard error thrown away.
pub fn hidden_errors(page: &Page<'_>) -> Vec<Finding> {
    static HIDDEN: Pattern = Pattern::new(
        r#"(?:^|[\s(`;&|!])(openstack\s+[a-z]|kubectl\s|clusterctl\s|helm\s|juju\s+[a-z]|vault\s+[a-z]|ssh\s+\S*[@\w]|curl\s|timeout\s+\d+\s+bash\b)[^|;&\n]*?(?:\\\n[^|;&\n]*?)*(2>\s*/dev/null|&>\s*/dev/null|>\s*/dev/null\s+2>&1|2>&-)"#,
    );
    let mut found = Vec::new();
    for passage in &page.passages {
        // `command -v openstack >/dev/null 2>&1` asks for the program, not a system
        if ["command -v", "which ", "type "].iter().any(|asks| passage.text.trim_start().starts_with(asks)) {
            continue;
        }
        for groups in HIDDEN.groups(passage.text) {
            if let Some(m) = groups.get(2) {
                found.push(page.finding(&ERRORS_HIDDEN, passage.start + m.start()..passage.start + m.end()));
            }
        }
    }
    found
}

/// A filter that drops good lines, and what is left counts as bad: `grep -vE 'active|idle' || echo ok`.
pub fn inverted_filter(page: &Page<'_>) -> Vec<Finding> {
    static INVERTED: Pattern = Pattern::new(
        r#"\b(juju\s+status[^|;&\n]*|kubectl\s[^|;&\n]*\bget\s[^|;&\n]*|openstack\s[^|;&\n]*)\|\s*e?grep\s+(-\S+\s+)*-[a-zA-Z]*v[a-zA-Z]*\s+(-\S+\s+)*('[^'\n]*'|"[^"\n]*"|\S+)"#,
    );
    static ALTERNATIVES: Pattern = Pattern::new(r"\|\s*(echo|printf|true|:)|[\w)]\\?\|[\w(]|wc\s+-l");
    static DATA: Pattern = Pattern::new(r"--format[= ](json|yaml)|-o\s+(json|yaml)|-f\s+(json|yaml)");
    let mut found = Vec::new();
    for passage in page.passages.iter().filter(|p| !DATA.is_in(p.text)) {
        for m in INVERTED.all(passage.text) {
            if ALTERNATIVES.is_in(m.as_str()) || ALTERNATIVES.is_in(&passage.text[m.end()..]) {
                let range = passage.start + m.start()..passage.start + m.end();
                found.push(page.finding(&INVERTED_FILTER, range));
            }
        }
    }
    found
}

/// A field selector on a pod's phase.
pub fn phase(page: &Page<'_>) -> Vec<Finding> {
    static PHASE: Pattern =
        Pattern::new(r"--field-selector[= ]\s*['\x22]?[^\s]*status\.phase\s*!=\s*\w+[^\s]*");
    page.each(&PHASE_AS_HEALTH, &PHASE)
}

/// `grep` with alternatives on a list of what must all be there.
pub fn any_of(page: &Page<'_>) -> Vec<Finding> {
    static ANY: Pattern = Pattern::new(
        r#"\bkubectl\s[^|;&\n]*\bget\s[^|;&\n]*\|\s*(?:egrep(?:\s+-[a-uw-zA-Z]+)*|grep\s+(?:-[a-uw-zA-Z]+\s+)*-[a-uw-zA-Z]*E[a-uw-zA-Z]*)\s+('[^'\n]*\|[^'\n]*'|"[^"\n]*\|[^"\n]*")"#,
    );
    let mut found = Vec::new();
    for passage in &page.passages {
        for groups in ANY.groups(passage.text) {
            if let Some(m) = groups.get(1) {
                let what = m.as_str().trim_matches(['\'', '"']);
                let range = passage.start + m.start()..passage.start + m.end();
                let note = format!("{} alternatives; one of them is enough", what.split('|').count());
                found.push(page.finding(&ANY_OF_IS_ENOUGH, range).note(note));
            }
        }
    }
    found
}

/// Figures of hypervisors that Nova no longer gives.
pub fn dropped_field(page: &Page<'_>) -> Vec<Finding> {
    static DROPPED: Pattern = Pattern::new(
        r"\b(openstack|nova)\s+hypervisor(-|\s+)(list|show|stats)\b[^;&\n]*(?i:memory.?mb|vcpus|local.?gb|disk.?gb|free.?ram|running.?vms)|\bopenstack\s+hypervisor\s+stats\s+show\b",
    );
    page.each(&DROPPED_FIELD, &DROPPED)
}
