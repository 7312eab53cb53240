//! Errors as an operator reads them: the script's own line, the way that led to it, and what to do.

use std::fmt;

use miette::{Diagnostic, LabeledSpan, NamedSource, Severity, SourceCode};

use super::modules::Library;
use super::thrown::Thrown;
use crate::base::screen::commands::{freed, held};
use crate::base::screen::{self, Drawn};
use crate::base::secret::masked;
use crate::base::{Error, Place};

/// An error with the text it points into, for miette to draw.
#[derive(Debug)]
pub struct Report {
    message: String,
    code: String,
    help: Option<String>,
    source: Option<NamedSource<String>>,
    label: Option<LabeledSpan>,
    way: Vec<Report>,
    severity: Severity,
}

impl Report {
    /// A report of its own words.
    pub fn new(
        severity: Severity,
        code: impl Into<String>,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Self {
        let (code, message) = (shown(&code.into()), shown(&message.into()));
        let help = help.map(|help| shown(&help));
        // a command in it is one word for the layout
        let help = help.map(|help| held(&help).into_owned());
        Report { message, code, help, source: None, label: None, way: Vec::new(), severity }
    }

    /// A report without a text, or with one that the caller adds by [`Report::pointing`].
    pub fn plain(error: &Error) -> Self {
        let d = error.detail();
        // further lines of a text stand deeper than what is added here
        let deeper = |text: &str| text.trim_end().replace('\n', "\n      ");
        let mut message = deeper(&d.what);
        for cause in &d.causes {
            message.push_str("\n  because ");
            message.push_str(&deeper(cause.strip_prefix("because ").unwrap_or(cause)));
        }
        let mut facts = Vec::new();
        facts.extend(d.scope.as_ref().map(|s| format!("in scope {s}")));
        facts.extend(d.status.map(|s| format!("status {s}")));
        facts.extend(d.request_id.as_ref().map(|r| format!("request id {r}")));
        if !facts.is_empty() {
            message.push_str(&format!("\n  ({})", screen::line(&facts.join(", "))));
        }
        if let Some(place) = &d.place {
            message.push_str(&format!("\n  at {}", screen::line(&place.to_string())));
        }
        Report::new(Severity::Error, d.kind.name(), message, d.help.clone())
    }

    /// Adds another place that belongs to it.
    #[must_use]
    pub fn related(mut self, other: Report) -> Self {
        self.way.push(other);
        self
    }

    /// Points into a text: the identifier at a place.
    #[must_use]
    pub fn pointing(mut self, file: &str, text: &str, line: usize, column: usize, label: &str) -> Self {
        let (start, length) = span(text, line, column);
        let columns = |part: Option<&str>| shown(part.unwrap_or_default()).len();
        let span = (columns(text.get(..start)), columns(text.get(start..start + length)));
        self.source = Some(NamedSource::new(screen::line(file), shown(text)).with_language("Rust"));
        self.label = Some(LabeledSpan::new(Some(label.to_string()), span.0, span.1));
        self
    }

    /// What a script threw, with its lines and the way that led there. `top` is the name of the text whose top level threw it: Rhai
    /// does not tell.
    pub fn within(top: &str, thrown: &Thrown, error: &Error, library: &Library) -> Self {
        let mut bare = error.clone();
        let mut report = Report::plain(&bare);
        if let Some(place) = &error.detail().place
            && let source = if place.file.is_empty() { top } else { &place.file }
            && let Some((text, line)) = library.locate(source, place.line)
        {
            bare = without_place(&bare);
            report = Report::plain(&bare).pointing(&text.file, &text.text, line, place.column, "here");
        }
        let (_, _, _, calls) = thrown.unravel();
        let place = error.detail().place.clone();
        for call in calls.iter().rev() {
            let Some(line) = call.position.line() else { continue };
            let source = if call.source.is_empty() { top.to_string() } else { call.source.clone() };
            let here = Place { file: source, line, column: call.position.position().unwrap_or(0) };
            if Some(&here) == place.as_ref() {
                continue;
            }
            if let Some((text, line)) = library.locate(&here.file, here.line) {
                let what = format!("on the way: {}", call.name);
                report = report.related(Report::new(Severity::Advice, "", what, None).pointing(
                    &text.file,
                    &text.text,
                    line,
                    here.column,
                    "called here",
                ));
            }
        }
        report
    }

    /// Draws it, known secrets masked in the script's lines as well. `width` in columns; colours only where the caller
    /// wants them.
    pub fn draw(&self, width: usize, colours: bool) -> Drawn {
        let theme = match colours {
            true => miette::GraphicalTheme::unicode(),
            false => miette::GraphicalTheme::unicode_nocolor(),
        };
        let handler = miette::GraphicalReportHandler::new_themed(theme)
            .with_width(width)
            .with_links(false)
            // an option that a help prints is copied as it is
            .with_break_words(false)
            .with_word_separator(textwrap::WordSeparator::AsciiSpace)
            .with_word_splitter(textwrap::WordSplitter::NoHyphenation)
            .with_context_lines(1)
            .without_syntax_highlighting();
        let mut text = String::new();
        match handler.render_report(&mut text, self) {
            Ok(()) => Drawn::by_library(&masked(freed(text, width))),
            Err(_) => Drawn::lines(&self.message),
        }
    }
}

/// A text that a library may draw.
fn shown(text: &str) -> String {
    screen::lines(text).into_owned()
}

fn without_place(error: &Error) -> Error {
    let d = error.detail();
    let mut bare = Error::new(d.kind, d.what.clone());
    for cause in &d.causes {
        bare = bare.cause(cause);
    }
    if let Some(help) = &d.help {
        bare = bare.help(help);
    }
    if let Some(scope) = &d.scope {
        bare = bare.scope(scope);
    }
    if let Some(status) = d.status {
        bare = bare.status(status);
    }
    if let Some(id) = &d.request_id {
        bare = bare.request_id(id);
    }
    bare
}

/// Bytes of the identifier (or string, or the one character) at a line and column, both from 1.
pub fn span(text: &str, line: usize, column: usize) -> (usize, usize) {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
    let skip = column.saturating_sub(1);
    let at = rest.char_indices().nth(skip).map_or(rest.len(), |(n, _)| n);
    if let Some(quote) = rest[at..].chars().next().filter(|c| ['"', '`'].contains(c))
        && let Some(end) = rest[at + 1..].find(quote)
    {
        return (start + at, end + 2);
    }
    let word = rest[at..]
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .map(char::len_utf8)
        .sum::<usize>();
    (start + at, word.max(rest[at..].chars().next().map_or(0, char::len_utf8)))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl Diagnostic for Report {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (!self.code.is_empty()).then(|| Box::new(&self.code) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|h| Box::new(h) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|s| s as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.label.clone().map(|l| Box::new(std::iter::once(l)) as Box<dyn Iterator<Item = LabeledSpan>>)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        (!self.way.is_empty()).then(|| {
            Box::new(self.way.iter().map(|r| r as &dyn Diagnostic))
                as Box<dyn Iterator<Item = &'a dyn Diagnostic>>
        })
    }
}
