//! Tokens: three ways to get one, four places to get it for.

use std::sync::Arc;

use base64::Engine as _;
use serde_json::{Map, Value, json};

use super::catalog::catalog;
use super::{Grant, Keystone, Place};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, delete, get, head, post};
use crate::lab::exchange::{Answer, Incoming, Request};
use crate::lab::ids::Id;
use crate::lab::stamp;
use crate::lab::world::World;

pub(super) const ROUTES: &[Route] = &[
    post("/v3/auth/tokens", Rule::Open, "", create),
    get("/v3/auth/tokens", Rule::Token, "identity:validate_token", validate),
    head("/v3/auth/tokens", Rule::Token, "identity:check_token", check),
    delete("/v3/auth/tokens", Rule::Token, "identity:revoke_token", revoke),
];

const MALFORMED: &str = "The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.";

/// Whose token a request carries, if it is valid now.
pub(crate) fn authenticate(world: &World, request: &Request) -> Option<Arc<Grant>> {
    valid(world, request.header("x-auth-token")?)
}

fn valid(world: &World, token: &str) -> Option<Arc<Grant>> {
    world.keystone.tokens.get(token).filter(|grant| grant.expires > world.now()).cloned()
}

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer)?.as_str()
}

/// Who asks, and by which methods that was shown.
struct Proof {
    user: Id,
    methods: Vec<&'static str>,
    audit: Vec<String>,
    /// A token is not worth more than the one it was made from.
    expires: Option<jiff::Timestamp>,
    credential: Option<Id>,
}

impl Proof {
    fn of(user: Id, method: &'static str) -> Self {
        Proof { user, methods: vec![method], audit: Vec::new(), expires: None, credential: None }
    }
}

fn create(call: &mut Call<'_>) -> Outcome {
    let auth = match &call.request.body {
        Incoming::Json(body) => body.get("auth"),
        Incoming::Empty => None,
        _ => {
            return Err(Refusal::said(
                400,
                format!("Expecting to find valid JSON in request body. {MALFORMED}"),
            ));
        }
    };
    let expecting = |what: &str| Refusal::said(400, format!("Expecting to find {what}. {MALFORMED}"));
    let auth = auth.ok_or_else(|| expecting("auth in request body"))?;
    let identity = auth.get("identity").ok_or_else(|| {
        Refusal::said(400, "'identity' is a required property\n\nFailed validating 'required' in schema")
    })?;
    let methods = identity.get("methods").and_then(Value::as_array).filter(|m| !m.is_empty());
    let methods = methods.ok_or_else(|| expecting("methods in identity"))?;
    let mut proof = None;
    for method in methods.iter().filter_map(Value::as_str) {
        let given = identity.get(method);
        let given = given.ok_or_else(|| expecting(&format!("{method} in identity")));
        proof = Some(match method {
            "password" => password(&call.world.keystone, given?)?,
            "token" => token(call.world, given?)?,
            "application_credential" => {
                if auth.get("scope").is_some() {
                    return Err(Refusal::kind(
                        401,
                        super::METHOD,
                        "Error authenticating with application credential: Application credentials cannot request a scope.",
                    ));
                }
                application_credential(call.world, given?)?
            }
            _ => return Err(Refusal::said(401, "Attempted to authenticate with an unsupported method.")),
        });
    }
    let proof = proof.ok_or(Refusal::NoToken)?;
    let place = match &proof.credential {
        Some(id) => call.world.keystone.credentials.get(id).map(|c| Place::Project(c.project.clone())),
        None => place(&call.world.keystone, auth.get("scope"))?,
    };
    let place = place.or_else(|| match auth.get("scope") {
        None => call.world.keystone.users.get(&proof.user)?.default_project.clone().map(Place::Project),
        Some(_) => None,
    });
    let grant = grant(call.world, proof, place)?;
    let body = body(call, &grant, call.query("nocatalog").is_none());
    let token = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(call.world.ids.secret("token"));
    let token = format!("gAAAAAB{token}");
    let answer = Answer::json(201, body).header("x-subject-token", &token);
    call.world.keystone.tokens.insert(token, Arc::new(grant));
    Ok(answer)
}

/// The user that a reference by id, or by name and domain, means.
fn user_ref(keystone: &Keystone, user: &Value) -> Option<Id> {
    if let Some(id) = text(user, "/id") {
        return keystone.users.get(id).map(|u| u.id.clone());
    }
    let domain = domain_ref(keystone, user.get("domain")?)?;
    keystone.user_named(text(user, "/name")?, &domain)
}

fn domain_ref(keystone: &Keystone, domain: &Value) -> Option<Id> {
    match text(domain, "/id") {
        Some(id) => keystone.domains.get(id).map(|d| d.id.clone()),
        None => keystone.domain_named(text(domain, "/name")?),
    }
}

fn password(keystone: &Keystone, given: &Value) -> Result<Proof, Refusal> {
    let user = given.get("user").and_then(|user| user_ref(keystone, user)).ok_or(Refusal::NoToken)?;
    let right =
        keystone.users.get(&user).is_some_and(|u| Some(u.password.expose()) == text(given, "/user/password"));
    if right { Ok(Proof::of(user, "password")) } else { Err(Refusal::NoToken) }
}

fn token(world: &World, given: &Value) -> Result<Proof, Refusal> {
    let token = text(given, "/id").unwrap_or_default();
    let old = valid(world, token).ok_or_else(|| Refusal::said(404, "Could not recognize Fernet token"))?;
    let mut methods = vec!["token"];
    methods.extend(old.methods.iter().filter(|m| **m != "token"));
    let (user, audit) = (old.user.clone(), old.audit.last().cloned().into_iter().collect());
    Ok(Proof { user, methods, audit, expires: Some(old.expires), credential: old.credential.clone() })
}

fn application_credential(world: &World, given: &Value) -> Result<Proof, Refusal> {
    let keystone = &world.keystone;
    let found = match text(given, "/id") {
        Some(id) => keystone.credentials.get(id),
        None => {
            let user = given.get("user").and_then(|user| user_ref(keystone, user)).ok_or(Refusal::NoToken)?;
            let name = text(given, "/name").unwrap_or_default();
            keystone.credentials.iter().find(|c| c.user == user && c.name == name)
        }
    };
    let id = text(given, "/id").or(text(given, "/name")).unwrap_or_default();
    let credential = found.ok_or_else(|| super::missing("Application Credential", id))?;
    let expired = credential.expires.is_some_and(|at| at <= world.now());
    if expired || text(given, "/secret") != Some(credential.secret.expose()) {
        return Err(Refusal::NoToken);
    }
    let credential_id = Some(credential.id.clone());
    Ok(Proof { credential: credential_id, ..Proof::of(credential.user.clone(), "application_credential") })
}

/// The place that a scope names; `None` for a token without one.
fn place(keystone: &Keystone, scope: Option<&Value>) -> Result<Option<Place>, Refusal> {
    let Some(scope) = scope.filter(|s| s.as_str() != Some("unscoped")) else { return Ok(None) };
    let place = if let Some(project) = scope.get("project") {
        let id = match text(project, "/id") {
            Some(id) => keystone.projects.get(id).map(|p| p.id.clone()),
            None => {
                let domain = project.get("domain").and_then(|d| domain_ref(keystone, d));
                domain.and_then(|d| keystone.project_named(text(project, "/name").unwrap_or_default(), &d))
            }
        };
        id.map(Place::Project)
    } else if let Some(domain) = scope.get("domain") {
        domain_ref(keystone, domain).map(Place::Domain)
    } else {
        scope.get("system").map(|_| Place::System)
    };
    place.map(Some).ok_or(Refusal::NoToken)
}

fn grant(world: &mut World, proof: Proof, place: Option<Place>) -> Result<Grant, Refusal> {
    let now = world.now();
    let roles = match (&proof.credential, &place) {
        (Some(id), _) => world.keystone.credentials.get(id).map(|c| c.roles.clone()).unwrap_or_default(),
        (None, Some(place)) => world.keystone.roles_of(&proof.user, place),
        (None, None) => Vec::new(),
    };
    if place.is_some() && roles.is_empty() {
        return Err(Refusal::NoToken);
    }
    let mut audit = vec![world.ids.suffix("audit", 22)];
    audit.extend(proof.audit);
    let life = now.checked_add(*world.timings.token).unwrap_or(jiff::Timestamp::MAX);
    let mut grant = Grant {
        user: proof.user,
        roles,
        methods: proof.methods,
        issued: now,
        expires: proof.expires.unwrap_or(life),
        audit,
        credential: proof.credential,
        ..Grant::default()
    };
    match place {
        Some(Place::Project(id)) => grant.project = id,
        Some(Place::Domain(id)) => grant.domain = Some(id),
        Some(Place::System) => grant.system = true,
        None => {}
    }
    Ok(grant)
}

fn domain_of(keystone: &Keystone, id: &str) -> Value {
    json!({"id": id, "name": keystone.domains.get(id).map(|d| d.name.as_str())})
}

/// The token as Keystone shows it.
fn body(call: &Call<'_>, grant: &Grant, with_catalog: bool) -> Value {
    let keystone = &call.world.keystone;
    let user = keystone.users.get(&grant.user);
    let mut token = Map::new();
    token.insert("methods".into(), json!(grant.methods));
    let user = json!({
        "domain": user.map(|u| domain_of(keystone, &u.domain)), "id": &*grant.user,
        "name": user.map(|u| u.name.as_str()), "password_expires_at": null,
    });
    token.insert("user".into(), user);
    token.insert("audit_ids".into(), json!(grant.audit));
    token.insert("expires_at".into(), stamp::micros_zulu(grant.expires).into());
    token.insert("issued_at".into(), stamp::micros_zulu(grant.issued).into());
    let Some(place) = grant.place() else { return json!({"token": token}) };
    if let Place::Project(id) = &place
        && let Some(project) = keystone.projects.get(id)
    {
        let shown =
            json!({"domain": domain_of(keystone, &project.domain), "id": &**id, "name": project.name});
        token.insert("project".into(), shown);
        token.insert("is_domain".into(), false.into());
    }
    let role = |name: &Id| json!({"id": keystone.roles.iter().find(|r| r.name == *name).map(|r| &*r.id), "name": &**name});
    token.insert("roles".into(), grant.roles.iter().map(role).collect());
    match &place {
        Place::Domain(id) => _ = token.insert("domain".into(), domain_of(keystone, id)),
        Place::System => _ = token.insert("system".into(), json!({"all": true})),
        Place::Project(_) => {}
    }
    if let Some(credential) = grant.credential.as_ref().and_then(|id| keystone.credentials.get(id)) {
        let shown =
            json!({"id": &*credential.id, "name": credential.name, "restricted": !credential.unrestricted});
        token.insert("application_credential".into(), shown);
    }
    let project = keystone.projects.get(&grant.project).map(|p| p.name.as_str());
    if project.is_some_and(|name| call.world.quirks.restricted_in.iter().any(|one| one == name)) {
        let shown = json!({"id": &*grant.user, "name": "automation", "restricted": true});
        token.insert("application_credential".into(), shown);
    }
    if with_catalog {
        token.insert("catalog".into(), catalog(call, &grant.project));
    }
    json!({"token": token})
}

fn subject(call: &Call<'_>, policy: &'static str) -> Result<(String, Arc<Grant>), Refusal> {
    let token = call.request.header("x-subject-token");
    let token = token.ok_or_else(|| Refusal::said(404, "No token in the request"))?;
    let grant =
        valid(call.world, token).ok_or_else(|| Refusal::said(404, "Could not recognize Fernet token"))?;
    let own = grant.user == call.who.user;
    call.allow(own || call.who.may(Rule::Service), policy)?;
    Ok((token.to_string(), grant))
}

fn validate(call: &mut Call<'_>) -> Outcome {
    let (token, grant) = subject(call, "identity:validate_token")?;
    let with_catalog = call.query("nocatalog").is_none();
    Ok(Answer::json(200, body(call, &grant, with_catalog)).header("x-subject-token", &token))
}

fn check(call: &mut Call<'_>) -> Outcome {
    let (token, _) = subject(call, "identity:check_token")?;
    // HEAD: the body stays here, its headers go
    Ok(Answer::json(200, json!({})).header("x-subject-token", &token))
}

fn revoke(call: &mut Call<'_>) -> Outcome {
    let (token, _) = subject(call, "identity:revoke_token")?;
    call.world.keystone.tokens.remove(&token);
    Ok(Answer::empty(204))
}
