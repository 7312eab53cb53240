//! Shapes of errors that several services share.

use serde_json::{Value, json};

use super::Refusal;
use crate::lab::exchange::{Answer, Request, encode};

/// Names of HTTP statuses, as WebOb and Flask write them.
pub(crate) fn title(status: u16) -> &'static str {
    match status {
        300 => "Multiple Choices",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        409 => "Conflict",
        410 => "Gone",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Internal Server Error",
    }
}

/// What keystonemiddleware answers without a valid token.
pub(crate) fn unauthorized(request: &Request) -> Answer {
    let body = json!({"error": {"code": 401, "title": "Unauthorized",
        "message": "The request you have made requires authentication."}});
    Answer::json(401, body).header("www-authenticate", &challenge(request))
}

/// The `WWW-Authenticate` header of a 401.
pub(crate) fn challenge(request: &Request) -> String {
    format!("Keystone uri=\"{}\"", request.identity)
}

/// An error page of WebOb.
pub(crate) fn page(status: u16, text: &str) -> Answer {
    let title = title(status);
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&#x27;");
    let body = format!(
        "<html>\n <head>\n  <title>{status} {title}</title>\n </head>\n <body>\n  <h1>{status} {title}</h1>\n  {text}<br /><br />\n\n\n\n </body>\n</html>"
    );
    Answer::text(status, "text/html; charset=UTF-8", body)
}

/// WebOb's words for a path that means nothing.
pub(crate) const NOT_FOUND: &str = "The resource could not be found.";

/// What a refusal says, for services whose errors are a sentence.
pub(crate) fn sentence(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NoToken => "The request you have made requires authentication.".into(),
        Refusal::NoRoute => NOT_FOUND.into(),
        Refusal::NoMethod(_) => "The method is not allowed for the requested URL.".into(),
        Refusal::Policy(policy) => (*policy).into(),
        Refusal::NoVersion { asked, min, max } => {
            format!("Version {asked} is not supported by the API. Minimum is {min} and maximum is {max}.")
        }
        Refusal::BadVersion(text) => {
            format!("API Version String {text} is of invalid format. Must be of format MajorNum.MinorNum.")
        }
        Refusal::Said { message, .. } => message.clone(),
    }
}

/// A JSON document as Python prints it.
pub(crate) fn python(value: &Value) -> String {
    let many = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Number(n) => n.to_string(),
        Value::String(text) => format!("'{text}'"),
        Value::Array(items) => format!("[{}]", many(items.iter().map(python).collect())),
        Value::Object(members) => {
            format!("{{{}}}", many(members.iter().map(|(k, v)| format!("'{k}': {}", python(v))).collect()))
        }
    }
}

/// The address of the next page: the request's own query with another marker at its end.
pub(crate) fn next(request: &Request, path: &str, marker: &str) -> String {
    let kept = request.query.split('&').filter(|p| !p.is_empty() && !p.starts_with("marker="));
    let mut pairs: Vec<String> = kept.map(str::to_string).collect();
    pairs.push(format!("marker={}", encode(marker)));
    format!("{}{path}?{}", request.base, pairs.join("&"))
}
