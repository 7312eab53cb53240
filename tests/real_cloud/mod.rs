//! The testbed's cloud as sessions.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's support fails as a test does")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rhumb::base::{ErrorKind, Intent, Ledger, Payload, Permit, Result, Secret, SystemClock};
use rhumb::systems::http::Answer;
use rhumb::systems::openstack::resource::{self, Item};
use rhumb::systems::openstack::{
    Authority, Call, Cloud, Credential, Declared, Domain, Project, RequestRecord, Resource, Session, User,
    Witness, find,
};
use serde_json::{Map, Value, json};

use crate::testbed;

/// An entry of the testbed's clouds.yaml, which is written as JSON.
pub(crate) fn entry(name: &str) -> Value {
    let path = std::path::Path::new(&testbed::var("CARACAL")).join("clouds.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["clouds"][name]["auth"].clone()
}

/// A cloud of the testbed with another password, if one is given.
pub(crate) fn cloud(name: &str, password: Option<&str>) -> Cloud {
    let auth = entry(name);
    let text = |key: &str| auth[key].as_str().unwrap().to_string();
    let user = User::Name { name: text("username"), domain: Domain::Name(text("user_domain_name")) };
    let password = Secret::new(password.map_or_else(|| text("password"), str::to_string));
    Cloud::new(name, text("auth_url"), Credential::Password { user, password })
}

pub(crate) fn project(name: &str, domain: &str) -> Project {
    Project::Name { name: name.into(), domain: Some(Domain::Name(domain.into())) }
}

/// The project of an entry.
pub(crate) fn own_project(name: &str) -> Project {
    let auth = entry(name);
    project(auth["project_name"].as_str().unwrap(), auth["project_domain_name"].as_str().unwrap())
}

pub(crate) fn session_of(cloud: Cloud, project: Project) -> Session {
    let clock = Arc::new(SystemClock::new(tokio::runtime::Handle::current()));
    let handle = cloud.name.clone();
    Session::new(&handle, Arc::new(cloud), Authority::Project(project), Declared::default(), clock).unwrap()
}

/// A handle of the testbed, named as in its clouds.yaml.
pub(crate) fn session(name: &str) -> Session {
    session_of(cloud(name, None), own_project(name))
}

/// Every request of a session.
#[derive(Default)]
pub(crate) struct Log(pub(crate) Mutex<Vec<RequestRecord>>);

impl Witness for Log {
    fn request(&self, record: &RequestRecord) {
        self.0.lock().unwrap().push(record.clone());
    }
}

impl Log {
    /// Requests to a service.
    pub(crate) fn to(&self, service: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|r| r.service == service).count()
    }
}

/// A ledger that approves everything.
pub(crate) struct Yes;

impl Ledger for Yes {
    fn authorise(&self, _: &Intent) -> Result<u64> {
        Ok(1)
    }
}

/// Makes a change.
pub(crate) async fn change(session: &Session, call: Call) -> Result<Answer> {
    let bound = session.bind(call).await?;
    Session::mutate(Permit::obtain(&Yes, bound)?).await
}

pub(crate) fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

pub(crate) fn row(name: &str) -> &'static Resource {
    resource::find(name).unwrap()
}

/// Makes a thing and returns it.
pub(crate) async fn create(session: &Session, name: &str, spec: Value) -> Value {
    let row = row(name);
    let call = resource::create_call(row, &Payload::from(spec)).unwrap();
    let body = change(session, call).await.unwrap_or_else(|e| panic!("create {name}: {e}")).json().unwrap();
    row.item_key.map_or(body.clone(), |key| body[key].clone())
}

/// Deletes a thing by its id.
pub(crate) async fn delete(session: &Session, name: &str, id: &str, options: Value) -> Result<Answer> {
    let item = Item { id, name: None, parents: &Map::new() };
    change(session, resource::delete_call(row(name), item, &map(options)).unwrap()).await
}

/// Does an action to a thing.
pub(crate) async fn act(
    session: &Session,
    name: &str,
    id: &str,
    action: &str,
    args: Value,
) -> Result<Answer> {
    let action = row(name).action(action)?;
    let item = Item { id, name: None, parents: &Map::new() };
    let call = resource::action_call(row(name), action, item, &Payload::from(args))?;
    if call.reads { session.send(&call).await } else { change(session, call).await }
}

/// The thing once a condition holds; panics after three minutes, and where the thing fails on the way.
pub(crate) async fn until(session: &Session, name: &str, id: &str, done: impl Fn(&Value) -> bool) -> Value {
    let row = row(name);
    let end = Instant::now() + Duration::from_secs(180);
    loop {
        let thing = match find(session, row, id, &Map::new()).await {
            Ok(found) => found.unwrap_or(Value::Null),
            // what a wait of a runbook takes for "not yet": Keystone begins anew when its tokens' life is changed, and Magnum
            // cannot show a cluster whose node groups are gone already
            Err(e) if e.kind() == ErrorKind::Transient && Instant::now() < end => {
                json!({"asked": e.to_string()})
            }
            Err(e) => panic!("{e}"),
        };
        if thing.get("asked").is_none() && done(&thing) {
            return thing;
        }
        if let Some(states) = row.states
            && thing[states.field].as_str().is_some_and(|s| states.failed.contains(&s))
        {
            panic!("{} {id} failed: {thing}", row.title);
        }
        assert!(Instant::now() < end, "waited in vain for {} {id}: {thing}", row.title);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
