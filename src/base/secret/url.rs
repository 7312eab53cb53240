//! Users and passwords in URLs, which no URL that is kept or shown has.

use super::MASK;

/// What ends a URL in a text.
const ENDS: &[char] = &[' ', '\t', '\n', '\r', '"', '\'', '`', '<', '>', '|', '\\', ',', ';', ')'];

/// The bytes of `user:password` in what stands behind `://`; a user alone is none.
fn credentials(behind: &str) -> Option<usize> {
    let url = &behind[..behind.find(ENDS).unwrap_or(behind.len())];
    let authority = &url[..url.find(['/', '?', '#']).unwrap_or(url.len())];
    if let Some(end) = authority.rfind('@') {
        return authority[..end].contains(':').then_some(end);
    }
    // a password with a slash in it: what stands behind the colon is no port
    let (_, port) = authority.split_once(':')?;
    let is_port = port.bytes().all(|b| b.is_ascii_digit()) || authority.starts_with('[');
    if is_port { None } else { url.rfind('@') }
}

/// A text with each `user:password` of its URLs masked; `None` where it has none.
pub(super) fn without_passwords(text: &str) -> Option<String> {
    let (mut masked, mut rest) = (String::new(), text);
    while let Some(at) = rest.find("://") {
        let (before, behind) = rest.split_at(at + 3);
        masked.push_str(before);
        rest = behind;
        if let Some(end) = credentials(behind).filter(|end| behind[..*end] != *MASK) {
            masked.push_str(MASK);
            rest = &behind[end..];
        }
    }
    masked.push_str(rest);
    (masked != text).then_some(masked)
}

/// Whether a URL holds a user, which it must not: it is shown and kept.
pub fn names_user(url: &str) -> bool {
    let Some((_, behind)) = url.split_once("://") else { return false };
    let authority = &behind[..behind.find(['/', '?', '#']).unwrap_or(behind.len())];
    authority.contains('@') || credentials(behind).is_some()
}

/// Whether a URL that an operator wrote holds a user, or could: one that does not parse is quoted in no error then.
pub fn may_name_user(url: &str) -> bool {
    names_user(url) || url.contains('@') || url.to_ascii_lowercase().contains("%40")
}

/// A URL without its user and password.
pub fn without_user(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, behind)) if names_user(url) => {
            let end = credentials(behind).or_else(|| behind.find('@')).map_or(0, |end| end + 1);
            format!("{scheme}://{}", &behind[end..])
        }
        _ => url.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_masked_and_stripped() {
        for (url, shown, bare) in [
            ("http://u:p@h:1/x?a=b", "http://***@h:1/x?a=b", "http://h:1/x?a=b"),
            ("https://u:p%40@h", "https://***@h", "https://h"),
            ("https://u:p/q@h/x", "https://***@h/x", "https://h/x"),
            ("http://:p@h/", "http://***@h/", "http://h/"),
            ("https://git@h/x", "https://git@h/x", "https://h/x"),
            ("https://h:8080/a@b", "https://h:8080/a@b", "https://h:8080/a@b"),
            ("https://[::1]:80/a@b", "https://[::1]:80/a@b", "https://[::1]:80/a@b"),
            ("no url: a:b@c", "no url: a:b@c", "no url: a:b@c"),
        ] {
            assert_eq!(without_passwords(url).unwrap_or_else(|| url.to_string()), shown);
            assert_eq!(without_user(url), bare);
            assert_eq!(names_user(url), url != bare, "{url}");
        }
        let text = "at 'http://u:p@h/' and \"https://u:p@i\", done";
        assert_eq!(without_passwords(text).unwrap(), "at 'http://***@h/' and \"https://***@i\", done");
        assert_eq!(without_passwords("http://***@h/"), None);
    }
}
