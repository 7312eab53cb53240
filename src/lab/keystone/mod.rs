//! Keystone: tokens, scopes, roles, the catalogue.

mod assignments;
mod catalog;
mod credentials;
mod directory;
mod grant;
mod tokens;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

pub(crate) use credentials::{AppCredential, NewCredential, issue as issue_credential};
pub(crate) use grant::{Grant, with_implied};
pub(crate) use tokens::authenticate;

use crate::base::{Error, ErrorKind, Result};

use super::api::{Api, Call, Outcome, Refusal, Version, shape};
use super::exchange::{Answer, Request};
use super::ids::{Id, Ids};
use super::table::{Row, Table};
use super::tenancy::{Target, Tenancy};

pub(super) const API: Api = Api {
    name: "keystone",
    kind: "identity",
    prefix: "/identity",
    root: "/v3",
    routes: &[tokens::ROUTES, catalog::ROUTES, directory::ROUTES, assignments::ROUTES, credentials::ROUTES],
    microversions: None,
    shape: refuse,
    finish,
};

fn refuse(refusal: &Refusal, request: &Request) -> Answer {
    let status = refusal.status();
    let message = match refusal {
        Refusal::NoRoute => {
            return Answer::text(
                404,
                "text/html; charset=utf-8",
                "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.</p>\n",
            );
        }
        Refusal::NoMethod(allowed) => {
            let allowed = format!("{allowed}, OPTIONS");
            return Answer::json(405, json!({"message": shape::sentence(refusal)})).header("allow", &allowed);
        }
        Refusal::Policy(policy) => {
            format!("You are not authorized to perform the requested action: {policy}.")
        }
        _ => shape::sentence(refusal),
    };
    let mut error = json!({"code": status, "message": message, "title": shape::title(status)});
    if matches!(refusal, Refusal::Said { kind, .. } if kind == METHOD) {
        error["identity"] = json!({});
    }
    let answer = Answer::json(status, json!({"error": error}));
    if status == 401 { answer.header("www-authenticate", &shape::challenge(request)) } else { answer }
}

fn finish(answer: &mut Answer, request: &Request, _: Version) {
    answer.set_header("vary", "X-Auth-Token");
    answer.set_header("x-openstack-request-id", &request.id);
}

/// A refusal that comes from a way to authenticate.
const METHOD: &str = "identity";

/// Keystone's state.
#[derive(Default)]
pub(crate) struct Keystone {
    domains: Table<Domain>,
    projects: Table<Project>,
    users: Table<User>,
    roles: Table<Role>,
    assignments: Vec<Assignment>,
    credentials: Table<AppCredential>,
    tokens: HashMap<String, Arc<Grant>>,
    /// The id of the services' project.
    pub(crate) service_project: Id,
}

struct Domain {
    id: Id,
    name: String,
    description: &'static str,
}

struct Project {
    id: Id,
    name: String,
    domain: Id,
    description: String,
}

struct User {
    id: Id,
    name: String,
    domain: Id,
    password: crate::base::Secret,
    default_project: Option<Id>,
}

struct Role {
    id: Id,
    name: Id,
}

#[derive(Clone, PartialEq)]
struct Assignment {
    user: Id,
    role: Id,
    place: Place,
}

/// Where a role counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Project(Id),
    Domain(Id),
    System,
}

macro_rules! rows {
    ($($row:ty),*) => {$(impl Row for $row { fn id(&self) -> &Id { &self.id } })*};
}
rows!(Domain, Project, User, Role, AppCredential);

/// Users of the services themselves, in the project `service`.
const SERVICE_USERS: &[&str] = &["nova", "placement", "neutron", "glance", "cinder", "octavia", "magnum"];

impl Keystone {
    /// The directory that a tenancy describes.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`]: something names a user, project or domain that is not there.
    pub(crate) fn new(tenancy: &Tenancy, ids: &mut Ids) -> Result<Self> {
        let mut it = Keystone::default();
        let default =
            Domain { id: "default".into(), name: "Default".into(), description: "The default domain" };
        it.domains.insert(default);
        for name in &tenancy.domains {
            if it.domain_named(name).is_none() {
                it.domains.insert(Domain { id: ids.hex("domain"), name: name.clone(), description: "" });
            }
        }
        for role in [
            "admin",
            "manager",
            "member",
            "reader",
            "service",
            "load-balancer_member",
            "load-balancer_observer",
            "load-balancer_admin",
        ] {
            it.role(role, ids);
        }
        let service = tenancy.service_project.clone().unwrap_or_else(|| "service".into());
        let own = [super::tenancy::Project { name: service.clone(), domain: "Default".into(), id: None }];
        for project in own.iter().chain(&tenancy.projects) {
            let domain = it.domain_named(&project.domain).ok_or_else(|| absent("domain", &project.domain))?;
            if it.project_named(&project.name, &domain).is_none() {
                let id = project.id.as_deref().map_or_else(|| ids.hex("project"), Id::from);
                it.projects.insert(Project {
                    id,
                    name: project.name.clone(),
                    domain,
                    description: String::new(),
                });
            }
        }
        it.service_project = it.project_in(&service, "Default")?;
        for user in &tenancy.users {
            let domain = it.domain_named(&user.domain).ok_or_else(|| absent("domain", &user.domain))?;
            it.add_user(&user.name, domain.clone(), user.password.clone(), ids);
            if let Some((project, project_domain)) = &user.default_project {
                let project = it.project_in(project, project_domain)?;
                if let Some(made) = it.user_named(&user.name, &domain).and_then(|id| it.users.get_mut(&id)) {
                    made.default_project = Some(project);
                }
            }
        }
        for name in SERVICE_USERS {
            let password = crate::base::Secret::new(ids.secret("service-password"));
            it.add_user(name, "default".into(), password, ids);
            let project = Target::Project(service.clone(), "Default".into());
            for role in ["admin", "service"] {
                it.assign((name, "Default"), &project, role, ids)?;
            }
        }
        for assignment in &tenancy.roles {
            let (user, domain) = &assignment.user;
            it.assign((user, domain), &assignment.target, &assignment.role, ids)?;
        }
        for credential in &tenancy.credentials {
            let (user, project) = (&credential.user, &credential.project);
            let user = it.user_in(&user.0, &user.1)?;
            let project = it.project_in(&project.0, &project.1)?;
            let roles = credential.roles.iter().map(|name| it.role(name, ids)).collect();
            it.credentials.insert(AppCredential {
                id: credential.id.as_str().into(),
                name: credential.name.clone(),
                description: None,
                user,
                project,
                roles: with_implied(roles),
                secret: credential.secret.clone(),
                expires: None,
                unrestricted: false,
            });
        }
        Ok(it)
    }

    fn add_user(&mut self, name: &str, domain: Id, password: crate::base::Secret, ids: &mut Ids) {
        if self.user_named(name, &domain).is_none() {
            let id = ids.hex("user");
            self.users.insert(User { id, name: name.into(), domain, password, default_project: None });
        }
    }

    fn assign(
        &mut self,
        (user, domain): (&str, &str),
        target: &Target,
        role: &str,
        ids: &mut Ids,
    ) -> Result<()> {
        let user = self.user_in(user, domain)?;
        let place = match target {
            Target::Project(name, domain) => Place::Project(self.project_in(name, domain)?),
            Target::Domain(name) => {
                Place::Domain(self.domain_named(name).ok_or_else(|| absent("domain", name))?)
            }
            Target::System => Place::System,
        };
        let role = self.role(role, ids);
        let assignment = Assignment { user, role, place };
        if !self.assignments.contains(&assignment) {
            self.assignments.push(assignment);
        }
        Ok(())
    }

    /// The name of a role, which exists from now on.
    fn role(&mut self, name: &str, ids: &mut Ids) -> Id {
        if let Some(role) = self.roles.iter().find(|r| *r.name == *name) {
            return role.name.clone();
        }
        let role = Role { id: ids.hex("role"), name: name.into() };
        let name = role.name.clone();
        self.roles.insert(role);
        name
    }

    fn domain_named(&self, name: &str) -> Option<Id> {
        self.domains.iter().find(|d| d.name.eq_ignore_ascii_case(name)).map(|d| d.id.clone())
    }

    fn project_named(&self, name: &str, domain: &str) -> Option<Id> {
        self.projects.iter().find(|p| p.name == name && *p.domain == *domain).map(|p| p.id.clone())
    }

    fn user_named(&self, name: &str, domain: &str) -> Option<Id> {
        self.users.iter().find(|u| u.name == name && *u.domain == *domain).map(|u| u.id.clone())
    }

    fn user_in(&self, name: &str, domain: &str) -> Result<Id> {
        let id = self.domain_named(domain).and_then(|d| self.user_named(name, &d));
        id.ok_or_else(|| absent("user", name))
    }

    fn project_in(&self, name: &str, domain: &str) -> Result<Id> {
        let id = self.domain_named(domain).and_then(|d| self.project_named(name, &d));
        id.ok_or_else(|| absent("project", name))
    }

    /// The project of a name, whatever its domain.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`]: there is none.
    pub(crate) fn any_project(&self, name: &str) -> Result<Id> {
        let found = self.projects.iter().find(|p| p.name == name || *p.id == *name);
        found.map(|p| p.id.clone()).ok_or_else(|| absent("project", name))
    }

    /// The user of a name, whatever its domain.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`]: there is none.
    pub(crate) fn any_user(&self, name: &str) -> Result<Id> {
        let found = self.users.iter().find(|u| u.name == name || *u.id == *name);
        found.map(|u| u.id.clone()).ok_or_else(|| absent("user", name))
    }

    /// The users who may change things in a project.
    pub(crate) fn members(&self, project: &str) -> Vec<Id> {
        let place = Place::Project(project.into());
        let mut users: Vec<Id> = Vec::new();
        for assignment in
            self.assignments.iter().filter(|a| a.place == place && ["member", "admin"].contains(&&*a.role))
        {
            if !users.contains(&assignment.user) {
                users.push(assignment.user.clone());
            }
        }
        users
    }

    /// What a user can do in a project with all the roles it has there.
    pub(crate) fn grant(&self, user: &str, project: &str) -> Grant {
        let place = Place::Project(project.into());
        Grant {
            user: user.into(),
            project: project.into(),
            roles: self.roles_of(user, &place),
            ..Grant::default()
        }
    }

    /// Names of a user's roles in a place, implied ones as well.
    fn roles_of(&self, user: &str, place: &Place) -> Vec<Id> {
        let own = self.assignments.iter().filter(|a| *a.user == *user && a.place == *place);
        with_implied(own.map(|a| a.role.clone()).collect())
    }

    /// Makes every token so far invalid.
    pub(crate) fn expire_tokens(&mut self) {
        self.tokens.clear();
    }

    /// How an effect says whose it is: `capi-user in capi-mgmt`.
    pub(crate) fn describe(&self, who: &Grant) -> String {
        let user = self.users.get(&who.user).map_or("?", |u| u.name.as_str());
        match self.projects.get(&who.project) {
            Some(project) => format!("{user} in {}", project.name),
            None => user.to_string(),
        }
    }
}

fn absent(what: &str, name: &str) -> Error {
    Error::new(ErrorKind::Argument, format!("the lab has no {what} `{name}`"))
}

/// A collection of Keystone.
fn list(call: &Call<'_>, key: &str, items: Vec<Value>) -> Outcome {
    let query = &call.request.query;
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    let own = format!("{}{}{query}", call.request.base, call.request.path);
    let mut body = json!({});
    body[key] = items.into();
    body["links"] = json!({"next": null, "self": own, "previous": null});
    Ok(Answer::json(200, body))
}

fn missing(what: &str, id: &str) -> Refusal {
    Refusal::said(404, format!("Could not find {what}: {id}."))
}
