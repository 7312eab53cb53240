//! A thing of the cloud that is other than the lab makes it, in every answer alike: its single answer, each list that
//! has it, and each filter that asks for it. That is how a state of a real cloud comes into a rehearsal that the lab's own
//! state machines never take.

use std::collections::{BTreeMap, HashMap};

use axum::http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::exchange::{Answer, Body, Request, encode, pairs};

/// One thing that is other than the lab makes it.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Amend {
    /// The thing: its id or uid. Of an answer that is about no such thing: `GET /path`.
    pub thing: String,
    /// The field, as members from the thing on, joined with `/`. An entry of a list is named by its place or by what it is
    /// (`conditions/type=Ready/status`). Nothing where the thing itself is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Which of the values that the field takes in its course is meant, from 0; all of them where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<u32>,
    /// What it is instead.
    pub is: Instead,
}

/// What a field or a thing is instead.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Instead {
    /// Another value.
    Value(toml::Value),
    /// Null.
    Null,
    /// Not there: a field that the answer does not have, or a thing that is gone.
    Missing,
    /// A list without entries.
    Empty,
    /// A list without its first entry.
    WithoutFirst,
    /// A list without its last entry.
    WithoutLast,
    /// A list (the thing is `GET /path`) that says there is a further page, which is then refused with 403.
    NextPageRefused,
    /// There is another thing like it beside it.
    Copy(Copy),
    /// Some of its fields are other together, as one cause makes them: by their paths from here on. What is not there is made;
    /// a path that ends in `/-` is one more entry of a list. `{ ago = "3m" }` is a time so long before now.
    With(BTreeMap<String, toml::Value>),
}

/// Another thing beside one.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Copy {
    /// Its id.
    pub id: String,
    /// Where it differs besides, as [`Instead::With`] has it.
    #[serde(default)]
    pub with: BTreeMap<String, toml::Value>,
    /// It is another project's: only an administrator sees it.
    #[serde(default)]
    pub foreign: bool,
}

/// All that is other, and how far each field of it has come.
#[derive(Default)]
pub(super) struct Amendments {
    of: HashMap<String, Vec<(Option<String>, Amend)>>,
    copies: Vec<Amend>,
    gone: Vec<String>,
    courses: Courses,
    /// The time of the answer at hand.
    now: Timestamp,
}

/// The value that each field of each thing has now, and how many it had before.
#[derive(Default)]
pub(super) struct Courses(HashMap<(String, String), (Value, u32)>);

impl Courses {
    /// Which of its values a field has now, from 0.
    pub(super) fn turn(&mut self, thing: &str, field: &str, value: Option<&Value>) -> u32 {
        let now = value.cloned().unwrap_or_default();
        let place = self.0.entry((thing.to_string(), field.to_string())).or_insert_with(|| (now.clone(), 0));
        if place.0 != now {
            *place = (now, place.1 + 1);
        }
        place.1
    }
}

/// What a request was before it was led to what is there.
pub(super) struct Led {
    /// Filters that the lab cannot apply, since it does not know what is other.
    filters: Vec<(String, String)>,
    /// It asks for a copy, which is shown instead of the thing.
    copy: Option<Amend>,
}

impl Amendments {
    pub(super) fn add(&mut self, service: Option<String>, amend: Amend) {
        match (&amend.is, &amend.field) {
            (Instead::Copy(_), _) => self.copies.push(amend),
            (Instead::Missing, None) => self.gone.push(amend.thing),
            _ => self.of.entry(amend.thing.clone()).or_default().push((service, amend)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.of.is_empty() && self.copies.is_empty() && self.gone.is_empty()
    }

    /// Before the service answers: leads a request for a copy to the thing, takes filters off that the answer is filtered by
    /// afterwards. The status of an answer, where nothing is to be asked.
    pub(super) fn before(&mut self, request: &mut Request) -> Result<Led, u16> {
        let has = |id: &str| request.path.split('/').any(|part| part == id);
        if self.gone.iter().any(|id| has(id)) {
            return Err(404);
        }
        let copy =
            self.copies.iter().find(|c| matches!(&c.is, Instead::Copy(copy) if has(&copy.id))).cloned();
        if let Some(Amend { thing, is: Instead::Copy(copy), .. }) = &copy {
            if request.method == Method::DELETE {
                self.gone.push(copy.id.clone());
                return Err(204);
            }
            if request.method != Method::GET {
                return Err(202);
            }
            request.path = request.path.replace(&copy.id, thing);
        }
        let refuses = |(_, a): &(_, Amend)| a.is == Instead::NextPageRefused;
        let place = format!("GET {}", request.path);
        if request.query.contains(REFUSED) && self.of.get(&place).is_some_and(|all| all.iter().any(refuses)) {
            return Err(403);
        }
        let mut filters = Vec::new();
        if request.method == Method::GET && !request.query.is_empty() {
            let (taken, left): (Vec<_>, Vec<_>) =
                pairs(&request.query).partition(|(key, _)| self.changes(key));
            if !taken.is_empty() {
                let left = left.iter().map(|(k, v)| format!("{}={}", encode(k), encode(v)));
                request.query = left.collect::<Vec<_>>().join("&");
                filters = taken;
            }
        }
        Ok(Led { filters, copy })
    }

    /// Whether a filter asks for a field that is other.
    fn changes(&self, key: &str) -> bool {
        let fields = self.of.values().flatten().filter_map(|(_, a)| a.field.as_deref());
        let copied = self.copies.iter().filter_map(|a| match &a.is {
            Instead::Copy(copy) => Some(copy.with.keys()),
            _ => None,
        });
        fields.chain(copied.flatten().map(String::as_str)).any(|field| field == key)
    }

    /// Makes an answer say what is other. Whether it is about a thing that is gone: then it is to be refused.
    pub(super) fn after(
        &mut self,
        service: &str,
        request: &Request,
        led: &Led,
        admin: bool,
        now: Timestamp,
        answer: &mut Answer,
    ) -> bool {
        if !(200..300).contains(&answer.status) {
            return false;
        }
        self.now = now;
        if let Body::Flow(flow) = &mut answer.body {
            flow.text = self.events(service, &flow.text, admin);
        }
        let Body::Json(body) = &mut answer.body else { return false };
        if is_gone(body, &self.gone) {
            return true;
        }
        self.walk(service, body, admin, led.copy.is_none());
        if let Some(Amend { thing, is: Instead::Copy(copy), .. }) = &led.copy {
            become_copy(body, thing, copy, now);
        }
        let place = format!("{} {}", request.method, request.path);
        let of_place = self.of.get(&place).cloned().unwrap_or_default();
        for (_, amend) in of_place.iter().filter(|(s, _)| s.as_deref().is_none_or(|s| s == service)) {
            match &amend.is {
                Instead::NextPageRefused => add_page(body, request),
                _ => self.amend(&place, body, amend),
            }
        }
        filter(body, &led.filters);
        false
    }

    /// The lines of a watch, as far as they are about things that are not gone, and with a line for each copy.
    pub(super) fn events(&mut self, service: &str, text: &str, admin: bool) -> String {
        let mut told = String::new();
        for line in text.split_inclusive('\n') {
            let Ok(event) = serde_json::from_str::<Value>(line) else {
                told += line;
                continue;
            };
            if is_one_of(&event["object"], &self.gone) {
                continue;
            }
            let others = self.copies_of(&event["object"], admin);
            for object in std::iter::once(event["object"].clone()).chain(others) {
                let mut one = event.clone();
                one["object"] = object;
                self.walk(service, &mut one, admin, false);
                told += &format!("{one}\n");
            }
        }
        told
    }

    fn walk(&mut self, service: &str, value: &mut Value, admin: bool, copies: bool) {
        match value {
            Value::Array(items) => {
                items.retain(|item| !is_one_of(item, &self.gone));
                if copies {
                    let more: Vec<Value> =
                        items.iter().flat_map(|item| self.copies_of(item, admin)).collect();
                    items.extend(more);
                }
                items.iter_mut().for_each(|item| self.walk(service, item, admin, copies));
            }
            Value::Object(object) => {
                let thing = identity(object).map(str::to_string);
                object.values_mut().for_each(|member| self.walk(service, member, admin, copies));
                let Some(thing) = thing else { return };
                let Some(all) = self.of.get(&thing).cloned() else { return };
                for (_, amend) in all.iter().filter(|(s, _)| s.as_deref().is_none_or(|s| s == service)) {
                    self.amend(&thing, value, amend);
                }
            }
            _ => {}
        }
    }

    fn copies_of(&self, item: &Value, admin: bool) -> Vec<Value> {
        let Some(object) = item.as_object().filter(|o| !is_reference(o)) else { return Vec::new() };
        let Some(thing) = identity(object) else { return Vec::new() };
        let shown = |a: &&Amend| match &a.is {
            Instead::Copy(copy) => {
                a.thing == thing && (admin || !copy.foreign) && !self.gone.contains(&copy.id)
            }
            _ => false,
        };
        let make_one = |a: &Amend| {
            let mut made = item.clone();
            if let Instead::Copy(copy) = &a.is {
                become_copy(&mut made, thing, copy, self.now);
            }
            made
        };
        self.copies.iter().filter(shown).map(make_one).collect()
    }

    fn amend(&mut self, thing: &str, value: &mut Value, amend: &Amend) {
        if let Instead::With(fields) = &amend.is {
            if !thing.contains(' ') && value.as_object().is_none_or(is_reference) {
                return;
            }
            let here = match &amend.field {
                Some(field) => place(value, field),
                None => Some(value),
            };
            if let Some(here) = here {
                fields.iter().for_each(|(field, other)| make(here, field, timed(other, self.now)));
            }
            return;
        }
        let Some(field) = &amend.field else { return };
        let now = at(value, field).cloned();
        // a reference to the thing has few of its fields
        if now.is_none() && amend.is != Instead::Missing {
            return;
        }
        let turn = self.courses.turn(thing, field, now.as_ref());
        if amend.turn.is_none_or(|wanted| wanted == turn) {
            put(value, field, &amend.is);
        }
    }
}

/// What a page that is refused carries in its query.
const REFUSED: &str = "page-that-is-refused";

/// What tells a thing from others: its uid or its id.
pub(super) fn identity(object: &Map<String, Value>) -> Option<&str> {
    fn text<'m>(map: &'m Map<String, Value>, key: &str) -> Option<&'m str> {
        map.get(key)?.as_str().filter(|text| text.len() >= 8)
    }
    let meta = object.get("metadata").and_then(Value::as_object);
    meta.and_then(|meta| text(meta, "uid")).or_else(|| text(object, "id")).or_else(|| text(object, "uuid"))
}

/// Whether an object only refers to a thing: it has few of its fields. One of Kubernetes' in a list, which says no kind, has few and is
/// whole.
fn is_reference(object: &Map<String, Value>) -> bool {
    let is_whole = object.contains_key("metadata")
        && ["spec", "status", "data"].iter().any(|part| object.contains_key(*part));
    object.len() <= 3 && !is_whole
}

/// How an entry of a list is named in a field's path.
pub(super) fn entry(item: &Value, n: usize) -> String {
    let of = |key: &str| Some(format!("{key}={}", item.get(key)?.as_str()?.replace('/', "~1")));
    of("type").or_else(|| of("name")).unwrap_or_else(|| n.to_string())
}

/// A member's name in a field's path.
pub(super) fn member(key: &str) -> String {
    key.replace('/', "~1")
}

fn step<'v>(value: &'v mut Value, part: &str) -> Option<&'v mut Value> {
    match value {
        Value::Object(object) => object.get_mut(&part.replace("~1", "/")),
        Value::Array(items) => {
            let n = (0..items.len()).find(|n| entry(&items[*n], *n) == part)?;
            items.get_mut(n)
        }
        _ => None,
    }
}

fn place<'v>(value: &'v mut Value, field: &str) -> Option<&'v mut Value> {
    field.split('/').try_fold(value, step)
}

fn at<'v>(value: &'v mut Value, field: &str) -> Option<&'v Value> {
    place(value, field).map(|here| &*here)
}

fn put(value: &mut Value, field: &str, instead: &Instead) {
    let (parent, last) = match field.rsplit_once('/') {
        Some((parent, last)) => (parent.split('/').collect::<Vec<_>>(), last),
        None => (Vec::new(), field),
    };
    let mut here = value;
    for part in parent {
        let Some(next) = step(here, part) else { return };
        here = next;
    }
    if *instead == Instead::Missing {
        match here {
            Value::Object(object) => _ = object.shift_remove(&last.replace("~1", "/")),
            Value::Array(items) => {
                if let Some(n) = (0..items.len()).find(|n| entry(&items[*n], *n) == last) {
                    items.remove(n);
                }
            }
            _ => {}
        }
        return;
    }
    let Some(place) = step(here, last) else { return };
    match (instead, place) {
        (Instead::Value(other), place) => *place = json(other),
        (Instead::Null, place) => *place = Value::Null,
        (Instead::Empty, Value::Array(items)) => items.clear(),
        (Instead::Empty, Value::Object(members)) => members.clear(),
        (Instead::WithoutFirst, Value::Array(items)) if !items.is_empty() => _ = items.remove(0),
        (Instead::WithoutLast, Value::Array(items)) => _ = items.pop(),
        _ => {}
    }
}

/// Puts a value at a path; what is not there on the way is made, but for entries of lists. `-` is a new entry of a list.
fn make(value: &mut Value, path: &str, other: Value) {
    let (first, rest) = path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
    if first == "-" && rest.is_none() {
        match value {
            Value::Array(items) => items.push(other),
            Value::Null => *value = Value::Array(vec![other]),
            _ => {}
        }
        return;
    }
    match (rest, &mut *value) {
        (Some(rest), Value::Array(_)) => {
            if let Some(inner) = step(value, first) {
                make(inner, rest, other);
            }
        }
        (None, Value::Array(_)) => {
            if let Some(inner) = step(value, first) {
                *inner = other;
            }
        }
        (rest, Value::Object(_) | Value::Null) => {
            if value.is_null() {
                *value = Value::Object(Map::new());
            }
            let Some(object) = value.as_object_mut() else { return };
            let inner = object.entry(first.replace("~1", "/")).or_insert(Value::Null);
            match rest {
                Some(rest) => make(inner, rest, other),
                None => *inner = other,
            }
        }
        _ => {}
    }
}

/// A value of TOML as JSON, in which `{ ago = "3m" }` is a time.
fn timed(value: &toml::Value, now: Timestamp) -> Value {
    match value {
        toml::Value::Table(table) => {
            let ago = table.get("ago").and_then(toml::Value::as_str).filter(|_| table.len() == 1);
            if let Some(time) = ago.and_then(|text| crate::base::duration::parse(text).ok()) {
                let then = now.checked_sub(time).unwrap_or(now);
                return then.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into();
            }
            table.iter().map(|(key, inner)| (key.clone(), timed(inner, now))).collect()
        }
        toml::Value::Array(items) => items.iter().map(|item| timed(item, now)).collect(),
        plain => json(plain),
    }
}

/// A value of TOML as JSON.
pub(super) fn json(value: &toml::Value) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn is_one_of(item: &Value, ids: &[String]) -> bool {
    let id = item.as_object().and_then(identity);
    id.is_some_and(|id| ids.iter().any(|gone| gone == id))
}

/// Whether an answer is about a thing that is gone: itself, or under its one key.
fn is_gone(body: &Value, gone: &[String]) -> bool {
    let under = body.as_object().filter(|o| o.len() == 1).and_then(|o| o.values().next());
    is_one_of(body, gone) || under.is_some_and(|inner| is_one_of(inner, gone))
}

fn become_copy(value: &mut Value, thing: &str, copy: &Copy, now: Timestamp) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| become_copy(item, thing, copy, now)),
        Value::Object(object) => {
            let it = identity(object) == Some(thing);
            object.values_mut().for_each(|member| become_copy(member, thing, copy, now));
            if !it {
                return;
            }
            for key in ["id", "uuid"] {
                if let Some(id) = object.get_mut(key).filter(|id| *id == thing) {
                    *id = copy.id.as_str().into();
                }
            }
            if let Some(uid) = object.get_mut("metadata").and_then(|m| m.get_mut("uid")) {
                *uid = copy.id.as_str().into();
            }
            for (field, other) in &copy.with {
                make(value, field, timed(other, now));
            }
        }
        _ => {}
    }
}

/// Adds a link to a further page, in the way of the list.
fn add_page(body: &mut Value, request: &Request) {
    let href = format!("{}{}?marker={REFUSED}", request.base, request.path);
    let Some(object) = body.as_object_mut() else { return };
    let list = object.iter().find(|(_, v)| v.is_array()).map(|(key, _)| key.clone());
    let Some(list) = list else { return };
    match list.as_str() {
        "clusters" | "clustertemplates" | "images" => drop(object.insert("next".into(), href.into())),
        _ => {
            let link = serde_json::json!([{"rel": "next", "href": href}]);
            object.insert(format!("{list}_links"), link);
        }
    }
}

/// Leaves in a list what filters let through that were taken off the request.
fn filter(body: &mut Value, filters: &[(String, String)]) {
    let Some(object) = body.as_object_mut().filter(|_| !filters.is_empty()) else { return };
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let passes = |item: &Value, key: &str, wanted: &str| {
        let Some(value) = item.get(key) else { return true };
        let exact = regex::Regex::new(wanted).ok().filter(|_| wanted.starts_with('^'));
        let value = text(value);
        exact.map_or(value.eq_ignore_ascii_case(wanted), |pattern| pattern.is_match(&value))
    };
    for items in object.values_mut().filter_map(Value::as_array_mut) {
        items.retain(|item| filters.iter().all(|(key, wanted)| passes(item, key, wanted)));
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use serde_json::json;

    use super::*;
    use crate::lab::exchange::{Front, Incoming};

    const A: &str = "aaaaaaaa-0000-4000-8000-000000000001";
    const B: &str = "aaaaaaaa-0000-4000-8000-000000000002";

    fn get(path: &str, query: &str) -> Request {
        Request {
            method: Method::GET,
            path: path.into(),
            query: query.into(),
            headers: HeaderMap::new(),
            body: Incoming::Empty,
            base: "http://lab".into(),
            identity: String::new(),
            front: Front::Endpoints,
            id: "req-1".into(),
        }
    }

    fn of(text: &str) -> Amendments {
        let mut all = Amendments::default();
        all.add(None, toml::from_str(text).unwrap());
        all
    }

    #[test]
    fn an_object_in_a_list_of_kubernetes_is_no_reference() {
        let mut all = of(&format!(
            "thing = '{A}'\nis.with = {{ 'spec/unschedulable' = true, 'spec/taints/-' = {{ key = 'k' }} }}"
        ));
        all.add(
            None,
            toml::from_str(&format!("thing = '{A}'\nis.copy = {{ id = '{B}', with = {{}} }}")).unwrap(),
        );
        let nodes = json!({"items": [{"metadata": {"uid": A, "name": "n"}, "spec": {}, "status": {}}]});
        let (_, _, body) = answered(&mut all, "/api/v1/nodes", "", nodes);
        assert_eq!(body["items"][0]["spec"], json!({"unschedulable": true, "taints": [{"key": "k"}]}));
        assert_eq!(body["items"][1]["metadata"]["uid"], B);
        // what only names it stays as it is
        let (_, _, body) = answered(&mut all, "/x", "", json!({"image": {"id": A, "links": []}}));
        assert_eq!(body, json!({"image": {"id": A, "links": []}}));
    }

    fn list() -> Value {
        let server =
            |id: &str, status: &str| json!({"id": id, "name": "vm", "status": status, "tenant_id": "p"});
        json!({"servers": [server(A, "ACTIVE"), server(B, "ERROR")]})
    }

    fn answered(all: &mut Amendments, path: &str, query: &str, body: Value) -> (u16, String, Value) {
        let mut request = get(path, query);
        let led = match all.before(&mut request) {
            Ok(led) => led,
            Err(status) => return (status, request.query, Value::Null),
        };
        let (mut answer, now) = (Answer::json(200, body), "2026-06-09T02:00:00Z".parse().unwrap());
        all.after("nova", &request, &led, true, now, &mut answer);
        let Body::Json(body) = answer.body else { panic!("no JSON") };
        (answer.status, request.query, body)
    }

    #[test]
    fn a_thing_is_other_in_every_answer_and_for_every_filter() {
        let mut all = of(&format!("thing = '{A}'\nfield = 'status'\nis = {{ value = 'ERROR' }}"));
        let (_, _, body) = answered(&mut all, "/servers/a", "", json!({"server": list()["servers"][0]}));
        assert_eq!(body["server"]["status"], "ERROR");
        let (_, query, body) = answered(&mut all, "/servers/detail", "status=ERROR&limit=2", list());
        assert_eq!((query.as_str(), body["servers"].as_array().unwrap().len()), ("limit=2", 2));
        let (_, _, body) = answered(&mut all, "/servers/detail", "status=ACTIVE", list());
        assert_eq!(body["servers"], json!([]));
    }

    #[test]
    fn one_turn_of_a_field_leaves_its_others() {
        let mut all = of(&format!("thing = '{A}'\nfield = 'status'\nturn = 2\nis = {{ value = 'ERROR' }}"));
        let mut seen = Vec::new();
        for status in ["ACTIVE", "REBOOT", "REBOOT", "ACTIVE"] {
            let body = json!({"server": {"id": A, "status": status}});
            seen.push(answered(&mut all, "/servers/a", "", body).2["server"]["status"].clone());
        }
        assert_eq!(seen, ["ACTIVE", "REBOOT", "REBOOT", "ERROR"]);
    }

    #[test]
    fn a_thing_that_is_gone_is_in_no_list_and_not_found() {
        let mut all = of(&format!("thing = '{A}'\nis = 'missing'"));
        assert_eq!(answered(&mut all, &format!("/servers/{A}"), "", json!({})).0, 404);
        let (_, _, body) = answered(&mut all, "/servers/detail", "", list());
        assert_eq!(body["servers"].as_array().unwrap().len(), 1);
        assert_eq!(body["servers"][0]["id"], B);
    }

    #[test]
    fn a_copy_is_listed_found_and_deleted_by_itself() {
        let copy = "cccccccc-0000-4000-8000-000000000009";
        let mut all = of(&format!(
            "thing = '{A}'\nis = {{ copy = {{ id = '{copy}', with = {{ status = 'ERROR' }} }} }}"
        ));
        let (_, _, body) = answered(&mut all, "/servers/detail", "", list());
        let third = &body["servers"][2];
        assert_eq!(
            (third["id"].as_str(), third["status"].as_str(), third["name"].as_str()),
            (Some(copy), Some("ERROR"), Some("vm"))
        );
        let (_, _, body) =
            answered(&mut all, &format!("/servers/{copy}"), "", json!({"server": list()["servers"][0]}));
        assert_eq!(
            (body["server"]["id"].as_str(), body["server"]["status"].as_str()),
            (Some(copy), Some("ERROR"))
        );
        let mut delete = get(&format!("/servers/{copy}"), "");
        delete.method = Method::DELETE;
        assert_eq!(all.before(&mut delete).err(), Some(204));
        assert_eq!(answered(&mut all, &format!("/servers/{copy}"), "", json!({})).0, 404);
        assert_eq!(answered(&mut all, "/servers/detail", "", list()).2, list());
    }

    #[test]
    fn a_further_page_is_announced_and_refused() {
        let mut all = of("thing = 'GET /servers/detail'\nis = 'next-page-refused'");
        let (_, _, body) = answered(&mut all, "/servers/detail", "limit=1", list());
        let href = body["servers_links"][0]["href"].as_str().unwrap().to_string();
        assert_eq!(answered(&mut all, "/servers/detail", href.split_once('?').unwrap().1, list()).0, 403);
    }

    #[test]
    fn fields_are_other_together_and_what_is_not_there_is_made() {
        let node = || json!({"kind": "Node", "apiVersion": "v1", "metadata": {"uid": A, "name": "n"}, "spec": {}, "status": {"restartCount": 0}});
        let mut all = of(&format!(
            "thing = '{A}'\n[is.with]\n'spec/taints/-' = {{ key = 'k', effect = 'NoExecute' }}\n'status/restartCount' = 23\n'status/lastState/at' = {{ ago = '3m' }}"
        ));
        let body = answered(&mut all, "/api/v1/nodes", "", json!({"items": [node()]})).2["items"][0].clone();
        assert_eq!(body["spec"]["taints"], json!([{"key": "k", "effect": "NoExecute"}]));
        assert_eq!(body["status"], json!({"restartCount": 23, "lastState": {"at": "2026-06-09T01:57:00Z"}}));
        // a reference to the thing stays one
        let body = answered(&mut all, "/x", "", json!({"metadata": {"uid": A}})).2;
        assert_eq!(body, json!({"metadata": {"uid": A}}));
    }

    #[test]
    fn a_watch_tells_what_is_other_leaves_out_what_is_gone_and_has_the_copies() {
        let pod = |id: &str, phase: &str| json!({"type": "ADDED", "object": {"kind": "Pod", "apiVersion": "v1", "metadata": {"uid": id, "name": "p"}, "status": {"phase": phase}}});
        let text = format!("{}\n{}\n", pod(A, "Running"), pod(B, "Running"));
        let told = |all: &mut Amendments| -> Vec<Value> {
            all.events("kubernetes", &text, true).lines().map(|l| serde_json::from_str(l).unwrap()).collect()
        };
        let mut all = of(&format!("thing = '{A}'\nfield = 'status/phase'\nis = {{ value = 'Failed' }}"));
        assert_eq!(told(&mut all), [pod(A, "Failed"), pod(B, "Running")]);
        assert_eq!(told(&mut of(&format!("thing = '{A}'\nis = 'missing'"))), [pod(B, "Running")]);
        let copy = "cccccccc-0000-4000-8000-000000000009";
        let mut all = of(&format!(
            "thing = '{B}'\nis = {{ copy = {{ id = '{copy}', with = {{ 'status/phase' = 'Failed' }} }} }}"
        ));
        assert_eq!(told(&mut all), [pod(A, "Running"), pod(B, "Running"), pod(copy, "Failed")]);
    }

    #[test]
    fn entries_of_lists_are_named_by_what_they_are() {
        let body = || json!({"metadata": {"uid": A}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        let path = "status/conditions/type=Ready";
        let mut all = of(&format!("thing = '{A}'\nfield = '{path}/status'\nis = {{ value = 'Unknown' }}"));
        assert_eq!(answered(&mut all, "/x", "", body()).2["status"]["conditions"][0]["status"], "Unknown");
        let mut all = of(&format!("thing = '{A}'\nfield = '{path}'\nis = 'missing'"));
        assert_eq!(answered(&mut all, "/x", "", body()).2["status"]["conditions"], json!([]));
    }
}
