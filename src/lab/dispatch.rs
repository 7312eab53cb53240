//! From a request to an answer: which service, what goes wrong, what is written down.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, Method};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use super::SERVICES;
use super::amend::Amendments;
use super::exchange::{Answer, Body, Front, Incoming, Request, decode};
use super::fault::{Act, Deck, Fault};
use super::follow::{Followed, More};
use super::keystone;
use super::machines::Reply;
use super::nova::Server;
use super::service::Service;
use super::sweep::Tape;
use super::world::World;
use crate::base::{Clock, Result, SimClock, secret::MASK};

/// A request that asked for a change, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// When.
    pub at: Timestamp,
    /// The service: `octavia`.
    pub service: String,
    /// The HTTP method.
    pub method: String,
    /// The path within the service.
    pub path: String,
    /// The body, secrets masked; of a stream, its length and SHA-512.
    pub body: Value,
    /// Whose token it was: `capi-user in capi-mgmt`. Empty without a valid one.
    pub who: String,
    /// The status that the service gave it; a fault may have kept the client from hearing of it.
    pub status: u16,
    /// The request's id.
    pub request_id: String,
}

/// What a command's caller hears.
pub(super) enum Heard {
    /// The command ended.
    Reply(Reply),
    /// Nobody is there.
    Nobody,
    /// The connection broke; what was asked for is done.
    Lost,
    /// Nothing, until the command's time was over.
    Silence,
}

/// What happens to the connection instead of a whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Nothing: the answer goes out.
    Whole,
    /// The answer ends after half of its body.
    Half,
    /// Half of the body goes out, and then the connection is reset.
    HalfReset,
    /// No byte goes out.
    Reset,
}

/// What came in, before it is known for whom.
pub(super) struct Arrival {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Incoming,
}

/// What comes of a request.
pub(super) struct Reaction {
    pub(super) answer: Answer,
    pub(super) cut: Cut,
    /// The answer goes on.
    pub(super) followed: Option<Followed>,
}

/// The lab behind its listener.
pub(super) struct Desk {
    pub(super) clock: Arc<SimClock>,
    /// Where it listens.
    pub(super) address: SocketAddr,
    start: Timestamp,
    state: Mutex<State>,
    /// How often time has passed by itself.
    beats: watch::Sender<u64>,
}

struct State {
    world: World,
    deck: Deck,
    /// What is other than the services make it.
    amends: Amendments,
    /// What was answered, where somebody wants to know.
    tape: Option<Tape>,
    effects: Vec<Effect>,
    counts: BTreeMap<String, u64>,
}

impl Desk {
    pub(super) fn new(clock: Arc<SimClock>, address: SocketAddr, world: World) -> Self {
        let (deck, amends) = (Deck::default(), Amendments::default());
        let state = State { world, deck, amends, tape: None, effects: Vec::new(), counts: BTreeMap::new() };
        Desk { start: clock.now(), clock, address, state: Mutex::new(state), beats: watch::Sender::new(0) }
    }

    /// Lets time pass by itself, and tells those who follow something.
    pub(super) fn pass(&self, elapsed: Duration) {
        self.clock.advance_to(elapsed);
        self.beats.send_modify(|n| *n += 1);
    }

    /// Wakes at each beat from now on.
    pub(super) fn beats(&self) -> watch::Receiver<u64> {
        self.beats.subscribe()
    }

    /// What has come of something that is followed.
    pub(super) fn more(&self, followed: &Followed) -> More {
        let mut more = self.with(|world| followed.service.more(world, &followed.request, followed.mark));
        let mut state = self.state();
        let State { world, amends, .. } = &mut *state;
        if !amends.is_empty() {
            let admin = keystone::authenticate(world, &followed.request).is_none_or(|grant| grant.is_admin());
            more.text = amends.events(followed.service.name(), &more.text, admin);
        }
        more
    }

    /// Whether an address is the lab's own.
    pub(super) fn is_at(&self, host: &str, port: u16) -> bool {
        port == self.address.port() && matches!(host, "127.0.0.1" | "localhost")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The world as it is now.
    pub(super) fn with<R>(&self, look: impl FnOnce(&mut World) -> R) -> R {
        let mut state = self.state();
        state.world.settle(self.clock.now());
        look(&mut state.world)
    }

    /// Whether anything answers at an address of the procedure.
    pub(super) fn answers_at(&self, host: &str, port: u16) -> bool {
        self.with(|world| player(world, host, port).is_some())
    }

    pub(super) fn effects(&self) -> Vec<Effect> {
        self.state().effects.clone()
    }

    pub(super) fn counts(&self) -> BTreeMap<String, u64> {
        self.state().counts.clone()
    }

    /// Keeps what is answered from now on.
    pub(super) fn record(&self) {
        self.state().tape = Some(Tape::default());
    }

    /// What was answered since.
    pub(super) fn tape(&self) -> Tape {
        self.state().tape.clone().unwrap_or_default()
    }

    /// Adds a fault; one with a time happens by itself.
    pub(super) fn inject(&self, mut fault: Fault) -> Result<()> {
        if let Some(amend) = fault.act.amend.take() {
            self.state().amends.add(fault.service, amend);
            return Ok(());
        }
        let Some(at) = fault.at else { return self.state().deck.add(fault) };
        let delay = at.saturating_sub(self.elapsed());
        self.with(|world| world.later(delay, move |world| happen(world, &fault.act)));
        Ok(())
    }

    fn elapsed(&self) -> Duration {
        self.clock.now().duration_since(self.start).try_into().unwrap_or_default()
    }

    /// Runs a command somewhere. A fault's `path` is matched with `PLACE: COMMAND LINE`, and its `status` is an exit code.
    pub(super) fn command(
        &self,
        service: &str,
        place: &str,
        line: &str,
        time: Duration,
        run: impl FnOnce(&mut World) -> Option<Reply>,
    ) -> Heard {
        let mut state = self.state();
        let State { world, deck, counts, tape, .. } = &mut *state;
        world.settle(self.clock.now());
        *counts.entry(format!("{service} EXEC {place}")).or_default() += 1;
        let acts = deck.strike_command(service, &format!("{place}: {line}"), self.elapsed());
        world.touch();
        for act in &acts {
            let pause = act.latency.map(|t| *t).or(act.hang.then_some(time));
            if let Some(pause) = pause {
                self.clock.advance_to(self.clock.elapsed() + pause.min(time));
                world.settle(self.clock.now());
            }
            happen(world, act);
        }
        if acts.iter().any(|a| a.drop) {
            return Heard::Nobody;
        }
        if acts.iter().any(|a| a.hang || a.latency.is_some_and(|t| *t >= time)) {
            return Heard::Silence;
        }
        if let Some(code) = acts.iter().find_map(|a| a.status) {
            let said = acts.iter().find_map(|a| a.garble.clone()).unwrap_or_default();
            return Heard::Reply(match code {
                0 => Reply::said(said),
                code => Reply::failed(i32::from(code), said),
            });
        }
        let Some(reply) = run(world) else { return Heard::Nobody };
        if let Some(tape) = tape {
            tape.command(service, place, line, &reply);
        }
        if !reply.takes.is_zero() {
            self.clock.advance_to(self.clock.elapsed() + reply.takes.min(time));
            world.settle(self.clock.now());
        }
        match reply {
            reply if reply.takes >= time => Heard::Silence,
            _ if acts.iter().any(|a| a.reset) => Heard::Lost,
            reply => Heard::Reply(reply),
        }
    }

    /// Answers a request.
    pub(super) fn exchange(&self, arrival: Arrival) -> Reaction {
        let mut state = self.state();
        let State { world, deck, amends, tape, effects, counts } = &mut *state;
        world.settle(self.clock.now());
        let own = is_own(world, &arrival.headers);
        let Some((service, mut request)) = address(world, arrival) else {
            // a connection that was led here before whatever it was for went away
            let cut = if own { Cut::Whole } else { Cut::Reset };
            let answer = Answer::text(404, "text/plain", "nothing in this lab answers here\n");
            return Reaction { answer, cut, followed: None };
        };
        let key = format!("{} {} {}", service.name(), request.method, service.pattern(&request));
        *counts.entry(key).or_default() += 1;

        let acts = deck.strike(service.name(), &request, self.elapsed());
        if request.method != Method::GET || !acts.is_empty() {
            world.touch();
        }
        for act in &acts {
            if let Some(latency) = act.latency {
                self.clock.advance_to(self.clock.elapsed() + *latency);
                world.settle(self.clock.now());
            }
            happen(world, act);
        }
        if acts.iter().any(|a| a.drop) {
            return Reaction { answer: Answer::empty(500), cut: Cut::Reset, followed: None };
        }
        let faulty = acts.iter().find_map(|a| Some((a.status?, a.retry_after)));
        let led = if amends.is_empty() { None } else { Some(amends.before(&mut request)) };
        let mut answer = match faulty {
            _ if let Some(Err(status)) = led => match status {
                400.. => service.failure(status, &request),
                _ => Answer::empty(status),
            },
            Some((status, retry_after)) => {
                let mut answer = service.failure(status, &request);
                if let Some(seconds) = retry_after {
                    answer.set_header("retry-after", &seconds.to_string());
                }
                answer
            }
            None => service.answer(world, &request),
        };
        if let Some(Ok(led)) = &led {
            let admin = keystone::authenticate(world, &request).is_none_or(|grant| grant.is_admin());
            if amends.after(service.name(), &request, led, admin, self.clock.now(), &mut answer) {
                answer = service.failure(404, &request);
            }
        }
        if let Some(tape) = tape {
            tape.exchange(service.name(), &request, &answer);
        }
        if changes(service, &request) {
            effects.push(effect(world, service, &request, answer.status));
        }
        if let Some(text) = acts.iter().find_map(|a| a.garble.clone()) {
            answer.body = Body::Text("text/html", text);
        }
        if let Body::File(content, _) = &mut answer.body
            && acts.iter().any(|a| a.spoil)
        {
            *content = content.spoilt();
        }
        let cut = match (acts.iter().any(|a| a.truncate), acts.iter().any(|a| a.reset)) {
            (true, true) => Cut::HalfReset,
            (true, false) => Cut::Half,
            (false, true) => Cut::Reset,
            (false, false) => Cut::Whole,
        };
        let followed = match &answer.body {
            Body::Flow(flow) if cut == Cut::Whole && *self.beats.borrow() > 0 => {
                Some(Followed { service, request, mark: flow.mark, lasts: flow.lasts })
            }
            _ => None,
        };
        Reaction { answer, cut, followed }
    }
}

/// What a fault does to the world, whether or not a request is hit by it.
fn happen(world: &mut World, act: &Act) {
    if act.expire_tokens {
        world.keystone.expire_tokens();
    }
    if let Some(name) = &act.server_off
        && let Some(server) = world.nova.server_named(name).map(|s| s.id.clone())
    {
        Server::kill(world, &server);
    }
    if let Some(name) = &act.lb_error {
        world.break_load_balancer(name);
    }
    if let Some(name) = &act.host_down {
        world
            .nova
            .hosts
            .iter_mut()
            .filter(|host| host.name.contains(name.as_str()))
            .for_each(|host| host.down = true);
    }
    if let Some(name) = &act.amphora_rows_lost {
        world.octavia.lose_amphorae(name);
    }
    if let Some(alter) = &act.alter {
        world.kubernetes.alter(alter.clone());
    }
    if let Some(pod) = &act.crash_loop {
        let now = world.now();
        world.kubernetes.crash(pod, now);
    }
    if let Some(name) = &act.credential_gone {
        let of = world.magnum.clusters.iter().filter(|cluster| cluster.name.contains(name.as_str()));
        let lost: Vec<_> = of.filter_map(|cluster| cluster.infrastructure.credential.clone()).collect();
        lost.iter().for_each(|credential| world.keystone.drop_credential(credential));
    }
    if let Some(name) = &act.new_address {
        world.move_floating_ips(name);
    }
    world.neutron.refusals += act.no_address.unwrap_or(0);
    world.nova.refusals += act.no_valid_host.unwrap_or(0);
    world.glance.failures += act.import_fails.unwrap_or(0);
}

/// Whether a request asks for a change. Getting a token is none; a command in a container is one, whatever its method.
fn changes(service: &dyn Service, request: &Request) -> bool {
    let exec = service.name() == "kubernetes" && request.path.ends_with("/exec");
    let read = !exec && [Method::GET, Method::HEAD, Method::OPTIONS].contains(&request.method);
    let token = service.name() == "keystone" && request.path.ends_with("/auth/tokens");
    !read && !token
}

fn effect(world: &World, service: &dyn Service, request: &Request, status: u16) -> Effect {
    let who = keystone::authenticate(world, request).map(|grant| world.keystone.describe(&grant));
    let mut body = match &request.body {
        Incoming::Empty => Value::Null,
        Incoming::Json(body) => body.clone(),
        Incoming::Text(text) => Value::from(text.as_str()),
        Incoming::Stream(digests) => serde_json::json!({"bytes": digests.bytes, "sha512": digests.sha512}),
    };
    mask(&mut body);
    Effect {
        at: world.now(),
        service: service.name().into(),
        method: request.method.to_string(),
        path: if request.query.is_empty() {
            request.path.clone()
        } else {
            format!("{}?{}", request.path, request.query)
        },
        body,
        who: who.unwrap_or_default(),
        status,
        request_id: request.id.to_string(),
    }
}

fn mask(value: &mut Value) {
    const SECRET: [&str; 4] = ["password", "secret", "adminPass", "user_data"];
    // all that a Secret of Kubernetes holds is secret
    let whole = value["kind"] == "Secret";
    match value {
        Value::Object(members) => members.iter_mut().for_each(|(key, member)| match member {
            Value::String(text) if SECRET.contains(&key.as_str()) => *text = MASK.into(),
            Value::Object(held) if whole && (key == "data" || key == "stringData") => {
                held.values_mut().for_each(|text| *text = MASK.into());
            }
            other => mask(other),
        }),
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

/// Whether anything answers at an address of the procedure, seen from within the cloud.
pub(super) fn answers(world: &World, host: &str, port: u16) -> bool {
    player(world, host, port).is_some()
}

/// The service that answers at an address of the procedure.
fn player(world: &World, host: &str, port: u16) -> Option<&'static dyn Service> {
    SERVICES.all().find(|service| service.plays(world, host, port))
}

/// Whether a request was sent to the lab's own listener, by its own name.
fn is_own(world: &World, headers: &HeaderMap) -> bool {
    let host = headers.get("host").and_then(|h| h.to_str().ok()).unwrap_or_default();
    format!("http://{host}") == world.origin || host.starts_with("localhost:")
}

/// Finds the service that a request is for: by the address it was sent to, or by its prefix.
fn address(world: &mut World, arrival: Arrival) -> Option<(&'static dyn Service, Request)> {
    let Arrival { method, path, query, headers, body } = arrival;
    let host = headers.get("host").and_then(|h| h.to_str().ok()).unwrap_or_default().to_string();
    let path = decode(&path, false);
    let own = is_own(world, &headers);
    let found = if own {
        let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        let of_prefix = |s: &&dyn Service| s.prefix().is_some_and(|p| p.trim_start_matches('/') == first);
        let (service, prefix) = SERVICES.all().find(of_prefix).and_then(|s| Some((s, s.prefix()?)))?;
        let rest = path.get(prefix.len()..).filter(|rest| !rest.is_empty()).unwrap_or("/");
        (service, rest.to_string(), format!("http://{host}{prefix}"), Front::Prefixes)
    } else {
        // a URL with its scheme's own port names none
        let (name, ports) = match host.rsplit_once(':') {
            Some((name, port)) => (name, vec![port.parse().ok()?]),
            None => (host.as_str(), vec![443, 80]),
        };
        let service = ports.into_iter().find_map(|port| player(world, name, port))?;
        (service, path, format!("https://{host}"), Front::Endpoints)
    };
    let (service, path, base, front) = found;
    let identity = match world.endpoints.0.get("identity") {
        Some(endpoint) if front == Front::Endpoints => format!("https://{endpoint}/v3"),
        _ => format!("{}/identity/v3", world.origin),
    };
    let id = format!("req-{}", world.ids.uuid("request")).into();
    Some((service, Request { method, path, query, headers, body, base, identity, front, id }))
}
