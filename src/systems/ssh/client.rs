//! The real transport: OpenSSH's own client, one master connection a host.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use openssh::{ControlPersist, KnownHosts, Session, SessionBuilder, Stdio};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Semaphore;

use super::super::command::{Arg, Command, KILL_AFTER, Output, Streams};
use super::config::{Purpose, TARGET, ssh_config};
use super::{HostKey, HostSpec, Transport, failure, remote};
use crate::base::{Error, ErrorKind, Result, duration};

/// How long an idle master outlives a `rhumb` that was killed.
const IDLE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(59);

/// What a login may take on top of the time to connect.
const LOGIN: Duration = Duration::from_secs(20);

/// What an answer may take on top of a command's deadline and the time to kill it.
const ANSWER: Duration = Duration::from_secs(10);

/// Commands at once over one connection; `sshd` allows 10 (`MaxSessions`).
const CHANNELS: usize = 8;

/// A Unix socket's path takes 107 bytes, of which `openssh` and `ssh` append 46.
const LONGEST_DIR: usize = 60;

/// Codes with which `timeout` says that the deadline passed: its own, SIGKILL, SIGTERM.
const TIMED_OUT: [i32; 3] = [124, 137, 143];

/// Runs commands through the `ssh` program, with a private configuration for each host.
pub struct OpenSsh {
    // dropped first: a master ends when its session is dropped
    masters: Mutex<HashMap<HostSpec, Arc<Master>>>,
    control: TempDir,
}

/// The connection to one host.
struct Master {
    session: tokio::sync::Mutex<Option<Arc<Session>>>,
    channels: Semaphore,
}

impl OpenSsh {
    /// No connection yet; each is made at its first use.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where no private directory for the control sockets can be made.
    pub fn new() -> Result<Self> {
        let mut base = std::env::temp_dir();
        if base.as_os_str().len() > LONGEST_DIR - ".rhumb-XXXXXX/".len() {
            base = PathBuf::from("/tmp");
        }
        let control = tempfile::Builder::new().prefix(".rhumb-").tempdir_in(&base).map_err(|e| {
            Error::new(ErrorKind::Io, format!("no directory for SSH connections in {}", base.display()))
                .from_source(&e)
        })?;
        Ok(OpenSsh { masters: Mutex::default(), control })
    }

    /// Ends every connection. Those left open end when this is dropped, or a minute after
    /// `rhumb` was killed.
    pub async fn close(&self) {
        let masters = std::mem::take(&mut *self.masters.lock().unwrap_or_else(PoisonError::into_inner));
        for master in masters.into_values() {
            let session = master.session.lock().await.take();
            if let Some(session) = session.and_then(Arc::into_inner) {
                // one that is gone already is as good
                let _ = session.close().await;
            }
        }
    }

    fn master(&self, host: &HostSpec) -> Arc<Master> {
        let mut masters = self.masters.lock().unwrap_or_else(PoisonError::into_inner);
        masters
            .entry(host.clone())
            .or_insert_with(|| {
                Arc::new(Master {
                    session: tokio::sync::Mutex::default(),
                    channels: Semaphore::new(CHANNELS),
                })
            })
            .clone()
    }

    /// The connection to a host: the one that stands, or a new one.
    fn session<'a>(&'a self, host: &'a HostSpec) -> BoxFuture<'a, Result<Arc<Session>>> {
        async move {
            let master = self.master(host);
            let mut held = master.session.lock().await;
            if let Some(session) = held.as_ref()
                && session.check().await.is_ok()
            {
                return Ok(session.clone());
            }
            *held = None;
            let connect = self.connect(host, &host.known_hosts, Purpose::LogIn).await?;
            let session = match connect {
                Ok(session) => Arc::new(session),
                Err(error) => return Err(failure::to_connect(host, &error).await),
            };
            *held = Some(session.clone());
            Ok(session)
        }
        .boxed()
    }

    /// One attempt to connect. The inner result is what `ssh` had to say.
    async fn connect(
        &self,
        host: &HostSpec,
        known_hosts: &Path,
        purpose: Purpose,
    ) -> Result<Result<Session, openssh::Error>> {
        host.validate()?;
        let jump = match host.jump.as_deref() {
            Some(through) => {
                let session = self.session(through).await.map_err(|e| {
                    let what =
                        format!("{} is reached through {}, which cannot be used", host.name, through.name);
                    e.context(what)
                })?;
                Some(session.control_socket().to_owned())
            }
            None => None,
        };
        let config = self.write(&ssh_config(host, known_hosts, jump.as_deref(), purpose))?;
        let mut builder = SessionBuilder::default();
        builder
            .known_hosts_check(if purpose == Purpose::SeeKey { KnownHosts::Add } else { KnownHosts::Strict })
            .config_file(config.path())
            .control_directory(self.control.path())
            .control_persist(ControlPersist::IdleFor(IDLE));
        // a task of its own: where the caller goes, `ssh` still comes to an end, and its master too
        let attempt = tokio::spawn(async move {
            let session = builder.connect_mux(TARGET).await;
            drop(config);
            session
        });
        match tokio::time::timeout(host.connect_timeout + LOGIN, attempt).await {
            Ok(Ok(session)) => Ok(session),
            Ok(Err(e)) => Err(Error::new(ErrorKind::Internal, "connecting broke off").from_source(&e)),
            Err(_) => Err(Error::new(ErrorKind::Unreachable, format!("no connection to {}", host.name))
                .cause(format!("no login within {}", duration::show(host.connect_timeout + LOGIN)))
                .unsent()),
        }
    }

    fn write(&self, config: &str) -> Result<tempfile::NamedTempFile> {
        let write = || {
            let file = tempfile::Builder::new().prefix("config-").tempfile_in(self.control.path())?;
            std::fs::write(file.path(), config)?;
            Ok::<_, std::io::Error>(file)
        };
        write().map_err(|e| {
            Error::new(ErrorKind::Io, "the SSH configuration could not be written").from_source(&e)
        })
    }

    async fn run(&self, host: &HostSpec, command: &Command) -> Result<Output> {
        let (line, text) = remote::command_line(command)?;
        let master = self.master(host);
        // never closed, so this only waits
        let _channel = master.channels.acquire().await;
        let session = self.session(host).await?;
        let shown = command.shown();

        let started = Instant::now();
        let mut child = session
            .clone()
            .arc_raw_command(line)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .await
            .map_err(|e| failure::to_start(host, &shown, &e))?;
        let mut lifeline = child.stdin().take();
        let mut streams = Streams::new(command, child.stdout().take(), child.stderr().take());
        let text = text.map_or("", Arg::expose);
        let ended = async {
            if let Some(stdin) = &mut lifeline {
                // a command that does not read its input is no error
                let _ = stdin.write_all(text.as_bytes()).await;
                let _ = stdin.flush().await;
            }
            child.wait().await
        };
        let limit = Duration::from_secs(remote::seconds(command)) + KILL_AFTER + ANSWER;
        let end = tokio::time::timeout(limit, streams.until(ended)).await;
        drop(lifeline);
        let took = started.elapsed();

        let late = |code, streams: Streams<_, _>| {
            let what =
                format!("`{shown}` on {} did not end within {}", host.name, duration::show(command.time()));
            streams.output(code, took).quote_in(Error::new(ErrorKind::Timeout, what), command)
        };
        let code = match end {
            Err(_) => {
                return Err(late(-1, streams)
                    .help("the host does not answer any more; whether it was ended there is not known"));
            }
            Ok(Ok(status)) => status.code().unwrap_or(-1),
            // the crate takes this code for an error of its own
            Ok(Err(openssh::Error::Remote(_))) => 127,
            Ok(Err(openssh::Error::RemoteProcessTerminated)) if session.check().await.is_ok() => {
                let what = format!("`{shown}` was killed on {}, with the shell around it", host.name);
                return Err(streams.output(-1, took).quote_in(Error::new(ErrorKind::Command, what), command));
            }
            Ok(Err(error)) => return Err(failure::lost(host, &shown, &error)),
        };
        if took >= command.time() && TIMED_OUT.contains(&code) {
            return Err(
                late(code, streams).help("it was ended there; give it a longer deadline if it needs one")
            );
        }
        Ok(streams.output(code, took))
    }

    async fn see_key(&self, host: &HostSpec) -> Result<HostKey> {
        let seen = self.write("")?;
        let attempt = self.connect(host, seen.path(), Purpose::SeeKey).await?;
        let line = std::fs::read_to_string(seen.path()).unwrap_or_default();
        match (line.lines().next(), attempt) {
            (Some(line), _) => HostKey::parse(line),
            (None, Err(error)) => Err(failure::to_connect(host, &error).await),
            (None, Ok(_)) => Err(Error::new(
                ErrorKind::Protocol,
                format!("{} let us in without showing a host key", host.name),
            )),
        }
    }
}

impl Transport for OpenSsh {
    fn exec<'a>(&'a self, host: &'a HostSpec, command: &'a Command) -> BoxFuture<'a, Result<Output>> {
        self.run(host, command).boxed()
    }

    fn host_key<'a>(&'a self, host: &'a HostSpec) -> BoxFuture<'a, Result<HostKey>> {
        self.see_key(host).boxed()
    }
}
