//! Every primitive that takes a closure, and every function of Rhai that calls one, with each of the ends in it. A new
//! one cannot be forgotten: the primitives are read from their descriptors, Rhai's functions from the engine.

use std::collections::BTreeSet;
use std::sync::Mutex;

use rhumb::run::{Answer, Entry, Mode, Record};
use rhumb::script::{Param, Primitive, Ty, primitives};

use crate::stage::{Outcome, Stage};

/// A way for a step to end: what the script says, who answers, and what must come of it.
struct End {
    says: &'static str,
    operator: Answer,
    verdict: &'static str,
    exit: u8,
}

const ENDS: &[End] = &[
    End {
        says: r#"gate("must hold", false)"#,
        operator: Answer::Run,
        verdict: "FAIL: gate: must hold",
        exit: 3,
    },
    End { says: r#"expect("n", 1, 2)"#, operator: Answer::Run, verdict: "FAIL: gate: n", exit: 3 },
    End { says: r#"stop("halt")"#, operator: Answer::Run, verdict: "FAIL: halt", exit: 3 },
    End { says: r#"skip("no need")"#, operator: Answer::Run, verdict: "SKIPPED: no need", exit: 0 },
    End { says: r#"attest("seen")"#, operator: Answer::Nobody, verdict: "OUTSTANDING: seen", exit: 16 },
    End { says: CHANGE, operator: Answer::No, verdict: "FAIL: declined: run `juju add-unit vault`", exit: 5 },
    End {
        says: CHANGE,
        operator: Answer::Nobody,
        verdict: "FAIL: step 1 needs an approval: run `juju add-unit vault`",
        exit: 4,
    },
    End {
        says: r#"deferred("9", "Zones", "D-019")"#,
        operator: Answer::Run,
        verdict: "FAIL: step 9 stands inside of step 1",
        exit: 8,
    },
    End { says: r#"site.no_such_value"#, operator: Answer::Run, verdict: "FAIL: ", exit: 7 },
];

const CHANGE: &str = r#"site.tool("juju").run(["add-unit", "vault"])"#;

/// In a `verify` a change is refused, whoever answers.
const REFUSED: End = End {
    says: CHANGE,
    operator: Answer::Run,
    verdict: "FAIL: step 1 is a `verify`, which may only read: run `juju add-unit vault`",
    exit: 13,
};

/// Runs a script with an end in the place of `END`. Nothing that follows it in the step may run.
fn run(script: &str, end: &End) -> Outcome {
    let text = script.replace("END", &format!("note(\"reached\"); {};", end.says));
    // a rehearsal keeps the lock files of its slots to itself
    Stage { answer: end.operator, mode: Mode::Rehearse, ..Stage::new(&text) }.run()
}

fn notes<'a>(came: &'a Outcome) -> Vec<&'a str> {
    let text = |entry: &'a Entry| match &entry.record {
        Record::Note { text, .. } => Some(text.as_str()),
        _ => None,
    };
    came.entries.iter().filter_map(text).collect()
}

/// Beside an end that does not fail the step, the error of another branch does.
const BORING: End =
    End { says: r#"throw "boring""#, operator: Answer::Run, verdict: "FAIL: boring", exit: 1 };

/// What is wrong with an outcome; nothing where the closure was not reached.
fn fault(came: &Outcome, end: &End) -> Option<String> {
    let notes = notes(came);
    if !notes.contains(&"reached") {
        return Some(format!("the closure was not reached: {}", came.drawn));
    }
    if notes.contains(&"after") {
        return Some("the step went on".into());
    }
    let verdict = came.report.steps[0].verdict.as_ref().map(ToString::to_string).unwrap_or_default();
    (!verdict.starts_with(end.verdict) || came.exit != end.exit)
        .then(|| format!("{verdict}, exit {} in the place of {}, exit {}", came.exit, end.verdict, end.exit))
}

/// A step that swallows what its body throws, and one that has it in a branch beside another error.
const STEPS: &[&str] = &[
    r#"change("1", "T", || { try { BODY } catch (e) { note("after") } note("after"); true });"#,
    r#"try { change("1", "T", || {
        try { parallel([|| { throw "boring" }, || { try { BODY } catch (e) { note("after") } }]) } catch (e) { note("after") }
        note("after");
    }) } catch (e) { note("after") }"#,
];

const WAIT: &str = r#"title: "w", every: 1.s, within: 3.s"#;

/// The ways to hand a closure to a primitive, by its descriptor's path and parameter. `None`: the table says why below.
fn ways() -> Vec<(&'static str, Option<String>)> {
    let wait = |closures: &str| Some(format!("poll(#{{ {WAIT}, {closures} }})"));
    vec![
        ("parallel.branches", Some("parallel([|| 1, || { END 1 }])".into())),
        ("baseline.read", Some(r#"baseline("b", || { END 1 })"#.into())),
        ("slot.body", Some(r#"slot("s", #{ count: 1 }, || { END 1 })"#.into())),
        ("poll.wait.read", wait("read: || { END 1 }, done: |x| true")),
        ("poll.wait.done", wait("read: || 1, done: |x| { END true }")),
        ("poll.wait.failed", wait("read: || 1, done: |x| false, failed: |x| { END true }")),
        ("poll.wait.show", wait("read: || 1, done: |x| true, show: |x| { END `1` }")),
        ("poll.wait.cause", wait("read: || 1, done: |x| false, cause: || { END `1` }")),
        // steps of their own: `the_closures_of_steps`
        ("verify.body", None),
        ("verify.opts.when", None),
        ("change.body", None),
        ("change.opts.when", None),
        ("override_step.body", None),
        ("before_step.body", None),
        ("after_step.body", None),
        ("add_step_after.body", None),
        // they end the clean-up that they stand in: `a_clean_up_keeps_what_it_meets`
        ("defer.body", None),
        // they need a cluster: `the_closures_of_a_wait_lose_no_end` of `tests/scripts/kubernetes.rs`
        ("Kube.wait.wait.done", None),
        ("Kube.wait.wait.failed", None),
        ("Kube.wait.wait.show", None),
        ("Kube.wait.wait.cause", None),
    ]
}

fn closures(primitive: &Primitive) -> Vec<String> {
    fn of(path: &str, params: &[Param], into: &mut Vec<String>) {
        for param in params {
            let path = format!("{path}.{}", param.name);
            match param.ty {
                Ty::Function => into.push(path),
                Ty::Options(keys) => of(&path, keys, into),
                _ => {}
            }
        }
    }
    let mut all = Vec::new();
    of(&primitive.path(), primitive.params, &mut all);
    all
}

#[test]
fn every_closure_of_every_primitive_is_in_the_table() {
    let declared: BTreeSet<String> = primitives::all().into_iter().flat_map(closures).collect();
    let held: BTreeSet<String> = ways().into_iter().map(|(path, _)| path.to_string()).collect();
    let branches = BTreeSet::from(["parallel.branches".to_string()]); // a list of them
    assert_eq!(&declared | &branches, held);
}

#[test]
fn no_closure_of_a_primitive_loses_an_end() {
    let mut faults = Vec::new();
    for (path, way) in ways() {
        let Some(way) = way else { continue };
        for step in STEPS {
            for end in ENDS {
                let harmless = [0, 16].contains(&end.exit);
                let wanted = if harmless && step.contains("boring") { &BORING } else { end };
                if let Some(fault) = fault(&run(&step.replace("BODY", &way), end), wanted) {
                    faults.push(format!("{path} with {}: {fault}", end.says));
                }
            }
            let verify = step.replace("change(", "verify(").replace("BODY", &way);
            if let Some(fault) = fault(&run(&verify, &REFUSED), &REFUSED) {
                faults.push(format!("{path} with a refused change: {fault}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Calls of Rhai's functions that take closures, with closures of so many parameters.
fn natives() -> BTreeSet<(String, String)> {
    let engine = rhumb::script::engine::bare();
    let kind =
        |param: &str| param.rsplit([':', ' ']).next().unwrap_or(param).trim_start_matches('&').to_string();
    let functions = engine.collect_fn_metadata(
        None,
        |info| {
            let params: Vec<String> = info.metadata.params_info.iter().map(|p| kind(p)).collect();
            params.iter().any(|p| p == "FnPtr").then(|| (info.metadata.name.to_string(), params))
        },
        true,
    );
    let value = |kind: &str| match kind {
        "Array" => "[2, 1, 1]",
        "Map" => "#{ a: 1, b: 2 }",
        "Blob" => "blob(3, 7)",
        "ImmutableString" | "str" | "string" => "`abc`",
        "bool" => "true",
        "i64" | "INT" => "0",
        "f64" | "FLOAT" => "0.0",
        _ => "1",
    };
    let mut calls = BTreeSet::new();
    for (name, params) in functions {
        if params[0] == "FnPtr" {
            continue; // what asks a closure about itself: `name`, `is_anonymous`
        }
        for closure in ["|| { END 1 }", "|x| { END 1 }", "|x, y| { END 1 }", "|x, y, z| { END 1 }"] {
            let args: Vec<&str> =
                params[1..].iter().map(|p| if p == "FnPtr" { closure } else { value(p) }).collect();
            let call = format!("let it = {}; it.{name}({})", value(&params[0]), args.join(", "));
            calls.insert((format!("{name}({})", params.join(", ")), call));
        }
    }
    calls
}

#[test]
fn no_function_of_rhai_that_calls_a_closure_loses_an_end() {
    let calls = natives();
    let names: BTreeSet<String> = calls.iter().map(|(name, _)| name.clone()).collect();
    for known in [
        "map", "filter", "sort", "reduce", "retain", "drain", "find", "all", "some", "index_of", "dedup",
        "for_each", "zip",
    ] {
        assert!(names.iter().any(|n| n.starts_with(&format!("{known}("))), "{known} is not among {names:?}");
    }
    let (faults, reached) = (Mutex::new(Vec::new()), Mutex::new(BTreeSet::new()));
    let all: Vec<_> = calls.iter().collect();
    let try_some = |calls: &[&'_ (String, String)]| {
        for (name, call) in calls {
            for end in ENDS {
                let came = run(&STEPS[0].replace("BODY", call), end);
                if !notes(&came).contains(&"reached") {
                    break; // it gives its closure another number of arguments
                }
                reached.lock().unwrap().insert(name.clone());
                if let Some(fault) = fault(&came, end) {
                    faults.lock().unwrap().push(format!("{name} with {}: {fault}", end.says));
                }
            }
            // no error of a closure is lost, either
            let came = run(&format!("change(`1`, `T`, || {{ {call}; true }});"), &BORING);
            if let Some(fault) = fault(&came, &BORING).filter(|_| notes(&came).contains(&"reached")) {
                faults.lock().unwrap().push(format!("{name} with an error: {fault}"));
            }
        }
    };
    std::thread::scope(|threads| {
        for some in all.chunks(all.len().div_ceil(4)) {
            threads.spawn(|| try_some(some));
        }
    });
    let (faults, reached) = (faults.into_inner().unwrap(), reached.into_inner().unwrap());
    let missed: Vec<_> = names.difference(&reached).collect();
    assert!(missed.is_empty(), "no closure was called by {missed:?}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_closures_of_steps_lose_no_end() {
    let steps = [
        r#"verify("1", "T", || { END true });"#,
        r#"change("1", "T", || { END true });"#,
        r#"change("1", "T", #{ when: || { END true } }, || note("after"));"#,
        r#"change("1", "T", #{ when: || { try { END } catch (e) { note("after") } true } }, || note("after"));"#,
        r#"[2, 1].sort(|a, b| { change("1", "T", || { END true }); 0 });"#,
        r#"fn f() { END true } change("1", "T", || f());"#,
    ];
    let overlays = [
        r#"override_step("1", |original| { try { original.call() } catch (e) { note("after") } END true });"#,
        r#"before_step("1", || { [1].map(|x| { END 1 }); note("after") });"#,
        r#"after_step("1", |value| { try { END } catch (e) { note("after") } });"#,
    ];
    let mut faults = Vec::new();
    let changing = |end: &&End| end.says == CHANGE;
    for script in steps {
        for end in ENDS.iter().filter(|end| !(script.contains("verify(") && changing(end))) {
            let around = format!("try {{ {script} }} catch (e) {{ }}");
            let around = if script.starts_with("fn") { script.to_string() } else { around };
            if let Some(fault) = fault(&run(&around, end), end) {
                faults.push(format!("{script} with {}: {fault}", end.says));
            }
        }
    }
    for overlay in overlays {
        for end in ENDS {
            let text = overlay.replace("END", &format!("note(\"reached\"); {};", end.says));
            let stage = Stage { answer: end.operator, ..Stage::new("") };
            let shipped = r#"change("1", "T", || true);"#;
            let came = stage.with("main", "embedded", shipped).with("main", "site", &text).run();
            if let Some(fault) = fault(&came, end) {
                faults.push(format!("{overlay} with {}: {fault}", end.says));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
