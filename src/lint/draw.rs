//! Findings on a terminal: the place, the line, what can pass, what replaces it.

use anstyle::{AnsiColor, Style};

use super::finding::Finding;
use crate::base::screen::{Drawn, drawn};

const CODE: Style = AnsiColor::Yellow.on_default().bold();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();

/// A finding. `width` in columns.
pub fn finding(finding: &Finding, width: usize, colours: bool) -> Drawn {
    let paint = |style: Style, text: &str| match colours {
        true => Drawn::line(text).painted(style),
        false => Drawn::line(text),
    };
    let code = finding.code;
    let place = format!("{}:{}:{}", finding.file, finding.line, finding.column);
    let mut out = drawn!("{} {} {}\n", place, paint(CODE, code.name), paint(BOLD, code.title));
    let gutter = format!("{:>5} │ ", finding.line);
    let (line, skip) = window(finding, width.saturating_sub(gutter.chars().count()).max(20));
    out.push(drawn!("{}{}\n", paint(DIM, &gutter), line));
    let room = line.chars().count().saturating_sub(skip);
    let marks = "^".repeat(finding.width.clamp(1, room.max(1)));
    out.push(drawn!("{}{}{}\n", paint(DIM, "      │ "), " ".repeat(skip), paint(CODE, &marks)));
    let mut say = |style: Style, label: &str, text: &str| {
        let text = drawn!("  {} {}", paint(style, label), text);
        out.push(drawn!("{}\n", text.filled(Some(width), "", "          ")));
    };
    if let Some(note) = &finding.note {
        say(BOLD, "here:  ", note);
    }
    say(CODE, "passes:", code.passes);
    say(GOOD, "rhumb: ", code.instead);
    out.push(drawn!("\n"));
    out
}

/// The part of the line around the finding that fits, and how many characters stand before the finding in it.
fn window(finding: &Finding, room: usize) -> (String, usize) {
    // one character for one, so that the marks below stand where they should
    let plain =
        |c: char| if Drawn::line(c.encode_utf8(&mut [0; 4])).len() == c.len_utf8() { c } else { '·' };
    let line: Vec<char> = finding.text.chars().map(|c| if c == '\t' { ' ' } else { plain(c) }).collect();
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
