//! What is done with a line: a command of the session's own, or a text to evaluate; and how it is shown.

use std::sync::Arc;

use super::commands;
use super::display::pager;
use super::display::{self, Look};
use super::names::Names;
use super::observer::Watcher;
use super::prompt;
use super::session::{Came, Session};
use super::start::Start;
use crate::base::screen::{self, Drawn, Stream, drawn};
use crate::base::secret::MASK;
use crate::base::{Error, ErrorKind, Result};
use crate::script::diagnostic::Report;
use crate::script::handles::{Collection, Resource, Scope};

/// What happens after a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another line.
    Line,
    /// The session ends.
    Leave,
}

/// A session with the screen it is shown on.
pub struct Shell {
    /// The session.
    pub session: Arc<Session>,
    /// What was seen of it.
    pub watcher: Arc<Watcher>,
    /// Whether somebody sits at a terminal; else it is a script.
    pub terminal: bool,
    /// What is in the clouds, by name.
    pub names: Arc<Names>,
    /// What it was started with, for the runs of single steps.
    pub start: Start,
    /// The scope that the last value came from.
    who: Option<String>,
    failed: Option<Error>,
    /// The error of this line stands on the screen.
    told: bool,
}

impl Shell {
    /// A shell for a session.
    pub fn new(
        session: Arc<Session>,
        watcher: Arc<Watcher>,
        names: Arc<Names>,
        terminal: bool,
        start: Start,
    ) -> Self {
        Shell { session, watcher, terminal, names, start, who: None, failed: None, told: false }
    }

    /// The last error.
    pub fn failed(&self) -> Option<&Error> {
        self.failed.as_ref()
    }

    /// Remembers an error, for `:why`.
    pub fn failed_with(&mut self, error: &Error) {
        self.failed = Some(error.clone());
    }

    /// How values are drawn here.
    pub fn look(&self) -> Look {
        let columns = Stream::Out.columns().filter(|_| self.terminal);
        Look { width: columns, colours: self.colours() }
    }

    /// Whether to colour.
    pub fn colours(&self) -> bool {
        let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
        self.terminal && !dumb && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
    }

    /// The scope that the last value came from, for the prompt.
    pub fn who(&self) -> Option<&str> {
        self.who.as_deref()
    }

    /// Shows a text, through a pager where it does not fit.
    ///
    /// # Errors
    /// Standard output cannot be written; a reader that has seen enough is none.
    pub fn show(&self, text: &Drawn) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let text: &Drawn = &text.masked();
        let shown = if self.terminal { pager::show(text) } else { screen::print(&drawn!("{}\n", text)) };
        shown.map_err(|e| Error::new(ErrorKind::Io, "cannot write to standard output").from_source(&e))
    }

    /// Says something, within the columns there are.
    ///
    /// # Errors
    /// Those of [`Shell::show`].
    pub fn say(&self, text: &str) -> Result<()> {
        self.show(&display::wrapped(&Drawn::line(text), &self.look()))
    }

    /// Shows a report on standard error.
    pub fn complain(&mut self, report: &Report) {
        self.told = true;
        let width = self.look().width.unwrap_or(100).clamp(60, 120);
        screen::complain(&report.draw(width, self.colours()));
    }

    /// The error of this line stands on the screen in another way.
    pub fn has_told(&mut self) {
        self.told = true;
    }

    /// Deals with a line or a text of several.
    ///
    /// # Errors
    /// What a command or the text came to, already shown.
    pub fn take(&mut self, text: &str) -> Result<Next> {
        let text = text.trim_end();
        if text.trim().is_empty() {
            return Ok(Next::Line);
        }
        self.told = false;
        match commands::parse(text) {
            Some((command, rest)) => {
                let done = command.and_then(|command| (command.run)(self, &rest));
                if let Err(e) = &done
                    && !self.told
                {
                    self.complain(&Report::plain(e));
                }
                done
            }
            None => {
                let value = self.evaluate(text)?;
                let drawn = display::draw(&value, &self.look(), &|v| self.session.words(v));
                // one that is too short to be looked for in texts
                let told = value.is_string() && self.session.tells_secret(&drawn);
                self.show(&if told { Drawn::line(MASK) } else { drawn })?;
                Ok(Next::Line)
            }
        }
    }

    /// Evaluates a text and shows its error.
    ///
    /// # Errors
    /// What it came to, already shown.
    pub fn evaluate(&mut self, text: &str) -> Result<rhai::Dynamic> {
        let came = self.session.evaluate(text);
        self.watcher.rest();
        match came {
            Came::Value(value) => {
                self.names.see(&value);
                if let Some(handle) = handle_of(&value) {
                    self.who = Some(self.presented(&handle));
                }
                Ok(value)
            }
            Came::Failed(error, report) => {
                self.told = true;
                match error.kind() {
                    ErrorKind::Interrupted if self.terminal => screen::complain(&drawn!("interrupted\n")),
                    // the answer stands on the screen
                    ErrorKind::Declined if self.terminal => {}
                    _ => self.complain(&report),
                }
                if error.kind() != ErrorKind::Interrupted {
                    self.failed_with(&error);
                }
                Err(*error)
            }
        }
    }

    /// A scope with its roles: those that its token has proven, before there is one those that are declared.
    fn presented(&self, handle: &str) -> String {
        let site = self.session.host.site.site();
        let declared = site.scope(handle).map(|s| s.roles.clone()).unwrap_or_default();
        match self.session.open_scope(handle).and_then(|open| open.proven()) {
            Some(identity) => prompt::scope(handle, &prompt::telling(&identity.roles, &declared)),
            None => prompt::scope(handle, &declared),
        }
    }
}

/// The scope that a value came from.
fn handle_of(value: &rhai::Dynamic) -> Option<String> {
    let value = value.flatten_clone();
    if let Some(resource) = value.read_lock::<Resource>() {
        return Some(resource.from.session.handle().to_string());
    }
    if let Some(collection) = value.read_lock::<Collection>() {
        return Some(collection.session.handle().to_string());
    }
    if let Some(scope) = value.read_lock::<Scope>() {
        return Some(scope.0.handle().to_string());
    }
    value.read_lock::<rhai::Array>().and_then(|list| list.first().and_then(handle_of))
}
