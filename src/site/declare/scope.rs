//! `[scopes.NAME]`: an OpenStack authorisation scope, which becomes a handle of scripts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::endpoint::http_url;
use crate::base::{Error, ErrorKind, Result};
use crate::site::credentials::SecretSource;
use crate::site::document::{Entry, Fields, Node, Spot};
use crate::site::paths::Paths;
use crate::systems::openstack::Interface;

/// An OpenStack authorisation scope.
#[derive(Clone, Debug)]
pub struct ScopeDecl {
    /// Its name.
    pub name: String,
    /// The cloud it is in, and who asks there.
    pub cloud: CloudDecl,
    /// What its tokens are for.
    pub narrow: Narrow,
    /// Roles that its token must carry, each of them.
    pub roles: Vec<String>,
    /// The user that its token must be for, by name or id.
    pub user: Option<String>,
    /// The projects that scripts may narrow it to, with the same credential.
    pub projects: Vec<ProjectDecl>,
    /// Where it is declared.
    pub spot: Spot,
}

/// A project that a scope may be narrowed to: `admin.project("capi-mgmt", "capi")`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectDecl {
    /// Its name.
    pub name: String,
    /// Its domain's name.
    pub domain: String,
    /// Roles that its tokens must carry, each of them.
    pub roles: Vec<String>,
}

/// A cloud, and who asks there. Scopes that declare the same share its connections and its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudDecl {
    /// Where the credentials are.
    pub source: CloudSource,
    /// Where the password, the application credential's secret or the token comes from, if not from there.
    pub secret: Option<SecretSource>,
    /// The region, instead of the credentials' own.
    pub region: Option<String>,
    /// Which endpoints are used, instead of what the credentials say.
    pub interface: Option<Interface>,
    /// PEM file with the only authorities to trust, instead of the credentials' own.
    pub ca_file: Option<PathBuf>,
    /// How long a service may take over one request.
    pub answer_within: Option<Duration>,
    /// Take any certificate, instead of what the credentials say.
    pub insecure: Option<bool>,
    /// The proxy's URL.
    pub proxy: Option<String>,
    /// URLs that replace the catalog's, by service type.
    pub endpoint_overrides: BTreeMap<String, String>,
    /// Hosts that may have the token over plain HTTP, though Keystone is asked over HTTPS.
    pub plain_http: Vec<String>,
}

/// Where the credentials of a scope are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloudSource {
    /// An entry of a `clouds.yaml`.
    CloudsYaml {
        /// The file.
        file: PathBuf,
        /// The entry.
        entry: String,
    },
    /// An openrc, which is read and never run.
    Openrc(PathBuf),
}

/// What the tokens of a scope are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Narrow {
    /// What the credentials say.
    AsCredentials,
    /// A project by name.
    Project {
        /// Its name.
        name: String,
        /// Its domain's name; without one it is looked for among the user's own projects.
        domain: Option<String>,
    },
    /// A project by id.
    ProjectId(String),
    /// A domain by name.
    Domain(String),
    /// The cloud as a whole.
    System,
}

const KEYS: &[&str] = &[
    "cloud",
    "openrc",
    "clouds_file",
    "project",
    "project_id",
    "domain",
    "system",
    "roles",
    "user",
    "projects",
    "region",
    "interface",
    "ca_file",
    "answer_within",
    "insecure",
    "proxy",
    "endpoint_overrides",
    "plain_http",
    "password",
];

impl ScopeDecl {
    pub(in crate::site) fn read(entry: &Entry, paths: &Paths, clouds_file: &Path) -> Result<Self> {
        let f = entry.node.fields(KEYS)?;
        let help = "write cloud = \"NAME\" for an entry of clouds.yaml, or openrc = \"PATH\"";
        let source = match f.either(["cloud", "openrc"], help)? {
            (0, node) => {
                let file = f.get("clouds_file").map(|n| paths.resolve(n)).transpose()?;
                let file = file.unwrap_or_else(|| clouds_file.to_path_buf());
                CloudSource::CloudsYaml { file, entry: node.text()?.to_string() }
            }
            (_, node) => {
                if let Some(file) = f.get("clouds_file") {
                    return Err(file
                        .spot
                        .error(format!("`{}` goes with `cloud`, not with `openrc`", file.path)));
                }
                CloudSource::Openrc(paths.resolve(node)?)
            }
        };
        let overrides = f.get("endpoint_overrides").map(Node::entries).transpose()?.unwrap_or_default();
        let interface = f.get("interface").map(|n| n.word(&["public", "internal", "admin"])).transpose()?;
        let cloud = CloudDecl {
            source,
            secret: f.get("password").map(|n| SecretSource::read(n, paths)).transpose()?,
            region: f.owned("region")?,
            interface: interface.and_then(Interface::from_name),
            answer_within: f.get("answer_within").map(Node::duration).transpose()?,
            ca_file: f.get("ca_file").map(|n| paths.resolve(n)).transpose()?,
            insecure: f.get("insecure").map(Node::boolean).transpose()?,
            proxy: f.get("proxy").map(http_url).transpose()?,
            endpoint_overrides: overrides
                .iter()
                .map(|e| Ok((e.key.clone(), http_url(&e.node)?)))
                .collect::<Result<_>>()?,
            plain_http: match f.get("plain_http") {
                Some(node) => node.items()?.iter().map(host_name).collect::<Result<_>>()?,
                None => Vec::new(),
            },
        };
        Ok(ScopeDecl {
            name: entry.key.clone(),
            cloud,
            narrow: narrow(&f)?,
            roles: f.get("roles").map(Node::texts).transpose()?.unwrap_or_default(),
            user: f.owned("user")?,
            projects: f.get("projects").map(projects).transpose()?.unwrap_or_default(),
            spot: entry.spot.clone(),
        })
    }

    /// A project that it may be narrowed to.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] for one that the site file does not name.
    pub fn project(&self, name: &str, domain: &str) -> Result<&ProjectDecl> {
        self.projects.iter().find(|p| p.name == name && p.domain == domain).ok_or_else(|| {
            let (name, domain, scope) = (name.escape_debug(), domain.escape_debug(), &self.name);
            let what = format!("scope `{scope}` may not be narrowed to project `{name}` of domain `{domain}`");
            Error::new(ErrorKind::Site, what).scope(scope).help(format!(
                "declare it in site.toml: [scopes.{scope}] projects = [{{ project = \"{name}\", domain = \"{domain}\", roles = [\"member\"] }}]"
            ))
        })
    }
}

fn projects(node: &Node) -> Result<Vec<ProjectDecl>> {
    let mut all: Vec<ProjectDecl> = Vec::new();
    for item in node.items()? {
        let f = item.fields(&["project", "domain", "roles"])?;
        let roles = f.need("roles", "[\"member\"]")?;
        let project = ProjectDecl {
            name: f.need("project", "\"capi-mgmt\"")?.text()?.to_string(),
            domain: f.need("domain", "\"capi\"")?.text()?.to_string(),
            roles: roles.texts()?,
        };
        if project.roles.is_empty() {
            return Err(roles.spot.error(format!("`{}` names no role", roles.path)).help(
                "a token proves itself by the roles that are declared: name those that the runbooks need",
            ));
        }
        // the handle is named after the project
        if all.iter().any(|other| other.name == project.name) {
            let what = format!("`{}` names project `{}` twice", node.path, project.name);
            return Err(item.spot.error(what).help("declare one of the two as a scope of its own"));
        }
        all.push(project);
    }
    Ok(all)
}

/// A host without scheme, port and path.
fn host_name(node: &Node) -> Result<String> {
    let text = node.text()?;
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).is_some();
    if text.contains(['/', ' ', '*']) || (!bare && text.contains(':')) {
        let error = node.spot.error(format!("`{}` is not the name of a host", node.path));
        return Err(
            error.help("write the host alone, as the catalog's URL has it: plain_http = [\"nova.example\"]")
        );
    }
    Ok(text.to_string())
}

/// What the site file narrows the credentials to. Two answers are refused: Keystone would quietly take one.
fn narrow(f: &Fields<'_>) -> Result<Narrow> {
    let path = &f.node().path;
    if let (Some(_), Some(id)) = (f.get("project"), f.get("project_id")) {
        let error = id.spot.error(format!("`{path}` has both `project` and `project_id`"));
        return Err(error.help("keep one: where the two differ, Keystone's clients silently use the id"));
    }
    let system = f.get("system").map_or(Ok(false), Node::boolean)?;
    let others = ["project", "project_id", "domain"].into_iter().find_map(|key| f.get(key));
    if let (true, Some(other)) = (system, others) {
        let what = format!("`{path}` is for the system as a whole, so `{}` cannot be", other.path);
        return Err(other.spot.error(what).help("remove it, or remove `system`"));
    }
    let domain = f.owned("domain")?;
    Ok(match (f.owned("project")?, f.owned("project_id")?, domain) {
        (Some(name), _, domain) => Narrow::Project { name, domain },
        (None, Some(id), None) => Narrow::ProjectId(id),
        (None, Some(_), Some(_)) => {
            let what = format!("`{path}` has both `project_id` and `domain`");
            return Err(f.node().spot.error(what).help("an id needs no domain: remove `domain`"));
        }
        (None, None, Some(domain)) => Narrow::Domain(domain),
        (None, None, None) if system => Narrow::System,
        (None, None, None) => Narrow::AsCredentials,
    })
}
