//! Runbook, steps, and the ways a step can end.

use rhai::{Dynamic, FnPtr};
use serde_json::Value;

use crate::base::secret::MASK;
use crate::base::{Error, ErrorKind, Result, Secret, again};
use crate::run::step::Codec;
use crate::run::{Ending, Mode, OnFail, StepKind, StepSpec, Unwind, frame};
use crate::script::adapter::Call;
use crate::script::bounds;
use crate::script::host::Host;
use crate::script::later::Later;
use crate::script::overrides::{Override, What};
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::thrown::Thrown;
use crate::script::unmade::{self, Absent, Unmade};
use crate::script::value;

const STEP_OPTIONS: &[Param] = &[
    Param::optional(
        "on_fail",
        Ty::Choice(&["stop", "continue"]),
        "`\"stop\"` (default) or `\"continue\"`: the run goes on, and fails in the end",
    ),
    Param::optional("when", Ty::Function, "a closure; where it gives `false` the step is SKIPPED"),
    Param::optional("needs", Ty::Texts, "ids of steps that must have passed, else the step is SKIPPED"),
];

const STEP: &[Param] = &[
    Param::new(
        "id",
        Ty::Text,
        "the step's id, unique in the runbook: resume, overrides and reports go by it",
    ),
    Param::new("title", Ty::Text, "what the step achieves"),
    Param::optional("opts", Ty::Options(STEP_OPTIONS), "how the step behaves"),
    Param::new("body", Ty::Function, "what the step does; its value is the step's value"),
];

/// The family.
pub const ALL: &[&Primitive] =
    &[&RUNBOOK, &VERIFY, &CHANGE, &DEFERRED, &SKIP, &STOP, &DEFER, &PARALLEL, &NOTE, &FACT, &BASELINE];

const RUNBOOK_OPTIONS: &[Param] = &[
    Param::optional(
        "needs",
        Ty::Texts,
        "ids of the steps that must have passed; what a waiver, a known issue or a decision accepts has",
    ),
    Param::optional(
        "accepts",
        Ty::Options(ACCEPTS),
        "the bar that it takes, item by item: what its acceptance summary says",
    ),
];

const ACCEPTS: &[Param] = &[
    Param::new("what", Ty::Text, "what is accepted, such as `v1`"),
    Param::new("bar", Ty::Text, "what the ids of its items begin with, such as `D-011`"),
    Param::new(
        "items",
        Ty::Map,
        "what each item is called, by the rest of its id: `\".1\": \"charms\"`; the steps `D-011.4a` and `D-011.4b` are both of item `.4`",
    ),
];

const RUNBOOK: Primitive = Primitive {
    name: "runbook",
    on: On::Global,
    params: &[
        Param::new("id", Ty::Text, "the runbook's id"),
        Param::new("title", Ty::Text, "what the procedure achieves"),
        Param::optional("opts", Ty::Options(RUNBOOK_OPTIONS), "what its verdict stands on"),
    ],
    returns: "()",
    effect: Effect::Flow,
    doc: "Names the runbook. The first statement of every runbook, once. With `needs` it says which steps its verdict needs: where one of them was skipped, left out, or not signed, the run is INCOMPLETE and did not pass. Without, a step that nobody signed, that was left out, or that was skipped for want of another one does that. With `accepts`, reports have an acceptance summary, one line an item.",
    example: r#"runbook("drill", "A drill", #{ needs: ["1"] });
verify("1", "It is two", || expect("sum", 1 + 1, 2));"#,
    body: |call| {
        let by_site = call.host.overrides.needs();
        let overridden = by_site.as_ref().map(|by| by.describe());
        let needs = by_site.map_or_else(|| call.options(2).texts("needs"), |by| by.steps);
        call.host.run.named(&call.text(0), &call.text(1), needs, overridden)?;
        Ok(Dynamic::UNIT)
    },
};

const VERIFY: Primitive = Primitive {
    name: "verify",
    on: On::Global,
    params: STEP,
    returns: "the body's value, or () where the step has none",
    effect: Effect::Flow,
    doc: "A step that only reads: a change inside it is refused before anything is sent. It runs again on resume.",
    example: r#"let n = verify("1", "Count", || 1 + 1); gate_outside(n);
fn gate_outside(n) { verify("2", "It is two", || expect("sum", n, 2)); }"#,
    body: |call| step(call, StepKind::Verify),
};

const CHANGE: Primitive = Primitive {
    name: "change",
    on: On::Global,
    params: STEP,
    returns: "the body's value, or () where the step has none",
    effect: Effect::Flow,
    doc: "A step that may change things. Each change is approved and journaled before it is sent. On resume a step that finished gives its recorded value and is not run again.",
    example: r#"change("1", "Nothing to change", || skip("it is so already"));"#,
    body: |call| step(call, StepKind::Change),
};

const DEFERRED: Primitive = Primitive {
    name: "deferred",
    on: On::Global,
    params: &[
        Param::new("id", Ty::Text, "the step's id"),
        Param::new("title", Ty::Text, "what the step would achieve"),
        Param::new("decision", Ty::Text, "the decision that put it off, such as `D-019`"),
    ],
    returns: "()",
    effect: Effect::Flow,
    doc: "A step that a decision has put off: it stands in the report as DEFERRED.",
    example: r#"deferred("D-011.8", "Designate zones", "D-019");"#,
    body: |call| {
        let spec = StepSpec {
            id: call.text(0),
            title: call.text(1),
            kind: StepKind::Verify,
            on_fail: OnFail::Stop,
            needs: Vec::new(),
            overridden: None,
        };
        let decision = call.text(2);
        let recorder = Recorded(call.host);
        call.host.run.step(
            &spec,
            &recorder,
            || Ok(true),
            || Err(Thrown::ending(Ending::Deferred(decision))),
        )?;
        Ok(Dynamic::UNIT)
    },
};

const SKIP: Primitive = Primitive {
    name: "skip",
    on: On::Global,
    params: &[Param::new("reason", Ty::Text, "why the step is not needed")],
    returns: "never",
    effect: Effect::Step,
    doc: "Ends the step as SKIPPED; the run goes on behind it.",
    example: r#"verify("1", "Only where it is needed", || skip("it is not"));"#,
    body: |call| Err(Thrown::ending(Ending::Skip(call.text(0)))),
};

const STOP: Primitive = Primitive {
    name: "stop",
    on: On::Global,
    params: &[Param::new("reason", Ty::Text, "why nothing further may be done")],
    returns: "never",
    effect: Effect::Step,
    doc: "Ends the step as FAIL and the run with it, whatever `on_fail` says.",
    example: r#"verify("1", "Room for it", || if false { stop("no host has room") });"#,
    body: |call| Err(Thrown::ending(Ending::Stop(call.text(0)))),
};

const DEFER: Primitive = Primitive {
    name: "defer",
    on: On::Global,
    params: &[
        Param::new("title", Ty::Text, "what is cleaned up"),
        Param::new("body", Ty::Function, "the clean-up"),
    ],
    returns: "()",
    effect: Effect::Step,
    doc: "Registers a clean-up. Clean-ups run at the end of the step in reverse order, also after a failure and after Ctrl-C, with a deadline of their own. One that fails fails the run.",
    example: r#"change("1", "Leave nothing behind", || { defer("say goodbye", || note("goodbye")); note("hello"); });"#,
    body: |call| {
        let (title, body, host) = (call.text(0), call.function(1)?, call.host.clone());
        let later = Later::keep(&call.context);
        call.host.run.defer(&title, move || {
            let engine = host.engine()?;
            later.call(&engine, &body).map(drop)
        })?;
        Ok(Dynamic::UNIT)
    },
};

const PARALLEL: Primitive = Primitive {
    name: "parallel",
    on: On::Global,
    params: &[Param::new("branches", Ty::List, "closures without parameters")],
    returns: "the branches' values, in their order",
    effect: Effect::Flow,
    doc: "Runs closures at the same time, each on a thread of its own. A branch sees its captured variables as they are now; what it changes in them is its own: hand results back as its value. All branches end before this does; the first error, in the branches' order, is thrown. A gate that fails in one branch stops the others.",
    example: r#"verify("1", "Both", || expect("values", parallel([|| 1, || 2]), [1, 2]));"#,
    body: parallel,
};

const NOTE: Primitive = Primitive {
    name: "note",
    on: On::Global,
    params: &[Param::new("text", Ty::Any, "the remark")],
    returns: "()",
    effect: Effect::Flow,
    doc: "Puts a remark into the journal and the report.",
    example: r#"verify("1", "Remark", || note("three hosts are up"));"#,
    body: |call| {
        let text = match call.arg(0) {
            Some(secret) if secret.read_lock::<Secret>().is_some() => MASK.to_string(),
            text => text.map(ToString::to_string).unwrap_or_default(),
        };
        call.host.run.note(&text)?;
        Ok(Dynamic::UNIT)
    },
};

const FACT: Primitive = Primitive {
    name: "fact",
    on: On::Global,
    params: &[
        Param::new("name", Ty::Text, "the value's name"),
        Param::new("value", Ty::Any, "the value; a secret is masked"),
    ],
    returns: "the value",
    effect: Effect::Flow,
    doc: "Puts a named value into the journal and the report: ids and addresses that belong to this run.",
    example: r#"verify("1", "Remember", || fact("api_address", "https://10.12.7.180:6443"));"#,
    body: |call| {
        let fact = call.arg(1).cloned().unwrap_or(Dynamic::UNIT);
        call.host.run.fact(&call.text(0), value::evidence(&fact))?;
        Ok(fact)
    },
};

const BASELINE: Primitive = Primitive {
    name: "baseline",
    on: On::Global,
    params: &[Param::new("name", Ty::Text, "the value's name"), Param::new("read", Ty::Function, "reads it")],
    returns: "the value",
    effect: Effect::Flow,
    doc: "Reads what a change is to be measured against, and keeps it as a fact. Where a run goes on after a cut and the step had begun to change things, the value is the one from before the first change: what is read then would show the change itself.",
    example: r#"change("1", "Stop", || {
    let vm = site.scope("admin").servers.get("jump-1");
    let was = baseline("since", || vm.updated);
    vm.stop();
    gate("it was touched", site.scope("admin").servers.get(vm.id).updated != was);
});"#,
    body: |call| {
        let (name, read) = (call.text(0), call.function(1)?);
        if let Some(kept) = call.host.run.baseline(&name) {
            return Ok(value::decode(call.host, &kept)?);
        }
        let read = call.call(&read, ())?;
        bounds::check(&read, || format!("the value of `{name}`"))?;
        call.host.run.fact(&name, value::encode(&read))?;
        Ok(read)
    },
};

/// How step values are kept in the journal.
pub struct Recorded<'a>(pub &'a Host);

impl Codec<Dynamic> for Recorded<'_> {
    fn encode(&self, value: &Dynamic) -> Value {
        value::encode(value)
    }

    fn decode(&self, value: &Value) -> Result<Dynamic> {
        value::decode(self.0, value)
    }
}

fn step(call: &mut Call<'_>, kind: StepKind) -> Result<Dynamic, Thrown> {
    let options = call.options(2);
    let on_fail = match options.text("on_fail").as_deref() {
        Some("continue") => OnFail::Continue,
        _ => OnFail::Stop,
    };
    let (id, title) = (call.text(0), call.text(1));
    let changes = call.host.overrides.of(&id);
    let said: Vec<String> = changes.iter().map(Override::describe).collect();
    let overridden = (!said.is_empty()).then(|| said.join(", "));
    let spec = StepSpec { id, title, kind, on_fail, needs: options.texts("needs"), overridden };
    let (body, when) = (call.function(3)?, options.function("when"));
    let needs = unmade_of(call, kind, when.as_ref(), &body, &changes);
    let lacks: Option<Absent> = of_closures(when.as_ref(), &body, &changes);
    let id = spec.id.clone();
    let asked = || match (&needs, &when) {
        _ if lacks.is_some() => Err(refused(call, &id, lacks.as_ref())),
        // whether it would follow only its own `when` can say, and that needs what nobody has: it is told as one that would
        (Some(_), _) if kind == StepKind::Change => Ok(true),
        (Some(unmade), _) => Err(Thrown::ending(Ending::Skip(unmade.why()))),
        (None, None) => Ok(true),
        (None, Some(when)) => truth(&call.call(when, ())?, "`when`"),
    };
    let run = || kept(&spec, overlaid(call, &body, &changes)?);
    let value = call.host.run.step(&spec, &Recorded(call.host), asked, run)?;
    let value = match value {
        Some(value) => value,
        None => not_made(call, &spec.id, body, needs),
    };
    for added in &changes {
        add_step(call, added)?;
    }
    Ok(value)
}

/// A step's value. A finished change gives it again after a cut, so it must be possible to keep it.
fn kept(spec: &StepSpec, value: Dynamic) -> Result<Dynamic, Thrown> {
    if spec.kind == StepKind::Change {
        bounds::check(&value, || format!("the value of step {}", spec.id))?;
    }
    Ok(value)
}

/// What a step needs of the values that an observation's left out changes would have made: a change for its `when`, others for
/// whatever they do.
fn unmade_of(
    call: &Call<'_>,
    kind: StepKind,
    when: Option<&FnPtr>,
    body: &FnPtr,
    changes: &[Override],
) -> Option<Unmade> {
    if call.host.run.mode() != Mode::Observe {
        return None;
    }
    match kind {
        StepKind::Change => when.and_then(unmade::captured),
        StepKind::Verify => of_closures(when, body, changes),
    }
}

/// The first value of a kind that this run does not have, in what a step runs.
fn of_closures<T: Clone + Send + Sync + 'static>(
    when: Option<&FnPtr>,
    body: &FnPtr,
    changes: &[Override],
) -> Option<T> {
    let mut replaced = false;
    let of_site = changes.iter().find_map(|change| match &change.what {
        What::Replace(f) => {
            replaced = true;
            unmade::captured(f)
        }
        What::Before(f) | What::After(f) => unmade::captured(f),
        _ => None,
    });
    let asked = when.and_then(unmade::captured);
    asked.or(of_site).or_else(|| unmade::captured(body).filter(|_| !replaced))
}

/// A step needs a value that this run does not have, since the operator left out the step that gives it.
fn refused(call: &Call<'_>, step: &str, lacks: Option<&Absent>) -> Thrown {
    let run = &call.host.run;
    let again = |from: &str| match run.mode() {
        Mode::Rehearse => format!("--from {from}"),
        _ => format!("`{}`", again::from(&run.id(), from)),
    };
    lacks.map_or_else(Thrown::stopped, |lacks| lacks.refusal(step, again).into())
}

/// The value of a step that has none. Where an observation left it out, nobody knows what it would have been.
fn not_made(call: &Call<'_>, step: &str, mut body: FnPtr, needs: Option<Unmade>) -> Dynamic {
    let lost = call.host.run.lost_value_of(step).map(|why| Absent::lost(step, &why));
    let left_out = || call.host.run.lacks_value_of(step).then(|| Absent::of(step));
    if let Some(absent) = lost.or_else(left_out) {
        unmade::leave(&mut body, &absent);
        return Dynamic::from(absent);
    }
    if !call.host.run.left_to_a_run(step) {
        let by_id = || call.host.run.left_out_for(step).map(|by| Unmade::of(&by));
        return needs.or_else(by_id).map_or(Dynamic::UNIT, Dynamic::from);
    }
    let unmade = Unmade::of(step);
    unmade::leave(&mut body, &unmade);
    Dynamic::from(unmade)
}

/// A step's body as the site wants it.
fn overlaid(call: &Call<'_>, body: &FnPtr, changes: &[Override]) -> Result<Dynamic, Thrown> {
    let engine = call.context.engine();
    for change in changes {
        match &change.what {
            What::Skip(reason) => return Err(Thrown::ending(Ending::Skip(reason.clone()))),
            What::Before(f) => drop(change.later.call(engine, f)?),
            _ => {}
        }
    }
    let replaced = changes.iter().find_map(|c| match &c.what {
        What::Replace(f) => Some((c, f)),
        _ => None,
    });
    let value = match replaced {
        Some((change, f)) => {
            let done = change.later.call_with(engine, f, (original(call, body)?,));
            done.map_err(|e| takes_one(e, change, "|original| ..."))?
        }
        None => call.call(body, ())?,
    };
    for change in changes {
        if let What::After(f) = &change.what {
            let done = change.later.call_with(engine, f, (value.clone(),));
            drop(done.map_err(|e| takes_one(e, change, "|value| ..."))?);
        }
    }
    Ok(value)
}

/// What Rhai says of a closure that was given a parameter and takes none (or several), in words.
fn takes_one(thrown: Thrown, change: &Override, form: &str) -> Thrown {
    let of_closure = |name: &str| name.starts_with("anon$");
    match &*thrown.0 {
        rhai::EvalAltResult::ErrorFunctionNotFound(name, _) if of_closure(name) => {
            let place = &change.place;
            Error::new(ErrorKind::Script, "the function of this override does not take one parameter")
                .place(place.file.clone(), place.line, place.column)
                .help(format!("write it as `{form}`"))
                .into()
        }
        _ => thrown,
    }
}

/// The shipped body as a function that the site's closure can call.
#[allow(deprecated, reason = "Rhai marks it as volatile; nothing else makes a function of Rust a closure")]
fn original(call: &Call<'_>, body: &FnPtr) -> Result<FnPtr, Thrown> {
    let (later, body) = (Later::keep(&call.context), body.clone());
    Ok(FnPtr::from_fn("original", move |context, _| later.call(context.engine(), &body).map_err(Into::into))?)
}

/// A step that the site adds behind another.
fn add_step(call: &Call<'_>, change: &Override) -> Result<(), Thrown> {
    let What::Add { id, title, kind, body } = &change.what else { return Ok(()) };
    let spec = StepSpec {
        id: id.clone(),
        title: title.clone(),
        kind: *kind,
        on_fail: OnFail::Stop,
        needs: Vec::new(),
        overridden: Some(change.describe()),
    };
    let run = || kept(&spec, change.later.call(call.context.engine(), body)?);
    let needs = unmade_of(call, *kind, None, body, &[]);
    let lacks: Option<Absent> = unmade::captured(body);
    let asked = || match needs {
        _ if lacks.is_some() => Err(refused(call, id, lacks.as_ref())),
        Some(unmade) => Err(Thrown::ending(Ending::Skip(unmade.why()))),
        None => Ok(true),
    };
    call.host.run.step(&spec, &Recorded(call.host), asked, run)?;
    Ok(())
}

/// A closure's answer as a truth value.
pub fn truth(value: &Dynamic, what: &str) -> Result<bool, Thrown> {
    value.as_bool().map_err(|_| {
        let got = crate::script::engine::type_name(value);
        Error::new(ErrorKind::Argument, format!("{what} must give true or false, not a {got}")).into()
    })
}

fn parallel(call: &mut Call<'_>) -> Result<Dynamic, Thrown> {
    let mut branches = Vec::new();
    for branch in call.arg(0).and_then(|a| a.clone().into_array().ok()).unwrap_or_default() {
        let got = crate::script::engine::type_name(&branch);
        let Some(mut f) = branch.try_cast::<FnPtr>() else {
            return Err(
                Error::new(ErrorKind::Argument, format!("`parallel` takes closures, not a {got}")).into()
            );
        };
        // each branch gets captured variables of its own, or two of them could change one at once
        for captured in f.iter_curry_mut() {
            if captured.is_shared() {
                *captured = captured.flatten_clone().into_shared();
            }
        }
        branches.push(f);
    }
    let (host, fork) = (call.host, call.host.run.fork(branches.len()));
    let (later, engine) = (Later::keep(&call.context), call.context.engine());
    let run_one = |index: usize, f: &FnPtr| {
        let result = host.run.branch(&fork, index, || later.call(engine, f));
        host.run.clock().leave();
        result
    };
    let results: Vec<Result<Dynamic, Thrown>> = std::thread::scope(|threads| {
        let run_one = &run_one;
        let mut handles = Vec::new();
        for (n, f) in branches.iter().enumerate() {
            host.run.clock().enter();
            let thread = std::thread::Builder::new()
                .name(format!("branch-{}", n + 1))
                .stack_size(crate::script::engine::STACK);
            handles.push(thread.spawn_scoped(threads, move || run_one(n, f)));
        }
        host.run.clock().leave(); // this thread only waits for the others
        let results = handles.into_iter().map(|h| match h {
            Ok(thread) => thread
                .join()
                .unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "a branch panicked").into())),
            Err(e) => {
                host.run.clock().leave();
                Err(Error::new(ErrorKind::Internal, "no thread for a branch").from_source(&e).into())
            }
        });
        let results = results.collect();
        host.run.clock().enter();
        results
    });
    if !fork.join() {
        return results.into_iter().collect::<Result<Vec<_>, _>>().map(Dynamic::from);
    }
    // a branch has ended the step, so nobody can deal with the error of another: the step has met that as well
    for thrown in results.iter().filter_map(|result| result.as_ref().err()) {
        if !thrown.is_stopped() {
            frame::meet(Ending::Error(thrown.error()));
        }
    }
    let known = frame::met().map(|ending| ending.error());
    let tells = |e: Error| known.as_ref().is_some_and(|known| known.detail().what == e.detail().what);
    let led = results.into_iter().filter_map(Result::err).find(|thrown| tells(thrown.error()));
    Err(led.unwrap_or_else(Thrown::stopped))
}
