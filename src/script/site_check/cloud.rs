//! What the cloud says: each scope proves itself, what values name is there, and ids that the site remembers are
//! those of what is found by name. Nothing is asked but reads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::finding::{Area, Finding, Grade};
use crate::base::{Clock, Error, ErrorKind, Place, Result};
use crate::site::{IdOf, Lookup, Origin, Setting, Site, ValueDecl};
use crate::systems::openstack::{self, Session, resource};

/// How much somebody wants the cloud to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Where it can be reached at once, and without typing a secret.
    IfReachable,
    /// In any case: what keeps it from answering is an error.
    Surely,
}

/// What the cloud confirmed.
#[derive(Clone, Debug, Default)]
pub struct Confirmed {
    /// In a sentence.
    pub looked: String,
    /// How many scopes proved themselves.
    pub proven: usize,
    /// What it does not confirm.
    pub findings: Vec<Finding>,
}

/// How long a scope may take to prove itself where nobody insists.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks the cloud about a site.
pub async fn confirm(site: &Site, runbooks: &[String], clock: Arc<dyn Clock>, asked: Asked) -> Confirmed {
    let mut confirmed = Confirmed::default();
    let mut sessions: BTreeMap<String, Session> = BTreeMap::new();
    let mut unasked = Vec::new();
    for scope in site.scopes() {
        let place =
            Place { file: scope.spot.file().into(), line: scope.spot.line, column: scope.spot.column };
        match session(site, &scope.name, clock.clone(), asked).await {
            Ok(session) => drop(sessions.insert(scope.name.clone(), session)),
            Err(e) if asked == Asked::IfReachable && is_silence(&e) => {
                unasked.push(format!("{}: {e}", scope.name))
            }
            Err(e) => {
                let finding = Finding::of(Area::Cloud, &e);
                confirmed.findings.push(Finding { place: finding.place.clone().or(Some(place)), ..finding });
            }
        }
    }
    let mut ids: BTreeMap<&str, String> = BTreeMap::new();
    let mut named = 0;
    for decl in site.values().schema().iter().filter(|d| is_used(d, runbooks)) {
        let Some(lookup) = &decl.names else { continue };
        let Ok(Some(setting)) = site.values().get(&decl.name) else { continue };
        let Some(session) = sessions.get(&lookup.scope) else { continue };
        named += 1;
        match look(session, lookup, &setting.value.to_string()).await {
            Ok(Some(id)) => drop(ids.insert(&decl.name, id)),
            Ok(None) => confirmed.findings.push(absent(decl, lookup, setting)),
            Err(e) => {
                let finding =
                    Finding::of(Area::Cloud, &e.context(format!("`{}` cannot be looked up", decl.name)));
                confirmed.findings.push(at(finding, setting));
            }
        }
    }
    let mut compared = 0;
    for decl in site.values().schema().iter().filter(|d| is_used(d, runbooks)) {
        let (Some(id_of), Ok(Some(setting))) = (&decl.id_of, site.values().get(&decl.name)) else { continue };
        let now = match id_of {
            IdOf::Value(name) => ids.get(name.as_str()).cloned(),
            IdOf::ProjectOf(scope) => project(sessions.get(scope)).await,
        };
        let Some(now) = now else { continue };
        compared += 1;
        let then = setting.value.to_string();
        if plain(&then) != plain(&now) {
            let what = format!(
                "`{}` is {then} in the site file, and what is found by name has the id {now}",
                decl.name
            );
            let help = "runbooks go by the name; after a rebuild, write the new id";
            confirmed.findings.push(at(Finding::new(Grade::Drift, Area::Cloud, what).help(help), setting));
        }
    }
    confirmed.proven = sessions.len();
    confirmed.looked = match (sessions.is_empty(), unasked.as_slice()) {
        (true, []) if site.scopes().next().is_none() => "no scope is declared".into(),
        (true, []) => "no scope could be asked".into(),
        (true, why) => format!("not asked ({}): --online insists", why.join("; ")),
        (false, []) => {
            format!("{} scopes proven, {named} names looked up, {compared} ids compared", sessions.len())
        }
        (false, why) => format!(
            "{} scopes proven, {named} names looked up; not asked: {}",
            sessions.len(),
            why.join("; ")
        ),
    };
    confirmed
}

/// Whether an error only says that the cloud could not be asked.
fn is_silence(error: &Error) -> bool {
    let kinds = [ErrorKind::Unreachable, ErrorKind::Transient, ErrorKind::Timeout, ErrorKind::NeedsApproval];
    kinds.contains(&error.kind())
}

/// A session that has proven itself.
async fn session(site: &Site, scope: &str, clock: Arc<dyn Clock>, asked: Asked) -> Result<Session> {
    let secret = site.scope(scope)?.cloud.secret.as_ref();
    if asked == Asked::IfReachable && secret.is_some_and(|secret| !secret.is_at_hand()) {
        return Err(Error::new(ErrorKind::NeedsApproval, "its secret is not at hand").scope(scope));
    }
    let session = site.session(scope, clock)?;
    match asked {
        Asked::Surely => drop(session.identity().await?),
        Asked::IfReachable => match tokio::time::timeout(PATIENCE, session.identity()).await {
            Ok(identity) => drop(identity?),
            Err(_) => {
                let what = format!("no answer within {} s", PATIENCE.as_secs());
                return Err(Error::new(ErrorKind::Timeout, what).scope(scope));
            }
        },
    }
    Ok(session)
}

fn is_used(decl: &ValueDecl, runbooks: &[String]) -> bool {
    decl.used_by.iter().any(|r| runbooks.contains(r))
}

/// The id of what has a name; nothing where it is not there.
async fn look(session: &Session, lookup: &Lookup, name: &str) -> Result<Option<String>> {
    let row = resource::find(&lookup.collection)?;
    let found = openstack::find(session, row, name, &Map::new()).await?;
    Ok(found.map(|item| match &item[row.id_key] {
        Json::String(id) => id.clone(),
        other => other.to_string(),
    }))
}

async fn project(session: Option<&Session>) -> Option<String> {
    session?.identity().await.ok()?.project_id().map(String::from)
}

fn absent(decl: &ValueDecl, lookup: &Lookup, setting: &Setting) -> Finding {
    let kind = lookup.collection.replace('_', " ");
    let what = format!(
        "`{}`: there is no \"{}\" among the {kind} of scope {}",
        decl.name, setting.value, lookup.scope
    );
    let finding = match lookup.made {
        true => Finding::new(Grade::Warning, Area::Cloud, what)
            .help("a runbook makes it where the cloud lacks it"),
        false => Finding::new(Grade::Error, Area::Cloud, what)
            .help(format!("look at what there is, and set `{}` in site.toml: {}", decl.name, decl.doc)),
    };
    at(finding, setting)
}

fn at(finding: Finding, setting: &Setting) -> Finding {
    match &setting.origin {
        Origin::Site { spot, .. } | Origin::Shipped(spot) => {
            finding.at(Place { file: spot.file().into(), line: spot.line, column: spot.column })
        }
        Origin::CommandLine => finding,
    }
}

/// Keystone writes ids without dashes, other services with them.
fn plain(id: &str) -> String {
    id.chars().filter(|c| *c != '-').flat_map(char::to_lowercase).collect()
}
