//! What an openrc and a `clouds.yaml` entry have in common: settings by one set of names.

use std::collections::BTreeMap;

use crate::base::{Error, ErrorKind, Result, Secret, line};
use crate::site::document::{ONE_LINE, Spot};

/// A setting, which may be a secret, and where it was written.
#[derive(Clone, Debug)]
pub struct Written {
    /// The text.
    pub value: Secret,
    /// Where.
    pub spot: Spot,
}

/// The settings of one cloud, as a file has them, under the names of `clouds.yaml`.
#[derive(Clone, Debug)]
pub struct CloudEntry {
    /// The file, and the entry in it, for messages.
    pub title: String,
    /// Where the entry begins.
    pub spot: Spot,
    /// Settings by name, such as `auth_url`.
    settings: BTreeMap<&'static str, Written>,
    /// URLs that replace the catalog's, by service type.
    pub endpoint_overrides: BTreeMap<String, String>,
    /// Variables of an openrc that mean nothing here, such as `OS_VOLUME_API_VERSION` or `http_proxy`.
    pub ignored: BTreeMap<String, Spot>,
}

/// Names that mean the same as another.
const SAME: &[(&str, &str)] = &[
    ("tenant_name", "project_name"),
    ("tenant_id", "project_id"),
    ("default_domain", "default_domain_id"),
    ("user_domain", "user_domain_name"),
    ("project_domain", "project_domain_name"),
    ("region_name", "region"),
    ("endpoint_type", "interface"),
    ("cacert", "ca_file"),
];

/// Every setting that has a meaning here.
pub(super) const SETTINGS: &[&str] = &[
    "auth_type",
    "auth_url",
    "username",
    "user_id",
    "user_domain_name",
    "user_domain_id",
    "password",
    "project_name",
    "project_id",
    "project_domain_name",
    "project_domain_id",
    "domain_name",
    "domain_id",
    "default_domain_name",
    "default_domain_id",
    "system_scope",
    "application_credential_id",
    "application_credential_name",
    "application_credential_secret",
    "token",
    "region",
    "interface",
    "ca_file",
    "insecure",
    "identity_api_version",
];

/// The setting that a name of `clouds.yaml` stands for.
pub(super) fn canonical(name: &str) -> Option<&'static str> {
    let name = SAME.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, same)| same);
    SETTINGS.iter().find(|s| **s == name).copied()
}

impl CloudEntry {
    pub(super) fn new(title: String, spot: Spot) -> Self {
        let settings = BTreeMap::new();
        CloudEntry { title, spot, settings, endpoint_overrides: BTreeMap::new(), ignored: BTreeMap::new() }
    }

    /// Takes a setting of one line; an empty one counts as missing, and two that differ are refused.
    pub(super) fn set(&mut self, name: &'static str, written: Written) -> Result<()> {
        if written.value.expose().is_empty() {
            return Ok(());
        }
        if let Some(flaw) = line::flaw(written.value.expose()) {
            return Err(written.spot.error(format!("`{name}` holds {flaw}")).help(ONE_LINE));
        }
        if let Some(before) = self.settings.get(name)
            && before.value != written.value
        {
            let what = format!("`{name}` is set twice, under two of its names, and the two differ");
            return Err(written.spot.error(what).help(format!("keep one; the other is at {}", before.spot)));
        }
        self.settings.insert(name, written);
        Ok(())
    }

    /// A setting that is no secret.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(|w| w.value.expose())
    }

    /// A setting and its place.
    pub fn written(&self, name: &str) -> Option<&Written> {
        self.settings.get(name)
    }

    /// A secret.
    pub fn secret(&self, name: &str) -> Option<&Secret> {
        self.settings.get(name).map(|w| &w.value)
    }

    /// What it holds that others must not read.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        ["password", "application_credential_secret", "token"].iter().filter_map(|name| self.secret(name))
    }

    /// Whether it holds something that others must not read.
    pub fn has_secret(&self) -> bool {
        self.secrets().next().is_some()
    }

    /// An error about the entry as a whole.
    pub fn error(&self, what: impl Into<String>) -> Error {
        let Spot { line, column, .. } = self.spot;
        Error::new(ErrorKind::Site, what).place(self.spot.file(), line, column)
    }
}
