//! `site.toml`, and the site that it declares.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::declare::{
    self, EndpointDecl, HostDecl, KubeDecl, KubeSource, Lock, RunPolicy, ScopeDecl, ToolDecl, check_name,
};
use super::document::{Node, Spot, suggestion};
use super::excuses::{Excuses, KnownIssue, Waiver};
use super::extra::{self, Extra};
use super::layers::Layers;
use super::paths::Paths;
use super::values::{Kind, Origin, Schema, Setting, Value, Values};
use super::wiring::{Machine, Wiring};
use crate::base::{Error, ErrorKind, Result};
use crate::systems::openstack::Policy;

/// The schema of the values, in the shipped layers.
const SCHEMA: &str = "runbooks/values.toml";
/// The known issues, in the shipped layers.
const KNOWN_ISSUES: &str = "runbooks/known-issues.toml";

const KEYS: &[&str] = &[
    "name",
    "description",
    "runbooks",
    "clouds_file",
    "scopes",
    "roles",
    "kube",
    "hosts",
    "tools",
    "endpoints",
    "values",
    "extra",
    "run",
];

/// A site: what its directory declares. Cheap enough to clone, and its clones share connections.
#[derive(Clone)]
pub struct Site {
    /// Its name.
    pub name: String,
    /// What it is, in a sentence.
    pub description: String,
    /// The runbooks that it is for; all of them where it says nothing.
    pub runbooks: Vec<(String, Spot)>,
    /// How its runs behave.
    pub run: RunPolicy,
    /// Role requirements, where they differ from the release's defaults.
    pub policy: Policy,
    /// Values of its own overrides.
    pub extra: Extra,
    /// What it excuses.
    pub excuses: Excuses,
    /// Where its scripts come from.
    pub layers: Layers,
    pub(super) scopes: BTreeMap<String, ScopeDecl>,
    pub(super) kube: BTreeMap<String, KubeDecl>,
    pub(super) hosts: BTreeMap<String, HostDecl>,
    pub(super) tools: BTreeMap<String, ToolDecl>,
    pub(super) endpoints: BTreeMap<String, EndpointDecl>,
    values: Values,
    pub(super) wiring: Arc<dyn Wiring>,
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site")
            .field("name", &self.name)
            .field("directory", &self.layers.site_directory())
            .finish()
    }
}

impl Site {
    /// Loads the site of a directory (or of its `site.toml`), over the machine's installed directory if it has
    /// one. `sets` are `name=value`s of the command line.
    ///
    /// Files of credentials are opened only when a scope is used.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] with file, line and column; [`ErrorKind::Usage`] for a `--set`.
    pub fn load(path: &Path, sets: &[String]) -> Result<Site> {
        Site::load_over(path, sets, Layers::installed_directory().as_deref())
    }

    /// Like [`Site::load`], over an installed directory that is named, or over none.
    ///
    /// # Errors
    /// Those of [`Site::load`].
    pub fn load_over(path: &Path, sets: &[String], installed: Option<&Path>) -> Result<Site> {
        let directory = match path.file_name() {
            Some(name) if name == "site.toml" && !path.is_dir() => path.parent().unwrap_or(Path::new("")),
            _ => path,
        };
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let title = directory.join("site.toml").display().to_string();
        let absent = || {
            let error = Error::new(ErrorKind::Site, format!("{title} does not exist"));
            error.help("a site is a directory with a site.toml; `rhumb site new NAME` writes one")
        };
        if !directory.exists() {
            return Err(absent());
        }
        let layers = Layers::new(installed, Some(directory))?;
        let file = layers.site_file("site.toml")?.ok_or_else(absent)?;
        let paths = Paths::of(layers.site_directory());
        Site::parse(&title, &file.text, sets, layers, &paths)
    }

    /// A site that the binary holds, for rehearsals: it has no directory, and nothing opens the files it names.
    /// `title` is its name in errors.
    ///
    /// # Errors
    /// Those of [`Site::load`].
    pub fn from_embedded(text: &str, title: &str, sets: &[String]) -> Result<Site> {
        Site::parse(title, text, sets, Layers::default(), &Paths::of(None))
    }

    fn parse(title: &str, text: &str, sets: &[String], layers: Layers, paths: &Paths) -> Result<Site> {
        let root = Node::from_toml(title, text)?;
        let f = root.fields(KEYS)?;
        let name = f.need("name", "\"roosevelt\"")?;
        check_name(name.text()?, &name.spot)?;
        let clouds_file = f.get("clouds_file").map(|n| paths.resolve(n)).transpose()?;
        let clouds_file: PathBuf = clouds_file.unwrap_or_else(|| paths.beside("clouds.yaml"));
        let mut hosts = declare::all(f.get("hosts"), paths, HostDecl::read)?;
        HostDecl::link(&mut hosts)?;
        let site = Site {
            name: name.text()?.to_string(),
            description: f.owned("description")?.unwrap_or_default(),
            runbooks: f.get("runbooks").map(runbooks).transpose()?.unwrap_or_default(),
            run: match f.get("run") {
                Some(node) => RunPolicy::read(node, name.text()?, paths)?,
                None => RunPolicy::default(),
            },
            policy: policy(f.get("roles"))?,
            extra: extra::read(f.get("extra"))?,
            excuses: excuses(&layers)?,
            scopes: declare::all(f.get("scopes"), paths, |e, p| ScopeDecl::read(e, p, &clouds_file))?,
            kube: declare::all(f.get("kube"), paths, KubeDecl::read)?,
            hosts,
            tools: declare::all(f.get("tools"), paths, ToolDecl::read)?,
            endpoints: declare::all(f.get("endpoints"), paths, EndpointDecl::read)?,
            values: Values::resolve(schema(&layers)?, f.get("values"), sets)?,
            wiring: Arc::new(Machine::default()),
            layers,
        };
        site.check_references(&root)?;
        Ok(site)
    }

    /// Holds that what names a handle names one that is declared.
    fn check_references(&self, root: &Node) -> Result<()> {
        for kube in self.kube.values() {
            if let KubeSource::Printed { host, .. } = &kube.source {
                self.host(host).map_err(|e| located(e, &kube.spot))?;
            }
        }
        if let Lock::Lease { kube, .. } = &self.run.lock {
            self.kube(kube)
                .map_err(|e| located(e, root.at(&["run", "lock"]).map_or(&root.spot, |n| &n.spot)))?;
        }
        // a shipped default may name an endpoint that only its own runbooks need
        let set = self.values.iter().filter(|(_, s)| !matches!(s.origin, Origin::Shipped(_)));
        for (name, setting) in set {
            let Some(decl) = self.values.schema().get(name) else { continue };
            self.check_handles(&decl.kind, &setting.value).map_err(|e| locate(e, name, setting))?;
        }
        Ok(())
    }

    fn check_handles(&self, kind: &Kind, value: &Value) -> Result<()> {
        match (kind, value) {
            (Kind::Endpoint, Value::Text(name)) => self.endpoint(name).map(|_| ()),
            (Kind::Host, Value::Text(name)) => self.host(name).map(|_| ()),
            (Kind::List(kind), Value::List(items)) => {
                items.iter().try_for_each(|item| self.check_handles(kind, item))
            }
            _ => Ok(()),
        }
    }

    /// An authorisation scope by name.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] with the likely name.
    pub fn scope(&self, name: &str) -> Result<&ScopeDecl> {
        find(&self.scopes, "scope", name)
    }

    /// A Kubernetes cluster by name.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] with the likely name.
    pub fn kube(&self, name: &str) -> Result<&KubeDecl> {
        find(&self.kube, "kube", name)
    }

    /// A host by name.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] with the likely name.
    pub fn host(&self, name: &str) -> Result<&HostDecl> {
        find(&self.hosts, "host", name)
    }

    /// A local program by name.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] with the likely name.
    pub fn tool(&self, name: &str) -> Result<&ToolDecl> {
        find(&self.tools, "tool", name)
    }

    /// An endpoint by name.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] with the likely name.
    pub fn endpoint(&self, name: &str) -> Result<&EndpointDecl> {
        find(&self.endpoints, "endpoint", name)
    }

    /// All authorisation scopes, by name.
    pub fn scopes(&self) -> impl Iterator<Item = &ScopeDecl> {
        self.scopes.values()
    }

    /// All Kubernetes clusters, by name.
    pub fn kubes(&self) -> impl Iterator<Item = &KubeDecl> {
        self.kube.values()
    }

    /// All hosts, by name.
    pub fn hosts(&self) -> impl Iterator<Item = &HostDecl> {
        self.hosts.values()
    }

    /// All local programs, by name.
    pub fn tools(&self) -> impl Iterator<Item = &ToolDecl> {
        self.tools.values()
    }

    /// All endpoints, by name.
    pub fn endpoints(&self) -> impl Iterator<Item = &EndpointDecl> {
        self.endpoints.values()
    }

    /// The values of the procedures.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// The same site with another text for a value that it sets: a rehearsal's, which cannot have what the site names.
    #[must_use]
    pub fn restated(mut self, name: &str, text: String, why: &str) -> Site {
        self.values.restate(name, text, why);
        self
    }
}

/// The runbooks that a site is for.
fn runbooks(node: &Node) -> Result<Vec<(String, Spot)>> {
    node.items()?.iter().map(|item| Ok((item.text()?.to_string(), item.spot.clone()))).collect()
}

fn find<'a, T>(all: &'a BTreeMap<String, T>, what: &str, name: &str) -> Result<&'a T> {
    all.get(name).ok_or_else(|| {
        let error = Error::new(ErrorKind::Site, format!("the site has no {what} `{}`", name.escape_debug()));
        match all.is_empty() {
            true => {
                error.help(format!("it declares none; declare one as [{}.NAME] in site.toml", table(what)))
            }
            false => error.help(suggestion(name, all.keys().map(String::as_str))),
        }
    })
}

/// The table of the site file that declares such handles.
fn table(what: &str) -> String {
    if what == "kube" { what.to_string() } else { format!("{what}s") }
}

fn located(error: Error, spot: &Spot) -> Error {
    error.place(spot.file(), spot.line, spot.column)
}

fn locate(error: Error, name: &str, setting: &Setting) -> Error {
    let error = error.context(format!("value `{name}`"));
    match &setting.origin {
        Origin::Site { spot, .. } | Origin::Shipped(spot) => located(error, spot),
        Origin::CommandLine => error.with_kind(ErrorKind::Usage),
        Origin::Rehearsal(_) => error,
    }
}

fn policy(node: Option<&Node>) -> Result<Policy> {
    let Some(node) = node else { return Ok(Policy::default()) };
    let overrides = node.fields(&["overrides"])?.get("overrides").map_or(Ok(&[][..]), Node::entries)?;
    let mut rules = Vec::new();
    for entry in overrides {
        let rule = (entry.key.as_str(), entry.node.texts()?);
        Policy::new([rule.clone()]).map_err(|e| located(e.with_kind(ErrorKind::Site), &entry.spot))?;
        rules.push(rule);
    }
    Policy::new(rules)
}

impl Values {
    /// What the shipped defaults and `--set name=value`s say, without a site.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] for a schema that cannot be read, [`ErrorKind::Usage`] for a `--set`.
    pub fn shipped(layers: &Layers, sets: &[String]) -> Result<Values> {
        Values::resolve(schema(layers)?, None, sets)
    }
}

fn schema(layers: &Layers) -> Result<Arc<Schema>> {
    let source = layers
        .shipped_file(SCHEMA)?
        .ok_or_else(|| Error::new(ErrorKind::Internal, format!("{SCHEMA} is in no layer")))?;
    Ok(Arc::new(Schema::parse(&source.title, &source.text)?))
}

fn excuses(layers: &Layers) -> Result<Excuses> {
    let mut excuses = Excuses::default();
    if let Some(file) = layers.site_file("waivers.toml")? {
        excuses.waivers = Waiver::parse(&file.title, &file.text)?;
    }
    for file in
        [layers.site_file("known-issues.toml")?, layers.shipped_file(KNOWN_ISSUES)?].into_iter().flatten()
    {
        excuses.known_issues.extend(KnownIssue::parse(&file.title, &file.text)?);
    }
    Ok(excuses)
}
