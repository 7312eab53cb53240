//! `slot`: what only so many may do at once.

use std::time::Duration;

use crate::base::error::nearest;
use crate::base::{Error, ErrorKind};
use crate::run::WaitSpec;
use crate::run::slot::{MOST, Slot, SlotName, Taken};
use crate::run::wait::WaitHooks;
use crate::script::adapter::Call;
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::thrown::Thrown;

/// The family.
pub const ALL: &[&Primitive] = &[&SLOT];

const OPTIONS: &[Param] = &[
    Param::optional("within", Ty::Duration, "time until waiting for it fails; 30 min"),
    Param::optional(
        "count",
        Ty::Integer,
        "how many may hold it at once, where the site declares no slot of the name",
    ),
];

const SLOT: Primitive = Primitive {
    name: "slot",
    on: On::Global,
    params: &[
        Param::new("name", Ty::Text, "a slot, such as the site file declares in `slots` of `[run]`"),
        Param::optional("opts", Ty::Options(OPTIONS), "how long to wait for it, and how many there are"),
        Param::new("body", Ty::Function, "what is done while the slot is held"),
    ],
    returns: "the body's value",
    effect: Effect::Step,
    doc: "Does something that only so many may do at once: branches of this run, and other runs that keep their state in the same directory. Waits until a slot is free, and shows who holds it. The slot is free again at the end of the body, and with the process however it ends.",
    example: "",
    body: |call| {
        let (name, body) = (call.text(0), call.function(2)?);
        let held = hold(call, &SlotName::new(&name)?)?;
        if let Some(left) = &held.left {
            call.host.run.note(&format!("slot {name} was left by {left}"))?;
        }
        let value = call.call(&body, ());
        drop(held);
        value
    },
};

/// Takes a slot, and waits for one if all are held.
fn hold(call: &Call<'_>, slot: &SlotName) -> Result<Slot, Thrown> {
    let name = slot.as_str();
    let (run, policy) = (&call.host.run, &call.host.site.site().run);
    let slots = &policy.slots;
    let own = match call.options(1).integer("count") {
        Some(n) => Some(u32::try_from(n).ok().filter(|n| (1..=MOST).contains(n)).ok_or_else(|| {
            Error::new(
                ErrorKind::Argument,
                format!("`count` of a slot is a number from 1 to {MOST}, not {n}"),
            )
        })?),
        None => None,
    };
    let count = slots.get(name).copied().or(own).ok_or_else(|| {
        let e = Error::new(ErrorKind::Site, format!("the site has no slot `{name}`"));
        match nearest(name, slots.keys().map(String::as_str)) {
            Some(near) => e.help(format!("did you mean `{near}`?")),
            None => e.help(format!("declare it in site.toml: [run] slots = {{ {name} = 1 }}")),
        }
    })?;
    let attempt = || run.take_slot(slot, count, policy.slots_dir.as_deref());
    if let Taken::Slot(slot) = attempt()? {
        return Ok(slot);
    }
    let within = call.options(1).duration("within").unwrap_or(Duration::from_secs(30 * 60));
    let spec = WaitSpec {
        title: format!("slot {name} is free"),
        every: Duration::from_secs(2),
        within,
        warn_after: None,
        tolerate: Vec::new(),
    };
    let taken = run.wait::<Taken, Thrown>(
        &spec,
        WaitHooks {
            read: &mut || Ok(attempt()?),
            done: &mut |taken| Ok(matches!(taken, Taken::Slot(_))),
            failed: &mut |_| Ok(false),
            show: &mut |taken| {
                Ok(match taken {
                    Taken::Slot(_) => "free".to_string(),
                    Taken::Busy(holders) => {
                        let all: Vec<String> = holders.iter().map(ToString::to_string).collect();
                        format!("held by {}", all.join("; "))
                    }
                })
            },
            cause: &mut || Ok(String::new()),
            rest: &mut |time| time,
        },
    )?;
    match taken {
        Taken::Slot(slot) => Ok(slot),
        Taken::Busy(_) => {
            Err(Error::new(ErrorKind::Internal, format!("slot {name} is free and held")).into())
        }
    }
}
