//! A site file is taken or refused, and what is refused is refused at a place.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rhumb::base::ErrorKind;
use rhumb::site::Site;

fuzz_target!(|text: &str| {
    // as it is, and behind what every site file needs, so that tables are reached at once
    for text in [text, &format!("name = \"x\"\n{text}")] {
        if let Err(e) = Site::from_embedded(text, "site.toml", &[]) {
            assert_eq!(e.kind(), ErrorKind::Site, "{e}");
            let place = e.detail().place.as_ref();
            let lines = text.split('\n').count();
            assert!(place.is_some_and(|p| p.line <= lines), "{e}: {place:?} of {lines} lines");
        }
    }
});
