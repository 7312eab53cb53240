//! Files of this machine, as scripts fetch and write them.

use std::sync::{Arc, Mutex};

use rhumb::base::ErrorKind;
use rhumb::base::permit::hex;
use rhumb::run::{Entry, Mode, Observer, Past, Record, Transfer};
use sha2::{Digest as _, Sha512};

use crate::loopback::{answer, serve};
use crate::site::runtime;
use crate::stage::{Outcome, Stage, run};

const CONTENT: &str = "qcow2 as far as this test goes";

fn download(url: &str, to: &str, sha512: &str) -> String {
    format!(
        r#"change("1", "Seed", || {{
            let image = download("{url}", #{{ to: "{to}", sha512: "{sha512}", user_agent: "curl/8" }});
            expect("digest", image.sha512, "{sha512}");
            fact("fetched", image.fetched);
            write_secret("{to}.note", "behind it");
        }});"#
    )
}

fn fetched(outcome: &Outcome) -> i64 {
    let fact = outcome.entries.iter().rev().find_map(|e| match &e.record {
        Record::Fact { name, value, .. } if name == "fetched" => value.as_i64(),
        _ => None,
    });
    fact.unwrap()
}

#[test]
fn a_download_is_proven_and_not_fetched_twice() {
    let (runtime, dir) = (runtime(), tempfile::tempdir().unwrap());
    let server = runtime.block_on(serve(|_, _| answer("200 OK", "", CONTENT)));
    let to = dir.path().join("image.qcow2").display().to_string();
    let digest = hex(&Sha512::digest(CONTENT));
    let script = download(&server.url("/image.qcow2"), &to, &digest);
    let first = run(&script);
    assert_eq!(first.verdicts(), "1 PASS", "{}", first.drawn);
    assert_eq!(fetched(&first), CONTENT.len() as i64);
    assert!(server.seen()[0].to_lowercase().contains("user-agent: curl/8"), "{:?}", server.seen());
    let again = run(&script);
    assert_eq!((again.verdicts().as_str(), fetched(&again)), ("1 PASS", 0), "{}", again.drawn);
    assert_eq!(server.seen().len(), 1);
    // cut off behind the download: what it made is its own, and what follows keeps its place
    let entries: Vec<Entry> =
        first.entries.iter().take_while(|e| !matches!(&e.record, Record::Fact { .. })).cloned().collect();
    let resumed = Stage { past: Past::of(&entries), ..Stage::new(&script) }.run();
    assert_eq!(resumed.verdicts(), "1 PASS", "{}", resumed.drawn);
    let wrong = run(&download(&server.url("/image.qcow2"), &to, &"0".repeat(128)));
    assert_eq!(wrong.error.unwrap().kind(), ErrorKind::Failed);
}

#[test]
fn a_relative_path_means_nothing_and_trust_is_not_given_away() {
    for (script, words) in [
        (r#"download("http://x/", #{ to: "image" })"#, "no path in full"),
        (r#"download("http://x/", #{ to: "/tmp/image", insecure: true })"#, "anything from anybody"),
        (r#"write_secret("a/b", "x")"#, "no path in full"),
    ] {
        let error = run(&format!("change(\"1\", \"T\", || {script});")).error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Argument);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn a_rehearsal_writes_none_of_the_operators_files() {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("config");
    let script = format!(
        r#"change("1", "T", || {{
            write_secret("{0}", "rehearsed");
            gate("it reads its own", file_sha512("{0}").size == 9);
        }});"#,
        to.display()
    );
    let outcome = Stage { mode: Mode::Rehearse, ..Stage::new(&script) }.run();
    assert_eq!(outcome.verdicts(), "1 PASS", "{}", outcome.drawn);
    assert!(!to.exists());
}

#[test]
fn a_rehearsal_makes_no_directory_before_something_is_written_into_it() {
    let dir = tempfile::tempdir().unwrap();
    let above = dir.path().join("clusters/one");
    let (above, to) = (above.display(), above.join("config"));
    // a function that forgets to make the directories of its file would pass here, and fail on the machine
    let script = format!(
        r#"change("1", "T", || {{
            expect("the file", file_sha512("{0}"), ());
            expect("its directory", file_sha512("{above}"), ());
            write_secret("{0}", "rehearsed");
            expect("it is written", file_sha512("{0}").size, 9);
        }});"#,
        to.display()
    );
    let outcome = Stage { mode: Mode::Rehearse, ..Stage::new(&script) }.run();
    assert_eq!(outcome.verdicts(), "1 PASS", "{}", outcome.drawn);
}

#[derive(Default)]
struct Watcher(Mutex<Vec<Transfer>>);

impl Observer for Watcher {
    fn entry(&self, _: &Entry) {}
    fn transferring(&self, transfer: &Transfer) {
        self.0.lock().unwrap().push(transfer.clone());
    }
}

#[test]
fn whoever_watches_sees_how_far_it_has_come() {
    let (runtime, dir, watcher) = (runtime(), tempfile::tempdir().unwrap(), Arc::new(Watcher::default()));
    let server = runtime.block_on(serve(|_, _| answer("200 OK", "", CONTENT)));
    let to = dir.path().join("image.qcow2").display().to_string();
    let script = download(&server.url("/i"), &to, &hex(&Sha512::digest(CONTENT)));
    let outcome = Stage { observer: watcher.clone(), ..Stage::new(&script) }.run();
    assert_eq!(outcome.verdicts(), "1 PASS", "{}", outcome.drawn);
    let last = watcher.0.lock().unwrap().last().unwrap().clone();
    let whole = CONTENT.len() as u64;
    assert_eq!((last.title.as_str(), last.done, last.total), ("download image.qcow2", whole, Some(whole)));
}
