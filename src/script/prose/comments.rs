//! The comments of a step: those before it, those at the start of its body, and every one further in.

use crate::script::survey::lexer::{LexemeKind, Page};

/// What the comments of a step say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Comments {
    /// The block before the step and the one that its body begins with, as one paragraph.
    pub(super) why: String,
    /// Every other comment of the body that has its lines for itself, in the order of the text: a block is one paragraph.
    pub(super) further: Vec<String>,
    /// What stands behind code, with its line: it says little without.
    pub(super) remarks: Vec<String>,
}

impl Comments {
    /// Of the step whose statement begins on a line and whose body spans some lines of the text.
    pub(super) fn of(page: &Page<'_>, statement: usize, body: Option<(usize, usize)>) -> Self {
        let blocks = blocks(page);
        let before = blocks.iter().find(|b| b.own && b.last + 1 == statement);
        let mut comments = Comments::default();
        let mut why: Vec<&str> = before.iter().map(|b| b.text.as_str()).collect();
        if let Some((first, last)) = body {
            for block in blocks.iter().filter(|b| b.first > first.min(statement) && b.last <= last) {
                if block.first <= statement {
                    continue;
                }
                match (block.own, block.first == first + 1) {
                    (true, true) => why.push(&block.text),
                    (true, false) => comments.further.push(block.text.clone()),
                    (false, _) => comments.remarks.push(format!("line {}: {}", block.first, block.text)),
                }
            }
        }
        comments.why = why.join(" ");
        comments
    }
}

/// Comments on lines without anything between them.
struct Block {
    first: usize,
    last: usize,
    /// Whether it has its lines for itself; else it stands behind code.
    own: bool,
    text: String,
}

fn blocks(page: &Page<'_>) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut code = 0; // the last line that holds some
    for lexeme in page.lexemes.iter() {
        let (text, line) = (page.str(lexeme), lexeme.at.line);
        let ends = line + text.matches('\n').count();
        if lexeme.kind != LexemeKind::Comment {
            code = ends;
            continue;
        }
        if text.starts_with("//!") {
            continue;
        }
        let own = code < line;
        let said = match text.strip_prefix("/*") {
            Some(inner) => {
                let inner = inner.strip_suffix("*/").unwrap_or(inner).lines();
                inner.map(|l| l.trim().trim_start_matches('*').trim()).collect::<Vec<_>>().join(" ")
            }
            None => text.trim_start_matches('/').trim().to_string(),
        };
        // a ruler (`// ---- 1. the VM`) is none, and ends a block
        if said.is_empty() || said.starts_with("---") {
            continue;
        }
        match blocks.last_mut() {
            Some(block) if own && block.own && block.last + 1 == line && code < block.first => {
                block.text.push(' ');
                block.text.push_str(said.trim());
                block.last = ends;
            }
            _ => blocks.push(Block { first: line, last: ends, own, text: said.trim().to_string() }),
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_comment_of_a_step_is_one_of_its_own() {
        let text = r#"//! header
let a = 1; // not of a step

// ------ 1. ruler
// Before it,
// on two lines.
verify("1", "t", || {
    // At its start.
    let x = f(); // behind code
    if x { // in a branch
        // On a line,
        // and the next.
        g();
    }
});
// after it
"#;
        let found = Comments::of(&Page::of(text), 7, Some((7, 15)));
        assert_eq!(found.why, "Before it, on two lines. At its start.");
        assert_eq!(found.further, ["On a line, and the next."]);
        assert_eq!(found.remarks, ["line 9: behind code", "line 10: in a branch"]);
        assert_eq!(Comments::of(&Page::of("verify(1);"), 1, None), Comments::default());
    }
}
