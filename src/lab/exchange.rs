//! A request as the lab's services see it, and what they answer.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

use super::content::Content;
use super::follow::Mark;
use super::ids::Id;
use super::session::Session;
use crate::base::permit::hex;

/// A request, read to its end.
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path within the service, without its prefix.
    pub path: String,
    /// The query as it came.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Incoming,
    /// What a link into this service begins with: `http://127.0.0.1:4711/compute`.
    pub base: String,
    /// Keystone's address as this client knows it: `http://127.0.0.1:4711/identity/v3`.
    pub identity: String,
    /// What other services are reached by, from where this request came.
    pub front: Front,
    /// The id of this request: `req-...`.
    pub id: Id,
}

/// By which addresses a client knows the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// One listener, a prefix for each service.
    Prefixes,
    /// The addresses of the procedure.
    Endpoints,
}

/// A request's body.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// There is none.
    Empty,
    /// A JSON document.
    Json(Value),
    /// Text that is not JSON, as it came.
    Text(String),
    /// Bytes, counted and hashed but not kept.
    Stream(Digests),
}

/// What stays of a stream of bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    /// How many there were.
    pub bytes: u64,
    /// SHA-512, hexadecimal.
    pub sha512: String,
    /// MD5, hexadecimal.
    pub md5: String,
    /// The first 32, which tell formats apart.
    pub head: Vec<u8>,
}

impl Digests {
    /// What bytes would leave that nobody has; the text decides which.
    pub(crate) fn of(text: &str, bytes: u64) -> Self {
        use sha2::{Digest, Sha512};
        let (sha512, md5) = (hex(&Sha512::digest(text)), hex(&md5::Md5::digest(text)));
        Digests { bytes, sha512, md5, head: Vec::new() }
    }
}

impl Request {
    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The query's pairs, decoded.
    pub fn pairs(&self) -> impl Iterator<Item = (String, String)> + '_ {
        pairs(&self.query)
    }

    /// The last value of a key in the query.
    pub fn get(&self, key: &str) -> Option<String> {
        self.pairs().filter(|(k, _)| k == key).map(|(_, v)| v).last()
    }

    /// The body's member, if the body is a JSON object that has it.
    pub fn member(&self, key: &str) -> Option<&Value> {
        match &self.body {
            Incoming::Json(body) => body.get(key),
            _ => None,
        }
    }
}

/// The pairs of a query, decoded.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key, true), decode(value, true))
    })
}

/// Undoes percent-encoding; in a query `+` is a space.
pub(crate) fn decode(text: &str, plus: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|h| std::str::from_utf8(h).ok());
        match (first, hex.and_then(|h| u8::from_str_radix(h, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (b'+', _) if plus => {
                bytes.push(b' ');
                rest = tail;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Percent-encodes a value for a query.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, b| {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(b as char),
            _ => {
                let _ = write!(out, "%{b:02X}");
            }
        }
        out
    })
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers beside `Content-Type` and `Content-Length`.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
}

/// An answer's body.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// None at all.
    Empty,
    /// A JSON document.
    Json(Value),
    /// A text of some content type.
    Text(&'static str, String),
    /// A text of some content type that goes on as time passes.
    Flow(Flow),
    /// A file from one of its bytes on, made as it is sent.
    File(Content, u64),
    /// What a command in a container does, over a WebSocket.
    Session(Session),
}

/// A text that goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// Its content type.
    pub kind: &'static str,
    /// What there is of it now.
    pub text: String,
    /// Where it stands then.
    pub mark: Mark,
    /// How long the client listens, in its own time; nothing where it does not say.
    pub lasts: Option<Duration>,
}

impl Answer {
    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Answer { status, headers: HeaderMap::new(), body: Body::Empty }
    }

    /// An answer with a JSON body.
    pub fn json(status: u16, body: Value) -> Self {
        Answer { status, headers: HeaderMap::new(), body: Body::Json(body) }
    }

    /// An answer with a text.
    pub fn text(status: u16, content_type: &'static str, text: impl Into<String>) -> Self {
        Answer { status, headers: HeaderMap::new(), body: Body::Text(content_type, text.into()) }
    }

    /// Adds a header; one that HTTP cannot carry is left out.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.set_header(name, value);
        self
    }

    /// Adds a header; one that HTTP cannot carry is left out.
    pub fn set_header(&mut self, name: &'static str, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded_once() {
        let got: Vec<_> = pairs("name=%5Ea%20b%24&router:external=true&x&y=a+b%2B").collect();
        let want = [("name", "^a b$"), ("router:external", "true"), ("x", ""), ("y", "a b+")];
        assert_eq!(got, want.map(|(k, v)| (k.to_string(), v.to_string())));
        assert_eq!(decode("100%", true), "100%");
        assert_eq!(decode(&encode("^a/ö b$"), true), "^a/ö b$");
    }
}
