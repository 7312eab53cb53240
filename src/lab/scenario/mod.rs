//! Scenarios: what exists when a rehearsal starts, how long things take, what goes wrong.
//!
//! A scenario is a TOML file that an operator can read and change. `${name}` in any text stands
//! for a value of the site; the table `[values]` says what it is where the site says nothing.

mod things;
mod timings;

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};
use jiff::Timestamp;
use serde::Deserialize;

use crate::base::error::nearest;
use crate::base::{Error, ErrorKind, Result};

use super::fault::Fault;

pub use things::{
    Application, Cluster, Download, Flavor, Host, Image, Juju, Keypair, LoadBalancer, Machine, Network,
    Obstacle, Router, Server, Template, Vault, Zombie,
};
pub use timings::{Endpoints, Quirks, Time, Timings};

/// Values of a site by name.
pub type Values = BTreeMap<String, String>;

/// The world as it is when a rehearsal starts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// One sentence for a list of scenarios.
    pub title: String,
    /// The runbooks that are rehearsed in it where no scenario is named.
    pub runbooks: Vec<String>,
    /// Another scenario that this one adds to: its tables are merged with that one's, its lists go on.
    pub extends: Option<String>,
    /// Decides every id, unless the command line does.
    pub seed: u64,
    /// The time of day at the start.
    pub start: Option<Timestamp>,
    /// What `${...}` stands for where the site has no such value.
    pub values: Values,
    /// How long things take.
    pub timings: Timings,
    /// How this cloud differs from a plain one.
    pub quirks: Quirks,
    /// The services' addresses in the procedure.
    pub endpoints: Endpoints,
    /// Hypervisors.
    #[serde(rename = "host")]
    pub hosts: Vec<Host>,
    /// Flavors.
    #[serde(rename = "flavor")]
    pub flavors: Vec<Flavor>,
    /// Images.
    #[serde(rename = "image")]
    pub images: Vec<Image>,
    /// Networks, each with one subnet.
    #[serde(rename = "network")]
    pub networks: Vec<Network>,
    /// Routers.
    #[serde(rename = "router")]
    pub routers: Vec<Router>,
    /// Key pairs.
    #[serde(rename = "keypair")]
    pub keypairs: Vec<Keypair>,
    /// Servers.
    #[serde(rename = "server")]
    pub servers: Vec<Server>,
    /// Load balancers.
    #[serde(rename = "load_balancer")]
    pub load_balancers: Vec<LoadBalancer>,
    /// Amphora servers that Octavia does not know.
    #[serde(rename = "zombie")]
    pub zombies: Vec<Zombie>,
    /// Cluster templates.
    #[serde(rename = "template")]
    pub templates: Vec<Template>,
    /// Clusters that were created long ago.
    #[serde(rename = "cluster")]
    pub clusters: Vec<Cluster>,
    /// Machines that the site reaches over SSH.
    #[serde(rename = "machine")]
    pub machines: Vec<Machine>,
    /// The model of Juju.
    pub juju: Juju,
    /// Its applications.
    #[serde(rename = "application")]
    pub applications: Vec<Application>,
    /// Units of Vault.
    #[serde(rename = "vault")]
    pub vaults: Vec<Vault>,
    /// Files that the web has.
    #[serde(rename = "download")]
    pub downloads: Vec<Download>,
    /// What goes wrong.
    #[serde(rename = "fault")]
    pub faults: Vec<Fault>,
}

impl Scenario {
    /// The names of the scenarios that are shipped.
    pub fn names() -> Vec<&'static str> {
        let mut names: Vec<&str> = SHIPPED.files().filter_map(|f| f.path().file_stem()?.to_str()).collect();
        names.sort_unstable();
        names
    }

    /// A scenario that is shipped.
    ///
    /// # Errors
    /// [`ErrorKind::Site`]: none is called so, or it asks for a value that nobody states.
    pub fn shipped(name: &str, site: &Values) -> Result<Scenario> {
        Scenario::parse(&format!("{name}.toml"), embedded(name).ok_or_else(|| unknown(name))?, site)
    }

    /// The shipped scenario that a runbook is rehearsed in where none is named.
    pub fn of_runbook(runbook: &str) -> Option<&'static str> {
        Scenario::names().into_iter().find(|name| {
            let tree = embedded(name).and_then(|text| read(name, text).ok());
            let list = tree.as_ref().and_then(|t| t.get("runbooks")?.as_array());
            list.is_some_and(|all| all.iter().any(|r| r.as_str() == Some(runbook)))
        })
    }

    /// Reads a scenario. `file` names it in errors; `site` overlays its `[values]`.
    ///
    /// # Errors
    /// [`ErrorKind::Site`]: it is not TOML, holds a key that is none of a scenario's, or asks for
    /// a value that nobody states.
    pub fn parse(file: &str, text: &str, site: &Values) -> Result<Scenario> {
        let wrong = |what: String| Error::new(ErrorKind::Site, format!("{file}: {what}"));
        let mut tree = read(file, text)?;
        let mut ancestors = 0;
        while let Some(base) = tree.as_table_mut().and_then(|t| t.remove("extends")) {
            let name = base.as_str().unwrap_or_default();
            let mut merged = read(name, embedded(name).ok_or_else(|| unknown(name))?)?;
            merge(&mut merged, tree);
            tree = merged;
            ancestors += 1;
            if ancestors > 8 {
                return Err(wrong("`extends` goes round in a circle".into()));
            }
        }
        let mut values: Values = match tree.get("values") {
            Some(own) => own.clone().try_into().map_err(|e| wrong(format!("`[values]`: {e}")))?,
            None => Values::new(),
        };
        values.extend(site.iter().map(|(k, v)| (k.clone(), v.clone())));
        fill(&mut tree, &values).map_err(|name| {
            let meant = nearest(&name, values.keys().map(String::as_str));
            let help = meant
                .map_or("state it under `[values]`".to_string(), |m| format!("did you mean `${{{m}}}`?"));
            wrong(format!("no value is called `{name}`")).help(help)
        })?;
        tree.try_into().map_err(|e: toml::de::Error| wrong(e.message().to_string()))
    }
}

static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/runbooks/scenarios");

/// The text of a scenario that is shipped.
fn embedded(name: &str) -> Option<&'static str> {
    SHIPPED.get_file(format!("{name}.toml"))?.contents_utf8()
}

fn unknown(name: &str) -> Error {
    let names = Scenario::names();
    let meant = nearest(name, names.iter().copied());
    Error::new(ErrorKind::Site, format!("no scenario is called `{name}`")).help(match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("shipped are {}", names.join(", ")),
    })
}

fn read(file: &str, text: &str) -> Result<toml::Value> {
    toml::from_str(text).map_err(|e: toml::de::Error| {
        let (line, column) = e.span().map_or((1, 0), |span| place(text, span.start));
        Error::new(ErrorKind::Site, format!("{file} is not TOML: {}", e.message())).place(file, line, column)
    })
}

/// Puts one tree over another: tables are merged, lists go on, anything else is replaced.
fn merge(under: &mut toml::Value, over: toml::Value) {
    match (under, over) {
        (toml::Value::Table(under), toml::Value::Table(over)) => {
            for (key, value) in over {
                match under.get_mut(&key) {
                    Some(old) => merge(old, value),
                    None => _ = under.insert(key, value),
                }
            }
        }
        (toml::Value::Array(under), toml::Value::Array(over)) if under.iter().all(toml::Value::is_table) => {
            under.extend(over)
        }
        (under, over) => *under = over,
    }
}

/// Line and column, from 1, of a place in a text.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
    (line, column)
}

/// Puts values in the place of `${name}`; the error is a name without a value.
fn fill(tree: &mut toml::Value, values: &Values) -> Result<(), String> {
    match tree {
        toml::Value::String(text) => {
            if text.contains("${") {
                *text = expand(text, values)?;
            }
            Ok(())
        }
        toml::Value::Array(items) => items.iter_mut().try_for_each(|item| fill(item, values)),
        toml::Value::Table(table) => table.iter_mut().try_for_each(|(_, item)| fill(item, values)),
        _ => Ok(()),
    }
}

fn expand(text: &str, values: &Values) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, tail) = after.split_once('}').ok_or_else(|| after.to_string())?;
        out.push_str(before);
        out.push_str(values.get(name).ok_or_else(|| name.to_string())?);
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        title = "one server"
        [values]
        image = "jammy"
        network = "net"
        [timings]
        server_build = "1min 5s"
        [[server]]
        name = "vm"
        project = "p"
        flavor = "small"
        image = "${image}-kube"
        network = "${network}"
    "#;

    #[test]
    fn the_site_overlays_the_values_of_a_scenario() {
        let site = Values::from([("image".to_string(), "noble".to_string())]);
        let scenario = Scenario::parse("small", SMALL, &site).unwrap();
        let server = &scenario.servers[0];
        assert_eq!((server.image.as_str(), server.network.as_str()), ("noble-kube", "net"));
        assert_eq!(scenario.timings.server_build.as_secs(), 65);
        assert_eq!(scenario.timings.failover.as_secs(), 108);
    }

    #[test]
    fn a_mistake_is_named() {
        let error = |text: &str| Scenario::parse("s.toml", text, &Values::new()).unwrap_err();
        let e = error("x = [\n  1,,\n]");
        assert_eq!(e.detail().place.as_ref().unwrap().line, 2, "{e}");
        let e = error("[values]\nimage = 'a'\n[[flavor]]\nname = '${imag}'");
        assert!(e.to_string().contains("`imag`"), "{e}");
        assert_eq!(e.detail().help.as_deref(), Some("did you mean `${image}`?"));
        assert!(error("[timings]\nserver_bild = '1s'").to_string().contains("server_bild"));
        assert!(error("[timings]\nserver_build = 'soon'").to_string().contains("`soon` is not a duration"));
    }
}
