//! Findings on a terminal: the place, the line, what can pass, what replaces it.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use textwrap::Options;

use super::finding::Finding;

const CODE: Style = AnsiColor::Yellow.on_default().bold();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();

/// A finding. `width` in columns.
pub fn finding(finding: &Finding, width: usize, colours: bool) -> String {
    let paint = |style: Style, text: &str| match colours {
        true => format!("{style}{text}{style:#}"),
        false => text.to_string(),
    };
    let code = finding.code;
    let mut out = String::new();
    let place = format!("{}:{}:{}", finding.file, finding.line, finding.column);
    let _ = writeln!(out, "{} {} {}", place, paint(CODE, code.name), paint(BOLD, code.title));
    let gutter = format!("{:>5} │ ", finding.line);
    let (line, skip) = window(finding, width.saturating_sub(gutter.chars().count()).max(20));
    let _ = writeln!(out, "{}{line}", paint(DIM, &gutter));
    let room = line.chars().count().saturating_sub(skip);
    let marks = "^".repeat(finding.width.clamp(1, room.max(1)));
    let _ = writeln!(out, "{}{}{}", paint(DIM, "      │ "), " ".repeat(skip), paint(CODE, &marks));
    let mut say = |style: Style, label: &str, text: &str| {
        let options = Options::new(width).subsequent_indent("          ");
        let wrapped = textwrap::fill(&format!("  {label} {text}"), options);
        let _ = writeln!(out, "{}", wrapped.replacen(label, &paint(style, label), 1));
    };
    if let Some(note) = &finding.note {
        say(BOLD, "here:  ", note);
    }
    say(CODE, "passes:", code.passes);
    say(GOOD, "rhumb: ", code.instead);
    out.push('\n');
    out
}

/// The part of the line around the finding that fits, and how many characters stand before the finding in it.
fn window(finding: &Finding, room: usize) -> (String, usize) {
    let line: Vec<char> = finding.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let at = (finding.column - 1).min(line.len());
    if line.len() <= room {
        return (line.iter().collect(), at);
    }
    let before = room.saturating_sub(finding.width).min(room / 3);
    let start = at.saturating_sub(before).min(line.len().saturating_sub(room));
    let mut part: Vec<char> = line.iter().skip(start).take(room).copied().collect();
    if start > 0
        && let Some(first) = part.first_mut()
    {
        *first = '…';
    }
    if start + room < line.len()
        && let Some(last) = part.last_mut()
    {
        *last = '…';
    }
    (part.into_iter().collect(), at - start)
}
