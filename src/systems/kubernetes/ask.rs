//! One request to the API server, before it is sent.

use http::Method;

use crate::base::Payload;

use super::proof::Proof;

/// One request to the API server, before it is sent.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// The method.
    pub(super) method: Method,
    /// Path and query, from the server's root.
    pub(super) target: String,
    /// What the answer may be written in; `None` is JSON.
    pub(super) accept: Option<&'static str>,
    /// What the body is written in; `None` is JSON.
    pub(super) content_type: Option<&'static str>,
    /// The body.
    pub(super) body: Option<Payload>,
    /// It changes nothing although it is no GET: a review, or a server dry run.
    pub(super) harmless: bool,
    /// The answer that proves it to be done; every change has one.
    pub(super) proof: Option<Proof>,
}

impl Ask {
    /// A GET.
    pub(super) fn get(target: impl Into<String>) -> Self {
        Ask::new(Method::GET, target, None)
    }

    /// A request with a body, or without.
    pub(super) fn new(method: Method, target: impl Into<String>, body: Option<Payload>) -> Self {
        let (accept, content_type) = (None, None);
        Ask { method, target: target.into(), accept, content_type, body, harmless: false, proof: None }
    }

    /// The same, done only where the answer proves it.
    #[must_use]
    pub(super) fn proven_by(mut self, proof: Proof) -> Self {
        self.proof = Some(proof);
        self
    }

    /// The path without the query.
    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Whether it only reads, so that it may be sent twice.
    pub(super) fn is_read(&self) -> bool {
        self.harmless || self.method == Method::GET
    }

    /// Whether it carries a secret, which the answer may echo.
    pub(super) fn is_tainted(&self) -> bool {
        self.body.as_ref().is_some_and(Payload::is_tainted)
    }
}
