//! One list of requests for the lab and for real services alike, and what the real ones answered.
//!
//! `real_contract` asks the testbed and compares with the recorded witness (with
//! `RHUMB_RECORD_CONTRACT=1` it records it); `contract_openstack` asks the lab and compares with the same.
//! Compared are the status, the headers, the shape of the body (every key with its type; for
//! errors the words as well), and the sequence of states that a change goes through.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's support fails as a test does")]

pub(crate) mod hosts;
pub(crate) mod juju;
pub(crate) mod requests;
mod shape;
pub(crate) mod vault;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A cloud to ask: the lab or a real one.
pub(crate) trait Cloud {
    /// The base of a service's addresses, without a slash at its end.
    fn base(&self, service: &str) -> String;

    /// Lets some seconds go by.
    fn pass(&self, seconds: f64);

    /// How long a change may take, in the cloud's own seconds.
    fn patience(&self) -> f64;
}

/// One step of a contract.
pub(crate) enum Step {
    /// A request.
    Ask(Ask),
    /// A read that is repeated until a change came to its end.
    Watch(Watch),
}

/// A request, in parts that may name what was captured before: `{server}`.
#[derive(Clone, Default)]
pub(crate) struct Ask {
    pub(crate) who: &'static str,
    pub(crate) method: &'static str,
    pub(crate) service: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Value>,
    pub(crate) bytes: Option<Vec<u8>>,
    pub(crate) keep: Vec<(&'static str, &'static str)>,
    /// Members that are not compared, because the testbed cannot show them as a cloud with agents would.
    pub(crate) except: Vec<&'static str>,
    /// Only the status is compared: the words come from a library of the service.
    pub(crate) status_only: bool,
    /// Nothing is compared: the step only prepares or clears away.
    pub(crate) silent: bool,
}

/// A read until one of its states is an end.
pub(crate) struct Watch {
    pub(crate) ask: Ask,
    pub(crate) states: Vec<&'static str>,
    pub(crate) ends: Vec<&'static str>,
}

pub(crate) fn ask(who: &'static str, method: &'static str, service: &'static str, path: &str) -> Ask {
    Ask { who, method, service, path: path.into(), ..Ask::default() }
}

impl Ask {
    /// With a JSON body.
    pub(crate) fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// With bytes.
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.bytes = Some(bytes.to_vec());
        self.header("content-type", "application/octet-stream")
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// At a microversion.
    pub(crate) fn at(self, version: &str) -> Self {
        let kind = match self.service {
            "coe" => "container-infra",
            other => other,
        };
        let value = format!("{kind} {version}");
        self.header("openstack-api-version", &value)
    }

    /// Keeps a part of the answer under a name.
    pub(crate) fn keep(mut self, name: &'static str, pointer: &'static str) -> Self {
        self.keep.push((name, pointer));
        self
    }

    /// Without these members.
    pub(crate) fn except(mut self, keys: &[&'static str]) -> Self {
        self.except.extend(keys);
        self
    }

    pub(crate) fn status_only(mut self) -> Self {
        self.status_only = true;
        self
    }

    pub(crate) fn silent(mut self) -> Self {
        self.silent = true;
        self
    }

    /// Until one of the states is an end. Being gone is `404`.
    pub(crate) fn until(self, states: &[&'static str], ends: &[&'static str]) -> Step {
        Step::Watch(Watch { ask: self, states: states.to_vec(), ends: ends.to_vec() })
    }
}

impl From<Ask> for Step {
    fn from(ask: Ask) -> Step {
        Step::Ask(ask)
    }
}

/// What was answered, without what differs from cloud to cloud.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Seen {
    Answer { status: u16, headers: Vec<String>, body: Value },
    Status { status: u16 },
    States { states: Vec<String> },
}

/// Runs a contract. The result holds one entry a step, by its title, in order.
pub(crate) struct Run<'c> {
    cloud: &'c dyn Cloud,
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    tokens: BTreeMap<String, String>,
    kept: BTreeMap<String, String>,
    pub(crate) seen: Map<String, Value>,
}

impl<'c> Run<'c> {
    pub(crate) fn new(cloud: &'c dyn Cloud) -> Self {
        rhumb::systems::http::install_crypto();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let mut run =
            Run { cloud, runtime, client, tokens: BTreeMap::new(), kept: BTreeMap::new(), seen: Map::new() };
        for (who, user, domain, project, project_domain) in [
            ("admin", "admin", "Default", "admin", "Default"),
            ("capi-mgmt", "admin", "Default", "capi-mgmt", "capi"),
            ("member", "capi-user", "capi", "capi-mgmt", "capi"),
            ("reader", "capi-reader", "capi", "capi-mgmt", "capi"),
        ] {
            let scope = json!({"project": {"name": project, "domain": {"name": project_domain}}});
            let user = json!({"name": user, "domain": {"name": domain}, "password": "secret"});
            let auth =
                json!({"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope});
            let ask = ask("", "POST", "identity", "/v3/auth/tokens").json(json!({"auth": auth}));
            let (_, headers, body) = run.send(&ask);
            run.tokens.insert(who.into(), headers["x-subject-token"].to_str().unwrap().into());
            run.kept.insert(format!("{who}-token"), headers["x-subject-token"].to_str().unwrap().into());
            let body: Value = serde_json::from_str(&body).unwrap();
            for (name, pointer) in [("user", "/token/user/id"), ("project", "/token/project/id")] {
                run.kept
                    .insert(format!("{who}-{name}"), body.pointer(pointer).unwrap().as_str().unwrap().into());
            }
        }
        run
    }

    fn fill(&self, text: &str) -> String {
        let mut text = text.to_string();
        for (name, value) in &self.kept {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }

    fn send(&self, ask: &Ask) -> (u16, reqwest::header::HeaderMap, String) {
        let url = format!("{}{}", self.cloud.base(ask.service), self.fill(&ask.path));
        let mut request = self.client.request(ask.method.parse().unwrap(), url);
        if let Some(token) = self.tokens.get(ask.who) {
            request = request.header("x-auth-token", token);
        } else if !ask.who.is_empty() {
            request = request.header("x-auth-token", self.fill(ask.who));
        }
        for (name, value) in &ask.headers {
            request = request.header(*name, self.fill(value));
        }
        if let Some(body) = &ask.body {
            let typed = ask.headers.iter().any(|(name, _)| *name == "content-type");
            request = request.body(self.fill(&body.to_string()));
            if !typed {
                request = request.header("content-type", "application/json");
            }
        }
        if let Some(bytes) = &ask.bytes {
            request = request.body(bytes.clone());
        }
        self.runtime.block_on(async {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.headers().clone(), response.text().await.unwrap())
        })
    }

    /// Does the steps of a contract.
    pub(crate) fn play(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Ask(ask) => self.ask(&ask),
                Step::Watch(watch) => self.watch(&watch),
            }
        }
    }

    fn title(&self, ask: &Ask) -> String {
        let mut title = format!(
            "{} {} {} {}",
            if ask.who.is_empty() { "nobody" } else { ask.who },
            ask.method,
            ask.service,
            ask.path
        );
        if let Some((_, version)) = ask.headers.iter().find(|(name, _)| *name == "openstack-api-version") {
            title.push_str(&format!(" at {version}"));
        }
        if let Some(body) = &ask.body {
            title.push_str(&format!(" {body}"));
        }
        let same = self.seen.keys().filter(|key| key.starts_with(&title)).count();
        if same > 0 { format!("{title} #{}", same + 1) } else { title }
    }

    fn ask(&mut self, ask: &Ask) {
        let (status, headers, body) = self.send(ask);
        let document: Option<Value> = serde_json::from_str(&body).ok();
        for (name, pointer) in &ask.keep {
            let found = match pointer.strip_prefix("header:") {
                Some(header) => headers.get(header).map(|h| h.to_str().unwrap().to_string()),
                None => document
                    .as_ref()
                    .and_then(|d| d.pointer(pointer))
                    .map(|v| v.as_str().map_or_else(|| v.to_string(), Into::into)),
            };
            let found =
                found.unwrap_or_else(|| panic!("{}: no {pointer} in {status} {body}", self.title(ask)));
            self.kept.insert((*name).into(), found);
        }
        if ask.silent {
            return;
        }
        let title = self.title(ask);
        let seen = match ask.status_only {
            true => Seen::Status { status },
            false => {
                let headers = shape::headers(&headers, &self.kept);
                let mut body = match document {
                    Some(document) if status < 400 => shape::of(&document),
                    Some(document) => shape::words(&document, &self.kept),
                    None => Value::from(shape::normal(&shape::plain(&body), &self.kept)),
                };
                shape::without(&mut body, &ask.except);
                Seen::Answer { status, headers, body }
            }
        };
        self.seen.insert(title, serde_json::to_value(seen).unwrap());
    }

    fn watch(&mut self, watch: &Watch) {
        let title = format!("{} until {}", self.title(&watch.ask), watch.ends.join(" or "));
        let mut states: Vec<String> = Vec::new();
        let mut left = self.cloud.patience();
        loop {
            let (status, _, body) = self.send(&watch.ask);
            let document: Value = serde_json::from_str(&body).unwrap_or(Value::Null);
            let read = |pointer: &&str| match document.pointer(pointer) {
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => "-".into(),
            };
            let state = match status {
                200 => watch.states.iter().map(read).collect::<Vec<_>>().join(" "),
                other => other.to_string(),
            };
            // a service that is too busy for a moment is in no state
            let busy = status >= 500;
            if !busy && states.last() != Some(&state) {
                states.push(state.clone());
            }
            if watch.ends.contains(&state.split(' ').next().unwrap_or_default()) {
                break;
            }
            assert!(left > 0.0, "{title}: still {states:?}");
            self.cloud.pass(0.3);
            left -= 0.3;
        }
        self.seen.insert(title, serde_json::to_value(Seen::States { states }).unwrap());
    }
}

/// Where the witness of a contract is kept.
fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/contract/witness/{name}.json"))
}

/// What the real services answered.
pub(crate) fn witness(name: &str) -> Map<String, Value> {
    let text = std::fs::read_to_string(file(name))
        .unwrap_or_else(|e| panic!("{name}: {e}; record it with RHUMB_RECORD_CONTRACT=1"));
    serde_json::from_str(&text).unwrap()
}

pub(crate) fn record(name: &str, seen: &Map<String, Value>) {
    std::fs::create_dir_all(file(name).parent().unwrap()).unwrap();
    // one step a line, so that a change of one shows as one
    let lines: Vec<String> =
        seen.iter().map(|(title, seen)| format!("{}: {seen}", Value::from(title.as_str()))).collect();
    std::fs::write(file(name), format!("{{\n{}\n}}\n", lines.join(",\n"))).unwrap();
}

/// Where two runs of a contract differ; nothing where they agree.
pub(crate) fn differences(witness: &Map<String, Value>, seen: &Map<String, Value>) -> Vec<String> {
    let mut all = Vec::new();
    for (title, wanted) in witness {
        let Some(got) = seen.get(title) else {
            all.push(format!("{title}\n  was not asked"));
            continue;
        };
        match (wanted.get("states"), got.get("states")) {
            (Some(wanted), Some(got)) => {
                let [wanted, got] = [wanted, got].map(|s| s.as_array().unwrap().clone());
                // a state of a moment is missed by who looks at another moment, here or when the record was made
                let agree = of(&wanted, &got) == of(&got, &wanted);
                if !agree || got.last() != wanted.last() {
                    all.push(format!("{title}\n  real: {wanted:?}\n  here: {got:?}"));
                }
            }
            _ => {
                let mut each = Vec::new();
                shape::compare("", wanted, got, &mut each);
                if !each.is_empty() {
                    all.push(format!("{title}\n{}", each.join("\n")));
                }
            }
        }
    }
    all.extend(
        seen.keys()
            .filter(|title| !witness.contains_key(*title))
            .map(|title| format!("{title}\n  has no witness")),
    );
    all
}

/// The states of `seen` that no record has: a lab that plays them plays fiction.
pub(crate) fn unheard(witness: &Map<String, Value>, seen: &Map<String, Value>) -> Vec<String> {
    let states = |of: Option<&Value>| of.and_then(|v| v["states"].as_array().cloned()).unwrap_or_default();
    let each = |(title, seen): (&String, &Value)| {
        let known = states(witness.get(title));
        let new = states(Some(seen)).into_iter().filter(|s| !known.contains(s)).collect::<Vec<_>>();
        (!new.is_empty()).then(|| format!("{title}\n  in no record: {new:?}"))
    };
    seen.iter().filter_map(each).collect()
}

/// The states of `seen` that `other` has seen too.
fn of<'a>(other: &[Value], seen: &'a [Value]) -> Vec<&'a Value> {
    seen.iter().filter(|state| other.contains(state)).collect()
}
