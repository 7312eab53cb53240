//! Texts that are kept are bounded, and say that they were cut.

use std::time::{Duration, Instant};

use rhumb::base::{Error, ErrorKind};

use super::stage::Stage;

/// What a text of 15 MB leaves behind, however it came.
const MOST: usize = 1 << 20;

#[test]
fn an_error_of_fifteen_megabytes_costs_neither_this_run_nor_later_ones() {
    for body in [
        "throw t;",
        "gate(t, false);",
        "stop(t);",
        "skip(t);",
        "attest(t);",
        "note(t); expect(t, 1, 2);",
        "fact(t, t);",
        "poll(#{ title: t, every: 1.s, within: 5.s, read: || t, done: |x| false });",
    ] {
        let began = Instant::now();
        let script = format!(
            "runbook(\"main\", \"Long\"); verify(\"1\", \"Long\", || {{ let t = \"word \"; t.pad(15000000, \"word \"); {body} () }});"
        );
        let outcome = Stage::new(&script).run();
        let kept = serde_json::to_string(&outcome.entries).unwrap();
        for entry in &outcome.entries {
            let bytes = serde_json::to_string(entry).unwrap();
            assert!(bytes.len() < MOST, "{body}: {} bytes in {}", bytes.len(), &bytes[..300]);
        }
        assert!(kept.len() < MOST, "{body}: {} bytes in the journal", kept.len());
        assert!(kept.contains("bytes left out"), "{body}: {}", &kept[..2000.min(kept.len())]);
        assert!(outcome.drawn.len() < MOST, "{body}: {} bytes on the screen", outcome.drawn.len());
        assert!(began.elapsed() < Duration::from_secs(30), "{body}: {:?}", began.elapsed());
    }
}

#[test]
fn every_text_of_an_error_is_bounded() {
    let long = "x".repeat(20 << 20);
    let inner = std::io::Error::other(long.clone());
    let error = Error::new(ErrorKind::Protocol, long.clone())
        .cause(long.clone())
        .help(long.clone())
        .scope(long.clone())
        .request_id(long.clone())
        .from_source(&inner)
        .context(long.clone());
    assert!(error.to_string().len() < MOST && serde_json::to_string(&error).unwrap().len() < MOST);
    assert!(error.to_string().contains("of 20971520 bytes left out"));
    assert!(Error::new(ErrorKind::Failed, "x").advise(long).detail().help.as_ref().unwrap().len() < MOST);
}
