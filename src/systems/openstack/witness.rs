//! Requests of which a witness is told.

use std::time::Instant;

use crate::base::secret::masked;
use crate::base::{Error, Result};
use crate::systems::http::{Answer, Http, Request, RequestRecord, Witness};

use super::fault::request_id;

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
                url: masked(request.url.to_string()),
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
