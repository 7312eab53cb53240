//! What a run had under way when it was cut off comes to rest before it goes on: what its steps look at would
//! otherwise be the run's own work, half done.

use std::time::Duration;

use serde_json::{Map, Value};

use super::host::Host;
use crate::base::{Intent, Result, duration};
use crate::systems::http::Method;
use crate::systems::openstack::resource::{self, Named, Resource, States};
use crate::systems::openstack::{self, Action, Call, Session};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(5);

/// After this time the run goes on all the same: its own steps judge what they find.
const WITHIN: Duration = Duration::from_secs(30 * 60);

/// Waits until nothing is on its way of what unfinished steps of the run have changed before the cut. A change in
/// doubt that is seen to be on its way has taken place.
///
/// # Errors
/// An interruption, and what keeps the journal from being written.
pub(super) fn come_to_rest(host: &Host) -> Result<()> {
    for call in host.run.unfinished() {
        let Some(thing) = Thing::of(host, &call.intent) else { continue };
        let Some(item) = thing.look(host) else { continue };
        let edge = thing.action.and_then(|action| action.edge);
        let shown = edge.and_then(|edge| edge.shown_by(&thing.states, &item));
        if call.done.is_none() && shown == Some(true) {
            host.run.seen_done(&call)?;
        }
        thing.come_to_rest(host, &item)?;
    }
    Ok(())
}

/// Something with states that was changed.
struct Thing {
    session: Session,
    row: &'static Resource,
    states: States,
    id: String,
    action: Option<&'static Action>,
}

impl Thing {
    /// The thing of a cloud that a change was made to.
    fn of(host: &Host, intent: &Intent) -> Option<Thing> {
        let (service, path) = intent.target.split_once(' ')?;
        let method = Method::from_bytes(intent.method.as_bytes()).ok()?;
        let mut call = Call::new(service.to_string(), method, path);
        call.body = (!intent.body.is_null()).then(|| intent.body.clone().into());
        let Named { row, id, action } = resource::named(&call)?;
        // a handle that the script narrowed itself is not there yet: then nothing is known
        let session = host.site.session(&intent.handle).ok()?;
        Some(Thing { session, row, states: row.states?, id, action })
    }

    /// As it is now; nothing where it cannot be seen: the steps will tell.
    fn look(&self, host: &Host) -> Option<Value> {
        host.block_on(openstack::find(&self.session, self.row, &self.id, &Map::new())).ok()?
    }

    /// Its state, while it is not at rest.
    fn on_its_way(&self, item: &Value) -> Option<String> {
        let task = self.states.task(item).map(|task| format!(", {task}")).unwrap_or_default();
        (!self.states.at_rest(item)).then(|| format!("{}{task}", self.states.of(item)))
    }

    fn come_to_rest(&self, host: &Host, item: &Value) -> Result<()> {
        let Some(state) = self.on_its_way(item) else { return Ok(()) };
        let (clock, what) = (host.run.clock(), format!("{} {}", self.row.title, self.id));
        let began = clock.elapsed();
        host.run.note(&format!("{what} is {state} since the cut: the run goes on when it is at rest"))?;
        loop {
            clock.sleep(EVERY, &host.run.cancel().token())?;
            let waited = clock.elapsed().saturating_sub(began);
            let after = duration::show(waited);
            match self.look(host).as_ref().and_then(|item| self.on_its_way(item)) {
                None => return host.run.note(&format!("{what} came to rest after {after}")),
                Some(state) if waited >= WITHIN => {
                    return host.run.note(&format!("{what} is {state} still, after {after}"));
                }
                Some(_) => {}
            }
        }
    }
}
