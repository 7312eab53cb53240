//! A stage for scripts: a run with a journal in a temporary directory, virtual time, and somebody who
//! answers. What a test sees is what an operator's report would show.

#![allow(dead_code, clippy::unwrap_used, reason = "each test binary uses its own part of the stage")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rhumb::base::{Clock, Result, SimClock};
use rhumb::run::approval::Question;
use rhumb::run::{
    Answer, Approvals, Approver, Cancel, Entry, Journal, Mode, Observer, Past, Record, Run, RunReport,
    RunSettings, Selection,
};
use rhumb::script::Host;
use rhumb::script::handles::SiteHandle;
use rhumb::script::modules::{Library, Shelf, Text};
use rhumb::script::runbook::evaluate;
use rhumb::site::Site;

/// Texts by logical name, lowest layer first.
#[derive(Clone, Default)]
pub struct Texts(pub BTreeMap<String, Vec<(String, String)>>);

impl Shelf for Texts {
    fn texts(&self, name: &str) -> Result<Vec<Text>> {
        let found = self.0.get(name).cloned().unwrap_or_default();
        Ok(found
            .into_iter()
            .map(|(layer, text)| Text { file: format!("{layer}/{name}.rhai"), layer, text })
            .collect())
    }
    fn names(&self) -> Result<Vec<String>> {
        Ok(self.0.keys().cloned().collect())
    }
}

/// Answers the same to every question, and keeps what was asked.
pub struct Operator(pub Answer, pub Arc<Mutex<Vec<String>>>);

impl Approver for Operator {
    fn ask(&self, q: &Question<'_>, known: Option<&str>) -> Answer {
        self.1.lock().unwrap().push(format!(
            "{}: {} ({})",
            q.step,
            q.intent.summary,
            known.unwrap_or("asked")
        ));
        self.0
    }
    fn attest(&self, _: &str) -> Option<String> {
        (self.0 != Answer::Nobody).then(|| "ops".into())
    }
}

struct Nobody;
impl Observer for Nobody {
    fn entry(&self, _: &Entry) {}
}

/// What came of a script.
pub struct Outcome {
    pub report: RunReport,
    pub exit: u8,
    pub error: Option<rhumb::base::Error>,
    /// The diagnostic, drawn without colours at 100 columns.
    pub drawn: String,
    pub elapsed: Duration,
    pub entries: Vec<Entry>,
}

impl Outcome {
    /// `1 PASS, 2 FAIL: gate: ...`
    pub fn verdicts(&self) -> String {
        let words = self.report.steps.iter().map(|s| format!("{} {}", s.id, s.verdict.as_ref().unwrap()));
        words.collect::<Vec<_>>().join(", ")
    }
}

/// How a script is run.
pub struct Stage {
    pub texts: Texts,
    pub mode: Mode,
    pub answer: Answer,
    /// Who is asked in the place of somebody who always answers the same.
    pub approver: Option<Box<dyn Approver>>,
    pub past: Past,
    pub cancel: Cancel,
    pub site: Site,
    pub observer: Arc<dyn Observer>,
    pub clock: Arc<SimClock>,
}

impl Stage {
    pub fn new(script: &str) -> Self {
        let texts =
            if script.is_empty() { Texts::default() } else { Texts::default().with("main", "site", script) };
        let (mode, answer) = (Mode::Run, Answer::Run);
        let (past, cancel, observer) = (Past::default(), Cancel::default(), Arc::new(Nobody));
        Stage { texts, mode, answer, approver: None, past, cancel, site: site(), observer, clock: clock() }
    }

    pub fn with(mut self, name: &str, layer: &str, text: &str) -> Self {
        self.texts = self.texts.with(name, layer, text);
        self
    }

    pub fn run(self) -> Outcome {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let clock = self.clock;
        let site = SiteHandle::new(self.site, clock.clone());
        let excuses = site.clone();
        let settings = RunSettings {
            mode: self.mode,
            clock: clock.clone(),
            journal: Journal::create(dir.path(), true).unwrap(),
            observer: self.observer,
            approver: self.approver.unwrap_or_else(|| Box::new(Operator(self.answer, Arc::default()))),
            approvals: Approvals::default(),
            excuse: Box::new(move |step, claim, evidence| excuses.excuse("main", step, claim, evidence)),
            past: self.past,
            selection: Selection::default(),
            cancel: self.cancel,
            cleanup_within: Duration::from_secs(600),
        };
        let first =
            Record::RunResume { version: "test".into(), by: "test".into(), pid: 1, with: Default::default() };
        let run = Run::begin(settings, first).unwrap();
        let library = Library::new(self.texts);
        let host = Host::new(run.clone(), site, library.clone(), runtime.handle().clone());
        let ended = evaluate("main", &host);
        let (error, drawn) =
            (ended.error, ended.report.map(|report| report.draw(100, false).to_string()).unwrap_or_default());
        let (_, exit) = run.finish(error.as_ref()).unwrap();
        let entries = rhumb::run::journal::read(&dir.path().join("journal.jsonl")).unwrap().entries;
        Outcome { report: RunReport::of(&entries), exit, error, drawn, elapsed: clock.elapsed(), entries }
    }
}

impl Texts {
    pub fn with(mut self, name: &str, layer: &str, text: &str) -> Self {
        self.0.entry(name.into()).or_default().push((layer.into(), text.into()));
        self
    }
}

fn clock() -> Arc<SimClock> {
    Arc::new(SimClock::new("2026-06-10T02:00:00Z".parse().unwrap()))
}

/// A site that declares one handle of each kind; nothing answers behind them.
fn site() -> Site {
    let text = r#"
        name = "stage"
        [scopes.admin]
        cloud = "admin"
        [scopes.capi-mgmt]
        cloud = "admin"
        project = "capi-mgmt"
        domain = "capi"
        [hosts.capi-mgmt]
        address = "10.12.7.40"
        user = "ubuntu"
        [kube.mgmt]
        kubeconfig = "mgmt.kubeconfig"
        [tools.juju]
        program = "juju"
        [endpoints.keystone]
        url = "https://10.12.4.50:5000/v3"
    "#;
    Site::from_embedded(text, "stage", &[]).unwrap()
}

/// Runs a script as runbook `main`.
pub fn run(script: &str) -> Outcome {
    Stage::new(script).run()
}

/// A session of the stage's site, locked, and the directory of its journal.
pub fn session(runtime: &tokio::runtime::Handle) -> (rhumb::repl::session::Session, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let settings = RunSettings {
        mode: Mode::Run,
        clock: clock(),
        journal: Journal::create(dir.path(), false).unwrap(),
        observer: Arc::new(Nobody),
        approver: Box::new(Operator(Answer::No, Arc::default())),
        approvals: Approvals::default(),
        excuse: Box::new(|_, _, _| None),
        past: Past::default(),
        selection: Selection::default(),
        cancel: Cancel::default(),
        cleanup_within: Duration::from_secs(600),
    };
    let first =
        Record::RunResume { version: "test".into(), by: "test".into(), pid: 1, with: Default::default() };
    let run = Run::begin(settings, first).unwrap();
    let holder = rhumb::run::lock::Holder {
        run: "r".into(),
        by: "test".into(),
        pid: 1,
        since: String::new(),
        step: None,
    };
    let lock = (dir.path().join("lock"), holder);
    let lock = Arc::new(rhumb::repl::lock::Lock::new(run.clone(), lock, rhumb::repl::lock::IDLE));
    let site = SiteHandle::new(site(), clock());
    let host = Host::new(run, site, Library::new(Texts::default()), runtime.clone());
    (rhumb::repl::session::Session::new(host, lock), dir)
}
