//! `poll`: the only way to wait.

use std::time::Duration;

use rhai::{Dynamic, FnPtr};

use super::flow::truth;
use crate::base::{Error, ErrorKind, Result};
use crate::run::WaitSpec;
use crate::run::wait::WaitHooks;
use crate::script::adapter::Call;
use crate::script::arguments::Options;
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::thrown::Thrown;
use crate::script::value;

/// The family.
pub const ALL: &[&Primitive] = &[&POLL, &SLEEP, &NOW];

/// What every wait is told: its deadline, and how it tells success, failure and slowness.
pub(super) const WITHIN: Param = Param::new("within", Ty::Duration, "time until the wait fails");
/// See [`WITHIN`].
pub(super) const DONE: Param = Param::new("done", Ty::Function, "whether that is what is waited for");
/// See [`WITHIN`].
pub(super) const FAILED: Param =
    Param::optional("failed", Ty::Function, "whether that can never become it: the wait fails at once");
/// See [`WITHIN`].
pub(super) const SHOW: Param = Param::optional("show", Ty::Function, "what was seen, in a few words");
/// See [`WITHIN`].
pub(super) const CAUSE: Param = Param::optional(
    "cause",
    Ty::Function,
    "why it takes so long or failed; asked once it is slow, and at a failure",
);
/// See [`WITHIN`].
pub(super) const WARN_AFTER: Param =
    Param::optional("warn_after", Ty::Duration, "time until it counts as slow");
/// See [`WITHIN`].
pub(super) const TOLERATE: Param = Param::optional(
    "tolerate",
    Ty::Texts,
    "kinds of error that mean `not yet` here, such as `\"not-found\"`, or `\"timeout\"` where a command is known to hang for a while; busy services and lost connections always do",
);

const POLL_KEYS: &[Param] = &[
    Param::new("title", Ty::Text, "what is waited for"),
    Param::new("every", Ty::Duration, "time between looks"),
    WITHIN,
    Param::new("read", Ty::Function, "looks once; its value goes to the other closures"),
    DONE,
    FAILED,
    SHOW,
    CAUSE,
    WARN_AFTER,
    TOLERATE,
];

const POLL: Primitive = Primitive {
    name: "poll",
    on: On::Global,
    params: &[Param::new("wait", Ty::Options(POLL_KEYS), "what is waited for, and how")],
    returns: "the value that `done` accepted",
    effect: Effect::Step,
    doc: "Waits. It has a deadline, a success state and failure states. Answers of 429 and 5xx and lost connections are tolerated and counted, in `read` and in the other closures; every other error ends it at once: only not-found could mean absent, and forbidden never means `not yet`. A command that does not end in its own time (`timeout`) ends it too, unless `tolerate` says that hanging is usual here.",
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
    let call: &Call<'_> = call;
    let options = call.options(0);
    let read = must(&options, "read")?;
    let wait = Wait::of(call, &options, String::new(), Duration::ZERO)?;
    wait.follow(&mut || call.call(&read, ()), &mut |every| every)
}

fn must(options: &Options, key: &str) -> Result<FnPtr> {
    options
        .function(key)
        .ok_or_else(|| Error::new(ErrorKind::Argument, format!("a wait needs the key `{key}`")))
}

/// A wait as a script asks for it, but for how it looks.
pub(super) struct Wait<'c, 'a> {
    call: &'c Call<'a>,
    /// Its title and times.
    pub(super) spec: WaitSpec,
    done: FnPtr,
    failed: Option<FnPtr>,
    show: Option<FnPtr>,
    cause: Option<FnPtr>,
}

impl<'c, 'a> Wait<'c, 'a> {
    /// Reads the options; `title` and `every` are for where none is given.
    pub(super) fn of(call: &'c Call<'a>, options: &Options, title: String, every: Duration) -> Result<Self> {
        let spec = WaitSpec {
            title: options.text("title").unwrap_or(title),
            every: options.duration("every").unwrap_or(every).max(Duration::from_millis(10)),
            within: options.duration("within").unwrap_or_default(),
            warn_after: options.duration("warn_after"),
            tolerate: options.texts("tolerate"),
        };
        Ok(Wait {
            call,
            spec,
            done: must(options, "done")?,
            failed: options.function("failed"),
            show: options.function("show"),
            cause: options.function("cause"),
        })
    }

    /// Waits, looking in a given way.
    pub(super) fn follow(
        &self,
        read: &mut dyn FnMut() -> Result<Dynamic, Thrown>,
        rest: &mut dyn FnMut(Duration) -> Duration,
    ) -> Result<Dynamic, Thrown> {
        let ask = |f: &FnPtr, seen: &Dynamic, what: &str| truth(&self.call.call(f, (seen.clone(),))?, what);
        let hooks = WaitHooks {
            read,
            done: &mut |seen: &Dynamic| ask(&self.done, seen, "`done`"),
            failed: &mut |seen: &Dynamic| {
                self.failed.as_ref().map_or(Ok(false), |f| ask(f, seen, "`failed`"))
            },
            show: &mut |seen: &Dynamic| match &self.show {
                Some(f) => self.call.call(f, (seen.clone(),)).map(|text| text.to_string()),
                None => Ok(crate::run::gate::brief(&value::evidence(seen))),
            },
            cause: &mut || match &self.cause {
                Some(f) => {
                    let text = self.call.call(f, ())?;
                    Ok(if text.is_unit() { String::new() } else { text.to_string() })
                }
                None => Ok(String::new()),
            },
            rest,
        };
        self.call.host.run.wait(&self.spec, hooks)
    }
}
