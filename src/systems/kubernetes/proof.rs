//! What proves that a change was made: the answer that the Kubernetes API documents for it (`docs/answers.md` names the
//! sources). Any other leaves the change in doubt.

use serde_json::Value;

use crate::base::{Error, ErrorKind};
use crate::systems::http::Answer;

use super::ask::Ask;

/// The answer that the API documents for a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proof {
    /// The statuses of success.
    statuses: &'static [u16],
    /// The kind of the object that is answered: `Deployment`, `Scale`.
    kind: String,
    /// The object's name, or the beginning of one that the server makes.
    name: Name,
    /// A `Status` that says so proves it as well.
    or_status: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Is(String),
    Begins(String),
}

impl Proof {
    /// Of a creation by `POST`: the object.
    pub(super) fn created(kind: &str, name: &str) -> Self {
        Proof::of(&[200, 201, 202], kind, Name::Is(name.to_string()))
    }

    /// Of a creation whose name the server makes.
    pub(super) fn generated(kind: &str, beginning: &str) -> Self {
        Proof::of(&[200, 201, 202], kind, Name::Begins(beginning.to_string()))
    }

    /// Of a patch, which server-side apply is too: the object as it is now.
    pub(super) fn patched(kind: &str, name: &str) -> Self {
        Proof::of(&[200, 201], kind, Name::Is(name.to_string()))
    }

    /// Of a deletion: the object that goes, or a `Status`.
    pub(super) fn deleted(kind: &str, name: &str) -> Self {
        Proof { or_status: true, ..Proof::of(&[200, 202], kind, Name::Is(name.to_string())) }
    }

    fn of(statuses: &'static [u16], kind: &str, name: Name) -> Self {
        Proof { statuses, kind: kind.to_string(), name, or_status: false }
    }

    /// The answer's JSON, where it proves the change.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`]: it is in doubt.
    pub(super) fn take(&self, ask: &Ask, answer: &Answer) -> Result<Value, Error> {
        match serde_json::from_slice::<Value>(&answer.body) {
            Ok(body) if self.statuses.contains(&answer.status) && self.fits(&body) => Ok(body),
            _ => Err(unproven(ask, answer, &self.due())),
        }
    }

    fn fits(&self, body: &Value) -> bool {
        let name = body["metadata"]["name"].as_str().unwrap_or_default();
        let is_it = body["kind"] == self.kind.as_str()
            && match &self.name {
                Name::Is(wanted) => name == wanted,
                Name::Begins(wanted) => name.starts_with(wanted.as_str()),
            };
        let told_of = body["details"]["name"].as_str();
        let of_it = told_of.is_none_or(|told| matches!(&self.name, Name::Is(name) if name == told));
        is_it || self.or_status && body["kind"] == "Status" && body["status"] == "Success" && of_it
    }

    fn due(&self) -> String {
        let statuses = self.statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ");
        let (Name::Is(name) | Name::Begins(name)) = &self.name;
        let more = if self.or_status { " or a Status" } else { "" };
        format!("{statuses} with {} {name}{more} was due", self.kind)
    }
}

/// The error for a change whose answer is none that the API documents.
pub(super) fn unproven(ask: &Ask, answer: &Answer, due: &str) -> Error {
    let what = format!("whether the cluster did this is not known: {} {}", ask.method, ask.path());
    let error = Error::new(ErrorKind::Protocol, what)
        .status(answer.status)
        .cause(format!("{}, where {due}", answer.told()))
        .help(
            "something between here and the cluster may have answered in its place: look whether the change took \
             effect before sending it again",
        );
    match answer.directions() {
        Some(directions) => error.cause(directions),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, Method};
    use serde_json::json;

    fn kind(proof: &Proof, status: u16, body: &str) -> Option<ErrorKind> {
        let answer = Answer {
            status,
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
            tries: 1,
            withheld: false,
        };
        proof.take(&Ask::new(Method::POST, "/x", None), &answer).err().map(|e| e.kind())
    }

    fn object(kind: &str, name: &str) -> String {
        json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}).to_string()
    }

    #[test]
    fn only_the_object_itself_proves_a_change() {
        let doubt = Some(ErrorKind::Protocol);
        let success = json!({"kind": "Status", "status": "Success"}).to_string();
        let cases = [
            (Proof::created("Service", "web"), 201),
            (Proof::patched("Scale", "web"), 200),
            (Proof::deleted("Service", "web"), 200),
            (Proof::deleted("Service", "web"), 202),
        ];
        for (proof, status) in cases {
            let own = object(&proof.kind, "web");
            assert_eq!(kind(&proof, status, &own), None, "{proof:?}");
            for (status, body) in [
                (204, ""),
                (status, ""),
                (status, "<html>Log in</html>"),
                (status, "{}"),
                (status, &own[..own.len() / 2]),
                (status, &object(&proof.kind, "other")),
                (status, &object("Secret", "web")),
                (302, &own),
                (206, &own),
            ] {
                assert_eq!(kind(&proof, status, body), doubt, "{proof:?}: {status} {body}");
            }
            let by_status = if proof.or_status { None } else { doubt };
            assert_eq!(kind(&proof, status, &success), by_status, "{proof:?}");
        }
        assert_eq!(kind(&Proof::generated("Job", "clean-"), 201, &object("Job", "clean-x7")), None);
        assert_eq!(kind(&Proof::generated("Job", "clean-"), 201, &object("Job", "x7")), doubt);
    }
}
