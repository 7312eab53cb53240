//! The session's own commands, `:name arguments`: one table, which help and completion read.

mod diff;
mod help;
mod leave;
mod promote;
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

/// A command.
pub struct Command {
    /// Its name, without the colon.
    pub name: &'static str,
    /// What stands behind it, for help.
    pub arguments: &'static str,
    /// What it does, in a sentence.
    pub doc: &'static str,
    /// What carries it out, with what stands behind the name.
    pub run: fn(&mut Shell, &str) -> Result<Next>,
}

/// Every command, in the order of help.
pub const ALL: &[&Command] = &[
    &help::HELP,
    &show::JSON,
    &show::YAML,
    &diff::DIFF,
    &watch::WATCH,
    &triage::TRIAGE,
    &why::WHY,
    &steps::STEPS,
    &steps::STEP,
    &promote::PROMOTE,
    &unlock::UNLOCK,
    &unlock::LOCK,
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

/// What could stand behind a command.
pub fn arguments(session: &Session, command: &str) -> Vec<String> {
    let shelf = session.host.library.shelf();
    match command {
        "steps" => shelf.names().unwrap_or_default().into_iter().filter(|n| modules::is_runbook(n)).collect(),
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
