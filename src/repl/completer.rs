//! TAB: what the word at the cursor could become.

use rustyline::Context;
use rustyline::completion::{Completer, Pair};

use super::candidates;
use super::cursor::Cursor;
use super::helper::Assistant;
use crate::base::screen;

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let cursor = Cursor::at(line, pos);
        let found = candidates::at(&self.session, &self.names, &cursor);
        let pairs = found.into_iter().map(|replacement| Pair { display: listed(&replacement), replacement });
        Ok((cursor.start, pairs.collect()))
    }
}

/// A candidate in a list: a name without its quotes, behind it the namespace that is said with it.
fn listed(candidate: &str) -> String {
    let candidate = screen::line(candidate);
    let mut quoted = candidate.split('"');
    let name = quoted.next().unwrap_or_default();
    match quoted.nth(1) {
        Some(namespace) => format!("{name} ({namespace})"),
        None => name.trim_end().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn a_list_shows_names_as_people_say_them() {
        assert_eq!(listed(r#"coredns-7c", #{ namespace: "kube-system" }"#), "coredns-7c (kube-system)");
        assert_eq!(listed("vm\""), "vm");
        assert_eq!(listed("filter("), "filter(");
        assert_eq!(listed("unlock "), "unlock");
    }
}
