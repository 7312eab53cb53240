//! A call before it is sent, and a change bound to the session that may send it.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::base::{Error, ErrorKind, Intent, Mutation, Payload, Result, Undo};
use crate::systems::http::{self, Address, Method, Upload, Url};

use super::catalog::Endpoint;
use super::identity::Identity;
use super::policy::Operation;
use super::resource::{self, guarded};
use super::session::Session;

/// A call before it is sent. Pure functions build it; nothing in it depends on a session.
#[derive(Clone, Debug)]
pub struct Call {
    /// The service's type or an alias.
    pub service: Cow<'static, str>,
    /// The method.
    pub method: Method,
    /// The path: from a version if it starts with one, else from the service's own version.
    /// `{project_id}` and `{user_id}` stand for the session's.
    pub path: String,
    /// It changes nothing.
    pub reads: bool,
    /// The query.
    pub query: Vec<(String, String)>,
    /// The JSON body.
    pub body: Option<Payload>,
    /// A file that is the body instead, sent as a stream.
    pub file: Option<Upload>,
    /// The body's content type where it is not `application/json`.
    pub content_type: Option<&'static str>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The version of the API that the call needs.
    pub microversion: Option<Cow<'static, str>>,
    /// One sentence for whoever approves it: `fail over load balancer api (0f96…)`.
    pub summary: String,
    /// What it is about.
    pub subject: Subject,
    /// What a thing that is removed was like.
    pub was: Value,
    /// Whether it can be taken back.
    pub undo: Undo,
    /// It destroys something.
    pub destroys: bool,
    /// What it does to what, for the roles it needs. Where it is `None`, the session recognises it by its path.
    pub operation: Option<Operation>,
}

/// The thing a call is about, to look for when its outcome is in doubt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The resource's name, such as `load_balancers`.
    pub resource: Option<&'static str>,
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// The keys that its row's path takes, such as `cluster`: for [`find`](super::find).
    pub parents: Map<String, Value>,
}

impl Call {
    /// A call without a body, to be completed. What stands behind a `?` of the path becomes the query.
    pub fn new(service: impl Into<Cow<'static, str>>, method: Method, path: impl Into<String>) -> Self {
        let (service, mut path) = (service.into(), path.into());
        let query = match path.split_once('?').map(|(before, query)| (before.to_string(), query_pairs(query)))
        {
            Some((before, query)) => {
                path = before;
                query
            }
            None => Vec::new(),
        };
        let reads = method == Method::GET || method == Method::HEAD;
        let destroys = method == Method::DELETE;
        let summary = format!("{method} {path} of {service}");
        Call {
            service,
            method,
            path,
            reads,
            query,
            body: None,
            file: None,
            content_type: None,
            headers: Vec::new(),
            microversion: None,
            summary,
            subject: Subject::default(),
            was: Value::Null,
            undo: Undo::Unknown,
            destroys,
            operation: None,
        }
    }

    /// A call that somebody wrote by hand: its path and query in one text.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where the text is not what would be sent.
    pub fn written(service: String, method: Method, text: &str) -> Result<Self> {
        // these would be dropped from a query, or end it, without a word
        if let Some(c) = text.chars().find(|c| *c == '#' || c.is_control() || c.is_whitespace()) {
            let what = format!("the path `{}` has `{}` in it", text.escape_debug(), c.escape_debug());
            return Err(Error::new(ErrorKind::Argument, what)
                .help("a path and its query are written as they are sent: a space is %20, and a fragment is not sent"));
        }
        Ok(Call::new(service, method, text))
    }

    /// The body, the secrets of its service told apart: what a script wrote as plain text is no less a secret.
    pub fn guarded(&self) -> Option<Payload> {
        self.body.clone().map(|body| guarded(&self.service, body))
    }

    /// Service, path and query: `load-balancer /lbaas/loadbalancers/0f96/failover`.
    pub fn target(&self) -> String {
        format!("{} {}", self.service, http::target(&self.path, &self.query))
    }

    /// Where it goes, for who asks: the one URL that is shown, and sent.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a path that would be sent as another one.
    pub(super) fn address(&self, endpoint: &Endpoint, identity: &Identity) -> Result<Address> {
        let path = self.path.replace("{project_id}", identity.project_id().unwrap_or_default());
        let path = path.replace("{user_id}", &identity.user.id);
        Address::below(endpoint.base(&path), &path, &self.query)
    }

    /// What to show, approve and journal, if this handle sends it there as who it proved to be.
    pub(super) fn intent(&self, handle: &str, identity: &str, address: &Address) -> Intent {
        Intent {
            system: "openstack".to_string(),
            handle: handle.to_string(),
            identity: identity.to_string(),
            method: self.method.to_string(),
            target: format!("{} {}", self.service, address.target()),
            url: address.shown(),
            ids: resource::aim(self, address.target()).map(|aim| aim.id_of(handle)).into_iter().collect(),
            summary: self.summary.clone(),
            body: match (self.guarded(), &self.file) {
                (Some(body), _) => body.masked(),
                (None, Some(file)) => json!({ "file": file.path(), "size": file.size() }),
                (None, None) => Value::Null,
            },
            undo: self.undo.clone(),
            destroys: self.destroys,
            replaces: Value::Null,
            was: self.was.clone(),
        }
    }
}

fn query_pairs(query: &str) -> Vec<(String, String)> {
    let url = Url::parse("http://query/").map(|mut url| {
        url.set_query(Some(query));
        url.query_pairs().into_owned().collect()
    });
    url.unwrap_or_default()
}

/// A change that a session is about to make: [`Session::bind`] makes it, [`Session::mutate`] sends it.
#[derive(Clone)]
pub struct BoundCall {
    pub(super) session: Session,
    pub(super) call: Call,
    pub(super) identity: Arc<Identity>,
    pub(super) address: Address,
}

impl BoundCall {
    /// The call.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// Who and where the session proved to be when the call was bound to it.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

impl Mutation for BoundCall {
    fn intent(&self) -> Intent {
        self.call.intent(self.session.handle(), &self.identity.line(), &self.address)
    }
}
