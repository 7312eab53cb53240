//! Text that came from a cloud or an operator, made safe for Markdown (GitHub's flavour). What stands
//! between back-ticks stays code.

use crate::report::evidence::{first_code, visible};
use crate::script::paragraphs::{list_item, paragraphs};

/// A text that stands inside a line: what Markdown could take for markup is escaped, line feeds
/// become spaces.
pub(super) fn text(text: &str) -> String {
    line(&visible(text).replace(['\n', '\t'], " "))
}

/// A comment of some paragraphs, with its lists.
pub(super) fn comment(comment: &str) -> String {
    let line = |l: &str| list_item(l).map_or_else(|| text(l), |item| format!("- {}", text(item)));
    let paragraph = |p: String| {
        let lines: Vec<String> = p.lines().map(line).collect();
        // a list is set off from the sentence that leads to it
        let gap = if list_item(&p).is_none() { "\n\n" } else { "\n" };
        match lines.split_first() {
            Some((first, rest)) if !rest.is_empty() => format!("{first}{gap}{}", rest.join("\n")),
            _ => lines.concat(),
        }
    };
    paragraphs(comment).into_iter().map(paragraph).collect::<Vec<_>>().join("\n\n")
}

/// A text in a table's cell: as [`text`], with line feeds as breaks.
pub(super) fn cell(text: &str) -> String {
    visible(text).replace('\t', " ").trim().lines().map(line).collect::<Vec<_>>().join("<br>")
}

fn line(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len() + 8), text);
    while let Some((before, inside, after)) = first_code(rest) {
        escape(before, &mut out);
        out.push_str(&code(inside));
        rest = after;
    }
    escape(rest, &mut out);
    out
}

fn escape(text: &str, out: &mut String) {
    let chars: Vec<char> = text.chars().collect();
    let first = out.is_empty();
    for (n, c) in chars.iter().copied().enumerate() {
        let (before, after) = (n.checked_sub(1).map(|b| chars[b]), chars.get(n + 1).copied());
        let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let marks = match c {
            '\\' | '`' | '*' | '[' | ']' | '|' | '~' | '$' => true,
            '_' => !(word(before) && word(after)),
            '#' | '+' | '-' | '=' => {
                first && n == 0 && chars.iter().find(|x| **x != c).is_none_or(|x| x.is_whitespace())
            }
            '.' | ')' => first && n > 0 && chars[..n].iter().all(char::is_ascii_digit) && !word(after),
            _ => false,
        };
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' if word(after) || after == Some('#') => out.push_str("&amp;"),
            c if marks => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
}

/// A code span, also in a table's cell; empty for an empty text.
pub(super) fn code(text: &str) -> String {
    let text = visible(text).replace(['\n', '\t'], " ");
    if text.trim().is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    // a table is split at its pipes before code spans are looked for
    let inside = text.replace('|', "\\|");
    let pad = if inside.starts_with('`') || inside.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{inside}{pad}{fence}")
}

/// A fenced block.
pub(super) fn block(text: &str) -> String {
    let fence = "`".repeat((longest_run(text) + 1).max(3));
    format!("{fence}\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_of_others_is_text() {
        for (raw, escaped) in [
            ("kube_version is v1.34.8", "kube_version is v1.34.8"),
            ("_id_ *bold* [x](y) a|b", r"\_id\_ \*bold\* \[x\](y) a\|b"),
            ("<script>alert(1)</script> &amp;", "&lt;script&gt;alert(1)&lt;/script&gt; &amp;amp;"),
            ("# no heading", r"\# no heading"),
            ("- no item", r"\- no item"),
            ("1. no item", r"1\. no item"),
            ("8.1 is an id", "8.1 is an id"),
            ("--approve 8.1", "--approve 8.1"),
            ("---", r"\---"),
            ("its `when` a|b", r"its `when` a\|b"),
            ("a\nb", "a b"),
            ("C:\\x", r"C:\\x"),
        ] {
            assert_eq!(text(raw), escaped, "{raw}");
        }
        assert_eq!(cell("a|b\n# c"), r"a\|b<br>\# c");
    }

    #[test]
    fn a_comment_keeps_its_lists() {
        let md = comment("Needs\na key:\n- one `k`\n- *two*\n\n- alone");
        assert_eq!(md, "Needs a key:\n\n- one `k`\n- \\*two\\*\n\n- alone");
    }

    #[test]
    fn code_holds_every_text() {
        assert_eq!(code("a|b"), r"`a\|b`");
        assert_eq!(code("``x`"), "``` ``x` ```");
        assert_eq!(code(""), "");
        assert_eq!(block("```\nx"), "````\n```\nx\n````\n");
    }
}
