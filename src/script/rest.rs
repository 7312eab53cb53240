//! What a run had under way when it was cut off comes to rest before it goes on: what its steps look at would
//! otherwise be the run's own work, half done. What has failed or vanished since is noted, so that it can be done again.

use std::time::Duration;

use serde_json::Value;

use super::host::Host;
use super::primitives::doubt::{Target, goes};
use crate::base::{Error, ErrorKind, Result, again};
use crate::run::effect_state::State;
use crate::run::wait::WaitHooks;
use crate::run::{Effect, WaitSpec};
use crate::systems::openstack::resource::States;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(5);

/// After this time the run goes on all the same: its own steps judge what they find.
const WITHIN: Duration = Duration::from_secs(30 * 60);

/// Waits until nothing is on its way of what the run has changed before the cut. A change in doubt that is seen to be on
/// its way has taken place; one whose thing has come to rest broken has failed.
///
/// # Errors
/// An interruption, what keeps it from looking, and what keeps the journal from being written.
pub(super) fn come_to_rest(host: &Host) -> Result<()> {
    // what was removed is known before what was made is missed
    let (removals, others): (Vec<_>, Vec<_>) =
        host.run.before_the_cut().into_iter().partition(Effect::removes);
    for entry in removals.iter().chain(&others).map(|effect| effect.entry) {
        let Some(effect) = host.run.before_the_cut().into_iter().find(|e| e.entry == entry) else { continue };
        let finished = host.run.has_finished(&effect.step);
        // what a finished step did was judged by it; what it made must be there still
        if finished && (effect.made().is_none() || !effect.state.is_done()) {
            continue;
        }
        let Some(target) = Target::of(host, &effect) else { continue };
        let Some(states) = target.row.states.filter(|_| target.id.is_some()) else { continue };
        Thing { host, effect: &effect, target: &target, states }.come_to_rest(finished)?;
    }
    Ok(())
}

/// Something with states that was changed.
struct Thing<'a> {
    host: &'a Host,
    effect: &'a Effect,
    target: &'a Target,
    states: States,
}

impl Thing<'_> {
    fn come_to_rest(&self, finished: bool) -> Result<()> {
        let run = &self.host.run;
        let item = match self.target.look(self.host) {
            Err(e) if e.kind().is_transient() => self.wait()?,
            // nothing that a role may not see is on its way by what can be known
            Err(e) if e.kind() == ErrorKind::Forbidden => return Ok(()),
            Err(e) => return Err(self.blind(e)),
            Ok(item) => item,
        };
        let Some(item) = item else { return self.is_not_there(finished) };
        let edge = self.target.action.and_then(|action| action.edge);
        let shown = edge.and_then(|edge| edge.shown_by(&self.states, &item));
        let mut effect = self.effect.clone();
        if effect.state == State::InDoubt && shown == Some(true) {
            run.seen_done(&effect)?;
            effect.state = State::Settled;
        }
        if effect.state == State::InDoubt && effect.removes() && goes(self.target.row, &item) {
            run.seen_done(&effect)?;
            effect.state = State::Settled;
        }
        let rests = match self.on_its_way(&item) {
            // a finished step's thing is judged by the steps to come, unless it is beyond help
            Some(_) if finished => return Ok(()),
            Some(_) => self.wait()?,
            None => Some(item),
        };
        match rests {
            None => self.is_not_there(finished),
            Some(item) => self.has_failed(&effect, &item, finished),
        }
    }

    /// What is gone: a deletion is done by that, and what was made must be made again.
    fn is_not_there(&self, finished: bool) -> Result<()> {
        let (run, effect) = (&self.host.run, self.effect);
        if effect.removes() && effect.state == State::InDoubt {
            return run.seen_done(effect);
        }
        // a step that runs again looks for it itself
        if finished && effect.made().is_some() {
            run.gone(effect)?;
            return run.note(&format!(
                "{} is not there any more: step {} runs again",
                self.what(),
                effect.step
            ));
        }
        Ok(())
    }

    /// A change that was taken, and whose thing is at rest in a state of failure.
    fn has_failed(&self, effect: &Effect, item: &Value, finished: bool) -> Result<()> {
        let state = self.states.of(item);
        let broken = self.states.failed.contains(&state) && self.on_its_way(item).is_none();
        // of the last change of a thing alone: an earlier one was judged before the next was sent
        let later = |e: &Effect| {
            e.entry > effect.entry && !e.intent.ids.is_empty() && e.intent.ids == effect.intent.ids
        };
        let told_by_it = match effect.made() {
            Some(_) => state.starts_with("CREATE") || state == "killed",
            None => effect.removes() || self.target.action.is_some_and(|action| action.edge.is_some()),
        };
        if !broken
            || !told_by_it
            || !effect.state.is_done()
            || self.host.run.before_the_cut().iter().any(later)
        {
            return Ok(());
        }
        let what = format!("{} is {state}", self.what());
        self.host.run.seen_failed(effect, &what)?;
        let way = match (effect.made(), finished) {
            (Some(_), true) => format!("step {} runs again, once it is removed", effect.step),
            (Some(_), false) => "it must be removed before it is made again".to_string(),
            (None, _) => "it is asked for again".to_string(),
        };
        self.host.run.note(&format!("{what} after `{}`: {way}", effect.intent.summary))
    }

    fn what(&self) -> String {
        let target = self.target;
        format!("{} {}", target.row.title, target.id.as_deref().unwrap_or_default())
    }

    /// Its state, while it is not at rest.
    fn on_its_way(&self, item: &Value) -> Option<String> {
        let state = self.states.of(item);
        // without a state it has nothing to come to
        if state.is_empty() && self.states.task(item).is_none() {
            return None;
        }
        // Glance waits for its client in these: nothing moves such an image but a call
        if self.target.row.name == "images" && matches!(state, "queued" | "uploading") {
            return None;
        }
        let task = self.states.task(item).map(|task| format!(", {task}")).unwrap_or_default();
        (!self.states.at_rest(item)).then(|| format!("{state}{task}"))
    }

    /// Looks until it is at rest or gone. What only a broken service keeps from being seen is waited for as well.
    fn wait(&self) -> Result<Option<Value>> {
        let what = self.what();
        let spec = WaitSpec {
            title: format!("{what} comes to rest"),
            every: EVERY,
            within: WITHIN,
            warn_after: None,
            tolerate: vec![ErrorKind::Timeout.name().into(), ErrorKind::Protocol.name().into()],
        };
        let hooks = WaitHooks::<Option<Value>, Error> {
            read: &mut || self.target.look(self.host),
            done: &mut |item| Ok(item.as_ref().is_none_or(|item| self.on_its_way(item).is_none())),
            failed: &mut |_| Ok(false),
            show: &mut |item| {
                Ok(item.as_ref().map_or("gone".into(), |item| {
                    self.on_its_way(item).unwrap_or_else(|| self.states.of(item).to_string())
                }))
            },
            cause: &mut || Ok(String::new()),
            rest: &mut |every| every,
        };
        match self.host.run.wait_anywhere("", &spec, hooks) {
            Err(e) if e.kind() == ErrorKind::Timeout => match self.target.look(self.host) {
                Ok(item) => {
                    self.host.run.note(&format!("{e}: the run goes on"))?;
                    Ok(item)
                }
                Err(blind) => Err(self.blind(blind)),
            },
            Err(e) if e.kind() == ErrorKind::Interrupted => Err(e),
            Err(e) => Err(self.blind(e)),
            at_rest => at_rest,
        }
    }

    /// Whether it is at rest cannot be seen: the run would take its own work, half done, for what was there.
    fn blind(&self, error: Error) -> Error {
        let what = format!("{} was changed before the cut, and cannot be looked at", self.what());
        error
            .context(what)
            .help(format!("nothing was sent: mend that, then `{}`", again::resume(&self.host.run.id())))
    }
}
