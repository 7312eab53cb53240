//! Getting a token, and saying in an operator's words why there is none.

use serde_json::Value;

use crate::base::{Error, ErrorKind, Result, Secret};
use crate::systems::http::{Answer, Method, Request, Witness};

use super::authority::{Authority, Project};
use super::cloud::{Cloud, Credential};
use super::fault::{fault, fault_without_help, is_own};
use super::token::{self, OwnProject, Token};
use super::witness::Sender;

/// Keystone as one handle talks to it.
pub(super) struct Keystone<'a> {
    pub(super) cloud: &'a Cloud,
    pub(super) handle: &'a str,
    pub(super) witness: Option<&'a dyn Witness>,
}

impl Keystone<'_> {
    /// A token for an authority.
    pub(super) async fn token(&self, authority: &Authority) -> Result<Token> {
        match authority {
            Authority::Project(Project::Name { name, domain: None })
                if !matches!(self.cloud.credential, Credential::ApplicationCredential { .. }) =>
            {
                let id = self.project_by_name(name).await?;
                self.ask(&Authority::Project(Project::Id(id))).await
            }
            // Keystone answers 401 to a wrong password and to a project without a role alike. Asking anew would tell them apart,
            // and count as one more wrong password: after some of these it locks the account.
            Authority::Project(project) => self.ask(authority).await.map_err(|e| self.of_project(e, project)),
            _ => self.ask(authority).await,
        }
        .map_err(|e| self.explain(e))
    }

    async fn ask(&self, authority: &Authority) -> Result<Token> {
        if let (Credential::Token { token }, Authority::OfCredential) = (&self.cloud.credential, authority) {
            return self.look_at(token).await;
        }
        let body = token::request(&self.cloud.credential, authority);
        let url = format!("{}/auth/tokens", self.cloud.keystone()?);
        let mut answer = self.send(Request::new(Method::POST, &url)?.repeatable().json(&body)?).await?;
        // what something on the way says may be what was sent; Keystone's own words are not
        answer.withheld = answer.status == 201 || !is_own(&answer);
        if answer.status != 201 {
            let what = format!("Keystone gives no token to {}", self.cloud.credential.describe());
            let error = fault_without_help(&what, &answer);
            return Err(match receipt(&answer) {
                Some(rules) => error.with_kind(ErrorKind::Credentials).cause(rules).help(ASKS_FOR_MORE),
                None => error,
            });
        }
        token::parse(self.handle, &answer)
    }

    /// What a given token is for. Asking for another one without naming a project would end at the
    /// user's default project.
    async fn look_at(&self, token: &Secret) -> Result<Token> {
        let url = format!("{}/auth/tokens", self.cloud.keystone()?);
        let request = Request::new(Method::GET, &url)?
            .secret_header("x-auth-token", token)?
            .secret_header("x-subject-token", token)?;
        let answer = self.send(request).await?;
        if !answer.is_success() {
            return Err(fault_without_help("Keystone does not accept the given token", &answer));
        }
        token::parse(self.handle, &answer)
    }

    /// The projects in which the user has a role.
    async fn own_projects(&self, token: &Secret) -> Result<Vec<OwnProject>> {
        let url = format!("{}/auth/projects", self.cloud.keystone()?);
        let request = Request::new(Method::GET, &url)?.secret_header("x-auth-token", token)?;
        let answer = self.send(request).await?;
        if !answer.is_success() {
            return Err(fault("Keystone does not list the user's projects", &answer));
        }
        Ok(token::own_projects(&answer.json()?))
    }

    async fn project_by_name(&self, name: &str) -> Result<String> {
        let unscoped = self.ask(&Authority::Unscoped).await?;
        let own = self.own_projects(&unscoped.secret).await?;
        let mut found: Vec<_> = own.iter().filter(|p| p.name == name).collect();
        match (found.pop(), found.is_empty()) {
            (Some(project), true) => Ok(project.id.clone()),
            (Some(_), false) => Err(Error::new(
                ErrorKind::Credentials,
                format!("{} has several projects named {name}", self.cloud.credential.describe()),
            )
            .help(format!("state the domain or the id; {}", list(&own)))),
            (None, _) => Err(self.no_project(&format!("project {name}"), &own)),
        }
    }

    fn no_project(&self, project: &str, own: &[OwnProject]) -> Error {
        let who = self.cloud.credential.describe();
        Error::new(ErrorKind::Credentials, format!("{who} has no role on {project}, or it does not exist"))
            .help(list(own))
    }

    /// What a refusal may mean where the password is for a project.
    fn of_project(&self, error: Error, project: &Project) -> Error {
        let guess = matches!(self.cloud.credential, Credential::Password { .. })
            && error.kind() == ErrorKind::Unauthorized
            && error.to_string().contains(SAYS_NOTHING);
        match guess {
            true => error.cause(format!(
                "Keystone says the same of a wrong password, and where {} has no role on {project}, or it does not exist",
                self.cloud.credential.describe()
            )),
            false => error,
        }
    }

    /// Names the cloud, and turns a refusal into a fault of the credentials.
    fn explain(&self, error: Error) -> Error {
        let cloud = &self.cloud.name;
        let error = error.scope(self.handle);
        match (error.kind(), &self.cloud.credential) {
            (ErrorKind::Unauthorized, Credential::Password { .. }) => {
                let help = match error.to_string() {
                    said if said.contains("password is expired") => "the user changes its password first: 'openstack user password set'".into(),
                    said if said.contains("account is locked") => "wait until Keystone unlocks it (lockout_duration), and try the right password once; each wrong one begins it anew".into(),
                    _ => format!("check the user, its domain, the password of cloud `{cloud}`, and the user's role on the project"),
                };
                error.with_kind(ErrorKind::Credentials).help(help)
            }
            // Keystone answers 404 for one that is not there
            (ErrorKind::Unauthorized | ErrorKind::NotFound, Credential::ApplicationCredential { .. }) => {
                error.with_kind(ErrorKind::Credentials).help(format!(
                    "the application credential of cloud `{cloud}` is wrong, expired or deleted"
                ))
            }
            (ErrorKind::Unauthorized, Credential::Token { .. }) => error
                .with_kind(ErrorKind::Credentials)
                .help(format!("the token of cloud `{cloud}` has ended; get another one")),
            (ErrorKind::Unsupported | ErrorKind::NotFound | ErrorKind::Protocol | ErrorKind::Invalid, _) => {
                error.with_kind(ErrorKind::Credentials).help(format!(
                    "does auth_url of cloud `{cloud}` name Keystone? It is {}",
                    self.cloud.auth_url
                ))
            }
            (ErrorKind::Forbidden, _) => error.with_kind(ErrorKind::Credentials),
            _ => error,
        }
    }

    async fn send(&self, request: Request) -> Result<Answer> {
        let http = self.cloud.client();
        Sender { http: &http, handle: self.handle, service: "identity", witness: self.witness }
            .send(&request)
            .await
    }
}

/// What Keystone says to all that it does not explain (`Unauthorized` of `keystone/exception.py`). Of an expired password and
/// a locked account it says so.
const SAYS_NOTHING: &str = "The request you have made requires authentication";

const ASKS_FOR_MORE: &str = "a program cannot give it: have the user make an application credential, and log in with that \
                             (auth_type: v3applicationcredential)";

/// What Keystone asks for besides, of a user under rules of several factors: it gives a receipt for what was right.
fn receipt(answer: &Answer) -> Option<String> {
    answer.header("openstack-auth-receipt")?;
    let body = answer.json().ok()?;
    let rules = body["required_auth_methods"].as_array()?;
    let all = |rule: &Value| {
        let methods = rule.as_array().into_iter().flatten().filter_map(Value::as_str);
        methods.collect::<Vec<_>>().join(" and ")
    };
    let rules: Vec<String> = rules.iter().map(all).collect();
    Some(format!("the password is right, and this user must show more: {}", rules.join(", or ")))
}

fn list(own: &[OwnProject]) -> String {
    if own.is_empty() {
        return "this user has no project at all".to_string();
    }
    let names: Vec<String> =
        own.iter().map(|p| format!("{} ({}, domain {})", p.name, p.id, p.domain_id)).collect();
    format!("this user's projects: {}", names.join(", "))
}
