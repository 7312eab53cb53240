//! What does not fit on the screen goes to a pager.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::base::screen::{self, Drawn, Stream, drawn};

/// A terminal's size.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// Lines.
    pub lines: usize,
    /// Columns.
    pub columns: usize,
}

impl Screen {
    /// Whether a text fits, with the prompt below it.
    pub fn fits(&self, text: &Drawn) -> bool {
        let rows = |line: Drawn| line.width().div_ceil(self.columns.max(1)).max(1);
        text.split().map(rows).sum::<usize>() < self.lines.saturating_sub(1)
    }
}

/// Shows a text on a terminal: as it is where it fits, else through `less` or what `PAGER` names. Where there is no
/// pager, as it is.
///
/// # Errors
/// Standard output cannot be written.
pub fn show(text: &Drawn) -> std::io::Result<()> {
    let screen = Stream::Out.size().map(|(lines, columns)| Screen { lines, columns });
    match screen {
        Some(screen) if !screen.fits(text) && paged(text) => Ok(()),
        _ => screen::print(&drawn!("{}\n", text)),
    }
}

fn paged(text: &Drawn) -> bool {
    let named = std::env::var("PAGER").ok().filter(|p| !p.trim().is_empty());
    let mut words = named.as_deref().unwrap_or("less").split_whitespace();
    let Some(program) = words.next() else { return false };
    let mut command = Command::new(program);
    command.args(words);
    if program.rsplit('/').next() == Some("less") {
        // colours as they are, lines uncut (the arrows move sideways), nothing cleared at the end
        command.args(["-R", "-S", "-X", "-F"]);
    }
    let Ok(mut child) = command.stdin(Stdio::piped()).spawn() else { return false };
    if let Some(mut input) = child.stdin.take() {
        let _ = writeln!(input, "{}", &**text); // one who has seen enough closes it
    }
    child.wait().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_more_rows_than_there_are_does_not_fit() {
        let screen = Screen { lines: 5, columns: 10 };
        let red = Drawn::line("0123456789").painted(anstyle::AnsiColor::Red.on_default());
        assert!(screen.fits(&drawn!("one\ntwo\n{}", red)));
        assert!(!screen.fits(&Drawn::line(&"0123456789".repeat(4))), "a long line takes several");
        assert!(!screen.fits(&Drawn::lines("1\n2\n3\n4")));
    }
}
