//! A runbook on its own thread: compile, evaluate, and say how it ended.

use std::sync::Arc;

use rhai::{AST, Engine};

use super::abort;
use super::engine::{self, STACK};
use super::host::Host;
use super::rest;
use super::thrown::Thrown;
use crate::base::{Error, ErrorKind};

/// A runbook, compiled.
pub struct Runbook {
    name: String,
    host: Arc<Host>,
    engine: Arc<Engine>,
    ast: AST,
}

/// How a runbook ended.
#[derive(Debug)]
pub struct Ended {
    /// The error that ended it, with the place in the operator's file.
    pub error: Option<Error>,
    /// The same as Rhai has it, for the traceback.
    pub thrown: Option<Thrown>,
}

impl Runbook {
    /// Compiles a runbook by its logical name.
    pub fn load(name: &str, host: &Arc<Host>) -> Result<Self, Thrown> {
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
            if let Err(e) = rest::come_to_rest(&self.host) {
                return Ended { error: Some(e), thrown: None };
            }
            let result =
                self.engine.eval_ast_with_scope::<rhai::Dynamic>(&mut self.host.globals(), &self.ast);
            match (result, abort::pending()) {
                (Ok(_), None) => Ended { error: self.unmatched(), thrown: None },
                (Ok(_), Some(e)) => Ended { thrown: Some(e.clone().into()), error: Some(e) },
                (Err(e), _) => {
                    let thrown = Thrown(e);
                    Ended { error: Some(ending(&thrown)), thrown: Some(thrown) }
                }
            }
        });
        let lost = |e: Error| Ended { error: Some(e), thrown: None };
        match thread.map(std::thread::JoinHandle::join) {
            Ok(Ok(ended)) => ended,
            Ok(Err(_)) => lost(
                Error::new(ErrorKind::Internal, "the runbook's thread panicked")
                    .help("this is a defect in Rhumb; the journal is intact"),
            ),
            Err(e) => lost(Error::new(ErrorKind::Internal, "no thread for the runbook").from_source(&e)),
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
                .help(format!("`rhumb show {}` lists the steps", self.name)),
        )
    }
}

/// What ended the runbook, as one error.
fn ending(thrown: &Thrown) -> Error {
    use crate::run::{Ending, Unwind};
    match thrown.ending() {
        Ending::Error(e) => e,
        Ending::Stop(reason) => Error::new(ErrorKind::Gate, format!("stopped: {reason}")),
        Ending::Skip(reason) | Ending::Deferred(reason) | Ending::Outstanding(reason) => {
            Error::new(ErrorKind::Script, format!("left a step that was not there: {reason}"))
        }
    }
}
