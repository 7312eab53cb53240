//! What a text holds, made visible: a terminal acts on nothing in it, and no reader overlooks anything.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar as _;

/// How many combining marks a letter may carry; what is stacked higher reaches into the lines above.
const MARKS: usize = 3;

/// A text that takes one line: control characters, line breaks and tabs among them, what has no width of its own, and blanks
/// other than the ordinary one are written as Rust and Rhai write them (`\n`, `\u{1b}`).
pub fn line(text: &str) -> Cow<'_, str> {
    written(text, |c| match c {
        '\n' => Some("\\n"),
        '\t' => Some("\\t"),
        '\r' => Some("\\r"),
        _ => None,
    })
}

/// A text of several lines: as [`line`], but its line breaks stay, and its tabs.
pub fn lines(text: &str) -> Cow<'_, str> {
    let stays = |c: char| match c {
        '\n' => Some("\n"),
        '\t' => Some("\t"),
        '\r' => Some("\\r"),
        _ => None,
    };
    match text.contains("\r\n") {
        true => Cow::Owned(written(&text.replace("\r\n", "\n"), stays).into_owned()),
        false => written(text, stays),
    }
}

/// JSON in which the characters that [`line`] writes out stand as JSON writes them (`\u009b`): the same document.
pub fn json(document: &str) -> Cow<'_, str> {
    let keeps = |c: char| !is_hidden(c) || matches!(c, '\n' | '\t' | '\r');
    if document.chars().all(keeps) {
        return Cow::Borrowed(document);
    }
    let mut shown = String::with_capacity(document.len() + 16);
    for c in document.chars() {
        if keeps(c) {
            shown.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(shown, "\\u{unit:04x}"); // a String takes everything
        }
    }
    Cow::Owned(shown)
}

fn written(text: &str, otherwise: impl Fn(char) -> Option<&'static str>) -> Cow<'_, str> {
    // nearly every text is this one, and costs nothing
    if text.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    // marks on the letter before: without a letter a mark would stand on what is not of this text, and `=` would be `≠`
    let mut marks = MARKS;
    for c in text.chars() {
        if let Some(other) = otherwise(c) {
            shown.push_str(other);
            marks = MARKS;
        } else if is_hidden(c) || is_other_blank(c) || (c.width() == Some(0) && marks >= MARKS) {
            shown.extend(c.escape_unicode());
            marks = MARKS;
        } else {
            shown.push(c);
            marks = match c.width() {
                Some(0) => marks + 1,
                _ if c.is_alphanumeric() => 0,
                _ => MARKS,
            };
        }
    }
    if shown == text { Cow::Borrowed(text) } else { Cow::Owned(shown) }
}

/// A blank that is not the ordinary one. Lines are broken at ordinary blanks, so with these a word could fill a line and go on in
/// the next one as if it were another; and two names would look alike.
fn is_other_blank(c: char) -> bool {
    (c.is_whitespace() && c != ' ') || c == '\u{2800}'
}

/// Whether a terminal acts on a character, or a reader does not see it: the controls of ASCII and Latin-1, what changes the
/// direction of writing, what breaks lines, and what Unicode lists as ignorable by default
/// (`DerivedCoreProperties.txt`, `Default_Ignorable_Code_Point`) or as no character at all.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
        || ('\u{fdd0}'..='\u{fdef}').contains(&c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plain_text_is_itself_and_costs_no_copy() {
        for text in ["", "restart 5.2: ~{|}", "Größe – ✓ 東京", "e\u{301}"] {
            assert!(matches!(line(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn what_a_terminal_would_act_on_is_written_out() {
        for (raw, shown) in [
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
            ("\u{9b}31m\0\u{7f}", "\\u{9b}31m\\u{0}\\u{7f}"),
            ("\u{202e}evil\u{2066}", "\\u{202e}evil\\u{2066}"),
            ("ad\u{200b}min\u{2028}", "ad\\u{200b}min\\u{2028}"),
            ("a\u{a0}b\u{3000}", "a\\u{a0}b\\u{3000}"),
            ("\u{338}=", "\\u{338}="),
            ("a =\u{338} b", "a =\\u{338} b"),
            ("o\u{300}\u{301}\u{302}\u{303}", "o\u{300}\u{301}\u{302}\\u{303}"),
        ] {
            assert_eq!(line(raw), shown);
        }
        assert_eq!(lines("a\r\nb\tc\rd\u{1b}"), "a\nb\tc\\rd\\u{1b}");
    }

    proptest! {
        #[test]
        fn what_is_visible_stays_as_it_is_and_takes_one_line(text in any::<String>()) {
            let shown = line(&text).into_owned();
            prop_assert!(!shown.chars().any(is_hidden), "{shown:?}");
            prop_assert_eq!(&line(&shown), &shown);
            prop_assert!(lines(&text).chars().all(|c| !is_hidden(c) || matches!(c, '\n' | '\t')));
        }

        #[test]
        fn json_says_the_same(text in any::<String>()) {
            let document = serde_json::to_string(&text).unwrap();
            let shown = json(&document);
            prop_assert!(!shown.chars().any(is_hidden), "{shown:?}");
            prop_assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }
    }
}
