//! What is under way, told once a minute where no line moves: in a file, in a pipe, under cron. Silence there looks
//! like a run that hangs, and a run that hangs looks like silence.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::base::duration;
use crate::base::screen::{Drawn, drawn};
use crate::run::{Transfer, Waiting};

/// Longest time without a line about something that is under way.
pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// How often it is looked whether a line is due.
const BEAT: Duration = Duration::from_secs(1);

/// A look that has taken so long is shown as still unanswered.
const LONG_LOOK: Duration = Duration::from_secs(15);

/// What a run has under way, and when each was told of last. Times are since the run began.
#[derive(Default)]
pub(super) struct UnderWay {
    waits: BTreeMap<u64, Wait>,
    transfers: BTreeMap<String, Told<Transfer>>,
    /// The step at work and when it began; outside of steps the last note.
    at_work: Option<Told<String>>,
    /// The operator is being asked: nothing is to be said meanwhile.
    asking: bool,
}

struct Wait {
    title: String,
    usual: String,
    within: Duration,
    began: Duration,
    told: Duration,
    /// The last look and when it came back.
    seen: Option<(Waiting, Duration)>,
}

struct Told<T> {
    what: T,
    began: Duration,
    told: Duration,
}

impl UnderWay {
    /// A wait begins; `usual` is what it takes as a rule, as `, usually 3m 30s`.
    pub(super) fn wait_begins(
        &mut self,
        wait: u64,
        title: &str,
        usual: &str,
        within: Duration,
        now: Duration,
    ) {
        let (title, usual) = (title.to_string(), usual.to_string());
        self.waits.insert(wait, Wait { title, usual, within, began: now, told: now, seen: None });
    }

    /// A wait has looked.
    pub(super) fn looked(&mut self, waiting: &Waiting, now: Duration) {
        if !self.waits.contains_key(&waiting.wait) {
            self.wait_begins(waiting.wait, &waiting.title, "", waiting.within, now);
        }
        if let Some(wait) = self.waits.get_mut(&waiting.wait) {
            wait.within = waiting.within;
            wait.seen = Some((waiting.clone(), now));
        }
    }

    /// A line of a wait has been written.
    pub(super) fn wait_told(&mut self, wait: u64, now: Duration) {
        if let Some(wait) = self.waits.get_mut(&wait) {
            wait.told = now;
        }
        self.told(now);
    }

    /// A wait has ended.
    pub(super) fn wait_ends(&mut self, wait: u64, now: Duration) {
        self.waits.remove(&wait);
        self.told(now);
    }

    /// A file on its way has come further.
    pub(super) fn transferring(&mut self, transfer: &Transfer, now: Duration) {
        let new = || Told { what: transfer.clone(), began: now, told: now };
        self.transfers.entry(transfer.title.clone()).or_insert_with(new).what = transfer.clone();
    }

    /// No file is on its way any more.
    pub(super) fn transfers_end(&mut self) {
        self.transfers.clear();
    }

    /// This is what is at work from now on; waits outside of steps are over with it.
    pub(super) fn at_work(&mut self, what: &str, now: Duration) {
        self.waits.retain(|wait, _| *wait != OUTSIDE);
        self.at_work = Some(Told { what: what.to_string(), began: now, told: now });
    }

    /// Nothing is at work.
    pub(super) fn at_rest(&mut self) {
        self.at_work = None;
    }

    /// Any line has been written.
    pub(super) fn told(&mut self, now: Duration) {
        if let Some(at_work) = &mut self.at_work {
            at_work.told = now;
        }
    }

    /// The operator is being asked, or has answered.
    pub(super) fn asking(&mut self, asking: bool, now: Duration) {
        self.asking = asking;
        self.told(now);
    }

    /// The lines that are due: of each thing under way that has not been told of for a minute. Where nothing has
    /// anything to tell of itself, that the step is still at work.
    pub(super) fn due(&mut self, now: Duration) -> Vec<Drawn> {
        if self.asking {
            return Vec::new();
        }
        let late = |told: Duration| now.saturating_sub(told) >= MINUTE;
        let mut lines = Vec::new();
        for wait in self.waits.values_mut().filter(|wait| late(wait.told)) {
            wait.told = now;
            lines.push(wait.line(now));
        }
        for transfer in self.transfers.values_mut().filter(|transfer| late(transfer.told)) {
            transfer.told = now;
            lines.push(drawn!("{}: {}", transfer.what.title, transfer.what.shown()));
        }
        if !lines.is_empty() {
            self.told(now);
        } else if self.waits.is_empty()
            && self.transfers.is_empty()
            && let Some(at_work) = self.at_work.as_mut().filter(|at_work| late(at_work.told))
        {
            at_work.told = now;
            let span = duration::show(now.saturating_sub(at_work.began));
            lines.push(drawn!("{}: still at work, {} so far", at_work.what, span));
        }
        lines
    }
}

/// The number of a wait that belongs to no step.
pub(super) const OUTSIDE: u64 = 0;

impl Wait {
    fn line(&self, now: Duration) -> Drawn {
        let spans = format!(
            "{} of {}{}",
            duration::show(now.saturating_sub(self.began)),
            duration::show(self.within),
            self.usual
        );
        let Some((seen, at)) = &self.seen else {
            return drawn!("{}: the first look has not come back ({})", self.title, spans);
        };
        let out = now.saturating_sub(*at);
        let state = match (seen.state.is_empty(), &seen.error) {
            (true, _) => "nothing has been seen yet".to_string(),
            (false, None) => seen.state.clone(),
            (false, Some(_)) => format!("last seen: {}", seen.state),
        };
        let tolerated = match (&seen.last_error, seen.tolerated) {
            (Some(last), n) if n > 0 => format!(", {n} tolerated, the last: {last}"),
            _ => String::new(),
        };
        // between two looks there is the time that the wait rests, and only what is beyond it is a look that hangs
        let hangs = match out.saturating_sub(seen.every) {
            over if over >= LONG_LOOK => {
                format!(", the look under way is out since {}", duration::show(over))
            }
            _ => String::new(),
        };
        drawn!("{}: {} ({}, look {}{}{})", self.title, state, spans, seen.looks, tolerated, hangs)
    }
}

/// Looks each second whether something is due, on a thread that ends with this.
pub(super) struct Pulse {
    over: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
    began: Instant,
}

impl Pulse {
    /// Calls `beat` each second with the time since this began.
    pub(super) fn start(beat: impl Fn(Duration) + Send + 'static) -> Pulse {
        let over = Arc::new((Mutex::new(false), Condvar::new()));
        let (began, until) = (Instant::now(), over.clone());
        let thread = std::thread::Builder::new().name("pulse".into()).spawn(move || {
            let (over, end) = &*until;
            loop {
                let over = over.lock().unwrap_or_else(PoisonError::into_inner);
                let waited = end.wait_timeout_while(over, BEAT, |over| !*over);
                let (over, _) = waited.unwrap_or_else(PoisonError::into_inner);
                if *over {
                    return;
                }
                drop(over);
                beat(began.elapsed());
            }
        });
        // a machine that gives no thread gives no lines either: the run itself goes on
        Pulse { over, thread: thread.ok(), began }
    }

    /// The time since it began.
    pub(super) fn now(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        *self.over.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.over.1.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn seen(wait: u64, state: &str, looks: u64) -> Waiting {
        Waiting {
            wait,
            title: format!("wait {wait}"),
            state: state.into(),
            error: None,
            last_error: None,
            elapsed: s(0),
            within: s(600),
            every: s(10),
            looks,
            tolerated: 0,
        }
    }

    fn due(under_way: &mut UnderWay, at: u64) -> Vec<String> {
        under_way.due(s(at)).iter().map(|line| line.to_string()).collect()
    }

    #[test]
    fn a_wait_is_told_once_a_minute_with_what_was_seen_last() {
        let mut all = UnderWay::default();
        all.at_work("8.2", s(0));
        all.wait_begins(1, "wait 1", ", usually 3m", s(600), s(0));
        all.looked(&seen(1, "PENDING_UPDATE", 1), s(1));
        all.wait_told(1, s(1));
        assert!(due(&mut all, 60).is_empty());
        all.looked(&seen(1, "PENDING_UPDATE", 7), s(60));
        assert_eq!(due(&mut all, 61), ["wait 1: PENDING_UPDATE (1m 1s of 10m, usually 3m, look 7)"]);
        assert!(due(&mut all, 62).is_empty(), "once a minute");
        let mut lost = seen(1, "PENDING_UPDATE", 12);
        (lost.tolerated, lost.last_error, lost.error) =
            (3, Some("no connection".into()), Some("no connection".into()));
        all.looked(&lost, s(120));
        assert_eq!(
            due(&mut all, 121),
            [
                "wait 1: last seen: PENDING_UPDATE (2m 1s of 10m, usually 3m, look 12, 3 tolerated, the last: no connection)"
            ]
        );
        all.wait_ends(1, s(130));
        assert!(due(&mut all, 189).is_empty());
        assert_eq!(due(&mut all, 190), ["8.2: still at work, 3m 10s so far"]);
    }

    #[test]
    fn a_look_that_hangs_is_told_as_such() {
        let mut all = UnderWay::default();
        all.wait_begins(1, "wait 1", "", s(600), s(0));
        assert_eq!(due(&mut all, 60), ["wait 1: the first look has not come back (1m of 10m)"]);
        all.looked(&seen(1, "booting", 1), s(70));
        assert_eq!(
            due(&mut all, 125),
            ["wait 1: booting (2m 5s of 10m, look 1, the look under way is out since 45s)"]
        );
    }

    #[test]
    fn branches_transfers_and_what_tells_nothing_of_itself_are_told_each() {
        let mut all = UnderWay::default();
        all.at_work("1", s(0));
        for wait in [1, 2] {
            all.looked(&seen(wait, "on its way", 1), s(0));
        }
        let transfer =
            Transfer { title: "upload x".into(), done: 1 << 20, total: Some(4 << 20), elapsed: s(1) };
        all.transferring(&transfer, s(0));
        all.looked(&seen(1, "on its way", 6), s(59));
        all.looked(&seen(2, "on its way", 6), s(59));
        let lines = due(&mut all, 60);
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!(lines[2], "upload x: 1.0 MiB of 4.0 MiB (25%), 1.0 MiB/s");
        all.transfers_end();
        all.wait_ends(1, s(61));
        all.wait_ends(2, s(61));
        all.asking(true, s(61));
        assert!(due(&mut all, 600).is_empty(), "nothing is said while somebody is asked");
        all.asking(false, s(600));
        assert!(due(&mut all, 659).is_empty());
        assert_eq!(due(&mut all, 660), ["1: still at work, 11m so far"]);
    }

    #[test]
    fn a_wait_outside_of_steps_is_over_when_the_next_step_begins() {
        let mut all = UnderWay::default();
        all.looked(&seen(OUTSIDE, "PENDING_UPDATE", 1), s(0));
        all.looked(&seen(OUTSIDE, "PENDING_UPDATE", 2), s(59));
        assert_eq!(due(&mut all, 60), ["wait 0: PENDING_UPDATE (1m of 10m, look 2)"]);
        all.at_work("1", s(61));
        assert_eq!(due(&mut all, 121), ["1: still at work, 1m so far"]);
    }
}
