//! Errors that a script must not swallow: a failed gate, a refusal, Ctrl-C, a fault of the host.
//!
//! Rhai's own uncatchable errors lose the way that led to them. So these travel as ordinary ones,
//! with their whole traceback, and this thread remembers that it is aborting: a script that
//! catches one is stopped at its next operation, and a closure that returns after it has not
//! returned.

use std::cell::RefCell;

use crate::base::Error;

thread_local! {
    static PENDING: RefCell<Option<Error>> = const { RefCell::new(None) };
}

/// This thread aborts with an error. The first one stays.
pub fn raise(error: &Error) {
    PENDING.with(|p| {
        p.borrow_mut().get_or_insert_with(|| error.clone());
    });
}

/// What this thread aborts with.
pub fn pending() -> Option<Error> {
    PENDING.with(|p| p.borrow().clone())
}

/// Whether this thread aborts; asked at each operation of a script.
pub fn is_pending() -> bool {
    PENDING.with(|p| p.borrow().is_some())
}

/// Ends the abort: a step has dealt with it, or the thread starts something new.
pub fn clear() -> Option<Error> {
    PENDING.with(RefCell::take)
}

/// Does something in spite of the abort: a clean-up.
pub fn suspended<T>(work: impl FnOnce() -> T) -> T {
    let before = clear();
    let value = work();
    if let Some(e) = before {
        clear();
        raise(&e);
    }
    value
}
