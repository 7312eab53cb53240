//! Tunnels through the lab: a client that has it for a proxy, and wants more than requests of it, asks for one.
//! Whatever the tunnel leads to is the lab's as well, so behind it is the same listener.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse as _;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::dispatch::Desk;

/// Answers `CONNECT HOST:PORT`: with a tunnel, if anything of the lab answers there now.
pub(super) fn open(desk: &Desk, mut parts: Parts) -> Response<Body> {
    let known = parts.uri.authority().and_then(|a| Some((a.host(), a.port_u16()?)));
    let led = known.is_some_and(|(host, port)| desk.is_at(host, port) || desk.answers_at(host, port));
    let (true, Some(upgrade)) = (led, parts.extensions.remove::<OnUpgrade>()) else {
        return (StatusCode::BAD_GATEWAY, "nothing in this lab answers there\n").into_response();
    };
    let address = desk.address;
    tokio::spawn(async move {
        // whichever end goes away, the other hears of it by its connection's end
        if let (Ok(client), Ok(mut lab)) = (upgrade.await, TcpStream::connect(address).await) {
            let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(client), &mut lab).await;
        }
    });
    Response::new(Body::empty())
}
