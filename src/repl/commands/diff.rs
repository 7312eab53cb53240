//! `:diff`: what differs between two values.

use super::{Command, Next};
use crate::base::{Error, ErrorKind, Result};
use crate::repl::display::difference;
use crate::repl::shell::Shell;
use crate::script::survey::lexer::{LexemeKind, Page};

/// Compares two values.
pub const DIFF: Command = Command {
    name: "diff",
    arguments: "A B",
    brief: "what differs between two values",
    doc: "What differs between two values, field by field; things of a list by their ids or names.",
    run: diff,
};

fn diff(shell: &mut Shell, text: &str) -> Result<Next> {
    let (a, b) = halves(text).ok_or_else(|| {
        Error::new(ErrorKind::Usage, "two values are compared")
            .help("`:diff A B`, such as `:diff before admin.servers.list()`; a comma may stand between them")
    })?;
    // `_` in both is the same value, whatever the first one came to
    let last = shell.session.last();
    let before = shell.evaluate(a)?;
    shell.session.set_last(last);
    let after = shell.evaluate(b)?;
    let look = shell.look();
    shell.show(&difference::draw(&before, &after, &look))?;
    Ok(Next::Line)
}

/// Two expressions: at the comma between them, else at the blank.
fn halves(text: &str) -> Option<(&str, &str)> {
    let page = Page::of(text);
    let mut depth = 0i32;
    let mut blank = None;
    for (n, lexeme) in page.lexemes.iter().enumerate() {
        let word = page.str(lexeme);
        if lexeme.kind == LexemeKind::Symbol {
            match word {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                "," if depth == 0 => return Some((&text[..lexeme.start], text[lexeme.end..].trim())),
                _ => {}
            }
        }
        let next = page.lexemes.get(n + 1);
        if depth == 0
            && blank.is_none()
            && next.is_some_and(|next| next.start > lexeme.end && next.kind != LexemeKind::Symbol)
        {
            blank = next.map(|next| (text[..lexeme.end].trim(), text[next.start..].trim()));
        }
    }
    blank
}

#[cfg(test)]
mod tests {
    use super::halves;

    #[test]
    fn two_expressions_are_told_apart() {
        assert_eq!(halves("a b"), Some(("a", "b")));
        assert_eq!(halves("_ admin.servers.get(\"a b\")"), Some(("_", "admin.servers.get(\"a b\")")));
        assert_eq!(halves("f(1, 2), a + b"), Some(("f(1, 2)", "a + b")));
        assert_eq!(halves("a"), None);
    }
}
