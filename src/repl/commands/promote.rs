//! `:promote`: the session as a runbook of the site, with a scenario that it can be rehearsed in.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{Command, Next};
use crate::base::{Error, ErrorKind, Result};
use crate::repl::promote;
use crate::repl::shell::Shell;
use crate::run::{Mode, Record};

/// Makes a runbook of the session.
pub const PROMOTE: Command = Command {
    name: "promote",
    arguments: "NAME",
    doc: "Writes the session's lines as a runbook of the site: reads become verify steps with gates, changes change \
          steps, ids parameters; and beside it the scenario of a lab to rehearse it in.",
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
    let from = session.run().directory();
    let from = from.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(text) = promote::runbook(name, &session, &from, &changes(shell)) else {
        return Err(Error::new(ErrorKind::Usage, "no line of this session asked anything of a system"));
    };
    let file = write(&directory.join(format!("{name}.rhai")), &text)?;
    let base = shell.start.scenario.as_deref().unwrap_or("cloud");
    let scenario = format!(
        "# What `rhumb rehearse {name} --scenario {name}` begins with.\ntitle = \"What the session {from} found\"\nextends = {base:?}\n"
    );
    let beside = write(&directory.join("scenarios").join(format!("{name}.toml")), &scenario)?;
    shell.say(&format!(
        "{}\n{}\nnext: rhumb check {name}; rhumb rehearse {name} --scenario {name}",
        file.display(),
        beside.display()
    ))?;
    if shell.start.scenario.is_none() && session.run().mode() == Mode::Run {
        shell.say("the scenario is a quiet cloud: write into it what the session found")?;
    }
    Ok(Next::Line)
}

/// What each line changed: the summaries of what was sent and not refused.
fn changes(shell: &Shell) -> BTreeMap<String, Vec<String>> {
    let seen = shell.watcher.seen();
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in &seen {
        let Record::Intent { step, intent, .. } = &entry.record else { continue };
        let failed = seen.iter().any(|e| matches!(&e.record, Record::Outcome { intent, error, .. } if *intent == entry.n && !error.is_null()));
        if !failed {
            all.entry(step.clone()).or_default().push(intent.summary.clone());
        }
    }
    all
}

/// Writes a file that is not there yet.
fn write(path: &Path, text: &str) -> Result<PathBuf> {
    let broken = |e: std::io::Error| {
        let what = format!("{} cannot be written", path.display());
        let error = Error::new(ErrorKind::Io, what).from_source(&e);
        match e.kind() {
            std::io::ErrorKind::AlreadyExists => {
                error.with_kind(ErrorKind::Usage).help("choose another name, or move it away")
            }
            _ => error,
        }
    };
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(broken)?;
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(broken)?;
    file.write_all(text.as_bytes()).map_err(broken)?;
    Ok(path.to_path_buf())
}
