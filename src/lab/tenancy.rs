//! Who may do what in the lab's cloud: users, projects, domains and roles, as plain data.

use crate::base::Secret;

/// What Keystone knows when a rehearsal starts. The domain `Default`, the services' project and
/// their users are there anyway; roles come to exist by being named.
#[derive(Clone, Debug, Default)]
pub struct Tenancy {
    /// The name of the project of the services; without one, `service`.
    pub service_project: Option<String>,
    /// Domains by name.
    pub domains: Vec<String>,
    /// Projects.
    pub projects: Vec<Project>,
    /// Users.
    pub users: Vec<User>,
    /// Who has which role where. `admin` implies `manager`, that `member`, and that `reader`.
    pub roles: Vec<Assignment>,
    /// Application credentials that exist already.
    pub credentials: Vec<Credential>,
}

/// A project.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// Its name.
    pub name: String,
    /// Its domain's name.
    pub domain: String,
    /// Its id, where something outside the lab states it.
    pub id: Option<String>,
}

/// A user.
#[derive(Clone, Debug)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Its domain's name.
    pub domain: String,
    /// Its password.
    pub password: Secret,
    /// The project, by name and domain, that its tokens are for where nobody says another.
    pub default_project: Option<(String, String)>,
}

/// A role of a user somewhere.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The user's name and domain.
    pub user: (String, String),
    /// Where.
    pub target: Target,
    /// The role's name.
    pub role: String,
}

/// What a role counts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A project, by name and domain.
    Project(String, String),
    /// A domain, by name.
    Domain(String),
    /// The whole cloud.
    System,
}

/// An application credential.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Its id, as a credentials file states it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its secret.
    pub secret: Secret,
    /// The user's name and domain.
    pub user: (String, String),
    /// The project's name and domain.
    pub project: (String, String),
    /// The roles frozen into it.
    pub roles: Vec<String>,
}

impl Tenancy {
    /// A small cloud with an administrator, and a project `capi-mgmt` with a member and a reader.
    /// Each password is `secret`.
    pub fn example() -> Self {
        let mut tenancy = Tenancy { domains: vec!["capi".into()], ..Tenancy::default() };
        tenancy.add_project("admin", "Default");
        tenancy.add_project("capi-mgmt", "capi");
        for (user, domain) in [("admin", "Default"), ("capi-user", "capi"), ("capi-reader", "capi")] {
            tenancy.add_user(user, domain, "secret");
        }
        for user in tenancy.users.iter_mut().filter(|u| u.domain == "capi") {
            user.default_project = Some(("capi-mgmt".into(), "capi".into()));
        }
        let member = ["member", "load-balancer_member"];
        tenancy.grant("admin", "Default", Target::System, &["admin"]);
        let admin = Target::Project("admin".into(), "Default".into());
        tenancy.grant("admin", "Default", admin, &["admin", "load-balancer_admin"]);
        let mgmt = Target::Project("capi-mgmt".into(), "capi".into());
        tenancy.grant("admin", "Default", mgmt.clone(), &member);
        tenancy.grant("capi-user", "capi", mgmt.clone(), &member);
        tenancy.grant("capi-reader", "capi", mgmt, &["reader"]);
        tenancy
    }

    /// Adds a project.
    pub fn add_project(&mut self, name: &str, domain: &str) {
        self.projects.push(Project { name: name.into(), domain: domain.into(), id: None });
    }

    /// Adds a user.
    pub fn add_user(&mut self, name: &str, domain: &str, password: &str) {
        let (name, domain, password) = (name.into(), domain.into(), Secret::new(password));
        self.users.push(User { name, domain, password, default_project: None });
    }

    /// Gives a user roles somewhere.
    pub fn grant(&mut self, user: &str, domain: &str, target: Target, roles: &[&str]) {
        let user = (user.to_string(), domain.to_string());
        self.roles.extend(roles.iter().map(|role| Assignment {
            user: user.clone(),
            target: target.clone(),
            role: role.to_string(),
        }));
    }
}
