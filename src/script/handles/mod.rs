//! Handles and resources as scripts have them: what they print, which fields they have, and how a
//! journal keeps them.

use rhai::Dynamic;
use serde_json::Value;

use super::host::Host;
use super::value::TAG;
use crate::base::{Error, ErrorKind, Payload, Result};

pub mod kubernetes;
pub mod machine;
pub mod openstack;
pub mod site;

pub use kubernetes::{KubeHandle, Object};
pub use machine::{CommandOutput, HostHandle, ToolHandle};
pub use openstack::{Collection, Resource, Scope};
pub use site::SiteHandle;

/// The body of a resource, secrets masked, as evidence.
pub fn resource_body(value: &Dynamic) -> Option<Value> {
    if let Some(resource) = value.read_lock::<Resource>() {
        return Some(resource.shown());
    }
    if let Some(object) = value.read_lock::<Object>() {
        return Some(object.shown());
    }
    if let Some(output) = value.read_lock::<CommandOutput>() {
        return Some(output.shown());
    }
    if let Some(kube) = value.read_lock::<KubeHandle>() {
        return Some(Value::from(kube.name()));
    }
    value.read_lock::<Scope>().map(|scope| Value::from(scope.0.handle()))
}

/// How many bytes a handle or resource has as evidence, more or less.
pub fn size(value: &Dynamic) -> usize {
    if let Some(resource) = value.read_lock::<Resource>() {
        return resource.body.len();
    }
    if let Some(object) = value.read_lock::<Object>() {
        return bytes(object.exposed());
    }
    value.read_lock::<CommandOutput>().map_or(0, |output| output.0.stdout.len() + output.0.stderr.len())
}

fn bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(list) => list.iter().map(bytes).sum(),
        Value::Object(map) => map.iter().map(|(key, value)| key.len() + bytes(value)).sum(),
        _ => 8,
    }
}

/// The body of a resource as a request takes it, its secrets known.
pub fn resource_payload(value: &Dynamic) -> Option<Payload> {
    if let Some(object) = value.read_lock::<Object>() {
        return Some((*object.body).clone());
    }
    value.read_lock::<Resource>().map(|resource| resource.payload())
}

/// A handle or resource as it is recorded.
pub fn encode(value: &Dynamic) -> Option<Value> {
    if let Some(resource) = value.read_lock::<Resource>() {
        return Some(resource.encode());
    }
    if let Some(object) = value.read_lock::<Object>() {
        return Some(object.encode());
    }
    if let Some(kube) = value.read_lock::<KubeHandle>() {
        return Some(kube.encode());
    }
    value.read_lock::<Scope>().map(|scope| serde_json::json!({ TAG: "scope", "scope": scope.0.handle() }))
}

/// What [`encode`] made, again.
pub fn decode(host: &Host, value: &Value) -> Result<Dynamic> {
    let scope = value["scope"].as_str().unwrap_or_default();
    match value[TAG].as_str() {
        Some("resource") => Resource::decode(host.site.session(scope)?, value).map(Dynamic::from),
        Some("scope") => Ok(Dynamic::from(Scope(host.site.session(scope)?))),
        Some("object") => Object::decode(host, value).map(Dynamic::from),
        Some("kube") => KubeHandle::decode(host, value).map(Dynamic::from),
        other => Err(Error::new(
            ErrorKind::Journal,
            format!("the journal holds a `{}` that this version does not know", other.unwrap_or("value")),
        )),
    }
}
