//! A command in a container, over a WebSocket: a channel for each of its streams, and one that tells how it ended.

use axum::body::{Body, Bytes};
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::Response;
use serde_json::Value;

/// What clients and kubelets speak, the newest first: `v5` can say that the input has come to its end.
const PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ENDED: u8 = 3;
/// A channel, whose number follows, has come to its end.
const CLOSED: u8 = 255;

/// What a command will have done, once its input has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// It gives back what it reads, before anything else.
    pub echoes: bool,
    /// What it prints.
    pub stdout: String,
    /// What it complains of.
    pub stderr: String,
    /// The `Status` that tells how it ended.
    pub status: Value,
}

impl Session {
    /// Answers a request that asks for the WebSocket.
    pub(super) fn open(self, upgrade: WebSocketUpgrade) -> Response<Body> {
        upgrade.protocols(PROTOCOLS).on_upgrade(|socket| async {
            // whoever has gone away hears nothing
            let _ = self.play(socket).await;
        })
    }

    async fn play(self, mut socket: WebSocket) -> Result<(), axum::Error> {
        let mut stdout = if self.echoes { input(&mut socket).await? } else { Vec::new() };
        stdout.extend_from_slice(self.stdout.as_bytes());
        let status = self.status.to_string().into_bytes();
        for (channel, bytes) in [(STDOUT, stdout), (STDERR, self.stderr.into_bytes()), (ENDED, status)] {
            if !bytes.is_empty() {
                let framed: Vec<u8> = std::iter::once(channel).chain(bytes).collect();
                socket.send(Message::Binary(Bytes::from(framed))).await?;
            }
        }
        // without a code clients take it for a fault
        socket.send(Message::Close(Some(CloseFrame { code: close_code::NORMAL, reason: "".into() }))).await
    }
}

/// All that is sent as input, until it is closed.
async fn input(socket: &mut WebSocket) -> Result<Vec<u8>, axum::Error> {
    let mut all = Vec::new();
    while let Some(message) = socket.recv().await {
        let Message::Binary(bytes) = message? else { continue };
        match bytes.split_first() {
            Some((&STDIN, text)) => all.extend_from_slice(text),
            Some((&CLOSED, [STDIN])) => break,
            _ => {}
        }
    }
    Ok(all)
}
