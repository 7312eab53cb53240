//! Steps: the unit of verdicts, of clean-up and of resume.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::frame::{Frame, enter, frame, here};
use super::met::{Ending, Met};
use super::record::{Record, StepKind, Verdict};
use super::selection;
use super::state::{Mode, Run, Shared, lock};
use crate::base::{Class, Error, ErrorKind, Result, caught};

/// Why a step of an observation is left out that a run would come to.
pub const OBSERVING: &str = "observing: this step would change things";

/// Why a step of an observation is left out that needs what the change of another one would make.
pub fn needs_what_is_made_by(step: &str) -> String {
    format!("{NEEDS}{step}{MADE}")
}

const NEEDS: &str = "observing: needs what step ";
const MADE: &str = " would make";

/// The step whose change would make what a step of an observation was left out for.
pub fn left_out_for(verdict: &Verdict) -> Option<&str> {
    match verdict {
        Verdict::Skipped { reason } => reason.strip_prefix(NEEDS)?.strip_suffix(MADE),
        _ => None,
    }
}

/// Why a step was not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle<'r> {
    /// The operator left it out.
    LeftOut,
    /// Another step did not pass.
    Needs(&'r str),
    /// An observation does not come to it.
    Observing,
    /// It said so itself, its `when`, or the site.
    Own,
}

const NEEDS_STEP: &str = "needs step ";
const WHICH: &str = ", which ";

impl<'r> Idle<'r> {
    /// By the reason of a step that is SKIPPED.
    pub fn of(reason: &'r str) -> Self {
        let needed = || reason.strip_prefix(NEEDS_STEP)?.rsplit_once(WHICH);
        match needed() {
            Some((step, _)) => Idle::Needs(step),
            None if selection::is_left_out(reason) => Idle::LeftOut,
            None if reason == OBSERVING || reason.starts_with(NEEDS) => Idle::Observing,
            None => Idle::Own,
        }
    }
}

/// Whether the run goes on after a step that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFail {
    /// It ends.
    #[default]
    Stop,
    /// It goes on, and fails in the end (the items of an acceptance bar).
    Continue,
}

/// What a step is.
#[derive(Clone, Debug)]
pub struct StepSpec {
    /// Id within the runbook.
    pub id: String,
    /// Title.
    pub title: String,
    /// What it may do.
    pub kind: StepKind,
    /// What follows a failure.
    pub on_fail: OnFail,
    /// Steps that must have passed.
    pub needs: Vec<String>,
    /// Who overrides it.
    pub overridden: Option<String>,
}

/// What the script floor throws.
pub trait Unwind: From<Error> {
    /// What a script is stopped with whose step has met its end: the frame knows which.
    fn stopped() -> Self;
    /// Whether it is that.
    fn is_stopped(&self) -> bool;
    /// The error in it. Where the script was stopped, what the step has met.
    fn error(&self) -> Error;
}

/// How a step's value is kept in the journal and read back.
pub trait Codec<T> {
    /// The value as JSON, secrets masked.
    fn encode(&self, value: &T) -> Value;
    /// The value again; an error where it cannot be had from JSON (a secret).
    fn decode(&self, value: &Value) -> Result<T>;
}

impl Run {
    /// Runs a step. `None` where it has no value: skipped, deferred, or failed with `on_fail: "continue"`.
    pub fn step<T, E: Unwind>(
        &self,
        spec: &StepSpec,
        codec: &dyn Codec<T>,
        when: impl FnOnce() -> Result<bool, E>,
        body: impl FnOnce() -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        self.admit(spec)?;
        let kept = self.shared().past.ended(&spec.id, spec.kind).is_some();
        let left_out = self.shared().selection.leaves_out(&spec.id, kept);
        if (left_out.is_some() || !self.begins_anew(&spec.id))
            && let Some(value) = self.recalled(spec, codec, left_out.is_some())?
        {
            return Ok(value);
        }
        self.append(Record::StepBegin {
            step: spec.id.clone(),
            title: spec.title.clone(),
            kind: spec.kind,
            overridden: spec.overridden.clone(),
        })?;
        let began = self.clock().elapsed();
        let this = Frame::new(&spec.id, &spec.title, spec.kind, self.cancel());
        let (came_back, met, idle) = {
            let _entered = enter(Some(this.clone()));
            let obstacle = left_out.or_else(|| self.obstacle(spec));
            let idle = obstacle.is_none();
            let came_back = match obstacle {
                Some(reason) => Ok(leave(&this, &reason)),
                None => match caught(when) {
                    Ok(true) if self.mode() == Mode::Observe && spec.kind == StepKind::Change => {
                        Ok(leave(&this, OBSERVING))
                    }
                    Ok(true) => caught(body).map(Some),
                    Ok(false) => Ok(leave(&this, "its `when` does not hold")),
                    Err(e) => Err(e),
                },
            };
            this.settle(&came_back);
            (came_back, self.clean_up(&this, this.take()), idle)
        };
        let mut met = met?;
        if idle && met.worst().is_none_or(|ending| matches!(ending, Ending::Skip(_))) {
            let _entered = enter(Some(this.clone()));
            if let Err(e) = self.close_doubts(&this) {
                met.add("", Ending::Error(e));
            }
        }

        let mut verdict = match met.worst() {
            Some(ending) => ending.verdict(spec.kind),
            None => lock(&this.shared().excused).clone().unwrap_or(Verdict::Pass),
        };
        if let (Verdict::Skipped { reason }, true) = (&verdict, idle)
            && self.own_work(&this, reason)?
        {
            verdict = lock(&this.shared().excused).clone().unwrap_or(Verdict::Pass);
        }
        if let Some((verdict, value, decoded)) = self.kept(spec, &met, codec)? {
            self.append(Record::StepEnd {
                step: spec.id.clone(),
                verdict: verdict.clone(),
                seconds: 0.0,
                value,
                error: Value::Null,
                recalled: true,
            })?;
            lock(&self.shared().verdicts).insert(spec.id.clone(), verdict);
            return Ok(decoded);
        }
        let value = match (&came_back, &verdict) {
            (Ok(Some(value)), v) if v.carries() => codec.encode(value),
            _ => Value::Null,
        };
        let error = met.worst().and_then(|ending| match ending {
            Ending::Error(e) => serde_json::to_value(e).ok(),
            _ => None,
        });
        self.append(Record::StepEnd {
            step: spec.id.clone(),
            verdict: verdict.clone(),
            seconds: self.clock().elapsed().saturating_sub(began).as_secs_f64(),
            value,
            error: error.unwrap_or_default(),
            recalled: false,
        })?;
        if let Some(ending) = met.ends_run(spec.on_fail) {
            return Err(self.end(ending, came_back.err()));
        }
        Ok(came_back.ok().flatten().filter(|_| met.worst().is_none()))
    }

    /// Ends the run with what a step has met. Returns it with the way that led there, where that is known.
    fn end<E: Unwind>(&self, ending: &Ending, thrown: Option<E>) -> E {
        self.shared().outside.meet(ending.clone());
        let error = ending.error();
        let tells = |e: Error| e.kind() == error.kind() && e.detail().what == error.detail().what;
        match thrown {
            Some(thrown) if tells(thrown.error()) => thrown,
            _ => error.into(),
        }
    }

    /// Whether an observation has left this step out, which a run would come to.
    pub fn left_to_a_run(&self, step: &str) -> bool {
        let verdicts = lock(&self.shared().verdicts);
        matches!(verdicts.get(step), Some(Verdict::Skipped { reason }) if reason == OBSERVING)
    }

    /// The step whose change would make what this one was left out for.
    pub fn left_out_for(&self, step: &str) -> Option<String> {
        left_out_for(lock(&self.shared().verdicts).get(step)?).map(str::to_string)
    }

    /// Registers a clean-up of the present step.
    pub fn defer<E: Unwind>(
        &self,
        title: &str,
        body: impl FnOnce() -> Result<(), E> + Send + 'static,
    ) -> Result<()> {
        self.require_step("a clean-up")?;
        if let Some(frame) = frame() {
            let body = Box::new(|frame: &Frame| frame.settle(&caught(body)));
            lock(&frame.shared().deferred).push((title.to_string(), body));
        }
        Ok(())
    }

    fn admit(&self, spec: &StepSpec) -> Result<()> {
        if let Some(error) = self.met() {
            return Err(error); // the run has ended, whatever the script makes of it
        }
        if let Some(outer) = frame() {
            return Err(Error::new(
                ErrorKind::Script,
                format!("step {} stands inside of step {}", spec.id, outer.step),
            )
            .help("steps do not nest: make the inner one a function, or move it behind the outer one"));
        }
        if here().is_some_and(|frame| frame.is_branch()) {
            let what = format!("step {} stands in a branch of `parallel`", spec.id);
            return Err(Error::new(ErrorKind::Script, what)
                .help("steps come one after the other: put `parallel` into the body of one step"));
        }
        let repeats = self.shared().steps_repeat.load(Ordering::Relaxed);
        if !repeats && lock(&self.shared().verdicts).contains_key(&spec.id) {
            return Err(Error::new(ErrorKind::Script, format!("two steps have the id {}", spec.id)).help(
                "step ids are the names that resume, overrides and reports go by: each must be unique",
            ));
        }
        Ok(())
    }

    /// What the journal has of a step: of a change that finished, and of any step that the operator leaves out, its value.
    /// The inner `None`: it ended without one.
    fn recalled<T>(
        &self,
        spec: &StepSpec,
        codec: &dyn Codec<T>,
        left_out: bool,
    ) -> Result<Option<Option<T>>> {
        let past = &self.shared().past;
        let kept = match left_out {
            true => past.ended(&spec.id, spec.kind),
            false => past.finished(&spec.id, spec.kind),
        };
        let Some((verdict, value)) = kept else { return Ok(None) };
        let decoded = match verdict.carries() {
            true => match codec.decode(value) {
                Ok(decoded) => Some(decoded),
                Err(_) => return Ok(None),
            },
            false => None,
        };
        // what it made is not there any more, and is to be made again
        if !left_out && lock(&self.shared().effects).reopens(&spec.id) {
            return Ok(None);
        }
        self.append(Record::StepBegin {
            step: spec.id.clone(),
            title: spec.title.clone(),
            kind: spec.kind,
            overridden: spec.overridden.clone(),
        })?;
        self.append(Record::StepEnd {
            step: spec.id.clone(),
            verdict: verdict.clone(),
            seconds: 0.0,
            value: value.clone(),
            error: Value::Null,
            recalled: true,
        })?;
        Ok(Some(decoded))
    }

    /// Whether a step that finished before the cut runs again: the operator wants the run from here.
    pub(super) fn begins_anew(&self, step: &str) -> bool {
        let Shared { selection, past, .. } = self.shared();
        selection.begins_anew() && !(selection.goes_on() && past.ended_since(step))
    }

    /// Whether the operator has left out a step, of which the journal has no value either.
    pub fn lacks_value_of(&self, step: &str) -> bool {
        let kept = |verdict: &Verdict| verdict.keeps();
        self.shared().selection.left_out(step) && !lock(&self.shared().verdicts).get(step).is_some_and(kept)
    }

    /// Whether a step that finds nothing to do finds its own work from before the cut.
    fn own_work(&self, frame: &Arc<Frame>, reason: &str) -> Result<bool> {
        let step = &frame.step;
        if self.shared().past.of_step(step).next().is_none() {
            return Ok(false);
        }
        self.append(Record::Note { step: step.into(), text: format!("done before the cut: {reason}") })?;
        Ok(true)
    }

    /// What a verify step that fails had found before a later step of this run removed something: that cannot be
    /// looked at again, so it keeps its verdict. Its value may be one that no journal has: a secret, or what is reached by one.
    fn kept<T>(
        &self,
        spec: &StepSpec,
        met: &Met,
        codec: &dyn Codec<T>,
    ) -> Result<Option<(Verdict, Value, Option<T>)>> {
        let Some(Ending::Error(e)) = met.worst() else { return Ok(None) };
        let about_the_world =
            matches!(e.kind(), ErrorKind::Gate | ErrorKind::Script) || e.kind().class() == Class::Recoverable;
        if spec.kind != StepKind::Verify || !about_the_world {
            return Ok(None);
        }
        let effects = lock(&self.shared().effects).clone();
        let Some((found, gone)) = self.shared().past.outlived(&spec.id, &effects) else { return Ok(None) };
        let why = format!("step {} did this: {}", gone.step, gone.intent.summary);
        let decoded = codec.decode(&found.value).ok();
        if decoded.is_none() {
            lock(&self.shared().lost).insert(spec.id.clone(), why.clone());
        }
        let text = format!("it keeps what it found before {why}");
        self.append(Record::Note { step: spec.id.clone(), text })?;
        Ok(Some((found.verdict.clone(), found.value.clone(), decoded)))
    }

    /// Why the value of a step that keeps its verdict cannot be had again: what has removed what it was made of.
    pub fn lost_value_of(&self, step: &str) -> Option<String> {
        lock(&self.shared().lost).get(step).cloned()
    }

    /// Why a step is not run at all.
    fn obstacle(&self, spec: &StepSpec) -> Option<String> {
        let verdicts = lock(&self.shared().verdicts);
        spec.needs.iter().find_map(|id| match verdicts.get(id) {
            Some(v) if v.carries() => None,
            // whoever leaves a step out answers for what needs it
            Some(v) if self.shared().selection.left_out(id) && !v.keeps() => None,
            Some(Verdict::Skipped { reason }) if reason == OBSERVING => Some(needs_what_is_made_by(id)),
            Some(v) if left_out_for(v).is_some() => Some(v.detail()),
            Some(v) => Some(format!("{NEEDS_STEP}{id}{WHICH}is {}", v.word())),
            None => Some(format!("{NEEDS_STEP}{id}{WHICH}has not run")),
        })
    }

    /// Runs the clean-ups in reverse order, as a phase of its own with a deadline of its own. Each begins anew, whatever
    /// the step or the one before it has met. Returns what the step has met with that of the clean-ups.
    fn clean_up(&self, frame: &Frame, mut met: Met) -> Result<Met> {
        if lock(&frame.shared().deferred).is_empty() {
            return Ok(met);
        }
        self.cancel().new_phase();
        drop(frame.take());
        *lock(&self.shared().phase_ends) = Some(self.clock().elapsed() + self.shared().cleanup_within);
        loop {
            let Some((title, body)) = lock(&frame.shared().deferred).pop() else { break };
            body(frame);
            let failed = match frame.take().worst().cloned() {
                None | Some(Ending::Skip(_)) => None, // there is nothing to clean up
                Some(outstanding) if !outstanding.fails() => {
                    met.add("", outstanding);
                    None
                }
                Some(ending) => Some(ending.error()),
            };
            self.append(Record::Cleanup {
                step: frame.step.clone(),
                title: title.clone(),
                error: failed.as_ref().map(ToString::to_string),
            })?;
            if let Some(e) = failed {
                let e = e.context(format!("clean-up failed: {title}")).with_kind(ErrorKind::Cleanup);
                met.add("", Ending::Error(e));
            }
        }
        *lock(&self.shared().phase_ends) = None;
        if self.cancel().was_interrupted() {
            self.cancel().interrupt(); // the run is still to end
        }
        Ok(met)
    }
}

/// A step that is not run has no value, and says why.
fn leave<T>(frame: &Frame, why: &str) -> Option<T> {
    frame.meet(Ending::Skip(why.to_string()));
    None
}
