//! The closing summary on a terminal: how the run stands, what failed, what is open, where the
//! reports lie. What happened on the way the terminal has seen already.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use textwrap::core::display_width;
use textwrap::{Options as Wrap, WordSeparator, WordSplitter};

use super::evidence::visible;
use super::summary::{self, OpenItem, Standing, Summary};
use super::write::Paths;
use crate::base::duration::show_seconds;
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
pub fn render(report: &RunReport, options: &Options<'_>) -> String {
    let summary = Summary::of(report);
    let labels = summary.failures.iter().map(|f| &f.step).chain(summary.open.iter().map(|o| &o.step));
    let labels = labels.chain(summary.would_follow.iter().chain(&summary.not_observable).map(|w| &w.step));
    let labels = labels.chain(summary.exceptions.iter().map(|e| &e.step)).map(|l| display_width(&line(l)));
    let mut page = Page {
        text: String::new(),
        width: options.width.max(NARROWEST),
        indent: labels.filter(|l| *l <= LONGEST_LABEL).max().unwrap_or(0).max(3) + 4,
        colours: options.colours,
    };
    page.head(report, &summary);
    page.failures(&summary);
    page.exceptions(&summary);
    page.items("Still open", &summary.open);
    page.items("Would follow", &summary.would_follow);
    page.items("Not observable", &summary.not_observable);
    if let Some(paths) = options.reports {
        page.reports(paths);
    }
    page.next(report, &summary);
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
        Standing::Excepted | Standing::NeedsApproval | Standing::Declined => MIXED,
        Standing::Failed | Standing::Interrupted | Standing::Cut => BAD,
    }
}

/// A text that must not break its line.
fn line(text: &str) -> String {
    visible(text).replace('\n', " ")
}

struct Page {
    text: String,
    width: usize,
    /// Column at which texts stand, behind step ids.
    indent: usize,
    colours: bool,
}

impl Page {
    fn paint(&self, style: Style, text: &str) -> String {
        if self.colours { format!("{style}{text}{style:#}") } else { text.to_string() }
    }

    /// A text behind a label.
    fn row(&mut self, label: &str, style: Style, text: &str) {
        let text = visible(text);
        let first = " ".repeat(self.indent);
        let wrap = Wrap::new(self.width)
            .initial_indent(&first)
            .subsequent_indent(&first)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation);
        let label = line(label);
        let wide = display_width(&label);
        let lines: Vec<_> = text.lines().flat_map(|line| textwrap::wrap(line, &wrap)).collect();
        let mut lines = lines.iter().map(|line| line.as_ref());
        let painted = self.paint(style, &label);
        if wide + 3 > self.indent {
            let _ = writeln!(self.text, "  {painted}");
        } else {
            let rest = lines.next().unwrap_or_default().trim_start();
            let gap = " ".repeat(self.indent - 2 - wide);
            let _ = writeln!(self.text, "{}", format!("  {painted}{gap}{rest}").trim_end());
        }
        for line in lines {
            let _ = writeln!(self.text, "{line}");
        }
    }

    fn title(&mut self, title: &str) {
        let title = self.paint(BOLD, title);
        let _ = writeln!(self.text, "\n{title}");
    }

    fn head(&mut self, report: &RunReport, summary: &Summary) {
        let rule = self.paint(DIM, &"─".repeat(self.width));
        let word = self.paint(style(summary.standing), summary.standing.words());
        let name = summary::name(report);
        let _ = writeln!(self.text, "{rule}\n{word}  {} {}", line(name), line(&report.title));
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
        self.title("Failed");
        for failure in &summary.failures {
            let label = if failure.step.is_empty() { "run" } else { &failure.step };
            let title = if failure.title.is_empty() { &failure.reason } else { &failure.title };
            self.row(label, BAD, title);
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
        self.title("Accepted all the same");
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
            let _ = writeln!(self.text, "  {label:<8}{}", visible(&path.display().to_string()));
        }
    }

    /// A run that ended without a judgement can go on where it was left.
    fn next(&mut self, report: &RunReport, summary: &Summary) {
        use Standing::{Cut, Declined, Failed, Interrupted, NeedsApproval};
        let how = match summary.standing {
            // a rehearsal went with its lab, and an observation is simply made again
            _ if ["rehearse", "observe"].contains(&report.mode.as_str()) => return,
            Failed => "Once the cause is gone, go on with",
            Cut | Declined | Interrupted | NeedsApproval => "Go on with",
            _ => return,
        };
        let again = format!("rhumb resume {}", report.run);
        let again = visible(&again);
        // the command stays in one piece, to be copied
        let fits = display_width(how) + 2 + display_width(&again) <= self.width;
        let (gap, again) = (if fits { " " } else { "\n  " }, self.paint(BOLD, &again));
        let _ = writeln!(self.text, "\n{how}:{gap}{again}");
    }
}
