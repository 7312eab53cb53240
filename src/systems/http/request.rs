//! A request before it is sent.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use crate::base::{Error, ErrorKind, Payload, Result, Secret};

use super::address::{Address, refuse_user};
use super::upload::Upload;

/// A request before it is sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Its headers; those that carry secrets are marked sensitive and print as such.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Option<Vec<u8>>,
    /// A file that is its body instead.
    pub file: Option<Upload>,
    /// It changes nothing, so that it may be sent twice: true of GET and HEAD.
    pub repeatable: bool,
}

impl Request {
    /// A request without headers and body.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if the URL is none, or is neither `http` nor `https`.
    pub fn new(method: Method, url: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::new(ErrorKind::Argument, format!("`{url}` is not a URL"))
                .cause(why)
                .help("write it in full: https://host:port/path")
        };
        let parsed = Url::parse(url).map_err(|e| wrong(&e.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(wrong("only http and https are spoken here"));
        }
        refuse_user(&parsed)?;
        Ok(Request::of(method, parsed))
    }

    /// The same to an address.
    pub fn to(method: Method, address: &Address) -> Self {
        Request::of(method, address.url().clone())
    }

    fn of(method: Method, url: Url) -> Self {
        let repeatable = method == Method::GET || method == Method::HEAD;
        Request { method, url, headers: HeaderMap::new(), body: None, file: None, repeatable }
    }

    /// Sets a header.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if the name or the value cannot stand in a header.
    pub fn header(self, name: &str, value: &str) -> Result<Self> {
        self.set(name, value, false)
    }

    /// Sets a header that no output shows.
    ///
    /// # Errors
    /// As [`Request::header`].
    pub fn secret_header(self, name: &str, value: &Secret) -> Result<Self> {
        self.set(name, value.expose(), true)
    }

    fn set(mut self, name: &str, value: &str, sensitive: bool) -> Result<Self> {
        let key = HeaderName::try_from(name)
            .map_err(|_| Error::new(ErrorKind::Argument, format!("`{name}` is not the name of a header")))?;
        let mut text = HeaderValue::try_from(value).map_err(|_| {
            Error::new(ErrorKind::Argument, format!("the value of header `{name}` cannot be sent"))
                .help("a header holds one line of visible characters")
        })?;
        text.set_sensitive(sensitive);
        self.headers.insert(key, text);
        Ok(self)
    }

    /// Sets a JSON body and, unless there is one, its content type.
    ///
    /// # Errors
    /// As [`Request::header`].
    pub fn json(mut self, body: &Payload) -> Result<Self> {
        self.body = Some(body.expose().to_string().into_bytes());
        if self.headers.contains_key(reqwest::header::CONTENT_TYPE) {
            return Ok(self);
        }
        self.header("content-type", "application/json")
    }

    /// States that the request changes nothing, such as a POST that asks for a token.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }
}
