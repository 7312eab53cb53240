//! What a handle is for, as the site file declares it, before any token says so.

use std::fmt;

use super::cloud::Domain;

/// A project by id, or by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Project {
    /// By id.
    Id(String),
    /// By name. Without a domain it is looked for among the user's own projects.
    Name {
        /// The project's name.
        name: String,
        /// The domain the project belongs to.
        domain: Option<Domain>,
    },
}

/// What a token is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authority {
    /// One project.
    Project(Project),
    /// A domain, to administer it.
    Domain(Domain),
    /// The cloud as a whole (`system: all`).
    System,
    /// Whatever an application credential or a token is bound to.
    OfCredential,
    /// Nothing: enough to list one's own projects.
    Unscoped,
}

impl fmt::Display for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Project::Id(id) => write!(f, "project {id}"),
            Project::Name { name, domain: Some(domain) } => write!(f, "project {name} of domain {domain}"),
            Project::Name { name, domain: None } => write!(f, "project {name}"),
        }
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Authority::Project(project) => project.fmt(f),
            Authority::Domain(domain) => write!(f, "domain {domain}"),
            Authority::System => f.write_str("the system"),
            Authority::OfCredential => f.write_str("what the credential is bound to"),
            Authority::Unscoped => f.write_str("no project"),
        }
    }
}

/// What the site file says a token must prove beside its project. Empty parts prove nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// Roles that the token must carry, each of them.
    pub roles: Vec<String>,
    /// The user's name or id.
    pub user: Option<String>,
    /// The project's name or id.
    pub project: Option<String>,
    /// The name or id of the project's domain, or of the domain the token is for.
    pub domain: Option<String>,
}
