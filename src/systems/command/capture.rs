//! Reads what a running command prints: keeps the beginning, hands on the lines.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::{Command, OnLine, Output, Stream};

/// How long the outputs may stay open after the command ended: something it left behind may
/// hold them for ever.
const DRAIN: Duration = Duration::from_secs(2);

/// A line longer than this is handed on in pieces.
const LINE_CAP: usize = 64 << 10;

/// One output of a command, as far as it was read.
struct Capture {
    stream: Stream,
    cap: usize,
    kept: Vec<u8>,
    truncated: bool,
    on_line: Option<OnLine>,
    line: Vec<u8>,
}

impl Capture {
    fn new(stream: Stream, command: &Command) -> Self {
        Capture {
            stream,
            cap: command.output_cap,
            kept: Vec::new(),
            truncated: false,
            on_line: command.on_line.clone(),
            line: Vec::new(),
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        let room = self.cap.saturating_sub(self.kept.len()).min(bytes.len());
        self.kept.extend_from_slice(&bytes[..room]);
        self.truncated |= room < bytes.len();
        if self.on_line.is_none() {
            return;
        }
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.line.len() >= LINE_CAP {
                self.hand_on();
            }
        }
    }

    fn hand_on(&mut self) {
        let line = std::mem::take(&mut self.line);
        let Some(on_line) = self.on_line.as_ref().filter(|_| !line.is_empty()) else { return };
        on_line(self.stream, String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']));
    }

    /// Reads to the end. May be dropped at any time and called again.
    async fn pump(&mut self, from: &mut Option<impl AsyncRead + Unpin>) {
        let mut buffer = [0; 16 << 10];
        while let Some(reader) = from {
            match reader.read(&mut buffer).await {
                Ok(n) if n > 0 => self.push(&buffer[..n]),
                // a pipe that breaks has ended
                Ok(_) | Err(_) => {
                    *from = None;
                    self.hand_on();
                }
            }
        }
    }
}

/// The two outputs of a running command.
pub(in crate::systems) struct Streams<O, E> {
    stdout: Option<O>,
    stderr: Option<E>,
    out: Capture,
    err: Capture,
}

impl<O: AsyncRead + Unpin, E: AsyncRead + Unpin> Streams<O, E> {
    /// Nothing read so far.
    pub(in crate::systems) fn new(command: &Command, stdout: Option<O>, stderr: Option<E>) -> Self {
        let (out, err) = (Capture::new(Stream::Stdout, command), Capture::new(Stream::Stderr, command));
        Streams { stdout, stderr, out, err }
    }

    /// Reads until the command has ended, and then what is left.
    pub(in crate::systems) async fn until<T>(&mut self, ended: impl Future<Output = T>) -> T {
        let (out, err) = (&mut self.out, &mut self.err);
        let (stdout, stderr) = (&mut self.stdout, &mut self.stderr);
        let mut ended = pin!(ended);
        let mut reads = pin!(async { tokio::join!(out.pump(stdout), err.pump(stderr)) });
        let mut open = true;
        loop {
            tokio::select! {
                end = &mut ended => {
                    if open {
                        let _ = tokio::time::timeout(DRAIN, reads).await;
                    }
                    return end;
                }
                _ = &mut reads, if open => open = false,
            }
        }
    }

    /// What was read, with how the command ended.
    pub(in crate::systems) fn output(mut self, code: i32, duration: Duration) -> Output {
        self.out.hand_on();
        self.err.hand_on();
        let text = |capture: &Capture| String::from_utf8_lossy(&capture.kept).into_owned();
        Output {
            code,
            stdout: text(&self.out),
            stderr: text(&self.err),
            duration,
            truncated: self.out.truncated || self.err.truncated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    async fn read(command: &Command, stdout: &[u8], stderr: &[u8]) -> Output {
        let mut streams = Streams::new(command, Some(stdout), Some(stderr));
        streams.until(async {}).await;
        streams.output(0, Duration::ZERO)
    }

    #[tokio::test]
    async fn the_beginning_is_kept_and_a_cut_is_marked() {
        let command = Command::new(["x"]).output_cap(4);
        let output = read(&command, b"123456", b"12").await;
        assert_eq!((output.stdout.as_str(), output.stderr.as_str(), output.truncated), ("1234", "12", true));
        assert!(!read(&command, b"1234", b"").await.truncated);
    }

    #[tokio::test]
    async fn lines_are_handed_on_whole_and_past_the_cap() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let into = seen.clone();
        let on_line: OnLine =
            Arc::new(move |stream, line| into.lock().unwrap().push((stream, line.to_owned())));
        let command = Command::new(["x"]).output_cap(3).on_line(on_line);
        read(&command, b"one\r\n\ntwo\nrest", b"err\n").await;
        let lines = |of: Stream| -> Vec<String> {
            seen.lock().unwrap().iter().filter(|(s, _)| *s == of).map(|(_, l)| l.clone()).collect()
        };
        assert_eq!(lines(Stream::Stdout), ["one", "", "two", "rest"]);
        assert_eq!(lines(Stream::Stderr), ["err"]);
    }

    #[tokio::test]
    async fn an_output_left_open_does_not_hold_the_command() {
        let (reader, _held) = tokio::io::duplex(16);
        let command = Command::new(["x"]);
        let mut streams = Streams::new(&command, Some(reader), None::<&[u8]>);
        let started = std::time::Instant::now();
        assert_eq!(streams.until(async { 7 }).await, 7);
        assert!(started.elapsed() < DRAIN * 5);
    }
}
