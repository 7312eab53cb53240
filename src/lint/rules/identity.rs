//! In whose authority, and on what, commands act.

use crate::lint::codes::{SCOPE_BY_ENVIRONMENT, UNCHECKED_SUBSTITUTION};
use crate::lint::finding::Finding;
use crate::lint::page::Page;
use crate::lint::pattern::Pattern;

/// `OS_*` variables and openrc files: one finding for each preamble.
pub fn environment(page: &Page<'_>) -> Vec<Finding> {
    static SETS: Pattern = Pattern::new(
        r"^[\s#$]*(?:(?:export|unset)\s+OS_(?:PROJECT|TENANT|USER|DOMAIN|CLOUD|AUTH|SYSTEM|TOKEN)\w*|(?:source|\.)\s+\S*openrc\S*)",
    );
    let mut found: Vec<Finding> = Vec::new();
    let mut last = None;
    for (n, passage) in page.passages.iter().enumerate() {
        if let Some(m) = SETS.first(passage.text) {
            let skip = m.as_str().len() - m.as_str().trim_start().len();
            if last.is_none_or(|(before, block)| block != passage.block || n > before + 2) {
                let range = passage.start + m.start() + skip..passage.start + m.end();
                found.push(page.finding(&SCOPE_BY_ENVIRONMENT, range));
            }
            last = Some((n, passage.block));
        }
    }
    found
}

/// Ids that come from a command, and go on without a look whether there is one.
pub fn substitution(page: &Page<'_>) -> Vec<Finding> {
    static TAKES: Pattern = Pattern::new(
        r"(?:^|[\s;#(])(?:(?:export|local|readonly)\s+)?([A-Za-z_]\w*)=([\x22\w./:-]*)\$\(\s*((?:\w+=\S+\s+)*(?:openstack|kubectl|juju|clusterctl|vault|curl|ssh)\s[^)\n]*)\)",
    );
    // what is read again and again in a wait is the wait's affair
    static IDENTIFIES: Pattern = Pattern::new(
        r"-c\s+(?i:id|uuid|name|address\w*|\w+_id|\w*ip\w*|fixed_ips|addresses)\b|jsonpath|token\s+issue|-o\s+name",
    );
    let mut found = Vec::new();
    for passage in &page.passages {
        for groups in TAKES.groups(passage.text) {
            let (Some(all), Some(name), Some(prefix), Some(command)) =
                (groups.get(0), groups.get(1), groups.get(2), groups.get(3))
            else {
                continue;
            };
            let prefixed = !prefix.as_str().trim_matches('"').is_empty();
            if !prefixed && !IDENTIFIES.is_in(command.as_str()) {
                continue;
            }
            let behind = &passage.text[all.end()..];
            let exported = all.as_str().contains("export ") || all.as_str().contains("local ") || prefixed;
            if behind.trim_start().trim_start_matches('"').trim_start().starts_with("||")
                || (!exported && page.stops_on_error(passage))
                || page.rest_of_block(passage).take(6).any(|next| looks_at(next.text, name.as_str()))
                || looks_at(behind, name.as_str())
            {
                continue;
            }
            let range = passage.start + name.start()..passage.start + all.end();
            found.push(page.finding(&UNCHECKED_SUBSTITUTION, range).note(match prefixed {
                true => format!("without an answer, ${} is `{}` alone", name.as_str(), prefix.as_str()),
                false => format!("without an answer, ${} is empty", name.as_str()),
            }));
        }
    }
    found
}

/// Whether a text tests that a variable is not empty.
fn looks_at(text: &str, name: &str) -> bool {
    static TESTS: Pattern =
        Pattern::new(r#"(?:\[{1,2}|\btest)\s+(?:!\s+)?(?:-[nz]\s+)?"?\$\{?(\w+)|\$\{(\w+):\?"#);
    TESTS.groups(text).iter().any(|g| g.get(1).or(g.get(2)).is_some_and(|m| m.as_str() == name))
}
