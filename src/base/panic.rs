//! Panics of code below, as errors: a defect ends the call that met it, and not the session or the run's clean-ups.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use super::error::{Error, ErrorKind};

thread_local! {
    /// How many guards this thread is within.
    static GUARDS: Cell<usize> = const { Cell::new(0) };
    /// What the last panic within a guard said, and where.
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Does some work; where it panics, that is an error of kind [`ErrorKind::Internal`] which says where. Nothing is written to
/// the terminal: what a panic says may quote a text from outside.
///
/// # Errors
/// Those of the work.
pub fn caught<T, E: From<Error>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    listen();
    GUARDS.set(GUARDS.get() + 1);
    let came_back = panic::catch_unwind(AssertUnwindSafe(work));
    GUARDS.set(GUARDS.get() - 1);
    came_back.unwrap_or_else(|_| {
        let said = SAID.take().unwrap_or_else(|| "it does not say where".into());
        let error = Error::new(ErrorKind::Internal, "a defect in Rhumb ended this call").cause(said);
        Err(error.help("report it with this text; what was sent before is in the journal").into())
    })
}

/// Keeps what a panic within a guard says; any other is told as before.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| match GUARDS.get() {
            0 => before(info),
            _ => SAID.set(Some(info.to_string())),
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Result;

    #[test]
    fn a_panic_is_an_error_that_says_where() {
        let error = caught::<(), Error>(|| panic!("the header is wrong")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        let told = format!("{error}");
        assert!(told.contains("the header is wrong") && told.contains("src/base/panic.rs:"), "{told}");
        let inner: Result<Result<u8>> = caught(|| Ok(caught(|| panic!("within"))));
        assert!(inner.unwrap().is_err());
        let fine: Result<u8> = caught(|| Ok(7));
        assert_eq!(fine.unwrap(), 7);
    }
}
