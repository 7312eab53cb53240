//! A small Kubernetes API on loopback: a store with versions, finalizers and watches, whose answers
//! have the shapes that a real 1.34 was seen to give. Any answer can be replaced beforehand.
#![allow(dead_code)] // each test binary uses its own part

mod discovery;
mod store;
mod streams;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rhumb::base::{Intent, Ledger, Permit, Result, Secret};
use rhumb::systems::kubernetes::{BoundKubeCall, Expected, Kube, KubeCall, KubeSpec, KubeconfigSource};
use serde_json::{Value, json};

pub use store::Store;

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub target: String,
    pub headers: HeaderMap,
    pub body: Value,
}

/// An answer given instead of the store's.
#[derive(Clone, Debug)]
pub struct Canned {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Canned {
    pub fn json(status: u16, body: Value) -> Self {
        Canned { status, content_type: "application/json", headers: vec![], body: body.to_string() }
    }

    pub fn status(code: u16, reason: &str, message: &str, details: Value) -> Self {
        Canned::json(code, status(code, reason, message, details))
    }

    pub fn text(status: u16, content_type: &'static str, body: &str) -> Self {
        Canned { status, content_type, headers: vec![], body: body.into() }
    }
}

/// How the server behaves.
#[derive(Default)]
pub struct Behaviour {
    /// Only the discovery of before 1.26.
    pub plain_discovery: bool,
    /// Watches end as soon as they have told what is known.
    pub brief_watches: bool,
    /// API versions that are no longer served.
    pub unserved: Vec<&'static str>,
}

pub struct Inner {
    pub store: Store,
    pub behaviour: Behaviour,
    asked: Vec<Asked>,
    canned: BTreeMap<(String, String), Vec<Canned>>,
}

/// The server. It lives as long as the runtime.
#[derive(Clone)]
pub struct Cluster {
    pub address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
    changed: Arc<tokio::sync::Notify>,
}

impl Cluster {
    pub async fn start(behaviour: Behaviour) -> Cluster {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inner = Inner { store: Store::new(), behaviour, asked: vec![], canned: BTreeMap::new() };
        let cluster = Cluster {
            address: listener.local_addr().unwrap(),
            inner: Arc::new(Mutex::new(inner)),
            changed: Arc::default(),
        };
        let app = Router::new().fallback(answer).with_state(cluster.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        cluster
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Answers the next request of this method and path so.
    pub fn canned(&self, method: &str, path: &str, answer: Canned) {
        self.lock().canned.entry((method.into(), path.into())).or_default().push(answer);
    }

    /// What was asked, by method and path prefix.
    pub fn asked(&self, method: &str, path: &str) -> Vec<Asked> {
        let of = |a: &&Asked| a.method == method && a.target.starts_with(path);
        self.lock().asked.iter().filter(of).cloned().collect()
    }

    /// Changes the store and tells the watches.
    pub fn change(&self, change: impl FnOnce(&mut Store)) {
        change(&mut self.lock().store);
        self.changed.notify_waiters();
    }

    pub fn kubeconfig(&self) -> String {
        kubeconfig(json!({"server": format!("http://{}", self.address)}), json!({"token": "t0ken"}))
    }

    pub fn kube(&self) -> Kube {
        kube(&self.kubeconfig()).unwrap()
    }
}

/// A kubeconfig of one cluster and one user.
pub fn kubeconfig(cluster: Value, user: Value) -> String {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
    })
    .to_string()
}

pub fn spec(kubeconfig: &str) -> KubeSpec {
    KubeSpec {
        name: "workload".into(),
        source: KubeconfigSource::Fetched(Secret::new(kubeconfig)),
        context: None,
        expected: Expected::default(),
    }
}

pub fn kube(kubeconfig: &str) -> Result<Kube> {
    Kube::new(&spec(kubeconfig), None, None)
}

struct Willing;

impl Ledger for Willing {
    fn authorise(&self, _: &Intent) -> Result<u64> {
        Ok(1)
    }
}

/// Approves a change and carries it out.
pub async fn carry_out(kube: &Kube, call: KubeCall) -> Result<rhumb::base::Payload> {
    let bound: BoundKubeCall = kube.bind(call).await?;
    Kube::mutate(Permit::obtain(&Willing, bound)?).await
}

/// A `Status` that is no success.
pub fn status(code: u16, reason: &str, message: &str, details: Value) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
           "message": message, "reason": reason, "details": details, "code": code})
}

async fn answer(State(cluster): State<Cluster>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let path = parts.uri.path().to_string();
    let query: BTreeMap<String, String> =
        parts.uri.query().map(|q| q.split('&').map(pair).collect()).unwrap_or_default();
    let is_canned =
        cluster.lock().canned.get(&(parts.method.to_string(), path.clone())).is_some_and(|q| !q.is_empty());
    if path.ends_with("/exec") && !is_canned {
        return streams::exec(&mut parts, target).await;
    }
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let asked = Asked {
        method: parts.method.to_string(),
        target,
        headers: parts.headers.clone(),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    };
    cluster.lock().asked.push(asked.clone());
    let canned = {
        let mut inner = cluster.lock();
        let queue = inner.canned.get_mut(&(asked.method.clone(), path.clone()));
        queue.filter(|q| !q.is_empty()).map(|q| q.remove(0))
    };
    if let Some(canned) = canned {
        let mut response = (StatusCode::from_u16(canned.status).unwrap(), canned.body).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, canned.content_type.parse().unwrap());
        for (name, value) in canned.headers {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        return response;
    }
    if query.contains_key("watch") {
        return streams::watch(cluster, path, query);
    }
    let answered = {
        let mut inner = cluster.lock();
        match discovery::answer(&inner.behaviour, &path, &asked) {
            Some(found) => found,
            None => inner.store.answer(&asked, &path, &query),
        }
    };
    cluster.changed.notify_waiters();
    match answered {
        Some((code, body)) => {
            let mut response = (StatusCode::from_u16(code).unwrap(), body.to_string()).into_response();
            let aggregated = body["kind"] == "APIGroupDiscoveryList";
            let kind = if aggregated { discovery::AGGREGATED } else { "application/json" };
            response.headers_mut().insert(header::CONTENT_TYPE, kind.parse().unwrap());
            response.headers_mut().insert("audit-id", "a-1".parse().unwrap());
            response
        }
        None => (StatusCode::NOT_FOUND, Body::from("404 page not found\n")).into_response(),
    }
}

fn pair(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    (name.to_string(), decode(value))
}

pub fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'%', [high, low, tail @ ..]) => {
                let hex = String::from_utf8(vec![*high, *low]).unwrap();
                bytes.push(u8::from_str_radix(&hex, 16).unwrap());
                rest = tail;
            }
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).unwrap()
}
