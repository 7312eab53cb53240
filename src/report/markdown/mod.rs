//! The acceptance summary: the exit gate first, then verdicts, exceptions and open items in plain
//! sight, then the evidence of each step, the run's own ids and what it ran from.

mod escape;
mod steps;

use std::fmt::Write as _;

use self::escape::{cell, code, comment, text};
use super::acceptance;
use super::evidence::{inline, visible};
use super::summary::{self, Summary};
use super::when::span;
use crate::base::duration::show_seconds;
use crate::run::record::StepKind;
use crate::run::report::RunReport;

/// The document.
pub fn render(report: &RunReport) -> String {
    let summary = Summary::of(report);
    let mut md = String::new();
    head(&mut md, report, &summary);
    acceptance(&mut md, report);
    verdicts(&mut md, report);
    failures(&mut md, &summary);
    lacks(&mut md, &summary);
    not_reached(&mut md, &summary);
    exceptions(&mut md, &summary);
    open(&mut md, &summary);
    would_follow(&mut md, &summary);
    not_observable(&mut md, &summary);
    remarks(&mut md, report);
    steps::write(&mut md, report);
    facts(&mut md, report);
    sources(&mut md, report);
    values(&mut md, report);
    md
}

/// A table; nothing where it has no rows. Cells are Markdown already.
fn table(md: &mut String, columns: &[&str], rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(md, "| {} |\n|{}", columns.join(" | "), " --- |".repeat(columns.len()));
    for row in rows {
        let _ = writeln!(md, "| {} |", row.join(" | "));
    }
    md.push('\n');
}

fn head(md: &mut String, report: &RunReport, summary: &Summary) {
    let name = summary::name(report);
    let title = if report.title.is_empty() { String::new() } else { format!(": {}", text(&report.title)) };
    let _ = writeln!(md, "# Exit gate of {}{title}\n", text(name));
    if let Some(caveat) = summary::caveat(report) {
        let _ = writeln!(md, "> **{}**\n", text(caveat));
    }
    let _ = writeln!(md, "**{}** ({})\n", summary.standing.words(), Summary::tally(report));
    let _ = writeln!(md, "{}\n", text(&summary.conclusion()));
    let mut rows = vec![
        vec!["Run".into(), code(&report.run)],
        vec!["Site".into(), cell(&report.site)],
        vec!["Mode".into(), cell(&report.mode)],
        vec!["By".into(), format!("{} with Rhumb {}", cell(&report.by), cell(&report.version))],
        vec!["When".into(), span(report.began, report.ended)],
        vec!["At work".into(), show_seconds(summary::seconds(report))],
    ];
    for resume in &report.resumes {
        let by = cell(&resume.by);
        rows.push(vec!["Resumed".into(), format!("{} by {by}", super::when::stamp(resume.at))]);
    }
    if let Some(head) = &report.head {
        rows.push(vec!["Journal".into(), format!("{} entries, head {}", report.entries, code(head))]);
    }
    table(md, &["", ""], &rows);
    if !report.why.is_empty() {
        let _ = writeln!(md, "{}\n", comment(&report.why));
    }
}

/// The bar item by item, to be pasted into the log.
fn acceptance(md: &mut String, report: &RunReport) {
    let Some(text) = acceptance::render(report) else { return };
    md.push_str("## The bar, for the log\n\n");
    for line in text.lines() {
        let _ = writeln!(md, "    {}", visible(line));
    }
    md.push('\n');
}

fn verdicts(md: &mut String, report: &RunReport) {
    md.push_str("## Acceptance summary\n\n");
    let rows = report.steps.iter().map(|step| {
        let (word, detail) = match &step.verdict {
            Some(v) => (v.word(), v.detail()),
            None => ("unfinished", "the journal stops inside of this step".into()),
        };
        let kind = match step.kind {
            StepKind::Verify => "verify",
            StepKind::Change => "change",
        };
        vec![
            code(&step.id),
            cell(&step.title),
            kind.into(),
            format!("**{word}**"),
            cell(&detail),
            show_seconds(step.seconds),
        ]
    });
    table(md, &["Step", "Title", "Kind", "Verdict", "Detail", "Took"], &rows.collect::<Vec<_>>());
}

fn failures(md: &mut String, summary: &Summary) {
    if summary.failures.is_empty() {
        return;
    }
    md.push_str("## Failed\n\n");
    for failure in &summary.failures {
        let place = match failure.step.as_str() {
            "" => String::new(),
            step => format!("{} {}: ", code(step), text(&failure.title)),
        };
        let unknown = if failure.unknown { "**UNKNOWN**: " } else { "" };
        let _ = writeln!(md, "- {place}{unknown}{}", text(&failure.reason));
        for cause in &failure.causes {
            let _ = writeln!(md, "  - {}", text(cause));
        }
        if let Some(help) = &failure.help {
            let _ = writeln!(md, "  - help: {}", text(help));
        }
    }
    md.push('\n');
}

/// What the runbook's verdict needs and did not get.
fn lacks(md: &mut String, summary: &Summary) {
    if summary.lacks.is_empty() {
        return;
    }
    md.push_str("## Not passed\n\nWhat the runbook's verdict needs.\n\n");
    for item in &summary.lacks {
        let _ = writeln!(md, "- {} {}", code(&item.step), text(&item.what));
    }
    md.push('\n');
}

/// What the run ended before.
fn not_reached(md: &mut String, summary: &Summary) {
    if summary.not_reached.is_empty() {
        return;
    }
    md.push_str("## Not reached\n\nThe run ended before these steps: nothing is known of them.\n\n");
    for item in &summary.not_reached {
        let _ = writeln!(md, "- {} {}", code(&item.step), text(&item.what));
    }
    md.push('\n');
}

/// What was noted of the run as a whole.
fn remarks(md: &mut String, report: &RunReport) {
    if report.notes.is_empty() {
        return;
    }
    md.push_str("## Remarks\n\n");
    for note in &report.notes {
        let _ = writeln!(md, "- {}", text(note));
    }
    md.push('\n');
}

fn exceptions(md: &mut String, summary: &Summary) {
    md.push_str("## Waivers, known issues, deferrals and overrides\n\n");
    if summary.exceptions.is_empty() {
        md.push_str("None.\n\n");
    }
    let row = |e: &summary::Exception| {
        vec![code(&e.step), format!("**{}**", e.word), cell(&e.about), cell(&e.detail)]
    };
    let rows: Vec<_> = summary.exceptions.iter().map(row).collect();
    table(md, &["Step", "", "About", "On record"], &rows);
}

fn open(md: &mut String, summary: &Summary) {
    md.push_str("## Outstanding\n\n");
    if summary.open.is_empty() {
        md.push_str("Nothing.\n");
    }
    for item in &summary.open {
        let _ = writeln!(md, "- [ ] {} {}", code(&item.step), text(&item.what));
    }
    md.push('\n');
}

fn would_follow(md: &mut String, summary: &Summary) {
    if summary.would_follow.is_empty() {
        return;
    }
    md.push_str("## Would follow\n\nThe changes that a run would make.\n\n");
    for item in &summary.would_follow {
        let _ = writeln!(md, "- {} {}", code(&item.step), text(&item.what));
    }
    md.push('\n');
}

fn not_observable(md: &mut String, summary: &Summary) {
    if summary.not_observable.is_empty() {
        return;
    }
    md.push_str("## Not observable\n\nWhat needs one of these changes first.\n\n");
    for item in &summary.not_observable {
        let _ = writeln!(md, "- {} {}", code(&item.step), text(&item.what));
    }
    md.push('\n');
}

fn facts(md: &mut String, report: &RunReport) {
    let of_steps = report.steps.iter().flat_map(|s| s.facts.iter().map(|f| (s.id.as_str(), f)));
    let rows: Vec<_> = report
        .facts
        .iter()
        .map(|f| ("", f))
        .chain(of_steps)
        .map(|(step, f)| vec![cell(&f.name), code(&inline(&f.value)), code(step)])
        .collect();
    if !rows.is_empty() {
        md.push_str(
            "## Facts of this run\n\nThey differ from run to run: look them up, never copy them.\n\n",
        );
        table(md, &["Name", "Value", "Step"], &rows);
    }
}

fn sources(md: &mut String, report: &RunReport) {
    if report.sources.is_empty() {
        return;
    }
    md.push_str("## Sources\n\n");
    let row = |s: &crate::run::record::SourceMark| vec![code(&s.name), cell(&s.layer), code(&s.sha256)];
    table(md, &["Text", "Layer", "SHA-256"], &report.sources.iter().map(row).collect::<Vec<_>>());
}

fn values(md: &mut String, report: &RunReport) {
    let rows: Vec<_> = super::evidence::leaves(&report.values)
        .into_iter()
        .map(|(path, value)| vec![code(&path), code(&inline(value))])
        .collect();
    if !rows.is_empty() {
        md.push_str("## Values of the site\n\n");
        table(md, &["Name", "Value"], &rows);
    }
}
