//! Colours of the line as it is typed, and of the prompt.

use std::borrow::Cow;

use anstyle::{AnsiColor, Style};
use rustyline::highlight::{CmdKind, Highlighter};

use super::helper::Assistant;
use super::prompt;
use crate::script::survey::lexer::{LexemeKind, Page};

const KEYWORD: Style = AnsiColor::Magenta.on_default();
const TEXT: Style = AnsiColor::Green.on_default();
const NUMBER: Style = AnsiColor::Cyan.on_default();
const FUNCTION: Style = AnsiColor::Blue.on_default();
const COMMENT: Style = Style::new().dimmed();
const COMMAND: Style = Style::new().bold();

const KEYWORDS: &[&str] = &[
    "let", "const", "fn", "private", "if", "else", "switch", "for", "in", "while", "loop", "do", "until",
    "break", "continue", "return", "throw", "try", "catch", "import", "export", "as", "true", "false",
    "this",
];

/// A text with its words coloured.
pub fn paint(text: &str) -> String {
    if text.trim_start().starts_with(':') {
        return format!("{COMMAND}{text}{COMMAND:#}");
    }
    let page = Page::of(text);
    let (mut painted, mut end) = (String::new(), 0);
    for (n, lexeme) in page.lexemes.iter().enumerate() {
        let word = page.str(lexeme);
        let called = || page.lexemes.get(n + 1).is_some_and(|next| page.str(next) == "(");
        let style = match lexeme.kind {
            LexemeKind::Comment => Some(COMMENT),
            LexemeKind::Text => Some(TEXT),
            LexemeKind::Number => Some(NUMBER),
            LexemeKind::Word if KEYWORDS.contains(&word) => Some(KEYWORD),
            LexemeKind::Word if called() => Some(FUNCTION),
            _ => None,
        };
        painted.push_str(&text[end..lexeme.start]);
        match style {
            Some(style) => painted.push_str(&format!("{style}{word}{style:#}")),
            None => painted.push_str(word),
        }
        end = lexeme.end;
    }
    painted.push_str(&text[end..]);
    painted
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        if self.colours { Cow::Owned(paint(line)) } else { Cow::Borrowed(line) }
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        // drawn anew at each key: a session that locked itself shows it at once
        Cow::Owned(prompt::present(prompt, self.session.lock.is_open(), self.colours))
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        if self.colours { Cow::Owned(format!("{COMMENT}{hint}{COMMENT:#}")) } else { Cow::Borrowed(hint) }
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.session.lock.touch();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_add_nothing_that_is_seen() {
        for text in
            ["let x = admin.servers.list(\"a\") // why", ":yaml _", "`a ${1 + 2}", "fn f(a) {", "ß.é(\"…"]
        {
            assert_eq!(console::strip_ansi_codes(&paint(text)), text);
        }
        assert!(paint("let x = 1").starts_with(&format!("{KEYWORD}let")));
    }
}
