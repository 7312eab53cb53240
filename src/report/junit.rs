//! JUnit's XML, for CI servers: a suite a run, a test case a step.
//!
//! A failed gate is a `failure`, any other failure an `error`. What was not judged (skipped,
//! deferred, outstanding) is `skipped` with its reason; where the runbook's verdict needs it, a case of its own is a `failure`; an accepted exception passes, and says so in
//! `system-out`.

use std::fmt::Write as _;

use super::evidence::{inline, visible};
use super::summary::{self, OpenItem, Summary};
use crate::run::record::Verdict;
use crate::run::report::{RunReport, StepReport};

/// The document.
pub fn render(report: &RunReport) -> String {
    let cases: Vec<_> = report.steps.iter().map(|s| (Case::of(s), s)).collect();
    let count = |kind: fn(&Case) -> bool| cases.iter().filter(|(c, _)| kind(c)).count();
    // a CI server takes a run for a pass in which nothing is a failure
    let lacks = Summary::of(report).lacks;
    let (failures, errors) = (
        count(|c| matches!(c, Case::Failure(_))) + usize::from(!lacks.is_empty()),
        count(|c| matches!(c, Case::Error(_))),
    );
    let skipped = count(|c| matches!(c, Case::Skipped(_)));
    let name = summary::name(report);
    let counts = format!(
        "tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"{:.3}\"",
        cases.len() + usize::from(!lacks.is_empty()),
        summary::seconds(report)
    );
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(xml, "<testsuites {counts}>");
    let began = report.began.map(|at| at.strftime("%Y-%m-%dT%H:%M:%S").to_string()).unwrap_or_default();
    let machine = report.by.rsplit('@').next().unwrap_or_default();
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{}\" {counts} timestamp=\"{began}\" hostname=\"{}\">",
        attribute(name),
        attribute(machine)
    );
    properties(&mut xml, report);
    for (case, step) in &cases {
        testcase(&mut xml, name, case, step);
    }
    verdict(&mut xml, name, &lacks);
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

enum Case {
    Passed(Option<String>),
    Failure(String),
    Error(String),
    Skipped(String),
}

impl Case {
    fn of(step: &StepReport) -> Self {
        let Some(verdict) = &step.verdict else {
            return Case::Error("the journal stops inside of this step".into());
        };
        match verdict {
            Verdict::Pass => Case::Passed(None),
            Verdict::KnownIssue { .. } | Verdict::Waived { .. } => Case::Passed(Some(verdict.to_string())),
            Verdict::Fail { reason } if step.error["kind"] == "gate" => Case::Failure(reason.clone()),
            Verdict::Fail { reason } => Case::Error(reason.clone()),
            Verdict::Unknown { .. } => Case::Error(verdict.to_string()),
            Verdict::Deferred { .. } | Verdict::Skipped { .. } | Verdict::Outstanding { .. } => {
                Case::Skipped(verdict.to_string())
            }
        }
    }
}

fn properties(xml: &mut String, report: &RunReport) {
    let summary = Summary::of(report);
    let known = [
        ("run", report.run.as_str()),
        ("runbook", &report.runbook),
        ("title", &report.title),
        ("site", &report.site),
        ("mode", &report.mode),
        ("by", &report.by),
        ("version", &report.version),
        ("standing", summary.standing.words()),
        ("journal.head", report.head.as_deref().unwrap_or_default()),
    ];
    xml.push_str("    <properties>\n");
    let mut property = |name: &str, value: &str| {
        let (name, value) = (attribute(name), attribute(value));
        let _ = writeln!(xml, "      <property name=\"{name}\" value=\"{value}\"/>");
    };
    for (name, value) in known.into_iter().filter(|(_, value)| !value.is_empty()) {
        property(name, value);
    }
    for source in &report.sources {
        property(&format!("source.{}.{}", source.layer, source.name), &source.sha256);
    }
    let facts = report.facts.iter().chain(report.steps.iter().flat_map(|s| &s.facts));
    for fact in facts {
        property(&format!("fact.{}", fact.name), &inline(&fact.value));
    }
    xml.push_str("    </properties>\n");
}

fn testcase(xml: &mut String, suite: &str, case: &Case, step: &StepReport) {
    let _ = write!(
        xml,
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
        attribute(suite),
        attribute(&format!("{} {}", step.id, step.title)),
        step.seconds
    );
    match case {
        Case::Passed(None) => xml.push_str("/>\n"),
        Case::Passed(Some(excuse)) => {
            let _ = writeln!(xml, ">\n      <system-out>{}</system-out>\n    </testcase>", content(excuse));
        }
        Case::Skipped(why) => {
            let _ = writeln!(xml, ">\n      <skipped message=\"{}\"/>\n    </testcase>", attribute(why));
        }
        Case::Failure(reason) => defect(xml, "failure", "gate", reason, step),
        Case::Error(reason) => {
            let kind = step.error["kind"].as_str().unwrap_or("error");
            defect(xml, "error", kind, reason, step);
        }
    }
}

/// The runbook's own verdict, where steps that it needs were not passed.
fn verdict(xml: &mut String, suite: &str, lacks: &[OpenItem]) {
    if lacks.is_empty() {
        return;
    }
    let steps: Vec<&str> = lacks.iter().map(|l| l.step.as_str()).collect();
    let lines: Vec<String> = lacks.iter().map(|l| format!("{} {}", l.step, l.what)).collect();
    let _ = writeln!(
        xml,
        "    <testcase classname=\"{}\" name=\"the runbook's verdict\" time=\"0.000\">\n      <failure type=\"incomplete\" \
         message=\"{}\">{}</failure>\n    </testcase>",
        attribute(suite),
        attribute(&format!("its verdict needs {}, which did not pass", steps.join(", "))),
        content(&lines.join("\n"))
    );
}

fn defect(xml: &mut String, element: &str, kind: &str, reason: &str, step: &StepReport) {
    let mut lines: Vec<String> = Vec::new();
    let causes = step.error["causes"].as_array().into_iter().flatten().filter_map(|c| c.as_str());
    lines.extend(causes.map(str::to_string));
    if let Some(help) = step.error["help"].as_str() {
        lines.push(format!("help: {help}"));
    }
    for gate in step.gates.iter().filter(|g| !g.ok && g.excused.is_none()) {
        lines.push(format!("observed: {}", inline(&gate.observed)));
        if !gate.scopes.is_empty() {
            lines.push(format!("scopes: {}", gate.scopes.join(", ")));
        }
    }
    let _ = writeln!(
        xml,
        ">\n      <{element} type=\"{}\" message=\"{}\">{}</{element}>\n    </testcase>",
        attribute(kind),
        attribute(reason),
        content(&lines.join("\n"))
    );
}

fn content(text: &str) -> String {
    let text = visible(text);
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// As [`content`], and white space survives the parser's normalisation.
pub(crate) fn attribute(text: &str) -> String {
    content(text).replace('"', "&quot;").replace('\n', "&#10;").replace('\t', "&#9;")
}
