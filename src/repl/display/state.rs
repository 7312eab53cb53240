//! Which states are good, which are bad, and which are on their way.

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use crate::systems::openstack::Resource as Row;

/// As wanted.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Broken.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// On its way, or worth a look.
pub const MOVING: Style = AnsiColor::Yellow.on_default();

const GOOD_WORDS: &[&str] = &[
    "ACTIVE",
    "ONLINE",
    "UP",
    "OK",
    "HEALTHY",
    "ALLOCATED",
    "AVAILABLE",
    "ENABLED",
    "RUNNING",
    "READY",
    "DONE",
    "BOUND",
    "SUCCEEDED",
];
const BAD_WORDS: &[&str] = &["ERROR", "DOWN", "DEGRADED", "UNHEALTHY", "OFFLINE", "FAILED", "KILLED", "LOST"];
const MOVING_WORDS: &[&str] =
    &["UNKNOWN", "BUILD", "BOOTING", "QUEUED", "SAVING", "REBOOT", "VERIFY_RESIZE", "PROVISIONED"];

/// Whether a field holds a state, by its name.
fn is_state(field: &str) -> bool {
    ["status", "state", "health", "provisioning", "operating", "phase", "ready"]
        .iter()
        .any(|word| field.to_ascii_lowercase().contains(word))
}

/// The colour of a field's value; nothing where it is no state.
pub fn style(row: Option<&Row>, field: &str, value: &Value) -> Option<Style> {
    let word = value.as_str()?;
    if let Some(states) = row.and_then(|r| r.states).filter(|s| s.field == field) {
        return Some(match word {
            w if states.failed.contains(&w) => BAD,
            // a server that is off rests as wanted, perhaps
            "SHUTOFF" => MOVING,
            w if states.settled.contains(&w) => GOOD,
            _ => MOVING,
        });
    }
    if !is_state(field) {
        return None;
    }
    let word = word.to_ascii_uppercase();
    if BAD_WORDS.contains(&word.as_str()) || word.ends_with("_FAILED") {
        Some(BAD)
    } else if GOOD_WORDS.contains(&word.as_str()) || word.ends_with("_COMPLETE") {
        Some(GOOD)
    } else {
        let moving = word.starts_with("PENDING") || word.ends_with("_IN_PROGRESS") || word.ends_with("ING");
        (moving || MOVING_WORDS.contains(&word.as_str())).then_some(MOVING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::openstack::resource;

    #[test]
    fn states_are_told_by_the_row_and_by_their_words() {
        let row = resource::find("servers").unwrap();
        let of = |field: &str, word: &str| style(Some(row), field, &Value::from(word));
        assert_eq!(of("status", "ACTIVE"), Some(GOOD));
        assert_eq!(of("status", "ERROR"), Some(BAD));
        assert_eq!(of("status", "BUILD"), Some(MOVING));
        assert_eq!(of("provisioning_status", "PENDING_UPDATE"), Some(MOVING));
        assert_eq!(of("health_status", "UNHEALTHY"), Some(BAD));
        assert_eq!(of("stack_status", "CREATE_FAILED"), Some(BAD));
        assert_eq!(of("name", "ERROR"), None);
    }
}
