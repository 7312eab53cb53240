//! Ids and addresses that are written down.

use crate::lint::codes::{CONTRADICTING_LITERAL, HARDCODED_ID};
use crate::lint::finding::Finding;
use crate::lint::page::Page;
use crate::lint::pattern::Pattern;

/// Ids and addresses in commands.
pub fn hardcoded(page: &Page<'_>) -> Vec<Finding> {
    static IN_COMMAND: Pattern = Pattern::new(
        r"(?:^[\s#$]*(?:export\s+)?[A-Za-z_]\w*=[\x22']?(?:[\w./-]*[./-])?|\b(?:openstack|kubectl|juju|nova|neutron)\s[^|;&\n]*?[\s=-])([0-9a-f]{32}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})\b",
    );
    static TARGET: Pattern =
        Pattern::new(r"(?:\b[\w.-]+@|/dev/tcp/|\bhttps?://|\bssh\s+(?:-\S+\s+)*)((?:\d{1,3}\.){3}\d{1,3})\b");
    let mut found = Vec::new();
    for passage in &page.passages {
        let commands = IN_COMMAND.groups(passage.text).into_iter();
        let targets = TARGET.groups(passage.text).into_iter();
        for m in commands.chain(targets).filter_map(|g| g.get(1)) {
            if ["127.", "0.0.0.0"].iter().any(|own| m.as_str().starts_with(own))
                || is_example(passage.text, m.start())
            {
                continue;
            }
            found.push(page.finding(&HARDCODED_ID, passage.start + m.start()..passage.start + m.end()));
        }
    }
    found
}

/// Whether what stands there is an example of what will be seen: `(e.g. https://...)`.
fn is_example(text: &str, at: usize) -> bool {
    static EXAMPLE: Pattern = Pattern::new(r"(?i)(\be\.g\.|for example|\bendpoint)[^|;&\n]{0,20}$");
    EXAMPLE.is_in(&text[..at])
}

/// What one page says of a project or an address, and another denies.
pub fn contradictions(pages: &[Page<'_>], n: usize) -> Vec<Finding> {
    static PROJECT: Pattern =
        Pattern::new(r"(?i)\bproject\)?\s+`?([a-z][a-z0-9_-]*)`?[^\n]{0,60}?\b([0-9a-f]{32})\b");
    static DEAD: Pattern = Pattern::new(
        r"(?i)\b(?:dead|stale|retired|obsolete|no longer)\s+(?:\w+\s+)?((?:\d{1,3}\.){3}\d{1,3})\b",
    );
    let page = &pages[n];
    let mut found = Vec::new();
    for own in PROJECT.groups(page.text) {
        let (Some(name), Some(id)) = (own.get(1), own.get(2)) else { continue };
        for other in pages {
            let said = PROJECT.groups(other.text).into_iter();
            let contrary = said.filter_map(|g| Some((g.get(1)?, g.get(2)?))).find(|(theirs, differs)| {
                theirs.as_str() == name.as_str() && differs.as_str() != id.as_str()
            });
            if let Some((_, differs)) = contrary {
                let place = other.finding(&CONTRADICTING_LITERAL, differs.range());
                let note = format!(
                    "project {} is {} in {}:{}",
                    name.as_str(),
                    differs.as_str(),
                    place.file,
                    place.line
                );
                found.push(page.finding(&CONTRADICTING_LITERAL, id.range()).note(note));
            }
        }
    }
    for other in pages {
        for dead in DEAD.groups(other.text).iter().filter_map(|g| g.get(1)) {
            let said = other.finding(&CONTRADICTING_LITERAL, dead.range());
            let uses = page.text.match_indices(dead.as_str());
            let uses = uses.filter(|(at, _)| page.file != other.file || *at != dead.start());
            found.extend(uses.map(|(at, ip)| {
                let note = format!("{}:{} says that {ip} is dead", said.file, said.line);
                page.finding(&CONTRADICTING_LITERAL, at..at + ip.len()).note(note)
            }));
        }
    }
    found
}
