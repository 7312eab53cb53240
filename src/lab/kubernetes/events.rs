//! Events, as controllers write them.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::lab::stamp;

/// An event about an object, as controllers write them.
pub(super) fn about(
    object: &Value,
    reason: &str,
    message: &str,
    warning: bool,
    now: Timestamp,
    name: &str,
) -> Value {
    let meta = &object["metadata"];
    let at = stamp::zulu(now);
    json!({
        "metadata": {"name": name, "namespace": meta["namespace"].as_str().unwrap_or("default")},
        "involvedObject": {
            "kind": object["kind"], "apiVersion": object["apiVersion"], "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"],
        },
        "reason": reason, "message": message, "type": if warning { "Warning" } else { "Normal" }, "count": 1,
        "firstTimestamp": at, "lastTimestamp": at,
    })
}
