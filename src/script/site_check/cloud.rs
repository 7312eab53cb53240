//! What the cloud says: each scope proves itself, what values name is there, and ids that the site remembers are
//! those of what is found by name. Nothing is asked but reads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::finding::{Area, Finding, Grade};
use crate::base::{Clock, Error, ErrorKind, Place, Result};
use crate::site::{Lookup, Origin, ProjectDecl, SameAs, ScopeDecl, Setting, Site, ValueDecl};
use crate::systems::http::Url;
use crate::systems::openstack::{self, Domain, Project, Session, resource};

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
            Ok(session) => {
                for error in unproven(scope, &session).await {
                    confirmed.findings.push(Finding::of(Area::Cloud, &error).at(place.clone()));
                }
                sessions.insert(scope.name.clone(), session);
            }
            Err(e) if asked == Asked::IfReachable && is_silence(&e) => {
                unasked.push(format!("{}: {e}", scope.name))
            }
            Err(e) => {
                let finding = Finding::of(Area::Cloud, &e);
                confirmed.findings.push(Finding { place: finding.place.clone().or(Some(place)), ..finding });
            }
        }
    }
    let mut items: BTreeMap<&str, Json> = BTreeMap::new();
    let mut named = 0;
    for decl in site.values().schema().iter().filter(|d| is_used(d, runbooks)) {
        let Some(lookup) = &decl.names else { continue };
        let Ok(Some(setting)) = site.values().get(&decl.name) else { continue };
        let Some(session) = sessions.get(&lookup.scope) else { continue };
        named += 1;
        match look(session, lookup, &setting.value.to_string()).await {
            Ok(Some(item)) => drop(items.insert(&decl.name, item)),
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
        let (Some(same_as), Ok(Some(setting))) = (&decl.same_as, site.values().get(&decl.name)) else {
            continue;
        };
        let (what, now) = match same_as {
            SameAs::Field { value, field } => (
                format!("{field} of what `{value}` names"),
                items.get(value.as_str()).and_then(|i| text(&i[field])),
            ),
            SameAs::ProjectOf(scope) => {
                (format!("id of the project of scope {scope}"), project(sessions.get(scope)).await)
            }
        };
        let Some(now) = now else { continue };
        compared += 1;
        let then = setting.value.to_string();
        if plain(&then) != plain(&now) {
            let what = format!("`{}` is {then} in the site file, and the {what} is {now}", decl.name);
            let help = "after a rebuild, write what it is now; otherwise find out what changed it";
            confirmed.findings.push(at(Finding::new(Grade::Drift, Area::Cloud, what).help(help), setting));
        }
    }
    confirmed.proven = sessions.len();
    confirmed.looked = match (sessions.is_empty(), unasked.as_slice()) {
        (true, []) if site.scopes().next().is_none() => "no scope is declared".into(),
        (true, []) => "no scope could be asked".into(),
        (true, why) => format!("not asked ({}): --online insists", why.join("; ")),
        (false, []) => {
            format!("{} scopes proven, {named} names looked up, {compared} values compared", sessions.len())
        }
        (false, why) => format!(
            "{} scopes proven, {named} names looked up; not asked: {}",
            sessions.len(),
            why.join("; ")
        ),
    };
    confirmed
}

/// What keeps a scope from the projects that it may be narrowed to.
async fn unproven(scope: &ScopeDecl, session: &Session) -> Vec<Error> {
    let mut errors = Vec::new();
    for ProjectDecl { name, domain, roles } in &scope.projects {
        let project = Project::Name { name: name.clone(), domain: Some(Domain::Name(domain.clone())) };
        let narrowed = session.narrow(&format!("{}/{name}", scope.name), project, roles);
        let proven = async { narrowed?.identity().await };
        errors.extend(proven.await.err());
    }
    errors
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
    if asked == Asked::IfReachable {
        reachable(&session).await?;
    }
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

/// Whether Keystone takes a connection at all. Behind a proxy nobody can tell.
async fn reachable(session: &Session) -> Result<()> {
    let cloud = session.cloud();
    let address = Url::parse(&cloud.auth_url).ok().and_then(|url| {
        let host = url.host_str()?.trim_matches(['[', ']']).to_string();
        Some((host, url.port_or_known_default()?))
    });
    let Some((host, port)) = address.filter(|_| cloud.http.proxy.is_none()) else { return Ok(()) };
    let silent = |why: String| {
        Error::new(ErrorKind::Unreachable, format!("{host}:{port} {why}")).scope(session.handle())
    };
    match tokio::time::timeout(PATIENCE, tokio::net::TcpStream::connect((host.as_str(), port))).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(e)) => Err(silent(format!("takes no connection: {e}"))),
        Err(_) => Err(silent("does not answer".into())),
    }
}

fn is_used(decl: &ValueDecl, runbooks: &[String]) -> bool {
    decl.used_by.iter().any(|r| runbooks.contains(r))
}

/// What has a name; nothing where it is not there.
async fn look(session: &Session, lookup: &Lookup, name: &str) -> Result<Option<Json>> {
    openstack::find(session, resource::find(&lookup.collection)?, name, &lookup.filter).await
}

fn text(field: &Json) -> Option<String> {
    match field {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
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
        Origin::CommandLine | Origin::Rehearsal(_) => finding,
    }
}

/// Keystone writes ids without dashes, other services with them.
fn plain(id: &str) -> String {
    id.chars().filter(|c| *c != '-').flat_map(char::to_lowercase).collect()
}
