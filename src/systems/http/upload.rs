//! A file as a request's body, read as it is sent: an image is larger than memory.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::stream;
use reqwest::{Body, RequestBuilder, Response};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use crate::base::{Error, ErrorKind, Result, duration};

use super::failure::{Phase, failure, unanswered};

/// Bytes read at once.
const BLOCK: usize = 256 << 10;

/// No bound on the time for a whole file: its pieces have theirs.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// Called with the bytes sent so far.
pub type OnSent = Arc<dyn Fn(u64) + Send + Sync>;

/// A file to send.
#[derive(Clone)]
pub struct Upload {
    path: PathBuf,
    size: u64,
    on_sent: Option<OnSent>,
}

impl Upload {
    /// A file that is there.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where there is no such file.
    pub fn of(path: &Path, on_sent: Option<OnSent>) -> Result<Self> {
        let wrong = |why: &str| Error::new(ErrorKind::Io, format!("{} {why}", path.display()));
        let about = std::fs::metadata(path).map_err(|e| wrong("cannot be read").from_source(&e))?;
        if !about.is_file() {
            return Err(wrong("is no file"));
        }
        Ok(Upload { path: path.to_path_buf(), size: about.len(), on_sent })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size in bytes when it was looked at, which is what is announced.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Sends it as the body of a request. `silence` is the longest time in which nothing moves.
    pub(super) async fn send(
        &self,
        request: RequestBuilder,
        silence: Duration,
        phase: Phase<'_>,
    ) -> Result<Response> {
        let file = std::fs::File::open(&self.path).map_err(|e| {
            Error::new(ErrorKind::Io, format!("{} cannot be read", self.path.display())).from_source(&e)
        })?;
        let sent = Arc::new(AtomicU64::new(0));
        let request = request
            .header("content-length", self.size)
            .body(self.body(File::from_std(file), sent.clone()))
            .timeout(LONGEST);
        tokio::select! {
            answer = request.send() => answer.map_err(|e| failure(e, phase)),
            () = stalled(&sent, silence) => Err(self.stuck(&sent, phase)),
        }
    }

    fn body(&self, file: File, sent: Arc<AtomicU64>) -> Body {
        let on_sent = self.on_sent.clone();
        Body::wrap_stream(stream::try_unfold(file, move |mut file| {
            let (sent, on_sent) = (sent.clone(), on_sent.clone());
            async move {
                let mut block = vec![0; BLOCK];
                let n = file.read(&mut block).await?;
                block.truncate(n);
                let so_far = sent.fetch_add(n as u64, Ordering::Relaxed) + n as u64;
                if let Some(on_sent) = on_sent {
                    on_sent(so_far);
                }
                Ok::<_, std::io::Error>((n > 0).then_some((block, file)))
            }
        }))
    }

    fn stuck(&self, sent: &AtomicU64, phase: Phase<'_>) -> Error {
        let (sent, size) = (sent.load(Ordering::Relaxed), self.size);
        let (sent, size) = (duration::show_size(sent), duration::show_size(size));
        let what = format!("{} took {sent} of {size}, and then nothing for {}", phase.place(), phase.timeout);
        unanswered(what, phase)
    }
}

/// Comes back when nothing was sent for a while.
async fn stalled(sent: &AtomicU64, silence: Duration) {
    let mut before = sent.load(Ordering::Relaxed);
    loop {
        tokio::time::sleep(silence).await;
        let now = sent.load(Ordering::Relaxed);
        if now == before {
            return;
        }
        before = now;
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upload({}, {} bytes)", self.path.display(), self.size)
    }
}
