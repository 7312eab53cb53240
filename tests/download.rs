//! Files fetched from servers that break off, forget, lie or refuse.

#![allow(clippy::unwrap_used, reason = "a test's support fails as a test does")]

mod loopback;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use loopback::{Loopback, answer, serve};
use rhumb::base::permit::hex;
use rhumb::base::{Error, ErrorKind, Intent, Ledger, Mutation as _, Permit, Result, Undo};
use rhumb::systems::download::{Download, DownloadCall, Downloaded, Progress, fetch};
use sha2::{Digest as _, Sha512};
use tempfile::TempDir;

struct Yes;

impl Ledger for Yes {
    fn authorise(&self, _: &Intent) -> Result<u64> {
        Ok(1)
    }
}

async fn run(download: &Download) -> Result<Downloaded> {
    fetch(Permit::obtain(&Yes, DownloadCall::new(download.clone())?.look().await?)?).await
}

/// Content that shows a byte in the wrong place.
fn content() -> String {
    (0..20_000).map(|n| format!("{n:05} ")).collect()
}

fn digest(text: &str) -> String {
    hex(&Sha512::digest(text))
}

/// A directory, and a download into it that states the digest.
fn into_dir(server: &Loopback, text: &str) -> (TempDir, Download) {
    let dir = tempfile::tempdir().unwrap();
    let mut download = Download::new(server.url("/image.qcow2"), dir.path().join("image.qcow2"));
    download.sha512 = Some(digest(text));
    (dir, download)
}

fn names(dir: &TempDir) -> Vec<String> {
    let entry = |e: std::io::Result<std::fs::DirEntry>| e.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = std::fs::read_dir(dir.path()).unwrap().map(entry).collect();
    names.sort();
    names
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .find_map(|l| l.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v))
}

fn from_byte(head: &str) -> Option<usize> {
    header(head, "range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
}

/// What a server with ranges answers for content that it knows by an `ETag`.
fn ranged(text: &str, etag: &str, head: &str) -> Vec<u8> {
    let tag = format!("etag: {etag}\r\n");
    let same = header(head, "if-range").is_none_or(|tag| tag == etag);
    match from_byte(head).filter(|_| same) {
        Some(from) if from >= text.len() => {
            answer("416 Range Not Satisfiable", &format!("content-range: bytes */{}\r\n", text.len()), "")
        }
        Some(from) => {
            let range = format!("content-range: bytes {from}-{}/{}\r\n{tag}", text.len() - 1, text.len());
            answer("206 Partial Content", &range, &text[from..])
        }
        None => answer("200 OK", &tag, text),
    }
}

/// The beginning of an answer, after which the connection closes.
fn cut(mut bytes: Vec<u8>, body: usize) -> Vec<u8> {
    let head = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    bytes.truncate(head + body);
    // the loopback server closes after an answer of this version
    bytes.splice(..8, *b"HTTP/1.0");
    bytes
}

#[tokio::test]
async fn a_file_is_there_whole_and_is_not_fetched_twice() {
    let server = serve(|_, head| ranged(&content(), "\"a\"", head)).await;
    let (dir, mut download) = into_dir(&server, &content());
    let progress = Arc::new(Mutex::new(Vec::new()));
    let into = progress.clone();
    download.on_progress = Some(Arc::new(move |p: Progress| into.lock().unwrap().push(p)));

    let done = run(&download).await.unwrap();
    assert_eq!((done.size, done.fetched, done.resumed), (120_000, 120_000, 0));
    assert_eq!(done.sha512, digest(&content()));
    assert_eq!(std::fs::read_to_string(&download.to).unwrap(), content());
    assert_eq!(names(&dir), ["image.qcow2"]);
    let last = *progress.lock().unwrap().last().unwrap();
    assert_eq!(last, Progress { done: 120_000, total: Some(120_000) });
    assert!(header(&server.seen()[0], "user-agent").unwrap().starts_with("rhumb/"));

    let again = run(&download).await.unwrap();
    assert_eq!((again.size, again.fetched), (120_000, 0));
    assert_eq!(server.seen().len(), 1, "nothing was asked");

    std::fs::write(&download.to, "something else").unwrap();
    run(&download).await.unwrap();
    assert_eq!(std::fs::read_to_string(&download.to).unwrap(), content());
}

#[tokio::test]
async fn a_transfer_that_breaks_off_goes_on_from_there() {
    let server = serve(|n, head| {
        let whole = ranged(&content(), "\"a\"", head);
        if n < 3 { cut(whole, 50_000) } else { whole }
    })
    .await;
    let (dir, download) = into_dir(&server, &content());
    let done = run(&download).await.unwrap();
    assert_eq!((done.size, done.fetched, done.resumed), (120_000, 120_000, 2));
    assert_eq!(names(&dir), ["image.qcow2"]);
    let asked: Vec<_> = server
        .seen()
        .iter()
        .map(|head| (from_byte(head), header(head, "if-range").map(str::to_owned)))
        .collect();
    let tag = Some("\"a\"".to_owned());
    assert_eq!(asked, [(None, None), (Some(50_000), tag.clone()), (Some(100_000), tag)]);
}

/// A server that breaks off once, refuses until told otherwise, and then answers as `later`.
async fn interrupted(
    later: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
) -> (Loopback, TempDir, Download) {
    let server = serve(move |n, head| match n {
        1 => cut(ranged(&content(), "\"a\"", head), 50_000),
        2..=4 => answer("503 Service Unavailable", "", ""),
        _ => later(head),
    })
    .await;
    let (dir, download) = into_dir(&server, &content());
    let error = run(&download).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert!(error.detail().help.as_deref().unwrap().contains("48.8 KiB are kept"), "{error:?}");
    assert_eq!(names(&dir), ["image.qcow2.part", "image.qcow2.part.json"]);
    (server, dir, download)
}

#[tokio::test]
async fn a_later_call_takes_up_what_an_earlier_one_left() {
    let (_server, dir, download) = interrupted(|head| ranged(&content(), "\"a\"", head)).await;
    let done = run(&download).await.unwrap();
    assert_eq!((done.size, done.fetched, done.resumed), (120_000, 70_000, 1));
    assert_eq!(std::fs::read_to_string(&download.to).unwrap(), content());
    assert_eq!(names(&dir), ["image.qcow2"]);
}

#[tokio::test]
async fn a_server_that_ignores_the_range_starts_over() {
    let (_server, dir, download) = interrupted(|_| answer("200 OK", "", &content())).await;
    let done = run(&download).await.unwrap();
    assert_eq!((done.size, done.fetched, done.resumed), (120_000, 120_000, 0));
    assert_eq!(std::fs::read_to_string(&download.to).unwrap(), content());
    assert_eq!(names(&dir), ["image.qcow2"]);
}

#[tokio::test]
async fn content_that_changed_meanwhile_is_not_mixed_in() {
    let new = content().to_lowercase().replace('0', "o");
    let text = new.clone();
    let (_server, _dir, mut download) = interrupted(move |head| ranged(&text, "\"b\"", head)).await;
    download.sha512 = None;
    let done = run(&download).await.unwrap();
    assert_eq!(done.sha512, digest(&new));
    assert_eq!(std::fs::read_to_string(&download.to).unwrap(), new);
}

#[tokio::test]
async fn a_part_of_another_url_is_not_taken_up() {
    let (server, _dir, mut download) = interrupted(|head| ranged(&content(), "\"a\"", head)).await;
    download.url = server.url("/other.qcow2");
    assert_eq!(run(&download).await.unwrap().fetched, 120_000);
}

#[tokio::test]
async fn a_part_that_is_already_the_whole_needs_no_byte() {
    let server = serve(|_, head| ranged(&content(), "\"a\"", head)).await;
    let (dir, download) = into_dir(&server, &content());
    left(&download, &content(), "\"a\"");
    let done = run(&download).await.unwrap();
    assert_eq!((done.size, done.fetched), (120_000, 0));
    assert_eq!(names(&dir), ["image.qcow2"]);
}

/// Leaves a part behind, as a call that was killed does.
fn left(download: &Download, text: &str, validator: &str) {
    let beside = |suffix: &str| PathBuf::from(format!("{}{suffix}", download.to.display()));
    std::fs::write(beside(".part"), text).unwrap();
    let note = serde_json::json!({"url": download.url, "validator": validator});
    std::fs::write(beside(".part.json"), note.to_string()).unwrap();
}

#[tokio::test]
async fn a_part_longer_than_the_file_is_given_up() {
    let server = serve(|_, head| ranged(&content(), "\"a\"", head)).await;
    let (_dir, download) = into_dir(&server, &content());
    left(&download, &content().repeat(2), "\"a\"");
    assert_eq!(run(&download).await.unwrap().fetched, 120_000);
}

#[tokio::test]
async fn a_wrong_digest_leaves_nothing_behind_and_the_old_file_alone() {
    let server = serve(|_, head| ranged("not the image", "\"a\"", head)).await;
    let (dir, download) = into_dir(&server, &content());
    let error = run(&download).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.to_string().contains(&digest("not the image")), "{error}");
    assert_eq!(names(&dir), [] as [&str; 0]);

    std::fs::write(&download.to, "the image of last week").unwrap();
    assert_eq!(run(&download).await.unwrap_err().kind(), ErrorKind::Failed);
    assert_eq!(names(&dir), ["image.qcow2"]);
    assert_eq!(std::fs::read_to_string(&download.to).unwrap(), "the image of last week");
}

#[tokio::test]
async fn a_refusal_by_user_agent_is_explained() {
    let server = serve(|_, head| match header(head, "user-agent") {
        Some(agent) if agent.starts_with("curl/") => answer("200 OK", "", &content()),
        _ => answer("403 Forbidden", "", "<html>no</html>"),
    })
    .await;
    let (dir, mut download) = into_dir(&server, &content());
    let error = run(&download).await.unwrap_err();
    assert_eq!((error.kind(), error.detail().status), (ErrorKind::Forbidden, Some(403)));
    let help = error.detail().help.as_deref().unwrap();
    assert!(help.contains("this request said `rhumb/") && help.contains("curl/8"), "{help}");
    assert!(!names(&dir).contains(&"image.qcow2".to_owned()));

    download.http.user_agent = "curl/8".into();
    run(&download).await.unwrap();
    assert_eq!(std::fs::read_to_string(&download.to).unwrap(), content());
}

#[tokio::test]
async fn a_server_that_always_breaks_off_is_given_up() {
    // it has no ranges, so that each attempt starts over
    let server = serve(|_, _| cut(answer("200 OK", "", &content()), 50_000)).await;
    let (dir, download) = into_dir(&server, &content());
    let error = run(&download).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("ends early"), "{error}");
    assert_eq!(server.seen().len(), 4);
    assert!(!names(&dir).contains(&"image.qcow2".to_owned()));
}

#[tokio::test]
async fn a_disk_that_is_too_small_is_told_before_anything_is_written() {
    let server =
        serve(|_, _| b"HTTP/1.1 200 OK\r\ncontent-length: 4611686018427387904\r\n\r\nx".to_vec()).await;
    let (dir, mut download) = into_dir(&server, &content());
    let told = |error: Error| {
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains("are still to come, and"), "{error}");
    };
    told(run(&download).await.unwrap_err());
    assert_eq!(server.seen().len(), 1);

    download.size = Some(1 << 62);
    told(run(&download).await.unwrap_err());
    assert_eq!(server.seen().len(), 1, "nothing was asked");
    assert!(!names(&dir).contains(&"image.qcow2".to_owned()));
}

#[tokio::test]
async fn what_the_server_says_is_told_apart() {
    for (status, kind) in [
        ("401 Unauthorized", ErrorKind::Unauthorized),
        ("404 Not Found", ErrorKind::NotFound),
        ("500 Internal Server Error", ErrorKind::Transient),
        ("429 Too Many Requests", ErrorKind::Transient),
        ("418 Teapot", ErrorKind::Protocol),
        ("206 Partial Content", ErrorKind::Protocol),
    ] {
        let server = serve(move |_, _| answer(status, "", "x")).await;
        let (_dir, download) = into_dir(&server, "x");
        assert_eq!(run(&download).await.unwrap_err().kind(), kind, "{status}");
        assert_eq!(server.seen().len(), 1, "what fails from the start is told at once");
    }
}

#[tokio::test]
async fn redirects_are_followed_but_not_for_ever() {
    let server = serve(|n, head| match n {
        1 => answer("302 Found", "location: /elsewhere/image\r\n", ""),
        _ if head.starts_with("GET /elsewhere/image ") => answer("200 OK", "", "x"),
        _ => answer("302 Found", "location: /again\r\n", ""),
    })
    .await;
    let (_dir, mut download) = into_dir(&server, "x");
    run(&download).await.unwrap();
    download.url = server.url("/loop");
    download.sha512 = None;
    assert_eq!(run(&download).await.unwrap_err().kind(), ErrorKind::Protocol);
}

#[tokio::test]
async fn one_file_is_fetched_by_one_call_at_a_time() {
    let server = serve(|_, head| ranged(&content(), "\"a\"", head)).await;
    let (dir, download) = into_dir(&server, &content());
    let other = std::fs::File::create(dir.path().join("image.qcow2.part")).unwrap();
    other.lock().unwrap();
    assert_eq!(run(&download).await.unwrap_err().kind(), ErrorKind::Conflict);
    drop(other);
    run(&download).await.unwrap();
}

#[tokio::test]
async fn an_intent_says_what_is_fetched_and_what_it_replaces() {
    let mut download = Download::new(
        "https://cdn.example/image.qcow2",
        Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"),
    );
    download.sha512 = Some(digest("x"));
    let intent = DownloadCall::new(download).unwrap().look().await.unwrap().intent();
    assert_eq!((intent.system.as_str(), intent.method.as_str()), ("file", "download"));
    let (what, replaces) = intent.summary.split_once(", ").unwrap();
    assert_eq!(what, "download Cargo.toml from https://cdn.example/image.qcow2");
    assert_eq!(replaces, "in place of the file that is there");
    assert!(intent.destroys && intent.undo == Undo::Never && intent.replaces["size"].is_u64());
    // a run that was cut asks again when the file is there, and it is the same question
    assert!(intent.body.get("replaces").is_none());
    assert_eq!(intent.body["sha512"], digest("x"));
}

#[tokio::test]
async fn a_file_that_nobody_was_shown_is_not_replaced() {
    let server = serve(|_, head| ranged(&content(), "\"a\"", head)).await;
    let (_dir, download) = into_dir(&server, &content());
    let permit =
        Permit::obtain(&Yes, DownloadCall::new(download.clone()).unwrap().look().await.unwrap()).unwrap();
    std::fs::write(&download.to, "somebody else's").unwrap();
    assert_eq!(fetch(permit).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(std::fs::read_to_string(&download.to).unwrap(), "somebody else's");
}
