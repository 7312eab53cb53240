//! Who has which role where.

use serde_json::{Value, json};

use super::{Assignment, Keystone, Place, list, missing};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, delete, get, put};
use crate::lab::exchange::Answer;
use crate::lab::ids::Id;

pub(super) const ROUTES: &[Route] = &[
    get("/v3/role_assignments", Rule::Admin, "identity:list_role_assignments", assignments),
    put("/v3/projects/{}/users/{}/roles/{}", Rule::Admin, "identity:create_grant", assign),
    delete("/v3/projects/{}/users/{}/roles/{}", Rule::Admin, "identity:revoke_grant", revoke),
];

fn role_id<'k>(keystone: &'k Keystone, name: &str) -> Option<&'k Id> {
    keystone.roles.iter().find(|r| *r.name == *name).map(|r| &r.id)
}

fn named(keystone: &Keystone, domain: &str) -> Value {
    json!({"id": domain, "name": keystone.domains.get(domain).map(|d| d.name.as_str())})
}

fn show(keystone: &Keystone, row: &Assignment, names: bool, base: &str) -> Option<Value> {
    let role = role_id(keystone, &row.role)?;
    let user = keystone.users.get(&row.user)?;
    let (scope, place) = match &row.place {
        Place::Project(id) => {
            let project = keystone.projects.get(id)?;
            let mut scope = json!({"id": &**id});
            if names {
                scope["name"] = project.name.as_str().into();
                scope["domain"] = named(keystone, &project.domain);
            }
            (json!({"project": scope}), format!("projects/{id}"))
        }
        Place::Domain(id) => {
            let scope = if names { named(keystone, id) } else { json!({"id": &**id}) };
            (json!({"domain": scope}), format!("domains/{id}"))
        }
        Place::System => (json!({"system": {"all": true}}), "system".to_string()),
    };
    let mut shown_user = json!({"id": &*user.id});
    let mut shown_role = json!({"id": &**role});
    if names {
        shown_user["name"] = user.name.as_str().into();
        shown_user["domain"] = named(keystone, &user.domain);
        shown_role["name"] = (*row.role).into();
    }
    let link = format!("{base}/v3/{place}/users/{}/roles/{role}", user.id);
    Some(json!({"links": {"assignment": link}, "scope": scope, "user": shown_user, "role": shown_role}))
}

fn assignments(call: &mut Call<'_>) -> Outcome {
    let keystone = &call.world.keystone;
    let names = call.query("include_names").is_some_and(|v| v != "0" && v != "False" && v != "false");
    let wanted: Vec<(&str, String)> = [
        ("/user/id", "user.id"),
        ("/role/id", "role.id"),
        ("/scope/project/id", "scope.project.id"),
        ("/scope/domain/id", "scope.domain.id"),
    ]
    .into_iter()
    .filter_map(|(pointer, key)| Some((pointer, call.query(key)?)))
    .collect();
    let fits = |row: &Value| wanted.iter().all(|(p, v)| row.pointer(p).and_then(Value::as_str) == Some(v));
    let rows = keystone.assignments.iter().filter_map(|row| show(keystone, row, names, &call.request.base));
    let rows = rows.filter(fits).collect();
    list(call, "role_assignments", rows)
}

fn asked(call: &Call<'_>) -> Result<Assignment, Refusal> {
    let keystone = &call.world.keystone;
    let (project, user, role) = (call.param(0), call.param(1), call.param(2));
    let project = keystone.projects.get(project).ok_or_else(|| missing("project", project))?;
    let user = keystone.users.get(user).ok_or_else(|| missing("user", user))?;
    let role = keystone.roles.get(role).ok_or_else(|| missing("role", role))?;
    Ok(Assignment {
        user: user.id.clone(),
        role: role.name.clone(),
        place: Place::Project(project.id.clone()),
    })
}

fn assign(call: &mut Call<'_>) -> Outcome {
    let assignment = asked(call)?;
    let all = &mut call.world.keystone.assignments;
    if !all.contains(&assignment) {
        all.push(assignment);
    }
    Ok(Answer::empty(204))
}

fn revoke(call: &mut Call<'_>) -> Outcome {
    let assignment = asked(call)?;
    let unassigned = format!(
        "Could not find role assignment with role: {}, user or group: {}, project, domain, or system: {}.",
        call.param(2),
        call.param(1),
        call.param(0)
    );
    let all = &mut call.world.keystone.assignments;
    let place = all.iter().position(|a| *a == assignment).ok_or_else(|| Refusal::said(404, unassigned))?;
    all.remove(place);
    Ok(Answer::empty(204))
}
