//! The session's own commands, `:name arguments`: one table, which help and completion read.

mod diff;
mod help;
mod kept;
mod leave;
mod promote;
mod runs;
mod show;
mod steps;
mod triage;
mod unlock;
mod watch;
mod why;

use super::session::Session;
use super::shell::{Next, Shell};
use crate::base::error::nearest;
use crate::base::{Error, ErrorKind, Result};
use crate::script::modules;
use crate::script::prose::Prose;

/// A command.
pub struct Command {
    /// Its name, without the colon.
    pub name: &'static str,
    /// What stands behind it, for help.
    pub arguments: &'static str,
    /// What it does, in half a line.
    pub brief: &'static str,
    /// What it does, in full.
    pub doc: &'static str,
    /// What carries it out, with what stands behind the name.
    pub run: fn(&mut Shell, &str) -> Result<Next>,
}

/// Every command, in the order of help.
pub const ALL: &[&Command] = &[
    &help::HELP,
    &triage::TRIAGE,
    &why::WHY,
    &steps::STEPS,
    &steps::STEP,
    &show::YAML,
    &show::JSON,
    &diff::DIFF,
    &watch::WATCH,
    &unlock::UNLOCK,
    &unlock::LOCK,
    &promote::PROMOTE,
    &runs::RUNS,
    &leave::QUIT,
];

/// A line as a command with its arguments; nothing where it is a text to evaluate.
pub fn parse(line: &str) -> Option<(Result<&'static Command>, String)> {
    let line = line.trim();
    if matches!(line, "triage()" | "triage();") {
        return Some((Ok(&triage::TRIAGE), String::new()));
    }
    let bare = line == "help" || line.starts_with("help ");
    let rest = if bare { line } else { line.strip_prefix(':')? };
    let (name, arguments) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    Some((find(name), arguments.trim().to_string()))
}

/// What could stand behind a command, and behind the words between it and the cursor.
pub fn arguments(session: &Session, command: &str, between: &str) -> Vec<String> {
    let shelf = session.host.library.shelf();
    let runbooks = || {
        let names = shelf.names().unwrap_or_default();
        names.into_iter().filter(|n| modules::is_runbook(n)).collect::<Vec<_>>()
    };
    let ids = |runbook: Option<String>| {
        let prose = runbook.and_then(|name| Prose::of(shelf, &name).ok());
        prose.into_iter().flat_map(|prose| prose.steps.into_iter().map(|step| step.id)).collect::<Vec<_>>()
    };
    match (command, between) {
        ("steps", "") => runbooks(),
        ("step", "") => {
            let mut all = ids(session.runbook());
            all.extend(runbooks().into_iter().map(|name| format!("{name} ")));
            all
        }
        ("steps" | "step", runbook) => ids(Some(runbook.to_string())),
        ("why", "") => {
            let mut all = ids(session.runbook());
            all.extend(kept::ids(session));
            all
        }
        _ => Vec::new(),
    }
}

fn find(name: &str) -> Result<&'static Command> {
    ALL.iter().copied().find(|c| c.name == name).ok_or_else(|| {
        let e = Error::new(ErrorKind::Usage, format!("there is no command `:{name}`"));
        match nearest(name, ALL.iter().map(|c| c.name)) {
            Some(near) => e.help(format!("did you mean `:{near}`?")),
            None => e.help("`help` lists them"),
        }
    })
}
