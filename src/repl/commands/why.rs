//! `:why`: what a failed gate or an error rested on.

use super::{Command, Next};
use crate::base::{Error, ErrorKind, Result};
use crate::repl::display::{self, Look, state};
use crate::repl::shell::Shell;
use crate::run::{Entry, Record};
use crate::script::prose::Prose;
use crate::script::value;

/// Tells why.
pub const WHY: Command = Command {
    name: "why",
    arguments: "",
    doc: "What the last failed gate or error rested on: the claim, what was seen and wanted, as whom, what was waited for.",
    run: |shell, _| {
        let page = page(shell)?;
        shell.show(&page)?;
        Ok(Next::Line)
    },
};

fn page(shell: &Shell) -> Result<String> {
    let seen = shell.watcher.seen();
    let look = shell.look();
    // what stands indented has less room
    let inner = Look { width: look.width.map(|w| w - 4), ..look };
    let gate = seen.iter().rev().find(|e| matches!(&e.record, Record::Gate { ok: false, excused: None, .. }));
    let mut parts = Vec::new();
    if let Some(error) = shell.failed().filter(|e| e.kind() != ErrorKind::Gate) {
        parts.push(of_error(error, &look));
    }
    if let Some(Entry { record: Record::Gate { step, claim, observed, wanted, scopes, .. }, .. }) = gate {
        let mut text = look.paint(state::BAD, &format!("gate: {claim}"));
        for (name, evidence) in [("seen", observed), ("wanted", wanted)] {
            if !evidence.is_null() {
                let drawn =
                    value::from_json(evidence).map(|v| display::draw(&v, &inner, &|v| v.to_string()))?;
                text.push_str(&format!("\n{name}:\n{}", indented(&drawn)));
            }
        }
        if !scopes.is_empty() {
            text.push_str(&format!("\nas: {}", scopes.join(", ")));
        }
        text.push_str(&waits(&seen, step));
        if let Some(why) = reason(shell, step) {
            text.push_str(&format!("\nthe step says:\n{}", indented(&display::wrapped(&why, &inner))));
        }
        parts.push(text);
    }
    match parts.is_empty() {
        true => Err(Error::new(ErrorKind::Usage, "nothing has failed in this session")),
        false => Ok(parts.join("\n\n")),
    }
}

fn of_error(error: &Error, look: &Look) -> String {
    let d = error.detail();
    let mut text = look.paint(state::BAD, &format!("{}: {}", d.kind.name(), d.what));
    for cause in &d.causes {
        text.push_str(&format!("\n    because {}", cause.strip_prefix("because ").unwrap_or(cause)));
    }
    let facts = [
        ("in scope", d.scope.clone()),
        ("status", d.status.map(|s| s.to_string())),
        ("request id", d.request_id.clone()),
        ("help", d.help.clone()),
    ];
    for (name, fact) in facts {
        text.extend(fact.map(|fact| format!("\n    {name}: {fact}")));
    }
    text
}

/// What a step waited for, and what it saw.
fn waits(seen: &[Entry], of: &str) -> String {
    let mut text = String::new();
    for entry in seen {
        if let Record::WaitBegin { step, wait, title, .. } = &entry.record
            && step == of
        {
            let samples = seen.iter().filter_map(|e| match &e.record {
                Record::WaitSample { wait: other, state, .. } if other == wait => Some(state.as_str()),
                _ => None,
            });
            let states: Vec<&str> = samples.collect();
            text.push_str(&format!("\nwaited for {title}: {}", states.join(" → ")));
        }
    }
    text
}

/// What the runbook's comments say of a step.
fn reason(shell: &Shell, step: &str) -> Option<String> {
    let prose = Prose::of(shell.session.host.library.shelf(), shell.runbook.as_deref()?).ok()?;
    prose.step(step).ok().map(|s| s.why.clone()).filter(|why| !why.is_empty())
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
