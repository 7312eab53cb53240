//! Lines that hold a secret are kept nowhere: not in the history, and in the journal without their texts.

use std::sync::LazyLock;

use regex::Regex;

use crate::base::Secret;
use crate::base::secret::MASK;
use crate::script::survey::lexer::{Lexeme, LexemeKind, Page};

/// Names that a secret is given to.
static NAMES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(pass(word|wd|phrase)?|secret|token|credential|private_?key|api_?key|user_?data)s?$")
        .ok()
});

/// Whether a name is one that secrets go by.
fn is_secretive(name: &str) -> bool {
    NAMES.as_ref().is_none_or(|names| names.is_match(name))
}

/// Whether a line names something secret and has a text that may be it.
pub fn holds_secret(line: &str) -> bool {
    let page = Page::of(line);
    let named = page.lexemes.iter().any(|l| {
        let text = page.str(l).trim_matches('"');
        matches!(l.kind, LexemeKind::Word | LexemeKind::Text) && is_secretive(text)
    });
    named && page.lexemes.iter().any(|l| l.kind == LexemeKind::Text)
}

/// The texts that a line gives to what is called like a secret: `password = "..."`, `user_data: "..."`, `secret("...")`.
pub fn typed(line: &str) -> Vec<String> {
    let page = Page::of(line);
    let gives = |l: &Lexeme| l.kind == LexemeKind::Symbol && matches!(page.str(l), "=" | ":" | "(" | "+");
    let named = |l: &Lexeme| {
        matches!(l.kind, LexemeKind::Word | LexemeKind::Text) && is_secretive(page.str(l).trim_matches('"'))
    };
    let mut texts = Vec::new();
    for (n, _) in page.lexemes.iter().enumerate().filter(|(_, l)| named(l)) {
        let behind = &page.lexemes[n + 1..];
        let given = behind.iter().position(|l| !gives(l)).filter(|between| *between > 0).map(|n| &behind[n]);
        let text = given.filter(|l| l.kind == LexemeKind::Text).map(|l| page.str(l).trim_matches(['"', '`']));
        texts.extend(text.map(String::from));
    }
    texts
}

/// Shorter secrets are looked for as whole texts only: `admin` is a word as well.
const SHORT: usize = 8;

/// Whether a line has a secret in it that is known.
pub fn tells(line: &str, secret: &Secret) -> bool {
    let secret = secret.expose();
    if secret.is_empty() || secret.len() >= SHORT {
        return !secret.is_empty() && line.contains(secret);
    }
    let page = Page::of(line);
    let mut texts = page.lexemes.iter().filter(|l| l.kind == LexemeKind::Text);
    line.trim() == secret || texts.any(|l| page.str(l).trim_matches(['"', '`']) == secret)
}

/// Whether a line may go into the history as far as its beginning tells: one that begins with a blank may not, as
/// in a shell.
pub fn may_be_kept(line: &str) -> bool {
    !line.trim().is_empty() && !line.starts_with(' ')
}

/// A line as the journal has it: where its words tell of a secret, its texts are masked.
pub fn shown(line: &str) -> String {
    if !holds_secret(line) {
        return line.to_string();
    }
    let page = Page::of(line);
    let mut shown = String::new();
    let mut end = 0;
    for lexeme in page.lexemes.iter().filter(|l| matches!(l.kind, LexemeKind::Text | LexemeKind::Comment)) {
        shown.push_str(&line[end..lexeme.start]);
        shown.push_str(&format!("\"{MASK}\""));
        end = lexeme.end;
    }
    shown.push_str(&line[end..]);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_a_secret_is_kept_nowhere() {
        for line in [
            r#"capi.servers.create(#{ name: "x", user_data: "I2Nsb3Vk" })"#,
            r#"let password = "hunter2";"#,
            r#"let p = #{ "os_password": "hunter2" }"#,
            r#"let admin_pass = `hunter2`; // hunter2"#,
        ] {
            assert!(holds_secret(line), "{line}");
            let shown = shown(line);
            assert!(!shown.contains("hunter2") && !shown.contains("I2Ns"), "{shown}");
        }
        assert!(!may_be_kept(" let hidden = 1"));
    }

    #[test]
    fn a_secret_that_is_known_is_found_under_any_name() {
        let (long, short) = (Secret::new("correct horse"), Secret::new("admin"));
        for line in ["let x = \"correct horse\"", "correct horse", "f(`my correct horse`)"] {
            assert!(tells(line, &long), "{line}");
        }
        assert!(tells("let x = \"admin\"", &short) && tells("admin ", &short));
        assert!(!tells("admin.servers.list()", &short), "a word of every line is no secret told");
        assert!(!tells("anything", &Secret::new("")));
    }

    #[test]
    fn the_texts_of_a_line_that_are_secrets_are_known() {
        for (line, texts) in [
            (r#"let password = "hunter2";"#, vec!["hunter2"]),
            (r#"f(#{ name: "vm-of-mine", user_data: "I2Ns" })"#, vec!["I2Ns"]),
            (r#"let p = #{ "os_password": "hunter2" }"#, vec!["hunter2"]),
            (r#"let x = secret("hunter2") + "y""#, vec!["hunter2"]),
            (r#"tokens.find("a")"#, vec![]),
        ] {
            assert_eq!(typed(line), texts, "{line}");
        }
    }

    #[test]
    fn other_lines_are_kept_as_they_are() {
        for line in [r#"capi.servers.get("vm")"#, "let tokens = admin.identity()", "pass"] {
            assert!(!holds_secret(line) && may_be_kept(line), "{line}");
            assert_eq!(shown(line), line);
        }
    }
}
