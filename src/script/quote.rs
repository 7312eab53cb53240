//! Texts as a script writes them.

use crate::base::screen;

/// A text as a string of a script, in its quotes.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", inside(text))
}

/// What stands between the quotes: a text of others ends no string, and what is hidden in it is written out.
pub fn inside(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => written.extend(['\\', c]),
            '\n' => written.push_str("\\n"),
            '\t' => written.push_str("\\t"),
            '\r' => written.push_str("\\r"),
            c if screen::is_hidden(c) => written.push_str(&format!("\\U{:08x}", u32::from(c))),
            c => written.push(c),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::quoted;

    proptest! {
        #[test]
        fn a_script_reads_the_text_that_was_quoted(text in any::<String>()) {
            let read = rhai::Engine::new().eval_expression::<String>(&quoted(&text));
            prop_assert_eq!(read.unwrap(), text);
        }
    }
}
