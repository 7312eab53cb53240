//! A line as the engine gets it: behind the lines before it, with what it uses and did not declare.
//!
//! All lines of a session are one source, each compiled behind as many empty lines as the session
//! has: then a line number tells the line that a function or an error comes from, however late it is called.

use std::collections::{BTreeMap, BTreeSet};

use crate::script::survey::lexer::{LexemeKind, Page};
use crate::script::survey::values::At;

/// The name of the source that all lines of a session are.
pub const SOURCE: &str = "session";

/// Words that make a step, which stands in no other step.
const STEPS: &[&str] = &["verify", "change", "deferred"];

/// What a line says, as far as its words tell.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// `import "std/octavia" as octavia`: names by alias.
    pub imports: BTreeMap<String, String>,
    /// `octavia::`: what stands before a `::`.
    pub paths: BTreeSet<String>,
    /// Names that could be variables.
    pub names: BTreeSet<String>,
    /// Where the last value is meant by `_`; the `_` of a `switch` is not.
    pub last: Vec<At>,
    /// It declares steps of its own.
    pub steps: bool,
}

impl Words {
    /// Reads a line.
    pub fn of(text: &str) -> Self {
        let page = Page::of(text);
        let lexemes: Vec<_> = page.lexemes.iter().filter(|l| l.kind != LexemeKind::Comment).collect();
        let str_at = |n: usize| lexemes.get(n).map_or("", |l| page.str(l));
        let mut words = Words::default();
        for (n, lexeme) in lexemes.iter().enumerate() {
            match lexeme.kind {
                // what is computed inside of `...${}...` is code as well
                LexemeKind::Text if page.str(lexeme).starts_with('`') => {
                    for inside in page.str(lexeme).split("${").skip(1) {
                        let inside = Words::of(inside.split('}').next().unwrap_or_default());
                        words.paths.extend(inside.paths);
                        words.names.extend(inside.names);
                    }
                }
                LexemeKind::Word => {}
                _ => continue,
            }
            let (word, before, next) = (page.str(lexeme), str_at(n.wrapping_sub(1)), str_at(n + 1));
            if word == "import" && str_at(n + 2) == "as" {
                let name = next.trim_matches('"').to_string();
                words.imports.insert(str_at(n + 3).to_string(), name);
            }
            if before == "." || before == "fn" || lexeme.kind != LexemeKind::Word {
                continue;
            }
            if next == ":" && str_at(n + 2) == ":" {
                words.paths.insert(word.to_string());
            } else if word == "_" {
                if next != "=" || str_at(n + 2) != ">" {
                    words.last.push(lexeme.at);
                }
            } else if next == "(" {
                words.steps |= STEPS.contains(&word) && before != ":";
            } else if before != ":" || str_at(n.wrapping_sub(2)) != ":" {
                words.names.insert(word.to_string());
            }
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lines_words_are_what_it_uses() {
        let words = Words::of(
            "import \"std/nova\" as nova; let x = octavia::broken(admin).map(|lb| `${capi.servers} ${lb}`); _.len()",
        );
        assert_eq!(words.imports.get("nova").map(String::as_str), Some("std/nova"));
        assert!(words.paths.contains("octavia"));
        assert!(["admin", "capi", "x"].iter().all(|name| words.names.contains(*name)));
        assert!(!words.names.contains("servers") && !words.names.contains("broken") && !words.steps);
        assert_eq!(words.last.len(), 1);
    }

    #[test]
    fn the_default_of_a_switch_is_not_the_last_value() {
        let words = Words::of("switch _ { 1 => 2, _ => 3 }");
        assert_eq!(words.last, [At { line: 1, column: 8 }]);
    }

    #[test]
    fn steps_are_seen_and_methods_of_the_name_are_not() {
        assert!(Words::of("verify(\"1\", \"One\", || 1)").steps);
        assert!(!Words::of("thing.change(1); \"verify(\"").steps);
    }
}
