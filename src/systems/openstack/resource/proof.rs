//! What proves that a change was made: the answer that its API documents, as data (`docs/answers.md` names the sources).
//! Any other answer leaves the change in doubt: a proxy, a portal or another service may have given it.

use serde_json::Value;

use crate::base::{Payload, is_uuid};
use crate::systems::http::{Answer, Method};
use crate::systems::openstack::call::Call;

use super::recognise::{aim, recognise};
use super::row::Resource;

/// The answer that an API documents for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The statuses of success.
    pub statuses: &'static [u16],
    /// The body that goes with them.
    pub body: Shape,
}

/// What a body must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// No body, or `null`.
    Nothing,
    /// The thing itself, as the row has it: under its key, with its id.
    Thing,
    /// An object under this key.
    Under(&'static str),
    /// An object with this id of the thing.
    Id(&'static str),
    /// An object that has this key.
    Has(&'static str),
    /// Any of these.
    AnyOf(&'static [Shape]),
}

/// What proves the changes that every thing of a row knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proofs {
    /// That one was made.
    pub create: Proof,
    /// That one was changed.
    pub update: Proof,
    /// That one was deleted, or will be.
    pub delete: Proof,
}

impl Proof {
    /// No answer proves anything: what a row has that does not say better.
    pub const UNSTATED: Proof = Proof { statuses: &[], body: Shape::Nothing };

    /// A status with the thing in its body.
    pub(super) const fn thing(statuses: &'static [u16]) -> Proof {
        Proof { statuses, body: Shape::Thing }
    }

    /// A status without a body.
    pub(super) const fn nothing(statuses: &'static [u16]) -> Proof {
        Proof { statuses, body: Shape::Nothing }
    }
}

impl Proofs {
    /// Nothing is stated.
    pub const UNSTATED: Proofs =
        Proofs { create: Proof::UNSTATED, update: Proof::UNSTATED, delete: Proof::UNSTATED };

    /// The thing with these statuses when it is made and changed, and this one without a body when it is deleted.
    pub(super) const fn of(create: &'static [u16], update: &'static [u16], delete: &'static [u16]) -> Proofs {
        Proofs { create: Proof::thing(create), update: Proof::thing(update), delete: Proof::nothing(delete) }
    }
}

impl Resource {
    /// What proves one of its operations; `None` for one that reads.
    pub fn proof(&self, verb: &str) -> Option<Proof> {
        match verb {
            "create" => Some(self.proofs.create),
            "update" => Some(self.proofs.update),
            "delete" => Some(self.proofs.delete),
            verb => self.actions.iter().find(|a| a.name == verb && !a.reads()).map(|a| a.proof),
        }
    }
}

/// Why an answer does not prove that a change was made; `None` where it does.
pub(in crate::systems::openstack) fn flaw(call: &Call, sent: &str, answer: &Answer) -> Option<String> {
    let operation = call.operation.or_else(|| recognise(call, sent));
    let known = operation.and_then(|operation| {
        let row = super::all().find(|row| row.name == operation.resource)?;
        Some((row, operation.verb, row.proof(operation.verb)?))
    });
    let why = match known {
        Some((row, verb, proof)) => Asked::of(row, verb, call, sent).flaw(proof, answer),
        None => by_hand(answer),
    };
    why.map(|due| format!("{}, where {due}", answer.told()))
}

/// A call that no row covers: JSON, or no body where a status says that there need be none.
fn by_hand(answer: &Answer) -> Option<String> {
    let is_json = || serde_json::from_slice::<serde::de::IgnoredAny>(&answer.body).is_ok();
    let proves = match (answer.status, answer.body.is_empty()) {
        (201 | 202 | 204, true) => true,
        (200..=203, false) => is_json(),
        _ => false,
    };
    (!proves).then(|| "200 to 202 with JSON, or 201, 202 or 204 without a body, was due".to_string())
}

/// The field that whoever makes a thing calls it by: an id that the service makes is none.
fn name_key(row: &Resource) -> Option<&'static str> {
    row.name_key.or(Some(row.id_key).filter(|key| !matches!(*key, "id" | "uuid")))
}

/// What was asked for, to hold an answer to.
struct Asked<'a> {
    row: &'a Resource,
    /// The id of the thing that is changed.
    id: Option<String>,
    /// The name of the thing that is made.
    name: Option<&'a str>,
    /// How many are made at once.
    many: Option<usize>,
}

impl<'a> Asked<'a> {
    fn of(row: &'a Resource, verb: &str, call: &'a Call, sent: &str) -> Self {
        if verb != "create" {
            let id = aim(call, sent).filter(|aim| aim.row.is_some_and(|of| of.name == row.name));
            return Asked { row, id: id.map(|aim| aim.id), name: None, many: None };
        }
        let body = call.body.as_ref().map(Payload::expose);
        let many = body.and_then(|body| body.get(row.collection_key)?.as_array()).map(Vec::len);
        let fields = body.and_then(|body| row.item_key.map_or(Some(body), |key| body.get(key)));
        let name = fields.and_then(|fields| fields.get(name_key(row)?)?.as_str());
        Asked { row, id: None, name, many: many.filter(|_| call.method == Method::POST) }
    }

    /// What was due, where an answer is something else.
    fn flaw(&self, proof: Proof, answer: &Answer) -> Option<String> {
        let due = || {
            let statuses: Vec<String> = proof.statuses.iter().map(u16::to_string).collect();
            let statuses = if statuses.is_empty() { "nothing".into() } else { statuses.join(" or ") };
            format!("{statuses} with {} was due", self.told(proof.body))
        };
        let body = match answer.body.is_empty() {
            true => None,
            false => match serde_json::from_slice::<Value>(&answer.body) {
                // what some frameworks write for none
                Ok(Value::Null) => None,
                Ok(body) => Some(body),
                Err(_) => return Some(due()),
            },
        };
        let is_right = proof.statuses.contains(&answer.status) && self.fits(proof.body, body.as_ref());
        (!is_right).then(due)
    }

    fn fits(&self, shape: Shape, body: Option<&Value>) -> bool {
        match (shape, body) {
            (Shape::AnyOf(shapes), _) => shapes.iter().any(|shape| self.fits(*shape, body)),
            (Shape::Nothing, body) => body.is_none(),
            (_, None) => false,
            (Shape::Under(key), Some(body)) => body.get(key).is_some_and(Value::is_object),
            (Shape::Id(key), Some(body)) => self.is_it(&body[key]),
            (Shape::Has(key), Some(body)) => body.get(key).is_some(),
            (Shape::Thing, Some(body)) => match self.many {
                Some(many) => body[self.row.collection_key].as_array().is_some_and(|all| all.len() == many),
                None => self
                    .row
                    .item_key
                    .map_or(Some(body), |key| body.get(key))
                    .is_some_and(|thing| self.is_it(&thing[self.row.id_key]) && self.has_the_name(thing)),
            },
        }
    }

    /// Whether an id is one, and of the thing that was asked for. A thing may have been asked for by its name.
    fn is_it(&self, id: &Value) -> bool {
        let plain = |id: &str| id.replace('-', "").to_ascii_lowercase();
        match (id, &self.id) {
            (Value::Number(_), _) => true,
            (Value::String(id), Some(asked)) if is_uuid(asked) => plain(id) == plain(asked),
            (Value::String(id), _) => !id.is_empty(),
            _ => false,
        }
    }

    /// Whether it bears the name that it was to have, where the answer tells one.
    fn has_the_name(&self, thing: &Value) -> bool {
        let is = name_key(self.row).and_then(|key| thing.get(key)?.as_str());
        // services cut the blanks around a name
        self.name.zip(is).is_none_or(|(asked, is)| asked.trim() == is.trim())
    }

    fn told(&self, shape: Shape) -> String {
        let thing = || match (self.many, self.name) {
            (Some(many), _) => format!("{many} in `{}`", self.row.collection_key),
            (None, Some(name)) => format!("the {} {name}", self.row.title),
            (None, None) => format!("the {}", self.row.title),
        };
        match shape {
            Shape::Nothing => "no body".to_string(),
            Shape::Thing => thing(),
            Shape::Under(key) | Shape::Has(key) => format!("`{key}`"),
            Shape::Id(key) => format!("its `{key}`"),
            Shape::AnyOf(shapes) => {
                shapes.iter().map(|shape| self.told(*shape)).collect::<Vec<_>>().join(" or ")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::http::HeaderMap;

    const ID: &str = "0f96d4e1-0000-4000-8000-000000000001";

    /// A recorded shape as a body: each text some text, each choice its first.
    fn body(shape: &Value) -> Value {
        match shape {
            Value::Object(one) if one.contains_key("is") => one["is"].clone(),
            Value::Object(one) if one.contains_key("one of") => body(&one["one of"][0]),
            Value::Object(all) => {
                all.iter().map(|(key, of)| (key.trim_end_matches('?').to_string(), body(of))).collect()
            }
            Value::Array(all) => all.iter().map(body).collect(),
            other => other.clone(),
        }
    }

    /// Each `{thing}` of a recorded request as an id.
    fn filled(text: &str) -> String {
        let mut parts = text.split('{');
        let first = parts.next().unwrap_or_default().to_string();
        parts.fold(first, |text, part| text + ID + part.split_once('}').map_or(part, |(_, rest)| rest))
    }

    /// What real services were seen to answer, as the contract's witnesses recorded it, proves each change of a row.
    #[test]
    fn the_rules_are_those_of_the_recorded_services() {
        let mut seen = std::collections::BTreeSet::new();
        for (service, file) in [
            ("compute", "nova"),
            ("identity", "keystone"),
            ("image", "glance"),
            ("network", "neutron"),
            ("load-balancer", "octavia"),
            ("container-infra", "magnum"),
            ("block-storage", "cinder"),
        ] {
            let path = format!("{}/tests/contract/witness/{file}.json", env!("CARGO_MANIFEST_DIR"));
            let recorded: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
            for (request, answer) in recorded.as_object().unwrap() {
                let mut words = request.split(' ').skip(1);
                let method: Method = words.next().unwrap_or_default().parse().unwrap_or_default();
                let target = filled(words.nth(1).unwrap_or_default());
                let status = answer["status"].as_u64().unwrap_or_default();
                if matches!(method, Method::GET | Method::HEAD) || !(200..400).contains(&status) {
                    continue;
                }
                let mut call = Call::new(service, method, target.clone());
                let sent = request.find(" {\"").or_else(|| request.find(" [{"));
                call.body = sent.and_then(|at| {
                    let text = request[at + 1..].split(" #").next()?;
                    serde_json::from_str::<Value>(text).ok().map(Into::into)
                });
                let Some(operation) = recognise(&call, &target) else { continue };
                let row = super::super::find(operation.resource).unwrap();
                if row.proof(operation.verb).is_none() || answer.get("body").is_none() {
                    continue;
                }
                let asked = Asked::of(row, operation.verb, &call, &target);
                let mut body = body(&answer["body"]);
                // the recording has no values: the id and the name are those that were asked for
                let thing = match row.item_key.filter(|key| body.get(*key).is_some()) {
                    Some(key) => &mut body[key],
                    None => &mut body,
                };
                if thing.get(row.id_key).is_some() {
                    thing[row.id_key] = ID.into();
                }
                if let (Some(key), Some(name)) = (name_key(row), asked.name)
                    && thing.get(key).is_some()
                {
                    thing[key] = name.into();
                }
                let text = if body == "" { String::new() } else { body.to_string() };
                let answer = Answer {
                    status: u16::try_from(status).unwrap(),
                    headers: HeaderMap::new(),
                    body: text.into_bytes(),
                    tries: 1,
                    withheld: false,
                };
                assert_eq!(flaw(&call, &target, &answer), None, "{operation}: {request}");
                seen.insert(operation.to_string());
            }
        }
        let wanted = [
            "networks.create",
            "networks.delete",
            "routers.clear_gateway",
            "servers.create",
            "servers.stop",
            "servers.delete",
            "load_balancers.create",
            "load_balancers.update",
            "load_balancers.failover",
            "images.import_data",
            "images.delete",
            "clusters.create",
            "clusters.resize",
            "projects.create",
            "application_credentials.delete",
            "keypairs.create",
            "keypairs.delete",
            "certificates.create",
        ];
        for operation in wanted {
            assert!(seen.contains(operation), "{operation} is in no recording: {seen:?}");
        }
        assert!(seen.len() > 40, "{}: {seen:?}", seen.len());
    }
}
