//! Application credentials: a user's authority in one project, with the roles of the day it was made.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::directory::show_role;
use super::{Grant, list, missing};
use crate::base::Secret;
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, delete, get, post};
use crate::lab::exchange::Answer;
use crate::lab::ids::Id;
use crate::lab::stamp;
use crate::lab::world::World;

pub(super) const ROUTES: &[Route] = &[
    get("/v3/users/{}/application_credentials", Rule::Token, "identity:list_application_credentials", all),
    post(
        "/v3/users/{}/application_credentials",
        Rule::Token,
        "identity:create_application_credential",
        create,
    ),
    get("/v3/users/{}/application_credentials/{}", Rule::Token, "identity:get_application_credential", show),
    delete(
        "/v3/users/{}/application_credentials/{}",
        Rule::Token,
        "identity:delete_application_credential",
        remove,
    ),
];

/// An application credential.
pub(crate) struct AppCredential {
    pub(crate) id: Id,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) user: Id,
    pub(super) project: Id,
    /// Names of its roles.
    pub(crate) roles: Vec<Id>,
    pub(super) secret: Secret,
    pub(super) expires: Option<Timestamp>,
    pub(super) unrestricted: bool,
}

/// What a new credential is to be.
pub(crate) struct NewCredential {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) roles: Vec<Id>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) unrestricted: bool,
}

/// Makes a credential for a user in a project.
pub(crate) fn issue(world: &mut World, user: &Id, project: &Id, new: NewCredential) -> Id {
    let credential = AppCredential {
        id: world.ids.hex("application-credential"),
        name: new.name,
        description: new.description,
        user: user.clone(),
        project: project.clone(),
        roles: new.roles,
        secret: Secret::new(world.ids.secret("application-credential-secret")),
        expires: new.expires,
        unrestricted: new.unrestricted,
    };
    world.keystone.credentials.insert(credential)
}

impl super::Keystone {
    /// What a credential can do, if it is still there.
    pub(crate) fn credential_grant(&self, id: &str) -> Option<Grant> {
        let credential = self.credentials.get(id)?;
        Some(Grant {
            user: credential.user.clone(),
            project: credential.project.clone(),
            roles: credential.roles.clone(),
            credential: Some(credential.id.clone()),
            ..Grant::default()
        })
    }

    /// Leaves a credential only these roles.
    pub(crate) fn freeze(&mut self, id: &str, roles: &[String]) {
        if let Some(credential) = self.credentials.get_mut(id) {
            credential.roles = super::with_implied(roles.iter().map(|r| Id::from(r.as_str())).collect());
        }
    }

    /// Takes a credential away.
    pub(crate) fn drop_credential(&mut self, id: &str) {
        self.credentials.remove(id);
    }
}

fn body(call: &Call<'_>, it: &AppCredential) -> Value {
    let keystone = &call.world.keystone;
    let roles =
        it.roles.iter().filter_map(|name| keystone.roles.iter().find(|r| r.name == *name)).map(show_role);
    json!({
        "id": &*it.id, "name": it.name, "description": it.description, "user_id": &*it.user, "project_id": &*it.project,
        "system": null, "expires_at": it.expires.map(stamp::micros),
        "unrestricted": if it.unrestricted { Value::from(true) } else { Value::Null },
        "roles": roles.collect::<Vec<_>>(),
        "links": {"self": format!("{}/v3/application_credentials/{}", call.request.base, it.id)},
    })
}

fn own_or_admin(call: &Call<'_>, policy: &'static str) -> Result<(), Refusal> {
    call.allow(call.who.is_admin() || *call.who.user == *call.param(0), policy)
}

fn all(call: &mut Call<'_>) -> Outcome {
    own_or_admin(call, "identity:list_application_credentials")?;
    let (user, name) = (call.param(0), call.query("name"));
    let fits = |c: &&AppCredential| *c.user == *user && name.as_deref().is_none_or(|n| n == c.name);
    let rows = call.world.keystone.credentials.iter().filter(fits).map(|c| body(call, c)).collect();
    list(call, "application_credentials", rows)
}

fn find<'c>(call: &'c Call<'_>) -> Result<&'c AppCredential, Refusal> {
    let (user, id) = (call.param(0), call.param(1));
    let found = call.world.keystone.credentials.get(id).filter(|c| *c.user == *user);
    found.ok_or_else(|| missing("Application Credential", id))
}

fn show(call: &mut Call<'_>) -> Outcome {
    let credential = find(call)?;
    own_or_admin(call, "identity:get_application_credential")?;
    Ok(Answer::json(200, json!({"application_credential": body(call, credential)})))
}

/// A credential that is not `unrestricted` makes no others.
fn free(call: &Call<'_>) -> Result<(), Refusal> {
    call.allow(
        !call.who.is_restricted(&call.world.keystone),
        "Using method 'application_credential' is not allowed for managing additional application credentials.",
    )
}

fn create(call: &mut Call<'_>) -> Outcome {
    call.allow(*call.who.user == *call.param(0), "identity:create_application_credential")?;
    free(call)?;
    let given = call.member("application_credential").cloned().unwrap_or_default();
    let name = given["name"].as_str().ok_or_else(|| {
        Refusal::said(400, "'name' is a required property\n\nFailed validating 'required' in schema")
    })?;
    let keystone = &call.world.keystone;
    if keystone.credentials.iter().any(|c| c.user == call.who.user && c.name == name) {
        return Err(Refusal::said(
            409,
            format!(
                "Conflict occurred attempting to store application_credential - Duplicate entry found with name {name}."
            ),
        ));
    }
    let roles = match given["roles"].as_array() {
        None => call.who.roles.clone(),
        Some(asked) => {
            let role = |asked: &Value| {
                let found = keystone.roles.iter().find(|r| match asked["id"].as_str() {
                    Some(id) => *r.id == *id,
                    None => Some(&*r.name) == asked["name"].as_str(),
                })?;
                call.who.has(&found.name).then(|| found.name.clone())
            };
            asked.iter().map(role).collect::<Option<Vec<_>>>().ok_or_else(|| {
                Refusal::said(400, "Invalid application credential: Cannot create an application credential with unassigned role")
            })?
        }
    };
    let expires = given["expires_at"].as_str().map(|text| {
        let zulu = format!("{}Z", text.trim_end_matches('Z'));
        zulu.parse().map_err(|_| Refusal::said(400, format!("{text} is not a valid expiry")))
    });
    let new = NewCredential {
        name: name.into(),
        description: given["description"].as_str().map(Into::into),
        roles,
        expires: expires.transpose()?,
        unrestricted: given["unrestricted"].as_bool().unwrap_or(false),
    };
    let (user, project) = (call.who.user.clone(), call.who.project.clone());
    let id = issue(call.world, &user, &project, new);
    let made = call.world.keystone.credentials.get(&id).ok_or(Refusal::NoRoute)?;
    let mut shown = body(call, made);
    shown["secret"] = made.secret.expose().into();
    Ok(Answer::json(201, json!({"application_credential": shown})))
}

fn remove(call: &mut Call<'_>) -> Outcome {
    let id = find(call)?.id.clone();
    own_or_admin(call, "identity:delete_application_credential")?;
    free(call)?;
    call.world.keystone.drop_credential(&id);
    Ok(Answer::empty(204))
}
