//! A session from its journal's first record to its last.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use super::lock::Lock;
use super::names::Names;
use super::observer::Watcher;
use super::session::Session;
use super::shell::Shell;
use super::{interactive, script};
use crate::base::screen::Stream;
use crate::base::{Clock, Error, ErrorKind, Result};
use crate::run::lock::Holder;
use crate::run::{
    Approvals, Approver, Cancel, Journal, Mode, Observer, Past, Record, Run, RunSettings, Selection,
};
use crate::script::Host;
use crate::script::engine::STACK;
use crate::script::handles::SiteHandle;
use crate::script::modules::Library;
use crate::site::Site;

/// The name that a session's run goes by.
pub const NAME: &str = crate::run::SESSION;

/// How long the clean-up after a line may take, unless the site says otherwise.
const CLEANUP_WITHIN: Duration = Duration::from_secs(20 * 60);

/// Makes somebody who is asked before a change, until it is cancelled.
pub type Asker = dyn Fn(Cancel) -> Box<dyn Approver> + Send;

/// What a shell and the runs of single steps begin with.
pub struct Start {
    /// What the prompt calls the site.
    pub title: String,
    /// The lab's scenario, where it is one.
    pub scenario: Option<String>,
    /// The directory of all runs.
    pub runs: PathBuf,
    /// Makes a run's id.
    pub run_id: fn(&str, Timestamp) -> String,
    /// `user@machine`.
    pub by: String,
    /// Who is asked.
    pub approver: Box<Asker>,
    /// What is approved beforehand.
    pub approvals: Approvals,
    /// What requests run on.
    pub runtime: Handle,
    /// How long the clean-up of one step may take.
    pub cleanup_within: Duration,
    /// Journals are to outlive a power cut.
    pub durable: bool,
}

/// What a session is started with.
pub struct Settings {
    /// The site, reaching this machine's systems or a lab's.
    pub site: Site,
    /// What the prompt calls it.
    pub title: String,
    /// The lab's scenario, where it is one.
    pub scenario: Option<String>,
    /// The directory of the site's state.
    pub home: PathBuf,
    /// The directory of all runs.
    pub runs: PathBuf,
    /// Makes a run's id of its name and the time.
    pub run_id: fn(&str, Timestamp) -> String,
    /// `user@machine`.
    pub by: String,
    /// The real thing, or a rehearsal in a lab.
    pub mode: Mode,
    /// Where its time comes from.
    pub clock: Arc<dyn Clock>,
    /// What requests run on.
    pub runtime: Handle,
    /// What happens in a line is shown here.
    pub observer: Arc<dyn Observer>,
    /// Who is asked before a change.
    pub approver: Box<Asker>,
    /// What is approved beforehand.
    pub approvals: Approvals,
    /// After how long an unlocked session locks itself.
    pub idle: Duration,
}

/// Runs a session to its end. Returns the exit code.
///
/// # Errors
/// The journal cannot be written; the terminal cannot be used.
pub fn run(settings: Settings) -> Result<u8> {
    // the parser and the scripts recurse, as in a run
    let thread =
        std::thread::Builder::new().name(NAME.into()).stack_size(STACK).spawn(move || session(settings));
    let thread =
        thread.map_err(|e| Error::new(ErrorKind::Io, "no thread for the session").from_source(&e))?;
    thread.join().unwrap_or_else(|_| {
        Err(Error::new(ErrorKind::Internal, "the session's thread panicked")
            .help("this is a defect in Rhumb; the journal is intact"))
    })
}

fn session(settings: Settings) -> Result<u8> {
    let Settings { site, clock, runtime, .. } = settings;
    let id = (settings.run_id)(NAME, clock.now());
    let library = Library::new(site.layers.clone());
    let cleanup_within = site.run.cleanup_within.unwrap_or(CLEANUP_WITHIN);
    let durable = settings.mode != Mode::Rehearse;
    let journal = Journal::create(&settings.runs.join(&id), durable)?;
    let watcher = Arc::new(Watcher::new(settings.observer));
    let cancel = Cancel::default();
    let handle = SiteHandle::new(site, clock.clone());
    let excuses = handle.clone();
    let (pid, since) = (std::process::id(), clock.now().strftime("%Y-%m-%d %H:%M:%SZ").to_string());
    let run = Run::begin(
        RunSettings {
            mode: settings.mode,
            clock,
            journal,
            observer: watcher.clone(),
            approver: (settings.approver)(cancel.clone()),
            approvals: settings.approvals.clone(),
            excuse: Box::new(move |step, claim, observed| excuses.excuse(NAME, step, claim, observed)),
            past: Past::default(),
            selection: Selection::default(),
            cancel: cancel.clone(),
            cleanup_within,
        },
        Record::RunBegin {
            run: id.clone(),
            runbook: NAME.into(),
            site: handle.name().to_string(),
            mode: settings.mode.name().into(),
            version: env!("CARGO_PKG_VERSION").to_string(),
            by: settings.by.clone(),
            pid,
            values: handle.values(),
            with: Default::default(),
        },
    )?;
    let holder = Holder { run: id, by: settings.by.clone(), pid, since, step: None };
    let lock = Arc::new(Lock::new(run.clone(), (settings.home.join("lock"), holder), settings.idle));
    let host = Host::new(run.clone(), handle, library, runtime.clone());
    let session = Arc::new(Session::new(host, lock));
    listen(&runtime, session.clone())?;
    let terminal = std::io::stdin().is_terminal() && Stream::Out.is_terminal();
    let names = Arc::new(Names::new(runtime.clone()));
    let start = Start {
        title: settings.title,
        scenario: settings.scenario,
        runs: settings.runs,
        run_id: settings.run_id,
        by: settings.by,
        approver: settings.approver,
        approvals: settings.approvals,
        runtime,
        cleanup_within,
        durable,
    };
    let shell = Shell::new(session.clone(), watcher, names, terminal, start);
    let ended = match terminal {
        true => interactive::run(shell, &settings.home),
        false => script::run(shell),
    };
    session.lock.close("the session ended")?;
    let error = ended.as_ref().err();
    run.finish(error)?;
    match ended {
        Ok(code) => Ok(code),
        Err(e) if e.kind() == ErrorKind::Io => Err(e),
        // it was shown where it happened
        Err(e) => Ok(e.kind().exit_code()),
    }
}

/// Lets Ctrl-C end the call that runs; at the prompt the line editor has the key. The editor puts back what it found
/// whenever a line is read, so this has to be there before the first one: later it would be taken away again, and the
/// key would end the process.
fn listen(runtime: &Handle, session: Arc<Session>) -> Result<()> {
    let entered = runtime.enter();
    let mut keys = signal(SignalKind::interrupt())
        .map_err(|e| Error::new(ErrorKind::Io, "Ctrl-C cannot be heard").from_source(&e))?;
    drop(entered);
    runtime.spawn(async move {
        while keys.recv().await.is_some() {
            session.run().cancel().interrupt();
        }
    });
    Ok(())
}
