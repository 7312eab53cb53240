//! Waiting: the only loop a runbook needs. A wait has a deadline, a success state, failure
//! states, and an error taxonomy: transient errors are tolerated and counted, all others end it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::frame::{frame, here};
use super::record::Record;
use super::state::{Run, lock};
use super::step::Unwind;
use crate::base::secret::masked;
use crate::base::{Class, Error, ErrorKind, Result, duration};

/// What a wait is.
#[derive(Clone, Debug)]
pub struct WaitSpec {
    /// What is waited for.
    pub title: String,
    /// Time between looks.
    pub every: Duration,
    /// Time until it fails.
    pub within: Duration,
    /// Time until it is said to be slow, and the cause is asked.
    pub warn_after: Option<Duration>,
    /// Kinds of error that mean "not yet" here, besides the transient ones.
    pub tolerate: Vec<String>,
}

/// The questions of a wait, answered by the script.
pub struct WaitHooks<'a, T, E> {
    /// Looks once.
    pub read: &'a mut dyn FnMut() -> Result<T, E>,
    /// Whether that is what is waited for.
    pub done: &'a mut dyn FnMut(&T) -> Result<bool, E>,
    /// Whether that can never become it.
    pub failed: &'a mut dyn FnMut(&T) -> Result<bool, E>,
    /// What was seen, in a few words.
    pub show: &'a mut dyn FnMut(&T) -> Result<String, E>,
    /// Why it takes so long, or failed; empty where nobody knows.
    pub cause: &'a mut dyn FnMut() -> Result<String, E>,
    /// What is left of the time between looks, which goes in: a look that waits for a change has used it up.
    pub rest: &'a mut dyn FnMut(Duration) -> Duration,
}

/// Where a wait stands, for whoever watches.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Its number in the run; 0 where no step waits but the run itself.
    pub wait: u64,
    /// What is waited for.
    pub title: String,
    /// What was seen last; empty where no look has seen anything.
    pub state: String,
    /// What the last look met, where it was tolerated.
    pub error: Option<String>,
    /// The last error that was tolerated, whenever that was.
    pub last_error: Option<String>,
    /// Since it began.
    pub elapsed: Duration,
    /// Until it fails.
    pub within: Duration,
    /// Time between looks.
    pub every: Duration,
    /// Looks so far.
    pub looks: u64,
    /// Errors tolerated so far.
    pub tolerated: u64,
}

/// What came of one look.
enum Look<T> {
    Done(T),
    Failed,
    NotYet,
}

impl Run {
    /// Waits.
    pub fn wait<T, E: Unwind>(&self, spec: &WaitSpec, hooks: WaitHooks<'_, T, E>) -> Result<T, E> {
        self.require_step("a wait")?;
        let step = frame().map(|f| f.step.clone()).unwrap_or_default();
        self.wait_anywhere(&step, spec, hooks)
    }

    /// Waits for something of the host's own, for a step or before all steps.
    pub(crate) fn wait_anywhere<T, E: Unwind>(
        &self,
        step: &str,
        spec: &WaitSpec,
        hooks: WaitHooks<'_, T, E>,
    ) -> Result<T, E> {
        let wait = self.shared().waits.fetch_add(1, Ordering::SeqCst) + 1;
        self.append(Record::WaitBegin {
            // a record outside of steps names none
            step: frame().map_or_else(String::new, |_| step.to_string()),
            wait,
            title: spec.title.clone(),
            every: spec.every.as_secs_f64(),
            within: spec.within.as_secs_f64(),
        })?;
        let mut course = Course {
            run: self,
            spec,
            wait,
            began: self.clock().elapsed(),
            deadline: self.deadline(spec.within),
            looks: 0,
            tolerated: 0,
            last_error: None,
            seen: false,
            state: String::new(),
            warned: false,
        };
        let result = course.follow(hooks);
        let error = match &result {
            Ok(_) => None,
            Err(thrown) if thrown.is_stopped() => Some("left by the script".into()),
            Err(thrown) => Some(thrown.error().to_string()),
        };
        self.append(Record::WaitEnd {
            wait,
            elapsed: course.elapsed().as_secs_f64(),
            looks: course.looks,
            tolerated: course.tolerated,
            error,
        })?;
        result
    }

    /// Shows where a wait stands.
    pub fn waiting(&self, waiting: &Waiting) {
        let text = |text: &Option<String>| text.clone().map(masked);
        self.shared().observer.waiting(&Waiting {
            title: masked(waiting.title.clone()),
            state: masked(waiting.state.clone()),
            error: text(&waiting.error),
            last_error: text(&waiting.last_error),
            ..waiting.clone()
        });
    }

    /// Sleeps, no longer than the present phase lasts.
    pub fn pause(&self, time: Duration) -> Result<()> {
        self.clock().sleep(time.min(self.deadline(time)), &self.cancel().token())
    }

    /// A time span cut at the end of the present clean-up.
    fn deadline(&self, within: Duration) -> Duration {
        match *lock(&self.shared().phase_ends) {
            Some(end) => within.min(end.saturating_sub(self.clock().elapsed())),
            None => within,
        }
    }
}

struct Course<'a> {
    run: &'a Run,
    spec: &'a WaitSpec,
    wait: u64,
    began: Duration,
    deadline: Duration,
    looks: u64,
    tolerated: u64,
    /// The last error that was tolerated.
    last_error: Option<String>,
    /// Whether any look came back with something.
    seen: bool,
    state: String,
    warned: bool,
}

impl Course<'_> {
    fn elapsed(&self) -> Duration {
        self.run.clock().elapsed().saturating_sub(self.began)
    }

    fn follow<T, E: Unwind>(&mut self, mut hooks: WaitHooks<'_, T, E>) -> Result<T, E> {
        loop {
            self.looks += 1;
            match self.look(&mut hooks) {
                Ok(Look::Done(seen)) => return Ok(seen),
                Ok(Look::Failed) => {
                    let why = self.cause(hooks.cause)?;
                    return Err(self.failure(&format!("it came to {}", self.shown()), &why).into());
                }
                Ok(Look::NotYet) => {}
                Err(thrown) => {
                    let e = thrown.error();
                    if thrown.is_stopped() || !self.tolerates(&e) {
                        return Err(thrown);
                    }
                    self.tolerated += 1;
                    self.last_error = Some(e.to_string());
                    let state = self.state.clone();
                    self.sample(&state, self.last_error.clone())?;
                }
            }
            let elapsed = self.elapsed();
            if elapsed >= self.deadline {
                let why = self.cause(hooks.cause)?;
                let limit = duration::show(self.deadline);
                let what = match (self.seen, &self.last_error) {
                    (false, Some(last)) => {
                        let all = match self.looks {
                            1 => "the only look failed".to_string(),
                            n => format!("each of {n} looks failed, the last"),
                        };
                        format!("not within {limit}; {all}: {last}")
                    }
                    _ => format!("not within {limit}; last seen: {}", self.shown()),
                };
                return Err(self.failure(&what, &why).with_kind(ErrorKind::Timeout).into());
            }
            if !self.warned && self.spec.warn_after.is_some_and(|limit| elapsed >= limit) {
                self.warned = true;
                let why = self.cause(hooks.cause)?;
                let because = if why.is_empty() { String::new() } else { format!(": {why}") };
                let title = &self.spec.title;
                self.run
                    .note(&format!("slower than usual ({}): {title}{because}", duration::show(elapsed)))?;
            }
            let next = (hooks.rest)(self.spec.every).min(self.deadline.saturating_sub(elapsed));
            self.sleep::<E>(next)?;
        }
    }

    /// Looks once. What the questions behind the look ask of a service is a part of it: they too may meet a busy one.
    fn look<T, E: Unwind>(&mut self, hooks: &mut WaitHooks<'_, T, E>) -> Result<Look<T>, E> {
        let seen = (hooks.read)()?;
        let state = (hooks.show)(&seen)?;
        self.seen = true;
        self.sample(&state, None)?;
        if (hooks.done)(&seen)? {
            return Ok(Look::Done(seen));
        }
        Ok(if (hooks.failed)(&seen)? { Look::Failed } else { Look::NotYet })
    }

    /// Sleeps until the next look. Another branch that ends the step wakes it.
    fn sleep<E: Unwind>(&self, time: Duration) -> Result<(), E> {
        let here = here();
        let alarm = here.as_ref().map_or_else(|| self.run.cancel().token(), |frame| frame.alarm());
        match self.run.clock().sleep(time, &alarm) {
            Err(_) if !self.run.cancel().is_cancelled() => Err(E::stopped()),
            slept => Ok(slept?),
        }
    }

    /// What ends a step is no state of what is waited for, whatever the script tolerates.
    fn tolerates(&self, error: &Error) -> bool {
        let kind = error.kind();
        let named = || self.spec.tolerate.iter().any(|k| k == kind.name());
        kind.is_transient() || (kind.class() == Class::Recoverable && named())
    }

    /// Journals what was seen where it changed; shows it to whoever watches each time.
    fn sample(&mut self, state: &str, tolerated: Option<String>) -> Result<()> {
        let (elapsed, error) = (self.elapsed(), tolerated.clone());
        if state != self.state || tolerated.is_some() || self.looks == 1 {
            self.state = state.to_string();
            self.run.append(Record::WaitSample {
                wait: self.wait,
                elapsed: elapsed.as_secs_f64(),
                state: self.state.clone(),
                tolerated,
            })?;
        }
        self.run.waiting(&Waiting {
            wait: self.wait,
            title: self.spec.title.clone(),
            state: self.state.clone(),
            error,
            last_error: self.last_error.clone(),
            elapsed,
            within: self.deadline,
            every: self.spec.every,
            looks: self.looks,
            tolerated: self.tolerated,
        });
        Ok(())
    }

    fn shown(&self) -> &str {
        if self.state.is_empty() { "nothing" } else { &self.state }
    }

    /// Asks for the cause. An error of the question itself is part of the answer, except an end
    /// of the run.
    fn cause<E: Unwind>(&self, ask: &mut dyn FnMut() -> Result<String, E>) -> Result<String, E> {
        match ask() {
            Ok(text) => Ok(text),
            Err(thrown) => {
                let e = thrown.error();
                match thrown.is_stopped() || e.kind().class() != Class::Recoverable {
                    true => Err(thrown),
                    false => Ok(format!("the cause could not be asked: {e}")),
                }
            }
        }
    }

    fn failure(&self, what: &str, why: &str) -> Error {
        let mut e = Error::new(ErrorKind::Failed, format!("{}: {what}", self.spec.title));
        if !why.is_empty() {
            e = e.cause(format!("because {why}"));
        }
        match &self.last_error {
            Some(last) if self.seen => e.cause(format!(
                "{} of {} looks met a transient error, the last: {last}",
                self.tolerated, self.looks
            )),
            _ => e,
        }
    }
}
