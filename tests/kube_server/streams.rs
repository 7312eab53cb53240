//! Watches and exec sessions.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use axum::extract::FromRequestParts as _;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde_json::json;

use super::Cluster;

/// Tells events after a version, then waits for more, unless watches are brief.
pub fn watch(cluster: Cluster, path: String, query: BTreeMap<String, String>) -> Response {
    let from: u64 = query.get("resourceVersion").and_then(|v| v.parse().ok()).unwrap_or(0);
    let body = stream::unfold(from, move |from| {
        let (cluster, path, query) = (cluster.clone(), path.clone(), query.clone());
        async move {
            loop {
                let wake = cluster.changed.notified();
                let (events, brief) = {
                    let inner = cluster.lock();
                    (inner.store.since(&path, from, &query), inner.behaviour.brief_watches)
                };
                if let Some((last, _)) = events.last() {
                    let lines: String = events.iter().map(|(_, e)| format!("{e}\n")).collect();
                    return Some((Ok::<_, std::io::Error>(lines), *last));
                }
                if brief {
                    return None;
                }
                let _ = tokio::time::timeout(Duration::from_millis(200), wake).await;
            }
        }
    });
    Body::from_stream(body).into_response()
}

/// Runs `echo`, `fail CODE`, `cat`, `flood` and `hang`.
pub async fn exec(parts: &mut Parts, target: String) -> Response {
    let argv: Vec<String> = target
        .split_once('?')
        .map_or("", |(_, query)| query)
        .split('&')
        .filter_map(|p| p.strip_prefix("command="))
        .map(|word| super::decode(&word.replace('+', " ")))
        .collect();
    if target.contains("/pods/absent/") {
        let body = super::status(
            404,
            "NotFound",
            "pods \"absent\" not found",
            json!({"kind": "pods", "name": "absent"}),
        );
        return (axum::http::StatusCode::NOT_FOUND, body.to_string()).into_response();
    }
    match WebSocketUpgrade::from_request_parts(parts, &()).await {
        Ok(upgrade) => upgrade.protocols(["v5.channel.k8s.io"]).on_upgrade(|socket| session(socket, argv)),
        Err(refused) => refused.into_response(),
    }
}

async fn session(mut socket: WebSocket, argv: Vec<String>) {
    let frame = |channel: u8, bytes: &[u8]| Message::binary([&[channel], bytes].concat());
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    let mut code = 0;
    match words.as_slice() {
        ["echo", rest @ ..] => {
            let _ = socket.send(frame(1, format!("{}\n", rest.join(" ")).as_bytes())).await;
        }
        ["fail", number] => {
            code = number.parse().unwrap();
            let _ = socket.send(frame(2, b"it failed\n")).await;
        }
        ["cat"] => {
            while let Some(Ok(Message::Binary(bytes))) = socket.recv().await {
                match bytes.split_first() {
                    Some((0, text)) => drop(socket.send(frame(1, text)).await),
                    _ => break,
                }
            }
        }
        ["flood"] => {
            for _ in 0..64 {
                let _ = socket.send(frame(1, &[b'x'; 32 << 10])).await;
            }
        }
        ["break"] => return,
        _ => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            return;
        }
    }
    let status = match code {
        0 => json!({"metadata": {}, "status": "Success"}),
        code => json!({
            "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
            "message": format!("command terminated with non-zero exit code: exit status {code}"),
            "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
        }),
    };
    let _ = socket.send(frame(3, status.to_string().as_bytes())).await;
    let _ = socket.send(Message::Close(None)).await;
}
