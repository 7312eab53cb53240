//! One row for each thing an API does: method, path, who may, what happens.

use super::{Call, Outcome};
use crate::lab::exchange::Request;

/// Whom a policy lets through, by the roles of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Everybody, without a token.
    Open,
    /// Every valid token. Also where the handler decides by what is asked for.
    Token,
    /// `reader` and up.
    Reader,
    /// `member` and up.
    Member,
    /// `admin`.
    Admin,
    /// `admin` or `service`.
    Service,
    /// Octavia's readers: a plain reader or member is none of them.
    LbRead,
    /// Octavia's writers.
    LbWrite,
    /// Octavia's administrators.
    LbAdmin,
}

impl Rule {
    /// Roles of which one suffices; implied roles are in the token.
    pub(crate) fn roles(self) -> &'static [&'static str] {
        match self {
            Rule::Open | Rule::Token => &[],
            Rule::Reader => &["reader", "admin"],
            Rule::Member => &["member", "admin"],
            Rule::Admin => &["admin"],
            Rule::Service => &["service", "admin"],
            Rule::LbRead => &[
                "load-balancer_observer",
                "load-balancer_global_observer",
                "load-balancer_member",
                "load-balancer_admin",
                "admin",
            ],
            Rule::LbWrite => &["load-balancer_member", "load-balancer_admin", "admin"],
            Rule::LbAdmin => &["load-balancer_admin", "admin"],
        }
    }
}

/// What answers a request.
pub(crate) type Handler = fn(&mut Call<'_>) -> Outcome;

/// One thing an API does.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// `{}` stands for any one part.
    pub(crate) path: &'static str,
    pub(crate) rule: Rule,
    /// The policy's name, for the refusal.
    pub(crate) policy: &'static str,
    pub(crate) run: Handler,
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

impl Route {
    /// The parts of a path in the places of `{}`, if it is this path.
    pub(crate) fn params<'r>(&self, path: &'r str) -> Option<Vec<&'r str>> {
        let (mut pattern, mut given) = (parts(self.path), parts(path));
        let mut params = Vec::new();
        loop {
            match (pattern.next(), given.next()) {
                (None, None) => return Some(params),
                (Some("{}"), Some(part)) => params.push(part),
                // Octavia has one API under two names, and its client uses the other one
                (Some(a), Some(b)) if a == b || (a, b) == ("v2", "v2.0") => {}
                _ => return None,
            }
        }
    }

    /// The same, if the method is this one.
    pub(crate) fn matches<'r>(&self, request: &'r Request) -> Option<Vec<&'r str>> {
        if self.method == request.method.as_str() { self.params(&request.path) } else { None }
    }
}

macro_rules! verbs {
    ($($name:ident $method:literal),*) => {$(
        pub(crate) const fn $name(path: &'static str, rule: Rule, policy: &'static str, run: Handler) -> Route {
            Route { method: $method, path, rule, policy, run }
        }
    )*};
}

verbs!(get "GET", head "HEAD", post "POST", put "PUT", patch "PATCH", delete "DELETE");
