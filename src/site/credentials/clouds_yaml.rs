//! Credentials from an entry of `clouds.yaml`, with `clouds-public.yaml` below it and `secure.yaml` above.

use std::path::Path;

use super::entry::{CloudEntry, SETTINGS, Written, canonical};
use crate::base::error::nearest;
use crate::base::secret::may_name_user;
use crate::base::{Error, ErrorKind, Result, Secret};
use crate::site::document::{Entry, Node, Shape, suggestion};
use crate::site::trust::{self, SecretFile};

/// Keys of an entry that other tools read and that mean nothing here.
const OTHERS: &[&str] = &[
    "api_timeout",
    "app_name",
    "app_version",
    "disable_vendor_agent",
    "external_network",
    "floating_ip_source",
    "force_ipv4",
    "image_api_use_tasks",
    "image_format",
    "internal_network",
    "log_file",
    "log_level",
    "message",
    "nat_destination",
    "nat_source",
    "networks",
    "private",
    "secgroup_source",
    "status",
    "vendor_hook",
    "verify",
];

/// Reads the entry `name` of the `clouds.yaml` at `path`.
///
/// # Errors
/// [`ErrorKind::Site`], with the place of what is wrong.
pub fn read(path: &Path, name: &str) -> Result<CloudEntry> {
    if !path.exists() {
        let error = Error::new(ErrorKind::Site, format!("{} does not exist", path.display()));
        return Err(error
            .help("it holds the clouds that [scopes] name; `clouds_file` in site.toml names another one"));
    }
    let beside = |file: &str| path.with_file_name(file);
    let clouds = File::open(path)?;
    let mut files = vec![&clouds];
    let mut node = clouds.entry("clouds", name)?.ok_or_else(|| clouds.unknown("clouds", name))?;

    let secure = beside("secure.yaml");
    let secure = if secure.exists() { Some(File::open(&secure)?) } else { None };
    if let Some(secure) = &secure
        && let Some(above) = secure.entry("clouds", name)?
    {
        node = overlay(node, above);
        files.push(secure);
    }

    let profile = node.entries()?.iter().find(|e| e.key == "profile" || e.key == "cloud").cloned();
    if let Some(Entry { node: profile, .. }) = profile {
        let public = beside("clouds-public.yaml");
        let wanted = profile.text()?;
        let below = if public.exists() { File::open(&public)?.entry("public-clouds", wanted)? } else { None };
        let below = below.ok_or_else(|| {
            let what = format!("cloud `{name}` builds on profile `{wanted}`, which is not there");
            profile.spot.error(what).help(format!(
                "define it below `public-clouds:` in {}, or write its settings into the entry; no profiles of vendors are built in",
                public.display()
            ))
        })?;
        node = overlay(below, node);
    }

    let entry = read_entry(&format!("cloud `{name}` of {}", path.display()), &node)?;
    if entry.has_secret() {
        // only the file that holds it must be private
        let secrets = ["password", "application_credential_secret", "token"];
        let holders = secrets.iter().filter_map(|s| entry.written(s)).map(|w| w.spot.file());
        let holders: Vec<&str> = holders.collect();
        files.iter().filter(|f| holders.contains(&&*f.title)).try_for_each(|f| f.file.guard())?;
    }
    Ok(entry)
}

/// The names of the clouds of the `clouds.yaml` at `path`.
///
/// # Errors
/// [`ErrorKind::Site`], with the place of what is wrong.
pub fn names(path: &Path) -> Result<Vec<String>> {
    let file = File::open(path)?;
    let Some(table) = file.table("clouds")? else { return Ok(Vec::new()) };
    Ok(table.entries()?.iter().map(|entry| entry.key.clone()).collect())
}

struct File {
    title: String,
    file: SecretFile,
    root: Node,
}

impl File {
    fn open(path: &Path) -> Result<File> {
        let file = trust::read_maybe_secret(path)?;
        let title = path.display().to_string();
        Ok(File { root: Node::from_yaml(&title, file.text())?, title, file })
    }

    fn table(&self, key: &str) -> Result<Option<&Node>> {
        let root = match self.root.shape {
            Shape::Null => return Ok(None),
            _ => self.root.entries()?,
        };
        Ok(root.iter().find(|e| e.key == key).map(|e| &e.node))
    }

    fn entry(&self, table: &str, name: &str) -> Result<Option<Node>> {
        let Some(table) = self.table(table)? else { return Ok(None) };
        Ok(table.entries()?.iter().find(|e| e.key == name).map(|e| e.node.clone()))
    }

    fn unknown(&self, table: &str, name: &str) -> Error {
        let table = self.table(table).ok().flatten();
        let names: Vec<&str> =
            table.and_then(|t| t.entries().ok()).unwrap_or_default().iter().map(|e| &*e.key).collect();
        let error = Error::new(ErrorKind::Site, format!("{} has no cloud `{name}`", self.title));
        error.help(suggestion(name, names))
    }
}

/// `above` laid over `below`, table by table.
fn overlay(below: Node, above: Node) -> Node {
    match (below.shape, above.shape) {
        (Shape::Table(mut entries), Shape::Table(over)) => {
            for entry in over {
                match entries.iter().position(|e| e.key == entry.key) {
                    Some(n) => {
                        let under = entries.remove(n);
                        entries.insert(n, Entry { node: overlay(under.node, entry.node), ..entry });
                    }
                    None => entries.push(entry),
                }
            }
            Node { shape: Shape::Table(entries), spot: above.spot, path: above.path }
        }
        (_, shape) => Node { shape, spot: above.spot, path: above.path },
    }
}

fn read_entry(title: &str, node: &Node) -> Result<CloudEntry> {
    let mut entry = CloudEntry::new(title.to_string(), node.spot.clone());
    for Entry { key, spot, node } in node.entries()? {
        if matches!(node.shape, Shape::Null) {
            continue;
        }
        if let Some(service) = key.strip_suffix("_endpoint_override") {
            let url = node.text()?;
            if may_name_user(url) {
                let error = node.spot.error(format!("`{}` holds a user or a password", node.path));
                return Err(error.help("a URL is shown and journaled: take them out of it"));
            }
            entry.endpoint_overrides.insert(service.replace('_', "-"), url.to_string());
            continue;
        }
        match key.as_str() {
            "auth" => {
                for Entry { key, spot, node } in node.entries()? {
                    let setting = canonical(key).ok_or_else(|| {
                        let known = SETTINGS.iter().copied();
                        spot.error(format!("`{}` means nothing here", node.path)).help(suggestion(key, known))
                    })?;
                    if !matches!(node.shape, Shape::Null) {
                        entry.set(setting, written(node)?)?;
                    }
                }
            }
            "verify" if !node.boolean()? => {
                entry
                    .set("insecure", Written { value: Secret::unlisted("true"), spot: node.spot.clone() })?;
            }
            "insecure" if node.boolean()? => {
                entry
                    .set("insecure", Written { value: Secret::unlisted("true"), spot: node.spot.clone() })?;
            }
            "verify" | "insecure" | "profile" | "cloud" => {}
            "regions" => regions(&mut entry, node)?,
            "cert" | "key" => {
                let error = spot.error("a client certificate for OpenStack is not supported");
                return Err(error.help("use a password, an application credential or a token"));
            }
            other => match canonical(other) {
                Some(setting) => entry.set(setting, written(node)?)?,
                None => tolerate(other, node)?,
            },
        }
    }
    Ok(entry)
}

/// A text, or a small number such as `identity_api_version: 3`.
fn written(node: &Node) -> Result<Written> {
    let value = match &node.shape {
        Shape::Text(text) => text.clone(),
        Shape::Integer(n) if node.path.ends_with("_api_version") => n.to_string(),
        _ => return Err(node.mismatch("a text")),
    };
    Ok(Written { value: Secret::unlisted(value), spot: node.spot.clone() })
}

/// One region is as good as `region_name`; of several, the site chooses.
fn regions(entry: &mut CloudEntry, node: &Node) -> Result<()> {
    if let [region] = node.items()? {
        let name = match &region.shape {
            Shape::Table(_) => region.fields(&["name", "values"])?.need("name", "NAME")?,
            _ => region,
        };
        if entry.written("region").is_none() {
            entry.set("region", written(name)?)?;
        }
    }
    Ok(())
}

/// Other tools' keys pass; what looks like a misspelt key of ours does not.
fn tolerate(key: &str, node: &Node) -> Result<()> {
    const ENDINGS: &[&str] = &[
        "_api_version",
        "_microversion",
        "_min_version",
        "_max_version",
        "_service_type",
        "_service_name",
        "_interface",
        "_timeout",
        "_retries",
        "_retry_delay",
        "_concurrency",
        "_rate_limit",
    ];
    if OTHERS.contains(&key) || ENDINGS.iter().any(|e| key.ends_with(e)) {
        return Ok(());
    }
    let known =
        SETTINGS.iter().copied().chain(["auth", "profile", "regions", "verify", "region_name", "cacert"]);
    match nearest(key, known) {
        Some(near) => Err(node
            .spot
            .error(format!("`{}` means nothing here", node.path))
            .help(format!("did you mean `{near}`?"))),
        None => Ok(()),
    }
}
