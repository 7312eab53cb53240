//! What a change would have made, in an observation that leaves the change out.
//!
//! Nobody has it, so a step that captures it cannot be looked at: it is skipped, and says what it needs. A field of it is nothing
//! that anybody has, either. Compared with `()` it is `()`, as the value of every step that was left out.

use rhai::{Array, Dynamic, Engine, FnPtr, ImmutableString, Map};

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

/// Makes it known to scripts.
pub fn register(engine: &mut Engine) {
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

/// What a closure has captured of such values.
pub fn captured(closure: &FnPtr) -> Option<Unmade> {
    of_closure(closure, DEPTH)
}

fn of_closure(closure: &FnPtr, depth: usize) -> Option<Unmade> {
    closure.iter_curry().find_map(|value| within(value, depth.checked_sub(1)?))
}

fn within(value: &Dynamic, depth: usize) -> Option<Unmade> {
    // a look at one type at a time: a captured variable is behind a lock
    let unmade = value.read_lock::<Unmade>().map(|unmade| unmade.clone());
    let deeper = depth.checked_sub(1);
    unmade
        .or_else(|| value.read_lock::<Array>()?.iter().find_map(|item| within(item, deeper?)))
        .or_else(|| value.read_lock::<Map>()?.values().find_map(|item| within(item, deeper?)))
        .or_else(|| of_closure(&*value.read_lock::<FnPtr>()?, deeper?))
}

/// Leaves it in the variables that the body of a change has captured and that have no value yet: the body would give them one.
pub fn leave(body: &mut FnPtr, unmade: &Unmade) {
    for variable in body.iter_curry_mut().filter(|value| value.is_shared()) {
        if let Some(mut value) = variable.write_lock::<Dynamic>().filter(|value| value.is_unit()) {
            *value = Dynamic::from(unmade.clone());
        }
    }
}
