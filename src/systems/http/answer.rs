//! What a server answered, read to its end.

use std::fmt;

use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::base::secret::mask;
use crate::base::{Error, ErrorKind, Result};

/// Bytes of a body that are looked at for its first words.
const LOOKED_AT: usize = 64 << 10;

/// What a server answered, read to its end.
#[derive(Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Vec<u8>,
    /// Requests it took, the last one included.
    pub tries: u32,
    /// The request carried a secret, which the body may echo: no error quotes the body.
    pub withheld: bool,
}

impl Answer {
    /// A header as text; `None` if absent or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as text, with a replacement for what is not UTF-8.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] that names the content type and the first words where it is something else, such as a
    /// proxy's HTML page. [`ErrorKind::Unreachable`] where it ends early: a connection that was cut, as a proxy passes it
    /// on.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).map_err(|e| {
            let kind = self.header("content-type").unwrap_or("no content type");
            let cut = |what: String| Error::new(ErrorKind::Unreachable, what).status(self.status);
            let what = match (self.body.is_empty(), e.is_eof()) {
                (true, _) if self.ends_with_its_connection() => {
                    return cut("the answer has no body".to_string());
                }
                (true, _) => "the answer is empty where JSON was due".to_string(),
                (_, true) => {
                    return cut(format!("the answer's JSON ends early, after {} bytes", self.body.len()));
                }
                _ => format!("the answer is not JSON but {kind}{}", self.quoted()),
            };
            Error::new(ErrorKind::Protocol, what)
                .status(self.status)
                .help("something between here and the service may have answered in its place")
        })
    }

    /// Whether the body had no end of its own, so that one that was cut looks whole.
    fn ends_with_its_connection(&self) -> bool {
        !["content-length", "transfer-encoding"].iter().any(|name| self.headers.contains_key(*name))
    }

    /// What came, for an error: `HTTP 200 text/html: "Please log in"`.
    pub fn told(&self) -> String {
        let kind = self.header("content-type").map(|kind| format!(" {kind}")).unwrap_or_default();
        let empty = if self.body.is_empty() { ", empty" } else { "" };
        format!("HTTP {}{kind}{empty}{}", self.status, self.quoted())
    }

    /// What its headers say of where to go and when to come again, for an error.
    pub fn directions(&self) -> Option<String> {
        let to = self.header("location").map(|to| {
            // what stands behind a `?` is for the place that it names, and may be a secret
            format!("it goes to {}", to.split(['?', '#']).next().unwrap_or_default())
        });
        let again = self.header("retry-after").map(|when| {
            let seconds = when.trim().bytes().all(|b| b.is_ascii_digit());
            format!("it asks to wait {}{}", when.trim(), if seconds { " s" } else { "" })
        });
        to.or(again)
    }

    fn quoted(&self) -> String {
        let words = self.first_words();
        if words.is_empty() { String::new() } else { format!(": \"{words}\"") }
    }

    /// The first visible words of the body, without mark-up; empty where the body is withheld.
    pub fn first_words(&self) -> String {
        if self.withheld {
            return String::new();
        }
        // masked before it is cut: a part of a token would not be known
        let start = String::from_utf8_lossy(&self.body[..self.body.len().min(LOOKED_AT)]);
        let start = mask(&start);
        let mut text = String::new();
        let mut in_tag = false;
        for c in start.chars() {
            match c {
                '<' => in_tag = true,
                '>' if in_tag => {
                    in_tag = false;
                    text.push(' ');
                }
                _ if in_tag => {}
                _ => text.push(if c.is_control() { ' ' } else { c }),
            }
        }
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match words.char_indices().nth(120) {
            Some((end, _)) => format!("{}…", &words[..end]),
            None => words,
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // never the body: it may hold a token or a private key
        write!(f, "Answer({}, {} bytes)", self.status, self.body.len())
    }
}
