//! Literal ids of a session as parameters of its runbook: each has the session's value unless the site gives another.

use std::sync::LazyLock;

use regex::Regex;

use crate::script::quote::quoted;
use crate::script::survey::lexer::{LexemeKind, Page};
use crate::systems::openstack::resource;

static ID: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}|\d{1,3}(\.\d{1,3}){3})$").ok()
});

/// The parameters of a runbook, in the order of their first use.
pub struct Parameters {
    runbook: String,
    /// Name and the session's value.
    all: Vec<(String, String)>,
}

impl Parameters {
    /// None yet.
    pub fn new(runbook: &str) -> Self {
        Parameters { runbook: runbook.replace('-', "_"), all: Vec::new() }
    }

    /// A text whose literal ids and addresses are parameters.
    pub fn lift(&mut self, text: &str) -> String {
        let page = Page::of(text);
        let (mut lifted, mut end) = (String::new(), 0);
        for (n, lexeme) in page.lexemes.iter().enumerate().filter(|(_, l)| l.kind == LexemeKind::Text) {
            let literal = page.str(lexeme).trim_matches('"');
            if !ID.as_ref().is_some_and(|id| id.is_match(literal)) {
                continue;
            }
            // `load_balancers.get("...")` is the id of a load balancer
            let collection = n.checked_sub(4).and_then(|n| page.lexemes.get(n)).map(|l| page.str(l));
            let row = collection.and_then(|name| resource::all().find(|row| row.name == name));
            let kind = if literal.contains('.') { "address" } else { row.map_or("id", |row| row.title) };
            lifted.push_str(&text[end..lexeme.start]);
            lifted.push_str(&self.name(&kind.replace(' ', "_"), literal));
            end = lexeme.end;
        }
        lifted + &text[end..]
    }

    fn name(&mut self, kind: &str, value: &str) -> String {
        if let Some((name, _)) = self.all.iter().find(|(_, known)| known == value) {
            return name.clone();
        }
        let alike = self
            .all
            .iter()
            .filter(|(name, _)| name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_') == kind)
            .count();
        let name = if alike == 0 { kind.to_string() } else { format!("{kind}_{}", alike + 1) };
        self.all.push((name.clone(), value.to_string()));
        name
    }

    /// The statements that declare them.
    pub fn declarations(&self) -> String {
        if self.all.is_empty() {
            return String::new();
        }
        let mut text =
            String::from("\n// what the session had as literals; [extra] of site.toml may give others\n");
        for (name, value) in &self.all {
            text.push_str(&format!(
                "let {name} = site.extra.get(\"{}_{name}\") ?? {};\n",
                self.runbook,
                quoted(value)
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_addresses_are_lifted_once_each_under_a_telling_name() {
        let id = "20680238-73a9-4890-a3b2-d1065aac1f1d";
        let mut parameters = Parameters::new("mend-api");
        let text = parameters.lift(&format!(
            "admin.load_balancers.get(\"{id}\").failover(); f(\"{id}\", \"10.0.0.7\", \"name\")"
        ));
        assert_eq!(
            text,
            "admin.load_balancers.get(load_balancer).failover(); f(load_balancer, address, \"name\")"
        );
        assert!(parameters.declarations().contains(&format!(
            "let load_balancer = site.extra.get(\"mend_api_load_balancer\") ?? \"{id}\";"
        )));
    }
}
