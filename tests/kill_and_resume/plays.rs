//! The proxy does with a request what it says: what reaches the service, and what the client hears.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rhumb::base::{CancellationToken, Clock, SimClock};

use crate::proxy::{Play, Proxy, Told};

/// A service that answers each request with its number, and keeps what it was asked.
fn service() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = asked.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (mut all, mut chunk) = (Vec::new(), [0; 1024]);
            while let Ok(n @ 1..) = stream.read(&mut chunk) {
                all.extend_from_slice(&chunk[..n]);
                if all.ends_with(b"done") {
                    break;
                }
            }
            let text = String::from_utf8_lossy(&all).into_owned();
            let number = {
                let mut kept = kept.lock().unwrap();
                kept.push(text.lines().next().unwrap_or_default().to_string());
                kept.len()
            };
            if all.ends_with(b"done") {
                let body = format!("this is answer {number}");
                let _ =
                    write!(stream, "HTTP/1.1 201 Created\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            }
        }
    });
    (address, asked)
}

struct Stand {
    proxy: Proxy,
    asked: Arc<Mutex<Vec<String>>>,
    clock: Arc<SimClock>,
    _runtime: tokio::runtime::Runtime,
}

impl Stand {
    fn of(play: Play) -> Stand {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (address, asked) = service();
        let clock = Arc::new(SimClock::new("2026-06-10T02:00:00Z".parse().unwrap()));
        let proxy = Proxy::before(address, clock.clone(), runtime.handle(), Box::new(move |_| play));
        Stand { proxy, asked, clock, _runtime: runtime }
    }

    /// What the client hears until the connection ends; an error where it is reset.
    fn ask(&self, path: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(self.proxy.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        write!(stream, "POST {path} HTTP/1.1\r\nHost: service\r\nContent-Length: 4\r\n\r\ndone").unwrap();
        let (mut all, mut chunk) = (Vec::new(), [0; 1024]);
        loop {
            match stream.read(&mut chunk) {
                Ok(0) => break,
                Ok(n) => all.extend_from_slice(&chunk[..n]),
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(e) => return Err(e),
            }
        }
        Ok(String::from_utf8_lossy(&all).into_owned())
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

const POST: &str = "POST /a HTTP/1.1";

#[test]
fn what_passes_comes_back_whole() {
    let stand = Stand::of(Play::Pass);
    assert!(stand.ask("/a").unwrap().ends_with("\r\n\r\nthis is answer 1"));
    assert_eq!(stand.asked(), [POST]);
    assert_eq!(stand.proxy.carried()[0].status, 201);
}

#[test]
fn answers_are_lost_and_cut_after_the_service_acted() {
    for play in [Play::LostAnswer, Play::CutHead, Play::CutBody, Play::BadGateway] {
        let stand = Stand::of(play);
        let heard = stand.ask("/a");
        match play {
            Play::LostAnswer => assert!(heard.is_err()),
            Play::CutHead => assert!(heard.unwrap().starts_with("HTTP/1.1 201 ")),
            Play::CutBody => assert!(heard.unwrap().ends_with("\r\n\r\nthis is ")),
            _ => assert!(heard.unwrap().starts_with("HTTP/1.1 502 ")),
        }
        assert_eq!(stand.asked(), [POST], "{play:?}");
        assert_eq!(stand.proxy.carried().len(), 1, "{play:?}");
    }
}

#[test]
fn some_requests_never_reach_the_service() {
    for play in [Play::Reset, Play::Html, Play::Busy { retry_after: 7 }] {
        let stand = Stand::of(play);
        let heard = stand.ask("/a");
        match play {
            Play::Reset => assert!(heard.is_err()),
            Play::Html => assert!(heard.unwrap().starts_with("HTTP/1.1 200 OK\r\ncontent-type: text/html")),
            _ => assert!(heard.unwrap().contains("\r\nretry-after: 7\r\n")),
        }
        assert!(stand.asked().is_empty() && stand.proxy.carried().is_empty(), "{play:?}");
        assert!(!play.forwards());
    }
}

#[test]
fn half_a_request_is_half_a_request() {
    let stand = Stand::of(Play::CutRequest);
    assert!(stand.ask("/a").is_err());
    assert_eq!(stand.asked(), [POST]);
    assert!(stand.proxy.carried().is_empty(), "the service did not answer it");
}

#[test]
fn a_doubled_request_is_answered_once() {
    let stand = Stand::of(Play::Twice);
    assert!(stand.ask("/a").unwrap().ends_with("this is answer 1"));
    assert_eq!(stand.asked(), [POST, POST]);
    let copies: Vec<bool> = stand.proxy.carried().iter().map(|c| c.copy).collect();
    assert_eq!(copies, [false, true]);
}

#[test]
fn late_requests_arrive_by_the_clock_and_in_their_order() {
    for told in [Told::Reset, Told::GatewayTimeout] {
        let stand = Stand::of(Play::Late { after: Duration::from_secs(6), told });
        for path in ["/a", "/b", "/c"] {
            let heard = stand.ask(path);
            match told {
                Told::GatewayTimeout => assert!(heard.unwrap().starts_with("HTTP/1.1 504 ")),
                _ => assert!(heard.is_err()),
            }
            stand.clock.sleep(Duration::from_secs(1), &CancellationToken::new()).unwrap();
        }
        assert!(stand.asked().is_empty());
        assert_eq!(stand.proxy.held(), 3);
        stand.clock.sleep(Duration::from_secs(60), &CancellationToken::new()).unwrap();
        assert_eq!(stand.asked(), ["a", "b", "c"].map(|path| format!("POST /{path} HTTP/1.1")));
        assert_eq!(stand.proxy.held(), 0);
    }
}
