//! A text that may go to a terminal.

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};
use std::ops::Deref;

use anstyle::Style;
use textwrap::core::display_width;
use textwrap::{Options, WordSeparator, WordSplitter};

use super::commands::{continued, freed, held, is_wider};
use super::{is_hidden, line, lines};
use crate::base::secret::mask;

/// How much deeper a line goes on than it began.
const DEEPER: usize = 4;

/// A text for a terminal: what was put into it from outside is visible, so each escape sequence in it is a colour of
/// ours, and each line break.
///
/// It is made of a text ([`Drawn::line`], [`Drawn::lines`]) or by `drawn!`, which takes its literal as
/// it is and cleans every other piece. It does not implement [`Display`]: as a text inside another one it would be cleaned
/// once more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawn(String);

/// Writes a [`Drawn`] as `format!` writes a `String`. Pieces that are drawn already go in as they are; of everything else that
/// can be displayed the control characters become visible. Names inside of the braces do not compile: nothing gets past this.
macro_rules! drawn {
    ($format:literal $(, $piece:expr)* $(,)?) => {
        $crate::base::screen::Drawn::of(
            ::std::format_args!(::std::concat!($format) $(, $crate::base::screen::Shown(&$piece))*)
        )
    };
}

pub(crate) use drawn;

impl Drawn {
    /// A text on one line.
    pub fn line(text: &str) -> Self {
        Drawn(line(text).into_owned())
    }

    /// A text of several lines, tabs as blanks.
    pub fn lines(text: &str) -> Self {
        Drawn(lines(text).replace('\t', "    "))
    }

    /// What somebody types. What was pasted into it may hold anything: each character that is not for a terminal takes one column,
    /// as a line editor reckons, and no secret is masked, which would move the cursor.
    pub fn typed(text: &str) -> Self {
        Drawn(
            text.chars()
                .map(|c| if is_hidden(c) && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c })
                .collect(),
        )
    }

    /// What `drawn!` makes of its pieces.
    #[doc(hidden)]
    pub fn of(pieces: fmt::Arguments<'_>) -> Self {
        Drawn(pieces.to_string())
    }

    /// What a library drew of texts that were [visible](line) before: its colours and line breaks stay.
    pub(crate) fn by_library(text: &str) -> Self {
        let mut drawn = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('\u{1b}') {
            drawn.push_str(&lines(&rest[..at]));
            rest = &rest[at..];
            let colour = colour(rest).unwrap_or_default();
            match colour {
                "" => drawn.push_str("\\u{1b}"),
                _ => drawn.push_str(colour),
            }
            rest = &rest[colour.len().max(1)..];
        }
        drawn.push_str(&lines(rest));
        Drawn(drawn.replace('\t', "    "))
    }

    /// It in a style.
    #[must_use]
    pub fn painted(self, style: Style) -> Self {
        if self.0.is_empty() { self } else { Drawn(format!("{style}{}{style:#}", self.0)) }
    }

    /// It with each known secret masked.
    pub fn masked(&self) -> Cow<'_, Self> {
        match mask(&self.0) {
            Cow::Borrowed(_) => Cow::Borrowed(self),
            Cow::Owned(masked) => Cow::Owned(Drawn(masked)),
        }
    }

    /// It without colours.
    pub fn plain(&self) -> Cow<'_, str> {
        console::strip_ansi_codes(&self.0)
    }

    /// Adds a text to its end.
    pub fn push(&mut self, more: impl Into<Drawn>) {
        self.0.push_str(&more.into().0);
    }

    /// Columns of its widest line.
    pub fn width(&self) -> usize {
        self.0.lines().map(display_width).max().unwrap_or(0)
    }

    /// Its lines, each of its own.
    pub fn split(&self) -> impl Iterator<Item = Drawn> {
        self.0.split('\n').map(|line| Drawn(line.to_string()))
    }

    /// Its texts with something between them.
    pub fn join(texts: impl IntoIterator<Item = Drawn>, between: &'static str) -> Self {
        Drawn(texts.into_iter().map(|text| text.0).collect::<Vec<_>>().join(between))
    }

    /// Each line of it behind something, and the lines that it goes on in at a width behind something else; broken at
    /// blanks alone, so that what may be copied stays in one piece. A command is one piece.
    #[must_use]
    pub fn filled(&self, width: Option<usize>, first: &'static str, further: &str) -> Self {
        let further = line(further);
        let Some(width) = width else {
            return Drawn(
                self.0.split('\n').map(|line| format!("{first}{line}")).collect::<Vec<_>>().join("\n"),
            );
        };
        let options = Options::new(width)
            .initial_indent(first)
            .subsequent_indent(&further)
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation);
        let fill = |line| freed(textwrap::fill(line, &options), width);
        Drawn(held(&self.0).split('\n').map(fill).collect::<Vec<_>>().join("\n"))
    }

    /// Its lines within some columns; a word that is longer is broken, unless there is a command that is.
    #[must_use]
    pub fn wrapped(&self, width: usize) -> Self {
        let text = held(&self.0);
        let options = Options::new(width.max(1))
            .break_words(!is_wider(&text, width))
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation);
        Drawn(freed(textwrap::fill(&text, options), width))
    }

    /// Its further lines behind so many blanks: no text of several lines can pose as lines of the host.
    #[must_use]
    pub fn hanging(self, blanks: usize) -> Self {
        if self.0.contains('\n') { Drawn(self.0.replace('\n', &format!("\n{:blanks$}", ""))) } else { self }
    }

    /// Each of its lines behind a mark.
    #[must_use]
    pub fn behind(&self, mark: &'static str) -> Self {
        Drawn(self.0.trim_end().lines().map(|line| format!("{mark}{line}\n")).collect())
    }

    /// It within the columns of a terminal. A line that is too long is broken at a blank, and goes on deeper than it began: the
    /// terminal would go on at its left edge, where the host's own lines begin. A command goes on behind a backslash.
    #[must_use]
    pub fn fitted(&self, columns: usize) -> Cow<'_, Self> {
        if self.0.lines().all(|line| line.len() <= columns || display_width(line) <= columns) {
            return Cow::Borrowed(self);
        }
        let fit = |line: Drawn| match display_width(&line) > columns {
            true => Drawn::join(line.laid(columns).split().map(|line| line.within(columns)), "\n"),
            false => line,
        };
        Cow::Owned(Drawn::join(self.split().map(fit), "\n"))
    }

    /// A line of it, where it is no command that is too long by itself.
    fn laid(&self, columns: usize) -> Self {
        match continued(&self.0, columns) {
            Some(lines) => Drawn(lines),
            None => self.filled(Some(columns), "", &self.deeper(columns)),
        }
    }

    /// One of the lines that a line became: a command by itself is still whole.
    fn within(self, columns: usize) -> Self {
        let plain = self.plain();
        let command = plain.trim_start_matches(' ');
        if display_width(&self.0) <= columns || !command.starts_with("rhumb ") {
            return self;
        }
        if let Some(lines) = continued(&self.0, columns) {
            return Drawn(lines);
        }
        let (begins, deeper) = (" ".repeat(plain.len() - command.len()), self.deeper(columns));
        let options = Options::new(columns)
            .initial_indent(&begins)
            .subsequent_indent(&deeper)
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation);
        Drawn(textwrap::fill(self.0.trim_start_matches(' '), &options))
    }

    /// The blanks that a line goes on behind.
    fn deeper(&self, columns: usize) -> String {
        let begins = self.plain().chars().take_while(|c| *c == ' ').count();
        " ".repeat((begins + DEEPER).min(columns / 2))
    }

    /// Without blanks and line breaks at its end.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        self.0.truncate(self.0.trim_end().len());
        self
    }
}

/// The colour sequence that a text begins with.
fn colour(text: &str) -> Option<&str> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !matches!(c, '0'..='9' | ';'))?;
    parameters[end..].starts_with('m').then(|| &text[..end + 3])
}

impl Deref for Drawn {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Drawn {
    fn from(text: &str) -> Self {
        Drawn::line(text)
    }
}

impl From<String> for Drawn {
    fn from(text: String) -> Self {
        Drawn::line(&text)
    }
}

impl From<&Drawn> for Drawn {
    fn from(text: &Drawn) -> Self {
        text.clone()
    }
}

impl FromIterator<Drawn> for Drawn {
    fn from_iter<I: IntoIterator<Item = Drawn>>(texts: I) -> Self {
        Drawn(texts.into_iter().map(|text| text.0).collect())
    }
}

/// What can stand in `drawn!`.
pub trait Piece {
    /// It as it may go to a terminal.
    fn shown(&self) -> Cow<'_, str>;
}

impl<T: Display + ?Sized> Piece for T {
    fn shown(&self) -> Cow<'_, str> {
        Cow::Owned(line(&self.to_string()).into_owned())
    }
}

impl Piece for Drawn {
    fn shown(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.0)
    }
}

impl Piece for &Drawn {
    fn shown(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.0)
    }
}

/// A piece in its place, padded by the columns it takes.
#[doc(hidden)]
pub struct Shown<'p, P: ?Sized>(pub &'p P);

impl<P: Piece + ?Sized> Display for Shown<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.shown();
        let missing = f.width().unwrap_or(0).saturating_sub(display_width(&text));
        let before = match f.align() {
            Some(fmt::Alignment::Right) => missing,
            Some(fmt::Alignment::Center) => missing / 2,
            _ => 0,
        };
        let blanks = |f: &mut fmt::Formatter<'_>, n: usize| (0..n).try_for_each(|_| f.write_char(' '));
        blanks(f, before)?;
        f.write_str(&text)?;
        blanks(f, missing - before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOLD: Style = Style::new().bold();

    #[test]
    fn the_hosts_own_marks_stay_and_those_of_others_are_visible() {
        let name = "\u{1b}[8mvm\n";
        let text = drawn!("{}: {:<12}|\n", Drawn::line("id").painted(BOLD), name);
        assert_eq!(&*text, "\u{1b}[1mid\u{1b}[0m: \\u{1b}[8mvm\\n|\n");
        assert_eq!(
            &*drawn!("{:>6}|{:<4}|", Drawn::line("ab").painted(BOLD), "é"),
            "    \u{1b}[1mab\u{1b}[0m|é   |"
        );
        assert_eq!(
            &*drawn!("{}", &*text),
            "\\u{1b}[1mid\\u{1b}[0m: \\\\u{1b}[8mvm\\\\n|\\n".replace("\\\\", "\\")
        );
    }

    #[test]
    fn a_long_line_never_goes_on_where_lines_begin() {
        let text = drawn!("5.2      {}\n  short", format!("Stop{}5.3      Delete", " ".repeat(20)));
        assert_eq!(text.fitted(24).to_string(), "5.2      Stop\n    5.3      Delete\n  short");
        assert!(matches!(text.fitted(80), Cow::Borrowed(_)));
        let id = drawn!("       → k8s-clusterapi-cluster-kubeapi");
        let whole = "       →\n           k8s-clusterapi-cluster-kubeapi";
        assert_eq!(id.fitted(24).to_string(), whole, "an id stays whole");
    }

    #[test]
    fn of_a_library_only_colours_and_lines_stay() {
        let text = "\u{1b}[31;1mx\u{1b}[0m\n\u{1b}[2J\u{1b}]0;t\u{7}\r";
        assert_eq!(&*Drawn::by_library(text), "\u{1b}[31;1mx\u{1b}[0m\n\\u{1b}[2J\\u{1b}]0;t\\u{7}\\r");
    }
}
