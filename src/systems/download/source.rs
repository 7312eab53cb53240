//! What the server says: which bytes of which content come, or why none do.

use super::super::http::{Http, Incoming, Method, Request, Url};
use super::Download;
use super::part::Origin;
use crate::base::{Error, ErrorKind, Result};

/// Redirects followed; each hop of a CDN takes one.
const REDIRECTS: usize = 5;

/// What comes in answer to a request for the rest of a file.
pub(super) enum Source {
    /// The bytes from the one asked for.
    Rest {
        /// They are still to be read.
        body: Incoming,
        /// Bytes of the whole.
        total: Option<u64>,
    },
    /// All bytes from the first: the server cannot resume, or has other content now.
    Whole {
        /// They are still to be read.
        body: Incoming,
        /// What they are a part of.
        origin: Origin,
        /// Bytes of the whole.
        total: Option<u64>,
    },
    /// Nothing is left to come.
    Nothing,
    /// There is no such place in the content: it is other content now.
    Elsewhere,
}

/// Asks for a file from its byte number `from`, which is a part of `origin`.
pub(super) async fn ask(download: &Download, origin: &Origin, from: u64) -> Result<Source> {
    let http = Http::new(download.http.clone());
    let mut url = download.url.clone();
    for _ in 0..=REDIRECTS {
        // no compression: the digest, and the place to go on from, are of the file's own bytes
        let mut request = Request::new(Method::GET, &url)?.header("accept-encoding", "identity")?;
        if from > 0 {
            request = request.header("range", &format!("bytes={from}-"))?;
            if let Some(validator) = &origin.validator {
                request = request.header("if-range", validator)?;
            }
        }
        let answer = http.open(&request).await.map_err(|failure| failure.error)?;
        match answer.status() {
            301 | 302 | 303 | 307 | 308 => url = redirected(&request.url, &answer)?,
            200 | 206 if is_page(download, &request.url, &answer) => {
                return Err(a_page(&request.url, answer.status()));
            }
            200 => {
                let origin = Origin { url: download.url.clone(), validator: validator(&answer) };
                let total = answer.length();
                return Ok(Source::Whole { body: answer, origin, total });
            }
            206 => {
                let (first, total) =
                    answer.header("content-range").and_then(content_range).unwrap_or((None, None));
                return match first {
                    Some(first) if first == from => Ok(Source::Rest { body: answer, total }),
                    _ => Ok(Source::Elsewhere),
                };
            }
            416 => {
                let total =
                    answer.header("content-range").and_then(content_range).and_then(|(_, total)| total);
                return Ok(if total == Some(from) { Source::Nothing } else { Source::Elsewhere });
            }
            status => return Err(refused(download, &request.url, status)),
        }
    }
    Err(Error::new(ErrorKind::Protocol, format!("{} redirects more than {REDIRECTS} times", download.url)))
}

fn redirected(from: &Url, answer: &Incoming) -> Result<String> {
    let wrong = |why: &str| {
        Error::new(ErrorKind::Protocol, format!("{from} redirects {why}")).status(answer.status())
    };
    let to = answer.header("location").ok_or_else(|| wrong("to nowhere"))?;
    let to = from.join(to).map_err(|e| wrong("to what is no URL").from_source(&e))?;
    if from.scheme() == "https" && to.scheme() != "https" {
        return Err(wrong("from https to an address without encryption"));
    }
    Ok(to.into())
}

/// The server's name for this very content. A weak `ETag` names what is only much the same.
fn validator(answer: &Incoming) -> Option<String> {
    let etag = answer.header("etag").filter(|tag| !tag.starts_with("W/"));
    etag.or_else(|| answer.header("last-modified")).map(str::to_owned)
}

/// First byte and length of the whole of a `Content-Range`: `bytes 5-9/10`, `bytes */10`.
fn content_range(text: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let first = range.split_once('-').and_then(|(first, _)| first.trim().parse().ok());
    Some((first, total.trim().parse().ok()))
}

/// Whether a page comes where a file was asked for. With a digest the bytes themselves are held to it.
fn is_page(download: &Download, url: &Url, answer: &Incoming) -> bool {
    let path = url.path().to_ascii_lowercase();
    let asked_for = path.ends_with('/') || [".html", ".htm", ".xhtml"].iter().any(|end| path.ends_with(end));
    let is_html =
        answer.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    download.sha512.is_none() && is_html && !asked_for
}

fn a_page(url: &Url, status: u16) -> Error {
    Error::new(ErrorKind::Protocol, format!("{url} answers with a page where a file was due"))
        .status(status)
        .help("something between here and the server may have answered in its place; with a `sha512` only the file's own bytes count")
}

fn refused(download: &Download, url: &Url, status: u16) -> Error {
    let agent = &download.http.user_agent;
    let (kind, help) = match status {
        401 => (
            ErrorKind::Unauthorized,
            Some("a download has no credential; use a URL that needs none".to_owned()),
        ),
        403 => (
            ErrorKind::Forbidden,
            Some(format!(
                "some content networks refuse by user agent, and this request said `{agent}`: \
                 if the same URL works with curl, set a user agent such as `curl/8`"
            )),
        ),
        404 | 410 => (ErrorKind::NotFound, None),
        429 | 500..=599 => (ErrorKind::Transient, None),
        _ => (ErrorKind::Protocol, None),
    };
    let error = Error::new(kind, format!("{url} answers {status}")).status(status);
    match help {
        Some(help) => error.help(help),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_is_read_as_the_protocol_has_it() {
        for (text, range) in [
            ("bytes 5-9/10", Some((Some(5), Some(10)))),
            ("bytes 5-9/*", Some((Some(5), None))),
            ("bytes */10", Some((None, Some(10)))),
            ("items 5-9/10", None),
            ("bytes 5", None),
            ("bytes x-y/z", Some((None, None))),
        ] {
            assert_eq!(content_range(text), range, "{text}");
        }
    }
}
