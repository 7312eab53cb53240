//! An answer whose body is read piece by piece, for what is too large to hold or not worth holding.

use std::ops::Deref;
use std::time::Duration;

use reqwest::Response;
use reqwest::header::HeaderMap;

use crate::base::{Error, duration};

use super::client::{Http, authority, shown};
use super::failure::{Phase, failure, is_tls, unanswered};
use super::request::Request;

/// No bound on the time for a whole body: the pieces have theirs.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// Why a request got no answer, or not all of it.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What went wrong.
    pub error: Error,
    /// TLS is to blame: a certificate, or none where one was due.
    pub is_tls: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure { error, is_tls: false }
    }
}

/// An answer whose body is still to be read. Dropped, it ends the request.
#[derive(Debug)]
pub struct Incoming {
    response: Response,
    request: Names,
}

impl Http {
    /// Sends a request, once, and hands over the answer with its body unread.
    /// [`HttpSettings::timeout`](super::HttpSettings::timeout) is the longest wait for the
    /// answer's head and for each piece of its body, not for the whole.
    ///
    /// # Errors
    /// As [`Http::send`].
    pub async fn open(&self, request: &Request) -> Result<Incoming, Failure> {
        let names = Names {
            host: authority(&request.url),
            url: shown(&request.url),
            is_read: request.repeatable,
            timeout: self.settings().timeout,
            shown_timeout: duration::show(self.settings().timeout),
        };
        let sent = self.prepare(request)?.timeout(LONGEST).send();
        let response = names.in_time(sent).await?;
        Ok(Incoming { response, request: names })
    }
}

impl Incoming {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// A header as text; `None` if absent or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// Bytes of the body still to come, where the server has said so.
    pub fn length(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// `Unreachable` where the body ends early, or no piece comes in time.
    pub async fn next(&mut self) -> Result<Option<impl Deref<Target = [u8]> + use<>>, Failure> {
        self.request.in_time(self.response.chunk()).await
    }
}

/// What a request is called in its errors, and how long it may be silent.
#[derive(Debug)]
struct Names {
    host: String,
    url: String,
    is_read: bool,
    timeout: Duration,
    shown_timeout: String,
}

impl Names {
    async fn in_time<T>(&self, step: impl Future<Output = reqwest::Result<T>>) -> Result<T, Failure> {
        let phase =
            Phase { host: &self.host, url: &self.url, is_read: self.is_read, timeout: &self.shown_timeout };
        match tokio::time::timeout(self.timeout, step).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(e)) => Err(Failure { is_tls: is_tls(&e), error: failure(e, phase) }),
            Err(_) => {
                let what = format!("{} was silent for {}", self.url, self.shown_timeout);
                Err(unanswered(what, phase).into())
            }
        }
    }
}
