//! The prose on a page: for a terminal of some columns, or for a pipe.

use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::body::{Claim, Kind};
use super::{Prose, StepProse};
use crate::base::duration::show;
use crate::base::screen::{Drawn, drawn};
use crate::script::paragraphs::paragraphs;

/// How a page is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Columns to draw into.
    pub width: usize,
    /// Whether to colour.
    pub colours: bool,
}

/// Columns beyond which a line of prose is hard to follow.
const WIDEST: usize = 110;

/// Columns in front of a step's text: its id stands there.
const INDENT: &str = "         ";

/// Columns of the word in front of what it is about: `changes`, `must hold`.
const LABEL: usize = 12;

const HEAD: Style = Style::new().bold();
const CHANGE: Style = AnsiColor::Yellow.on_default().bold();
const QUIET: Style = Style::new().dimmed();
const SITE: Style = AnsiColor::Magenta.on_default();

impl Look {
    fn paint(self, style: Style, text: impl Into<Drawn>) -> Drawn {
        if self.colours { text.into().painted(style) } else { text.into() }
    }

    fn columns(self) -> usize {
        self.width.min(WIDEST)
    }
}

impl Prose {
    /// The whole.
    pub fn draw(&self, look: Look) -> Drawn {
        let header = Drawn::lines(&paragraphs(&self.header).join("\n\n")).wrapped(look.columns());
        let mut page = drawn!("{}\n\n{}\n", look.paint(HEAD, Drawn::line(&self.title)), header);
        let verdict = match self.needs.as_slice() {
            [] => "Its verdict needs every step.".to_string(),
            [one] => format!("Its verdict needs step {one}."),
            ids => format!("Its verdict needs steps {}.", ids.join(", ")),
        };
        let verdict = format!("{verdict} A step that fails ends the run, unless it says otherwise.");
        page.push(drawn!("\n{}\n", look.paint(QUIET, Drawn::line(&verdict).wrapped(look.columns()))));
        for step in &self.steps {
            let head = step.head(look).filled(Some(look.columns()), "", INDENT);
            page.push(drawn!("\n{}\n", head));
            page.push(step.prose(look));
        }
        page
    }
}

impl StepProse {
    /// `5.2      Fail over what is broken  [change]`
    fn head(&self, look: Look) -> Drawn {
        let kind = match self.kind {
            "change" => look.paint(CHANGE, "[change]"),
            kind => look.paint(QUIET, format!("[{kind}]")),
        };
        let title = drawn!("{:<8} {}", self.id, self.title);
        drawn!("{}  {}", look.paint(HEAD, title), kind)
    }

    /// Why, and what comes of it.
    fn prose(&self, look: Look) -> Drawn {
        let mut text = Drawn::default();
        for paragraph in std::iter::once(&self.why).chain(&self.further).filter(|p| !p.is_empty()) {
            let lines = Drawn::lines(paragraph).filled(Some(look.columns()), INDENT, INDENT);
            text.push(drawn!("{}\n", lines));
        }
        for (label, lines) in self.about() {
            let style = if ["changes", "site"].contains(&label) { SITE } else { QUIET };
            let style = if label == "changes" { CHANGE } else { style };
            for (n, line) in lines.iter().enumerate() {
                let word = if n == 0 { look.paint(style, label) } else { Drawn::default() };
                let hang = " ".repeat(INDENT.len() + LABEL + if lines.len() > 1 { 2 } else { 0 });
                let mark = if lines.len() > 1 { "· " } else { "" };
                let line = drawn!("{}{:<12}{}{}", INDENT, word, mark, Drawn::line(line));
                text.push(drawn!("{}\n", line.filled(Some(look.columns()), "", &hang)));
            }
        }
        text
    }

    /// What is to be known of it, each by its word.
    fn about(&self) -> Vec<(&'static str, Vec<String>)> {
        let claims = |kind: Kind| -> Vec<String> {
            self.claims.iter().filter(|c| c.kind == kind).map(Claim::words).collect()
        };
        let one = |text: Option<String>| text.into_iter().collect::<Vec<_>>();
        let needs = (!self.needs.is_empty()).then(|| format!("a pass of {}", self.needs.join(", ")));
        let fails = match (self.goes_on, self.kind) {
            (_, "deferred") => None,
            (true, _) => Some("the run goes on; what needs this step does not".to_string()),
            (false, _) => None,
        };
        let all = [
            ("put off", one(self.decision.as_ref().map(|d| format!("by {d}: it is no part of the verdict")))),
            ("only where", one(self.when.clone())),
            ("needs", one(needs)),
            ("changes", self.changes.clone()),
            ("must hold", claims(Kind::Gate)),
            ("waits for", claims(Kind::Wait)),
            ("signed", claims(Kind::Signature)),
            ("puts back", claims(Kind::CleanUp)),
            ("takes", one(self.takes())),
            ("if it fails", one(fails)),
            ("site", self.overrides.clone()),
            ("remarks", self.remarks.clone()),
        ];
        all.into_iter().filter(|(_, lines)| !lines.is_empty()).collect()
    }

    /// How long it takes.
    fn takes(&self) -> Option<String> {
        let limit = self.at_most.map(|(seconds, whole)| {
            let time = show(Duration::from_secs_f64(seconds));
            match (whole, &self.usually) {
                (_, Some(_)) => format!("; its waits end after {time}"),
                (true, None) => format!("{time} at most, by its waits"),
                (false, None) => format!("{time} at most by those of its waits that the text tells"),
            }
        });
        match (&self.usually, limit) {
            (Some(usually), limit) => Some(format!("{usually}{}", limit.unwrap_or_default())),
            (None, limit) => limit,
        }
    }

    /// The step with its text. Each line of the text stands behind a mark.
    pub fn draw(&self, look: Look) -> Drawn {
        let mut page = drawn!("{}\n{}", self.head(look), self.prose(look));
        if !self.reads.is_empty() {
            let line = drawn!("{}{:<12}{}", INDENT, look.paint(QUIET, "reads by"), self.reads.join(", "));
            let hang = " ".repeat(INDENT.len() + LABEL);
            page.push(drawn!("{}\n", line.filled(Some(look.columns()), "", &hang)));
        }
        page.push(drawn!(
            "\n{}\n\n{}",
            look.paint(QUIET, Drawn::line(&self.place)),
            Drawn::lines(&self.source).behind("│ ")
        ));
        page
    }
}

impl Claim {
    /// The claim with its limit, and who says so.
    fn words(&self) -> String {
        let within = self.within.as_ref().map(|w| format!(", {w} at most")).unwrap_or_default();
        let by = self.by.as_ref().map(|by| format!("  ({by})")).unwrap_or_default();
        format!("{}{within}{by}", self.text)
    }
}
