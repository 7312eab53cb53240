//! What the API server says instead of doing what it was asked: `Status` objects.

use serde_json::{Value, json};

use super::kinds::Kind;
use crate::lab::exchange::Answer;

/// A `Status` with a failure.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    code: u16,
    reason: &'static str,
    message: String,
    details: Value,
}

fn details(kind: &Kind, name: &str) -> Value {
    let mut details = json!({"kind": kind.plural});
    if !name.is_empty() {
        details["name"] = name.into();
    }
    if !kind.group.is_empty() {
        details["group"] = kind.group.into();
    }
    details
}

impl Refusal {
    fn new(code: u16, reason: &'static str, message: impl Into<String>, details: Value) -> Self {
        Refusal { code, reason, message: message.into(), details }
    }

    pub(super) fn not_found(kind: &Kind, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", kind.resource());
        Refusal::new(404, "NotFound", message, details(kind, name))
    }

    pub(super) fn exists(kind: &Kind, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", kind.resource());
        Refusal::new(409, "AlreadyExists", message, details(kind, name))
    }

    pub(super) fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", kind.resource());
        Refusal::new(409, "Conflict", message, details(kind, name))
    }

    /// Another object of that name than the one that was meant. The server names the kind here, not the resource.
    pub(super) fn another(kind: &Kind, name: &str, wanted: &str, uid: &str) -> Self {
        let dot = if kind.group.is_empty() { "" } else { "." };
        let message = format!(
            "Operation cannot be fulfilled on {}{dot}{} \"{name}\": the UID in the precondition ({wanted}) does not match \
             the UID in record ({uid}). The object might have been deleted and then recreated",
            kind.kind, kind.group
        );
        Refusal::new(409, "Conflict", message, details(kind, name))
    }

    /// Fields that another manager owns.
    pub(super) fn owned(fields: &[(String, String)]) -> Self {
        let causes: Vec<Value> = fields
            .iter()
            .map(|(manager, field)| {
                json!({"reason": "FieldManagerConflict", "message": format!("conflict with {manager:?}"), "field": field})
            })
            .collect();
        let one = fields.first().map(|(m, f)| format!("conflict with {m:?}: {f}")).unwrap_or_default();
        let message = match fields.len() {
            1 => format!("Apply failed with 1 conflict: {one}"),
            n => format!("Apply failed with {n} conflicts: {one}"),
        };
        Refusal::new(409, "Conflict", message, json!({"causes": causes}))
    }

    /// Fields that may not be what they are: `metadata.name`, and what is wrong with it.
    pub(super) fn invalid(kind: &Kind, name: &str, faults: &[(String, String)]) -> Self {
        let said: Vec<String> = faults.iter().map(|(field, why)| format!("{field}: {why}")).collect();
        let said = match said.as_slice() {
            [one] => one.clone(),
            several => format!("[{}]", several.join(", ")),
        };
        let causes: Vec<Value> = faults
            .iter()
            .map(|(field, why)| {
                let reason =
                    if why.starts_with("Required") { "FieldValueRequired" } else { "FieldValueInvalid" };
                json!({"field": field, "message": why, "reason": reason})
            })
            .collect();
        let called = match kind.group {
            "" => kind.kind.to_string(),
            group => format!("{}.{group}", kind.kind),
        };
        let mut about = json!({"kind": kind.kind, "name": name, "causes": causes});
        if !kind.group.is_empty() {
            about["group"] = kind.group.into();
        }
        Refusal::new(422, "Invalid", format!("{called} \"{name}\" is invalid: {said}"), about)
    }

    /// A JSON patch whose test failed, or which does not fit.
    pub(super) fn patch_failed() -> Self {
        let message = "the server rejected our request due to an error in our request";
        Refusal::new(422, "Invalid", message, json!({}))
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Refusal::new(400, "BadRequest", message, Value::Null)
    }

    /// `dryRun` and the like with a value that is none.
    pub(super) fn media(kind: &str) -> Self {
        let known = "application/json-patch+json, application/merge-patch+json, \
                     application/strategic-merge-patch+json, application/apply-patch+yaml";
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {known}; got {kind}"
        );
        Refusal::new(415, "UnsupportedMediaType", message, json!({}))
    }

    pub(super) fn unauthorized() -> Self {
        Refusal::new(401, "Unauthorized", "Unauthorized", Value::Null)
    }

    pub(super) fn no_method() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Refusal::new(405, "MethodNotAllowed", message, json!({}))
    }

    /// A container that is to run something and does not run itself.
    pub(super) fn no_container(name: &str) -> Self {
        let message = format!("unable to upgrade connection: container not found ({name:?})");
        Refusal::new(500, "InternalError", message, json!({}))
    }

    /// A watch or a page from before what is remembered.
    pub(super) fn expired(asked: u64, oldest: u64) -> Self {
        let message = format!("too old resource version: {asked} ({oldest})");
        Refusal::new(410, "Expired", message, Value::Null)
    }

    /// What this lab does not play.
    pub(super) fn not_played(what: &str) -> Self {
        Refusal::new(501, "NotImplemented", format!("{what} is not played in this rehearsal"), Value::Null)
    }

    /// A status that a fault deck asked for.
    pub(super) fn failure(code: u16) -> Self {
        let (reason, message) = match code {
            401 => ("Unauthorized", "Unauthorized"),
            403 => ("Forbidden", "forbidden"),
            429 => ("TooManyRequests", "too many requests, please try again later"),
            503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
            504 => ("Timeout", "the server was unable to return a response in the time allotted"),
            _ => ("InternalError", "an error on the server has prevented the request from succeeding"),
        };
        Refusal::new(code, reason, message, Value::Null)
    }

    /// The `Status` object.
    pub(super) fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        });
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status
    }

    pub(super) fn answer(&self) -> Answer {
        Answer::json(self.code, self.status())
    }
}
