//! `wait`: by watch, so that it comes back the moment something changes.

use std::cell::Cell;
use std::time::Duration;

use rhai::Dynamic;

use super::{ALL as EVERYWHERE, FIELDS, KIND, LABELS, NAMESPACE, given, named, selected};
use crate::base::{Error, ErrorKind, Result};
use crate::script::adapter::Call;
use crate::script::arguments::Options;
use crate::script::handles::KubeHandle;
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::primitives::waits::{CAUSE, DONE, FAILED, SHOW, TOLERATE, WARN_AFTER, WITHIN, Wait};
use crate::script::thrown::Thrown;
use crate::systems::kubernetes::{Follow, Selection};

/// The family.
pub const ALL: &[&Primitive] = &[&WAIT];

/// Longest time between two looks where a script says no other.
const EVERY: Duration = Duration::from_secs(10);

const KEYS: &[Param] = &[
    KIND,
    Param::optional("name", Ty::Text, "one object; the closures get it, or () while it is absent"),
    NAMESPACE,
    EVERYWHERE,
    LABELS,
    FIELDS,
    Param::optional("title", Ty::Text, "what is waited for, in the journal"),
    WITHIN,
    DONE,
    FAILED,
    SHOW,
    CAUSE,
    WARN_AFTER,
    TOLERATE,
    Param::optional(
        "every",
        Ty::Duration,
        "longest time between looks, and the pause after a lost watch (default 10 s)",
    ),
];

const WAIT: Primitive = Primitive {
    name: "wait",
    on: On::Type("Kube"),
    params: &[Param::new("wait", Ty::Options(KEYS), "what is waited for, and how")],
    returns: "the object, or the list, that `done` accepted",
    effect: Effect::Read,
    doc: "Waits by watch: the closures are asked as soon as something changes. With `name` they get the object, or () while it is absent; without it the list of objects. It has a deadline, a success state and failure states; only busy services and lost connections mean `not yet`.",
    example: r#"verify("1", "Ready", || site.kube("mgmt").wait(#{
    kind: "nodes", within: 10.min,
    done: |nodes| nodes.all(|n| n.condition("Ready").good),
    show: |nodes| `${nodes.filter(|n| n.condition("Ready").good).len()} of ${nodes.len()} ready`,
}));"#,
    body: wait,
};

fn wait(call: &mut Call<'_>) -> Result<Dynamic, Thrown> {
    let call: &Call<'_> = call;
    let kube: KubeHandle = call.receiver()?;
    let options = call.options(0);
    let (selection, alone) = what(&options)?;
    let wait = Wait::of(call, &options, title(&kube, &options), EVERY)?;
    let (host, clock) = (call.host, call.host.run.clock());
    let deadline = clock.elapsed().saturating_add(wait.spec.within);

    let mut follow: Option<Follow> = None;
    let (began_at, changed) = (Cell::new(Duration::ZERO), Cell::new(false));
    wait.follow(
        &mut || {
            let began = clock.elapsed();
            began_at.set(began);
            changed.set(false);
            let following = match &mut follow {
                Some(following) => following,
                None => follow.insert(kube.ask(host, async |kube| kube.follow(selection.clone()).await)?),
            };
            let within = wait.spec.every.min(deadline.saturating_sub(began));
            let seen = host.block_on(following.look(within))?;
            changed.set(seen.changed);
            let mut objects = seen.objects.into_iter().map(|body| given(&kube, body));
            Ok(match alone {
                true => objects.next().unwrap_or(Dynamic::UNIT),
                false => objects.collect::<Vec<_>>().into(),
            })
        },
        // in a rehearsal a look takes no time of the clock, and all of it is left
        &mut |every| match changed.get() {
            true => Duration::ZERO,
            false => every.saturating_sub(clock.elapsed().saturating_sub(began_at.get())),
        },
    )
}

/// Which objects are meant, and whether one is meant by its name.
fn what(options: &Options) -> Result<(Selection, bool)> {
    let kind = options.text("kind").unwrap_or_default();
    let Some(name) = options.text("name") else { return Ok((selected(&kind, options)?, false)) };
    if let Some(key) = ["all", "labels", "fields"].into_iter().find(|key| options.get(key).is_some()) {
        return Err(Error::new(ErrorKind::Argument, format!("`name` and `{key}` contradict each other"))
            .help("a name means one object of one namespace"));
    }
    Ok(((&named(&kind, &name, options)?).into(), true))
}

fn title(kube: &KubeHandle, options: &Options) -> String {
    let text = |key: &str| options.text(key).unwrap_or_default();
    match options.text("name") {
        Some(name) => format!("{} {name} of {}", text("kind"), kube.name()),
        None => format!("{} of {}", text("kind"), kube.name()),
    }
}
