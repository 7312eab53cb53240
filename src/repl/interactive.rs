//! A session at a terminal.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustyline::config::{BellStyle, CompletionType, Configurer as _};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{ColorMode, Config, Editor, ExternalPrinter as _};

use super::helper::Assistant;
use super::history::{self, History};
use super::lock::Lock;
use super::prompt;
use super::shell::{Next, Shell};
use crate::base::screen::{Drawn, drawn};
use crate::base::{Error, ErrorKind, Result, duration};

/// How often it is looked whether an unlocked session is left alone.
const LOOK: Duration = Duration::from_secs(1);

/// Reads and evaluates lines until the session is left.
pub fn run(mut shell: Shell, home: &Path) -> Result<u8> {
    let mut editor = editor(&shell)?;
    let history = History::at(home);
    history.load(&mut editor);
    if let Ok(mut printer) = editor.create_external_printer() {
        let lock = shell.session.lock.clone();
        watch(lock, move |text| drop(printer.print(text)));
    }
    shell.show(&greeting(&shell))?;
    loop {
        let prompt = prompt::text(&shell.start.title, shell.who());
        match editor.readline(&prompt) {
            Ok(line) => {
                history.keep(&mut editor, &line, shell.session.holds_secret(&line));
                if shell.take(&line).is_ok_and(|next| next == Next::Leave) {
                    return Ok(0);
                }
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => return Ok(0),
            Err(e) => return Err(Error::new(ErrorKind::Io, "the terminal cannot be read").from_source(&e)),
        }
    }
}

fn editor(shell: &Shell) -> Result<Editor<Assistant, FileHistory>> {
    let broken = |e: ReadlineError| Error::new(ErrorKind::Io, "the terminal cannot be used").from_source(&e);
    let config = Config::builder()
        .max_history_size(history::MOST)
        .map_err(broken)?
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .bell_style(BellStyle::None)
        .tab_stop(4)
        .build();
    let mut editor = Editor::with_config(config).map_err(broken)?;
    let colours = shell.colours();
    // without it the editor would not ask the highlighter, and would draw what was pasted as it is
    editor.set_color_mode(ColorMode::Forced);
    editor.set_helper(Some(Assistant::new(shell.session.clone(), shell.names.clone(), colours)));
    Ok(editor)
}

/// Locks the session where it is left alone, and says so above the prompt.
fn watch(lock: Arc<Lock>, mut say: impl FnMut(String) + Send + 'static) {
    let idle = duration::show(lock.idle());
    // without it the session is locked at its next line
    let _ = std::thread::Builder::new().name("idle".into()).spawn(move || {
        loop {
            std::thread::sleep(LOOK.min(lock.idle()));
            if lock.close_if_idle() {
                say(format!("locked: left alone for {idle}\n"));
            }
        }
    });
}

/// What there is, in three lines.
fn greeting(shell: &Shell) -> Drawn {
    let look = shell.look();
    let names: Vec<&str> = shell.session.handles().iter().map(|(word, _)| word).collect();
    let there = match names.is_empty() {
        true => "the site declares no handles".to_string(),
        false => format!("there are {}", names.join(", ")),
    };
    super::display::wrapped(
        &drawn!("{}\n`help` says what can be done; TAB completes; Ctrl-D leaves", there),
        &look,
    )
}
