//! Hosts that come and go: at an address that a run has found, and known by a key that somebody vouches for.

use std::path::Path;

use rhai::Dynamic;
use serde_json::{Value, json};

use crate::base::{Error, ErrorKind, Mutation as _, Payload, Result};
use crate::run;
use crate::run::settle::Settled;
use crate::script::adapter::Call;
use crate::script::handles::HostHandle;
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::thrown::Thrown;
use crate::script::value;
use crate::site::HostKeys;
use crate::systems::ssh::{self, HostKeyPin};

/// The family.
pub const ALL: &[&Primitive] = &[&AT, &HOST_KEY, &PIN];

const AT: Primitive = Primitive {
    name: "at",
    on: On::Type("Host"),
    params: &[Param::new("address", Ty::Text, "a name or an address")],
    returns: "Host",
    effect: Effect::None,
    doc: "The same host at another address: a floating IP is another one after each rebuild, so a runbook asks for it instead of writing it down (DOCFIX-038). User, key and way stay the site's; the host key is looked up by the new address.",
    example: r#"let mgmt = site.host("capi-mgmt").at("10.12.7.41");
verify("1", "Where", || expect("address", mgmt.address, "10.12.7.41"));"#,
    body: |call| {
        let host: HostHandle = call.receiver()?;
        Ok(Dynamic::from(HostHandle(host.0.at(&call.text(0)))))
    },
};

const HOST_KEY: Primitive = Primitive {
    name: "host_key",
    on: On::Type("Host"),
    params: &[],
    returns: "map: algorithm, fingerprint",
    effect: Effect::Read,
    doc: "The key that the host shows, known or not, without logging in to it. The fingerprint is the one that a console log shows, `SHA256:…`.",
    example: "",
    body: |call| {
        let host: HostHandle = call.receiver()?;
        call.host.run.used(&host.0.spec().name);
        let key = call.host.block_on(host.0.host_key())?;
        let map = json!({ "algorithm": key.algorithm(), "fingerprint": key.fingerprint() });
        Ok(value::from_json(&map)?)
    },
};

const PIN_KEYS: &[Param] = &[
    Param::optional(
        "fingerprint",
        Ty::Text,
        "the fingerprint that it must have, from another source: the console log of a fresh machine",
    ),
    Param::optional("replace", Ty::Bool, "give up the keys it was known by; only with a `fingerprint`"),
];

const PIN: Primitive = Primitive {
    name: "pin",
    on: On::Type("Host"),
    params: &[Param::optional("opts", Ty::Options(PIN_KEYS), "how it is proven")],
    returns: "string: the fingerprint",
    effect: Effect::Change,
    doc: "From now on the host is known by the key that it shows now, in the site's own `known_hosts`. Without a fingerprint that is refused, unless the site file says `host_keys = \"pin-once\"` of the host and no key of it is known yet.",
    example: "",
    body: pin,
};

fn pin(call: &mut Call<'_>) -> Result<Dynamic, Thrown> {
    let (handle, options, host): (HostHandle, _, _) = (call.receiver()?, call.options(0), call.host);
    let (fingerprint, replace) = (options.text("fingerprint"), options.flag("replace"));
    let name = &handle.0.spec().name;
    let vouched = fingerprint.is_some() || host.site.site().host(name)?.host_keys == HostKeys::PinOnce;
    if !vouched || (replace && fingerprint.is_none()) {
        let what = format!("nobody vouches for the key of host `{name}`");
        return Err(Error::new(ErrorKind::Refused, what)
            .help(
                "give its `fingerprint` from the machine's console log; for the first key of a fresh machine \
                   the site file may say host_keys = \"pin-once\"",
            )
            .scope(name)
            .into());
    }
    host.run.used(name);
    let key = host.block_on(handle.0.host_key())?;
    let shown = key.fingerprint();
    let mut spec = handle.0.spec().clone();
    // a rehearsal leaves the site's file alone
    spec.known_hosts = host.file(&Path::new("/").join(&spec.known_hosts).to_string_lossy())?;
    let needed = host.block_on(HostKeyPin::new(&spec, key.clone(), fingerprint.as_deref(), replace))?;
    let change = match needed {
        Some(change) => change,
        None => {
            let made = HostKeyPin::made(&spec, key);
            // known already, and not by a pin of this step before a cut
            if !host.run.comes_next(&made.intent()) {
                return Ok(shown.into());
            }
            made
        }
    };
    let look = |_: &run::Effect| {
        let open = host.block_on(HostKeyPin::new(&spec, change.key().clone(), None, true))?;
        Ok(if open.is_some() { Settled::NotDone } else { Settled::Done(Value::from(shown.as_str())) })
    };
    host.run.effect(change.clone(), look, |permit| {
        Ok(Payload::from(Value::from(host.block_on(ssh::pin(permit))?.fingerprint())))
    })?;
    Ok(shown.into())
}
