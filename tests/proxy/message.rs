//! HTTP/1.1 messages as they go over a connection: where one ends, and what its first lines say.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

/// A request, whole.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The `Host` header.
    pub(crate) host: String,
    /// Path and query.
    pub(crate) path: String,
    /// Its head as it came.
    pub(super) head: Vec<u8>,
    /// Its body as it came, with the sizes of its chunks where it has some.
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Whether its method is one of those that change something.
    pub(crate) fn changes(&self) -> bool {
        ["POST", "PUT", "PATCH", "DELETE"].contains(&self.method.as_str())
    }
}

/// An answer, whole.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: Vec<u8>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn bytes(&self) -> Vec<u8> {
        [&self.head[..], &self.body[..]].concat()
    }
}

/// Reads a request. Nothing where the connection ends before one.
pub(super) async fn request(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Request>> {
    let Some(head) = head(from).await? else { return Ok(None) };
    let text = String::from_utf8_lossy(&head);
    let mut words = text.split(' ');
    let (method, path) = (words.next().unwrap_or_default().into(), words.next().unwrap_or_default().into());
    let host = header(&head, "host").unwrap_or_default();
    let mut framing = Framing::of(&head, false);
    let mut body = Vec::new();
    while let Some(part) = framing.next(from).await? {
        body.extend(part);
    }
    Ok(Some(Request { method, host, path, head: head.clone(), body }))
}

/// Reads the answer to a request.
pub(super) async fn answer(from: &mut (impl AsyncBufRead + Unpin), to: &Request) -> io::Result<Answer> {
    let (status, head) = answer_head(from).await?;
    let mut framing = Framing::of_answer(to, status, &head);
    let mut body = Vec::new();
    while let Some(part) = framing.next(from).await? {
        body.extend(part);
    }
    Ok(Answer { status, head, body })
}

/// Reads the head of an answer: its status, and its bytes.
pub(super) async fn answer_head(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<(u16, Vec<u8>)> {
    loop {
        let head = head(from).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let text = String::from_utf8_lossy(&head);
        let status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
        // 100 and its like come before the answer
        if !(100..200).contains(&status) || status == 101 {
            return Ok((status, head.clone()));
        }
    }
}

async fn head(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut head = Vec::new();
    loop {
        let before = head.len();
        if from.read_until(b'\n', &mut head).await? == 0 {
            return if before == 0 { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        if matches!(&head[before..], b"\r\n" | b"\n") {
            return Ok(Some(head));
        }
    }
}

fn header(head: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let found = lines.find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim().to_string())
}

/// How far a body goes.
pub(super) enum Framing {
    /// So many bytes are left.
    Length(u64),
    /// It comes in chunks, each with its size before it.
    Chunks,
    /// The last chunk has come.
    Over,
    /// It goes on until the connection ends.
    Connection,
}

impl Framing {
    fn of(head: &[u8], answer: bool) -> Framing {
        if header(head, "transfer-encoding").is_some_and(|v| v.to_ascii_lowercase().contains("chunked")) {
            return Framing::Chunks;
        }
        match header(head, "content-length").and_then(|v| v.parse().ok()) {
            Some(length) => Framing::Length(length),
            None if answer => Framing::Connection,
            None => Framing::Length(0),
        }
    }

    pub(super) fn of_answer(to: &Request, status: u16, head: &[u8]) -> Framing {
        match to.method == "HEAD" || [204, 304].contains(&status) {
            true => Framing::Length(0),
            false => Framing::of(head, true),
        }
    }

    pub(super) fn ends_with_connection(&self) -> bool {
        matches!(self, Framing::Connection)
    }

    /// The next bytes as they come; nothing at the end.
    pub(super) async fn next(
        &mut self,
        from: &mut (impl AsyncBufRead + Unpin),
    ) -> io::Result<Option<Vec<u8>>> {
        let mut part = Vec::new();
        match self {
            Framing::Over | Framing::Length(0) => return Ok(None),
            Framing::Length(left) => {
                let most = usize::try_from(*left).unwrap_or(usize::MAX).min(1 << 16);
                part.resize(most, 0);
                let n = from.read(&mut part).await?;
                if n == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                part.truncate(n);
                *left -= n as u64;
            }
            Framing::Connection => {
                part.resize(1 << 16, 0);
                let n = from.read(&mut part).await?;
                part.truncate(n);
                if n == 0 {
                    *self = Framing::Over;
                    return Ok(None);
                }
            }
            Framing::Chunks => {
                if from.read_until(b'\n', &mut part).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                let size = String::from_utf8_lossy(&part);
                let size = size.trim().split(';').next().and_then(|s| usize::from_str_radix(s, 16).ok());
                let size = size.ok_or(io::ErrorKind::InvalidData)?;
                if size == 0 {
                    // trailers, and the empty line behind them
                    loop {
                        let before = part.len();
                        from.read_until(b'\n', &mut part).await?;
                        if matches!(&part[before..], b"\r\n" | b"\n" | b"") {
                            break;
                        }
                    }
                    *self = Framing::Over;
                    return Ok(Some(part));
                }
                let begins = part.len();
                part.resize(begins + size + 2, 0);
                from.read_exact(&mut part[begins..]).await?;
            }
        }
        Ok(Some(part))
    }
}
