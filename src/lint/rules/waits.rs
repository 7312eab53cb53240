//! Loops that wait.

use crate::lint::codes::{FAILURE_MAY_NOT_COME, LOOP_CANNOT_END, WAIT_FALLS_THROUGH, WAIT_WITHOUT_DEADLINE};
use crate::lint::finding::Finding;
use crate::lint::page::{Loop, Page};
use crate::lint::pattern::Pattern;

static COUNTED: Pattern = Pattern::new(
    r"^for\s+\w+\s+in\s+(\$\(\s*seq\b|`\s*seq\b|\{\d+\.\.|(\d+\s+){2})|^for\s*\(\(|^(while|until)\s+(\[{1,2}\s+.{0,20}-(lt|le|gt|ge)\b|\(\()",
);
static PAUSE: Pattern = Pattern::new(r"(^|[\s;&|(])sleep\s+[\d$]");
static LEAVES: Pattern = Pattern::new(r"(^|[\s;&|({])(break|exit|return)\b");
static JUDGED: Pattern = Pattern::new(
    r"\|\|\s*(\{|\(|exit\b|return\b|die\b|fail\b|false\b)|(^|[\s;&])exit\s+[1-9]|(^|[\s;&])return\s+[1-9]|(^|\n)\s*(el)?if\s|(^|\n)\s*case\s",
);
static LAST_TURN: Pattern =
    Pattern::new(r#"\$\{?\w+\}?"?\s*(-eq|-ge|==?)\s*"?(\d+|\$\{?\w+\}?)"?[^\n]*\b(exit|return|die|fail)\b"#);

fn counted_waits<'p, 't>(page: &'p Page<'t>) -> impl Iterator<Item = &'p Loop<'t>> {
    page.loops.iter().filter(|l| COUNTED.is_in(l.head) && PAUSE.is_in(l.text))
}

/// Counted loops: with no way out, or with no word about the last turn.
pub fn counted(page: &Page<'_>) -> Vec<Finding> {
    let judge = |l: &Loop<'_>| {
        let range = l.start..l.start + l.head.trim_end().len();
        if !LEAVES.is_in(l.text) {
            return Some(page.finding(&LOOP_CANNOT_END, range));
        }
        let after: String =
            l.after.lines().filter(|l| !l.trim().is_empty()).take(4).collect::<Vec<_>>().join("\n");
        let told = JUDGED.is_in(&after) || LAST_TURN.is_in(l.text);
        (!told).then(|| page.finding(&WAIT_FALLS_THROUGH, range))
    };
    counted_waits(page).filter_map(judge).collect()
}

/// Loops and watches without a deadline.
pub fn endless(page: &Page<'_>) -> Vec<Finding> {
    static BOUND: Pattern =
        Pattern::new(r"(?i)\bSECONDS\b|deadline|\btimeout\b|date \+%s|\+\+|-(lt|le|gt|ge)\b|retries");
    static WATCH: Pattern = Pattern::new(r"\bkubectl\s+(?:[^|;&\n]*\s)?get\s[^|;&\n]*\s(-w|--watch)\b");
    static TIMED: Pattern = Pattern::new(r"\btimeout\s+\d|--request-timeout");
    let conditional =
        page.loops.iter().filter(|l| l.head.starts_with("while") || l.head.starts_with("until"));
    let unbounded =
        conditional.filter(|l| PAUSE.is_in(l.text) && !BOUND.is_in(l.text) && !COUNTED.is_in(l.head));
    let mut found: Vec<Finding> = unbounded
        .map(|l| page.finding(&WAIT_WITHOUT_DEADLINE, l.start..l.start + l.head.trim_end().len()))
        .collect();
    for passage in page.passages.iter().filter(|p| !TIMED.is_in(p.text)) {
        let at = |m: regex::Match<'_>| passage.start + m.start()..passage.start + m.end();
        let watches = WATCH.all(passage.text).into_iter();
        found.extend(watches.map(|m| page.finding(&WAIT_WITHOUT_DEADLINE, at(m))));
    }
    found
}

/// Waits for a cluster whose only ways out are CREATE_COMPLETE and CREATE_FAILED.
pub fn failure_may_not_come(page: &Page<'_>) -> Vec<Finding> {
    static STATES: Pattern = Pattern::new(r"\b(CREATE|UPDATE|DELETE)_FAILED\b");
    let waits = page.loops.iter().filter(|l| PAUSE.is_in(l.text) && l.text.contains("coe cluster"));
    waits
        .filter_map(|l| {
            let m = STATES.first(l.text)?;
            Some(page.finding(&FAILURE_MAY_NOT_COME, l.start + m.start()..l.start + m.end()))
        })
        .collect()
}
