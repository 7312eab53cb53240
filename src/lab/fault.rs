//! The fault deck: what goes wrong, when, and how often, as data.
//!
//! A fault with `at` happens by itself at that time after the start. Any other waits for requests
//! that match it: it lets `after` of them pass, then acts on `times` of them. Commands are requests too: of the service
//! `ssh` or `tool`, with the method `EXEC` and the path `HOST: COMMAND LINE`.

use std::collections::BTreeMap;
use std::time::Duration;

use regex::Regex;
use serde::Deserialize;

use crate::base::error::nearest;
use crate::base::{Error, ErrorKind, Result};

use super::amend::Amend;
use super::exchange::Request;
use super::scenario::Time;

/// One thing that goes wrong.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// Happens at this time after the start, without a request.
    pub at: Option<Time>,
    /// Only requests to this service, such as `octavia`.
    pub service: Option<String>,
    /// Only requests with this method.
    pub method: Option<String>,
    /// Only requests whose path, with its query, matches this regular expression.
    pub path: Option<String>,
    /// Only requests whose `User-Agent` matches this regular expression.
    pub agent: Option<String>,
    /// So many matching requests pass first.
    pub after: u32,
    /// So many requests are hit; without it, all that come.
    pub times: Option<u32>,
    /// Not before this time after the start.
    pub from: Option<Time>,
    /// Not from this time after the start on.
    pub until: Option<Time>,
    /// What goes wrong.
    #[serde(rename = "do")]
    pub act: Act,
}

/// How it goes wrong. Several of them at once are possible.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Act {
    /// The service answers this status in the shape of its own errors; a command ends with it.
    pub status: Option<u16>,
    /// The `Retry-After` of such an answer, in seconds.
    pub retry_after: Option<u64>,
    /// So much virtual time passes before the answer.
    pub latency: Option<Time>,
    /// The connection is reset; whatever the request asked for is done. With `truncate`, in the middle of the answer.
    pub reset: bool,
    /// The connection is reset before the service hears of the request.
    pub drop: bool,
    /// A command never ends: its time runs out.
    pub hang: bool,
    /// The answer ends after half of its body.
    pub truncate: bool,
    /// The bytes of a file are others than those that were published.
    pub spoil: bool,
    /// The body is this text instead of what the service says; of a command that ends with `status`, what it prints, on
    /// standard error unless that is 0.
    pub garble: Option<String>,
    /// Every token so far is no longer valid.
    pub expire_tokens: bool,
    /// This server's process is killed by its host: SHUTOFF.
    pub server_off: Option<String>,
    /// The hosts whose names hold this die: their nova-compute reports no more, and Nova still calls their servers ACTIVE.
    pub host_down: Option<String>,
    /// This load balancer's provisioning status becomes ERROR; traffic goes on.
    pub lb_error: Option<String>,
    /// Octavia loses the rows of the amphorae of load balancers whose names hold this, as with a restored database. Their
    /// servers run on.
    pub amphora_rows_lost: Option<String>,
    /// Kubernetes objects are other than the lab's controllers leave them.
    pub alter: Option<Alter>,
    /// A thing is other than the lab makes it, in every answer of the fault's service (of all, where none is named). It
    /// is so from the start: times and counts of the fault do not matter.
    pub amend: Option<Amend>,
    /// Pods of any cluster whose names hold this crash again and again from now on.
    pub crash_loop: Option<String>,
    /// So many servers to come find no host.
    pub no_valid_host: Option<u32>,
    /// The next so many imports fail.
    pub import_fails: Option<u32>,
    /// So many floating IPs to come find no address left.
    pub no_address: Option<u32>,
    /// The servers whose names hold this get another floating IP each, as after a rebuild: nothing of theirs answers at the old one.
    pub new_address: Option<String>,
    /// The application credentials of clusters whose names hold this are deleted.
    pub credential_gone: Option<String>,
}

/// What Kubernetes objects are, whatever the lab's controllers make of them: in every answer alike.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alter {
    /// The resource, such as `nodes` or `deployments.apps`.
    pub resource: String,
    /// Objects whose names hold this, in any cluster.
    pub name: String,
    /// What they hold otherwise: objects are merged, lists by the names of their entries, null takes a field away.
    pub with: toml::Value,
}

/// The deck that is shipped.
const SHIPPED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks/faults.toml"));

/// Faults under a name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// What it is, in a sentence.
    pub title: String,
    /// The faults.
    #[serde(rename = "fault")]
    pub faults: Vec<Fault>,
}

impl Fault {
    /// The deck that is shipped.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`]: it cannot be read.
    pub fn shipped() -> Result<BTreeMap<String, Named>> {
        toml::from_str(SHIPPED).map_err(|e| {
            Error::new(ErrorKind::Internal, "runbooks/faults.toml cannot be read").from_source(&e)
        })
    }

    /// Faults of the shipped deck by name, or one that is written out in TOML, on one line.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`]: neither, with the likely name.
    pub fn named_or_written(text: &str) -> Result<Vec<Fault>> {
        if text.contains('=') {
            #[derive(Deserialize)]
            struct Line {
                fault: Fault,
            }
            let line: Line = toml::from_str(&format!("fault = {{ {text} }}")).map_err(|e| {
                Error::new(ErrorKind::Argument, format!("`{text}` is not a fault: {}", e.message()))
                    .help("for example: service = \"octavia\", path = \"failover\", do = { status = 409 }")
            })?;
            return Ok(vec![line.fault]);
        }
        let mut deck = Fault::shipped()?;
        let meant = nearest(text, deck.keys().map(String::as_str)).map(str::to_string);
        let names = deck.keys().cloned().collect::<Vec<_>>().join(", ");
        match deck.remove(text) {
            Some(named) => Ok(named.faults),
            None => {
                let error = Error::new(ErrorKind::Argument, format!("no fault is called `{text}`"));
                Err(error
                    .help(meant.map_or(format!("shipped are {names}"), |m| format!("did you mean `{m}`?"))))
            }
        }
    }
}

/// A fault with what it needs to decide.
struct Card {
    fault: Fault,
    path: Option<Regex>,
    agent: Option<Regex>,
    seen: u32,
    hits: u32,
}

/// All faults of a rehearsal.
#[derive(Default)]
pub(super) struct Deck {
    cards: Vec<Card>,
}

impl Deck {
    /// Adds a fault.
    ///
    /// # Errors
    /// [`ErrorKind::Site`]: its `path` or its `agent` is no regular expression.
    pub(super) fn add(&mut self, fault: Fault) -> Result<()> {
        let (path, agent) = (pattern(&fault.path)?, pattern(&fault.agent)?);
        self.cards.push(Card { fault, path, agent, seen: 0, hits: 0 });
        Ok(())
    }

    /// What goes wrong with a request, that comes so long after the start.
    pub(super) fn strike(&mut self, service: &str, request: &Request, elapsed: Duration) -> Vec<Act> {
        let target = match request.query.as_str() {
            "" => request.path.clone(),
            query => format!("{}?{query}", request.path),
        };
        let agent = request.header("user-agent").unwrap_or_default();
        self.hit(service, request.method.as_str(), &target, agent, elapsed)
    }

    /// What goes wrong with a command, that is run so long after the start.
    pub(super) fn strike_command(&mut self, service: &str, line: &str, elapsed: Duration) -> Vec<Act> {
        self.hit(service, "EXEC", line, "", elapsed)
    }

    fn hit(&mut self, service: &str, method: &str, target: &str, agent: &str, elapsed: Duration) -> Vec<Act> {
        let strike = |card: &mut Card| {
            let meant = card.agent.as_ref().is_none_or(|a| a.is_match(agent));
            if meant { card.strike(service, method, target, elapsed) } else { None }
        };
        self.cards.iter_mut().filter_map(strike).collect()
    }
}

fn pattern(text: &Option<String>) -> Result<Option<Regex>> {
    let wrong = |text: &str, e| {
        Error::new(ErrorKind::Site, format!("`{text}` is not a regular expression")).from_source(&e)
    };
    text.as_deref().map(|text| Regex::new(text).map_err(|e| wrong(text, e))).transpose()
}

impl Card {
    fn strike(&mut self, service: &str, method: &str, target: &str, elapsed: Duration) -> Option<Act> {
        let Fault { at, service: only, method: wanted, from, until, after, times, act, .. } = &self.fault;
        let hit = at.is_none()
            && only.as_deref().is_none_or(|s| s == service)
            && wanted.as_deref().is_none_or(|m| m.eq_ignore_ascii_case(method))
            && from.is_none_or(|t| elapsed >= *t)
            && until.is_none_or(|t| elapsed < *t)
            && self.path.as_ref().is_none_or(|p| p.is_match(target));
        if !hit {
            return None;
        }
        self.seen += 1;
        if self.seen <= *after || times.is_some_and(|n| self.hits >= n) {
            return None;
        }
        self.hits += 1;
        Some(act.clone())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, Method};

    use super::*;
    use crate::lab::exchange::{Front, Incoming};

    fn request(method: Method, path: &str) -> Request {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Request {
            method,
            path: path.into(),
            query: query.into(),
            headers: HeaderMap::new(),
            body: Incoming::Empty,
            base: String::new(),
            identity: String::new(),
            front: Front::Endpoints,
            id: "req-1".into(),
        }
    }

    #[test]
    fn a_fault_hits_what_it_names_after_so_many_and_so_often() {
        let fault = "service = 'octavia'\nmethod = 'get'\npath = '/amphorae'\nafter = 1\ntimes = 2\nfrom = '1min'\ndo = { status = 503 }";
        let mut deck = Deck::default();
        deck.add(toml::from_str(fault).unwrap()).unwrap();
        let mut hit = |service, path, seconds| {
            !deck.strike(service, &request(Method::GET, path), Duration::from_secs(seconds)).is_empty()
        };
        assert!(!hit("octavia", "/v2/octavia/amphorae", 59));
        assert!(!hit("octavia", "/v2/octavia/amphorae", 60)); // the one that passes
        assert!(!hit("nova", "/v2/octavia/amphorae", 60));
        assert!(hit("octavia", "/v2/octavia/amphorae?loadbalancer_id=x", 61));
        assert!(!hit("octavia", "/v2/lbaas/loadbalancers", 61));
        assert!(hit("octavia", "/v2/octavia/amphorae", 62));
        assert!(!hit("octavia", "/v2/octavia/amphorae", 63));
    }

    #[test]
    fn a_wrong_pattern_is_named() {
        let mut deck = Deck::default();
        let error = deck.add(Fault { path: Some("(".into()), ..Fault::default() }).unwrap_err();
        assert!(error.to_string().starts_with("`(` is not a regular expression"), "{error}");
    }
}
