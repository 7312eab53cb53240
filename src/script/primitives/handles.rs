//! Handles as scripts have them: `site`, and what it gives.

use rhai::Dynamic;
use serde_json::Value;

use crate::base::{Error, ErrorKind, Result};
use crate::script::host::Host;
use crate::script::value::TAG;

/// `site` in scripts.
#[derive(Clone, Debug, Default)]
pub struct SiteHandle;

/// The body of a resource, as evidence.
pub fn resource_body(_value: &Dynamic) -> Option<Value> {
    None
}

/// A handle or resource as it is recorded.
pub fn encode(_value: &Dynamic) -> Option<Value> {
    None
}

/// What [`encode`] made, again.
pub fn decode(_host: &Host, value: &Value) -> Result<Dynamic> {
    Err(Error::new(
        ErrorKind::Journal,
        format!("the journal holds a `{}` that this version does not know", value[TAG]),
    ))
}
