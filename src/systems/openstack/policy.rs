//! Which roles an operation needs, so that a call which the cloud would refuse is refused before
//! it is sent, with the reason. The defaults are those of 2024.1; a site states its own.

use std::collections::BTreeMap;

use crate::base::error::nearest;
use crate::base::{Error, ErrorKind, Result};

use super::resource;

/// Alternatives, each a set of roles that together suffice; none at all asks for no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs(pub &'static [&'static [&'static str]]);

/// Whoever has a token. Also where the service decides by ownership.
pub const ANYONE: Needs = Needs(&[]);
/// The cloud's administrators.
pub const ADMIN: Needs = Needs(&[&["admin"]]);
/// Who may change things of a project.
pub const MEMBER: Needs = Needs(&[&["member"], &["manager"], &["admin"]]);
/// Who may look around in Keystone.
pub const IDENTITY_READ: Needs = Needs(&[&["admin"], &["reader"]]);
/// Who may see load balancers: Octavia has its own roles, and a plain reader or member is refused.
pub const LB_READ: Needs = Needs(&[
    &["load-balancer_observer"],
    &["load-balancer_member"],
    &["load-balancer_global_observer"],
    &["load-balancer_quota_admin"],
    &["load-balancer_admin"],
    &["admin"],
]);
/// Who may change load balancers.
pub const LB_WRITE: Needs = Needs(&[&["load-balancer_member"], &["load-balancer_admin"], &["admin"]]);
/// Who may see and fail over amphorae.
pub const LB_ADMIN: Needs = Needs(&[&["load-balancer_admin"], &["admin"]]);
/// Who may ask Placement.
pub const PLACEMENT: Needs = Needs(&[&["admin"], &["service"]]);

/// What is to be done to which kind of thing: the key of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The resource's name, such as `load_balancers`.
    pub resource: &'static str,
    /// `list`, `get`, `create`, `update`, `delete`, or an action's name.
    pub verb: &'static str,
    /// The default of what it needs.
    pub needs: Needs,
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.resource, self.verb)
    }
}

/// A cloud's deviations from the default policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    rules: BTreeMap<String, Vec<Vec<String>>>,
}

impl Policy {
    /// Reads rules such as `load_balancers.failover = ["ops", "member+lb-admin"]`: any one of the
    /// entries suffices, `+` joins roles that are needed together, and an empty list asks for no role.
    /// `load_balancers.*` covers the operations that have no rule of their own.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] for an operation that does not exist.
    pub fn new<'a>(rules: impl IntoIterator<Item = (&'a str, Vec<String>)>) -> Result<Self> {
        let mut policy = Policy::default();
        for (operation, any_of) in rules {
            check(operation)?;
            let alternatives =
                any_of.iter().map(|all| all.split('+').map(|r| r.trim().to_string()).collect()).collect();
            policy.rules.insert(operation.to_string(), alternatives);
        }
        Ok(policy)
    }

    /// The alternatives of roles for an operation.
    pub fn needs(&self, operation: &Operation) -> Vec<Vec<String>> {
        let own = self.rules.get(&operation.to_string());
        own.or_else(|| self.rules.get(&format!("{}.*", operation.resource))).cloned().unwrap_or_else(|| {
            operation.needs.0.iter().map(|all| all.iter().map(|r| r.to_string()).collect()).collect()
        })
    }
}

fn check(operation: &str) -> Result<()> {
    let (name, verb) = operation.split_once('.').unwrap_or((operation, ""));
    let row = resource::find(name)?;
    let verbs: Vec<&str> = row.operations().iter().map(|o| o.verb).collect();
    if verb == "*" || verbs.contains(&verb) {
        return Ok(());
    }
    let meant = nearest(verb, verbs.iter().copied());
    Err(Error::new(ErrorKind::Site, format!("`{operation}` is not an operation")).help(match meant {
        Some(meant) => format!("did you mean `{name}.{meant}`?"),
        None => format!("{name} have {}, or `{name}.*` for all", verbs.join(", ")),
    }))
}
