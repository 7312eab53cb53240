//! A runbook on its own thread: compile, evaluate, and say how it ended.

use std::sync::Arc;

use rhai::{AST, Engine};

use super::diagnostic::Report;
use super::engine::{self, STACK};
use super::host::Host;
use super::rest;
use super::thrown::Thrown;
use crate::base::{Error, ErrorKind, Place, again};
use crate::run::SESSION;
use crate::run::Unwind;

/// A runbook, compiled.
pub struct Runbook {
    name: String,
    host: Arc<Host>,
    engine: Arc<Engine>,
    ast: AST,
}

/// How a runbook ended.
#[derive(Debug, Default)]
pub struct Ended {
    /// The error that ended it, with the place in the operator's file.
    pub error: Option<Error>,
    /// The same drawn with its lines, and the way that led there.
    pub report: Option<Report>,
}

impl Ended {
    fn with(error: Error) -> Self {
        Ended { report: Some(Report::plain(&error)), error: Some(error) }
    }

    /// By what was thrown. Rhai does not tell the name of the text whose top level threw it: it is the runbook's.
    fn thrown(name: &str, host: &Host, thrown: &Thrown) -> Self {
        let error = thrown.error();
        // the call of the step itself is no way that anybody must be told
        let (_, _, _, calls) = thrown.unravel();
        let outermost = calls.iter().map(|call| call.source.as_str()).find(|source| !source.is_empty());
        let top = if calls.is_empty() { name } else { outermost.unwrap_or_default() };
        let report = Report::within(top, thrown, &error, &host.library);
        let error = error.placed(|place| {
            let file = if place.file.is_empty() { name.to_string() } else { place.file };
            host.library.resolve_place(&Place { file, ..place })
        });
        Ended { report: Some(report), error: Some(error) }
    }
}

/// Compiles and runs a runbook by its logical name.
pub fn evaluate(name: &str, host: &Arc<Host>) -> Ended {
    match Runbook::load(name, host) {
        Ok(runbook) => runbook.run(),
        Err(thrown) => Ended::thrown(name, host, &thrown),
    }
}

impl Runbook {
    /// Compiles a runbook by its logical name.
    ///
    /// # Errors
    /// It does not compile, or has the name that journals give to sessions.
    pub fn load(name: &str, host: &Arc<Host>) -> Result<Self, Thrown> {
        if name == SESSION {
            let what = format!("a runbook cannot be named `{SESSION}`: journals of sessions go by that name");
            return Err(Error::new(ErrorKind::Script, what).help("rename its file").into());
        }
        let _entered = host.run.enter();
        let engine = Arc::new(engine::build(host));
        host.set_engine(&engine);
        let (ast, overlay, texts) = host.library.compile_runbook(&engine, &host.globals(), name)?;
        for text in &texts {
            host.run.source(text.mark(name), &text.text)?;
        }
        if let Some(overlay) = overlay {
            host.overlay(|| engine.run_ast_with_scope(&mut host.globals(), &overlay))?;
        }
        Ok(Runbook { name: name.into(), host: host.clone(), engine, ast })
    }

    /// Runs it to its end, on a thread of its own with a stack that its call limit fits in.
    pub fn run(self) -> Ended {
        let name = self.name.clone();
        let thread = std::thread::Builder::new().name(name).stack_size(STACK).spawn(move || {
            let _entered = self.host.run.enter();
            if let Err(e) = rest::come_to_rest(&self.host) {
                return Ended::with(e);
            }
            let result =
                self.engine.eval_ast_with_scope::<rhai::Dynamic>(&mut self.host.globals(), &self.ast);
            match (result, self.host.run.met()) {
                (Ok(_), None) => self.unmatched().map(Ended::with).unwrap_or_default(),
                (Ok(_), Some(e)) => Ended::thrown(&self.name, &self.host, &e.into()),
                (Err(e), _) => Ended::thrown(&self.name, &self.host, &Thrown(e)),
            }
        });
        match thread.map(std::thread::JoinHandle::join) {
            Ok(Ok(ended)) => ended,
            Ok(Err(_)) => Ended::with(
                Error::new(ErrorKind::Internal, "the runbook's thread panicked")
                    .help("this is a defect in Rhumb; the journal is intact"),
            ),
            Err(e) => {
                Ended::with(Error::new(ErrorKind::Internal, "no thread for the runbook").from_source(&e))
            }
        }
    }
}

impl Runbook {
    /// An override whose step never came: the run did not do what the site says.
    fn unmatched(&self) -> Option<Error> {
        let (step, it) = self.host.overrides.unused()?;
        let what = format!("an override matches no step: {} has no step {step}", self.name);
        Some(
            Error::new(ErrorKind::Site, what)
                .place(it.place.file, it.place.line, it.place.column)
                .help(format!("`{}` lists the steps", again::command(&["show", &self.name]))),
        )
    }
}
