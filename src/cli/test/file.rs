//! One test file: its script, and what its tests came to.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rhai::{AST, Dynamic, Engine, EvalAltResult, FnPtr, Map, NativeCallContext};

use super::rehearsal;
use crate::base::{Error, ErrorKind, Result};
use crate::script::engine;
use crate::script::value;

/// What a file came to.
pub(super) struct Outcome {
    pub(super) path: PathBuf,
    pub(super) cases: Vec<Case>,
    /// Why the file was not run to its end.
    pub(super) broken: Option<String>,
}

/// One test.
pub(super) struct Case {
    pub(super) name: String,
    /// Why it failed.
    pub(super) failure: Option<String>,
    pub(super) took: Duration,
}

type Cases = Arc<Mutex<Vec<Case>>>;
type Thrown = Box<EvalAltResult>;

/// Runs the tests of a file, one after the other.
pub(super) fn run(path: &Path, site: Option<&Path>, only: Option<&str>) -> Outcome {
    let cases = Cases::default();
    let broken = evaluate(path, site, only, &cases).err().map(|e| e.to_string());
    let cases = std::mem::take(&mut *cases.lock().unwrap_or_else(PoisonError::into_inner));
    Outcome { path: path.to_path_buf(), cases, broken }
}

fn evaluate(path: &Path, site: Option<&Path>, only: Option<&str>, cases: &Cases) -> Result<()> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| Error::new(ErrorKind::Io, "it cannot be read").from_source(&e))?;
    let engine = engine(site.map(Path::to_path_buf), only.map(str::to_string), cases.clone());
    let script = |e: &dyn std::fmt::Display| Error::new(ErrorKind::Script, e.to_string());
    let ast: AST = engine.compile(&text).map_err(|e| script(&e))?;
    engine.run_ast(&ast).map_err(|e| script(&e))
}

/// The language, and the words of tests: `test`, `rehearse`, `assert`, `assert_eq`.
fn engine(site: Option<PathBuf>, only: Option<String>, cases: Cases) -> Engine {
    let mut engine = engine::bare();
    let rehearsed = site.clone();
    engine.register_fn("rehearse", move |runbook: &str| rehearse(rehearsed.as_deref(), runbook, &Map::new()));
    engine.register_fn("rehearse", move |runbook: &str, options: Map| {
        rehearse(site.as_deref(), runbook, &options)
    });
    engine.register_fn(
        "assert",
        |claim: &str, holds: bool| {
            if holds { Ok(()) } else { Err(failed(claim.to_string())) }
        },
    );
    engine.register_fn("assert_eq", |claim: &str, actual: Dynamic, wanted: Dynamic| {
        let (actual, wanted) = (value::evidence(&actual), value::evidence(&wanted));
        match actual == wanted {
            true => Ok(()),
            false => Err(failed(format!("{claim}\nwanted {wanted}\ngot    {actual}"))),
        }
    });
    engine.register_fn("test", move |context: NativeCallContext<'_>, name: &str, body: FnPtr| {
        if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            return;
        }
        let began = Instant::now();
        let ended: std::result::Result<Dynamic, Thrown> = body.call_within_context(&context, ());
        let failure = ended.err().map(|thrown| words(&thrown));
        let case = Case { name: name.to_string(), failure, took: began.elapsed() };
        cases.lock().unwrap_or_else(PoisonError::into_inner).push(case);
    });
    engine
}

fn failed(what: String) -> Thrown {
    EvalAltResult::ErrorRuntime(what.into(), rhai::Position::NONE).into()
}

/// An error, innermost, with its line.
fn words(thrown: &EvalAltResult) -> String {
    match thrown {
        EvalAltResult::ErrorInFunctionCall(_, _, inner, _) => words(inner),
        EvalAltResult::ErrorRuntime(said, place) => match place.line() {
            Some(line) => format!("{said}\nat line {line}"),
            None => said.to_string(),
        },
        other => other.to_string(),
    }
}

fn rehearse(site: Option<&Path>, runbook: &str, options: &Map) -> std::result::Result<Dynamic, Thrown> {
    let thrown = |e: Error| match &e.detail().help {
        Some(help) => failed(format!("{e}\n{help}")),
        None => failed(e.to_string()),
    };
    let told = rehearsal::run(site, runbook, options).map_err(thrown)?;
    value::from_json(&told).map_err(thrown)
}
