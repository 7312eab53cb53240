//! Answers that go on: a watch, a log that is followed. In a rehearsal time stands still while a request is
//! answered, so such an answer ends with what there is; where time passes by itself, it is held open.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use futures::{StreamExt as _, stream};

use super::dispatch::Desk;
use super::exchange::Request;
use super::service::Service;

/// Where an answer stands that goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// What it has told last: a version, or a second since the epoch.
    pub at: u64,
    /// It has told anything at all.
    pub begun: bool,
}

/// What has come since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct More {
    /// What is told of it.
    pub text: String,
    /// Where the answer stands then.
    pub mark: Mark,
    /// Nothing will come any more.
    pub ended: bool,
}

/// A request whose answer goes on.
pub(super) struct Followed {
    pub(super) service: &'static dyn Service,
    pub(super) request: Request,
    pub(super) mark: Mark,
    /// How long the client listens, in its own time; nothing where it does not say.
    pub(super) lasts: Option<Duration>,
}

/// What there is, and all that comes, until it ends, the client's time is over, or the client goes away.
pub(super) fn body(desk: Arc<Desk>, first: String, followed: Followed) -> Body {
    let beats = desk.beats();
    let until = followed.lasts.and_then(|time| Instant::now().checked_add(time));
    let rest = stream::unfold(Some((desk, followed, beats)), move |state| async move {
        let (desk, mut followed, mut beats) = state?;
        loop {
            beats.changed().await.ok()?;
            if until.is_some_and(|until| Instant::now() >= until) {
                return None;
            }
            let more = desk.more(&followed);
            followed.mark = more.mark;
            if more.ended || !more.text.is_empty() {
                let goes_on = (!more.ended).then_some((desk, followed, beats));
                return Some((more.text, goes_on));
            }
        }
    });
    let told = stream::iter([first]).chain(rest).filter(|text| std::future::ready(!text.is_empty()));
    Body::from_stream(told.map(|text| Ok::<_, io::Error>(Bytes::from(text))))
}
