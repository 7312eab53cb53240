//! Texts of bounded size: what others write is kept as far as somebody reads it.

use std::borrow::Cow;

/// Bytes that are kept of one sentence: an error's, a note's, a claim's.
pub const SENTENCE: usize = 4 << 10;

/// A text of at most about `most` bytes: a longer one with its beginning and its end, and what was left out between them.
pub fn bounded(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let boundary = |at: &usize| text.is_char_boundary(*at);
    let head = (0..=most / 4 * 3).rev().find(boundary).unwrap_or(0);
    let tail = (text.len() - most / 4..text.len()).find(boundary).unwrap_or(text.len());
    let out = tail - head;
    Cow::Owned(format!("{} …[{out} of {} bytes left out]… {}", &text[..head], text.len(), &text[tail..]))
}

/// The same of a text of one's own.
pub fn sentence(text: impl Into<String>) -> String {
    let text = text.into();
    match bounded(&text, SENTENCE) {
        Cow::Owned(short) => short,
        Cow::Borrowed(_) => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cut_says_that_it_is_one_and_how_long_the_text_was() {
        assert!(matches!(bounded("short", 8), Cow::Borrowed("short")));
        assert_eq!(bounded("0123456789abcdef", 8), "012345 …[8 of 16 bytes left out]… ef");
        assert_eq!(sentence("x".repeat(SENTENCE)).len(), SENTENCE);
        let long = sentence("x".repeat(20 << 20));
        assert!(long.len() < SENTENCE + 64 && long.contains("of 20971520 bytes left out"), "{}", long.len());
    }

    proptest! {
        #[test]
        fn a_text_of_any_letters_can_be_cut(text in any::<String>(), most in 0..64usize) {
            prop_assert!(bounded(&text, most).len() <= most + 64);
        }
    }
}
