//! Credentials from an openrc, which is read and never run.

use std::path::Path;

use super::entry::{CloudEntry, SETTINGS, Written, canonical};
use super::shell::{self, Variable};
use crate::base::{Error, Result};
use crate::site::document::Spot;
use crate::site::trust;

/// Variables whose names are not `OS_` and the setting's name in capitals.
const NAMES: &[(&str, &str)] = &[
    ("OS_AUTH_TOKEN", "token"),
    ("OS_CACERT", "ca_file"),
    ("OS_ENDPOINT_TYPE", "interface"),
    ("OS_REGION_NAME", "region"),
    ("OS_DEFAULT_DOMAIN", "default_domain_id"),
    ("OS_TENANT_NAME", "project_name"),
    ("OS_TENANT_ID", "project_id"),
];

/// Reads the openrc at `path`.
///
/// # Errors
/// [`ErrorKind::Site`](crate::base::ErrorKind::Site): a file that others may read or write, a construct that
/// does more than set a variable, or settings that contradict each other.
pub fn read(path: &Path) -> Result<CloudEntry> {
    let file = trust::read_maybe_secret(path)?;
    let entry = parse(&path.display().to_string(), file.text())?;
    if entry.has_secret() {
        file.guard()?;
    }
    Ok(entry)
}

/// Reads the text of an openrc; `file` is its name in errors.
///
/// # Errors
/// Those of [`read`], but for the file itself.
pub fn parse(file: &str, text: &str) -> Result<CloudEntry> {
    let variables = shell::variables(file, text).map_err(|e| advise(file, text, e))?;
    let mut entry = CloudEntry::new(file.to_string(), Spot::new(file, 1, 1));
    for (name, Variable { value, spot }) in variables {
        match setting(&name) {
            Some(setting) => entry.set(setting, Written { value, spot })?,
            None => {
                entry.ignored.insert(name, spot);
            }
        }
    }
    Ok(entry)
}

/// The setting that a variable stands for. Others, such as `OS_VOLUME_API_VERSION` or `http_proxy`,
/// mean nothing here.
fn setting(variable: &str) -> Option<&'static str> {
    let plain = || {
        let name = variable.strip_prefix("OS_")?.to_ascii_lowercase();
        SETTINGS.iter().find(|s| **s == name).copied()
    };
    NAMES.iter().find(|(name, _)| *name == variable).and_then(|(_, s)| canonical(s)).or_else(plain)
}

/// Says what to do instead. An openrc that asks for a password is reported at the line that asks: the
/// lines before it would only be the next to be refused.
fn advise(file: &str, text: &str, error: Error) -> Error {
    let first_word = |line: &str| line.split_whitespace().next().map(String::from);
    let asks = text.lines().position(|line| first_word(line).as_deref() == Some("read"));
    if let Some(n) = asks {
        let error = Spot::new(file, n + 1, 1).error(
            "this openrc asks for a password when a shell runs it, and Rhumb reads it and runs nothing",
        );
        return error.help(
            "keep only its `export NAME=value` lines (without OS_PASSWORD) and add \
             password = { prompt = \"OpenStack password\" } to the scope in site.toml; \
             or use a clouds.yaml, which Horizon offers beside the openrc: cloud = \"NAME\"",
        );
    }
    let detail = error.detail();
    let line = detail.place.as_ref().map_or(1, |p| p.line);
    let clears = text.lines().skip(line - 1).take(8).any(|line| line.contains("unset"));
    if clears {
        // what the shell's reader advises would not help here
        return Spot::new(file, line, detail.place.as_ref().map_or(1, |p| p.column)).error(&*detail.what).help(
            "it seems to clear the environment first: delete these lines, for Rhumb reads nothing from the \
             environment; an openrc may hold `export NAME=value` lines, with the value itself",
        );
    }
    error.help(
        "an openrc may hold `export NAME=value` lines, with the value itself; for a password that must not \
         stand in it, leave OS_PASSWORD out and add password = { env = \"NAME\" }, { file = \"PATH\" }, \
         { prompt = \"TEXT\" } or { command = [\"PROGRAM\"] } to the scope in site.toml; or use a clouds.yaml",
    )
}
