//! The listener on loopback: reads requests to their end, sends answers whole or cut.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts as _, Request as HttpRequest, State};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use axum::serve::{IncomingStream, Listener};
use futures::{StreamExt as _, stream};
use md5::Md5;
use sha2::{Digest, Sha512};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::content::Content;
use super::dispatch::{Arrival, Cut, Desk, Reaction};
use super::exchange::{Answer, Body as Payload, Digests, Incoming};
use super::{follow, tunnel};
use crate::base::permit::hex;

/// Most bytes of a body that is kept. What is longer has to come as a stream of octets.
const BODY_CAP: u64 = 16 << 20;

/// Serves a desk until the future is dropped.
pub(super) async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    let app = Router::new().fallback(exchange).with_state(desk);
    let app = app.into_make_service_with_connect_info::<Line>();
    // it ends only with an error, and `accept` below keeps those to itself
    let _ = axum::serve(Door(listener), app).await;
}

async fn exchange(
    State(desk): State<Arc<Desk>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: HttpRequest,
) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    if parts.method == Method::CONNECT {
        return tunnel::open(&desk, parts);
    }
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await.ok();
    // Glance puts the image to `uploading` before it reads a byte, and what came of a transfer stays there
    let staged = parts.uri.path().ends_with("/stage");
    let Ok(body) = read(&parts.headers, body, staged).await else {
        // the client went away, or sends more than anybody reads
        return Response::builder()
            .status(StatusCode::PAYLOAD_TOO_LARGE)
            .body(Body::empty())
            .unwrap_or_default();
    };
    let head = parts.method == Method::HEAD;
    let arrival = Arrival {
        path: parts.uri.path().into(),
        query: parts.uri.query().unwrap_or_default().into(),
        method: parts.method,
        headers: parts.headers,
        body,
    };
    let Reaction { answer, cut, followed } = desk.exchange(arrival);
    if cut == Cut::Reset {
        line.reset();
    }
    match (answer.body, upgrade, followed) {
        (Payload::Session(session), Some(upgrade), _) => session.open(upgrade),
        (Payload::Flow(flow), _, Some(followed)) if !head => {
            let start = Answer { body: Payload::Text(flow.kind, String::new()), ..answer };
            let mut response = response(start, cut, line, head);
            *response.body_mut() = follow::body(desk, flow.text, followed);
            response
        }
        (body, ..) => response(Answer { body, ..answer }, cut, line, head),
    }
}

/// Reads a body. Of a stream that ends early `partly` keeps what came of it.
async fn read(headers: &HeaderMap, mut body: Body, partly: bool) -> Result<Incoming, axum::Error> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let stream = kind.starts_with("application/octet-stream");
    let (mut kept, mut count) = (Vec::new(), 0u64);
    let (mut sha, mut md, mut start) = (Sha512::new(), Md5::new(), Vec::new());
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = match frame {
            Err(_) if stream && partly => break,
            frame => frame?,
        };
        let Ok(chunk) = frame.into_data() else { continue };
        count += chunk.len() as u64;
        if stream {
            sha.update(&chunk);
            md.update(&chunk);
            let room = 32usize.saturating_sub(start.len());
            start.extend(chunk.iter().take(room));
        } else if count > BODY_CAP {
            return Err(axum::Error::new(io::Error::from(io::ErrorKind::FileTooLarge)));
        } else {
            kept.extend_from_slice(&chunk);
        }
    }
    if stream {
        let (sha512, md5) = (hex(&sha.finalize()), hex(&md.finalize()));
        return Ok(Incoming::Stream(Digests { bytes: count, sha512, md5, head: start }));
    }
    Ok(match kept.is_empty() {
        true => Incoming::Empty,
        false => match serde_json::from_slice(&kept) {
            Ok(document) => Incoming::Json(document),
            Err(_) => Incoming::Text(String::from_utf8_lossy(&kept).into_owned()),
        },
    })
}

fn response(answer: Answer, cut: Cut, line: Line, head: bool) -> Response<Body> {
    let (kind, sent) = match answer.body {
        Payload::Empty => (None, Sent::Kept(Bytes::new())),
        Payload::Json(document) => (Some("application/json"), Sent::Kept(document.to_string().into())),
        Payload::Text(kind, text) => (Some(kind), Sent::Kept(text.into())),
        // nothing more comes of it before somebody lets the time pass
        Payload::Flow(flow) => (Some(flow.kind), Sent::Kept(flow.text.into())),
        Payload::File(content, from) => (Some("application/octet-stream"), Sent::File(content, from)),
        // whoever did not ask for a WebSocket gets none
        Payload::Session(_) => {
            let said = "unable to upgrade: this needs a WebSocket\n";
            return (StatusCode::BAD_REQUEST, said).into_response();
        }
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = answer.headers;
    if let Some(kind) = kind {
        response.headers_mut().entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static(kind));
    }
    let half = matches!(cut, Cut::Half | Cut::HalfReset);
    if half || matches!(sent, Sent::File(..)) {
        response.headers_mut().insert(header::CONTENT_LENGTH, sent.length().into());
    }
    *response.body_mut() = match sent {
        sent if half => {
            let end = stream::once(async move {
                // what was sent so far goes out first
                tokio::task::yield_now().await;
                if cut == Cut::HalfReset {
                    line.reset();
                }
                Err(io::Error::from(io::ErrorKind::ConnectionAborted))
            });
            let part = sent.length() / 2;
            Body::from_stream(stream::iter(sent.pieces(part).map(Ok)).chain(end))
        }
        _ if head => Body::empty(),
        Sent::Kept(bytes) => Body::from(bytes),
        sent => {
            let all = sent.length();
            Body::from_stream(stream::iter(sent.pieces(all).map(Ok::<_, io::Error>)))
        }
    };
    response
}

/// What a body is made of.
enum Sent {
    Kept(Bytes),
    File(Content, u64),
}

impl Sent {
    fn length(&self) -> u64 {
        match self {
            Sent::Kept(bytes) => bytes.len() as u64,
            Sent::File(content, from) => content.size().saturating_sub(*from),
        }
    }

    /// So many of its first bytes.
    fn pieces(self, length: u64) -> Box<dyn Iterator<Item = Bytes> + Send> {
        match self {
            Sent::Kept(bytes) => Box::new(std::iter::once(bytes.slice(..length as usize))),
            Sent::File(content, from) => Box::new(content.pieces(from, from + length).map(Bytes::from)),
        }
    }
}

/// A listener whose connections can be reset.
struct Door(TcpListener);

/// The switch that resets one connection.
#[derive(Clone, Debug)]
struct Line {
    cut: Arc<AtomicBool>,
}

impl Line {
    fn reset(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }
}

/// One connection.
struct Wire {
    stream: TcpStream,
    line: Line,
}

impl Listener for Door {
    type Io = Wire;
    type Addr = Line;

    async fn accept(&mut self) -> (Wire, Line) {
        loop {
            match self.0.accept().await {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    let line = Line { cut: Arc::default() };
                    return (Wire { stream, line: line.clone() }, line);
                }
                // out of file descriptors, say: somebody closes one soon
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<Line> {
        Ok(Line { cut: Arc::default() })
    }
}

impl Connected<IncomingStream<'_, Door>> for Line {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.remote_addr().clone()
    }
}

impl Wire {
    /// Once cut, the connection is not closed but reset.
    fn check(&self) -> io::Result<()> {
        if !self.line.cut.load(Ordering::Relaxed) {
            return Ok(());
        }
        let _ = self.stream.set_zero_linger();
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Err(reset) = self.check() {
            return Poll::Ready(Err(reset));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
