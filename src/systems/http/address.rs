//! The URL of a request, made in one place: what is shown of a request and what is sent are the same bytes.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use reqwest::Url;

use crate::base::{Error, ErrorKind, Result};

/// What may not stand in a segment of a path as it is: all but RFC 3986's `pchar`.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Where a request goes: a URL below another one, and the part of it that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    url: Url,
    below: String,
}

impl Address {
    /// Puts a path and a query below a URL. The path arrives as it is written, byte for byte, or not at all.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a path of which a server, or a proxy on the way, could make another one, and for a
    /// base that is no URL to build on.
    pub fn below(base: &str, path: &str, query: &[(String, String)]) -> Result<Self> {
        check(path)?;
        let wrong = |why: &str| {
            Error::new(ErrorKind::Argument, format!("`{}` is not the URL of a service", base.escape_debug()))
                .cause(why)
        };
        let mut url = Url::parse(base).map_err(|e| wrong(&e.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("it is http or https, and has neither a query nor a fragment"));
        }
        let start = url.path().trim_end_matches('/').to_string();
        let whole = format!("{start}/{}", path.strip_prefix('/').unwrap_or(path));
        url.set_path(&whole);
        if url.path() != whole {
            return Err(refused(path, "would be sent as another one"));
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let below = match url.query() {
            Some(query) => format!("{}?{query}", &whole[start.len()..]),
            None => whole[start.len()..].to_string(),
        };
        Ok(Address { url, below })
    }

    /// A whole URL that somebody wrote.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where it would be sent as another one.
    pub fn whole(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::new(ErrorKind::Argument, format!("`{}` is not a URL", text.escape_debug()))
                .cause(why)
                .help("write it in full: https://host:port/path")
        };
        let url = Url::parse(text).map_err(|e| wrong(&e.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("only http and https are spoken here"));
        }
        refuse_user(&url)?;
        if text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '#') {
            return Err(wrong("it has a space, a control character or a fragment, which are not sent"));
        }
        let before_query = text.split('?').next().unwrap_or_default();
        let (_, behind_scheme) = before_query.split_once("://").ok_or_else(|| wrong("it has no `://`"))?;
        let path = behind_scheme.find('/').map_or("/", |at| &behind_scheme[at..]);
        check(path)?;
        if url.path() != path {
            return Err(refused(path, "would be sent as another one"));
        }
        let below = url.query().map_or_else(|| path.to_string(), |query| format!("{path}?{query}"));
        Ok(Address { url, below })
    }

    /// The whole, as it is sent.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The whole as it is shown: what is sent, without a password.
    pub fn shown(&self) -> String {
        let mut url = self.url.clone();
        if url.set_username("").is_err() || url.set_password(None).is_err() {
            return self.below.clone();
        }
        url.to_string()
    }

    /// Path and query behind the base, as they are sent.
    pub fn target(&self) -> &str {
        &self.below
    }
}

/// Path and query as they are sent.
pub fn target(path: &str, query: &[(String, String)]) -> String {
    // the same encoder as the URL's
    let encoded = Url::parse("http://query/").ok().and_then(|mut url| {
        url.query_pairs_mut().extend_pairs(query);
        url.query().map(str::to_string)
    });
    match encoded.filter(|_| !query.is_empty()) {
        Some(query) => format!("{path}?{query}"),
        None => path.to_string(),
    }
}

/// A text as one segment of a path, whatever is in it.
///
/// # Errors
/// [`ErrorKind::Argument`] for a text that would lead elsewhere.
pub fn segment(text: &str) -> Result<Cow<'_, str>> {
    let encoded = Cow::from(utf8_percent_encode(text, ENCODED));
    match text.is_empty() || check(&format!("/{encoded}")).is_err() {
        false => Ok(encoded),
        true => {
            let what = format!("`{}` is neither an id nor a name", text.escape_debug());
            Err(Error::new(ErrorKind::Argument, what))
        }
    }
}

/// The segments of a path as a server reads them.
pub fn segments(path: &str) -> Vec<Cow<'_, str>> {
    path.split('/').filter(|s| !s.is_empty()).map(|s| percent_decode_str(s).decode_utf8_lossy()).collect()
}

/// Refuses a path of which a server, or a proxy on the way, could make another one.
fn check(path: &str) -> Result<()> {
    if let Some(c) = path.chars().find(|c| !(c.is_ascii() && (*c == '/' || *c == '%' || stands(*c)))) {
        return Err(refused(path, &format!("has `{}` in it", c.escape_debug())));
    }
    if path.contains("//") {
        return Err(refused(path, "has an empty segment"));
    }
    // a proxy may decode once and the server once more
    let mut text = path.to_string();
    loop {
        // a server in Java takes `..;x` for `..`
        let leads = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
        if text.split('/').any(leads) {
            return Err(refused(path, "has a segment that leads elsewhere"));
        }
        if text.contains(|c: char| c.is_control()) {
            return Err(refused(path, "has a control character in it"));
        }
        let Ok(decoded) = percent_decode_str(&text).decode_utf8() else {
            return Err(refused(path, "encodes what is no UTF-8"));
        };
        let separators = |text: &str| text.chars().filter(|c| matches!(c, '/' | '\\')).count();
        if separators(&decoded) != separators(&text) {
            return Err(refused(path, "has an encoded separator"));
        }
        if decoded == text {
            return needless(path).map_or(Ok(()), |why| Err(refused(path, &why)));
        }
        text = decoded.into_owned();
    }
}

/// Whether a character stands for itself in a segment (`pchar` without its encodings).
fn stands(c: char) -> bool {
    u8::try_from(c).is_ok_and(|byte| byte.is_ascii_graphic())
        && utf8_percent_encode(c.encode_utf8(&mut [0; 4]), ENCODED).to_string().len() == 1
}

/// What is wrong with an encoding of a path: it is none, or hides a character that needs none.
fn needless(path: &str) -> Option<String> {
    path.match_indices('%').find_map(|(at, _)| {
        let digits = path.get(at + 1..at + 3).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(byte) = digits.and_then(|d| u8::from_str_radix(d, 16).ok()) else {
            return Some("has a `%` that encodes nothing".to_string());
        };
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        plain.then(|| format!("encodes `{}`, which stands for itself", char::from(byte)))
    })
}

fn refused(path: &str, why: &str) -> Error {
    Error::new(ErrorKind::Argument, format!("the path `{}` {why}", path.escape_debug())).help(
        "write the path as it is to be sent, such as /networks/ID: what is shown and approved is what goes out",
    )
}

/// Refuses a URL with a user or a password: it is shown and journaled.
pub(super) fn refuse_user(url: &Url) -> Result<()> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Argument, format!("`{url}` holds a user or a password"))
        .help("a URL is shown and journaled: give the credential in another way"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Result<Address> {
        Address::below("https://cloud.example:9696/v2.0", path, &[])
    }

    #[test]
    fn a_path_is_sent_as_it_is_written() {
        for path in
            ["/networks/1", "/os-keypairs/a%20b", "/x/a:b@c", "/x/a;b=c", "/x/", "/x/%C3%A9", "/x/..a", "/"]
        {
            let address = at(path).unwrap();
            assert_eq!(address.target(), path);
            assert_eq!(address.url().as_str(), format!("https://cloud.example:9696/v2.0{path}"));
        }
        assert_eq!(at("networks").unwrap().target(), "/networks");
    }

    #[test]
    fn a_path_that_could_become_another_is_refused() {
        for path in [
            "/networks/A/../B",
            "/networks/A/%2e%2e/B",
            "/networks/A/.%2E/B",
            "/networks/A/./B",
            "/networks/A\\..\\B",
            "/networks/A/.\t./B",
            "/networks/A/..;x/B",
            "/networks/A/%252e%252e/B",
            "/networks/A%2fB",
            "/networks/A%5cB",
            "/networks/A%252fB",
            "//networks",
            "/networks//A",
            "/networks/A?x=1",
            "/networks/A#x",
            "/networks/A b",
            "/networks/A\u{a0}B",
            "/networks/é",
            "/networks/%",
            "/networks/%zz",
            "/networks/%61",
            "/networks/%0a",
            "/networks/%00",
            "/networks/%ff",
            "/networks/{id}",
            "/networks/a|b",
            "/networks/\u{7f}",
        ] {
            let e = at(path).unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Argument, "{path}");
            assert!(!e.to_string().contains(char::is_control), "{e}");
        }
    }

    #[test]
    fn a_query_is_shown_as_it_is_sent() {
        let query = [("force".to_string(), "a&cascade=true".to_string())];
        let address = Address::below("http://h/", "/x", &query).unwrap();
        assert_eq!(address.target(), "/x?force=a%26cascade%3Dtrue");
        assert_eq!(target("/x", &query), address.target());
        assert_eq!(target("/x", &[]), "/x");
    }

    #[test]
    fn a_segment_holds_whatever_leads_nowhere_else() {
        assert_eq!(segment("my key").unwrap(), "my%20key");
        assert_eq!(segment("a%20b?c#d[e]").unwrap(), "a%2520b%3Fc%23d%5Be%5D");
        for text in ["", ".", "..", "a/b", "a\\b", "a\nb", "%2e%2e", "%2f"] {
            assert_eq!(segment(text).unwrap_err().kind(), ErrorKind::Argument, "{text}");
        }
        assert_eq!(segments("/a%20b/c/"), ["a b", "c"]);
    }

    #[test]
    fn a_base_brings_nothing_but_its_path() {
        for base in ["http://h/?a=b", "http://h/#x", "ftp://h/", "h", ""] {
            assert_eq!(Address::below(base, "/x", &[]).unwrap_err().kind(), ErrorKind::Argument, "{base}");
        }
    }

    #[test]
    fn a_whole_url_is_what_is_sent() {
        let url = "https://cdn.example/images/a.qcow2?x=1";
        assert_eq!(Address::whole(url).unwrap().url().as_str(), url);
        for text in [
            "https://cdn.example/a/../b",
            "https://cdn.example/a/%2e%2e/b",
            "https://h/a\\b",
            "https://h/a b",
            "https://h/a#b",
        ] {
            assert_eq!(Address::whole(text).unwrap_err().kind(), ErrorKind::Argument, "{text}");
        }
    }
}
