//! Looks at ports and URLs: what is found is told apart, and nothing that is closed is an error.

#![allow(clippy::unwrap_used, reason = "a test's support fails as a test does")]

mod loopback;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use loopback::{answer, serve, serve_tls};
use rhumb::base::ErrorKind;
use rhumb::systems::http::{Dialer, Method, Tls};
use rhumb::systems::probe::{HttpLook, TcpFault, http, http_sample, tcp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

const SOON: Duration = Duration::from_secs(5);

/// Plays one address, and no other.
struct Only(&'static str, SocketAddr);

impl Dialer for Only {
    fn dial(&self, host: &str, _: u16) -> Option<SocketAddr> {
        (host == self.0).then_some(self.1)
    }
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn ports_are_open_refused_silent_or_nowhere() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let open = tcp("127.0.0.1", port, SOON, None).await.unwrap();
    assert!(open.open && open.fault.is_none() && open.error.is_none());
    assert_eq!(open.target, format!("127.0.0.1:{port}"));

    let refused = tcp("127.0.0.1", free_port().await, SOON, None).await.unwrap();
    assert_eq!((refused.open, refused.fault), (false, Some(TcpFault::Refused)));
    assert!(refused.error.unwrap().to_lowercase().contains("refused"));

    let nowhere = tcp("no-such-host.invalid", 22, SOON, None).await.unwrap();
    assert_eq!(nowhere.fault, Some(TcpFault::NameNotFound));
}

#[tokio::test]
async fn a_port_that_does_not_answer_is_timed_out() {
    // nobody accepts, and the queue is full: further connections are not answered
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut held = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await
    {
        held.push(stream);
    }
    let silent = tcp("127.0.0.1", address.port(), Duration::from_millis(300), None).await.unwrap();
    assert_eq!(silent.fault, Some(TcpFault::TimedOut));
    assert!(silent.latency >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_rehearsal_reaches_only_what_it_plays() {
    let server = serve(|_, head| {
        let host = head.lines().find_map(|l| l.strip_prefix("host: ")).unwrap_or_default();
        answer("200 OK", "", host)
    })
    .await;
    let played = Arc::new(Only("10.12.7.40", server.address));
    let found = tcp("10.12.7.40", 6443, SOON, Some(played.as_ref())).await.unwrap();
    assert!(found.open);
    let other = tcp("127.0.0.1", server.address.port(), SOON, Some(played.as_ref())).await.unwrap();
    assert_eq!(other.fault, Some(TcpFault::Unreachable));

    let look = HttpLook { dialer: Some(played), ..HttpLook::default() };
    let found = http("https://10.12.7.40:6443/healthz", &look).await.unwrap();
    assert_eq!((found.ok, found.body.as_str()), (true, "10.12.7.40:6443"));
    let other = http("http://127.0.0.1/", &look).await.unwrap();
    assert!(!other.ok && other.error.is_some());
}

#[tokio::test]
async fn an_answer_is_healthy_by_the_statuses_that_are_expected() {
    let server = serve(|_, head| match head {
        h if h.starts_with("GET /v3 ") => {
            answer("300 Multiple Choices", "content-type: text/plain\r\nset-cookie: x\r\n", "choose")
        }
        h if h.starts_with("HEAD ") => b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n".to_vec(),
        _ => answer("503 Service Unavailable", "retry-after: 7\r\n", "sealed"),
    })
    .await;
    let look = HttpLook::default();
    let probe = http(&server.url("/v3"), &look).await.unwrap();
    assert_eq!((probe.ok, probe.status, probe.body.as_str()), (true, Some(300), "choose"));
    assert_eq!(probe.headers["content-type"], "text/plain");
    assert!(!probe.headers.contains_key("set-cookie"));

    let probe = http(&server.url("/v1/sys/health"), &look).await.unwrap();
    assert_eq!((probe.ok, probe.status, probe.error), (false, Some(503), None));
    assert_eq!(probe.headers["retry-after"], "7");
    assert_eq!(server.seen().len(), 2, "no retry behind the back of a poll");

    let sealed = HttpLook { expect: vec![503], ..look.clone() };
    assert!(http(&server.url("/v1/sys/health"), &sealed).await.unwrap().ok);
    assert!(!http(&server.url("/v3"), &sealed).await.unwrap().ok);

    let head = HttpLook { method: Method::HEAD, ..look };
    let probe = http(&server.url("/"), &head).await.unwrap();
    assert_eq!((probe.ok, probe.body.as_str()), (true, ""));
}

#[tokio::test]
async fn a_long_body_is_kept_in_part() {
    let server = serve(|_, _| answer("200 OK", "", &"x".repeat(100_000))).await;
    let look = HttpLook { body_cap: 10, ..HttpLook::default() };
    let probe = http(&server.url("/"), &look).await.unwrap();
    assert_eq!((probe.ok, probe.body.as_str(), probe.truncated), (true, "xxxxxxxxxx", true));
}

#[tokio::test]
async fn broken_answers_are_findings() {
    let cut = serve(|_, _| b"HTTP/1.0 200 OK\r\ncontent-length: 9\r\n\r\nabc".to_vec()).await;
    let probe = http(&cut.url("/"), &HttpLook::default()).await.unwrap();
    assert_eq!((probe.ok, probe.status, probe.body.as_str()), (false, Some(200), "abc"));
    assert!(probe.error.unwrap().contains("ends early"));

    let gone = serve(|_, _| Vec::new()).await;
    let probe = http(&gone.url("/"), &HttpLook::default()).await.unwrap();
    assert_eq!((probe.ok, probe.status), (false, None));
    assert!(probe.error.is_some() && probe.tls_error.is_none());

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let look = HttpLook { timeout: Duration::from_millis(300), ..HttpLook::default() };
    let probe = http(&url, &look).await.unwrap();
    assert!(!probe.ok && probe.error.is_some());
    assert!(probe.latency >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_told_apart_and_can_be_stated_per_endpoint() {
    let (address, pem) = serve_tls(&["vault.example"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pem).unwrap();
    let url = format!("https://{address}/v1/sys/health");
    let look = async |tls: Tls| http(&url, &HttpLook { tls, ..HttpLook::default() }).await.unwrap();

    let (_, other) = serve_tls(&["vault.example"]);
    let another = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(another.path(), other).unwrap();
    let server_name = Some("vault.example".to_owned());
    let stranger =
        Tls { ca_file: Some(another.path().into()), server_name: server_name.clone(), ..Tls::default() };
    let probe = look(stranger).await;
    assert_eq!((probe.ok, probe.status), (false, None));
    assert!(probe.tls_error.unwrap().contains("is self-signed, or of an authority that is not trusted"));

    let stated = Tls { ca_file: Some(file.path().into()), server_name, ..Tls::default() };
    let probe = look(stated).await;
    assert_eq!((probe.ok, probe.body.as_str(), probe.tls_error), (true, "vault.example", None));

    let unnamed = Tls { ca_file: Some(file.path().into()), ..Tls::default() };
    assert!(look(unnamed).await.tls_error.unwrap().contains("is for another name"));
    assert!(look(Tls { insecure: true, ..Tls::default() }).await.ok);

    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", plain.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = plain.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        stream.write_all(&answer("400 Bad Request", "", "")).await.unwrap();
    });
    let insecure = HttpLook { tls: Tls { insecure: true, ..Tls::default() }, ..HttpLook::default() };
    assert!(http(&url, &insecure).await.unwrap().tls_error.unwrap().contains("does not speak TLS"));
}

#[tokio::test]
async fn a_sample_takes_a_fresh_connection_each_time() {
    let server = serve(|n, _| answer("200 OK", "", ["pod-a", "pod-b"][n % 2])).await;
    let probes = http_sample(&server.url("/hostname"), 6, &HttpLook::default()).await.unwrap();
    let bodies: Vec<&str> = probes.iter().map(|p| p.body.as_str()).collect();
    assert_eq!(bodies, ["pod-b", "pod-a", "pod-b", "pod-a", "pod-b", "pod-a"]);
    assert_eq!(server.connections(), 6);
}

#[tokio::test]
async fn only_what_cannot_be_asked_is_an_error() {
    let look = HttpLook::default();
    for url in ["", "example", "ftp://example/"] {
        assert_eq!(http(url, &look).await.unwrap_err().kind(), ErrorKind::Argument, "{url}");
    }
    let post = HttpLook { method: Method::POST, ..look.clone() };
    assert_eq!(http("http://127.0.0.1/", &post).await.unwrap_err().kind(), ErrorKind::Argument);
    for looks in [0, 1001] {
        let error = http_sample("http://127.0.0.1/", looks, &look).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Argument);
    }
    let tls = Tls { ca_file: Some("/no/such/ca.pem".into()), ..Tls::default() };
    let error = http("https://127.0.0.1/", &HttpLook { tls, ..look }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Site);
}
