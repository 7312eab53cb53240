//! Colours of the line as it is typed, and of the prompt.

use std::borrow::Cow;

use anstyle::{AnsiColor, Style};
use rustyline::highlight::{CmdKind, Highlighter};

use super::helper::Assistant;
use super::prompt;
use crate::base::Drawn;
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
pub fn paint(text: &str) -> Drawn {
    if text.trim_start().starts_with(':') {
        return Drawn::typed(text).painted(COMMAND);
    }
    let page = Page::of(text);
    let (mut painted, mut end) = (Drawn::default(), 0);
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
        painted.push(Drawn::typed(&text[end..lexeme.start]));
        painted.push(match style {
            Some(style) => Drawn::typed(word).painted(style),
            None => Drawn::typed(word),
        });
        end = lexeme.end;
    }
    painted.push(Drawn::typed(&text[end..]));
    painted
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        let drawn = if self.colours { paint(line) } else { Drawn::typed(line) };
        Cow::Owned(drawn.to_string())
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        // drawn anew at each key: a session that locked itself shows it at once
        Cow::Owned(prompt::present(prompt, self.session.lock.is_open(), self.colours).to_string())
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        let hint = Drawn::line(hint);
        Cow::Owned(if self.colours { hint.painted(COMMENT) } else { hint }.to_string())
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
            assert_eq!(paint(text).plain(), text);
        }
        assert_eq!(paint("let x = \"\u{1b}[2J\u{200b}\"").plain(), "let x = \"\u{fffd}[2J\u{fffd}\"");
        assert!(paint("let x = 1").starts_with(&format!("{KEYWORD}let")));
    }
}
