//! `help`.

use super::{ALL, Command, Next};
use crate::base::screen::Drawn;
use crate::repl::shell::Shell;
use crate::repl::{display, docs};

/// What there is.
pub const HELP: Command = Command {
    name: "help",
    arguments: "[NAME]",
    brief: "this page, or what a name is for",
    doc: "What there is, or what a name is for; `help` without a colon does the same.",
    run: |shell, topic| {
        let page = match topic.is_empty() {
            true => overview(shell),
            false => docs::page(&shell.session, topic)?,
        };
        shell.show(&wrap(&page, shell))?;
        Ok(Next::Line)
    },
};

/// One screen: the five things that one needs, then what there is.
fn overview(shell: &Shell) -> String {
    let handles: Vec<(&str, &str)> = shell.session.handles().iter().map(|(word, h)| (word, h.kind)).collect();
    let scope = handles.iter().find(|(_, kind)| *kind == "scope").map_or("admin", |(word, _)| *word);
    let mut page = format!(
        "Five things to begin with:\n\
        \x20   triage()                          what is wrong, the lowest red layer first\n\
        \x20   {:<33} a table; `_` is then the last value\n\
        \x20   {:<33} TAB: names that are in the cloud\n\
        \x20   {:<33} what it does, with examples\n\
        \x20   {:<33} until then it only reads\n",
        format!("{scope}.servers.list()"),
        format!("{scope}.servers.get(\""),
        "help octavia::broken",
        ":unlock REASON",
    );
    page.push_str("\nhandles  ");
    page.push_str(
        &handles.iter().map(|(word, kind)| format!("{word} ({kind})")).collect::<Vec<_>>().join(", "),
    );
    page.push_str(&format!("\nmodules  {}\n\ncommands", shell.session.modules().join(", ")));
    for command in ALL {
        let usage = format!(":{} {}", command.name, command.arguments);
        page.push_str(&format!("\n    {usage:<24} {}", command.brief));
    }
    page
}

/// Wraps each line, what is indented below its beginning.
fn wrap(page: &str, shell: &Shell) -> Drawn {
    let look = shell.look();
    let lines = page.lines().map(|line| {
        let indent = line.len() - line.trim_start().len();
        display::folded(&Drawn::line(line), &look, if indent == 0 { 0 } else { indent + 4 })
    });
    Drawn::join(lines, "\n")
}
