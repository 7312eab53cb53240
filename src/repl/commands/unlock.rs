//! `:unlock` and `:lock`: whether the session may change things.

use super::{Command, Next};
use crate::base::{Error, ErrorKind, duration};

/// Allows changes.
pub const UNLOCK: Command = Command {
    name: "unlock",
    arguments: "REASON",
    brief: "allows changes, each one shown and asked for",
    doc: "Allows changes, each one shown, confirmed and journaled. It locks itself again when it is left alone.",
    run: |shell, reason| {
        if reason.is_empty() {
            return Err(Error::new(ErrorKind::Usage, "a session is unlocked for a reason")
                .help("`:unlock REASON`, such as `:unlock INC-4711 failover of the API's balancer`"));
        }
        shell.session.lock.open(reason)?;
        let idle = duration::show(shell.session.lock.idle());
        shell.say(&format!(
            "changes are allowed, each one is asked for; it locks itself after {idle} without a key"
        ))?;
        Ok(Next::Line)
    },
};

/// Refuses changes again.
pub const LOCK: Command = Command {
    name: "lock",
    arguments: "",
    brief: "refuses them again",
    doc: "Refuses changes again.",
    run: |shell, _| {
        let was_open = shell.session.lock.close("by the operator")?;
        shell.say(if was_open { "locked: it only reads" } else { "it is locked already" })?;
        Ok(Next::Line)
    },
};
