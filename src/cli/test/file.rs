//! One test file: its script, and what its tests came to.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rhai::{AST, Dynamic, Engine, EvalAltResult, FnPtr, Map, NativeCallContext};
use serde_json::Value;

use crate::base::{Error, ErrorKind, Result};
use crate::script::survey::Known;
use crate::script::{engine, shadows, value};

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
/// The first assertion of the present test that does not hold: it counts, whatever the test makes of its error.
type Failing = Arc<Mutex<Option<String>>>;
type Thrown = Box<EvalAltResult>;

/// Rehearses a runbook with a test's options, for a test file in this directory.
pub(super) type Rehearse = dyn Fn(&Path, &str, &Map) -> Result<Value> + Send + Sync;

/// Which tests are wanted, by their names.
pub(super) type Wanted = dyn Fn(&str) -> bool + Send + Sync;

/// Runs the tests of a file, one after the other.
pub(super) fn run(path: &Path, rehearse: &Arc<Rehearse>, wanted: &Arc<Wanted>) -> Outcome {
    let cases = Cases::default();
    let broken = evaluate(path, rehearse, wanted, &cases).err().map(|e| e.to_string());
    let cases = std::mem::take(&mut *lock(&cases));
    Outcome { path: path.to_path_buf(), cases, broken }
}

fn evaluate(path: &Path, rehearse: &Arc<Rehearse>, wanted: &Arc<Wanted>, cases: &Cases) -> Result<()> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| Error::new(ErrorKind::Io, "it cannot be read").from_source(&e))?;
    let engine = engine(beside(path), rehearse.clone(), wanted.clone(), cases.clone());
    let script = |e: &dyn std::fmt::Display| Error::new(ErrorKind::Script, e.to_string());
    let ast: AST = engine.compile(&text).map_err(|e| script(&e))?;
    if let Some(shadow) = shadows::of(&Known::new(&engine, Vec::new()), &ast, &text).into_iter().next() {
        let (line, column) = (shadow.at.line, shadow.at.column);
        return Err(script(&format!("{} (line {line}, position {column}): {}", shadow.message, shadow.help)));
    }
    engine.run_ast(&ast).map_err(|e| script(&e))
}

/// The language, and the words of tests: `test`, `rehearse`, `assert`, `assert_eq`.
fn engine(beside: PathBuf, rehearse: Arc<Rehearse>, wanted: Arc<Wanted>, cases: Cases) -> Engine {
    let mut engine = engine::bare();
    let failing = Failing::default();
    let plain = (beside.clone(), rehearse.clone());
    engine.register_fn("rehearse", move |runbook: &str| {
        played(plain.1.as_ref(), &plain.0, runbook, &Map::new())
    });
    engine.register_fn("rehearse", move |runbook: &str, options: Map| {
        played(rehearse.as_ref(), &beside, runbook, &options)
    });
    let fails = failing.clone();
    let fails = move |what: String| {
        lock(&fails).get_or_insert_with(|| what.clone());
        failed(what)
    };
    let not_equal = fails.clone();
    engine.register_fn(
        "assert",
        move |claim: &str, holds: bool| {
            if holds { Ok(()) } else { Err(fails(claim.to_string())) }
        },
    );
    engine.register_fn("assert_eq", move |claim: &str, actual: Dynamic, wanted: Dynamic| {
        let (actual, wanted) = (value::evidence(&actual), value::evidence(&wanted));
        match actual == wanted {
            true => Ok(()),
            false => Err(not_equal(format!("{claim}\nwanted {wanted}\ngot    {actual}"))),
        }
    });
    engine.register_fn("test", move |context: NativeCallContext<'_>, name: &str, body: FnPtr| {
        if !wanted(name) {
            return;
        }
        let began = Instant::now();
        lock(&failing).take();
        let ended: std::result::Result<Dynamic, Thrown> = body.call_within_context(&context, ());
        let failure = ended.err().map(|thrown| words(&thrown)).or_else(|| lock(&failing).take());
        let case = Case { name: name.to_string(), failure, took: began.elapsed() };
        lock(&cases).push(case);
    });
    engine
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

/// The directory of a test file.
fn beside(path: &Path) -> PathBuf {
    path.parent().map(Path::to_path_buf).unwrap_or_default()
}

fn played(
    rehearse: &Rehearse,
    beside: &Path,
    runbook: &str,
    options: &Map,
) -> std::result::Result<Dynamic, Thrown> {
    let thrown = |e: Error| match &e.detail().help {
        Some(help) => failed(format!("{e}\n{help}")),
        None => failed(e.to_string()),
    };
    let told = rehearse(beside, runbook, options).map_err(thrown)?;
    value::from_json(&told).map_err(thrown)
}
