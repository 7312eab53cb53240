//! Texts that must be one line: names, URLs, tokens, whatever becomes a part of a header, a path or a command line.

/// What keeps a text from being one line of visible characters, with its article; `None` where it is one.
pub fn flaw(text: &str) -> Option<&'static str> {
    match text.chars().find(|c| c.is_control())? {
        '\n' | '\r' => Some("a line end"),
        '\0' => Some("a NUL byte"),
        '\t' => Some("a tab"),
        _ => Some("a control character"),
    }
}

/// What keeps a text of several lines from being one of visible characters; `None` where it is one.
pub fn flaw_in_lines(text: &str) -> Option<&'static str> {
    text.split(['\n', '\t']).map(|line| line.strip_suffix('\r').unwrap_or(line)).find_map(flaw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_no_control_character() {
        for (text, found) in [
            ("s3cret wörd", None),
            ("", None),
            ("token\n", Some("a line end")),
            ("a\rb", Some("a line end")),
            ("a\0b", Some("a NUL byte")),
            ("a\tb", Some("a tab")),
            ("a\x1b[2J", Some("a control character")),
            ("a\u{85}b", Some("a control character")),
        ] {
            assert_eq!(flaw(text), found, "{text:?}");
        }
        assert_eq!(flaw_in_lines("one\r\n\ttwo\n"), None);
        assert_eq!(flaw_in_lines("one\n\0"), Some("a NUL byte"));
    }
}
