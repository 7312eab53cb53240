//! The errors that services answer, each in its own form, as one taxonomy.

use serde_json::Value;

use crate::base::secret::mask;
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
    /// It has the form of none of the services: a proxy's page, mostly.
    foreign: bool,
}

/// The error for an answer that is no success, with advice. `what` says what was tried.
pub(super) fn fault(what: &str, answer: &Answer) -> Error {
    let fault = read(answer);
    advised(told(what, answer, &fault), answer, &fault)
}

/// The same for a read, which a service may refuse for what is not written yet.
pub(super) fn fault_of_read(what: &str, answer: &Answer) -> Error {
    let fault = read(answer);
    let error = told(what, answer, &fault);
    match in_between(answer, &fault) {
        true => error
            .with_kind(ErrorKind::Transient)
            .help("Magnum makes a cluster and its node groups one after the other, and deletes them so: ask again in a moment"),
        false => advised(error, answer, &fault),
    }
}

/// The same for a change. That it did not take place only the service itself can say: the page of a proxy leaves it in
/// doubt, whatever its status.
pub(super) fn fault_of_change(service: &str, summary: &str, answer: &Answer) -> Error {
    let fault = read(answer);
    let error = told(&format!("{service} does not {summary}"), answer, &fault);
    match fault.foreign && error.kind() != ErrorKind::Transient {
        true => {
            unproven(service, summary, &format!("{}, in no form of the service's", answer.told()), answer)
        }
        false => advised(error, answer, &fault),
    }
}

/// The error for a change whose answer is none that its API documents.
pub(super) fn unproven(service: &str, summary: &str, flaw: &str, answer: &Answer) -> Error {
    let what = format!("whether {service} did this is not known: {summary}");
    let error = Error::new(ErrorKind::Protocol, what).status(answer.status).cause(flaw).help(FOREIGN);
    let error = answer.directions().map_or(error.clone(), |directions| error.cause(directions));
    match request_id(answer) {
        Some(id) => error.request_id(id),
        None => error,
    }
}

/// What an answer means that the service did not give.
const FOREIGN: &str = "something between here and the service may have answered in its place: look whether the change \
                       took effect before sending it again";

/// Whether the service itself gave an answer that is no success, and nothing on the way to it.
pub(super) fn is_own(answer: &Answer) -> bool {
    !read(answer).foreign
}

/// Whether the service refuses who asks: neither a proxy does, nor a quota.
pub(super) fn is_of_roles(answer: &Answer) -> bool {
    let fault = read(answer);
    matches!(answer.status, 401 | 403) && !fault.foreign && !is_of_quota(&fault)
}

fn is_of_quota(fault: &Fault) -> bool {
    fault.message.to_lowercase().contains("quota")
}

/// Whether Magnum finds a fault in its own answer: a cluster whose node groups are not written yet, or gone already, has no
/// masters, which its API does not allow (`master_count = wsattr(IntegerType(minimum=1))` of `magnum/api/controllers/v1/cluster.py`).
fn in_between(answer: &Answer, fault: &Fault) -> bool {
    answer.status == 400
        && fault.message.starts_with("Invalid input for field/attribute master_count. Value: '0'.")
}

fn advised(error: Error, answer: &Answer, fault: &Fault) -> Error {
    match help(error.kind(), answer, fault) {
        Some(help) => error.help(help),
        None => error,
    }
}

/// The same error for whoever has better advice.
pub(super) fn fault_without_help(what: &str, answer: &Answer) -> Error {
    told(what, answer, &read(answer))
}

fn told(what: &str, answer: &Answer, fault: &Fault) -> Error {
    let kind = kind(answer.status, fault);
    let mut error = Error::new(kind, what).status(answer.status);
    if let Some(id) = request_id(answer) {
        error = error.request_id(id);
    }
    let said = match (answer.withheld, &fault.code) {
        (true, _) => "the service's words are withheld: the request carries a secret".to_string(),
        (_, Some(code)) if !fault.message.is_empty() => format!("{} ({code})", fault.message),
        _ => fault.message.clone(),
    };
    let error = error.cause(match said.is_empty() {
        true => format!("HTTP {}", answer.status),
        false => format!("HTTP {}: {said}", answer.status),
    });
    match answer.directions() {
        Some(directions) => error.cause(directions),
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
        404 if fault.generic || fault.foreign => ErrorKind::Unsupported,
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
        ErrorKind::Forbidden if is_of_quota(fault) => Some("the project's quota is used up".to_string()),
        ErrorKind::Forbidden => Some("use a handle whose roles allow it".to_string()),
        ErrorKind::Unsupported if answer.status == 404 => {
            Some("nothing serves this path: the service is older, or its endpoint is wrong".to_string())
        }
        ErrorKind::Protocol => Some(match answer.header("location") {
            Some(_) => "redirects are not followed".to_string(),
            None => "this status is not among those that the call expects".to_string(),
        }),
        _ => None,
    }
}

fn read(answer: &Answer) -> Fault {
    // masked before anything is taken out of it: what comes of a token in pieces would not be known
    let text = String::from_utf8_lossy(&answer.body);
    let text = mask(&text);
    let mut fault = match serde_json::from_str::<Value>(&text) {
        Ok(body) => from_json(&body),
        Err(_) => from_html(&text).unwrap_or_else(|| Fault {
            message: answer.first_words(),
            code: None,
            generic: true,
            foreign: true,
        }),
    };
    // what a proxy does not put on pages of its own
    let from_service = request_id(answer).is_some()
        || answer.header("www-authenticate").is_some_and(|asked| asked.starts_with("Keystone"));
    fault.foreign &= !from_service;
    // the services' framework ends its sentence with HTML, in JSON as well
    let words = fault.message.trim_end().trim_end_matches("<br />");
    fault.message = words.split_whitespace().collect::<Vec<_>>().join(" ");
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
                ..Fault::default()
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
        if title.is_empty() && !first["title"].is_string() && detail.is_empty() {
            return Fault { generic: true, foreign: true, ..Fault::default() };
        }
        return match (own.is_empty(), detail.is_empty()) {
            (false, _) => plain(own),
            (true, false) => plain(detail),
            (true, true) => plain(title),
        };
    }
    if let Some(description) = body.get("description") {
        return plain(text(description));
    }
    let Some(object) = body.as_object() else {
        return Fault { generic: true, foreign: true, ..Fault::default() };
    };
    // Keystone's `error`, and Nova's one key that names the fault
    let inner = object.get("error").or_else(|| object.values().find(|v| v.get("message").is_some()));
    match inner {
        Some(Value::String(message)) => Fault { foreign: true, ..plain(message.clone()) },
        Some(inner) => Fault { foreign: inner.get("message").is_none(), ..plain(text(&inner["message"])) },
        // Glance's has a code beside it, and a gateway's mostly has none
        None => Fault { foreign: body.get("code").is_none(), ..plain(text(&body["message"])) },
    }
}

/// The sentence in the HTML page that the services' framework makes, which Glance answers with.
fn from_html(page: &str) -> Option<Fault> {
    let (_, rest) = page.split_once("</h1>\n")?;
    let (message, _) = rest.split_once("<br /><br />")?;
    let mut message = message.to_string();
    for (entity, c) in
        [("&#x27;", "'"), ("&#39;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
    {
        message = message.replace(entity, c);
    }
    Some(Fault { message, ..Fault::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::http::HeaderMap;
    use serde_json::json;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
            tries: 1,
            withheld: false,
        }
    }

    fn said(status: u16, body: &str) -> (ErrorKind, String) {
        let e = fault("x", &answer(status, body));
        (e.kind(), e.detail().causes.join("; "))
    }

    /// Bodies that the services of 2024.1 gave.
    #[test]
    fn each_service_says_no_in_its_own_form() {
        for (status, body, kind, words) in [
            (
                404,
                json!({"itemNotFound": {"code": 404, "message": "Instance 1 could not be found."}}),
                ErrorKind::NotFound,
                "HTTP 404: Instance 1 could not be found.",
            ),
            (
                406,
                json!({"computeFault": {"code": 406, "message": "Version 2.999 is not supported by the API. Minimum is 2.1 and maximum is 2.96."}}),
                ErrorKind::Unsupported,
                "HTTP 406: Version 2.999 is not supported by the API. Minimum is 2.1 and maximum is 2.96.",
            ),
            (
                409,
                json!({"conflictingRequest": {"code": 409, "message": "Cannot 'stop' instance 1 while it is in vm_state stopped"}}),
                ErrorKind::Conflict,
                "HTTP 409: Cannot 'stop' instance 1 while it is in vm_state stopped",
            ),
            (
                404,
                json!({"faultcode": "Client", "faultstring": "Load Balancer 1 not found.", "debuginfo": null}),
                ErrorKind::NotFound,
                "HTTP 404: Load Balancer 1 not found.",
            ),
            (
                500,
                json!({"faultcode": "Server", "faultstring": "broken", "debuginfo": "trace"}),
                ErrorKind::Transient,
                "HTTP 500: broken (trace)",
            ),
            (
                404,
                json!({"NeutronError": {"type": "NetworkNotFound", "message": "Network 1 could not be found.", "detail": ""}}),
                ErrorKind::NotFound,
                "HTTP 404: Network 1 could not be found. (NetworkNotFound)",
            ),
            (
                409,
                json!({"NeutronError": {"type": "RouterInUse", "message": "Router 1 still has ports", "detail": ""}}),
                ErrorKind::Conflict,
                "HTTP 409: Router 1 still has ports (RouterInUse)",
            ),
            (
                404,
                json!({"errors": [{"request_id": "", "code": "client", "status": 404, "title": "Cluster 1 could not be found", "detail": "Cluster 1 could not be found.", "links": []}]}),
                ErrorKind::NotFound,
                "HTTP 404: Cluster 1 could not be found.",
            ),
            (
                404,
                json!({"errors": [{"status": 404, "title": "Not Found", "detail": "The resource could not be found.\n\n No resource provider with uuid 1 found  ", "request_id": "req-1"}]}),
                ErrorKind::NotFound,
                "HTTP 404: No resource provider with uuid 1 found",
            ),
            (
                403,
                json!({"errors": [{"status": 403, "title": "Forbidden", "detail": "Access was denied to this resource.\n\n Policy does not allow placement:resource_providers:list to be performed.  "}]}),
                ErrorKind::Forbidden,
                "HTTP 403: Policy does not allow placement:resource_providers:list to be performed.",
            ),
            (
                404,
                json!({"message": "No image found with ID 1<br /><br />\n\n\n", "code": "404 Not Found"}),
                ErrorKind::NotFound,
                "HTTP 404: No image found with ID 1",
            ),
            (
                404,
                json!({"error": {"code": 404, "message": "Could not find project: 1.", "title": "Not Found"}}),
                ErrorKind::NotFound,
                "HTTP 404: Could not find project: 1.",
            ),
            (400, json!({"error": "plain"}), ErrorKind::Invalid, "HTTP 400: plain"),
            (429, json!(null), ErrorKind::Transient, "HTTP 429"),
        ] {
            assert_eq!(said(status, &body.to_string()), (kind, words.to_string()));
        }
        let glance = |words: &str| {
            format!(
                "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  {words}<br /><br />\n\n\n\n </body>\n</html>"
            )
        };
        assert_eq!(
            said(404, &glance("No image found with ID 1")),
            (ErrorKind::NotFound, "HTTP 404: No image found with ID 1".into())
        );
        assert_eq!(
            said(400, &glance("Provided object: &#x27;image&#x27;")).1,
            "HTTP 400: Provided object: 'image'"
        );
    }

    #[test]
    fn an_api_that_is_not_served_is_no_missing_thing() {
        let page = "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  The resource could not be found.<br /><br />\n\n\n\n </body>\n</html>";
        for body in [
            page,
            r#"{"code": 404, "title": "Not Found", "description": ""}"#,
            r#"{"errors": [{"request_id": "", "code": "", "status": 404, "title": "", "detail": "", "links": []}]}"#,
            r#"{"NeutronError": {"type": "HTTPNotFound", "message": "The resource could not be found.", "detail": ""}}"#,
            r#"{"errors": [{"status": 404, "title": "Not Found", "detail": "The resource could not be found.\n\n   "}]}"#,
            "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was not found on the server.</p>",
            "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx/1.24.0</center>",
            r#"{"message": "The resource could not be found.<br /><br />\n\n\n", "code": "404 Not Found", "title": "Not Found"}"#,
            "404 page not found",
            "",
        ] {
            assert_eq!(said(404, body).0, ErrorKind::Unsupported, "{body}");
        }
    }

    #[test]
    fn a_cluster_that_magnum_cannot_show_yet_is_asked_for_again() {
        let words = "Invalid input for field/attribute master_count. Value: '0'. Value should be greater or equal to 1";
        let body = json!({"errors": [{"status": 400, "title": words, "detail": words, "code": "client"}]});
        let between = answer(400, &body.to_string());
        let e = fault_of_read("x", &between);
        assert_eq!(e.kind(), ErrorKind::Transient, "{e}");
        assert!(e.to_string().contains("master_count"), "{e}");
        assert_eq!(fault("x", &between).kind(), ErrorKind::Invalid, "asked for so: it stays wrong");
        let limit = body.to_string().replace("master_count. Value: '0'", "limit. Value: 'x'");
        assert_eq!(fault_of_read("x", &answer(400, &limit)).kind(), ErrorKind::Invalid);
    }

    #[test]
    fn a_withheld_answer_is_not_quoted() {
        let mut answer = answer(400, r#"{"badRequest": {"message": "hunter2"}}"#);
        answer.withheld = true;
        let e = fault("x", &answer);
        assert_eq!(
            e.to_string(),
            "x: HTTP 400: the service's words are withheld: the request carries a secret"
        );
    }

    #[test]
    fn an_error_has_what_the_services_own_log_needs() {
        let mut answer =
            answer(403, r#"{"forbidden": {"code": 403, "message": "Quota exceeded for cores"}}"#);
        answer.headers.insert("X-Compute-Request-Id", "req-9".parse().unwrap());
        let e = fault("x", &answer);
        assert_eq!((e.detail().status, e.detail().request_id.as_deref()), (Some(403), Some("req-9")));
        assert_eq!(e.detail().help.as_deref(), Some("the project's quota is used up"));
    }
}
