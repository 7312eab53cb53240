//! Conditions, with the times at which they came to be what they are.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::lab::stamp;

/// One condition as a controller finds it.
pub(super) struct Found {
    pub(super) name: &'static str,
    pub(super) is: bool,
    /// Its reason, where it is true and where it is not.
    pub(super) reasons: (&'static str, &'static str),
    /// What it says where it is not as it should be.
    pub(super) message: String,
}

impl Found {
    /// A condition whose reasons are its name and the name with `Not` before it, as in Cluster API.
    pub(super) fn new(
        name: &'static str,
        is: bool,
        reasons: (&'static str, &'static str),
        message: &str,
    ) -> Self {
        Found { name, is, reasons, message: message.to_string() }
    }
}

/// The conditions as an object shows them; what was so before keeps its time.
pub(super) fn show(found: &[Found], before: &Value, now: Timestamp) -> Value {
    let newer = |found: &Found| {
        let status = if found.is { "True" } else { "False" };
        let reason = if found.is { found.reasons.0 } else { found.reasons.1 };
        let since = since(before, found.name, status, now);
        json!({"type": found.name, "status": status, "reason": reason, "message": found.message, "lastTransitionTime": since})
    };
    found.iter().map(newer).collect()
}

/// The same by the rules of v1beta1: what is well says no more, what is not has a severity.
pub(super) fn show_former(found: &[Found], before: &Value, now: Timestamp) -> Value {
    let older = |found: &Found| {
        let status = if found.is { "True" } else { "False" };
        let since = since(before, found.name, status, now);
        match found.is {
            true => json!({"type": found.name, "status": status, "lastTransitionTime": since}),
            false => json!({
                "type": found.name, "status": status, "severity": if found.message.is_empty() { "Info" } else { "Error" },
                "reason": found.reasons.1, "message": found.message, "lastTransitionTime": since,
            }),
        }
    };
    found.iter().map(older).collect()
}

/// Since when a condition has its status.
pub(super) fn since(before: &Value, name: &str, status: &str, now: Timestamp) -> Value {
    let known =
        before.as_array().into_iter().flatten().find(|c| c["type"] == *name && c["status"] == *status);
    known.map_or_else(|| stamp::zulu(now).into(), |c| c["lastTransitionTime"].clone())
}
