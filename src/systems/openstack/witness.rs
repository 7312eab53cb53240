//! Who is told of every request.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::base::{Error, ErrorKind, Result};
use crate::systems::http::{Answer, Http, Request};

use super::fault::request_id;

/// One request as it was sent, a token request included. No secret is in it.
#[derive(Clone, Debug, Serialize)]
pub struct RequestRecord {
    /// The handle's name in the site file.
    pub handle: String,
    /// The service's type.
    pub service: String,
    /// The HTTP method.
    pub method: String,
    /// Scheme, host, path and query.
    pub url: String,
    /// The answer's status; `None` where none came.
    pub status: Option<u16>,
    /// What went wrong where no answer came.
    pub failure: Option<ErrorKind>,
    /// The service's id for the request.
    pub request_id: Option<String>,
    /// How long it took, retries included, in real time.
    pub took: Duration,
    /// Requests it took, the last one included.
    pub tries: u32,
}

/// Who is told of every request that a session sends.
pub trait Witness: Send + Sync {
    /// One request ended, well or not.
    fn request(&self, record: &RequestRecord);
}

/// Sends requests of one handle to one service, and tells the witness.
pub(super) struct Sender<'a> {
    pub(super) http: &'a Http,
    pub(super) handle: &'a str,
    pub(super) service: &'a str,
    pub(super) witness: Option<&'a dyn Witness>,
}

impl Sender<'_> {
    pub(super) async fn send(&self, request: &Request) -> Result<Answer> {
        let started = Instant::now();
        let outcome = self.http.send(request).await;
        if let Some(witness) = self.witness {
            let answer = outcome.as_ref().ok();
            witness.request(&RequestRecord {
                handle: self.handle.to_string(),
                service: self.service.to_string(),
                method: request.method.to_string(),
                url: request.url.to_string(),
                status: answer.map(|a| a.status),
                failure: outcome.as_ref().err().map(Error::kind),
                request_id: answer.and_then(request_id),
                took: started.elapsed(),
                tries: answer.map_or(1, |a| a.tries),
            });
        }
        outcome
    }
}
