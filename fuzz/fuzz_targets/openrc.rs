//! An openrc is read or refused, and no refusal quotes it: what stands at the wrong place may be the password.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rhumb::base::ErrorKind;
use rhumb::site::credentials::openrc;

/// A word of the seeds and of the dictionary, at home wherever the fuzzer puts it.
const PASSWORD: &str = "q7VxK9zP";

fuzz_target!(|text: &str| {
    if let Err(e) = openrc::parse("openrc", text) {
        assert_eq!(e.kind(), ErrorKind::Site);
        let said = format!("{e} {:?}", e.detail());
        assert!(!said.contains(PASSWORD), "the error quotes the file: {said}");
    }
});
