//! Who and where a token proves to be, and its comparison with what was declared.

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use crate::base::{Error, ErrorKind, Result};

use super::authority::{Authority, Declared, Project};
use super::cloud::Domain;

/// A name with the id it stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Named {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
}

/// A thing of a domain: a user, a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InDomain {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// Its domain.
    pub domain: Named,
}

/// What a token is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// One project.
    Project(InDomain),
    /// A domain.
    Domain(Named),
    /// The cloud as a whole.
    System,
    /// Nothing.
    Unscoped,
}

/// Who and where a token proves to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// The handle's name in the site file.
    pub handle: String,
    /// The user.
    pub user: InDomain,
    /// What the token is for.
    pub target: Target,
    /// The roles it carries, by name.
    pub roles: Vec<String>,
    /// When it ends, by Keystone's clock.
    pub expires_at: Timestamp,
    /// The token comes from an application credential that may create no others.
    pub restricted: bool,
}

impl Identity {
    /// The project's id, of a token for a project.
    pub fn project_id(&self) -> Option<&str> {
        match &self.target {
            Target::Project(project) => Some(&project.id),
            _ => None,
        }
    }

    /// Whether it carries a role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|r| r.eq_ignore_ascii_case(role))
    }

    /// One line for whoever approves a change: `project capi-mgmt (d5bc…) domain capi, user admin,
    /// roles member,load-balancer_member, token until 12:04Z`.
    pub fn line(&self) -> String {
        let until = self.expires_at.to_zoned(TimeZone::UTC).strftime("%H:%MZ");
        let roles = self.roles.join(",");
        format!("{}, user {}, roles {roles}, token until {until}", self.target.describe(), self.user.name)
    }

    /// Compares the token with what was asked for and declared.
    ///
    /// # Errors
    /// [`ErrorKind::ScopeMismatch`] naming both.
    pub(super) fn prove(&self, authority: &Authority, declared: &Declared) -> Result<()> {
        let mismatch = |declared: String, proven: String| {
            let handle = &self.handle;
            Error::new(
                ErrorKind::ScopeMismatch,
                format!("handle `{handle}` is declared for {declared}, but its token is for {proven}"),
            )
            .help("correct the site file or the credential; nothing was changed")
            .scope(handle)
        };
        let target = || self.target.describe();
        let in_authority = match (authority, &self.target) {
            (Authority::Project(Project::Id(id)), Target::Project(own)) => *id == own.id,
            (Authority::Project(Project::Name { name, domain }), Target::Project(own)) => {
                *name == own.name && domain.as_ref().is_none_or(|d| own.domain.is(d))
            }
            (Authority::Domain(domain), Target::Domain(own)) => own.is(domain),
            (Authority::System, Target::System) | (Authority::Unscoped, Target::Unscoped) => true,
            (Authority::OfCredential, _) => true,
            _ => false,
        };
        if !in_authority {
            return Err(mismatch(authority.to_string(), target()));
        }
        if let Some(user) = &declared.user
            && *user != self.user.name
            && *user != self.user.id
        {
            return Err(mismatch(format!("user {user}"), format!("user {}", self.user.name)));
        }
        if let Some(project) = &declared.project {
            let same = matches!(&self.target, Target::Project(p) if p.name == *project || p.id == *project);
            if !same {
                return Err(mismatch(format!("project {project}"), target()));
            }
        }
        if let Some(domain) = &declared.domain {
            let own = match &self.target {
                Target::Project(p) => Some(&p.domain),
                Target::Domain(d) => Some(d),
                Target::System | Target::Unscoped => None,
            };
            if !own.is_some_and(|d| d.name == *domain || d.id == *domain) {
                return Err(mismatch(format!("domain {domain}"), target()));
            }
        }
        if let Some(missing) = declared.roles.iter().find(|r| !self.has_role(r)) {
            let has = if self.roles.is_empty() { "no role".to_string() } else { self.roles.join(", ") };
            return Err(mismatch(
                format!("role {missing}"),
                format!("{has} ({}, user {})", target(), self.user.name),
            ));
        }
        Ok(())
    }
}

impl Named {
    fn is(&self, domain: &Domain) -> bool {
        match domain {
            Domain::Id(id) => *id == self.id,
            // Keystone matches the names of domains without regard to case
            Domain::Name(name) => name.eq_ignore_ascii_case(&self.name),
        }
    }
}

impl Target {
    /// For messages: `project capi-mgmt (d5bc…) domain capi`.
    pub fn describe(&self) -> String {
        match self {
            Target::Project(p) => format!("project {} ({}) domain {}", p.name, short(&p.id), p.domain.name),
            Target::Domain(d) => format!("domain {} ({})", d.name, short(&d.id)),
            Target::System => "the system".to_string(),
            Target::Unscoped => "no project".to_string(),
        }
    }
}

/// The first characters of an id, enough to tell two apart for a person.
pub(super) fn short(id: &str) -> String {
    match id.char_indices().nth(8) {
        Some((end, _)) if id.len() > 12 => format!("{}…", &id[..end]),
        _ => id.to_string(),
    }
}
