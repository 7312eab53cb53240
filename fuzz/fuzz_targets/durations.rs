//! Durations and sizes, as operators and site files write them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rhumb::base::{ErrorKind, duration};

fuzz_target!(|text: &str| {
    match duration::parse(text) {
        // what is shown is read as what is shown
        Ok(read) => {
            let shown = duration::show(read);
            let again = duration::parse(&shown).map(duration::show);
            assert_eq!(again.as_deref().ok(), Some(shown.as_str()), "{text:?} is {read:?}");
        }
        Err(e) => assert_eq!(e.kind(), ErrorKind::Argument),
    }
    match duration::parse_size(text) {
        Ok(bytes) => assert!(!duration::show_size(bytes).is_empty()),
        Err(e) => assert_eq!(e.kind(), ErrorKind::Argument),
    }
});
