//! A program of the site's that is told when a run needs somebody, fails or ends: JSON on its standard input.
//! What becomes of it never changes the run; that it failed is said.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::approval::Question;
use super::record::{Entry, Record, Verdict};
use crate::systems::command::Command;
use crate::systems::tool::Tool;

/// How long the program may take for one message.
const WITHIN: Duration = Duration::from_secs(30);

/// Tells a site's program of a run. Clones tell the same one.
#[derive(Clone)]
pub struct Notifier(Arc<Shared>);

struct Shared {
    /// What every message begins with: the run, its runbook and its site.
    about: Map<String, Value>,
    queue: Mutex<Option<UnboundedSender<Value>>>,
    worker: Mutex<Option<JoinHandle<()>>>,
    runtime: Handle,
    /// Failed steps so far, with what failed them.
    failed: Mutex<Vec<Value>>,
}

impl Notifier {
    /// A notifier that runs `tool` with these arguments for each message, one after the other. `say` is told of
    /// messages that did not get through.
    pub fn new(
        tool: Tool,
        arguments: Vec<String>,
        about: Map<String, Value>,
        runtime: &Handle,
        say: impl Fn(&str) + Send + Sync + 'static,
    ) -> Self {
        let (queue, mut messages) = unbounded_channel::<Value>();
        let worker = runtime.spawn(async move {
            while let Some(message) = messages.recv().await {
                let command = Command::new(arguments.iter().map(String::as_str));
                let command = command.stdin(format!("{message}\n")).deadline(WITHIN);
                let told = match tool.query(&command).await {
                    Ok(output) => output.success(&command, "this machine").map(drop),
                    Err(e) => Err(e),
                };
                if let Err(e) = told {
                    let event = message["event"].as_str().unwrap_or_default();
                    say(&format!("nobody was notified of \"{event}\": {e}"));
                }
            }
        });
        Notifier(Arc::new(Shared {
            about,
            queue: Mutex::new(Some(queue)),
            worker: Mutex::new(Some(worker)),
            runtime: runtime.clone(),
            failed: Mutex::default(),
        }))
    }

    /// Tells of something; does not wait for it.
    fn tell(&self, event: &str, more: Value) {
        let mut message = Map::from_iter([("event".to_string(), Value::from(event))]);
        message.extend(self.0.about.clone());
        if let Value::Object(more) = more {
            message.extend(more);
        }
        let queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = &*queue {
            let _ = queue.send(message.into());
        }
    }

    /// Waits until all has been told.
    pub fn close(&self) {
        drop(self.0.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let worker = self.0.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(worker) = worker {
            let _ = self.0.runtime.block_on(worker);
        }
    }

    /// A change needs an approval.
    pub fn asks(&self, question: &Question<'_>) {
        let i = question.intent;
        self.tell(
            "needs-approval",
            json!({
                "step": question.step, "title": question.title, "summary": i.summary, "method": i.method,
                "target": i.target, "url": i.url, "handle": i.handle, "identity": i.identity, "destroys": i.destroys,
            }),
        );
    }

    /// A claim needs somebody's name.
    pub fn asks_to_sign(&self, claim: &str) {
        self.tell("needs-approval", json!({"claim": claim}));
    }

    /// What a record means to those who are not there.
    pub fn journaled(&self, entry: &Entry) {
        let at = entry.at.to_string();
        match &entry.record {
            Record::StepEnd {
                step,
                verdict: Verdict::Fail { reason } | Verdict::Unknown { reason },
                error,
                ..
            } => {
                let failure = json!({"at": at, "step": step, "reason": reason, "error": error});
                self.0
                    .failed
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(json!({"step": step, "reason": reason}));
                self.tell("failure", failure);
            }
            Record::RunEnd { ok, exit, outcome, lacks, seconds, error } => {
                let failed = self.0.failed.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let end = json!({
                    "at": at, "ok": ok, "exit": exit, "outcome": outcome, "lacks": lacks, "seconds": seconds,
                    "error": error, "failed": failed,
                });
                self.tell("end", end);
            }
            _ => {}
        }
    }
}
