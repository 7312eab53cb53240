//! Time that can be virtual. Deadlines of polls, token expiry and journal times all come from a
//! [`Clock`], so that a rehearsal covers 21 minutes in a moment, through the same code.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::error::{Error, ErrorKind, Result};

/// A source of time for script threads.
pub trait Clock: Send + Sync {
    /// The time of day, for records.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment; never goes back. For deadlines.
    fn elapsed(&self) -> Duration;

    /// Waits, or returns an [`ErrorKind::Interrupted`] error as soon as the token is cancelled.
    fn sleep(&self, time: Duration, cancel: &CancellationToken) -> Result<()>;

    /// One more thread takes part in this clock (see [`SimClock`]).
    fn enter(&self) {}

    /// One thread less takes part in this clock.
    fn leave(&self) {}
}

fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "interrupted while waiting")
}

/// The machine's own time.
pub struct SystemClock {
    start: Instant,
    runtime: tokio::runtime::Handle,
}

impl SystemClock {
    /// A clock whose sleeps are timers of this runtime, called from threads outside it.
    pub fn new(runtime: tokio::runtime::Handle) -> Self {
        SystemClock { start: Instant::now(), runtime }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, time: Duration, cancel: &CancellationToken) -> Result<()> {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = cancel.cancelled() => Err(interrupted()),
                () = tokio::time::sleep(time) => Ok(()),
            }
        })
    }
}

/// Virtual time: when every thread that takes part sleeps, time jumps to the earliest waking.
///
/// A thread that waits for a request counts as awake, so no time passes during requests.
pub struct SimClock {
    start: Timestamp,
    state: Mutex<Sim>,
    wake: Condvar,
}

struct Sim {
    elapsed: Duration,
    participants: usize,
    /// What may wake each sleeper before its time, by its waking time and ticket.
    sleepers: BTreeMap<(Duration, u64), CancellationToken>,
    ticket: u64,
}

impl SimClock {
    /// A clock that starts at a moment, with one thread taking part.
    pub fn new(start: Timestamp) -> Self {
        let sim = Sim { elapsed: Duration::ZERO, participants: 1, sleepers: BTreeMap::new(), ticket: 0 };
        SimClock { start, state: Mutex::new(sim), wake: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, Sim> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets time pass by hand: for `lab serve`, where real time drives it, and for tests.
    pub fn advance_to(&self, elapsed: Duration) {
        let mut sim = self.state();
        sim.elapsed = sim.elapsed.max(elapsed);
        self.wake.notify_all();
    }

    fn jump_if_all_sleep(&self, sim: &mut Sim) {
        // who is woken already does not sleep any more
        if sim.sleepers.len() >= sim.participants.max(1)
            && !sim.sleepers.values().any(CancellationToken::is_cancelled)
            && let Some(((at, _), _)) = sim.sleepers.first_key_value()
        {
            sim.elapsed = sim.elapsed.max(*at);
            self.wake.notify_all();
        }
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let elapsed = self.elapsed();
        self.start.checked_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    fn elapsed(&self) -> Duration {
        self.state().elapsed
    }

    fn sleep(&self, time: Duration, cancel: &CancellationToken) -> Result<()> {
        let mut sim = self.state();
        let until = sim.elapsed.saturating_add(time);
        sim.ticket += 1;
        let key = (until, sim.ticket);
        sim.sleepers.insert(key, cancel.clone());
        self.jump_if_all_sleep(&mut sim);
        // the time-out is for cancellation alone, which cannot signal a condition variable
        while sim.elapsed < until && !cancel.is_cancelled() {
            sim = self
                .wake
                .wait_timeout(sim, Duration::from_millis(20))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        sim.sleepers.remove(&key);
        if cancel.is_cancelled() { Err(interrupted()) } else { Ok(()) }
    }

    fn enter(&self) {
        self.state().participants += 1;
    }

    fn leave(&self) {
        let mut sim = self.state();
        sim.participants = sim.participants.saturating_sub(1);
        self.jump_if_all_sleep(&mut sim);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn clock() -> Arc<SimClock> {
        Arc::new(SimClock::new("2026-06-10T02:00:00Z".parse().unwrap()))
    }

    #[test]
    fn a_lone_sleeper_does_not_wait() {
        let (c, never, real) = (clock(), CancellationToken::new(), Instant::now());
        c.sleep(Duration::from_secs(1260), &never).unwrap();
        assert_eq!(c.now().to_string(), "2026-06-10T02:21:00Z");
        assert!(real.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn time_jumps_only_when_all_sleep() {
        let c = clock();
        let order = Arc::new(Mutex::new(Vec::new()));
        std::thread::scope(|s| {
            for n in [3u64, 1, 2] {
                c.enter();
                let (c, order) = (c.clone(), order.clone());
                s.spawn(move || {
                    for _ in 0..4 {
                        c.sleep(Duration::from_secs(n), &CancellationToken::new()).unwrap();
                        order.lock().unwrap().push((c.elapsed().as_secs(), n));
                    }
                    c.leave();
                });
            }
            c.leave();
        });
        let seen = order.lock().unwrap().clone();
        assert!(seen.iter().all(|(at, n)| at % n == 0), "{seen:?}");
        assert_eq!(seen.iter().map(|(at, _)| *at).max(), Some(12));
    }

    #[test]
    fn a_cancelled_sleep_ends_with_interrupted() {
        let (c, token) = (clock(), CancellationToken::new());
        c.enter(); // somebody else is awake: time stands still
        token.cancel();
        assert_eq!(c.sleep(Duration::from_secs(9), &token).unwrap_err().kind(), ErrorKind::Interrupted);
    }
}
