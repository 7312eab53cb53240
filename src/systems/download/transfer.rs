//! Brings what is missing of a file, again from where it broke off if need be.

use std::time::Duration;

use super::super::file::There;
use super::super::http::Incoming;
use super::part::{Origin, Part};
use super::source::{Source, ask};
use super::{Download, Downloaded, Progress};
use crate::base::{Error, ErrorKind, Result, duration};

/// Attempts in a row that get no further before a call gives up.
const FRUITLESS: u32 = 3;

/// Before an attempt that follows one that broke off, in real time.
const PAUSE: Duration = Duration::from_millis(500);

/// Fetches a file, with what an earlier call has left of it. It replaces what was shown to be there, and nothing else.
pub(super) async fn run(download: &Download, shown: Option<&There>) -> Result<Downloaded> {
    let part = Part::open(download).await?;
    part.check_room(download.size)?;
    let mut transfer = Transfer { download, part, fetched: 0, resumed: 0 };
    let (mut fruitless, mut furthest) = (0, transfer.part.size);
    loop {
        let outcome = transfer.attempt().await;
        transfer.part.flush().await?;
        let Err(error) = outcome else { break };
        let may_pass = error.kind().is_transient() || error.kind() == ErrorKind::Protocol;
        // a server that always starts over, and always breaks off, gets nowhere
        fruitless = if transfer.part.size > furthest { 0 } else { fruitless + 1 };
        furthest = furthest.max(transfer.part.size);
        // what fails from the start is told at once
        if !may_pass || transfer.fetched == 0 || fruitless >= FRUITLESS {
            return Err(transfer.broken_off(error));
        }
        // a rehearsal takes the same attempts and no real time
        if download.http.dialer.is_none() {
            tokio::time::sleep(PAUSE).await;
        }
    }
    let Transfer { part, fetched, resumed, .. } = transfer;
    let (size, sha512) = part.finish(download, shown).await?;
    Ok(Downloaded { path: download.to.clone(), size, sha512, fetched, resumed })
}

struct Transfer<'a> {
    download: &'a Download,
    part: Part,
    fetched: u64,
    resumed: u32,
}

impl Transfer<'_> {
    /// Asks once for what is missing, and reads as much as comes.
    async fn attempt(&mut self) -> Result<()> {
        let mut source = ask(self.download, &self.part.origin, self.part.size).await?;
        if matches!(source, Source::Elsewhere) && self.part.size > 0 {
            self.part.restart(Origin::default()).await?;
            source = ask(self.download, &self.part.origin, 0).await?;
        }
        match source {
            Source::Nothing => Ok(()),
            Source::Rest { body, total } => {
                self.resumed += 1;
                self.read(body, total).await
            }
            Source::Whole { body, origin, total } => {
                self.part.restart(origin).await?;
                self.read(body, total).await
            }
            Source::Elsewhere => {
                let what = format!("{} answers with a part where the whole was asked for", self.download.url);
                Err(Error::new(ErrorKind::Protocol, what))
            }
        }
    }

    async fn read(&mut self, mut body: Incoming, total: Option<u64>) -> Result<()> {
        let total = total.or(self.download.size);
        self.part.check_room(total)?;
        while let Some(piece) = body.next().await.map_err(|failure| failure.error)? {
            self.part.append(&piece).await?;
            self.fetched += piece.len() as u64;
            if let Some(on_progress) = &self.download.on_progress {
                on_progress(Progress { done: self.part.size, total });
            }
        }
        Ok(())
    }

    fn broken_off(&self, error: Error) -> Error {
        // what it changes is a file of this machine, and nothing came for it
        let error = match error.kind() {
            ErrorKind::Unreachable if self.fetched == 0 => error.unsent(),
            _ => error,
        };
        match self.part.size {
            0 => error,
            size => error
                .help(format!("{} are kept; the same call goes on from there", duration::show_size(size))),
        }
    }
}
