//! Asking the operator: the exact change, in a small table, and for how long a yes lasts.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::view::{self, View};
use crate::base::{Intent, Undo};
use crate::run::approval::Question;
use crate::run::{Answer, Approver, Cancel};

const WARN: Style = AnsiColor::Yellow.on_default().bold();
const DIM: Style = Style::new().dimmed();

/// Asks on the terminal, where there is one.
pub struct Terminal {
    view: Arc<View>,
    cancel: Cancel,
    /// One question at a time, however many branches ask.
    turn: Mutex<()>,
    /// How a session reads an answer; a run reads a line of standard input.
    reads: Option<fn(&str) -> Option<String>>,
}

impl Terminal {
    /// Asks below this view.
    pub fn new(view: Arc<View>, cancel: Cancel) -> Self {
        Terminal { view, cancel, turn: Mutex::new(()), reads: None }
    }

    /// Asks in a session, whose line editor reads the answers. There a yes is for a line at most.
    pub fn in_session(view: Arc<View>, cancel: Cancel, reads: fn(&str) -> Option<String>) -> Self {
        Terminal { reads: Some(reads), ..Terminal::new(view, cancel) }
    }

    /// Whether somebody is there.
    fn somebody(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
    }

    /// Reads a line behind a prompt; Ctrl-C ends the wait for it.
    fn line(&self, prompt: &str) -> Option<String> {
        if let Some(reads) = self.reads {
            return reads(prompt);
        }
        let mut out = anstream::stdout();
        let _ = write!(out, "{prompt}").and_then(|()| out.flush());
        let (send, receive) = channel();
        std::thread::spawn(move || {
            let mut text = String::new();
            let read = std::io::stdin().lock().read_line(&mut text);
            let _ = send.send(matches!(read, Ok(n) if n > 0).then_some(text));
        });
        loop {
            match receive.recv_timeout(Duration::from_millis(50)) {
                Ok(text) => return text.map(|t| t.trim().to_string()),
                Err(RecvTimeoutError::Timeout) if !self.cancel.is_cancelled() => {}
                Err(_) => return None,
            }
        }
    }
}

impl Approver for Terminal {
    fn ask(&self, q: &Question<'_>, known: Option<&str>) -> Answer {
        if known.is_some() {
            return Answer::Once; // the view shows the journaled intent
        }
        if !self.somebody() {
            return Answer::Nobody;
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.view.quietly(|| {
            let mut out = anstream::stdout();
            let _ = writeln!(out, "{}", table(q, view::columns()));
            let alone = q.intent.destroys || q.in_doubt;
            let choices = match (alone, self.reads) {
                (true, _) => "[y]es  [n]o",
                (false, Some(_)) => "[y]es  rest of the [s]tep  [n]o",
                (false, None) => "[y]es  rest of the [s]tep  rest of the [r]un  [n]o",
            };
            let prompt = format!("         {WARN}send it?{WARN:#} {choices}: ");
            loop {
                match self.line(&prompt).as_deref() {
                    Some("y" | "yes") => return Answer::Once,
                    Some("s" | "step") if !alone => return Answer::Step,
                    Some("r" | "run") if !alone && self.reads.is_none() => return Answer::Run,
                    Some("n" | "no") | None => return Answer::No,
                    Some(_) => {}
                }
            }
        })
    }

    fn attest(&self, claim: &str) -> Option<String> {
        if !self.somebody() {
            return None;
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.view.quietly(|| {
            let mut out = anstream::stdout();
            let _ = writeln!(out, "         {WARN}sign off?{WARN:#} {claim}");
            self.line("         your name, or Enter to leave it open: ").filter(|name| !name.is_empty())
        })
    }
}

/// Answers for itself: in a rehearsal nothing real is at stake.
pub struct Rehearser;

impl Approver for Rehearser {
    fn ask(&self, _: &Question<'_>, _: Option<&str>) -> Answer {
        Answer::Once
    }

    fn attest(&self, _: &str) -> Option<String> {
        Some("nobody: a rehearsal".into())
    }
}

/// Where the values of the table begin.
const VALUES: usize = 19;

/// The change as a small table. What is sent stands as it is; the rest is laid out within the columns there are.
fn table(q: &Question<'_>, width: Option<usize>) -> String {
    let i: &Intent = q.intent;
    let undo = match &i.undo {
        Undo::By(how) => how.clone(),
        Undo::Never => "cannot be undone".into(),
        Undo::Unknown => "nobody here knows".into(),
    };
    let laid = |line: String, indent| match width {
        Some(width) => view::filled(&line, width, indent),
        None => line,
    };
    let row = |name: &str, value: &str| format!("         {DIM}{name:<9}{DIM:#} {value}");
    let body = match &i.body {
        serde_json::Value::Null => "none".into(),
        body => serde_json::to_string_pretty(body).unwrap_or_default(),
    };
    let mut lines = vec![
        String::new(),
        laid(format!("         {WARN}step {} would {}{WARN:#}", q.step, i.summary), 11),
        laid(row("scope", &format!("{}: {}", i.handle, i.identity)), VALUES),
        laid(row("request", &format!("{} {}", i.method, i.target)), VALUES),
        row("body", &body.replace('\n', &format!("\n{:VALUES$}", ""))),
        laid(row("undo", &undo), VALUES),
    ];
    if q.in_doubt {
        let doubt = "it may have been sent before the cut, and a look cannot tell";
        lines.push(laid(row("in doubt", doubt), VALUES));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_is_shown_within_the_columns_there_are() {
        let body = json!({"description": "a text that is longer than a narrow terminal, and is sent as it stands here"});
        let intent = Intent {
            system: "openstack".into(),
            handle: "capi".into(),
            identity:
                "project capi-mgmt (11111111-2222-4333-8444-555555555555) domain capi, roles member, reader"
                    .into(),
            method: "POST".into(),
            target: "compute /servers/11111111-2222-4333-8444-555555555555/action".into(),
            summary: "stop server vm-1".into(),
            body: body.clone(),
            undo: Undo::By("start it".into()),
            destroys: false,
        };
        let q = Question { step: "1", title: "Stop", intent: &intent, in_doubt: false };
        let drawn = |width| anstream::adapter::strip_str(&table(&q, width)).to_string();
        let narrow = drawn(Some(60));
        for line in [
            "         scope     capi: project capi-mgmt",
            "                   domain capi, roles member, reader",
            "                   /servers/11111111-2222-4333-8444-555555555555/action",
        ] {
            assert!(narrow.lines().any(|l| l == line), "`{line}` is not in\n{narrow}");
        }
        let pretty = serde_json::to_string_pretty(&body).unwrap();
        for page in [narrow, drawn(None)] {
            assert!(
                page.contains(pretty.lines().nth(1).unwrap().trim()),
                "what is sent stands in one piece:\n{page}"
            );
        }
        assert!(drawn(None).contains(&intent.identity));
    }
}
