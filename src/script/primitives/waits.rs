//! `poll`: the only way to wait.

use std::time::Duration;

use rhai::{Dynamic, FnPtr};

use super::flow::truth;
use crate::base::{Error, ErrorKind, Result};
use crate::run::WaitSpec;
use crate::run::wait::WaitHooks;
use crate::script::adapter::Call;
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::thrown::Thrown;
use crate::script::value;

/// The family.
pub const ALL: &[&Primitive] = &[&POLL, &SLEEP, &NOW];

const POLL_KEYS: &[Param] = &[
    Param::new("title", Ty::Text, "what is waited for"),
    Param::new("every", Ty::Duration, "time between looks"),
    Param::new("within", Ty::Duration, "time until the wait fails"),
    Param::new("read", Ty::Function, "looks once; its value goes to the other closures"),
    Param::new("done", Ty::Function, "whether that is what is waited for"),
    Param::optional("failed", Ty::Function, "whether that can never become it: the wait fails at once"),
    Param::optional("show", Ty::Function, "what was seen, in a few words"),
    Param::optional(
        "cause",
        Ty::Function,
        "why it takes so long or failed; asked once it is slow, and at a failure",
    ),
    Param::optional("warn_after", Ty::Duration, "time until it counts as slow"),
    Param::optional(
        "tolerate",
        Ty::Texts,
        "kinds of error that mean `not yet` here, such as `\"not-found\"`; busy services and lost connections always do",
    ),
];

const POLL: Primitive = Primitive {
    name: "poll",
    on: On::Global,
    params: &[Param::new("wait", Ty::Options(POLL_KEYS), "what is waited for, and how")],
    returns: "the value that `done` accepted",
    effect: Effect::Step,
    doc: "Waits. It has a deadline, a success state and failure states. Answers of 429 and 5xx and lost connections are tolerated and counted; every other error ends it at once: only not-found could mean absent, and forbidden never means `not yet`.",
    example: r#"verify("1", "Counts to three", || {
    let n = 0;
    poll(#{ title: "three", every: 1.s, within: 1.min, read: || { n += 1; n }, done: |n| n == 3 })
});"#,
    body: poll,
};

const SLEEP: Primitive = Primitive {
    name: "sleep",
    on: On::Global,
    params: &[Param::new("time", Ty::Any, "not used")],
    returns: "never",
    effect: Effect::Flow,
    doc: "Refused. A sleep waits for nothing in particular, so it is too short one day and too long all others: `poll` for what you wait for.",
    example: r#"verify("1", "Refused", || try { sleep(1) } catch (e) { expect("kind", e.kind, "argument") });"#,
    body: |_| {
        Err(Error::new(ErrorKind::Argument, "`sleep` waits for nothing in particular")
            .help("use `poll(#{ ... })`: it has a deadline, and says what it waits for")
            .into())
    },
};

const NOW: Primitive = Primitive {
    name: "now",
    on: On::Global,
    params: &[],
    returns: "string: RFC 3339, UTC",
    effect: Effect::None,
    doc: "The time of the run's clock; virtual in a rehearsal.",
    example: r#"verify("1", "Date", || gate("this century", now().starts_with("20"), now()));"#,
    body: |call| Ok(Dynamic::from(call.host.run.clock().now().to_string())),
};

fn poll(call: &mut Call<'_>) -> Result<Dynamic, Thrown> {
    let o = call.options(0);
    let spec = WaitSpec {
        title: o.text("title").unwrap_or_default(),
        every: o.duration("every").unwrap_or_default().max(Duration::from_millis(10)),
        within: o.duration("within").unwrap_or_default(),
        warn_after: o.duration("warn_after"),
        tolerate: o.texts("tolerate"),
    };
    let must = |key: &str| {
        o.function(key)
            .ok_or_else(|| Error::new(ErrorKind::Argument, format!("`poll` needs the key `{key}`")))
    };
    let (read, done) = (must("read")?, must("done")?);
    let (failed, show, cause) = (o.function("failed"), o.function("show"), o.function("cause"));
    let call: &Call<'_> = call;
    let ask = |f: &FnPtr, seen: &Dynamic, what: &str| truth(&call.call(f, (seen.clone(),))?, what);
    call.host.run.wait(
        &spec,
        WaitHooks {
            read: &mut || call.call(&read, ()),
            done: &mut |seen: &Dynamic| ask(&done, seen, "`done`"),
            failed: &mut |seen: &Dynamic| failed.as_ref().map_or(Ok(false), |f| ask(f, seen, "`failed`")),
            show: &mut |seen: &Dynamic| match &show {
                Some(f) => call.call(f, (seen.clone(),)).map(|text| text.to_string()),
                None => Ok(crate::run::gate::brief(&value::evidence(seen))),
            },
            cause: &mut || match &cause {
                Some(f) => {
                    call.call(f, ()).map(|text| if text.is_unit() { String::new() } else { text.to_string() })
                }
                None => Ok(String::new()),
            },
        },
    )
}
