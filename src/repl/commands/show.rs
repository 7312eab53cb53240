//! `:json` and `:yaml`: a value whole.

use super::{Command, Next};
use crate::base::Result;
use crate::base::screen::{self, Drawn};
use crate::repl::display::json;
use crate::repl::session::LAST;
use crate::repl::shell::Shell;

/// Shows a value as JSON.
pub const JSON: Command = Command {
    name: "json",
    arguments: "[EXPRESSION]",
    brief: "a value whole, as JSON",
    doc: "Shows a value whole, as JSON; without an expression the last one.",
    run: |shell, expression| show(shell, expression, json::json),
};

/// Shows a value as YAML.
pub const YAML: Command = Command {
    name: "yaml",
    arguments: "[EXPRESSION]",
    brief: "a value whole, as YAML; without EXPRESSION the last",
    doc: "Shows a value whole, as YAML; without an expression the last one.",
    run: |shell, expression| show(shell, expression, json::yaml),
};

fn show(shell: &mut Shell, expression: &str, write: fn(&rhai::Dynamic) -> Result<String>) -> Result<Next> {
    let value = shell.evaluate(if expression.is_empty() { LAST } else { expression })?;
    let text = write(&value)?;
    shell.show(&Drawn::lines(screen::json(&text).trim_end()))?;
    Ok(Next::Line)
}
