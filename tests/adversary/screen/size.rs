//! Texts that are kept are bounded, and say that they were cut.

use std::time::{Duration, Instant};

use rhumb::base::{Error, ErrorKind};

use super::rig::Rig;
use super::stage::Stage;
use super::stub_cloud;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_service_says_at_twenty_megabytes_is_kept_in_part() {
    let message = "word ".repeat(4 << 20);
    let cloud = stub_cloud::start(move |seen, _| match seen.path.contains("/networks") {
        true => (400, serde_json::json!({"NeutronError": {"type": "Odd", "message": message, "detail": ""}})),
        false => (
            200,
            serde_json::json!({"version": {"id": "v2.0"}, "versions": [{"id": "v2.0", "status": "CURRENT"}]}),
        ),
    })
    .await;
    let rig = Rig::played(&cloud.address.to_string());
    rig.file(
        "main.rhai",
        "runbook(\"main\", \"Look\");\nlet scope = site.scope(\"capi\");\nverify(\"1\", \"Look\", || scope.networks.list());\n",
    );
    let ended = tokio::task::spawn_blocking(move || {
        let ended = rig.run(&["run", "main"]);
        let runs = walk(&rig.state());
        (ended, runs)
    });
    let (ended, kept) = ended.await.unwrap();
    assert!(ended.exit != 0 && ended.stderr.contains("bytes left out"), "{}", ended.stderr);
    assert!(ended.stderr.len() < MOST && ended.stdout.len() < MOST);
    assert!(kept < MOST as u64, "{kept} bytes are kept");
}

/// Bytes of the files below a directory.
fn walk(dir: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { walk(&path) } else { path.metadata().unwrap().len() }).sum()
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
