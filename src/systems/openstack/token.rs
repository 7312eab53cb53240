//! What Keystone is asked and what it answers: bodies and parsers, without a network.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::base::{Error, ErrorKind, Payload, Result, Secret};
use crate::systems::http::Answer;

use super::authority::{Authority, Project};
use super::catalog::Catalog;
use super::cloud::{AppCredential, Credential, Domain, User};
use super::identity::{Identity, InDomain, Named, Target};

/// A token with what it says. It lives in memory only.
pub(super) struct Token {
    pub(super) secret: Secret,
    pub(super) identity: Arc<Identity>,
    pub(super) catalog: Catalog,
    /// How long Keystone gave it.
    pub(super) lifetime: Duration,
}

/// The body of `POST /v3/auth/tokens`. Scope goes by id *or* by name and domain, never both.
pub(super) fn request(credential: &Credential, authority: &Authority) -> Payload {
    let (identity, secret) = match credential {
        Credential::Password { user, password } => {
            let mut user = user_body(user);
            user["password"] = password.expose().into();
            (json!({"methods": ["password"], "password": {"user": user}}), "password/user/password")
        }
        Credential::ApplicationCredential { credential, secret } => {
            let mut body = match credential {
                AppCredential::Id(id) => json!({"id": id}),
                AppCredential::Name { name, user } => json!({"name": name, "user": user_body(user)}),
            };
            body["secret"] = secret.expose().into();
            let identity = json!({"methods": ["application_credential"], "application_credential": body});
            (identity, "application_credential/secret")
        }
        Credential::Token { token } => {
            (json!({"methods": ["token"], "token": {"id": token.expose()}}), "token/id")
        }
    };
    let mut auth = json!({"identity": identity});
    let bound = matches!(credential, Credential::ApplicationCredential { .. });
    if let (false, Some(scope)) = (bound, scope_body(authority)) {
        auth["scope"] = scope;
    }
    Payload::new(json!({"auth": auth}), [format!("/auth/identity/{secret}")])
}

fn user_body(user: &User) -> Value {
    match user {
        User::Id(id) => json!({"id": id}),
        User::Name { name, domain } => json!({"name": name, "domain": domain_body(domain)}),
    }
}

fn domain_body(domain: &Domain) -> Value {
    match domain {
        Domain::Id(id) => json!({"id": id}),
        Domain::Name(name) => json!({"name": name}),
    }
}

/// `None` where Keystone decides; a project without a domain has to be resolved to an id before.
fn scope_body(authority: &Authority) -> Option<Value> {
    Some(match authority {
        Authority::Project(Project::Id(id)) => json!({"project": {"id": id}}),
        Authority::Project(Project::Name { name, domain: Some(domain) }) => {
            json!({"project": {"name": name, "domain": domain_body(domain)}})
        }
        Authority::Project(Project::Name { domain: None, .. }) | Authority::OfCredential => return None,
        Authority::Domain(domain) => json!({"domain": domain_body(domain)}),
        Authority::System => json!({"system": {"all": true}}),
        // said aloud, since without it Keystone takes the user's default project
        Authority::Unscoped => "unscoped".into(),
    })
}

/// Reads the answer to a request for a token.
pub(super) fn parse(handle: &str, answer: &Answer) -> Result<Token> {
    let wrong = |what: &str| {
        Error::new(ErrorKind::Protocol, format!("Keystone's answer to a request for a token {what}"))
            .help("does auth_url name Keystone?")
    };
    let secret = answer.header("x-subject-token").ok_or_else(|| wrong("carries no token"))?;
    let body = answer.json()?;
    let token = &body["token"];
    let time = |key: &str| token[key].as_str().and_then(|t| t.parse::<Timestamp>().ok());
    let expires_at = time("expires_at").ok_or_else(|| wrong("says not when it ends"))?;
    // against Keystone's own clock, so that a difference to ours does not matter
    let issued_at = time("issued_at").ok_or_else(|| wrong("says not when it was made"))?;
    let lifetime = Duration::try_from(expires_at.duration_since(issued_at)).unwrap_or_default();
    let identity = Identity {
        handle: handle.to_string(),
        user: in_domain(&token["user"]),
        target: target(token),
        roles: token["roles"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|r| r["name"].as_str().map(str::to_string))
            .collect(),
        expires_at,
        restricted: token["application_credential"]["restricted"].as_bool().unwrap_or_default(),
    };
    let catalog = Catalog::parse(&token["catalog"]);
    Ok(Token { secret: Secret::new(secret), identity: Arc::new(identity), catalog, lifetime })
}

fn target(token: &Value) -> Target {
    if token["project"].is_object() {
        Target::Project(in_domain(&token["project"]))
    } else if token["domain"].is_object() {
        Target::Domain(named(&token["domain"]))
    } else if token["system"].is_object() {
        Target::System
    } else {
        Target::Unscoped
    }
}

fn named(v: &Value) -> Named {
    let text = |key: &str| v[key].as_str().unwrap_or_default().to_string();
    Named { id: text("id"), name: text("name") }
}

fn in_domain(v: &Value) -> InDomain {
    let Named { id, name } = named(v);
    InDomain { id, name, domain: named(&v["domain"]) }
}

/// One of the user's projects, as `GET /v3/auth/projects` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnProject {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// Its domain's id.
    pub domain_id: String,
}

/// Reads `GET /v3/auth/projects`.
pub(super) fn own_projects(body: &Value) -> Vec<OwnProject> {
    let text = |v: &Value, key: &str| v[key].as_str().unwrap_or_default().to_string();
    let list = body["projects"].as_array().into_iter().flatten();
    list.map(|p| OwnProject { id: text(p, "id"), name: text(p, "name"), domain_id: text(p, "domain_id") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::http::HeaderMap;

    fn body(credential: &Credential, authority: &Authority) -> Value {
        request(credential, authority).expose()["auth"].clone()
    }

    fn password() -> Credential {
        let user = User::Name { name: "op".into(), domain: Domain::Id("default".into()) };
        Credential::Password { user, password: Secret::new("hunter2") }
    }

    #[test]
    fn scope_goes_by_id_or_by_name_and_domain_and_never_both() {
        let name = |domain| Authority::Project(Project::Name { name: "p".into(), domain });
        for (authority, scope) in [
            (Authority::Project(Project::Id("1".into())), Some(json!({"project": {"id": "1"}}))),
            (
                name(Some(Domain::Name("d".into()))),
                Some(json!({"project": {"name": "p", "domain": {"name": "d"}}})),
            ),
            (
                name(Some(Domain::Id("d".into()))),
                Some(json!({"project": {"name": "p", "domain": {"id": "d"}}})),
            ),
            (Authority::Domain(Domain::Name("d".into())), Some(json!({"domain": {"name": "d"}}))),
            (Authority::System, Some(json!({"system": {"all": true}}))),
            (Authority::Unscoped, Some(json!("unscoped"))),
            (Authority::OfCredential, None),
        ] {
            assert_eq!(body(&password(), &authority).get("scope"), scope.as_ref(), "{authority}");
        }
    }

    #[test]
    fn each_credential_has_its_own_method_and_its_secret_is_masked() {
        let secret = || Secret::new("hunter2");
        let by_name = AppCredential::Name { name: "app".into(), user: User::Id("u".into()) };
        for (credential, identity) in [
            (
                password(),
                json!({"methods": ["password"], "password": {"user": {"name": "op", "domain": {"id": "default"}, "password": "***"}}}),
            ),
            (
                Credential::ApplicationCredential {
                    credential: AppCredential::Id("a".into()),
                    secret: secret(),
                },
                json!({"methods": ["application_credential"], "application_credential": {"id": "a", "secret": "***"}}),
            ),
            (
                Credential::ApplicationCredential { credential: by_name, secret: secret() },
                json!({"methods": ["application_credential"], "application_credential": {"name": "app", "user": {"id": "u"}, "secret": "***"}}),
            ),
            (Credential::Token { token: secret() }, json!({"methods": ["token"], "token": {"id": "***"}})),
        ] {
            let payload = request(&credential, &Authority::OfCredential);
            assert_eq!(payload.masked(), json!({"auth": {"identity": identity}}));
            assert!(payload.expose().to_string().contains("hunter2"));
            assert!(!format!("{credential:?} {}", credential.describe()).contains("hunter2"));
        }
    }

    #[test]
    fn a_token_says_for_whom_for_what_and_for_how_long() {
        let mut headers = HeaderMap::new();
        headers.insert("x-subject-token", "gAAA".parse().unwrap());
        let answer = |token: Value| Answer {
            status: 201,
            headers: headers.clone(),
            body: json!({ "token": token }).to_string().into_bytes(),
            tries: 1,
            withheld: true,
        };
        let times =
            json!({"issued_at": "2026-06-10T01:00:00.000000Z", "expires_at": "2026-06-10T02:00:00.000000Z"});
        let with = |more: Value| {
            let mut token = times.clone();
            token.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            parse("h", &answer(token)).unwrap()
        };
        let domain = json!({"id": "d", "name": "capi"});
        let token = with(
            json!({"project": {"id": "p", "name": "capi-mgmt", "domain": domain}, "roles": [{"name": "reader"}]}),
        );
        assert_eq!(token.lifetime, Duration::from_secs(3600));
        assert_eq!((token.identity.project_id(), token.identity.has_role("Reader")), (Some("p"), true));
        assert_eq!(with(json!({"system": {"all": true}})).identity.target, Target::System);
        assert_eq!(with(json!({ "domain": domain })).identity.target.describe(), "domain capi (d)");
        assert_eq!(with(json!({})).identity.target, Target::Unscoped);
        assert_eq!(parse("h", &answer(json!({}))).err().unwrap().kind(), ErrorKind::Protocol);
    }
}
