//! The closing summary on a terminal: how the run stands, what failed, what is open, where the
//! reports lie. What happened on the way the terminal has seen already.

use anstyle::{AnsiColor, Style};
use textwrap::core::display_width;

use super::next::Next;
use super::summary::{self, OpenItem, Standing, Summary};
use super::write::Paths;
use crate::base::duration::show_seconds;
use crate::base::screen::{Drawn, drawn};
use crate::run::report::RunReport;

/// How the summary is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Columns of the terminal; text is wrapped to it, never cut.
    pub width: usize,
    /// Whether to colour.
    pub colours: bool,
    /// Where the reports lie, once they are written.
    pub reports: Option<&'a Paths>,
}

/// Columns below which wrapping would only shred the text.
const NARROWEST: usize = 40;

/// Columns that step ids may take; a longer id stands on a line of its own.
const LONGEST_LABEL: usize = 12;

/// The summary.
pub fn render(report: &RunReport, options: &Options<'_>) -> Drawn {
    let summary = Summary::of(report);
    let labels = summary.failures.iter().map(|f| &f.step).chain(summary.open.iter().map(|o| &o.step));
    let labels = labels.chain(summary.would_follow.iter().chain(&summary.not_observable).map(|w| &w.step));
    let labels = labels.chain(summary.lacks.iter().chain(&summary.not_reached).map(|l| &l.step));
    let labels = labels.chain(summary.exceptions.iter().map(|e| &e.step)).map(|l| Drawn::line(l).width());
    let mut page = Page {
        text: Drawn::default(),
        width: options.width.max(NARROWEST),
        indent: labels.filter(|l| *l <= LONGEST_LABEL).max().unwrap_or(0).max(3) + 4,
        colours: options.colours,
    };
    page.head(report, &summary);
    page.failures(&summary);
    page.items("Not passed", &summary.lacks);
    page.exceptions(&summary);
    page.items("Still open", &summary.open);
    page.items("Not reached", &summary.not_reached);
    page.items("Would follow", &summary.would_follow);
    page.items("Not observable", &summary.not_observable);
    if let Some(paths) = options.reports {
        page.reports(paths);
    }
    page.next(report);
    page.text
}

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const MIXED: Style = AnsiColor::Yellow.on_default().bold();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

fn style(standing: Standing) -> Style {
    match standing {
        Standing::Passed => GOOD,
        Standing::Excepted | Standing::Incomplete | Standing::NeedsApproval | Standing::Declined => MIXED,
        Standing::Failed | Standing::Interrupted | Standing::Cut => BAD,
    }
}

struct Page {
    text: Drawn,
    width: usize,
    /// Column at which texts stand, behind step ids.
    indent: usize,
    colours: bool,
}

impl Page {
    fn paint(&self, style: Style, text: &str) -> Drawn {
        let text = Drawn::line(text);
        if self.colours { text.painted(style) } else { text }
    }

    /// A text behind a label.
    fn row(&mut self, label: &str, style: Style, text: &str) {
        let label = self.paint(style, label);
        let text = Drawn::lines(text).wrapped(self.width - self.indent).hanging(self.indent);
        let gap = match self.indent.checked_sub(label.width() + 2) {
            Some(blanks) if blanks > 0 => " ".repeat(blanks),
            _ => {
                self.text.push(drawn!("  {}\n", label));
                " ".repeat(self.indent)
            }
        };
        let label = if gap.len() == self.indent { Drawn::default() } else { drawn!("  {}", label) };
        self.text.push(drawn!("{}\n", drawn!("{}{}{}", label, gap, text).trimmed()));
    }

    fn title(&mut self, title: &str) {
        let title = self.paint(BOLD, title);
        self.text.push(drawn!("\n{}\n", title));
    }

    fn head(&mut self, report: &RunReport, summary: &Summary) {
        let rule = self.paint(DIM, &"─".repeat(self.width));
        let word = self.paint(style(summary.standing), summary.standing.words());
        self.text.push(drawn!("{}\n{}  {} {}\n", rule, word, summary::name(report), report.title));
        self.row("", DIM, &Summary::tally(report));
        let resumed = match report.resumes.len() {
            0 => String::new(),
            1 => ", resumed once".into(),
            n => format!(", resumed {n} times"),
        };
        let took = show_seconds(summary::seconds(report));
        self.row("", DIM, &format!("site {}, run {}, {took}{resumed}", report.site, report.run));
        if let Some(caveat) = summary::caveat(report) {
            self.row("", DIM, caveat);
        }
    }

    fn failures(&mut self, summary: &Summary) {
        if summary.failures.is_empty() {
            return;
        }
        let unknown = summary.failures.iter().all(|failure| failure.unknown);
        self.title(if unknown { "Unknown" } else { "Failed" });
        for failure in &summary.failures {
            let label = if failure.step.is_empty() { "run" } else { &failure.step };
            let title = if failure.title.is_empty() { &failure.reason } else { &failure.title };
            self.row(label, BAD, title);
            if failure.unknown {
                self.row("", DIM, "UNKNOWN: it could not look");
            }
            if !failure.title.is_empty() {
                self.row("", DIM, &failure.reason);
            }
            for cause in &failure.causes {
                self.row("", DIM, cause);
            }
            if let Some(help) = &failure.help {
                self.row("", DIM, &format!("help: {help}"));
            }
        }
    }

    fn exceptions(&mut self, summary: &Summary) {
        if summary.exceptions.is_empty() {
            return;
        }
        self.title("Accepted exceptions");
        for e in &summary.exceptions {
            let label = if e.step.is_empty() { "run" } else { &e.step };
            self.row(label, MIXED, &format!("{} {}: {}", e.word, e.about, e.detail));
        }
    }

    fn items(&mut self, title: &str, items: &[OpenItem]) {
        if items.is_empty() {
            return;
        }
        self.title(title);
        for item in items {
            self.row(&item.step, MIXED, &item.what);
        }
    }

    fn reports(&mut self, paths: &Paths) {
        self.title("Reports");
        for (label, path) in [("page", &paths.html), ("summary", &paths.markdown)] {
            // never wrapped: a path is there to be copied
            self.text.push(drawn!("  {:<8}{}\n", label, path.display()));
        }
    }

    /// How the run goes on, where it can.
    fn next(&mut self, report: &RunReport) {
        let Some(Next { how, command }) = Next::of(report) else { return };
        // the command stays in one piece, to be copied
        let fits = display_width(how) + 2 + display_width(&command) <= self.width;
        let (gap, command) = (if fits { " " } else { "\n  " }, self.paint(BOLD, &command));
        self.text.push(drawn!("\n{}:{}{}\n", how, Drawn::lines(gap), command));
    }
}
