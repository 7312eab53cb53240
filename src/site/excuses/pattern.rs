//! Texts with `*` for anything.

/// Whether a text is what a pattern says. Case counts.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_is_anything_and_nothing() {
        for (pattern, text) in [
            ("abc", "abc"),
            ("a*c", "ac"),
            ("a*c", "abbc"),
            ("*", ""),
            ("*b*", "abc"),
            ("a*b*c", "aXbYc"),
            ("*ab", "abab"),
            ("a**c", "abc"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("abc", "abcd"), ("a*c", "acd"), ("ab*ba", "aba"), ("*x*", "abc"), ("", "a")]
        {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
