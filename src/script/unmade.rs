//! Values that a run does not have: what a change would have made, in an observation that leaves the change out, what
//! a step returned that the operator left out, and what one was made of that this run has removed since.
//!
//! Of what was left out by choice, the first step that needs it is refused by name: it would go on with a value that is none.
//!
//! Nobody has it, so a step that captures it cannot be looked at: it is skipped, and says what it needs. A field of it is nothing
//! that anybody has, either. Compared with `()` it is `()`, as the value of every step that was left out.

use rhai::{Array, Dynamic, Engine, FnPtr, ImmutableString, Map};

use crate::base::{Error, ErrorKind};
use crate::run::step::needs_what_is_made_by;

/// Stands for a value that the change of a step would have given.
#[derive(Clone, Debug)]
pub struct Unmade {
    step: ImmutableString,
}

/// How deep values are looked into.
const DEPTH: usize = 16;

impl Unmade {
    /// Of the change of this step.
    pub fn of(step: &str) -> Self {
        Unmade { step: step.into() }
    }

    /// Why what needs it is left out.
    pub fn why(&self) -> String {
        needs_what_is_made_by(&self.step)
    }
}

/// Stands for the value of a step that the operator left out, and that the journal does not have either, or of a step that
/// keeps its verdict since what it looked at was removed.
#[derive(Clone, Debug)]
pub struct Absent {
    step: ImmutableString,
    /// What has removed it.
    lost: Option<ImmutableString>,
}

impl Absent {
    /// Of this step, which was left out.
    pub fn of(step: &str) -> Self {
        Absent { step: step.into(), lost: None }
    }

    /// Of this step, whose value the journal does not have and cannot be made again, for this reason.
    pub fn lost(step: &str, why: &str) -> Self {
        Absent { step: step.into(), lost: Some(why.into()) }
    }

    /// The error for a step that needs it. `again` is the command that begins with a step.
    pub fn refusal(&self, step: &str, again: impl FnOnce(&str) -> String) -> Error {
        if let Some(why) = &self.lost {
            // about the cloud: a step that has found it before keeps its verdict
            let what = format!("step {step} needs what step {} returned, which is gone: {why}", self.step);
            return Error::new(ErrorKind::NotFound, what).help(format!(
                "the journal has no value of step {}; a new run makes all of it anew",
                self.step
            ));
        }
        let what = format!(
            "step {step} needs what step {} returned, which this run does not have: it was left out",
            self.step
        );
        Error::new(ErrorKind::Usage, what).help(format!(
            "start from step {}: {}",
            self.step,
            again(&self.step)
        ))
    }
}

/// Makes them known to scripts.
pub fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Absent>("what a step returns that was left out")
        .register_indexer_get(|absent: &mut Absent, _: ImmutableString| absent.clone())
        .register_indexer_get(|absent: &mut Absent, _: i64| absent.clone())
        .register_fn("to_string", |absent: &mut Absent| format!("(what step {} returns)", absent.step))
        .register_fn("to_debug", |absent: &mut Absent| format!("(what step {} returns)", absent.step));
    engine
        .register_type_with_name::<Unmade>("what a change would make")
        .register_indexer_get(|unmade: &mut Unmade, _: ImmutableString| unmade.clone())
        .register_indexer_get(|unmade: &mut Unmade, _: i64| unmade.clone())
        .register_fn("to_string", |unmade: &mut Unmade| format!("(what step {} would make)", unmade.step))
        .register_fn("to_debug", |unmade: &mut Unmade| format!("(what step {} would make)", unmade.step))
        .register_fn("==", |_: Unmade, (): ()| true)
        .register_fn("==", |(): (), _: Unmade| true)
        .register_fn("!=", |_: Unmade, (): ()| false)
        .register_fn("!=", |(): (), _: Unmade| false);
}

/// What a closure has captured of such values: of [`Unmade`], or of [`Absent`].
pub fn captured<T: Clone + Send + Sync + 'static>(closure: &FnPtr) -> Option<T> {
    of_closure(closure, DEPTH)
}

fn of_closure<T: Clone + Send + Sync + 'static>(closure: &FnPtr, depth: usize) -> Option<T> {
    closure.iter_curry().find_map(|value| within(value, depth.checked_sub(1)?))
}

fn within<T: Clone + Send + Sync + 'static>(value: &Dynamic, depth: usize) -> Option<T> {
    // a look at one type at a time: a captured variable is behind a lock
    let found = value.read_lock::<T>().map(|found| found.clone());
    let deeper = depth.checked_sub(1);
    found
        .or_else(|| value.read_lock::<Array>()?.iter().find_map(|item| within(item, deeper?)))
        .or_else(|| value.read_lock::<Map>()?.values().find_map(|item| within(item, deeper?)))
        .or_else(|| of_closure(&*value.read_lock::<FnPtr>()?, deeper?))
}

/// Leaves one in the variables that a step's body has captured and that have no value yet: the body would give them one.
pub fn leave<T: Clone + Send + Sync + 'static>(body: &mut FnPtr, value: &T) {
    for variable in body.iter_curry_mut().filter(|value| value.is_shared()) {
        if let Some(mut variable) = variable.write_lock::<Dynamic>().filter(|value| value.is_unit()) {
            *variable = Dynamic::from(value.clone());
        }
    }
}
