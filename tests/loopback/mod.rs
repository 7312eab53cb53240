//! Servers on loopback that answer as a test says, byte by byte: for what no well-behaved server would send.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test's support fails as a test does")]

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server, with what it saw.
#[derive(Clone)]
pub(crate) struct Loopback {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl Loopback {
    /// The heads of the requests so far, in order.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// Answers request number n (from 1) with the bytes that `answer(n, head)` gives, and keeps the connection open
/// unless it gives none.
pub(crate) async fn serve(answer: impl Fn(usize, &str) -> Vec<u8> + Send + Sync + 'static) -> Loopback {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Loopback {
        address: listener.local_addr().unwrap(),
        seen: Arc::default(),
        connections: Arc::default(),
    };
    let (shared, answer) = (server.clone(), Arc::new(answer));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            shared.connections.fetch_add(1, Ordering::SeqCst);
            let (shared, answer) = (shared.clone(), answer.clone());
            tokio::spawn(converse(stream, shared, answer));
        }
    });
    server
}

async fn converse(
    mut stream: TcpStream,
    server: Loopback,
    answer: Arc<impl Fn(usize, &str) -> Vec<u8> + Send + Sync + 'static>,
) {
    let mut buffer = Vec::new();
    loop {
        let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n") else {
            let mut chunk = [0; 4096];
            match stream.read(&mut chunk).await {
                Ok(n) if n > 0 => buffer.extend_from_slice(&chunk[..n]),
                _ => return,
            }
            continue;
        };
        let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
        let length = head
            .lines()
            .find_map(|l| l.to_lowercase().strip_prefix("content-length: ").map(str::to_string))
            .map_or(0, |n| n.parse().unwrap());
        let mut body = buffer.split_off(end + 4);
        while body.len() < length {
            let mut chunk = [0; 4096];
            let n = stream.read(&mut chunk).await.unwrap();
            body.extend_from_slice(&chunk[..n]);
        }
        buffer = body.split_off(length);
        let number = {
            let mut seen = server.seen.lock().unwrap();
            seen.push(head.clone());
            seen.len()
        };
        let bytes = answer(number, &head);
        if bytes.is_empty() || stream.write_all(&bytes).await.is_err() {
            return;
        }
        if !bytes.windows(4).any(|w| w == b"\r\n\r\n") || bytes.starts_with(b"HTTP/1.0") {
            return;
        }
    }
}

/// A whole answer.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len()).into_bytes()
}

/// A whole answer in JSON.
pub(crate) fn json(status: &str, body: &str) -> Vec<u8> {
    answer(status, "content-type: application/json\r\n", body)
}

/// A TLS server with a self-signed certificate for some names, that answers `ok` to everything. Returns its
/// address and the certificate in PEM.
pub(crate) fn serve_tls(names: &[&str]) -> (SocketAddr, String) {
    rhumb::systems::http::install_crypto();
    let made =
        rcgen::generate_simple_self_signed(names.iter().map(|n| n.to_string()).collect::<Vec<_>>()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config = Arc::new(config);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let tls = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(tls, stream.unwrap());
            let mut head = [0; 4096];
            // a client that does not trust the certificate hangs up here
            if stream.read(&mut head).is_ok_and(|n| n > 0) {
                let name = stream.conn.server_name().unwrap_or("no name").to_string();
                let _ = stream.write_all(&answer("200 OK", "connection: close\r\n", &name));
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    (address, made.cert.pem())
}
