//! Who is told of every request.

use std::time::Duration;

use serde::Serialize;

use crate::base::ErrorKind;

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

/// Who is told of every request that a handle sends.
pub trait Witness: Send + Sync {
    /// One request ended, well or not.
    fn request(&self, record: &RequestRecord);
}
