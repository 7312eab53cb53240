//! A cloud on loopback that does what a test says: for what the real one cannot be made to do at will.
//! Keystone is played; every other path answers what the test's closure gives.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test's support fails as a test does")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use rhumb::base::{Clock, Secret, SimClock};
use rhumb::systems::openstack::{Authority, Cloud, Credential, Declared, Domain, Project, Session, User};
use serde_json::{Value, json};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) token: String,
    pub(crate) version: String,
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) bytes: Bytes,
    pub(crate) content_type: String,
}

/// Status and body for a request and its number.
type Answers = dyn Fn(&Seen, usize) -> (u16, Value) + Send + Sync;

/// A whole answer in the place of that, from something between here and the services.
pub(crate) type Portal = dyn Fn(&Seen) -> Option<Response> + Send + Sync;

/// What the cloud does, for a test to change at any time.
pub(crate) struct Stage {
    pub(crate) seen: Vec<Seen>,
    /// Token to the project it is for.
    pub(crate) tokens: BTreeMap<String, Value>,
    pub(crate) token_life: i64,
    pub(crate) keystone_is_away: bool,
    /// What Keystone answers with 401 and a receipt, whatever it is asked with.
    pub(crate) refusal: Option<Value>,
    /// The user has no role on any project.
    pub(crate) without_role: bool,
    pub(crate) roles: Vec<&'static str>,
    /// Keystone gives a token for this project, whatever is asked.
    pub(crate) wrong_project: Option<&'static str>,
    /// Where the catalog says that the services are, if not here.
    pub(crate) moved_to: Option<SocketAddr>,
    /// Answers in the place of the services.
    pub(crate) portal: Option<Arc<Portal>>,
    minted: usize,
    answer: Arc<Answers>,
}

#[derive(Clone)]
pub(crate) struct StubCloud {
    pub(crate) address: SocketAddr,
    stage: Arc<Mutex<Stage>>,
}

/// Name, id and domain of each project.
const PROJECTS: &[(&str, &str, &str)] = &[
    ("capi-mgmt", "0123456789abcdef0123456789abcdef", "capi"),
    ("admin", "admin-id", "Default"),
    ("twin", "twin-1", "capi"),
    ("twin", "twin-2", "Default"),
];

/// Starts a cloud whose services answer request number n (from 1, of those to services) with `answer(request, n)`.
pub(crate) async fn start(
    answer: impl Fn(&Seen, usize) -> (u16, Value) + Send + Sync + 'static,
) -> StubCloud {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stage = Stage {
        seen: Vec::new(),
        tokens: BTreeMap::new(),
        token_life: 3600,
        keystone_is_away: false,
        refusal: None,
        without_role: false,
        roles: vec!["member", "reader"],
        wrong_project: None,
        moved_to: None,
        portal: None,
        minted: 0,
        answer: Arc::new(answer),
    };
    let cloud = StubCloud { address: listener.local_addr().unwrap(), stage: Arc::new(Mutex::new(stage)) };
    let app = Router::new().fallback(handle).with_state(cloud.clone());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    cloud
}

impl StubCloud {
    pub(crate) fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap()
    }

    /// Requests whose path contains a text.
    pub(crate) fn seen(&self, path: &str) -> Vec<Seen> {
        self.stage().seen.iter().filter(|s| s.path.contains(path)).cloned().collect()
    }

    /// The cloud with a user's password.
    pub(crate) fn cloud(&self, password: &str) -> Cloud {
        let user = User::Name { name: "op".into(), domain: Domain::Name("Default".into()) };
        let credential = Credential::Password { user, password: Secret::new(password) };
        Cloud::new("stub", format!("http://{}/identity", self.address), credential)
    }

    /// A handle `capi` for project capi-mgmt of domain capi, with a clock of its own.
    pub(crate) fn session(&self) -> (Session, Arc<SimClock>) {
        self.session_for(named("capi-mgmt", Some("capi")), Declared::default())
    }

    pub(crate) fn session_for(&self, project: Project, declared: Declared) -> (Session, Arc<SimClock>) {
        let clock = clock();
        let cloud = Arc::new(self.cloud("secret"));
        let authority = Authority::Project(project);
        (Session::new("capi", cloud, authority, declared, clock.clone() as Arc<dyn Clock>).unwrap(), clock)
    }

    fn answer(&self, seen: Seen) -> Response {
        let path = seen.path.clone();
        let mut stage = self.stage();
        stage.seen.push(seen.clone());
        if path.starts_with("/identity/v3/auth/tokens") {
            let services = stage.moved_to.unwrap_or(self.address);
            return stage.mint(&seen.body, &format!("http://{services}"));
        }
        if let Some(portal) = stage.portal.clone()
            && let Some(answer) = portal(&seen)
        {
            return answer;
        }
        if !stage.tokens.contains_key(&seen.token) {
            return reply(
                401,
                &json!({"error": {"code": 401, "message": "The request you have made requires authentication."}}),
            );
        }
        if path == "/identity/v3/auth/projects" {
            let list: Vec<Value> = PROJECTS
                .iter()
                .map(|(name, id, domain)| json!({"name": name, "id": id, "domain_id": domain}))
                .collect();
            return reply(200, &json!({"projects": list, "links": {"next": null}}));
        }
        let number = stage.seen.iter().filter(|s| !s.path.starts_with("/identity")).count();
        let answer = stage.answer.clone();
        drop(stage);
        let (status, body) = answer(&seen, number);
        let mut response = reply(status, &body);
        if !seen.version.is_empty() {
            response.headers_mut().insert("openstack-api-version", seen.version.parse().unwrap());
        }
        response
    }
}

impl Stage {
    fn mint(&mut self, body: &Value, base: &str) -> Response {
        if self.keystone_is_away {
            return reply(503, &json!({"error": {"message": "database is away"}}));
        }
        if let Some(refusal) = &self.refusal {
            let mut response = reply(401, refusal);
            response.headers_mut().insert("openstack-auth-receipt", "r".parse().unwrap());
            return response;
        }
        let refused = || {
            reply(
                401,
                &json!({"error": {"code": 401, "message": "The request you have made requires authentication."}}),
            )
        };
        let auth = &body["auth"];
        let password = &auth["identity"]["password"]["user"]["password"];
        let secret = &auth["identity"]["application_credential"]["secret"];
        if password != "secret" && secret != "secret" {
            return refused();
        }
        if self.without_role && auth["scope"] != "unscoped" {
            return refused();
        }
        let wanted = &auth["scope"]["project"];
        let found = PROJECTS.iter().find(|(name, id, domain)| {
            wanted["id"] == *id || (wanted["name"] == *name && wanted["domain"]["name"] == *domain)
        });
        let found = if secret.is_string() { PROJECTS.first() } else { found };
        let project = match (auth["scope"] == "unscoped", self.wrong_project, found) {
            (true, _, _) => Value::Null,
            (_, Some(id), _) => {
                json!({"id": id, "name": "other", "domain": {"id": "Default", "name": "Default"}})
            }
            (_, None, Some((name, id, domain))) => {
                json!({"id": id, "name": name, "domain": {"id": domain, "name": domain}})
            }
            (_, None, None) => return refused(),
        };
        self.minted += 1;
        let token = format!("token-{}", self.minted);
        self.tokens.insert(token.clone(), project.clone());
        let issued: jiff::Timestamp = "2026-06-10T02:00:00Z".parse().unwrap();
        let expires = issued + jiff::SignedDuration::from_secs(self.token_life);
        let at =
            |path: &str| json!([{"interface": "public", "region_id": "one", "url": format!("{base}{path}")}]);
        let mut said = json!({
            "issued_at": issued.to_string(),
            "expires_at": expires.to_string(),
            "user": {"id": "op-id", "name": "op", "domain": {"id": "default", "name": "Default"}},
        });
        if project.is_object() {
            said["project"] = project;
            said["roles"] = self.roles.iter().map(|r| json!({"id": r, "name": r})).collect();
            said["catalog"] = json!([
                {"type": "compute", "endpoints": at("/compute/v2.1")},
                {"type": "load-balancer", "endpoints": at("/lb")},
                {"type": "identity", "endpoints": at("/identity")},
                {"type": "image", "endpoints": at("/image")},
                {"type": "network", "endpoints": at("/network")},
                {"type": "container-infra", "endpoints": at("/magnum/v1")},
                {"type": "block-storage", "endpoints": at("/volume/v3")},
            ]);
        }
        let mut response = reply(201, &json!({"token": said}));
        response.headers_mut().insert("x-subject-token", token.parse().unwrap());
        response
    }
}

/// An answer to a change as its API documents it: the thing that was sent, with an id, or no body.
pub(crate) fn documented(seen: &Seen) -> (u16, Value) {
    let path = seen.path.split('?').next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    let thing = seen.body.as_object().filter(|body| body.len() == 1).and_then(|body| body.iter().next());
    match (seen.method.as_str(), thing) {
        ("DELETE", _) => (204, Value::Null),
        (_, _) if last == "action" || last == "failover" => (202, Value::Null),
        ("PUT", _) if path.contains("/os-services/") => (200, json!({"service": {"id": last}})),
        (method, Some((key, Value::Object(fields)))) => {
            let id = if method == "POST" { "0f96d4e1-0000-4000-8000-00000000000f" } else { last };
            let mut made = Value::Object(fields.clone());
            made["id"] = id.into();
            (if method == "POST" { 201 } else { 200 }, json!({ key: made }))
        }
        _ => (202, Value::Null),
    }
}

pub(crate) fn clock() -> Arc<SimClock> {
    Arc::new(SimClock::new("2026-06-10T02:00:00Z".parse().unwrap()))
}

pub(crate) fn named(name: &str, domain: Option<&str>) -> Project {
    Project::Name { name: name.into(), domain: domain.map(|d| Domain::Name(d.into())) }
}

fn reply(status: u16, body: &Value) -> Response {
    let headers = [("content-type", "application/json"), ("x-openstack-request-id", "req-stub")];
    (StatusCode::from_u16(status).unwrap(), headers, body.to_string()).into_response()
}

async fn handle(
    State(cloud): State<StubCloud>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_string();
    cloud.answer(Seen {
        method: method.to_string(),
        path: uri.path_and_query().unwrap().to_string(),
        token: text("x-auth-token"),
        version: text("openstack-api-version"),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        content_type: text("content-type"),
        bytes: body,
    })
}
