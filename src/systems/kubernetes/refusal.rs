//! What the API server means by an answer that is no success.

use serde::Deserialize;

use crate::base::{Error, ErrorKind};
use crate::systems::http::Answer;

use super::ask::Ask;
use super::proof::unproven;

/// A `Status` object, as far as it is looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    kind: String,
    message: String,
    reason: String,
    details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    name: String,
    kind: String,
    causes: Vec<Cause>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cause {
    reason: String,
    message: String,
    field: String,
}

/// The error behind an answer that is no success.
///
/// A 404 means an absent object only where a `Status` names one. The API server's plain
/// `404 page not found` means that it does not serve the version or the resource at all.
pub(super) fn refusal(ask: &Ask, answer: &Answer) -> Error {
    let status = serde_json::from_slice::<Status>(&answer.body).ok().filter(|s| s.kind == "Status");
    let error = match &status {
        Some(status) => stated(ask, answer, status),
        None => unstated(ask, answer),
    };
    let reason = status.map(|s| s.reason).filter(|r| !r.is_empty());
    let reason = reason.map(|r| format!(" {r}")).unwrap_or_default();
    let times = if answer.tries > 1 { format!(", {} times", answer.tries) } else { String::new() };
    let answered =
        format!("{} {} was answered with {}{reason}{times}", ask.method, ask.path(), answer.status);
    let error = error.status(answer.status).cause(answered);
    let error = match answer.directions() {
        Some(directions) if !error.detail().causes.contains(&directions) => error.cause(directions),
        _ => error,
    };
    match answer.header("audit-id") {
        Some(id) => error.request_id(id),
        None => error,
    }
}

fn kind(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        404 | 405 | 406 | 415 | 501 => ErrorKind::Unsupported,
        409 => ErrorKind::Conflict,
        400 | 413 | 422 => ErrorKind::Invalid,
        // 410 is an expired list or watch, which starts over
        410 | 429 | 500..=599 => ErrorKind::Transient,
        _ => ErrorKind::Protocol,
    }
}

/// The API server's own words for a path that it does not serve.
const UNSERVED: &str = "404 page not found";

fn unstated(ask: &Ask, answer: &Answer) -> Error {
    let path = ask.path();
    match answer.status {
        404 if ask.is_read() || answer.text().trim() == UNSERVED => {
            Error::new(ErrorKind::Unsupported, format!("the cluster does not serve {path}")).help(
                "this does not say that the object is absent: its API version or resource is not served",
            )
        }
        // only the API server itself can say that a change did not take place
        status if !ask.is_read() && kind(status) != ErrorKind::Transient => {
            unproven(ask, answer, "a Status was due")
        }
        status => {
            let words = answer.first_words();
            let what = format!("the cluster refused {} {path}", ask.method);
            let error = Error::new(kind(status), what);
            if words.is_empty() { error } else { error.cause(format!("\"{words}\"")) }
        }
    }
}

fn stated(ask: &Ask, answer: &Answer, status: &Status) -> Error {
    let none = Details::default();
    let details = status.details.as_ref().unwrap_or(&none);
    let object = format!("{} \"{}\"", details.kind, details.name);
    let kind = match answer.status {
        // every Status for an absent object names it; one for a resource that is not served does not
        404 if !details.name.is_empty() => ErrorKind::NotFound,
        // the apiserver's answer to a failed `test` of a JSON patch, and to nothing else
        422 if ask.content_type == Some(super::call::JSON_PATCH) && details.causes.is_empty() => {
            ErrorKind::Conflict
        }
        code => kind(code),
    };
    // a patch that cannot be applied at all is told with a cause, and of no object
    let invalid = status.reason == "Invalid" && !details.causes.is_empty() && !details.kind.is_empty();
    let what = match (kind, invalid) {
        (ErrorKind::Conflict, false) if answer.status == 422 => {
            "the object is no longer what the patch tests for".to_string()
        }
        (_, true) => format!("{object} is invalid"),
        (ErrorKind::Unauthorized, _) => "the cluster does not accept this handle's credential".to_string(),
        _ if answer.withheld => format!("the cluster refused {} {}", ask.method, ask.path()),
        _ if status.message.is_empty() || status.message.starts_with(" \"\"") => {
            format!("the cluster refused {} {}", ask.method, ask.path())
        }
        _ => status.message.clone(),
    };
    let mut error = Error::new(kind, what);
    if answer.withheld {
        error = error.cause("its message is withheld: the request carries a secret");
    }
    for cause in &details.causes {
        let words = if answer.withheld { &cause.reason } else { &cause.message };
        error = error.cause(if cause.field.is_empty() {
            words.clone()
        } else {
            format!("{}: {words}", cause.field)
        });
    }
    match advice(kind, answer, status, details) {
        Some(help) => error.help(help),
        None => error,
    }
}

fn advice(kind: ErrorKind, answer: &Answer, status: &Status, details: &Details) -> Option<String> {
    Some(match kind {
        ErrorKind::Unauthorized => {
            "the certificate or token of its kubeconfig has expired, or is of another cluster".to_string()
        }
        ErrorKind::Forbidden if status.message.contains("\"system:anonymous\"") => {
            "the request came without a user: the kubeconfig holds no credential, or the certificate of another \
             cluster"
                .to_string()
        }
        ErrorKind::Forbidden => "a Role or ClusterRole bound to this user must allow it".to_string(),
        ErrorKind::Conflict if details.causes.iter().any(|c| c.reason == "FieldManagerConflict") => {
            "another manager owns these fields; apply with `force` to take them over".to_string()
        }
        ErrorKind::Conflict if answer.status == 422 => "read the object again and decide anew".to_string(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, Method};
    use serde_json::{Value, json};

    fn answer(status: u16, body: Vec<u8>, withheld: bool) -> Answer {
        Answer { status, headers: HeaderMap::new(), body, tries: 1, withheld }
    }

    fn refused(status: u16, body: Value) -> Error {
        refusal(&Ask::get("/api/v1/nodes?limit=1"), &answer(status, body.to_string().into_bytes(), false))
    }

    fn status(code: u16, reason: &str, message: &str, details: Value) -> Value {
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
               "code": code, "reason": reason, "message": message, "details": details})
    }

    #[test]
    fn only_a_named_object_is_absent() {
        let details = json!({"kind": "services", "name": "absent"});
        let error = refused(404, status(404, "NotFound", "services \"absent\" not found", details));
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(
            error.to_string(),
            "services \"absent\" not found: GET /api/v1/nodes was answered with 404 NotFound"
        );
        let message = "the server could not find the requested resource";
        let error = refused(404, status(404, "NotFound", message, json!({})));
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn a_plain_404_is_an_unserved_version() {
        let ask = Ask::get("/apis/infrastructure.cluster.x-k8s.io/v1alpha6/openstackclusters");
        let error = refusal(&ask, &answer(404, b"404 page not found\n".to_vec(), false));
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("v1alpha6"), "{error}");
        assert!(error.detail().help.clone().unwrap().contains("does not say that the object is absent"));
    }

    #[test]
    fn each_status_has_its_kind() {
        for (code, kind) in [
            (400, ErrorKind::Invalid),
            (401, ErrorKind::Unauthorized),
            (403, ErrorKind::Forbidden),
            (405, ErrorKind::Unsupported),
            (409, ErrorKind::Conflict),
            (422, ErrorKind::Invalid),
            (429, ErrorKind::Transient),
            (500, ErrorKind::Transient),
            (503, ErrorKind::Transient),
            (302, ErrorKind::Protocol),
        ] {
            assert_eq!(refused(code, status(code, "X", "m", Value::Null)).kind(), kind, "{code}");
            let plain = refusal(&Ask::get("/x"), &answer(code, b"<html><b>oops</b></html>".to_vec(), false));
            assert_eq!(plain.kind(), kind, "{code}");
            assert!(plain.to_string().contains("oops"), "{plain}");
        }
    }

    #[test]
    fn nobody_in_particular_is_told_from_somebody_without_rights() {
        let help = |user: &str| {
            let message = format!("nodes is forbidden: User \"{user}\" cannot list resource \"nodes\"");
            let error = refused(403, status(403, "Forbidden", &message, json!({"kind": "nodes"})));
            assert_eq!(error.kind(), ErrorKind::Forbidden);
            error.detail().help.clone().unwrap()
        };
        assert!(help("system:anonymous").contains("came without a user"));
        assert!(help("viewer").contains("ClusterRole"));
    }

    #[test]
    fn each_cause_of_an_invalid_object_is_told() {
        let details = json!({"kind": "Deployment", "name": "x", "causes": [
            {"reason": "FieldValueInvalid", "field": "spec.replicas", "message": "Invalid value: -1"},
        ]});
        let error = refused(422, status(422, "Invalid", "Deployment x is invalid: [...]", details));
        assert!(
            error.to_string().starts_with("Deployment \"x\" is invalid: spec.replicas: Invalid value: -1")
        );
        let details = json!({"causes": [{"reason": "FieldValueInvalid", "field": "patch", "message": "Invalid value: 1"}]});
        let error =
            refused(422, status(422, "Invalid", " \"\" is invalid: patch: Invalid value: 1", details));
        assert!(
            error.to_string().starts_with("the cluster refused GET /api/v1/nodes: patch: Invalid value: 1"),
            "{error}"
        );
    }

    #[test]
    fn a_failed_test_of_a_json_patch_is_a_conflict() {
        let mut ask = Ask::new(Method::PATCH, "/x", None);
        ask.content_type = Some(super::super::call::JSON_PATCH);
        let body = status(
            422,
            "Invalid",
            "the server rejected our request due to an error in our request",
            json!({}),
        );
        let error = refusal(&ask, &answer(422, body.to_string().into_bytes(), false));
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(error.detail().help.as_deref(), Some("read the object again and decide anew"));
    }

    #[test]
    fn fields_of_other_managers_are_named() {
        let details = json!({"causes": [
            {"reason": "FieldManagerConflict", "field": ".spec.replicas", "message": "conflict with \"hpa\""}]});
        let error = refused(409, status(409, "Conflict", "Apply failed with 1 conflict", details));
        assert!(error.to_string().contains(".spec.replicas: conflict with \"hpa\""), "{error}");
        assert!(error.detail().help.clone().unwrap().contains("force"));
    }

    #[test]
    fn an_answer_to_a_secret_is_withheld() {
        let details = json!({"kind": "Secret", "name": "s", "causes": [
            {"reason": "FieldValueInvalid", "field": "data.key", "message": "Invalid value: \"hunter2\""}]});
        let body = status(422, "Invalid", "Secret s is invalid: hunter2", details).to_string().into_bytes();
        let error = refusal(&Ask::get("/x"), &answer(422, body, true));
        let shown = format!("{error} {:?}", error.detail());
        assert!(shown.contains("data.key: FieldValueInvalid"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
        let body = status(400, "BadRequest", "cannot decode hunter2", Value::Null).to_string().into_bytes();
        let error = refusal(&Ask::get("/x"), &answer(400, body, true));
        assert!(!format!("{error} {:?}", error.detail()).contains("hunter2"));
    }
}
