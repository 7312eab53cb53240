//! Reading a body with a bound on what is kept.

use crate::base::{Error, ErrorKind, Result, duration};

use super::failure::{Phase, failure};

/// Reads a body of at most `cap` bytes.
pub(super) async fn read(mut response: reqwest::Response, cap: usize, phase: Phase<'_>) -> Result<Vec<u8>> {
    let status = response.status().as_u16();
    let too_long = || {
        let cap = duration::show_size(cap as u64);
        Error::new(ErrorKind::Protocol, format!("the answer of {} is longer than {cap}", phase.place()))
            .status(status)
            .help("ask for less: a filter, or a smaller page")
    };
    if response.content_length().is_some_and(|length| length > cap as u64) {
        return Err(too_long());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| failure(e, phase).status(status))? {
        if body.len() + chunk.len() > cap {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
