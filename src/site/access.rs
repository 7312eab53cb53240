//! From credentials and a scope's declaration to what a session needs: the cloud, who asks, and for what.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::credentials::{Ask, CloudEntry, Written, clouds_yaml, openrc};
use super::declare::{CloudDecl, CloudSource, Narrow, ScopeDecl};
use crate::base::error::nearest;
use crate::base::secret::may_name_user;
use crate::base::{Error, ErrorKind, Result, Secret};
use crate::systems::openstack::{
    AppCredential, Authority, Cloud, Credential, Declared, Domain, Interface, Policy, Project, User,
};

/// How long a service may take over one request, unless a scope says otherwise: longer than the haproxy of the charms lets
/// it take (90 s), so that its 504 is what ends the request.
const ANSWER: Duration = Duration::from_secs(100);

/// A cloud that can be asked, and what its credentials are for where a scope says no more.
#[derive(Clone)]
pub struct Reach {
    /// The cloud, with who asks.
    pub cloud: Arc<Cloud>,
    /// What the credentials are for by themselves; an error tells why they are for nothing in particular.
    pub own: Result<Authority>,
}

/// Reads the credentials of a cloud, and asks for its secret where the site says so.
///
/// # Errors
/// [`ErrorKind::Site`] with the place of what is wrong, and what `ask` answers.
pub(super) fn reach(decl: &CloudDecl, policy: &Policy, ask: &dyn Ask) -> Result<Reach> {
    let (name, entry) = written(decl)?;
    let credential = credential(&entry, decl, ask)?;
    let own = own_authority(&entry, &credential);
    let auth_url = entry.text("auth_url").ok_or_else(|| missing(&entry, "auth_url", "OS_AUTH_URL"))?;
    if let Some(written) = entry.written("auth_url").filter(|w| may_name_user(w.value.expose())) {
        let error = written.spot.error("auth_url holds a user or a password");
        return Err(error.help(
            "a URL is shown and journaled: take them out of it; the password goes into `password` (OS_PASSWORD)",
        ));
    }
    let mut cloud = Cloud::new(name, auth_url, credential);
    cloud.region = decl.region.clone().or_else(|| entry.text("region").map(String::from));
    cloud.interface = match decl.interface {
        Some(interface) => interface,
        None => interface(&entry)?,
    };
    cloud.http.tls.ca_file = decl.ca_file.clone().or_else(|| beside(entry.written("ca_file")?));
    cloud.http.tls.insecure = match decl.insecure {
        Some(insecure) => insecure,
        None => matches!(entry.text("insecure"), Some("true" | "True" | "1" | "yes")),
    };
    cloud.http.proxy = decl.proxy.clone();
    cloud.http.timeout = decl.answer_within.unwrap_or(ANSWER);
    cloud.endpoint_overrides = entry.endpoint_overrides.clone();
    cloud.endpoint_overrides.extend(decl.endpoint_overrides.clone());
    cloud.plain_http = decl.plain_http.clone();
    cloud.policy = policy.clone();
    if let Some(version) =
        entry.written("identity_api_version").filter(|w| !w.value.expose().starts_with('3'))
    {
        let error = version.spot.error("Identity API version 3 is needed, and another one is set");
        return Err(error.help("remove the setting, or set it to 3"));
    }
    Ok(Reach { cloud: Arc::new(cloud), own })
}

/// What the credentials' file says, and what the cloud is called there.
///
/// # Errors
/// [`ErrorKind::Site`] with the place of what is wrong.
pub(super) fn written(decl: &CloudDecl) -> Result<(String, CloudEntry)> {
    Ok(match &decl.source {
        CloudSource::CloudsYaml { file, entry } => (entry.clone(), clouds_yaml::read(real(file)?, entry)?),
        CloudSource::Openrc(file) => {
            let name = file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
            (name, openrc::read(real(file)?)?)
        }
    })
}

/// What a scope's tokens are asked for.
pub(super) fn authority(scope: &ScopeDecl, own: Result<Authority>) -> Result<Authority> {
    Ok(match &scope.narrow {
        Narrow::AsCredentials => own?,
        Narrow::Project { name, domain } => {
            Authority::Project(Project::Name { name: name.clone(), domain: domain.clone().map(Domain::Name) })
        }
        Narrow::ProjectId(id) => Authority::Project(Project::Id(id.clone())),
        Narrow::Domain(name) => Authority::Domain(Domain::Name(name.clone())),
        Narrow::System => Authority::System,
    })
}

/// What a scope's tokens must prove.
pub(super) fn declared(scope: &ScopeDecl) -> Declared {
    Declared { roles: scope.roles.clone(), user: scope.user.clone(), project: None, domain: None }
}

/// Only a site of a directory names files that can be opened.
fn real(file: &Path) -> Result<&Path> {
    if file.is_absolute() {
        return Ok(file);
    }
    let what = format!("a built-in site has no {}", file.display());
    Err(Error::new(ErrorKind::Site, what).help("it can be rehearsed; a run needs a site directory"))
}

const SUPPORTED: &[&str] = &["password", "v3password", "v3applicationcredential", "token", "v3token"];

fn credential(entry: &CloudEntry, decl: &CloudDecl, ask: &dyn Ask) -> Result<Credential> {
    let kind = entry.text("auth_type").unwrap_or_else(|| {
        let has = |name| entry.written(name).is_some();
        match has("application_credential_id") || has("application_credential_name") {
            true => "v3applicationcredential",
            false if has("token") && !has("username") && !has("user_id") => "v3token",
            false => "v3password",
        }
    });
    match kind {
        "password" | "v3password" => {
            let user = user(entry)?;
            Ok(Credential::Password { user, password: secret(entry, decl, ask, "password", "OS_PASSWORD")? })
        }
        "v3applicationcredential" => {
            let credential =
                match (entry.text("application_credential_id"), entry.text("application_credential_name")) {
                    (Some(id), _) => AppCredential::Id(id.to_string()),
                    (None, Some(name)) => AppCredential::Name { name: name.to_string(), user: user(entry)? },
                    (None, None) => {
                        return Err(missing(
                            entry,
                            "application_credential_id",
                            "OS_APPLICATION_CREDENTIAL_ID",
                        ));
                    }
                };
            let names = ("application_credential_secret", "OS_APPLICATION_CREDENTIAL_SECRET");
            Ok(Credential::ApplicationCredential {
                credential,
                secret: secret(entry, decl, ask, names.0, names.1)?,
            })
        }
        "token" | "v3token" => {
            Ok(Credential::Token { token: secret(entry, decl, ask, "token", "OS_TOKEN")? })
        }
        _ => {
            let spot = entry.written("auth_type").map_or(&entry.spot, |w| &w.spot);
            let error = spot.error("this auth_type is not supported");
            let asks_a_person =
                ["totp", "websso", "oidc", "saml", "adfs", "multifactor", "kerberos", "openid"];
            Err(error.help(match asks_a_person.iter().any(|word| kind.contains(word)) {
                true => "it asks a person, or another service, at each log-in: have the user make an application credential \
                         ('openstack application credential create'), and say auth_type: v3applicationcredential"
                    .to_string(),
                false => format!("the supported ones are: {}", SUPPORTED.join(", ")),
            }))
        }
    }
}

fn secret(entry: &CloudEntry, decl: &CloudDecl, ask: &dyn Ask, name: &str, variable: &str) -> Result<Secret> {
    match (&decl.secret, entry.secret(name)) {
        (Some(source), _) => source.resolve_line(ask),
        (None, Some(secret)) => Ok(secret.clone()),
        (None, None) => Err(entry.error(format!("{} has no {name}", entry.title)).help(format!(
            "set it there ({variable} in an openrc), or add password = {{ env = \"NAME\" }}, {{ file = \"PATH\" }}, \
             {{ prompt = \"TEXT\" }} or {{ command = [\"PROGRAM\"] }} to the scope in site.toml"
        ))),
    }
}

fn user(entry: &CloudEntry) -> Result<User> {
    if let Some(id) = entry.text("user_id") {
        return Ok(User::Id(id.to_string()));
    }
    let name = entry.text("username").ok_or_else(|| missing(entry, "username", "OS_USERNAME"))?;
    let domain = domain(entry, "user_domain_id", "user_domain_name")?
        .ok_or_else(|| missing(entry, "user_domain_name", "OS_USER_DOMAIN_NAME"))?;
    Ok(User::Name { name: name.to_string(), domain })
}

/// A domain by id or by name, or the entry's default one.
fn domain(entry: &CloudEntry, id: &str, name: &str) -> Result<Option<Domain>> {
    let pair = |id: &str, name: &str| match (entry.text(id), entry.written(name)) {
        (Some(_), Some(second)) => {
            let error = second.spot.error(format!("both `{id}` and `{name}` are set"));
            Err(error.help("keep one: where the two differ, Keystone's clients silently use the id"))
        }
        (Some(id), None) => Ok(Some(Domain::Id(id.to_string()))),
        (None, Some(name)) => Ok(Some(Domain::Name(name.value.expose().to_string()))),
        (None, None) => Ok(None),
    };
    Ok(pair(id, name)?.or(pair("default_domain_id", "default_domain_name")?))
}

/// What the credentials are for by themselves.
fn own_authority(entry: &CloudEntry, credential: &Credential) -> Result<Authority> {
    if !matches!(credential, Credential::Password { .. }) {
        return Ok(Authority::OfCredential);
    }
    let project = |name: &str| entry.written(name);
    let domain_wide = entry.written("domain_id").or(entry.written("domain_name"));
    match (project("project_id"), project("project_name")) {
        (Some(id), Some(_)) => {
            let error = id.spot.error(format!("{} sets both a project id and a project name", entry.title));
            Err(error.help(
                "where the two differ, Keystone's clients silently use the id: that is how work ends up in another \
                 project. Say which you mean in site.toml: project = \"NAME\" with domain = \"NAME\", or project_id",
            ))
        }
        (None, None) if entry.written("system_scope").is_some() => Ok(Authority::System),
        (None, None) => match domain_wide {
            Some(_) => Ok(domain(entry, "domain_id", "domain_name")?.map_or(Authority::Unscoped, Authority::Domain)),
            None => Err(entry
                .error(format!("{} names no project", entry.title))
                .help("say in site.toml what the scope is for: project = \"NAME\" with domain = \"NAME\", or project_id")),
        },
        (Some(one), None) | (None, Some(one)) if domain_wide.is_some() || entry.written("system_scope").is_some() => {
            let error = one.spot.error(format!("{} sets a project and, beside it, a domain or the system", entry.title));
            Err(error.help("say in site.toml what the scope is for: project, domain or system"))
        }
        (Some(id), None) => Ok(Authority::Project(Project::Id(id.value.expose().to_string()))),
        (None, Some(name)) => {
            let domain = domain(entry, "project_domain_id", "project_domain_name")?;
            Ok(Authority::Project(Project::Name { name: name.value.expose().to_string(), domain }))
        }
    }
}

fn interface(entry: &CloudEntry) -> Result<Interface> {
    let Some(written) = entry.written("interface") else { return Ok(Interface::Public) };
    Interface::from_name(written.value.expose()).ok_or_else(|| {
        written.spot.error("there is no such interface").help("choose one of: public, internal, admin")
    })
}

/// A file that credentials name: absolute, below `~/`, or beside them.
fn beside(written: &Written) -> Option<PathBuf> {
    let text = written.value.expose();
    let home = text.strip_prefix("~/").and_then(|below| Some(std::env::home_dir()?.join(below)));
    home.or_else(|| Some(Path::new(written.spot.file()).parent()?.join(text)))
}

fn missing(entry: &CloudEntry, name: &str, variable: &str) -> Error {
    let error = entry.error(format!("{} has no {name}", entry.title));
    match nearest(variable, entry.ignored.keys().map(String::as_str)) {
        Some(near) => error.help(format!("`{near}` means nothing here: did you mean {variable}?")),
        None => error.help(format!("set `{name}` (in an openrc: {variable})")),
    }
}
