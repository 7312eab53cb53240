//! The two streams of the process, and what may be written to them.

#![allow(
    clippy::disallowed_methods,
    reason = "the one place that writes to standard output and standard error"
)]

use std::io::{self, IsTerminal as _, Write};

use super::{Drawn, visible};
use crate::base::secret::mask;

/// Columns below which nothing is laid out: it would only be shredded.
const NARROWEST: usize = 20;

/// A stream of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Error,
}

impl Stream {
    /// Whether it is a terminal.
    pub fn is_terminal(self) -> bool {
        match self {
            Stream::Out => io::stdout().is_terminal(),
            Stream::Error => io::stderr().is_terminal(),
        }
    }

    /// Its lines and columns, where it is a terminal.
    pub fn size(self) -> Option<(usize, usize)> {
        let term = match self {
            Stream::Out => console::Term::stdout(),
            Stream::Error => console::Term::stderr(),
        };
        let (lines, columns) = term.size();
        self.is_terminal().then(|| (lines.into(), usize::from(columns).max(NARROWEST)))
    }

    /// Its columns, where it is a terminal.
    pub fn columns(self) -> Option<usize> {
        self.size().map(|(_, columns)| columns)
    }

    fn draw(self, text: &Drawn) -> io::Result<()> {
        let text = text.masked();
        match self.columns() {
            Some(columns) => self.write(&text.fitted(columns)),
            None => self.write(&text),
        }
    }

    /// Writes a text as it is; colours only where the stream takes them. A reader that has seen enough is no error: what
    /// is under way goes on, and ends as it would have ended.
    fn write(self, text: &str) -> io::Result<()> {
        let written = match self {
            Stream::Out => put(&mut anstream::stdout().lock(), text),
            Stream::Error => put(&mut anstream::stderr().lock(), text),
        };
        match written {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }
}

fn put(out: &mut impl Write, text: &str) -> io::Result<()> {
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

/// Writes a text to standard output; on a terminal no line reaches beyond its columns.
///
/// # Errors
/// It cannot be written; a reader that has seen enough is no error.
pub fn print(text: &Drawn) -> io::Result<()> {
    Stream::Out.draw(text)
}

/// Writes a text to standard error. Where that cannot be written, nobody can be told.
pub fn complain(text: &Drawn) {
    let _ = Stream::Error.draw(text);
}

/// Writes a document to standard output, for programs and files: its line breaks and tabs are its own, it has no colours, and
/// nothing else in it is hidden.
///
/// # Errors
/// Those of [`print()`].
pub fn document(text: &str) -> io::Result<()> {
    Stream::Out.write(&visible::lines(&mask(text)))
}

/// Draws a line that the next one takes the place of; `None` takes it away.
pub fn moving(text: Option<&Drawn>) {
    let text: &str = text.map_or("", |text| text);
    let _ = put(&mut io::stdout().lock(), &format!("\r\u{1b}[K{text}"));
}

/// Draws a text on an empty screen.
pub fn picture(text: &Drawn) {
    let _ = put(&mut io::stdout().lock(), &format!("\u{1b}[H\u{1b}[2J{}", &**text));
}
