//! The states of a thing over time: what is, what was, and what will be if nobody interferes.

use std::time::Duration;

use jiff::Timestamp;

/// States with the times they begin at. Reading is a pure function of (timeline, now).
#[derive(Clone, Debug)]
pub struct Timeline<S> {
    first: (Timestamp, S),
    later: Vec<(Timestamp, S)>,
}

impl<S: Clone> Timeline<S> {
    /// Begins in a state.
    pub fn new(at: Timestamp, state: S) -> Self {
        Timeline { first: (at, state), later: Vec::new() }
    }

    fn step(&self, now: Timestamp) -> &(Timestamp, S) {
        self.later.iter().rev().find(|(at, _)| *at <= now).unwrap_or(&self.first)
    }

    /// The state at a time.
    pub fn at(&self, now: Timestamp) -> S {
        self.step(now).1.clone()
    }

    /// When the state at a time began.
    pub fn since(&self, now: Timestamp) -> Timestamp {
        self.step(now).0
    }

    /// From now on everything goes another way: what was planned for later is forgotten. Each
    /// step is so long after the one before it; the past stays only as far as somebody can ask for it.
    pub fn plan(&mut self, now: Timestamp, steps: impl IntoIterator<Item = (Duration, S)>) {
        self.first = self.step(now).clone();
        self.later.clear();
        let mut at = now;
        for (delay, state) in steps {
            at = at.checked_add(delay).unwrap_or(Timestamp::MAX);
            self.later.push((at, state));
        }
    }

    /// A state that begins now and lasts.
    pub fn set(&mut self, now: Timestamp, state: S) {
        self.plan(now, [(Duration::ZERO, state)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_state_is_a_function_of_the_plan_and_the_time() {
        let t0 = Timestamp::UNIX_EPOCH;
        let mut line = Timeline::new(t0, "off");
        line.plan(t0, [(s(0), "starting"), (s(20), "on")]);
        let read = |line: &Timeline<_>, n| line.at(t0 + s(n));
        assert_eq!((read(&line, 0), read(&line, 19), read(&line, 20)), ("starting", "starting", "on"));
        assert_eq!(line.since(t0 + s(99)), t0 + s(20));

        line.plan(t0 + s(10), [(s(1), "stopping"), (s(2), "off")]);
        let seen: Vec<_> = [10, 11, 12, 13, 99].map(|n| read(&line, n)).to_vec();
        assert_eq!(seen, ["starting", "stopping", "stopping", "off", "off"]);
    }
}
