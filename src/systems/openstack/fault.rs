//! The errors that services answer, each in its own form, as one taxonomy.

use serde_json::Value;

use crate::base::{Error, ErrorKind};
use crate::systems::http::Answer;

/// What a service says of a refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Fault {
    /// The service's sentence.
    message: String,
    /// The service's own word for it (Neutron's `RouterInUse`).
    code: Option<String>,
    /// It speaks of no thing: the sentence that frameworks give for a path which nothing serves.
    generic: bool,
}

/// The error for an answer that is no success. `what` says what was tried.
pub(super) fn fault(what: &str, answer: &Answer) -> Error {
    let fault = read(answer);
    let kind = kind(answer.status, &fault);
    let mut error = Error::new(kind, what).status(answer.status);
    if let Some(id) = request_id(answer) {
        error = error.request_id(id);
    }
    let said = match (answer.withheld, &fault.code) {
        (true, _) => "the service's words are withheld: the request carries a secret".to_string(),
        (_, Some(code)) if !fault.message.is_empty() => format!("{} ({code})", fault.message),
        _ => fault.message.clone(),
    };
    error = error.cause(match said.is_empty() {
        true => format!("HTTP {}", answer.status),
        false => format!("HTTP {}: {said}", answer.status),
    });
    match help(kind, answer, &fault) {
        Some(help) => error.help(help),
        None => error,
    }
}

/// The service's id for the request.
pub(super) fn request_id(answer: &Answer) -> Option<String> {
    ["x-openstack-request-id", "x-compute-request-id"]
        .iter()
        .find_map(|n| answer.header(n))
        .map(str::to_string)
}

fn kind(status: u16, fault: &Fault) -> ErrorKind {
    match status {
        401 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        // an API that is not served says nothing about the thing asked for
        404 if fault.generic => ErrorKind::Unsupported,
        404 | 410 => ErrorKind::NotFound,
        405 | 406 | 501 | 505 => ErrorKind::Unsupported,
        409 | 412 | 423 => ErrorKind::Conflict,
        408 | 425 | 429 | 500..=599 => ErrorKind::Transient,
        400..=499 => ErrorKind::Invalid,
        _ => ErrorKind::Protocol,
    }
}

fn help(kind: ErrorKind, answer: &Answer, fault: &Fault) -> Option<String> {
    match kind {
        ErrorKind::Forbidden if fault.message.to_lowercase().contains("quota") => {
            Some("the project's quota is used up".to_string())
        }
        ErrorKind::Forbidden => Some("use a handle whose roles allow it".to_string()),
        ErrorKind::Unsupported if answer.status == 404 => {
            Some("nothing serves this path: the service is older, or its endpoint is wrong".to_string())
        }
        ErrorKind::Protocol => match answer.header("location") {
            Some(to) => Some(format!("redirects are not followed; this one goes to {to}")),
            None => Some("this status is not among those that the call expects".to_string()),
        },
        _ => None,
    }
}

fn read(answer: &Answer) -> Fault {
    let mut fault = match serde_json::from_slice::<Value>(&answer.body) {
        Ok(body) => from_json(&body),
        Err(_) => from_html(&String::from_utf8_lossy(&answer.body)).unwrap_or_else(|| Fault {
            message: answer.first_words(),
            code: None,
            generic: true,
        }),
    };
    fault.message = fault.message.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = fault.message.trim_end_matches(['.', ' ']);
    if words.is_empty()
        || words == "The resource could not be found"
        || fault.code.as_deref() == Some("HTTPNotFound")
    {
        fault.generic = true;
    }
    fault
}

fn from_json(body: &Value) -> Fault {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_string();
    let plain = |message: String| Fault { message, ..Fault::default() };
    if let Some(neutron) = body.get("NeutronError") {
        return match neutron {
            Value::String(message) => plain(message.clone()),
            _ => Fault {
                message: text(&neutron["message"]),
                code: neutron["type"].as_str().map(str::to_string),
                generic: false,
            },
        };
    }
    if let Some(octavia) = body.get("faultstring") {
        let (said, more) = (text(octavia), text(&body["debuginfo"]));
        return plain(if more.is_empty() { said } else { format!("{said} ({more})") });
    }
    if let Some(first) = body.get("errors").and_then(|e| e.get(0)) {
        // Placement puts its framework's sentence in front of its own
        let detail = text(&first["detail"]);
        let own = detail.split_once("\n\n").map_or(detail.as_str(), |(_, own)| own).trim().to_string();
        let title = if first["code"] == "" { String::new() } else { text(&first["title"]) };
        return match (own.is_empty(), detail.is_empty()) {
            (false, _) => plain(own),
            (true, false) => plain(detail),
            (true, true) => plain(title),
        };
    }
    if let Some(description) = body.get("description") {
        return plain(text(description));
    }
    let Some(object) = body.as_object() else { return Fault { generic: true, ..Fault::default() } };
    // Keystone's `error`, and Nova's one key that names the fault
    let inner = object.get("error").or_else(|| object.values().find(|v| v.get("message").is_some()));
    match inner {
        Some(Value::String(message)) => plain(message.clone()),
        Some(inner) => plain(text(&inner["message"])),
        None => plain(text(&body["message"])),
    }
}

/// The sentence in the HTML page that the services' framework makes, which Glance answers with.
fn from_html(page: &str) -> Option<Fault> {
    let (_, rest) = page.split_once("</h1>\n")?;
    let (message, _) = rest.split_once("<br />")?;
    let mut message = message.to_string();
    for (entity, c) in
        [("&#x27;", "'"), ("&#39;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
    {
        message = message.replace(entity, c);
    }
    Some(Fault { message, code: None, generic: false })
}
