//! What a look says of a change to a cloud that was cut off before its answer was journaled.

use serde_json::{Value, json};

use crate::base::Result;
use crate::run::effect::Settled;
use crate::script::host::Host;
use crate::systems::openstack::resource::{self, Resource};
use crate::systems::openstack::{self, Action, Session, Subject};

/// Whether a thing was made or deleted: it is there, or it is not. Of what was asked of a thing that stays, nothing
/// is known here.
pub(super) fn of_thing(host: &Host, session: &Session, subject: &Subject, deletes: bool) -> Result<Settled> {
    let Some(row) = subject.resource.map(resource::find).transpose()? else { return Ok(Settled::Unknown) };
    let there = |key: &str| host.block_on(openstack::find(session, row, key, &subject.parents));
    match (&subject.id, &subject.name) {
        (Some(id), _) if deletes => Ok(match there(id)? {
            None => Settled::Done(Value::Null),
            Some(_) => Settled::NotDone,
        }),
        (None, Some(name)) => Ok(match there(name)? {
            None => Settled::NotDone,
            Some(body) => Settled::Done(match row.item_key {
                Some(key) => json!({ key: body }),
                None => body,
            }),
        }),
        _ => Ok(Settled::Unknown),
    }
}

/// Whether an action on a thing took place, by the edge that it must produce.
pub(super) fn of_action(
    host: &Host,
    session: &Session,
    row: &'static Resource,
    action: &Action,
    subject: &Subject,
) -> Result<Settled> {
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
