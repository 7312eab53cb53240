//! The process that runs the runbook, and that is killed. It has nothing of the lab in it: time, commands and addresses
//! are asked of the stage over a socket, and requests go through the stage's relay.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use rhumb::base::{CancellationToken, Clock, Error, ErrorKind, Result, Secret};
use rhumb::lab;
use rhumb::run::approval::Question;
use rhumb::run::{
    Answer, Approvals, Approver, Cancel, Entry, Journal, Mode, Observer, Past, Record, Run, RunSettings,
    Selection,
};
use rhumb::script::Host;
use rhumb::script::handles::SiteHandle;
use rhumb::script::modules::Library;
use rhumb::script::runbook::evaluate;
use rhumb::site::credentials::SecretSource;
use rhumb::site::{KubeDecl, Reach, ScopeDecl, Site, Wiring};
use rhumb::systems::command::{Command, Output};
use rhumb::systems::http::Dialer;
use rhumb::systems::openstack::Policy;
use rhumb::systems::ssh::{HostKey, HostSpec, Transport};
use rhumb::systems::tool::{Runner, ToolSpec};
use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::schedules::runbooks::Book;

/// The site of every run here.
pub(crate) const SITE: &str = include_str!("../../examples/sites/roosevelt/site.toml");

/// The site that a runbook has whose run is kept there.
pub(crate) fn site_of(runbook: &str, run: &Path) -> Site {
    match Book::own(runbook) {
        Some(book) => book.site(run.parent().unwrap()),
        None => Site::from_embedded(SITE, "site.toml", &[]).unwrap(),
    }
}

/// What a process is told of its part.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Part {
    /// The socket that it asks.
    pub(crate) calls: PathBuf,
    /// Where its journal is.
    pub(crate) run: PathBuf,
    pub(crate) runbook: String,
    pub(crate) auth_url: String,
    pub(crate) resumed: bool,
    /// It dies with this record of its own.
    pub(crate) after: u64,
}

/// What it asks of the stage.
#[derive(Serialize, Deserialize)]
pub(crate) enum Call {
    Now,
    Sleep { time: Duration },
    Enter,
    Leave,
    Dial { host: String, port: u16 },
    Kubeconfig { name: String },
    Host { name: String, argv: Vec<String>, time: Duration },
    Tool { name: String, argv: Vec<String>, time: Duration },
    Asked { target: String },
}

thread_local! {
    static LINE: RefCell<Option<BufReader<UnixStream>>> = const { RefCell::new(None) };
}

/// The stage as the process knows it.
#[derive(Clone)]
struct Outside(Arc<Part>);

impl Outside {
    fn ask(&self, call: &Call) -> Value {
        LINE.with_borrow_mut(|line| {
            let line =
                line.get_or_insert_with(|| BufReader::new(UnixStream::connect(&self.0.calls).unwrap()));
            writeln!(line.get_mut(), "{}", serde_json::to_string(call).unwrap()).unwrap();
            let mut answer = String::new();
            line.read_line(&mut answer).unwrap();
            serde_json::from_str(&answer).unwrap()
        })
    }

    fn command(&self, call: &Call) -> Result<Output> {
        let came = self.ask(call);
        if let Some(kind) = came["kind"].as_str() {
            let kind = [ErrorKind::Unreachable, ErrorKind::Timeout].into_iter().find(|k| k.name() == kind);
            return Err(Error::new(kind.unwrap_or(ErrorKind::Failed), came["what"].as_str().unwrap()));
        }
        let text = |name: &str| came[name].as_str().unwrap().to_string();
        let code = came["code"].as_i64().unwrap().try_into().unwrap();
        Ok(Output { code, stdout: text("stdout"), stderr: text("stderr"), ..Output::default() })
    }
}

fn words(command: &Command) -> Vec<String> {
    command.argv().iter().map(|word| word.expose().to_string()).collect()
}

impl Clock for Outside {
    fn now(&self) -> Timestamp {
        serde_json::from_value(self.ask(&Call::Now)["now"].take()).unwrap()
    }

    fn elapsed(&self) -> Duration {
        serde_json::from_value(self.ask(&Call::Now)["elapsed"].take()).unwrap()
    }

    fn sleep(&self, time: Duration, _: &CancellationToken) -> Result<()> {
        self.ask(&Call::Sleep { time });
        Ok(())
    }

    fn enter(&self) {
        self.ask(&Call::Enter);
    }

    fn leave(&self) {
        self.ask(&Call::Leave);
    }
}

impl Dialer for Outside {
    fn dial(&self, host: &str, port: u16) -> Option<SocketAddr> {
        serde_json::from_value(self.ask(&Call::Dial { host: host.into(), port })).unwrap()
    }
}

impl Transport for Outside {
    fn exec<'a>(&'a self, host: &'a HostSpec, command: &'a Command) -> BoxFuture<'a, Result<Output>> {
        let call = Call::Host { name: host.name.clone(), argv: words(command), time: command.time() };
        async move { self.command(&call) }.boxed()
    }

    fn host_key<'a>(&'a self, host: &'a HostSpec) -> BoxFuture<'a, Result<HostKey>> {
        async move { panic!("no runbook here asks for the key of {}", host.name) }.boxed()
    }
}

impl Runner for Outside {
    fn exec<'a>(&'a self, tool: &'a ToolSpec, command: &'a Command) -> BoxFuture<'a, Result<Output>> {
        let call = Call::Tool { name: tool.name.clone(), argv: words(command), time: command.time() };
        async move { self.command(&call) }.boxed()
    }
}

impl Wiring for Outside {
    fn cloud(&self, scope: &ScopeDecl, policy: &Policy) -> Result<Reach> {
        Ok(lab::reach(&self.0.auth_url, Arc::new(self.clone()), scope, policy))
    }

    fn kubeconfig(&self, kube: &KubeDecl) -> Result<Option<Secret>> {
        let text = self.ask(&Call::Kubeconfig { name: kube.name.clone() });
        Ok(text.as_str().map(Secret::new))
    }

    fn transport(&self) -> Result<Arc<dyn Transport>> {
        Ok(Arc::new(self.clone()))
    }

    fn runner(&self) -> Arc<dyn Runner> {
        Arc::new(self.clone())
    }

    fn secret(&self, _: &SecretSource) -> Result<Secret> {
        Ok(Secret::new("rehearsal"))
    }

    fn dialer(&self) -> Option<Arc<dyn Dialer>> {
        Some(Arc::new(self.clone()))
    }
}

/// Kills the process with its record of this number.
struct Killer {
    after: u64,
    seen: AtomicU64,
}

impl Observer for Killer {
    fn entry(&self, _: &Entry) {
        if self.seen.fetch_add(1, Ordering::SeqCst) + 1 == self.after {
            kill_process(getpid(), Signal::KILL).unwrap();
        }
    }
}

/// Approves, and tells of the questions that were asked because of a doubt.
struct Operator(Outside);

impl Approver for Operator {
    fn ask(&self, question: &Question<'_>, known: Option<&str>) -> Answer {
        if known.is_none() {
            assert!(question.in_doubt, "all else is approved beforehand");
            self.0.ask(&Call::Asked { target: question.intent.target.clone() });
        }
        Answer::Once
    }

    fn attest(&self, _: &str) -> Option<String> {
        Some("the operator".into())
    }
}

/// No test: what [`crate::stage::Stage::play`] starts.
#[test]
#[ignore = "it is the process that the tests kill"]
fn a_run_in_a_process_of_its_own() {
    let part: Part = serde_json::from_str(&std::env::var("RHUMB_TEST_PART").unwrap()).unwrap();
    rhumb::systems::http::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let outside = Outside(Arc::new(part.clone()));
    let clock: Arc<dyn Clock> = Arc::new(outside.clone());
    let book = Book::own(&part.runbook);
    let site = site_of(&part.runbook, &part.run).rewired(Arc::new(outside.clone()));
    let (journal, past) = match part.resumed {
        false => (Journal::create(&part.run, false).unwrap(), Past::default()),
        true => {
            let (journal, entries) = Journal::reopen(&part.run).unwrap();
            (journal, Past::of(&entries))
        }
    };
    let library = book.map_or_else(|| Library::new(site.layers.clone()), |book| book.library(&site));
    // the tests' own read and write files, which a rehearsal has for itself
    let mode = if book.is_some() { Mode::Run } else { Mode::Rehearse };
    let handle = SiteHandle::new(site, clock.clone());
    let settings = RunSettings {
        mode,
        clock,
        journal,
        observer: Arc::new(Killer { after: part.after, seen: AtomicU64::new(0) }),
        approver: Box::new(Operator(outside)),
        approvals: Approvals::of(Some("rehearsal"), []),
        excuse: Box::new(|_, _, _| None),
        past,
        selection: Selection::default(),
        cancel: Cancel::default(),
        cleanup_within: Duration::from_secs(1200),
    };
    let (version, by, pid) = ("test".to_string(), "test".to_string(), std::process::id());
    let first = match part.resumed {
        true => Record::RunResume { version, by, pid, with: Default::default() },
        false => Record::RunBegin {
            run: "r".into(),
            runbook: part.runbook.clone(),
            site: handle.name().into(),
            mode: mode.name().into(),
            version,
            by,
            pid,
            values: handle.values(),
            with: Default::default(),
        },
    };
    let run = Run::begin(settings, first).unwrap();
    let host = Host::new(run.clone(), handle, library, runtime.handle().clone());
    let ended = evaluate(&part.runbook, &host);
    run.finish(ended.error.as_ref()).unwrap();
}
