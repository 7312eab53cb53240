//! What all OpenStack APIs of the lab have in common: a table of routes, a token, a policy, a
//! microversion, and errors in the service's own shape.

mod call;
mod listing;
mod refusal;
mod route;
pub(crate) mod shape;
mod version;

pub(crate) use call::Call;
pub(crate) use listing::{Listing, fits};
pub(crate) use refusal::Refusal;
pub(crate) use route::{Route, Rule, delete, get, head, patch, post, put};
pub(crate) use version::{Microversions, Version};

use super::exchange::{Answer, Request};
use super::service::Service;
use super::world::World;

/// What a handler gives back.
pub(crate) type Outcome = Result<Answer, Refusal>;

/// An OpenStack API.
pub(crate) struct Api {
    /// The project: `nova`.
    pub(crate) name: &'static str,
    /// The service's type in the catalogue: `compute`.
    pub(crate) kind: &'static str,
    /// What its paths begin with on the lab's own listener.
    pub(crate) prefix: &'static str,
    /// What the catalogue's address ends with: `/v2.1`.
    pub(crate) root: &'static str,
    /// What it answers to.
    pub(crate) routes: &'static [&'static [Route]],
    /// The versions it negotiates.
    pub(crate) microversions: Option<Microversions>,
    /// The shape of its errors.
    pub(crate) shape: fn(&Refusal, &Request) -> Answer,
    /// The headers of all its answers.
    pub(crate) finish: fn(&mut Answer, &Request, Version),
}

impl Api {
    /// What it answers to: `nova GET /v2.1/servers/{}`.
    pub(crate) fn routes(&self) -> impl Iterator<Item = String> {
        self.routes
            .iter()
            .copied()
            .flatten()
            .map(|route| format!("{} {} {}", self.name, route.method, route.path))
    }

    fn route<'r>(&self, request: &'r Request) -> Option<(&'static Route, Vec<&'r str>)> {
        self.routes.iter().copied().flatten().find_map(|route| Some((route, route.matches(request)?)))
    }

    fn run(&self, world: &mut World, request: &Request, version: Result<Version, Refusal>) -> Outcome {
        let found = self.route(request);
        let open = found.as_ref().is_some_and(|(route, _)| route.rule == Rule::Open);
        let who = match super::keystone::authenticate(world, request) {
            Some(grant) => match grant.lost_credential(&world.keystone) {
                // Keystone says what is missing, to everybody else the token is just not valid
                Some(id) if self.kind == "identity" => {
                    return Err(Refusal::said(404, format!("Could not find Application Credential: {id}.")));
                }
                Some(_) => return Err(Refusal::NoToken),
                None => grant,
            },
            None if open => Default::default(),
            None => return Err(Refusal::NoToken),
        };
        let version = version?;
        let (route, params) = found.ok_or_else(|| self.no_route(request))?;
        let mut call = Call { world, request, who, version, params };
        if !call.who.may(route.rule) {
            return Err(Refusal::Policy(route.policy));
        }
        (route.run)(&mut call)
    }

    /// The path may be known with other methods.
    fn no_route(&self, request: &Request) -> Refusal {
        let methods = self.routes.iter().copied().flatten().filter(|r| r.params(&request.path).is_some());
        let methods: Vec<&str> = methods.map(|r| r.method).collect();
        if methods.is_empty() { Refusal::NoRoute } else { Refusal::NoMethod(methods.join(", ")) }
    }
}

impl Service for Api {
    fn name(&self) -> &'static str {
        self.name
    }

    fn prefix(&self) -> Option<&'static str> {
        Some(self.prefix)
    }

    fn plays(&self, world: &World, host: &str, port: u16) -> bool {
        world.endpoints.0.get(self.kind).is_some_and(|e| *e == format!("{host}:{port}"))
    }

    fn answer(&self, world: &mut World, request: &Request) -> Answer {
        let version = self.microversions.as_ref().map_or(Ok(Version(0, 0)), |m| m.negotiate(request));
        let agreed = match &version {
            Ok(version) | Err(Refusal::NoVersion { asked: version, .. }) => *version,
            Err(_) => Version(0, 0),
        };
        let outcome = self.run(world, request, version);
        let mut answer = outcome.unwrap_or_else(|refusal| (self.shape)(&refusal, request));
        (self.finish)(&mut answer, request, agreed);
        answer
    }

    fn failure(&self, status: u16, request: &Request) -> Answer {
        let refusal = match status {
            401 => Refusal::NoToken,
            _ => Refusal::said(
                status,
                "The server has either erred or is incapable of performing the requested operation.",
            ),
        };
        let mut answer = (self.shape)(&refusal, request);
        (self.finish)(&mut answer, request, Version(0, 0));
        answer
    }

    fn pattern(&self, request: &Request) -> &'static str {
        self.route(request).map_or("?", |(route, _)| route.path)
    }
}
