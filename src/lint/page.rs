//! A Markdown runbook as the rules read it. Pages that were pasted together have lost their fences, so every line
//! counts as a possible command, but for those in a fence of another language.

use std::ops::Range;

use super::codes::Code;
use super::finding::Finding;
use super::pattern::Pattern;

/// A runbook.
pub struct Page<'t> {
    /// The file as the operator knows it.
    pub file: &'t str,
    /// All of it.
    pub text: &'t str,
    /// Its logical lines, in order.
    pub passages: Vec<Passage<'t>>,
    /// Its shell loops, in the order of their ends.
    pub loops: Vec<Loop<'t>>,
}

/// A logical line: a command with its continuations, or a line of prose.
#[derive(Clone, Copy)]
pub struct Passage<'t> {
    /// Where it begins, in bytes.
    pub start: usize,
    /// What it says.
    pub text: &'t str,
    /// The block that it stands in: passages of one block are pasted together.
    pub block: usize,
}

/// A shell loop.
pub struct Loop<'t> {
    /// Where it begins, in bytes.
    pub start: usize,
    /// Its first line, with the condition.
    pub head: &'t str,
    /// All of it, to its `done`.
    pub text: &'t str,
    /// What its block says after it.
    pub after: &'t str,
    /// The block that it stands in.
    pub block: usize,
}

static HEAD: Pattern = Pattern::new(
    r"(?:^[\s•*>#$-]*|;\s*|\bdo\s+|\bthen\s+|[({]\s*)(for\s+\w+\s+in\b|for\s*\(\(|while\s|until\s)",
);
static DO: Pattern = Pattern::new(r"(?:;\s*|^\s*|\s)do(?:\s|$)");
static DONE: Pattern = Pattern::new(r"(?:^[\s#]*|;\s*)done\b");

impl<'t> Page<'t> {
    /// Reads a page.
    pub fn read(file: &'t str, text: &'t str) -> Self {
        let passages = passages(text);
        let loops = loops(text, &passages);
        Page { file, text, passages, loops }
    }

    /// The passages of a block behind a place.
    pub fn rest_of_block(&self, passage: &Passage<'t>) -> impl Iterator<Item = &Passage<'t>> {
        let (block, start) = (passage.block, passage.start);
        self.passages.iter().filter(move |p| p.block == block && p.start > start)
    }

    /// Whether the block ends at a command that fails, at this place: `set -e`.
    pub fn stops_on_error(&self, passage: &Passage<'t>) -> bool {
        static ERREXIT: Pattern =
            Pattern::new(r"\bset\s+-(?:[a-z]*e[a-z]*\b|o\s+errexit\b)|\bset -[a-z]+ -e\b");
        let before = |p: &&Passage<'t>| p.block == passage.block && p.start < passage.start;
        self.passages.iter().filter(before).any(|p| ERREXIT.is_in(p.text))
    }

    /// A finding at a range of the page.
    pub fn finding(&self, code: &'static Code, mut range: Range<usize>) -> Finding {
        let found = self.text[range.clone()].trim_start();
        range.start = range.end - found.len();
        let start = self.text[..range.start].rfind('\n').map_or(0, |n| n + 1);
        let end = self.text[range.start..].find('\n').map_or(self.text.len(), |n| range.start + n);
        let line = self.text[start..end].trim_end();
        Finding {
            file: self.file.to_string(),
            line: self.text[..range.start].matches('\n').count() + 1,
            column: self.text[start..range.start].chars().count() + 1,
            width: self.text[range.start..range.end.clamp(range.start, end)].trim_end().chars().count(),
            code,
            note: None,
            text: line.to_string(),
        }
    }

    /// A finding at each place where a pattern is found in a passage.
    pub fn each(&self, code: &'static Code, pattern: &Pattern) -> Vec<Finding> {
        let at = |p: &Passage<'t>| {
            let found = pattern.all(p.text).into_iter();
            found.map(|m| self.finding(code, p.start + m.start()..p.start + m.end())).collect::<Vec<_>>()
        };
        self.passages.iter().flat_map(at).collect()
    }
}

fn passages(text: &str) -> Vec<Passage<'_>> {
    let mut found: Vec<Passage<'_>> = Vec::new();
    let (mut block, mut at) = (0, 0);
    let mut fence: Option<(&str, bool)> = None;
    let (mut group, mut goes_on) = (false, false);
    for line in text.split_inclusive('\n') {
        let (start, bare) = (at, line.trim());
        at += line.len();
        let mark = ["```", "~~~"].into_iter().find(|mark| bare.starts_with(mark));
        if let Some(mark) = mark
            && fence.is_none_or(|(open, _)| open == mark)
        {
            fence = match fence {
                Some(_) => None,
                None => Some((mark, is_shell(bare.trim_start_matches(['`', '~'])))),
            };
            (group, goes_on) = (false, false);
            block += 1;
            continue;
        }
        if fence.is_some_and(|(_, shell)| !shell) {
            continue;
        }
        if is_rule(bare) || (bare.is_empty() && fence.is_none() && !group) {
            (group, goes_on) = (false, false);
            block += 1;
            continue;
        }
        if bare.starts_with("( {") || bare == "(" {
            group = true;
            block += usize::from(fence.is_none());
        }
        match found.last_mut() {
            Some(last) if goes_on => last.text = &text[last.start..at],
            _ => found.push(Passage { start, text: &text[start..at], block }),
        }
        goes_on = ["\\", "|", "&&", "||"].iter().any(|end| bare.ends_with(end));
        if group && (bare.starts_with("} )") || bare == ")") {
            group = false;
            block += usize::from(fence.is_none());
        }
    }
    found
}

/// Whether a fence's language is the shell's, or none is said.
fn is_shell(info: &str) -> bool {
    let language = info.trim().split([' ', '{', ',']).next().unwrap_or_default().to_ascii_lowercase();
    ["", "sh", "bash", "shell", "zsh", "console", "shell-session", "sh-session"].contains(&language.as_str())
}

/// Whether a line only divides: `----`, `====`.
fn is_rule(bare: &str) -> bool {
    bare.len() >= 3 && ["-", "=", "*", "_"].iter().any(|c| bare.replace(c, "").is_empty())
}

fn loops<'t>(text: &'t str, passages: &[Passage<'t>]) -> Vec<Loop<'t>> {
    let mut open: Vec<(usize, &'t str, usize)> = Vec::new();
    let mut found = Vec::new();
    for (n, passage) in passages.iter().enumerate() {
        // a loop that was never closed ends with its block
        open.retain(|(_, _, block)| *block == passage.block);
        let heads = HEAD.groups(passage.text);
        let goes = DO.is_in(passage.text) || passages.get(n + 1).is_some_and(|next| DO.is_in(next.text));
        if goes {
            for head in heads.iter().filter_map(|h| h.get(1)) {
                let rest = &passage.text[head.start()..];
                let end = DO.first(rest).map_or(rest.len(), |m| m.end());
                open.push((passage.start + head.start(), &rest[..end], passage.block));
            }
        }
        for done in DONE.all(passage.text) {
            let Some((start, head, block)) = open.pop() else { break };
            let end = passage.start + done.end();
            let last = passages.iter().rfind(|p| p.block == block).map_or(end, |p| p.start + p.text.len());
            let after = text.get(end..last).unwrap_or_default();
            found.push(Loop { start, head, text: &text[start..end], after, block });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_with_their_continuations_and_in_their_blocks() {
        let page = Page::read("x", "text\n\n```bash\na \\\n  b\n\nc\n```\n\n```yaml\nd: 1\n```\ne |\nf\n");
        let read: Vec<_> = page.passages.iter().map(|p| (p.text, p.block)).collect();
        assert_eq!(read, [("text\n", 0), ("a \\\n  b\n", 2), ("\n", 2), ("c\n", 2), ("e |\nf\n", 6)]);
    }

    #[test]
    fn loops_are_found_nested_and_on_one_line() {
        let text = "( {\nfor i in $(seq 1 3); do\n  while true; do sleep 1; done\ndone\necho after\n} )\n\nwhile in doubt, ask\n";
        let page = Page::read("x", text);
        let heads: Vec<_> = page.loops.iter().map(|l| l.head.trim()).collect();
        assert_eq!(heads, ["while true; do", "for i in $(seq 1 3); do"]);
        assert!(page.loops[1].text.ends_with("done"));
        assert!(page.loops[1].after.contains("echo after"));
    }
}
