//! `help`.

use super::{ALL, Command, Next};
use crate::repl::docs;
use crate::repl::shell::Shell;

/// What there is.
pub const HELP: Command = Command {
    name: "help",
    arguments: "[NAME]",
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

fn overview(shell: &Shell) -> String {
    let mut page = String::from(
        "A line is a script: `let x = 1`, `fn f(a) { a + 1 }`, `admin.servers.list()`. `_` is the last value.\n\
         It only reads until `:unlock REASON`; then each change is shown and asked for.\n\nthe site's handles",
    );
    for (word, handle) in shell.session.handles().iter() {
        page.push_str(&format!("\n    {word:<20} {} {}", handle.kind, handle.name));
    }
    page.push_str("\n\nmodules\n    ");
    page.push_str(&shell.session.modules().join("  "));
    page.push_str("\n\ncommands");
    for command in ALL {
        let usage = format!(":{} {}", command.name, command.arguments);
        page.push_str(&format!("\n    {usage:<26} {}", command.doc));
    }
    page.push_str(
        "\n\nhelp capi.load_balancers, help octavia::broken, help poll tell of one name.\n\
         TAB completes names, fields, and what is in the cloud: `admin.servers.get(\"` TAB.",
    );
    page
}

/// Wraps each line, what is indented below its beginning.
fn wrap(page: &str, shell: &Shell) -> String {
    let Some(width) = shell.look().width else { return page.to_string() };
    let lines = page.lines().map(|line| {
        let indent = line.len() - line.trim_start().len();
        let hang = if indent == 0 { 0 } else { indent + 4 };
        let blanks = " ".repeat(hang);
        let options = textwrap::Options::new(width).subsequent_indent(&blanks).break_words(false);
        textwrap::fill(line, options)
    });
    lines.collect::<Vec<_>>().join("\n")
}
