//! Where runs are kept, and what they are called.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::base::{Error, ErrorKind, Result};

/// `user@machine` of this process.
pub fn who() -> String {
    let user =
        std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "unknown".into());
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{user}@{}", machine.trim())
}

/// The directory of all runs' state: `$XDG_STATE_HOME/rhumb`, or `~/.local/state/rhumb`.
pub fn state_home() -> Result<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|dir| dir.join("rhumb"))
        .ok_or_else(|| {
            Error::new(ErrorKind::Io, "no directory for runs")
                .help("set HOME or XDG_STATE_HOME, or give --state-dir")
        })
}

/// A run's id: time, runbook, and four letters that tell two runs of one second apart.
pub fn run_id(runbook: &str, now: Timestamp) -> String {
    use std::hash::{BuildHasher as _, Hasher as _};
    let chance = std::collections::hash_map::RandomState::new().build_hasher().finish();
    let name: String = runbook.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("{}-{name}-{:04x}", now.strftime("%Y%m%dT%H%M%SZ"), chance & 0xffff)
}
