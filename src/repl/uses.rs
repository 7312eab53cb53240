//! Where runbooks call a function: examples that are known to run.

use std::collections::BTreeMap;

use super::handles::Handles;
use super::session::Session;
use crate::script::modules;
use crate::script::survey::lexer::{LexemeKind, Page};

/// The most examples that are shown.
const MOST: usize = 3;

/// Calls of `module::name` in the runbooks there are, each with the name of its runbook; of each way to call it one.
pub fn of(session: &Session, module: &str, name: &str) -> Vec<(String, String)> {
    let shelf = session.host.library.shelf();
    let mut found: Vec<(String, String)> = Vec::new();
    for runbook in shelf.names().unwrap_or_default().into_iter().filter(|n| modules::is_runbook(n)) {
        for text in shelf.texts(&runbook).unwrap_or_default() {
            let names = handles(&text.text, session.handles());
            for call in calls(&text.text, &format!("{module}::{name}")) {
                let call = renamed(&call, &names);
                if !found.iter().any(|(_, known)| *known == call) {
                    found.push((runbook.clone(), call));
                }
            }
        }
    }
    found.truncate(MOST);
    found
}

/// What a runbook calls the site's handles, and what they are called in lines.
fn handles(text: &str, handles: &Handles) -> BTreeMap<String, String> {
    let words = |text: &str| text.split_whitespace().collect::<String>();
    let declared = text.lines().filter_map(|line| {
        let (name, given) = line.trim().strip_prefix("let ")?.split_once('=')?;
        let given = words(given.split("//").next()?);
        let same = |word: &str| handles.declaration(word).and_then(|d| Some(words(d.split_once('=')?.1)));
        let word = handles.iter().map(|(word, _)| word).find(|word| same(word).as_ref() == Some(&given))?;
        Some((name.trim().to_string(), word.to_string()))
    });
    declared.collect()
}

/// A call with other names for its variables.
fn renamed(call: &str, names: &BTreeMap<String, String>) -> String {
    let page = Page::of(call);
    let (mut renamed, mut end) = (String::new(), 0);
    for (n, lexeme) in page.lexemes.iter().enumerate().filter(|(_, l)| l.kind == LexemeKind::Word) {
        let member = n.checked_sub(1).and_then(|n| page.lexemes.get(n)).is_some_and(|l| page.str(l) == ".");
        if let Some(name) = names.get(page.str(lexeme)).filter(|_| !member) {
            renamed.push_str(&call[end..lexeme.start]);
            renamed.push_str(name);
            end = lexeme.end;
        }
    }
    renamed + &call[end..]
}

/// The calls of a function in a text, from its name to the bracket that closes it, each on one line.
fn calls(text: &str, function: &str) -> Vec<String> {
    let begins = text.match_indices(function).map(|(n, _)| &text[n..]);
    let called = begins.filter(|rest| rest[function.len()..].starts_with('('));
    let whole = called.filter_map(|rest| {
        let page = Page::of(rest);
        let open = page.lexemes.iter().position(|l| page.str(l) == "(")?;
        let end = page.lexemes.get(page.closing(open)?)?.end;
        Some(rest[..end].split_whitespace().collect::<Vec<_>>().join(" "))
    });
    whole.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Site;

    #[test]
    fn an_example_has_the_names_that_lines_have() {
        let site = "name = \"s\"\n[scopes.capi-mgmt]\ncloud = \"c\"\n";
        let words = Handles::of(&Site::from_embedded(site, "s", &[]).unwrap());
        let text = "let tenant   = site.scope(\"capi-mgmt\"); // whose\nlet other = site.scope(\"other\");\n";
        let names = handles(text, &words);
        assert_eq!(renamed("m::f(tenant, a.tenant, other)", &names), "m::f(capi_mgmt, a.tenant, other)");
    }

    #[test]
    fn a_call_is_taken_whole() {
        let text = "let x = octavia::broken(admin);\ny(octavia::broken(f(1),\n    2)); octavia::broken_ones(1); octavia::broken";
        assert_eq!(calls(text, "octavia::broken"), ["octavia::broken(admin)", "octavia::broken(f(1), 2)"]);
    }
}
