//! The HTTP client against servers that misbehave.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail as a test does")]

mod loopback;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use loopback::{answer, json, serve, serve_tls};
use rhumb::base::{ErrorKind, Payload};
use rhumb::systems::http::{Answer, Dialer, Http, HttpSettings, Method, Request, Retry, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

async fn get(url: &str) -> rhumb::base::Result<Answer> {
    get_with(HttpSettings::default(), url).await
}

async fn get_with(settings: HttpSettings, url: &str) -> rhumb::base::Result<Answer> {
    Http::new(settings).send(&Request::new(Method::GET, url)?).await
}

fn post(url: &str) -> Request {
    Request::new(Method::POST, url).unwrap().json(&Payload::from(serde_json::json!({"a": 1}))).unwrap()
}

#[tokio::test]
async fn a_refused_connection_is_unreachable_and_names_the_address() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let e = get(&format!("http://{free}/x")).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Unreachable);
    assert!(e.to_string().starts_with(&format!("no connection to {free}: ")), "{e}");
    assert!(e.to_string().to_lowercase().contains("connection refused"), "{e}");
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_unreachable() {
    let e = get("http://nothing-here.invalid:5000/v3").await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Unreachable);
    assert!(e.to_string().contains("no connection to nothing-here.invalid:5000"), "{e}");
}

#[tokio::test]
async fn an_endless_body_ends_in_an_error_and_is_not_kept() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sender = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
        let chunk = [b"10000\r\n".as_slice(), &[b'x'; 0x10000], b"\r\n"].concat();
        let mut sent = 0usize;
        while stream.write_all(&chunk).await.is_ok() {
            sent += 0x10000;
        }
        sent
    });
    let settings = HttpSettings { body_cap: 1 << 20, ..HttpSettings::default() };
    let e = get_with(settings, &format!("http://{address}/v2/images")).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Protocol);
    assert_eq!(e.to_string(), format!("the answer of http://{address}/v2/images is longer than 1.0 MiB"));
    // what the sockets hold beside the cap, and not what the server would have gone on to send
    assert!(sender.await.unwrap() < 32 << 20);
}

#[tokio::test]
async fn an_announced_300_mb_body_is_not_even_read() {
    let server = serve(|_, _| b"HTTP/1.1 200 OK\r\ncontent-length: 314572800\r\n\r\nstart".to_vec()).await;
    let started = Instant::now();
    let e = get(&server.url("/")).await.unwrap_err();
    assert_eq!((e.kind(), e.detail().status), (ErrorKind::Protocol, Some(200)));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn the_cap_counts_what_comes_out_of_compression() {
    // 20,000 zeros
    let zipped = "H4sIAAAAAAACA+3BMQEAAADCoPVPbQ0PoAAAAAAAAAAAAAAAAAAAAAAAAAB4MAJTL5cgTgAA";
    let body = base64::engine::general_purpose::STANDARD.decode(zipped).unwrap();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len());
    let bytes = [head.into_bytes(), body].concat();
    let server = serve(move |_, _| bytes.clone()).await;
    let settings = |body_cap| HttpSettings { body_cap, ..HttpSettings::default() };
    let e = get_with(settings(19_999), &server.url("/")).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Protocol);
    assert_eq!(get_with(settings(20_000), &server.url("/")).await.unwrap().body.len(), 20_000);
}

#[tokio::test]
async fn an_answer_that_is_cut_anywhere_is_one_class() {
    const CUT: &[(&str, &[u8])] = &[
        ("in the head", b"HTTP/1.0 200 OK\r\ncontent-le"),
        ("in a body of known length", b"HTTP/1.0 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\": "),
        ("before that", b"HTTP/1.0 200 OK\r\ncontent-length: 100\r\n\r\n"),
        ("in a chunk", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n40\r\n{\"id\": "),
        ("between chunks", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n"),
    ];
    for (what, bytes) in CUT {
        let server = cutting(bytes).await;
        let e = get(&format!("http://{}/servers", server.address)).await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Unreachable, "a read that is cut {what}: {e}");
        assert!(e.kind().is_transient() && !e.is_unsent(), "{what}");
        assert_eq!(server.connections(), 3, "a read that is cut {what} is tried again");

        let change = post(&format!("http://{}/servers", server.address));
        let e = Http::new(HttpSettings::default()).send(&change).await.unwrap_err();
        assert_eq!(
            (e.kind(), e.is_unsent()),
            (ErrorKind::Timeout, false),
            "a change that is cut {what}: {e}"
        );
        assert!(e.detail().help.as_deref().unwrap().contains("look whether it took effect"), "{what}");
        assert_eq!(server.connections(), 4, "a change goes out once");
    }
}

/// Answers each request with these bytes, and ends the connection.
async fn cutting(bytes: &'static [u8]) -> Cutting {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = count.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 4096];
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut head).await;
            let _ = stream.write_all(bytes).await;
        }
    });
    Cutting { address, count }
}

struct Cutting {
    address: SocketAddr,
    count: Arc<AtomicUsize>,
}

impl Cutting {
    fn connections(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_change_for_which_there_is_no_connection_was_not_sent() {
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let (untrusted, _) = serve_tls(&["localhost"]);
    let plain = cutting(b"HTTP/1.0 400 Bad Request\r\n\r\n").await;
    let proxy = serve(|_, _| answer("403 Forbidden", "content-type: text/html\r\n", "no tunnel")).await;
    let through = |url: String| HttpSettings { proxy: Some(url), ..HttpSettings::default() };
    for (what, settings, url) in [
        ("refused", HttpSettings::default(), format!("http://{closed}/")),
        ("a name that is not there", HttpSettings::default(), "http://no-such-host.invalid/".to_string()),
        (
            "a certificate of nobody",
            HttpSettings::default(),
            format!("https://localhost:{}/", untrusted.port()),
        ),
        ("no TLS", HttpSettings::default(), format!("https://{}/", plain.address)),
        ("a proxy without tunnel", through(proxy.url("")), "https://cloud.example/".to_string()),
        ("no proxy", through(format!("http://{closed}")), "https://cloud.example/".to_string()),
    ] {
        let e = Http::new(settings.clone()).send(&post(&url)).await.unwrap_err();
        assert_eq!((e.kind(), e.is_unsent()), (ErrorKind::Unreachable, true), "{what}: {e}");
        assert_eq!(serde_json::to_value(&e).unwrap()["unsent"], true, "{what}");
        // of a read the mark says nothing
        let e = Http::new(settings).send(&Request::new(Method::GET, &url).unwrap()).await.unwrap_err();
        assert_eq!((e.kind(), e.is_unsent()), (ErrorKind::Unreachable, false), "{what}: {e}");
        assert_eq!(serde_json::to_value(&e).unwrap().get("unsent"), None, "{what}");
    }
}

#[tokio::test]
async fn html_and_half_json_are_told_from_json() {
    let page =
        "<!doctype html><html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>";
    let server = serve(move |n, _| match n {
        1 => answer("200 OK", "content-type: text/html\r\n", page),
        2 => json("200 OK", "{\"servers\": [{\"id\": "),
        3 => answer("200 OK", "", ""),
        _ => json("200 OK", "{\"servers\": []}"),
    })
    .await;
    for (what, words) in [
        ("html", "the answer is not JSON but text/html: \"Welcome It works!\""),
        ("half", "the answer's JSON ends early, after 20 bytes"),
        ("none", "the answer is empty where JSON was due"),
    ] {
        let e = get(&server.url("/")).await.unwrap().json().unwrap_err();
        let kind = if what == "half" { ErrorKind::Unreachable } else { ErrorKind::Protocol };
        assert_eq!((e.kind(), e.to_string().as_str()), (kind, words), "{what}");
    }
    assert!(get(&server.url("/")).await.unwrap().json().unwrap()["servers"].is_array());
}

#[tokio::test]
async fn a_read_is_tried_again_and_a_change_is_not() {
    let flaky = |n: usize, _: &str| match n {
        1 | 2 => answer("503 Service Unavailable", "", "busy"),
        _ => answer("200 OK", "", "done"),
    };
    let server = serve(flaky).await;
    let answer = get(&server.url("/")).await.unwrap();
    assert_eq!((answer.status, answer.tries, server.seen().len()), (200, 3, 3));

    let server = serve(flaky).await;
    let answer = Http::new(HttpSettings::default()).send(&post(&server.url("/"))).await.unwrap();
    assert_eq!((answer.status, answer.tries, server.seen().len()), (503, 1, 1));
}

#[tokio::test]
async fn retry_after_is_honoured_within_the_budget_and_ends_the_tries_beyond_it() {
    let server = serve(|n, _| match n {
        1 => answer("429 Too Many Requests", "retry-after: 1\r\n", ""),
        _ => answer("200 OK", "", ""),
    })
    .await;
    let started = Instant::now();
    assert_eq!(get(&server.url("/")).await.unwrap().tries, 2);
    assert!(started.elapsed() >= Duration::from_secs(1));

    let server = serve(|_, _| answer("503 Service Unavailable", "retry-after: 120\r\n", "")).await;
    let started = Instant::now();
    assert_eq!(get(&server.url("/")).await.unwrap().status, 503);
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_change_without_an_answer_is_in_doubt_and_a_read_is_unreachable() {
    let deaf = serve(|_, _| Vec::new()).await;
    let settings = || HttpSettings { retry: Retry::NEVER, ..HttpSettings::default() };
    let e = Http::new(settings()).send(&post(&deaf.url("/action"))).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Timeout);
    assert!(e.to_string().contains("closed the connection without an answer"), "{e}");
    assert!(e.detail().help.as_ref().unwrap().contains("look whether it took effect"));
    let e = get_with(settings(), &deaf.url("/")).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Unreachable);

    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/slow", mute.local_addr().unwrap());
    let settings = || HttpSettings { timeout: Duration::from_millis(150), ..settings() };
    let e = Http::new(settings()).send(&post(&url)).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Timeout);
    assert!(e.to_string().starts_with(&format!("{url} did not answer within 150ms")), "{e}");
    assert_eq!(get_with(settings(), &url).await.unwrap_err().kind(), ErrorKind::Unreachable);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_a_request_elsewhere() {
    let server = serve(|_, _| answer("302 Found", "location: http://127.0.0.1:9/\r\n", "")).await;
    let answer = get(&server.url("/")).await.unwrap();
    assert_eq!((answer.status, answer.header("location")), (302, Some("http://127.0.0.1:9/")));
}

#[tokio::test]
async fn reads_share_a_connection_and_a_change_gets_a_fresh_one() {
    let server = serve(|_, _| answer("200 OK", "", "ok")).await;
    let http = Http::new(HttpSettings::default());
    let read = Request::new(Method::GET, &server.url("/")).unwrap();
    http.send(&read).await.unwrap();
    http.clone().send(&read).await.unwrap();
    assert_eq!(server.connections(), 1);
    http.send(&post(&server.url("/"))).await.unwrap();
    http.send(&post(&server.url("/"))).await.unwrap();
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn dropping_the_future_ends_the_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let asking = tokio::spawn(async move { get(&url).await.map(|a| a.status) });
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = [0; 1024];
    assert!(stream.read(&mut head).await.unwrap() > 0);
    asking.abort();
    let end = stream.read(&mut head);
    assert_eq!(tokio::time::timeout(Duration::from_secs(5), end).await.unwrap().unwrap(), 0);
}

struct Lab(SocketAddr);

impl Dialer for Lab {
    fn dial(&self, host: &str, port: u16) -> Option<SocketAddr> {
        (host == "keystone.example" && port == 5000).then_some(self.0)
    }
}

#[tokio::test]
async fn a_rehearsal_sends_to_the_lab_and_nowhere_else() {
    let server = serve(|_, _| answer("200 OK", "", "ok")).await;
    let settings = || HttpSettings { dialer: Some(Arc::new(Lab(server.address))), ..HttpSettings::default() };
    let answer = get_with(settings(), "https://keystone.example:5000/v3?x=1").await.unwrap();
    assert_eq!(answer.status, 200);
    let head = server.seen().remove(0).to_lowercase();
    assert!(head.starts_with("get /v3?x=1 http/1.1"), "{head}");
    assert!(head.contains("host: keystone.example:5000"), "{head}");

    let elsewhere = server.url("/");
    let e = get_with(settings(), &elsewhere).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Unreachable);
    assert!(e.to_string().contains("nobody answers there in this rehearsal"), "{e}");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_url_that_is_none_is_an_argument_error() {
    for url in ["", "keystone", "ftp://h/", "http://", "/v3"] {
        assert_eq!(Request::new(Method::GET, url).unwrap_err().kind(), ErrorKind::Argument, "{url}");
    }
    let request = Request::new(Method::GET, "http://h/").unwrap();
    assert_eq!(request.header("x-y", "two\r\nlines").unwrap_err().kind(), ErrorKind::Argument);
}

fn trusting(tls: Tls) -> HttpSettings {
    HttpSettings { tls, retry: Retry::NEVER, ..HttpSettings::default() }
}

#[tokio::test]
async fn a_self_signed_certificate_is_refused_until_it_is_stated() {
    let (address, pem) = serve_tls(&["localhost"]);
    let url = format!("https://localhost:{}/", address.port());
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pem).unwrap();
    let stated = Tls { ca_file: Some(file.path().into()), ..Tls::default() };
    assert_eq!(get_with(trusting(stated), &url).await.unwrap().text(), "localhost");

    let other = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(other.path(), serve_tls(&["localhost"]).1).unwrap();
    let e = get_with(trusting(Tls { ca_file: Some(other.path().into()), ..Tls::default() }), &url)
        .await
        .unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Unreachable);
    assert!(
        e.to_string().contains(&format!("the certificate of localhost:{} is self-signed", address.port())),
        "{e}"
    );
    assert!(e.detail().help.as_ref().unwrap().contains("`ca_file`"));

    let insecure = Tls { insecure: true, ..Tls::default() };
    assert_eq!(get_with(trusting(insecure), &url).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_told_apart_and_the_name_can_be_stated() {
    let (address, pem) = serve_tls(&["keystone.example"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pem).unwrap();
    let tls = |server_name: Option<&str>| {
        let ca_file = Some(file.path().to_path_buf());
        trusting(Tls { ca_file, server_name: server_name.map(str::to_string), insecure: false })
    };
    let url = format!("https://{address}/");
    let e = get_with(tls(None), &url).await.unwrap_err();
    assert!(e.to_string().contains(&format!("the certificate of {address} is for another name")), "{e}");
    let answer = get_with(tls(Some("keystone.example")), &url).await.unwrap();
    assert_eq!(answer.text(), "keystone.example");
}

#[tokio::test]
async fn https_to_a_server_without_tls_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });
    let tls = Tls { insecure: true, ..Tls::default() };
    let e = get_with(trusting(tls), &format!("https://{address}/")).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Unreachable);
    assert!(e.to_string().starts_with(&format!("{address} does not speak TLS")), "{e}");
}

#[tokio::test]
async fn a_ca_file_that_is_none_is_a_fault_of_the_site() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    for (path, what) in
        [(empty.path().to_path_buf(), "holds no certificate"), ("/nowhere/ca.pem".into(), "cannot be read")]
    {
        let tls = Tls { ca_file: Some(path), ..Tls::default() };
        let e = get_with(trusting(tls), "https://localhost:9/").await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Site);
        assert!(e.to_string().contains(what), "{e}");
    }
}
