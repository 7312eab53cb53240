//! Tools as processes of this machine, each the head of a process group of its own.

use std::io::ErrorKind as Io;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin};
use tokio_util::sync::CancellationToken;

use super::super::command::{Arg, Command, KILL_AFTER, Output, Stdin, Streams};
use super::{Runner, ToolSpec};
use crate::base::{Error, ErrorKind, Result, duration};

/// How often a group that was asked to end is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Runs tools as child processes. If `rhumb` itself is killed, they are not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Processes;

impl Runner for Processes {
    fn exec<'a>(&'a self, tool: &'a ToolSpec, command: &'a Command) -> BoxFuture<'a, Result<Output>> {
        run(tool, command).boxed()
    }
}

async fn run(tool: &ToolSpec, command: &Command) -> Result<Output> {
    command.validate()?;
    if command.is_shell() {
        let what = format!("tool {} takes arguments, not a text for a shell", tool.name);
        return Err(Error::new(ErrorKind::Argument, what));
    }
    let started = Instant::now();
    let mut child = spawn(tool, command).map_err(Error::unsent)?;
    let mut streams = Streams::new(command, child.stdout.take(), child.stderr.take());
    let stdin = child.stdin.take();
    let stop = CancellationToken::new();
    let _on_drop = stop.clone().drop_guard();
    let mut supervised = tokio::spawn(supervise(child, stop.clone()));
    let ended = async {
        tokio::select! {
            status = &mut supervised => status,
            // it may end, or fill its outputs, without reading its input
            never = feed(stdin, command) => match never {},
        }
    };
    let in_time = tokio::time::timeout(command.time(), streams.until(ended)).await;
    let Ok(status) = in_time else {
        stop.cancel();
        let _ = streams.until(supervised).await;
        let what = format!("`{}` did not end within {}", tool.shown(command), duration::show(command.time()));
        let error = Error::new(ErrorKind::Timeout, what)
            .help("it was ended; give it a longer deadline if it needs one");
        return Err(streams.output(-1, started.elapsed()).quote_in(error, command));
    };
    let unknown = |e: &dyn std::error::Error| {
        Error::new(ErrorKind::Io, format!("how `{}` ended is not known", tool.shown(command))).from_source(e)
    };
    let status = status.map_err(|e| unknown(&e))?.map_err(|e| unknown(&e))?;
    Ok(streams.output(exit_code(status), started.elapsed()))
}

/// Gives a program its input, and then waits for ever.
async fn feed(stdin: Option<ChildStdin>, command: &Command) -> std::convert::Infallible {
    if let (Some(mut stdin), Stdin::Text(text)) = (stdin, command.input()) {
        // a program that does not read its input is no error
        let _ = stdin.write_all(text.expose().as_bytes()).await;
    }
    std::future::pending().await
}

fn spawn(tool: &ToolSpec, command: &Command) -> Result<Child> {
    let program = tool.locate()?;
    if !tool.cwd.is_absolute() || !tool.cwd.is_dir() {
        let what = format!("tool {}: there is no directory {} to run it in", tool.name, tool.cwd.display());
        return Err(Error::new(ErrorKind::Site, what));
    }
    let input = if *command.input() == Stdin::Closed { Stdio::null() } else { Stdio::piped() };
    tokio::process::Command::new(&program)
        .args(tool.words(command).iter().map(Arg::expose))
        .env_clear()
        .envs(tool.environment().iter().map(|(name, value)| (name, value.expose())))
        .current_dir(&tool.cwd)
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| {
            let kind = match e.kind() {
                Io::PermissionDenied | Io::NotFound => ErrorKind::Site,
                Io::ArgumentListTooLong | Io::InvalidInput => ErrorKind::Argument,
                _ => ErrorKind::Io,
            };
            Error::new(kind, format!("tool {}: {} could not be started", tool.name, program.display()))
                .from_source(&e)
        })
}

/// As a shell has it: the exit code, or 128 + n for signal n.
fn exit_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().or_else(|| status.signal().map(|n| 128 + n)).unwrap_or(-1)
}

/// Waits for a program's end. Told to stop, or itself dropped, it ends the program and all that
/// it has started.
async fn supervise(mut child: Child, stop: CancellationToken) -> std::io::Result<ExitStatus> {
    let group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
    tokio::select! {
        status = child.wait() => {
            group.let_go();
            return status;
        }
        () = stop.cancelled() => group.signal(Signal::TERM),
    }
    let grace = Instant::now() + KILL_AFTER;
    while Instant::now() < grace {
        // a leader that is not waited for counts as alive
        if child.try_wait()?.is_some() && group.is_gone() {
            group.let_go();
            return child.wait().await;
        }
        tokio::time::sleep(LOOK).await;
    }
    drop(group);
    child.wait().await
}

/// A process group, killed when this is dropped.
struct Group(Option<Pid>);

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(id) = self.0 {
            // it fails only where nobody is left
            let _ = kill_process_group(id, signal);
        }
    }

    fn is_gone(&self) -> bool {
        self.0.is_none_or(|id| test_kill_process_group(id).is_err())
    }

    /// Leaves alone what is left of it.
    fn let_go(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
