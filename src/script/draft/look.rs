//! Looking at a cloud for what a site file has to say. Nothing is asked but reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Draft, Found, ScopeDraft, ValueDraft};
use crate::base::{Clock, Result};
use crate::script::survey::Survey;
use crate::site::{CloudSource, Lookup, SameAs, Site, ValueDecl};
use crate::systems::http::Method;
use crate::systems::openstack::{self, Call, Identity, Project, Session, Target, resource};

/// How operators call the services of the catalog's types.
const NAMES: &[(&str, &str)] = &[
    ("identity", "keystone"),
    ("key-manager", "barbican"),
    ("volumev3", "cinder"),
    ("block-storage", "cinder"),
    ("image", "glance"),
    ("container-infra", "magnum"),
    ("network", "neutron"),
    ("compute", "nova"),
    ("load-balancer", "octavia"),
    ("placement", "placement"),
    ("object-store", "swift"),
    ("orchestration", "heat"),
    ("dns", "designate"),
];

/// Most names that are offered where a value could be several.
const MOST_CHOICES: usize = 12;

/// Looks at the cloud of a [`login`](super::login) for what the scripts in the survey ask of a site.
///
/// # Errors
/// The credentials are not accepted, or Keystone does not answer. What else cannot be read stays open.
pub async fn look(
    site: &Site,
    name: &str,
    source: &CloudSource,
    prompt: bool,
    survey: &Survey,
    clock: Arc<dyn Clock>,
) -> Result<Draft> {
    let session = site.session("login", clock)?;
    let own = session.identity().await?;
    let mut scopes = Vec::new();
    let mut sessions = BTreeMap::new();
    let projects = projects(&session).await;
    for asked in survey.handles_of("scope") {
        let found = match narrowed(&session, &own, &projects, &asked).await {
            Ok((session, found)) => {
                sessions.insert(asked.clone(), session);
                Ok(found)
            }
            Err(why) => Err(why),
        };
        scopes.push(ScopeDraft { name: asked, found });
    }
    let endpoints = endpoints(&session).await;
    let values = values(site, &sessions, &scopes, &endpoints).await;
    let tables = [("kube", "kube"), ("host", "hosts"), ("tool", "tools")];
    let others = tables
        .iter()
        .flat_map(|(method, table)| survey.handles_of(method).into_iter().map(|name| (*table, name)));
    Ok(Draft {
        name: name.to_string(),
        source: source.clone(),
        prompt,
        account: format!("{}, {}", session.cloud().auth_url, own.line()),
        scopes,
        endpoints,
        others: others.collect(),
        values,
    })
}

/// The user's own projects: id and name.
async fn projects(session: &Session) -> Vec<(String, String)> {
    let call = Call::new("identity", Method::GET, "/v3/auth/projects");
    let answer = match session.send(&call).await {
        Ok(answer) => answer.json().unwrap_or_default(),
        Err(_) => Value::Null, // an old Keystone, or a credential that may not ask: then only the own one is known
    };
    let text = |v: &Value, key: &str| v[key].as_str().unwrap_or_default().to_string();
    answer["projects"].as_array().into_iter().flatten().map(|p| (text(p, "id"), text(p, "name"))).collect()
}

/// A session for the scope that scripts call so: the project of this name, or the own one.
async fn narrowed(
    session: &Session,
    own: &Arc<Identity>,
    projects: &[(String, String)],
    asked: &str,
) -> std::result::Result<(Session, Found), String> {
    let is_own = |identity: &Identity| matches!(&identity.target, Target::Project(p) if p.name == asked);
    let named: Vec<&(String, String)> = projects.iter().filter(|(_, name)| name == asked).collect();
    let narrow = match named.as_slice() {
        _ if is_own(own) || (asked == "admin" && named.is_empty() && own.has_role("admin")) => {
            session.clone()
        }
        [(id, _)] => session.narrow(asked, Project::Id(id.clone()), &[]).map_err(|e| e.to_string())?,
        [] => return Err(format!("{} has no project `{asked}`", own.user.name)),
        several => {
            let ids: Vec<&str> = several.iter().map(|(id, _)| id.as_str()).collect();
            return Err(format!("{} projects are called `{asked}`: {}", several.len(), ids.join(", ")));
        }
    };
    let identity = narrow.identity().await.map_err(|e| e.to_string())?;
    match &identity.target {
        Target::Project(project) => Ok((
            narrow.clone(),
            Found {
                project: project.name.clone(),
                domain: project.domain.name.clone(),
                id: project.id.clone(),
                roles: identity.roles.clone(),
                user: identity.user.name.clone(),
            },
        )),
        other => Err(format!("the credentials are for {}", other.describe())),
    }
}

/// The services of the catalog that operators know by a name.
async fn endpoints(session: &Session) -> Vec<(String, String)> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for service in session.services().await.unwrap_or_default() {
        let Some((_, name)) = NAMES.iter().find(|(kind, _)| *kind == service) else { continue };
        if let Ok(endpoint) = session.locate(&service).await {
            let url = if *name == "keystone" { endpoint.versioned } else { format!("{}/", endpoint.root) };
            found.entry(name.to_string()).or_insert(url);
        }
    }
    found.into_iter().collect()
}

async fn values(
    site: &Site,
    sessions: &BTreeMap<String, Session>,
    scopes: &[ScopeDraft],
    endpoints: &[(String, String)],
) -> Vec<ValueDraft> {
    let mut drafts = Vec::new();
    let mut items: BTreeMap<&str, Value> = BTreeMap::new();
    for decl in site.values().schema().iter() {
        let mut draft = blank(decl);
        if let Some(lookup) = &decl.names {
            match sessions.get(&lookup.scope) {
                None => draft.why = format!("scope {} is not known", lookup.scope),
                Some(session) => match choose(session, lookup, decl).await {
                    Ok(Choice::One(name, item)) => {
                        let seen =
                            format!("{} of scope {}", lookup.collection.replace('_', " "), lookup.scope);
                        draft.found = Some((name.into(), seen));
                        items.insert(&decl.name, item);
                    }
                    Ok(Choice::Several(names)) => {
                        draft.why = match names.len() {
                            0 => "there is none".to_string(),
                            count => format!("there are {count}"),
                        };
                        draft.choices = names;
                        draft.choices.truncate(MOST_CHOICES);
                    }
                    Err(e) => draft.why = e.to_string(),
                },
            }
        } else if decl.name == "core_endpoints" && !endpoints.is_empty() {
            let names: Vec<&str> = endpoints.iter().map(|(name, _)| name.as_str()).collect();
            draft.found = Some((names.into(), "the catalog".into()));
        }
        drafts.push(draft);
    }
    for (decl, draft) in site.values().schema().iter().zip(&mut drafts) {
        let same = match &decl.same_as {
            Some(SameAs::Field { value, field }) => {
                items.get(value.as_str()).map(|item| (item[field].clone(), format!("{field} of `{value}`")))
            }
            Some(SameAs::ProjectOf(scope)) => {
                let found = scopes.iter().find(|s| s.name == *scope).and_then(|s| s.found.as_ref().ok());
                found.map(|f| (f.id.clone().into(), format!("project of scope {scope}")))
            }
            None => None,
        };
        if let Some((value, seen)) = same.filter(|(value, _)| !value.is_null()) {
            draft.found = Some((value, seen));
        }
    }
    let has_default = |name: &str| site.values().schema().get(name).is_some_and(|d| d.default.is_some());
    drafts.retain(|draft| draft.found.is_some() || !has_default(&draft.name));
    drafts
}

fn blank(decl: &ValueDecl) -> ValueDraft {
    ValueDraft {
        name: decl.name.clone(),
        doc: decl.doc.clone(),
        example: decl.example.clone(),
        found: None,
        choices: Vec::new(),
        why: String::new(),
        optional: decl.optional,
    }
}

enum Choice {
    One(String, Value),
    Several(Vec<String>),
}

/// The one thing that a value can name: the one of the name that the procedures have, or the only one.
async fn choose(session: &Session, lookup: &Lookup, decl: &ValueDecl) -> Result<Choice> {
    let row = resource::find(&lookup.collection)?;
    let key = row.name_key.unwrap_or(row.id_key);
    let all = openstack::list(session, row, &Map::new()).await?;
    let fits = |item: &&Value| lookup.filter.iter().all(|(key, wanted)| item[key] == *wanted);
    let all: Vec<&Value> = all.iter().filter(fits).collect();
    let usual = decl.default.as_ref().map_or(decl.example.trim_matches('"').to_string(), ToString::to_string);
    let named: Vec<&&Value> = all.iter().filter(|item| item[key] == usual.as_str()).collect();
    let one = match (named.as_slice(), all.as_slice()) {
        ([one], _) => Some(**one),
        ([], [one]) => Some(*one),
        _ => None,
    };
    if let Some(name) = one.and_then(|item| item[key].as_str()) {
        let whole = openstack::find(session, row, name, &lookup.filter).await?;
        return Ok(Choice::One(name.to_string(), whole.unwrap_or_default()));
    }
    let mut names: Vec<String> = all.iter().filter_map(|i| i[key].as_str()).map(String::from).collect();
    names.sort();
    names.dedup();
    Ok(Choice::Several(names))
}
