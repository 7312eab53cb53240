//! Whether a text is whole, or goes on in the next line.

use crate::script::survey::lexer::{LexemeKind, Page};

/// Symbols that nothing ends with.
const OPEN_ENDS: &[&str] = &[".", ",", "=", "+", "-", "*", "/", "%", "&", "|", "<", ">", "!", "?", "^", "$"];

/// Whether a text goes on in the next line: an open bracket, template or comment, an operator without
/// its right side, a `fn` without its body. An empty line ends it whatever it lacks.
pub fn goes_on(text: &str) -> bool {
    if text.trim().is_empty() || text.trim_start().starts_with(':') {
        return false;
    }
    let page = Page::of(text);
    if page.unclosed().is_some() {
        return true;
    }
    let Some(last) = page.lexemes.last() else { return false };
    let word = page.str(last);
    match last.kind {
        LexemeKind::Comment => word.starts_with("/*") && (word.len() < 4 || !word.ends_with("*/")),
        LexemeKind::Text => word.starts_with('`') && (word.len() < 2 || !word.ends_with('`')),
        LexemeKind::Word => word == "else",
        LexemeKind::Symbol if word == ")" => {
            let first = page.lexemes.iter().find(|l| l.kind == LexemeKind::Word).map(|l| page.str(l));
            let body = page.lexemes.iter().any(|l| page.str(l) == "{");
            !body && matches!(first, Some("fn" | "private"))
        }
        LexemeKind::Symbol => OPEN_ENDS.contains(&word),
        LexemeKind::Number => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_goes_on() {
        for text in [
            "fn f(a)",
            "fn f(a) {",
            "admin.servers.list()\n    .filter(|s|",
            "let x =",
            "1 +",
            "`a ${1}",
            "/* so",
            "poll(#{",
            "if x { 1 } else",
            "capi.",
        ] {
            assert!(goes_on(text), "{text}");
        }
    }

    #[test]
    fn what_is_whole_does_not() {
        for text in [
            "",
            "1",
            "let x = 1;",
            "fn f(a) { a }",
            "\"a(\"",
            "// (",
            "f()",
            "f(\n1\n)",
            ":yaml {",
            "x)",
            "\"unclosed",
            "|x| x",
        ] {
            assert!(!goes_on(text), "{text}");
        }
    }
}
