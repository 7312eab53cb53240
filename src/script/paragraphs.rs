//! A comment as paragraphs, however its lines were broken.

/// The paragraphs of a comment. Lines of a paragraph are joined, but for those of a list.
pub fn paragraphs(comment: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    for line in comment.lines().map(str::trim_end) {
        let Some(last) = paragraphs.last_mut() else { break };
        let item = list_item(line).is_some();
        match (line.trim().is_empty(), last.is_empty()) {
            (true, true) => {}
            (true, false) => paragraphs.push(String::new()),
            (false, true) => last.push_str(line.trim()),
            (false, false) => {
                last.push(if item { '\n' } else { ' ' });
                last.push_str(line.trim());
            }
        }
    }
    paragraphs.retain(|p| !p.is_empty());
    paragraphs
}

/// What a line says as an item of a list; `None` where it is none.
pub fn list_item(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("- ").or_else(|| line.strip_prefix("* "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_joined_and_lists_are_not() {
        let comment = "Parks the\ncluster.\n\n\nNeeds:\n - a host\n   that answers\n - a key\n";
        assert_eq!(paragraphs(comment), ["Parks the cluster.", "Needs:\n- a host that answers\n- a key"]);
        assert!(paragraphs("\n \n").is_empty());
    }
}
