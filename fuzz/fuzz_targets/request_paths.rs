//! A path and a query of a request: refused, or sent as they are shown. A server that decodes the path once, or a proxy before it
//! that does so too, finds the segments that were written and no others.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rhumb::run::Grant;
use rhumb::systems::http::{Address, Method, Url, segment, segments, target};
use rhumb::systems::openstack::Call;

const BASE: &str = "https://cloud.example:9696/network/v2.0";

fuzz_target!(|text: &str| {
    // what approves is read or refused, and printed as it is read
    if let Ok(grant) = text.parse::<Grant>() {
        assert_eq!(grant.to_string().parse::<Grant>().expect("what is printed is read"), grant);
    }
    if let Ok(one) = segment(text) {
        let address = Address::below(BASE, &format!("/x/{one}"), &[]).expect("a segment makes a path");
        assert_eq!(segments(address.target()), ["x", text]);
    }
    if let Ok(whole) = Address::whole(text) {
        assert!(
            text.to_ascii_lowercase().starts_with(whole.url().scheme()),
            "{text} becomes {}",
            whole.url()
        );
        assert!(
            text.split('?')
                .next()
                .is_some_and(|t| t.ends_with(whole.url().path()) || whole.url().path() == "/")
        );
    }
    let Ok(call) = Call::written("network".into(), Method::DELETE, text) else { return };
    let Ok(address) = Address::below(BASE, &call.path, &call.query) else { return };
    let slash = if call.path.starts_with('/') { "" } else { "/" };
    assert_eq!(address.target(), format!("{slash}{}", target(&call.path, &call.query)));
    assert_eq!(address.url().as_str(), format!("{BASE}{}", address.target()), "shown as it is sent");
    // read again it is the same: nothing on the way makes another one of it
    assert_eq!(Url::parse(address.url().as_str()).expect("it is a URL"), *address.url());
    let path = address.target().split('?').next().expect("a path");
    for decoded in segments(path) {
        let again = segments(&decoded).join("/");
        for part in [decoded.as_ref(), again.as_str()] {
            assert!(!matches!(part, "." | ".."), "{text} leads elsewhere");
            assert!(
                !part.contains(['/', '\\']) && !part.contains(char::is_control),
                "{text} has a hidden separator"
            );
        }
    }
});
