//! Words for a POSIX shell.

use std::borrow::Cow;

/// A word as any POSIX shell reads it back unchanged (XCU 2.2): plain where nothing in it is
/// special, in single quotes otherwise.
pub fn quote(word: &str) -> Cow<'_, str> {
    // a leading `=` or `~` is expanded by some shells
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+:,./-".contains(c);
    let mut chars = word.chars();
    if chars.next().is_some_and(plain) && chars.all(|c| plain(c) || c == '=') {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_words_stay_as_they_are() {
        for word in ["k8s", "--format=json", "/var/lib/x", "user@host:22", "a,b+c%d"] {
            assert_eq!(quote(word), word);
        }
        for (word, quoted) in
            [("", "''"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("=ls", "'=ls'"), ("~", "'~'")]
        {
            assert_eq!(quote(word), quoted);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_shell_reads_back_what_was_quoted(words in proptest::collection::vec("[^\0]{0,12}", 1..4)) {
            let line: Vec<_> = words.iter().map(|w| quote(w)).collect();
            let script = format!("printf '%s\\0' {}", line.join(" "));
            let out = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
            let read: Vec<_> = String::from_utf8(out.stdout).unwrap().split_terminator('\0').map(str::to_owned).collect();
            prop_assert_eq!(read, words);
        }
    }
}
