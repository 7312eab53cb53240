//! `:why`: what a failed gate or an error rested on.

use serde_json::Value;

use super::{Command, Next, kept};
use crate::base::{Error, ErrorKind, Result};
use crate::repl::display::{self, Look, json, state, table};
use crate::repl::shell::Shell;
use crate::run::{Entry, Record};
use crate::script::prose::Prose;
use crate::script::value;

/// Tells why.
pub const WHY: Command = Command {
    name: "why",
    arguments: "[STEP | RUN]",
    brief: "what the last failed gate or error rested on",
    doc: "What the last failed gate or error rested on: the claim, what was seen and wanted, as whom, what was waited for. \
          Of a step, by its id; or of a run that is kept.",
    run: |shell, of| {
        let (page, look) = (page(shell, of)?, shell.look());
        let indent = |line: &str| line.len() - line.trim_start().len();
        let lines: Vec<String> =
            page.lines().map(|line| display::folded(line, &look, indent(line).max(4))).collect();
        shell.show(&lines.join("\n"))?;
        Ok(Next::Line)
    },
};

fn page(shell: &Shell, of: &str) -> Result<String> {
    let look = shell.look();
    if of.is_empty() {
        let error = shell.failed().filter(|e| e.kind() != ErrorKind::Gate);
        let mut parts: Vec<String> = error.map(|e| of_error(e, &look)).into_iter().collect();
        let runbook = shell.session.runbook();
        parts.extend(gate(shell, &shell.watcher.seen(), None, runbook.as_deref(), &look)?);
        return match parts.is_empty() {
            true => Err(Error::new(ErrorKind::Usage, "nothing has failed in this session")
                .help("`:why RUN` tells of a run that is kept; `:runs` lists them")),
            false => Ok(parts.join("\n\n")),
        };
    }
    if let Some(entries) = kept::entries(&shell.session, of)? {
        let runbook = entries.iter().find_map(|e| match &e.record {
            Record::RunBegin { runbook, .. } => Some(runbook.clone()),
            _ => None,
        });
        let failed = gate(shell, &entries, None, runbook.as_deref(), &look)?;
        let ended = entries.iter().rev().find_map(|e| match &e.record {
            Record::RunEnd { error, .. } => error["what"].as_str().map(str::to_string),
            _ => None,
        });
        return Ok(failed.or(ended).unwrap_or_else(|| format!("nothing failed in {of}")));
    }
    let runbook = shell.session.runbook();
    gate(shell, &shell.watcher.seen(), Some(of), runbook.as_deref(), &look)?.ok_or_else(|| {
        let what = format!("no gate of a step `{of}` has failed in this session, and no run is called so");
        Error::new(ErrorKind::Usage, what).help("`:step ID` runs a step; `:runs` lists the runs")
    })
}

/// The last gate that did not hold, of one step or of any.
fn gate(
    shell: &Shell,
    seen: &[Entry],
    of: Option<&str>,
    runbook: Option<&str>,
    look: &Look,
) -> Result<Option<String>> {
    // what stands indented has less room
    let inner = Look { width: look.width.map(|w| w - 4), ..*look };
    let failed = seen.iter().rev().find_map(|e| match &e.record {
        Record::Gate { step, claim, ok: false, excused: None, observed, wanted, scopes, .. }
            if of.is_none_or(|of| of == step) =>
        {
            Some((step, claim, observed, wanted, scopes))
        }
        _ => None,
    });
    let Some((step, claim, observed, wanted, scopes)) = failed else { return Ok(None) };
    let mut text = look.paint(state::BAD, &format!("gate: {claim}"));
    for (name, evidence) in [("seen", observed), ("wanted", wanted)] {
        if !evidence.is_null() {
            let drawn = whole(evidence, &inner)?;
            text.push_str(&format!("\n{name}:\n{}", indented(&drawn)));
        }
    }
    if !scopes.is_empty() {
        text.push_str(&format!("\nas: {}", scopes.join(", ")));
    }
    text.push_str(&waits(seen, step));
    if let Some(why) = runbook.and_then(|runbook| reason(shell, runbook, step)) {
        text.push_str(&format!("\nthe step says:\n{}", indented(&display::wrapped(&why, &inner))));
    }
    Ok(Some(text))
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

/// Evidence with its sentences whole: they are why one asks.
fn whole(evidence: &Value, look: &Look) -> Result<String> {
    let Some(fields) = evidence.as_object().filter(|fields| fields.values().any(Value::is_string)) else {
        return value::from_json(evidence).map(|v| display::draw(&v, look, &|v| v.to_string()));
    };
    let widest = fields.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    let nested = |value: &Value| value.is_array() || value.is_object();
    let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
    fields.sort_by_key(|(_, value)| nested(value));
    let drawn = fields.into_iter().map(|(name, value)| {
        let head = format!("{name:<widest$}  ");
        let hang = " ".repeat(widest + 2);
        let said = json::bare(value);
        match look.width {
            Some(width) if !nested(value) => textwrap::fill(
                &said,
                textwrap::Options::new(width)
                    .initial_indent(&head)
                    .subsequent_indent(&hang)
                    .break_words(false),
            ),
            Some(width) => table::cut(&format!("{head}{said}"), width),
            None => format!("{head}{said}"),
        }
    });
    Ok(drawn.collect::<Vec<_>>().join("\n"))
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
fn reason(shell: &Shell, runbook: &str, step: &str) -> Option<String> {
    let prose = Prose::of(shell.session.host.library.shelf(), runbook).ok()?;
    prose.step(step).ok().map(|s| s.why.clone()).filter(|why| !why.is_empty())
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
