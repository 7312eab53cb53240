//! What a token stands for.

use jiff::Timestamp;

use super::Place;
use crate::lab::api::Rule;
use crate::lab::ids::Id;

/// A user's authority in one place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grant {
    pub(crate) user: Id,
    /// Empty where the token is not for a project.
    pub(crate) project: Id,
    /// Names of roles, implied ones as well.
    pub(crate) roles: Vec<Id>,
    /// A domain's id, for a token of a domain.
    pub(super) domain: Option<Id>,
    pub(super) system: bool,
    pub(super) methods: Vec<&'static str>,
    pub(super) issued: Timestamp,
    pub(super) expires: Timestamp,
    pub(super) audit: Vec<String>,
    /// The application credential behind it.
    pub(super) credential: Option<Id>,
}

impl Grant {
    pub(crate) fn has(&self, role: &str) -> bool {
        self.roles.iter().any(|r| **r == *role)
    }

    pub(crate) fn is_admin(&self) -> bool {
        self.has("admin")
    }

    /// Whether the roles suffice.
    pub(crate) fn may(&self, rule: Rule) -> bool {
        let roles = rule.roles();
        roles.is_empty() || roles.iter().any(|role| self.has(role))
    }

    /// The application credential behind it, if that is gone.
    pub(crate) fn lost_credential(&self, keystone: &super::Keystone) -> Option<&Id> {
        self.credential.as_ref().filter(|id| keystone.credentials.get(id).is_none())
    }

    /// Whether it comes from an application credential that makes no others.
    pub(crate) fn is_restricted(&self, keystone: &super::Keystone) -> bool {
        let credential = self.credential.as_ref().and_then(|id| keystone.credentials.get(id));
        credential.is_some_and(|c| !c.unrestricted)
    }

    pub(super) fn place(&self) -> Option<Place> {
        match (&self.domain, self.system) {
            (Some(domain), _) => Some(Place::Domain(domain.clone())),
            (None, true) => Some(Place::System),
            (None, false) if self.project.is_empty() => None,
            (None, false) => Some(Place::Project(self.project.clone())),
        }
    }
}

/// Roles with those that they imply, as Keystone's bootstrap sets it up.
pub(crate) fn with_implied(mut roles: Vec<Id>) -> Vec<Id> {
    const CHAIN: [&str; 4] = ["admin", "manager", "member", "reader"];
    if let Some(strongest) = CHAIN.iter().position(|name| roles.iter().any(|r| **r == **name)) {
        for implied in &CHAIN[strongest..] {
            if !roles.iter().any(|r| **r == **implied) {
                roles.push((*implied).into());
            }
        }
    }
    roles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(roles: &[&str]) -> Grant {
        Grant { roles: with_implied(roles.iter().map(|r| Id::from(*r)).collect()), ..Grant::default() }
    }

    #[test]
    fn roles_imply_the_weaker_ones_and_nothing_of_octavia() {
        assert!(grant(&["admin"]).may(Rule::Reader) && grant(&["member"]).may(Rule::Reader));
        assert!(!grant(&["reader"]).may(Rule::Member));
        let member = grant(&["member"]);
        assert!(!member.may(Rule::LbRead) && !member.may(Rule::LbWrite));
        let lb = grant(&["member", "load-balancer_member"]);
        assert!(lb.may(Rule::LbWrite) && !lb.may(Rule::LbAdmin));
        assert!(grant(&["admin"]).may(Rule::LbAdmin) && Grant::default().may(Rule::Token));
    }
}
