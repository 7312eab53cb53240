//! What is seen of a command from outside: its lines as they come, and whether its processes are still there.

#![allow(clippy::unwrap_used, reason = "a test's support fails as a test does")]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rhumb::systems::command::OnLine;

/// Collects the lines of a command.
pub(crate) fn lines() -> (OnLine, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let into = seen.clone();
    (Arc::new(move |_, line: &str| into.lock().unwrap().push(line.to_owned())), seen)
}

/// Whether a process runs; one that only waits to be reaped does not.
pub(crate) fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).is_some_and(|state| state != "Z")
}

/// Whether something becomes so within 30 seconds.
pub(crate) async fn eventually(what: impl Fn() -> bool) -> bool {
    let started = Instant::now();
    while !what() {
        if started.elapsed() > Duration::from_secs(30) {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    true
}
