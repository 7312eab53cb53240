//! Ctrl-C once: stop, clean up, report. Twice within two seconds: leave now; the journal is intact,
//! since every record is written before it counts.

use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use crate::base::{ErrorKind, again};
use crate::run::Cancel;

const TWICE: Duration = Duration::from_secs(2);

/// Listens for SIGINT, SIGTERM and SIGHUP for the rest of the process.
pub fn listen(runtime: &Handle, cancel: Cancel, run: String, say: impl Fn(&str) + Send + 'static) {
    // before the first step, not when the task comes to its turn
    let entered = runtime.enter();
    let all = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    drop(entered);
    let [Ok(mut int), Ok(mut term), Ok(mut hup)] = all else {
        say("signals cannot be heard: Ctrl-C will end the run without a clean-up");
        return;
    };
    runtime.spawn(async move {
        let mut last: Option<Instant> = None;
        loop {
            tokio::select! { _ = int.recv() => {}, _ = term.recv() => {}, _ = hup.recv() => {} }
            if last.is_some_and(|at| at.elapsed() < TWICE) {
                say(&format!("left at once; `{}` goes on from the journal", again::resume(&run)));
                std::process::exit(i32::from(ErrorKind::Interrupted.exit_code()));
            }
            last = Some(Instant::now());
            cancel.interrupt(); // first: a question that is open has the terminal to itself until it is ended
            say("interrupted: ending the step and cleaning up; again within 2 s to leave at once");
        }
    });
}
