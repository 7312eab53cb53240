//! `:promote`: the session as a runbook of the site, with a test and the scenario that it rehearses in.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use super::{Command, Next};
use crate::base::screen::drawn;
use crate::base::{Error, ErrorKind, Result, again};
use crate::repl::lock::UNLOCKED;
use crate::repl::observer::is_line;
use crate::repl::promote::{self, Origin, rehearsal};
use crate::repl::shell::Shell;
use crate::run::Record;

/// Makes a runbook of the session.
pub const PROMOTE: Command = Command {
    name: "promote",
    arguments: "NAME",
    brief: "the session as a runbook, with a test beside it",
    doc: "Writes the session's lines as a runbook of the site: reads become verify steps with gates, changes change \
          steps, ids parameters, and the comment behind a line its step's title. Beside it a scenario of the lab, and a test \
          that rehearses it there.",
    run: promote,
};

fn promote(shell: &mut Shell, name: &str) -> Result<Next> {
    let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !fits {
        return Err(Error::new(ErrorKind::Usage, format!("`{name}` is no name for a runbook"))
            .help("`:promote NAME`, in lower-case letters, digits and dashes"));
    }
    let session = shell.session.clone();
    let site = session.host.site.site();
    let directory = site.layers.site_directory().ok_or_else(|| {
        Error::new(ErrorKind::Usage, "there is no site directory to write into")
            .help("start the session with --site DIR")
    })?;
    let in_lab = shell.start.scenario.is_some();
    let (origin, sent) = origin(shell);
    let Some(promoted) = promote::runbook(name, &session, &origin) else {
        return Err(Error::new(ErrorKind::Usage, "no line of this session asked anything of a system"));
    };
    let base = shell.start.scenario.as_deref().unwrap_or("cloud");
    let files = [
        (directory.join(format!("{name}.rhai")), promoted.text),
        (directory.join(format!("{name}_test.rhai")), {
            rehearsal::test(name, &origin.from, &promoted.steps, &sent, in_lab)
        }),
        (
            directory.join("scenarios").join(format!("{name}.toml")),
            rehearsal::scenario(name, &origin.from, base),
        ),
    ];
    if let Some((there, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(Error::new(ErrorKind::Usage, format!("{} is there already", there.display()))
            .help("choose another name, or move it away"));
    }
    for (path, text) in &files {
        write(path, text)?;
        shell.show(&drawn!("{}", path.display()))?;
    }
    let site = directory.display().to_string();
    let own = directory.join(format!("{name}_test.rhai"));
    shell.show(&drawn!(
        "next:\n    {}\n    {}",
        again::plain(&["check", name, "--site", &site]),
        again::plain(&["test", &own.display().to_string(), "--site", &site])
    ))?;
    if !in_lab {
        shell.say(
            "the scenario is a quiet cloud: write into it what the session found, then the test can pass",
        )?;
    }
    shell.say("a comment behind a line of the session is the title of its step")?;
    Ok(Next::Line)
}

/// Where the runbook comes from, and the changes that were sent: method and target.
fn origin(shell: &Shell) -> (Origin, Vec<String>) {
    let seen = shell.watcher.seen();
    let mut origin = Origin {
        from: String::new(),
        by: shell.start.by.clone(),
        reasons: Vec::new(),
        changes: BTreeMap::new(),
    };
    let from = shell.session.run().directory();
    origin.from = from.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut sent = Vec::new();
    for entry in &seen {
        match &entry.record {
            Record::Note { step, text } if step.is_empty() => {
                origin.reasons.extend(text.strip_prefix(UNLOCKED).map(str::to_string));
            }
            Record::Intent { step, intent, .. } if is_line(step) => {
                let failed = seen.iter().any(|e| matches!(&e.record, Record::Outcome { intent, error, .. } if *intent == entry.n && !error.is_null()));
                if !failed {
                    sent.push(format!("{} {}", intent.method, intent.target));
                    origin.changes.entry(step.clone()).or_default().push(intent.summary.clone());
                }
            }
            _ => {}
        }
    }
    origin.reasons.dedup();
    (origin, sent)
}

/// Writes a file that is not there yet.
fn write(path: &Path, text: &str) -> Result<()> {
    let broken = |e: std::io::Error| {
        Error::new(ErrorKind::Io, format!("{} cannot be written", path.display())).from_source(&e)
    };
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(broken)?;
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(broken)?;
    file.write_all(text.as_bytes()).map_err(broken)
}
