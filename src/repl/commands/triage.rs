//! `triage()`: what is wrong, from the ground up.

use super::{Command, Next};
use crate::repl::display;
use crate::repl::shell::Shell;
use crate::repl::steps;

/// The runbook that tells.
const RUNBOOK: &str = "triage";

/// Looks at every layer.
pub const TRIAGE: Command = Command {
    name: "triage",
    arguments: "",
    doc: "Looks at every layer from the ground up and names the lowest red one; `triage()` does the same.",
    run: |shell: &mut Shell, _| {
        shell.runbook = Some(RUNBOOK.into());
        let value = steps::whole(shell, RUNBOOK)?;
        let drawn = display::draw(&value, &shell.look(), &|v| shell.session.words(v));
        shell.show(&drawn)?;
        if !value.is_unit() {
            shell.session.set_last(value);
        }
        Ok(Next::Line)
    },
};
