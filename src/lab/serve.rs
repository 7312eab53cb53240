//! The listener on loopback: reads requests to their end, sends answers whole or cut.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{Request as HttpRequest, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::serve::{IncomingStream, Listener};
use futures::stream;
use md5::Md5;
use sha2::{Digest, Sha512};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::dispatch::{Arrival, Cut, Desk};
use super::exchange::{Answer, Body as Payload, Digests, Incoming};
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
    let (parts, body) = request.into_parts();
    let Ok(body) = read(&parts.headers, body).await else {
        // the client went away, or sends more than anybody reads
        return Response::builder()
            .status(StatusCode::PAYLOAD_TOO_LARGE)
            .body(Body::empty())
            .unwrap_or_default();
    };
    let head = parts.method == axum::http::Method::HEAD;
    let arrival = Arrival {
        path: parts.uri.path().into(),
        query: parts.uri.query().unwrap_or_default().into(),
        method: parts.method,
        headers: parts.headers,
        body,
    };
    let (answer, cut) = desk.exchange(arrival);
    if cut == Cut::Reset {
        line.cut.store(true, Ordering::Relaxed);
    }
    response(answer, cut, head)
}

async fn read(headers: &HeaderMap, mut body: Body) -> Result<Incoming, axum::Error> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let stream = kind.starts_with("application/octet-stream");
    let (mut kept, mut count) = (Vec::new(), 0u64);
    let (mut sha, mut md, mut start) = (Sha512::new(), Md5::new(), Vec::new());
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Ok(chunk) = frame?.into_data() else { continue };
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

fn response(answer: Answer, cut: Cut, head: bool) -> Response<Body> {
    let (kind, bytes) = match answer.body {
        Payload::Empty => (None, Bytes::new()),
        Payload::Json(document) => (Some("application/json"), Bytes::from(document.to_string())),
        Payload::Text(kind, text) => (Some(kind), Bytes::from(text)),
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = answer.headers;
    if let Some(kind) = kind {
        response.headers_mut().entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static(kind));
    }
    *response.body_mut() = match cut {
        Cut::Half => {
            response.headers_mut().insert(header::CONTENT_LENGTH, bytes.len().into());
            let end = Err(io::Error::from(io::ErrorKind::ConnectionAborted));
            Body::from_stream(stream::iter([Ok(bytes.slice(..bytes.len() / 2)), end]))
        }
        _ if head => Body::empty(),
        _ => Body::from(bytes),
    };
    response
}

/// A listener whose connections can be reset.
struct Door(TcpListener);

/// The switch that resets one connection.
#[derive(Clone, Debug)]
struct Line {
    cut: Arc<AtomicBool>,
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
