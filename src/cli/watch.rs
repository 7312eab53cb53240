//! Who sees a run and is asked by it: the terminal; the site's lock, which shows others the step; and the program
//! that the site has told of what somebody must know.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use serde_json::{Map, json};
use tokio::runtime::Handle;

use super::ask::Terminal;
use super::view::View;
use crate::run::approval::Question;
use crate::run::lock::{Holder, SiteLock};
use crate::run::{Answer, Approver, Entry, Notifier, Observer, Record, Run, Transfer, Waiting};
use crate::site::Site;
use crate::systems::tool::{Tool, ToolSpec};

/// The notifier of a site, where it names a program. That a message did not get through is noted in the run, once
/// there is one.
pub(super) fn notifier(
    site: &Site,
    holder: &Holder,
    runbook: &str,
    directory: &Path,
    runtime: &Handle,
    run: Arc<OnceLock<Run>>,
) -> Option<Notifier> {
    let Some([program, arguments @ ..]) = site.run.notify.as_deref() else { return None };
    let here = site.layers.site_directory().map_or_else(std::env::temp_dir, Path::to_path_buf);
    let tool = Tool::new(ToolSpec::new("notify", program, here), site.runner());
    let about = json!({
        "run": holder.run, "runbook": runbook, "site": site.name, "by": holder.by,
        "directory": directory.display().to_string(),
    });
    let about: Map<_, _> = about.as_object().cloned().unwrap_or_default();
    let say = move |text: &str| {
        if let Some(run) = run.get() {
            let _ = run.note(text); // where the journal cannot be written, the run says so itself
        }
    };
    Some(Notifier::new(tool, arguments.to_vec(), about, runtime, say))
}

/// All that see a run.
pub(super) struct Watch {
    view: Arc<View>,
    lock: Option<Arc<SiteLock>>,
    notifier: Option<Notifier>,
}

impl Watch {
    pub(super) fn new(view: Arc<View>, lock: Option<Arc<SiteLock>>, notifier: Option<Notifier>) -> Self {
        Watch { view, lock, notifier }
    }
}

impl Observer for Watch {
    fn entry(&self, entry: &Entry) {
        if let (Record::StepBegin { step, .. }, Some(lock)) = (&entry.record, &self.lock) {
            lock.mark(step);
        }
        self.view.entry(entry);
        if let Some(notifier) = &self.notifier {
            notifier.journaled(entry);
        }
    }

    fn waiting(&self, waiting: &Waiting) {
        self.view.waiting(waiting);
    }

    fn transferring(&self, transfer: &Transfer) {
        self.view.transferring(transfer);
    }
}

/// The terminal, whose operator is called when there is something to ask.
pub(super) struct Front {
    terminal: Terminal,
    notifier: Option<Notifier>,
}

impl Front {
    pub(super) fn new(terminal: Terminal, notifier: Option<Notifier>) -> Self {
        Front { terminal, notifier }
    }
}

impl Approver for Front {
    fn ask(&self, question: &Question<'_>, known: Option<&str>) -> Answer {
        if let (None, Some(notifier)) = (known, &self.notifier) {
            notifier.asks(question);
        }
        self.terminal.ask(question, known)
    }

    fn attest(&self, claim: &str) -> Option<String> {
        if let Some(notifier) = &self.notifier {
            notifier.asks_to_sign(claim);
        }
        self.terminal.attest(claim)
    }
}
