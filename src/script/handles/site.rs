//! `site` in scripts: its values as fields, and the handles it declares.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString};

use crate::base::{Clock, Result, Secret};
use crate::run::Verdict;
use crate::script::handles::KubeHandle;
use crate::script::span::Span;
use crate::script::thrown::Thrown;
use crate::script::value;
use crate::site::{EndpointDecl, Excuse, Failure, Site, Value};
use crate::systems::openstack::Session;

/// The site of a run. Cheap to clone.
#[derive(Clone)]
pub struct SiteHandle(Arc<State>);

struct State {
    site: Site,
    clock: Arc<dyn Clock>,
    /// One session a handle: its token and its connections are used by all that ask for it.
    sessions: Mutex<BTreeMap<String, Session>>,
    /// One way a cluster, for the same reason.
    kubes: Mutex<BTreeMap<String, KubeHandle>>,
}

impl SiteHandle {
    /// The handle of a site.
    pub fn new(site: Site, clock: Arc<dyn Clock>) -> Self {
        SiteHandle(Arc::new(State { site, clock, sessions: Mutex::default(), kubes: Mutex::default() }))
    }

    /// What the site directory declares.
    pub fn site(&self) -> &Site {
        &self.0.site
    }

    /// The session of a scope that is declared, or was narrowed before.
    pub fn session(&self, handle: &str) -> Result<Session> {
        let mut sessions = self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = sessions.get(handle) {
            return Ok(session.clone());
        }
        let session = self.0.site.session(handle, self.0.clock.clone())?;
        sessions.insert(handle.to_string(), session.clone());
        Ok(session)
    }

    /// The way into a cluster that is declared.
    pub fn kube(&self, name: &str) -> Result<KubeHandle> {
        self.0.site.kube(name)?;
        let mut kubes = self.0.kubes.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(kubes.entry(name.to_string()).or_insert_with(|| KubeHandle::declared(name)).clone())
    }

    /// The session of a scope that is in use already. Nothing is read and nobody is asked for a secret.
    pub fn open_session(&self, handle: &str) -> Option<Session> {
        self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(handle).cloned()
    }

    /// The session of a scope that is in use, or that opens without a question to anybody: for work in the
    /// background. May read the files that the site names.
    pub fn session_unasked(&self, handle: &str) -> Option<Session> {
        let open = self.open_session(handle);
        open.or_else(|| self.site().opens_unasked(handle).then(|| self.session(handle).ok()).flatten())
    }

    /// What the sessions in use must not give away: what they ask with, and their tokens.
    pub fn secrets(&self) -> Vec<Secret> {
        let sessions = self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.values().flat_map(Session::secrets).collect()
    }

    /// Keeps a narrowed session under its handle.
    pub fn keep(&self, session: &Session) {
        let mut sessions = self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(session.handle().to_string(), session.clone());
    }

    /// The site's name.
    pub fn name(&self) -> &str {
        &self.0.site.name
    }

    /// The site's values, for the journal.
    pub fn values(&self) -> serde_json::Value {
        let all = self.0.site.values().iter();
        all.map(|(name, setting)| {
            (name.to_string(), serde_json::to_value(&setting.value).unwrap_or_default())
        })
        .collect()
    }

    /// What accepts a gate that does not hold: a waiver or a known issue.
    pub fn excuse(
        &self,
        runbook: &str,
        step: &str,
        claim: &str,
        evidence: &serde_json::Value,
    ) -> Option<Verdict> {
        let version = |name: &str| {
            // what was seen wins over what the site file says of it, also where nothing could be seen
            if let Some(seen) = evidence.get(name) {
                return seen.as_str().map(str::to_string);
            }
            let setting = self.0.site.values().get(name).ok().flatten()?;
            Some(setting.value.to_string())
        };
        let now = self.0.clock.now();
        let failure = Failure { runbook, step, claim, evidence, version: &version, now };
        match self.0.site.excuses.find(&failure)? {
            Excuse::Known(issue) => Some(Verdict::KnownIssue { id: issue.id.clone() }),
            Excuse::Waived(waiver) => Some(Verdict::Waived {
                reason: waiver.reason.clone(),
                owner: waiver.owner.clone(),
                until: waiver.expires.to_string(),
            }),
            Excuse::NoLongerKnown(_) | Excuse::NoLongerWaived(_) => None,
        }
    }

    /// A value by name, as a script has it; `()` for an optional one that the site does not set.
    fn value(&self, name: &str) -> Result<Dynamic> {
        if name == "name" {
            return Ok(self.0.site.name.clone().into());
        }
        match self.0.site.values().get(name)? {
            Some(setting) => dynamic(&setting.value),
            None => Ok(Dynamic::UNIT),
        }
    }
}

/// A URL that probes look at: `site.endpoint("keystone")`.
#[derive(Clone)]
pub struct Endpoint(pub EndpointDecl);

/// A site's value as a script has it: durations are durations, sizes are bytes.
fn dynamic(value: &Value) -> Result<Dynamic> {
    Ok(match value {
        Value::Text(text) => text.clone().into(),
        Value::Integer(n) => (*n).into(),
        Value::Boolean(b) => (*b).into(),
        Value::Duration(d) => Dynamic::from(Span(*d)),
        Value::Size(bytes) => i64::try_from(*bytes).unwrap_or(i64::MAX).into(),
        Value::List(items) => items.iter().map(dynamic).collect::<Result<Vec<_>>>()?.into(),
        Value::Map(entries) => {
            let map: Result<rhai::Map> =
                entries.iter().map(|(k, v)| Ok((k.as_str().into(), dynamic(v)?))).collect();
            map?.into()
        }
    })
}

/// Registers `site`: its values are its fields.
pub fn register(engine: &mut Engine) {
    let read = |s: &mut SiteHandle, name: ImmutableString| -> Result<Dynamic, Box<EvalAltResult>> {
        s.value(&name).map_err(|e| Thrown::from(e).into())
    };
    engine
        .register_type_with_name::<SiteHandle>("Site")
        .register_fn("to_string", |s: &mut SiteHandle| format!("site {}", s.0.site.name))
        .register_fn("to_debug", |s: &mut SiteHandle| format!("site {}", s.0.site.name))
        .register_get("extra", |s: &mut SiteHandle| -> Result<Dynamic, Box<EvalAltResult>> {
            let extra = s.0.site.extra.iter().map(|(name, v)| (name.clone(), v.value.clone())).collect();
            value::from_json(&extra).map_err(|e| Thrown::from(e).into())
        })
        .register_indexer_get(read);
    engine
        .register_type_with_name::<Endpoint>("Endpoint")
        .register_fn("to_string", |e: &mut Endpoint| format!("{} ({})", e.0.name, e.0.url))
        .register_fn("to_debug", |e: &mut Endpoint| format!("{} ({})", e.0.name, e.0.url))
        .register_get("name", |e: &mut Endpoint| e.0.name.clone())
        .register_get("url", |e: &mut Endpoint| e.0.url.clone())
        .register_get("expect", |e: &mut Endpoint| -> Dynamic {
            e.0.expect.iter().map(|s| Dynamic::from(i64::from(*s))).collect::<Vec<_>>().into()
        });
}
