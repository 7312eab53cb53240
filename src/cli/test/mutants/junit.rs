//! JUnit's XML: a suite a file, a test case a mutant. A survivor is a failure; one that was accepted, or does not compile, is
//! skipped.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::outcome::{Outcome, Tried};
use crate::report::junit::attribute;

/// The document.
pub(super) fn render(outcome: &Outcome) -> String {
    let mut files: BTreeMap<&str, Vec<&Tried>> = BTreeMap::new();
    for it in &outcome.mutants {
        files.entry(&it.file).or_default().push(it);
    }
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(xml, "<testsuites {}>", counts(&outcome.mutants.iter().collect::<Vec<_>>()));
    for (file, tried) in &files {
        let _ = writeln!(xml, "  <testsuite name=\"{}\" {}>", attribute(file), counts(tried));
        tried.iter().for_each(|it| case(&mut xml, it));
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn counts(tried: &[&Tried]) -> String {
    let count = |fates: &[&str]| tried.iter().filter(|it| fates.contains(&it.fate)).count();
    let (failures, skipped) = (count(&["survived"]), count(&["accepted", "broken"]));
    format!("tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\"", tried.len())
}

fn case(xml: &mut String, it: &Tried) {
    let what = format!("{}:{} {} {}: {} → {}", it.line, it.column, it.kind, it.operator, it.before, it.after);
    let _ =
        write!(xml, "    <testcase classname=\"{}\" name=\"{}\"", attribute(&it.script), attribute(&what));
    let inner = match it.fate {
        "survived" => "failure",
        "accepted" | "broken" => "skipped",
        _ => "",
    };
    let _ = match inner {
        "" => writeln!(xml, "/>"),
        inner => writeln!(xml, ">\n      <{inner} message=\"{}\"/>\n    </testcase>", attribute(&it.by)),
    };
}
