//! The web's servers of files, as far as a procedure fetches from them: a content network with a declared length, a name for
//! the content and ranges, which refuses some programs by what they call themselves.

use jiff::Timestamp;

use super::content::Content;
use super::exchange::{Answer, Body, Request};
use super::rehearsal::authority;
use super::scenario;
use super::service::Service;
use super::world::World;

/// Every server that has a file.
pub(super) struct Downloads;

/// A file on one of them.
pub(crate) struct File {
    /// `host:port`.
    authority: String,
    path: String,
    content: Content,
    since: Timestamp,
}

/// What Glance's web-download calls itself, and what a content network answers to that (FINDING-3).
const UNWANTED: &str = "Python-urllib";

impl scenario::Download {
    /// What the file holds.
    pub(super) fn content(&self) -> Content {
        Content::of(&self.url, self.size, &self.format)
    }
}

impl File {
    pub(super) fn of(told: &scenario::Download, now: Timestamp) -> File {
        let (_, rest) = told.url.split_once("://").unwrap_or_default();
        let path = rest.find('/').map_or("/", |at| &rest[at..]).to_string();
        File { authority: authority(&told.url), path, content: told.content(), since: now }
    }

    fn answer(&self, request: &Request) -> Answer {
        let size = self.content.size();
        let tag = format!("\"{:x}-{size:x}\"", self.since.as_second());
        // a part of what was here before is worth nothing
        let same = request.header("if-range").is_none_or(|known| known == tag);
        let range = request.header("range").filter(|_| same).and_then(rest);
        let answer = match range {
            Some(from) if from >= size => {
                Answer::empty(416).header("content-range", &format!("bytes */{size}"))
            }
            Some(from) => Answer { body: Body::File(self.content, from), ..Answer::empty(206) }
                .header("content-range", &format!("bytes {from}-{}/{size}", size.saturating_sub(1))),
            None => Answer { body: Body::File(self.content, 0), ..Answer::empty(200) },
        };
        answer.header("etag", &tag).header("accept-ranges", "bytes")
    }
}

/// Where the rest begins that a `Range` asks for. Any other range may be answered with the whole, and is.
fn rest(range: &str) -> Option<u64> {
    range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
}

impl Service for Downloads {
    fn name(&self) -> &'static str {
        "cdn"
    }

    fn prefix(&self) -> Option<&'static str> {
        None
    }

    fn plays(&self, world: &World, host: &str, port: u16) -> bool {
        let wanted = format!("{host}:{port}");
        world.downloads.iter().any(|file| file.authority == wanted)
    }

    fn answer(&self, world: &mut World, request: &Request) -> Answer {
        let host = request.header("host").unwrap_or_default();
        let here = |file: &&File| file.authority == host || file.authority.starts_with(&format!("{host}:"));
        let file = world.downloads.iter().filter(here).find(|file| file.path == request.path);
        if request.header("user-agent").is_some_and(|agent| agent.starts_with(UNWANTED)) {
            return self.failure(403, request);
        }
        match (file, request.method.as_str()) {
            (None, _) => self.failure(404, request),
            (Some(file), "GET" | "HEAD") => file.answer(request),
            (Some(_), _) => self.failure(405, request),
        }
    }

    fn failure(&self, status: u16, _: &Request) -> Answer {
        Answer::text(status, "text/html", format!("<html><h1>{status}</h1></html>\n"))
    }

    fn pattern(&self, _: &Request) -> &'static str {
        "/{file}"
    }
}
