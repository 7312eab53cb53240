//! What a step is called, and the variable that its value goes to: from the comment behind its line, else from what
//! the line asks.

use crate::repl::session::Session;
use crate::script::survey::lexer::{LexemeKind, Page};
use crate::systems::openstack::resource;

/// The longest title.
const LONGEST: usize = 60;

/// The fewest words of a doc comment that tell what a function is about.
const TELLING: usize = 3;

/// Functions whose first text says what they are about.
const SAY: &[&str] = &["gate", "expect", "attest", "poll"];

/// A line without the comment behind it, and that comment.
pub fn split(text: &str) -> (&str, Option<&str>) {
    let page = Page::of(text);
    match page.lexemes.last() {
        Some(last) if last.kind == LexemeKind::Comment && page.str(last).starts_with("//") => {
            let said = page.str(last).trim_start_matches('/').trim();
            (text[..last.start].trim(), Some(said).filter(|said| !said.is_empty()))
        }
        _ => (text.trim(), None),
    }
}

/// What a step that does this is called.
pub fn of(session: &Session, body: &str) -> String {
    let page = Page::of(body);
    let words: Vec<&str> = page.lexemes.iter().map(|l| page.str(l)).collect();
    let text = |n: usize| page.lexemes.get(n).filter(|l| l.kind == LexemeKind::Text).map(|l| page.str(l));
    let title = match words.as_slice() {
        [say, "(", ..] if SAY.contains(say) => {
            let first = (0..words.len()).find_map(text);
            first.map(|said| said.trim_matches(['"', '`']).to_string())
        }
        [module, ":", ":", function, ..] => {
            let functions = session.documented(module);
            let said = functions.iter().find(|f| f.name == *function).map(|f| clause(&f.doc));
            let said = said.filter(|said| said.split_whitespace().count() >= TELLING);
            Some(said.unwrap_or_else(|| upper(&spaced(function))))
        }
        [scope, ".", collection, ".", verb, "(", rest @ ..] => resource::all()
            .find(|row| row.name == *collection)
            .map(|row| match *verb {
                "list" => format!("{} of {scope}{}", spaced(row.name), filtered(rest)),
                _ => {
                    let end = page.closing(5).unwrap_or(words.len());
                    let named = words.get(6..end).unwrap_or_default().concat();
                    let behind = words.get(end + 1..).unwrap_or_default();
                    let field = match behind {
                        [".", field] => format!(": {}", spaced(field)),
                        _ => String::new(),
                    };
                    format!("{} {}{field}", row.title, named.trim_matches('"'))
                }
            })
            .map(|said| upper(&said)),
        _ => None,
    };
    short(&title.unwrap_or_else(|| body.replace('\n', " ")))
}

/// What a step that changes these things is called; without their ids, which another day are others.
pub fn of_changes(summaries: &[String]) -> String {
    let bare = summaries.iter().map(|summary| summary.split(" (").next().unwrap_or(summary));
    upper(&short(&bare.collect::<Vec<_>>().join(", ")))
}

/// The variable for a value that the session called `_`.
pub fn variable(body: &str, taken: &dyn Fn(&str) -> bool, n: usize) -> String {
    let page = Page::of(body);
    let words: Vec<&str> = page.lexemes.iter().map(|l| page.str(l)).collect();
    let name = match words.as_slice() {
        [_, ":", ":", function, "(", ..] => Some(*function),
        [_, ".", collection, ".", "list", ..] => Some(*collection),
        [_, ".", collection, ".", _, "(", ..] => resource::all()
            .find(|row| row.name == *collection)
            .map(|row| row.title)
            .filter(|t| !t.contains(' ')),
        _ => None,
    };
    let numbered = format!("value_{n}");
    name.filter(|name| !taken(name)).map_or(numbered, str::to_string)
}

/// A title within its length.
pub fn short(text: &str) -> String {
    crate::repl::display::table::cut(text, LONGEST)
}

/// The first clause of a doc comment.
fn clause(doc: &str) -> String {
    let first = doc.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let end = first.find(['.', ',', ':', ';', '(']).unwrap_or(first.len());
    first[..end].trim().to_string()
}

fn filtered(behind: &[&str]) -> &'static str {
    if behind.contains(&"filter") { ", some of them" } else { "" }
}

fn spaced(name: &str) -> String {
    name.replace('_', " ")
}

fn upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comment_behind_a_line_is_what_it_is_called() {
        assert_eq!(split("a.b() // the balancer"), ("a.b()", Some("the balancer")));
        assert_eq!(split("f(\"http://x\")"), ("f(\"http://x\")", None));
        assert_eq!(split("a //"), ("a", None));
    }

    #[test]
    fn a_change_is_called_what_was_changed() {
        assert_eq!(of_changes(&["start server vm (3ba4aa0d…)".into()]), "Start server vm");
    }

    #[test]
    fn a_value_is_called_after_what_gave_it() {
        let free = |_: &str| false;
        assert_eq!(variable("octavia::broken(admin)", &free, 1), "broken");
        assert_eq!(variable("admin.servers.list()", &free, 2), "servers");
        assert_eq!(variable("admin.servers.get(\"vm\")", &free, 3), "server");
        assert_eq!(variable("admin.load_balancers.get(\"lb\")", &free, 4), "value_4");
        assert_eq!(variable("octavia::broken(admin)", &|name| name == "broken", 5), "value_5");
    }

    #[test]
    fn a_doc_comment_gives_its_first_clause() {
        assert_eq!(
            clause("Amphora servers that\nnobody knows: failed ones.\n\nMore."),
            "Amphora servers that nobody knows"
        );
    }
}
