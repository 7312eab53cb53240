//! Projects, users, domains and roles.

use serde_json::{Value, json};

use super::{Domain, Place, Project, Role, User, list, missing};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, delete, get, post};
use crate::lab::exchange::Answer;

pub(super) const ROUTES: &[Route] = &[
    get("/v3/auth/projects", Rule::Token, "", own_projects),
    get("/v3/auth/domains", Rule::Token, "", own_domains),
    get("/v3/projects", Rule::Admin, "identity:list_projects", projects),
    post("/v3/projects", Rule::Admin, "identity:create_project", create_project),
    get("/v3/projects/{}", Rule::Token, "identity:get_project", project),
    delete("/v3/projects/{}", Rule::Admin, "identity:delete_project", delete_project),
    get("/v3/users", Rule::Admin, "identity:list_users", users),
    get("/v3/users/{}", Rule::Token, "identity:get_user", user),
    get("/v3/users/{}/projects", Rule::Token, "identity:list_user_projects", user_projects),
    get("/v3/domains", Rule::Admin, "identity:list_domains", domains),
    get("/v3/domains/{}", Rule::Admin, "identity:get_domain", domain),
    get("/v3/roles", Rule::Admin, "identity:list_roles", roles),
    get("/v3/roles/{}", Rule::Token, "identity:get_role", role),
];

fn show_project(project: &Project, base: &str) -> Value {
    json!({
        "id": &*project.id, "name": project.name, "domain_id": &*project.domain, "description": project.description,
        "enabled": true, "parent_id": &*project.domain, "is_domain": false, "tags": [], "options": {},
        "links": {"self": format!("{base}/v3/projects/{}", project.id)},
    })
}

fn show_user(user: &User, base: &str) -> Value {
    let mut shown = json!({
        "id": &*user.id, "name": user.name, "domain_id": &*user.domain, "enabled": true, "password_expires_at": null,
        "options": {}, "links": {"self": format!("{base}/v3/users/{}", user.id)},
    });
    if let Some(project) = &user.default_project {
        shown["default_project_id"] = (**project).into();
    }
    shown
}

fn show_domain(domain: &Domain, base: &str) -> Value {
    json!({
        "id": &*domain.id, "name": domain.name, "description": domain.description, "enabled": true, "tags": [],
        "options": {}, "links": {"self": format!("{base}/v3/domains/{}", domain.id)},
    })
}

/// A role without its link, as it is part of other things.
pub(super) fn show_role(role: &Role) -> Value {
    let builtin = ["admin", "manager", "member", "reader", "service"].contains(&&*role.name);
    let options = if builtin { json!({"immutable": true}) } else { json!({}) };
    json!({"id": &*role.id, "name": &*role.name, "domain_id": null, "description": null, "options": options})
}

fn linked_role(role: &Role, base: &str) -> Value {
    let mut shown = show_role(role);
    shown["links"] = json!({"self": format!("{base}/v3/roles/{}", role.id)});
    shown
}

/// The rows that the query's keys, where given, agree with.
fn filtered(call: &Call<'_>, keys: &[&str], rows: impl Iterator<Item = Value>) -> Vec<Value> {
    let wanted: Vec<_> = keys.iter().filter_map(|key| Some((*key, call.query(key)?))).collect();
    let fits = |row: &Value| wanted.iter().all(|(key, value)| row[*key].as_str() == Some(value));
    rows.filter(fits).collect()
}

fn by_id(mut rows: Vec<Value>) -> Vec<Value> {
    rows.sort_by(|a, b| a["id"].as_str().cmp(&b["id"].as_str()));
    rows
}

/// The projects where a user has a role.
fn of_user(call: &Call<'_>, user: &str) -> Vec<Value> {
    let keystone = &call.world.keystone;
    let member = |project: &&Project| {
        let place = Place::Project(project.id.clone());
        keystone.assignments.iter().any(|a| *a.user == *user && a.place == place)
    };
    by_id(keystone.projects.iter().filter(member).map(|p| show_project(p, &call.request.base)).collect())
}

fn own_projects(call: &mut Call<'_>) -> Outcome {
    let rows = of_user(call, &call.who.user);
    list(call, "projects", rows)
}

fn own_domains(call: &mut Call<'_>) -> Outcome {
    let keystone = &call.world.keystone;
    let member = |domain: &&Domain| {
        let place = Place::Domain(domain.id.clone());
        keystone.assignments.iter().any(|a| a.user == call.who.user && a.place == place)
    };
    let rows = keystone.domains.iter().filter(member).map(|d| show_domain(d, &call.request.base)).collect();
    list(call, "domains", rows)
}

fn projects(call: &mut Call<'_>) -> Outcome {
    let rows = call.world.keystone.projects.iter().map(|p| show_project(p, &call.request.base));
    let rows = by_id(filtered(call, &["name", "domain_id", "parent_id"], rows));
    list(call, "projects", rows)
}

fn create_project(call: &mut Call<'_>) -> Outcome {
    let given = call.member("project").cloned().unwrap_or_default();
    let name = given["name"].as_str().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| {
        Refusal::said(400, "'name' is a required property\n\nFailed validating 'required' in schema")
    })?;
    let domain = given["domain_id"].as_str().unwrap_or("default");
    let keystone = &mut call.world.keystone;
    let domain =
        keystone.domains.get(domain).map(|d| d.id.clone()).ok_or_else(|| missing("domain", domain))?;
    let id = call.world.ids.hex("project");
    if keystone.project_named(name, &domain).is_some() {
        return Err(Refusal::said(
            409,
            format!(
                "Conflict occurred attempting to store project - it is not permitted to have two projects with either the same name or same id in the same domain: name is {name}, project id {id}."
            ),
        ));
    }
    let description = given["description"].as_str().unwrap_or_default().to_string();
    let project = Project { id, name: name.to_string(), domain, description };
    let shown = show_project(&project, &call.request.base);
    keystone.projects.insert(project);
    Ok(Answer::json(201, json!({"project": shown})))
}

fn project(call: &mut Call<'_>) -> Outcome {
    let id = call.param(0);
    call.allow(call.who.is_admin() || *call.who.project == *id, "identity:get_project")?;
    let project = call.world.keystone.projects.get(id).ok_or_else(|| missing("project", id))?;
    Ok(Answer::json(200, json!({"project": show_project(project, &call.request.base)})))
}

fn delete_project(call: &mut Call<'_>) -> Outcome {
    let id = call.param(0);
    let keystone = &mut call.world.keystone;
    let project = keystone.projects.remove(id).ok_or_else(|| missing("project", id))?;
    let place = Place::Project(project.id);
    keystone.assignments.retain(|a| a.place != place);
    keystone.tokens.retain(|_, grant| *grant.project != *id);
    Ok(Answer::empty(204))
}

fn users(call: &mut Call<'_>) -> Outcome {
    let rows = call.world.keystone.users.iter().map(|u| show_user(u, &call.request.base));
    let rows = filtered(call, &["name", "domain_id"], rows);
    list(call, "users", rows)
}

fn user(call: &mut Call<'_>) -> Outcome {
    let id = call.param(0);
    call.allow(call.who.is_admin() || *call.who.user == *id, "identity:get_user")?;
    let user = call.world.keystone.users.get(id).ok_or_else(|| missing("user", id))?;
    Ok(Answer::json(200, json!({"user": show_user(user, &call.request.base)})))
}

fn user_projects(call: &mut Call<'_>) -> Outcome {
    let id = call.param(0);
    call.allow(call.who.is_admin() || *call.who.user == *id, "identity:list_user_projects")?;
    let rows = of_user(call, id);
    list(call, "projects", rows)
}

fn domains(call: &mut Call<'_>) -> Outcome {
    let rows = call.world.keystone.domains.iter().map(|d| show_domain(d, &call.request.base));
    let rows = by_id(filtered(call, &["name"], rows));
    list(call, "domains", rows)
}

fn domain(call: &mut Call<'_>) -> Outcome {
    let id = call.param(0);
    let domain = call.world.keystone.domains.get(id).ok_or_else(|| missing("domain", id))?;
    Ok(Answer::json(200, json!({"domain": show_domain(domain, &call.request.base)})))
}

fn roles(call: &mut Call<'_>) -> Outcome {
    let rows = call.world.keystone.roles.iter().map(|r| linked_role(r, &call.request.base));
    let rows = by_id(filtered(call, &["name"], rows));
    list(call, "roles", rows)
}

fn role(call: &mut Call<'_>) -> Outcome {
    let id = call.param(0);
    let role = call.world.keystone.roles.get(id).ok_or_else(|| missing("role", id))?;
    call.allow(call.who.is_admin(), "identity:get_role")?;
    Ok(Answer::json(200, json!({"role": linked_role(role, &call.request.base)})))
}
