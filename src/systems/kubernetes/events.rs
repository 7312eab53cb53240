//! The lines of a watch.

use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use kube::client::Body;
use serde::Deserialize;
use serde_json::Value;

use crate::base::{Error, ErrorKind, Result, duration};
use crate::systems::http::Answer;

use super::ask::Ask;
use super::refusal::refusal;

/// Most bytes of one line, which is one object.
const LINE: usize = 16 << 20;

/// How long the server is asked to keep a watch open.
pub(super) const OPEN: Duration = Duration::from_secs(240);

/// A watch that lives this much longer than it was asked to has lost its server.
const GRACE: Duration = Duration::from_secs(30);

/// One line of a watch.
#[derive(Debug, PartialEq)]
pub(super) enum Event {
    /// An object is there, new or changed.
    There(Value),
    /// An object is gone; this is how it was last.
    Gone(Value),
    /// Nothing happened up to this version.
    Bookmark(Value),
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    what: String,
    object: Value,
}

/// A watch that is open.
pub(super) struct Events {
    ask: Ask,
    body: Body,
    rest: Vec<u8>,
    opened: Instant,
}

impl Events {
    pub(super) fn new(ask: Ask, body: Body) -> Self {
        Events { ask, body, rest: Vec::new(), opened: Instant::now() }
    }

    /// Whether the server should have closed it long ago.
    pub(super) fn is_lost(&self) -> bool {
        self.opened.elapsed() > OPEN + GRACE
    }

    /// The next events, at least one; `None` at the end. May be dropped at any time and called again.
    ///
    /// # Errors
    /// [`ErrorKind::Unreachable`] if the connection breaks, [`ErrorKind::Protocol`] if a line is no
    /// event, and whatever an `ERROR` event says: its status is 410 if the watch must start over.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Event>>> {
        loop {
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            let frame = frame.map_err(|e| {
                let what = format!("the watch of {} broke off", self.ask.path());
                Error::new(ErrorKind::Unreachable, what).from_source(&e)
            })?;
            let Some(chunk) = frame.data_ref() else { continue };
            self.rest.extend_from_slice(chunk);
            let events = self.lines()?;
            if !events.is_empty() {
                return Ok(Some(events));
            }
        }
    }

    fn lines(&mut self) -> Result<Vec<Event>> {
        let Some(end) = self.rest.iter().rposition(|b| *b == b'\n') else {
            if self.rest.len() > LINE {
                let what = format!(
                    "a line of the watch of {} is longer than {}",
                    self.ask.path(),
                    duration::show_size(LINE as u64)
                );
                return Err(Error::new(ErrorKind::Protocol, what));
            }
            return Ok(Vec::new());
        };
        let rest = self.rest.split_off(end + 1);
        let whole = std::mem::replace(&mut self.rest, rest);
        let lines = whole.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
        lines.map(|line| event(&self.ask, line)).collect()
    }
}

fn event(ask: &Ask, line: &[u8]) -> Result<Event> {
    let line: Line = serde_json::from_slice(line).map_err(|e| {
        Error::new(ErrorKind::Protocol, format!("a line of the watch of {} is no event", ask.path()))
            .from_source(&e)
    })?;
    match line.what.as_str() {
        "ADDED" | "MODIFIED" => Ok(Event::There(line.object)),
        "DELETED" => Ok(Event::Gone(line.object)),
        "BOOKMARK" => Ok(Event::Bookmark(line.object)),
        "ERROR" => {
            let status = line.object["code"].as_u64().and_then(|c| u16::try_from(c).ok()).unwrap_or(500);
            let body = line.object.to_string().into_bytes();
            Err(refusal(
                ask,
                &Answer { status, headers: Default::default(), body, tries: 1, withheld: false },
            ))
        }
        other => {
            let what = format!("the watch of {} has an event of type `{other}`", ask.path());
            Err(Error::new(ErrorKind::Protocol, what))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn events(chunks: &[&str]) -> Vec<Result<Vec<Event>>> {
        let mut watch = Events::new(Ask::get("/api/v1/services?watch=1"), Body::empty());
        chunks
            .iter()
            .map(|chunk| {
                watch.rest.extend_from_slice(chunk.as_bytes());
                watch.lines()
            })
            .collect()
    }

    #[test]
    fn lines_may_come_in_pieces() {
        let seen = events(&[
            "{\"type\":\"ADDED\",\"object\":{\"a\":1}}\n{\"type\":\"MODI",
            "FIED\",\"object\":{\"a\":2}}\n\n{\"type\":\"DELETED\",\"object\":{}}\n",
            "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\"}}}\n",
        ]);
        let seen: Vec<Vec<Event>> = seen.into_iter().map(Result::unwrap).collect();
        assert_eq!(
            seen,
            [
                vec![Event::There(json!({"a": 1}))],
                vec![Event::There(json!({"a": 2})), Event::Gone(json!({}))],
                vec![Event::Bookmark(json!({"metadata": {"resourceVersion": "9"}}))],
            ]
        );
    }

    #[test]
    fn an_expired_watch_says_410() {
        let line = json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired",
            "message": "too old resource version: 1 (300)"}});
        let error = events(&[&format!("{line}\n")]).remove(0).unwrap_err();
        assert_eq!(error.detail().status, Some(410));
        assert!(error.to_string().contains("too old resource version"));
    }

    #[test]
    fn what_is_no_event_is_an_error() {
        for line in ["<html>\n", "{\"type\":\"MOVED\",\"object\":{}}\n", "{}\n"] {
            let error = events(&[line]).remove(0).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol, "{line}");
        }
    }
}
