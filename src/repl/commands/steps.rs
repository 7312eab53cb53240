//! `:steps` and `:step`: a runbook's steps, and one of them run here.

use super::{Command, Next};
use crate::base::{Error, ErrorKind, Result};
use crate::repl::display;
use crate::repl::shell::Shell;
use crate::repl::steps;
use crate::script::prose::{Look, Prose};

/// Lists the steps of a runbook.
pub const STEPS: Command = Command {
    name: "steps",
    arguments: "[RUNBOOK]",
    brief: "a runbook's steps, and why they are there",
    doc: "The steps of a runbook: why, and which of them change things; `:step` runs one.",
    run: |shell, runbook| {
        let name = named(shell, runbook)?;
        let site = shell.session.host.site.site();
        let value = |name: &str| site.values().get(name).ok().flatten().map(|s| s.value.to_string());
        let prose = Prose::with(shell.session.host.library.shelf(), &name, &value)?;
        let look = shell.look();
        let look = Look { width: look.width.unwrap_or(100), colours: look.colours };
        shell.session.set_runbook(&name);
        shell.show(&prose.draw(look).trimmed())?;
        Ok(Next::Line)
    },
};

/// Runs a step.
pub const STEP: Command = Command {
    name: "step",
    arguments: "[RUNBOOK] ID",
    brief: "runs one step, and the verify steps it uses",
    doc: "Runs one step of the runbook, and the verify steps whose values it uses; with a journal of its own.",
    run: |shell, arguments| {
        let (runbook, id) = match arguments.rsplit_once(char::is_whitespace) {
            Some((runbook, id)) => (runbook.trim(), id),
            None => ("", arguments),
        };
        if id.is_empty() {
            return Err(
                Error::new(ErrorKind::Usage, "which step?").help("`:step 8.3`, after `:steps RUNBOOK`")
            );
        }
        let name = named(shell, runbook)?;
        shell.session.set_runbook(&name);
        let value = steps::run(shell, &name, id)?;
        let drawn = display::draw(&value, &shell.look(), &|v| shell.session.words(v));
        shell.show(&drawn)?;
        if !value.is_unit() {
            shell.session.set_last(value);
        }
        Ok(Next::Line)
    },
};

/// The runbook that is meant: named, or the one of before.
fn named(shell: &Shell, name: &str) -> Result<String> {
    if !name.is_empty() {
        return Ok(name.to_string());
    }
    shell.session.runbook().ok_or_else(|| {
        Error::new(ErrorKind::Usage, "of which runbook?").help("`:steps RUNBOOK`; TAB lists them")
    })
}
