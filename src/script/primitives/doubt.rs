//! What a look says of a change to a cloud that nobody answered, or that was cut off before its answer was journaled.
//!
//! A thing of the right name is not proof: it may have been there before, be another project's, or be made by another change of
//! this run. So the time at which the service made it is held against the time of the intent.

use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::base::{Error, ErrorKind, Intent, Result, again};
use crate::run::Effect;
use crate::run::settle::{Settled, Witness};
use crate::script::host::Host;
use crate::systems::http::Method;
use crate::systems::openstack::resource::{self, Named, Resource};
use crate::systems::openstack::{self, Action, Call, Session, Subject};

/// A service's clock and this machine's may differ by this much, and times are told in whole seconds.
const SKEW: SignedDuration = SignedDuration::from_secs(5);

/// What was made so long before the intent was there before. A service's clock may be minutes or hours behind where nobody
/// sets it: what is younger is not judged, and a person is asked.
const LONG_BEFORE: SignedDuration = SignedDuration::from_hours(24);

/// Looks for a run at what it has in doubt.
pub struct Looker(Weak<Host>);

impl Looker {
    /// For the run of a host.
    pub fn of(host: &Arc<Host>) -> Box<Self> {
        Box::new(Looker(Arc::downgrade(host)))
    }
}

impl Witness for Looker {
    fn late(&self, intent: &Intent) -> Duration {
        let Some(host) = self.0.upgrade() else { return Duration::ZERO };
        let late = &host.site.site().run.late;
        match intent.system.as_str() {
            "openstack" => late.of(intent.target.split(' ').next().unwrap_or_default()),
            "kubernetes" => late.of("kubernetes"),
            // a command hangs on a lifeline, and a file is written here: neither comes late
            _ => Duration::ZERO,
        }
    }

    fn look(&self, effect: &Effect) -> Result<Settled> {
        match self.0.upgrade() {
            Some(host) => of_effect(&host, effect),
            None => Ok(Settled::Unknown),
        }
    }
}

/// The thing of a cloud that an effect was aimed at, or that it made or was to make.
pub(in crate::script) struct Target {
    /// In whose authority.
    pub session: Session,
    /// Its row.
    pub row: &'static Resource,
    /// Its id; none where nobody knows whether it was made.
    pub id: Option<String>,
    /// What was done to it, where that is an action of its row.
    pub action: Option<&'static Action>,
}

impl Target {
    /// By what the journal holds. `None` for what no row covers, and where a handle is not there yet that the script
    /// narrows itself.
    pub fn of(host: &Host, effect: &Effect) -> Option<Target> {
        let intent = &effect.intent;
        let (service, path) = intent.target.split_once(' ').filter(|_| intent.system == "openstack")?;
        let method = Method::from_bytes(intent.method.as_bytes()).ok()?;
        let call = |path: String| {
            let mut call = Call::new(service.to_string(), method.clone(), path);
            call.body = (!intent.body.is_null()).then(|| intent.body.clone().into());
            call
        };
        let creates = method == Method::POST && intent.ids.is_empty();
        let (Named { row, id, action }, id_known) = match (creates, effect.made()) {
            (false, _) => (resource::named(&call(path.to_string()))?, true),
            (true, Some(made)) => (resource::named(&call(format!("{path}/{made}")))?, true),
            // any id names the collection's row
            (true, None) => (resource::named(&call(format!("{path}/any")))?, false),
        };
        let session = host.site.session(&intent.handle).ok()?;
        Some(Target { session, row, id: id_known.then_some(id), action })
    }

    /// As it is now; `None` where it is not there.
    ///
    /// # Errors
    /// As [`openstack::find`].
    pub fn look(&self, host: &Host) -> Result<Option<Value>> {
        let Some(id) = &self.id else { return Ok(None) };
        host.block_on(openstack::find(&self.session, self.row, id, &Map::new()))
    }
}

/// Whether an effect took place, by what the journal holds of it.
fn of_effect(host: &Host, effect: &Effect) -> Result<Settled> {
    let Some(target) = Target::of(host, effect) else { return Ok(Settled::Unknown) };
    let (row, intent) = (target.row, &effect.intent);
    let name = row.item_key.map_or(&intent.body, |key| &intent.body[key]);
    let name = row.name_key.and_then(|key| name[key].as_str()).map(str::to_string);
    let subject = Subject { resource: Some(row.name), id: target.id, name, parents: Map::new() };
    match target.action {
        Some(action) => of_action(host, &target.session, row, action, &subject, effect),
        None => of_thing(host, &target.session, &subject, effect),
    }
}

/// Whether a thing was made, changed or deleted.
pub(super) fn of_thing(
    host: &Host,
    session: &Session,
    subject: &Subject,
    effect: &Effect,
) -> Result<Settled> {
    let Some(row) = subject.resource.map(resource::find).transpose()? else { return Ok(Settled::Unknown) };
    let there = |id: &str| host.block_on(openstack::find(session, row, id, &subject.parents));
    match (&subject.id, &subject.name) {
        (Some(id), _) if effect.removes() => Ok(match there(id)? {
            None => Settled::Done(Value::Null),
            Some(item) if goes(row, &item) => Settled::Done(Value::Null),
            Some(_) => Settled::NotDone,
        }),
        (Some(id), _) => {
            let item = there(id)?;
            Ok(item.map_or(Settled::Unknown, |item| of_update(row, &effect.intent.body, &item)))
        }
        (None, name) if effect.intent.method == "POST" => match (effect.made(), name) {
            (Some(made), _) => Ok(match there(made)? {
                Some(_) => Settled::Done(effect.value.clone()),
                None => Settled::NotDone,
            }),
            // the id was this run's to choose, and nothing else has it
            (None, Some(_)) if chosen(row, effect).is_some() => {
                let id = chosen(row, effect).unwrap_or_default();
                Ok(there(id)?.map_or(Settled::NotDone, |item| Settled::Done(answered(row, item))))
            }
            (None, Some(name)) => of_creation(host, session, row, (name, &subject.parents), effect),
            (None, None) => Ok(Settled::Unknown),
        },
        _ => Ok(Settled::Unknown),
    }
}

/// The id that a thing was to be made with.
fn chosen<'e>(row: &Resource, effect: &'e Effect) -> Option<&'e str> {
    let body = &effect.intent.body;
    row.item_key.map_or(body, |key| &body[key])[row.id_key].as_str()
}

/// Whether a thing is on its way out.
pub(in crate::script) fn goes(row: &Resource, item: &Value) -> bool {
    let Some(states) = row.states else { return false };
    let failed = states.failed.contains(&states.of(item));
    let says = |text: &str| text.to_ascii_uppercase().contains("DELET");
    !failed && (says(states.of(item)) || states.task(item).is_some_and(says))
}

/// Whether a thing has the values that were to be set. Stating them once more does no harm.
fn of_update(row: &Resource, body: &Value, item: &Value) -> Settled {
    let has = |key: &str, value: &Value| item.get(key) == Some(value);
    let all = match row.item_key.map_or(body, |key| body.get(key).unwrap_or(body)) {
        Value::Object(fields) if !fields.is_empty() => fields.iter().all(|(key, value)| has(key, value)),
        Value::Array(operations) if !operations.is_empty() => operations.iter().all(|op| {
            let key = op["path"].as_str().unwrap_or_default().trim_start_matches('/');
            let key = key.replace("~1", "/").replace("~0", "~");
            match op["op"].as_str() {
                Some("add" | "replace") => has(&key, &op["value"]),
                Some("remove") => item.get(&key).is_none_or(Value::is_null),
                _ => false,
            }
        }),
        _ => return Settled::Unknown,
    };
    if all { Settled::Done(Value::Null) } else { Settled::Again }
}

/// Whether a thing was made by this very change.
fn of_creation(
    host: &Host,
    session: &Session,
    row: &'static Resource,
    (name, parents): (&str, &Map<String, Value>),
    effect: &Effect,
) -> Result<Settled> {
    let mut filter = parents.clone();
    filter.insert(row.name_key.unwrap_or(row.id_key).to_string(), name.into());
    if !row.verbs.list {
        let there = host.block_on(openstack::find(session, row, name, parents))?;
        return Ok(there.map_or(Settled::NotDone, |body| Settled::Done(answered(row, body))));
    }
    let named = host.block_on(openstack::list(session, row, &filter))?;
    let known: Vec<String> = {
        let others = host.run.effects();
        others
            .iter()
            .filter(|e| e.entry != effect.entry)
            .filter_map(|e| e.made().map(str::to_string))
            .collect()
    };
    let of_others = |item: &Value| known.iter().any(|id| item[row.id_key] == id.as_str());
    let project = host.block_on(session.identity())?.project_id().map(str::to_string);
    let (mut ours, mut unsure) = (Vec::new(), 0);
    for item in named {
        if of_others(&item) || !is_of_project(row, &item, effect, project.as_deref()) {
            continue;
        }
        let id = item[row.id_key].as_str().unwrap_or_default();
        let item = match row.list_is_brief && row.verbs.get {
            true => match host.block_on(openstack::find(session, row, id, parents))? {
                Some(item) => item,
                None => continue,
            },
            false => item,
        };
        match created(&item).map(|at| at.duration_since(effect.at)) {
            Some(after) if after < -LONG_BEFORE => {}
            Some(after) if after < -SKEW => unsure += 1,
            // it may have been there before, and the service does not tell
            None if !has_unique_names(row) => unsure += 1,
            _ => ours.push(item),
        }
    }
    match (ours.len(), unsure) {
        (0, 0) => Ok(Settled::NotDone),
        (1, _) => Ok(ours.pop().map_or(Settled::Unknown, |item| Settled::Done(answered(row, item)))),
        (0, _) => Ok(Settled::Unknown),
        (many, _) => {
            let ids: Vec<&str> = ours.iter().filter_map(|item| item[row.id_key].as_str()).collect();
            let what = format!("{many} {}s called `{name}` were made since this one was sent", row.title);
            Err(Error::new(ErrorKind::Ambiguous, what)
                .cause(format!("their ids are {}", ids.join(", ")))
                .help(format!("keep one and remove the others, then `{}`", again::resume(&host.run.id())))
                .scope(session.handle()))
        }
    }
}

/// Whether the service refuses a second thing of a name, so that one which is there after a creation was sent can only be
/// its work or have been in its way.
fn has_unique_names(row: &Resource) -> bool {
    ["identity", "placement"].contains(&row.service.name) || ["keypairs", "flavors"].contains(&row.name)
}

/// As the creation would have answered.
fn answered(row: &Resource, body: Value) -> Value {
    match row.item_key {
        Some(key) => json!({ key: body }),
        None => body,
    }
}

/// Whether a thing is of the project that it was to be made in: an administrator sees those of others.
fn is_of_project(row: &Resource, item: &Value, effect: &Effect, own: Option<&str>) -> bool {
    const KEYS: &[&str] = &["project_id", "tenant_id", "owner"];
    let of = |value: &Value| KEYS.iter().find_map(|key| value[*key].as_str().map(str::to_string));
    let body = &effect.intent.body;
    let wanted = of(row.item_key.map_or(body, |key| &body[key])).or_else(|| own.map(str::to_string));
    match (of(item), wanted) {
        (Some(is), Some(wanted)) => is.replace('-', "") == wanted.replace('-', ""),
        _ => true,
    }
}

/// When the service made a thing, where it tells.
fn created(item: &Value) -> Option<Timestamp> {
    let text = ["created_at", "created"].iter().find_map(|key| item[*key].as_str())?;
    // Octavia tells UTC without saying so
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}

/// Whether an action on a thing took place, by the edge that it must produce.
pub(super) fn of_action(
    host: &Host,
    session: &Session,
    row: &'static Resource,
    action: &Action,
    subject: &Subject,
    effect: &Effect,
) -> Result<Settled> {
    if effect.state.is_done() {
        return Ok(Settled::Done(effect.value.clone()));
    }
    let (Some(edge), Some(states), Some(id)) = (&action.edge, &row.states, &subject.id) else {
        return Ok(Settled::Unknown);
    };
    let item = host.block_on(openstack::find(session, row, id, &subject.parents))?;
    Ok(match item.and_then(|item| edge.shown_by(states, &item)) {
        Some(true) => Settled::Done(Value::Null),
        Some(false) => Settled::NotDone,
        None => Settled::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_creation_is_read_as_each_service_writes_it() {
        for text in [
            "2026-06-10T02:00:00Z",
            "2026-06-10T02:00:00",
            "2026-06-10T02:00:00+00:00",
            "2026-06-10T02:00:00.000000",
        ] {
            let at = created(&json!({ "created_at": text })).map(|at| at.to_string());
            assert_eq!(at.as_deref(), Some("2026-06-10T02:00:00Z"), "{text}");
        }
        assert_eq!(
            created(&json!({"created": "2026-06-10T02:00:00Z"})).map(|t| t.as_second()),
            Some(1_781_056_800)
        );
        assert!(created(&json!({"created_at": null})).is_none());
    }

    #[test]
    fn an_update_is_seen_by_its_values() {
        let (router, cluster) = (resource::find("routers").unwrap(), resource::find("clusters").unwrap());
        let body = json!({"router": {"name": "r2"}});
        assert_eq!(of_update(router, &body, &json!({"name": "r2", "id": "1"})), Settled::Done(Value::Null));
        assert_eq!(of_update(router, &body, &json!({"name": "r1"})), Settled::Again);
        let body = json!([{"op": "replace", "path": "/node_count", "value": 3}, {"op": "remove", "path": "/labels"}]);
        assert_eq!(of_update(cluster, &body, &json!({"node_count": 3})), Settled::Done(Value::Null));
        assert_eq!(of_update(cluster, &body, &json!({"node_count": 2})), Settled::Again);
    }
}
