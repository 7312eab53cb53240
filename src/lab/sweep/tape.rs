//! What a rehearsal was answered.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::http::Method;
use serde_json::Value;

use crate::lab::amend::{Courses, entry, identity, member};
use crate::lab::exchange::{Answer, Body, Request};
use crate::lab::machines::Reply;

/// What a rehearsal was answered, by the things that the answers are about.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    exchanges: Vec<Exchange>,
    /// Commands and what they printed, each once: service, `PLACE: LINE`, standard output.
    pub(super) commands: Vec<(String, String, String)>,
}

#[derive(Clone, Debug)]
struct Exchange {
    service: String,
    method: Method,
    path: String,
    body: Value,
}

/// One thing that answers were about.
#[derive(Clone, Debug, Default)]
pub struct Thing {
    /// The service: `octavia`.
    pub service: String,
    /// What it is: `loadbalancer`; of a request whose answer is about no thing with an id, its path.
    pub kind: String,
    /// What people call it.
    pub name: String,
    /// Its fields, each with the values it took in turn.
    pub fields: BTreeMap<String, Course>,
    /// The whole of it, as it was answered with the most fields.
    pub whole: Value,
    /// It is an entry of the list that a collection's request was answered with.
    pub listed: bool,
}

/// The values that a field took, in turn; `None`: it was not there.
pub type Course = Vec<Value>;

impl Tape {
    pub(in crate::lab) fn exchange(&mut self, service: &str, request: &Request, answer: &Answer) {
        if !(200..300).contains(&answer.status) {
            return;
        }
        let mut keep = |body: Value| {
            let (method, path) = (request.method.clone(), request.path.clone());
            self.exchanges.push(Exchange { service: service.into(), method, path, body });
        };
        match &answer.body {
            Body::Json(body) => keep(body.clone()),
            // each line of a watch is about a thing
            Body::Flow(flow) => {
                let events = flow.text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
                events.filter(|e| e["type"] != "BOOKMARK").for_each(|mut e| keep(e["object"].take()));
            }
            _ => {}
        }
    }

    pub(in crate::lab) fn command(&mut self, service: &str, place: &str, line: &str, reply: &Reply) {
        let said = (service.to_string(), format!("{place}: {line}"), reply.stdout.clone());
        if reply.code == 0 && !self.commands.contains(&said) {
            self.commands.push(said);
        }
    }

    /// The ids of what the catalogues of tokens name and the run never called: endpoints of services that it sent nothing to,
    /// or of another interface than the public one, and such services.
    pub(super) fn uncalled(&self) -> BTreeSet<String> {
        // where tokens come from, the site says and no catalogue
        let sent = self.exchanges.iter().filter(|e| e.path != "/v3/auth/tokens");
        let called: BTreeSet<&str> = sent.map(|e| e.service.as_str()).collect();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let id = |value: &Value| value["id"].as_str().map(str::to_string);
        let mut found = BTreeSet::new();
        for service in self.exchanges.iter().flat_map(|e| list(&e.body["token"]["catalog"])) {
            let is_called = service["name"].as_str().is_some_and(|name| called.contains(name));
            let endpoints = list(&service["endpoints"]);
            let uncalled = endpoints.iter().filter(|e| !is_called || e["interface"] != "public");
            found.extend(uncalled.filter_map(id));
            found.extend(id(&service).filter(|_| !is_called));
        }
        found
    }

    /// The paths whose answers were lists of things: service and path, each once.
    pub(super) fn lists(&self) -> Vec<(String, String)> {
        let mut lists = Vec::new();
        for exchange in self.exchanges.iter().filter(|e| e.method == Method::GET) {
            let is_thing = |item: &Value| item.as_object().is_some_and(|o| identity(o).is_some());
            let has_things = |v: &Value| v.as_array().is_some_and(|items| items.iter().any(is_thing));
            let is = exchange.body.as_object().is_some_and(|o| o.values().any(has_things));
            let list = (exchange.service.clone(), exchange.path.clone());
            if is && !lists.contains(&list) {
                lists.push(list);
            }
        }
        lists
    }

    /// The things that the answers were about, by id, in the order in which they were met.
    pub fn things(&self) -> Vec<(String, Thing)> {
        let mut all = Met::default();
        for exchange in &self.exchanges {
            let kind = kind_of_path(&exchange.path);
            let body = &exchange.body;
            let kind = match body["kind"].as_str().filter(|_| exchange.service == "kubernetes") {
                Some(kind) => kind.strip_suffix("List").unwrap_or(kind).to_string(),
                None => kind,
            };
            // what Kubernetes says to a change is a remark: the object shows what came of it
            let remark = exchange.service == "kubernetes" && exchange.method != Method::GET;
            let met = body.as_object().and_then(identity).is_some();
            if !met && !remark {
                let place = format!("{} {}", exchange.method, exchange.path);
                let thing = all.thing(&place, &exchange.service, &exchange.path);
                thing.name.clone_from(&place);
                all.fields(&place, "", body);
            }
            all.walk(&exchange.service, &kind, body, false);
        }
        all.order.into_iter().filter_map(|id| Some((id.clone(), all.things.remove(&id)?))).collect()
    }
}

#[derive(Default)]
struct Met {
    order: Vec<String>,
    things: HashMap<String, Thing>,
    courses: Courses,
}

impl Met {
    fn thing(&mut self, id: &str, service: &str, kind: &str) -> &mut Thing {
        if !self.things.contains_key(id) {
            self.order.push(id.to_string());
        }
        self.things.entry(id.to_string()).or_insert_with(|| Thing {
            service: service.into(),
            kind: kind.into(),
            ..Thing::default()
        })
    }

    fn walk(&mut self, service: &str, kind: &str, value: &Value, listed: bool) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.walk(service, kind, item, true)),
            Value::Object(object) => {
                if let Some(id) = identity(object).map(str::to_string) {
                    let own = object.get("kind").and_then(Value::as_str).filter(|_| service == "kubernetes");
                    let thing = self.thing(&id, service, own.unwrap_or(kind));
                    thing.listed |= listed && object.len() > 3;
                    let more = object.len() > thing.whole.as_object().map_or(0, serde_json::Map::len);
                    if more {
                        // another service may have named it before: it is the one's that shows the most of it
                        if thing.service != service {
                            thing.fields.clear();
                            (thing.service, thing.kind) = (service.into(), own.unwrap_or(kind).into());
                        }
                        thing.whole = value.clone();
                    }
                    let is_own = thing.service == service;
                    let name =
                        [&value["name"], &value["metadata"]["name"]].into_iter().find_map(Value::as_str);
                    if let Some(name) = name.filter(|_| is_own) {
                        thing.name = name.to_string();
                    }
                    if is_own {
                        self.fields(&id, "", value);
                    }
                }
                for (key, inner) in object {
                    let plain = ["items", "status", "metadata", "spec"].contains(&key.as_str());
                    let inside = if plain { kind } else { singular(key) };
                    self.walk(service, inside, inner, false);
                }
            }
            _ => {}
        }
    }

    /// The fields of a thing, as far as they are not in another one.
    fn fields(&mut self, id: &str, path: &str, value: &Value) {
        let below = |key: &str| if path.is_empty() { key.to_string() } else { format!("{path}/{key}") };
        let is_thing = |v: &Value| v.as_object().is_some_and(|o| identity(o).is_some());
        match value {
            Value::Object(object) => {
                for (key, inner) in object {
                    let skipped = key == "managedFields" || key == "ownerReferences" || is_thing(inner);
                    if !skipped {
                        self.field(id, &below(&member(key)), inner);
                    }
                }
            }
            Value::Array(items) => {
                for (n, item) in items.iter().enumerate().filter(|(_, item)| !is_thing(item)) {
                    self.field(id, &below(&entry(item, n)), item);
                }
            }
            _ => {}
        }
    }

    fn field(&mut self, id: &str, path: &str, value: &Value) {
        // what is in it counts for itself: of a list, how many there are
        let kept = match value {
            Value::Object(_) => Value::Object(serde_json::Map::new()),
            Value::Array(items) => Value::from(vec![Value::Null; items.len()]),
            plain => plain.clone(),
        };
        let turn = self.courses.turn(id, path, Some(value)) as usize;
        if let Some(thing) = self.things.get_mut(id) {
            let course = thing.fields.entry(path.to_string()).or_default();
            if turn >= course.len() {
                course.push(kept);
            }
        }
        if value.is_object() || value.is_array() {
            self.fields(id, path, value);
        }
    }
}

fn singular(key: &str) -> &str {
    if key == "amphorae" {
        return "amphora";
    }
    key.strip_suffix('s').filter(|short| !short.ends_with('s')).unwrap_or(key)
}

/// What a path's things are: `/v2/lbaas/loadbalancers/ID` has a `loadbalancer`.
fn kind_of_path(path: &str) -> String {
    let word = |part: &&str| {
        part.len() > 2
            && part.chars().all(|c| c.is_ascii_alphabetic() || c == '_' || c == '-')
            && *part != "detail"
    };
    singular(path.split('/').rfind(word).unwrap_or_default()).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tape(bodies: &[(&str, Value)]) -> Tape {
        let exchange = |(path, body): &(&str, Value)| Exchange {
            service: "octavia".into(),
            method: Method::GET,
            path: (*path).into(),
            body: body.clone(),
        };
        Tape { exchanges: bodies.iter().map(exchange).collect(), commands: Vec::new() }
    }

    #[test]
    fn of_a_catalogue_what_was_called_counts() {
        let endpoint = |id: &str, interface: &str| json!({"id": id, "interface": interface});
        let catalog = json!([
            {"id": "octavia-id", "name": "octavia", "endpoints": [endpoint("a", "public"), endpoint("b", "admin")]},
            {"id": "cinder-id", "name": "cinder", "endpoints": [endpoint("c", "public")]},
        ]);
        let token = ("/v3/auth/tokens", json!({"token": {"catalog": catalog}}));
        let called = tape(&[token.clone(), ("/v2/lbaas/loadbalancers", json!({}))]).uncalled();
        assert_eq!(called.into_iter().collect::<Vec<_>>(), ["b", "c", "cinder-id"]);
        let uncalled: Vec<String> = tape(&[token]).uncalled().into_iter().collect();
        assert_eq!(uncalled, ["a", "b", "c", "cinder-id", "octavia-id"]);
    }

    #[test]
    fn a_thing_is_one_in_all_answers_and_its_fields_have_a_course() {
        let lb = |status: &str| json!({"id": "0f968008-0001", "name": "api", "provisioning_status": status, "pools": [{"id": "0f968008-0002"}]});
        let tape = tape(&[
            ("/v2/lbaas/loadbalancers", json!({"loadbalancers": [lb("ACTIVE")]})),
            ("/v2/lbaas/loadbalancers/0f968008-0001", json!({"loadbalancer": lb("PENDING_UPDATE")})),
            ("/v2/lbaas/loadbalancers/0f968008-0001", json!({"loadbalancer": lb("ACTIVE")})),
        ]);
        let things = tape.things();
        let (_, found) = things.iter().find(|(id, _)| id == "0f968008-0001").unwrap();
        assert_eq!((found.kind.as_str(), found.name.as_str(), found.listed), ("loadbalancer", "api", true));
        assert_eq!(found.fields["provisioning_status"], ["ACTIVE", "PENDING_UPDATE", "ACTIVE"]);
        assert_eq!(found.fields["pools"], [json!([null])]);
        assert!(things.iter().any(|(id, thing)| id == "0f968008-0002" && thing.kind == "pool"));
        assert_eq!(tape.lists(), [("octavia".to_string(), "/v2/lbaas/loadbalancers".to_string())]);
    }

    #[test]
    fn a_thing_that_two_services_show_is_the_one_s_that_shows_the_most_of_it() {
        let of = |service: &str, path: &str, body: Value| Exchange {
            service: service.into(),
            method: Method::GET,
            path: path.into(),
            body,
        };
        let named = || json!({"kind": "OpenStackCluster", "metadata": {"uid": "aaaaaaaa-0001", "name": "c"}, "status": {"network": {"id": "4a650f23-0001", "name": "net", "subnets": []}}});
        let shown = json!({"networks": [{"id": "4a650f23-0001", "name": "net", "status": "ACTIVE", "mtu": 1500, "shared": false}]});
        let exchanges = vec![
            of("kubernetes", "/apis/x/openstackclusters/c", named()),
            of("neutron", "/v2.0/networks", shown),
            of("kubernetes", "/apis/x/openstackclusters/c", named()),
        ];
        let things = Tape { exchanges, commands: Vec::new() }.things();
        let (_, network) = things.iter().find(|(id, _)| id == "4a650f23-0001").unwrap();
        assert_eq!((network.service.as_str(), network.kind.as_str()), ("neutron", "network"));
        assert!(network.fields.contains_key("status") && !network.fields.contains_key("subnets"));
    }
}
