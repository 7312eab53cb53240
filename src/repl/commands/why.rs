//! `:why`: what a failed gate or an error rested on.

use serde_json::Value;

use super::{Command, Next, kept};
use crate::base::screen::{self, Drawn, drawn};
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
        let fold = |line: Drawn| display::folded(&line, &look, indent(&line).max(4));
        shell.show(&Drawn::join(page.split().map(fold), "\n"))?;
        Ok(Next::Line)
    },
};

fn page(shell: &Shell, of: &str) -> Result<Drawn> {
    let look = shell.look();
    if of.is_empty() {
        let error = shell.failed().filter(|e| e.kind() != ErrorKind::Gate);
        let mut parts: Vec<Drawn> = error.map(|e| of_error(e, &look)).into_iter().collect();
        let runbook = shell.session.runbook();
        parts.extend(gate(shell, &shell.watcher.seen(), None, runbook.as_deref(), &look)?);
        return match parts.is_empty() {
            true => Err(Error::new(ErrorKind::Usage, "nothing has failed in this session")
                .help("`:why RUN` tells of a run that is kept; `:runs` lists them")),
            false => Ok(Drawn::join(parts, "\n\n")),
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
        let ended = ended.map(|what| Drawn::lines(&what).hanging(4));
        return Ok(failed.or(ended).unwrap_or_else(|| drawn!("nothing failed in {}", of)));
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
) -> Result<Option<Drawn>> {
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
    let mut text = look.paint(state::BAD, format!("gate: {claim}"));
    for (name, evidence) in [("seen", observed), ("wanted", wanted)] {
        if !evidence.is_null() {
            let drawn = whole(evidence, &inner)?;
            text.push(drawn!("\n{}:\n{}", name, indented(&drawn)));
        }
    }
    if !scopes.is_empty() {
        text.push(drawn!("\nas: {}", scopes.join(", ")));
    }
    text.push(waits(seen, step));
    if let Some(why) = runbook.and_then(|runbook| reason(shell, runbook, step)) {
        let why = display::wrapped(&Drawn::lines(&why), &inner);
        text.push(drawn!("\nthe step says:\n{}", indented(&why)));
    }
    Ok(Some(text))
}

fn of_error(error: &Error, look: &Look) -> Drawn {
    let d = error.detail();
    let mut text = look.paint(state::BAD, drawn!("{}: {}", d.kind.name(), Drawn::lines(&d.what).hanging(8)));
    for cause in &d.causes {
        let cause = Drawn::lines(cause.strip_prefix("because ").unwrap_or(cause)).hanging(8);
        text.push(drawn!("\n    because {}", cause));
    }
    let facts = [
        ("in scope", d.scope.clone()),
        ("status", d.status.map(|s| s.to_string())),
        ("request id", d.request_id.clone()),
        ("help", d.help.clone()),
    ];
    for (name, fact) in facts {
        text.push(fact.map(|fact| drawn!("\n    {}: {}", name, fact)).unwrap_or_default());
    }
    text
}

/// Evidence with its sentences whole: they are why one asks.
fn whole(evidence: &Value, look: &Look) -> Result<Drawn> {
    let Some(fields) = evidence.as_object().filter(|fields| fields.values().any(Value::is_string)) else {
        return value::from_json(evidence).map(|v| display::draw(&v, look, &|v| v.to_string()));
    };
    let widest = fields.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    let nested = |value: &Value| value.is_array() || value.is_object();
    let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
    fields.sort_by_key(|(_, value)| nested(value));
    let drawn = fields.into_iter().map(|(name, value)| {
        let head = format!("{name:<widest$}  ");
        let hang = widest + 2;
        let said = json::bare(value);
        match look.width {
            Some(width) if nested(value) => table::cut(&screen::line(&format!("{head}{said}")), width).into(),
            width => {
                let said = drawn!("{}{}", head, Drawn::lines(&said).hanging(hang));
                said.filled(width, "", &" ".repeat(hang))
            }
        }
    });
    Ok(Drawn::join(drawn, "\n"))
}

/// What a step waited for, and what it saw.
fn waits(seen: &[Entry], of: &str) -> Drawn {
    let mut text = Drawn::default();
    for entry in seen {
        if let Record::WaitBegin { step, wait, title, .. } = &entry.record
            && step == of
        {
            let samples = seen.iter().filter_map(|e| match &e.record {
                Record::WaitSample { wait: other, state, .. } if other == wait => Some(state.as_str()),
                _ => None,
            });
            let states: Vec<&str> = samples.collect();
            text.push(drawn!("\nwaited for {}: {}", title, states.join(" → ")));
        }
    }
    text
}

/// What the runbook's comments say of a step.
fn reason(shell: &Shell, runbook: &str, step: &str) -> Option<String> {
    let prose = Prose::of(shell.session.host.library.shelf(), runbook).ok()?;
    prose.step(step).ok().map(|s| s.why.clone()).filter(|why| !why.is_empty())
}

fn indented(text: &Drawn) -> Drawn {
    text.filled(None, "    ", "")
}
