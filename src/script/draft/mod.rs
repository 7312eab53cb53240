//! A first site file: what the scripts ask for, as far as the cloud itself tells it. It is looked at and never
//! changed, and no secret is written.

mod look;
mod text;

use std::path::PathBuf;

use serde_json::Value;

use crate::site::{CloudSource, Layers, Site};

pub use look::look;

/// What a first site file is made of.
#[derive(Debug)]
pub struct Draft {
    /// The site's name.
    pub name: String,
    /// Where the credentials are.
    pub source: CloudSource,
    /// The credentials hold no secret: somebody has to type it.
    pub prompt: bool,
    /// Who asks, and where.
    pub account: String,
    /// Scopes that scripts ask for.
    pub scopes: Vec<ScopeDraft>,
    /// Services of the catalog, by the name that operators call them, with their URLs.
    pub endpoints: Vec<(String, String)>,
    /// Clusters, hosts and programs that scripts ask for, by the table of the site file. Nobody but the operator
    /// knows them.
    pub others: Vec<(&'static str, String)>,
    /// Values without a default, and those that the cloud tells.
    pub values: Vec<ValueDraft>,
}

/// A scope that scripts ask for.
#[derive(Debug)]
pub struct ScopeDraft {
    /// Its name.
    pub name: String,
    /// What it is for; or why nobody knows.
    pub found: Result<Found, String>,
}

/// What a scope turned out to be for.
#[derive(Debug)]
pub struct Found {
    /// The project.
    pub project: String,
    /// Its domain.
    pub domain: String,
    /// The project's id.
    pub id: String,
    /// The token's roles.
    pub roles: Vec<String>,
    /// The user.
    pub user: String,
}

/// A value.
#[derive(Debug)]
pub struct ValueDraft {
    /// Its name.
    pub name: String,
    /// What it means.
    pub doc: String,
    /// How it is written.
    pub example: String,
    /// What it is, and where that was seen.
    pub found: Option<(Value, String)>,
    /// What it could be, where it could be several things.
    pub choices: Vec<String>,
    /// Why it is not known.
    pub why: String,
    /// It may stay unset.
    pub optional: bool,
}

impl Draft {
    /// How much was found out, and how much was not.
    pub fn counts(&self) -> (usize, usize) {
        let scopes = self.scopes.iter().map(|s| s.found.is_ok());
        let values =
            self.values.iter().filter(|v| v.found.is_some() || !v.optional).map(|v| v.found.is_some());
        let all: Vec<bool> = scopes.chain(values).chain(self.others.iter().map(|_| false)).collect();
        let found = all.iter().filter(|found| **found).count() + self.endpoints.len();
        (found, all.iter().filter(|found| !**found).count())
    }
}

/// A site of nothing but credentials, to look at the cloud with.
///
/// # Errors
/// Credentials that cannot be named in a site file.
pub fn login(source: &CloudSource, prompt: bool, layers: &Layers) -> crate::base::Result<Site> {
    let text = format!("name = \"new\"\n[scopes.login]\n{}", text::credentials(source, prompt));
    let mut site = Site::from_embedded(&text, "the credentials", &[])?;
    site.layers = layers.clone();
    Ok(site)
}

/// A path as a site file writes it: below the home directory where it is there.
fn shown(path: &std::path::Path) -> String {
    let home = std::env::home_dir().filter(|home| home.is_absolute() && home != &PathBuf::from("/"));
    match home.and_then(|home| path.strip_prefix(home).ok().map(|p| format!("~/{}", p.display()))) {
        Some(below) => below,
        None => path.display().to_string(),
    }
}
