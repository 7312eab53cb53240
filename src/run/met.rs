//! What ends a step other than its last line, and which of several such ends it is judged by.

use super::record::{StepKind, Verdict};
use super::step::OnFail;
use crate::base::{Class, Error, ErrorKind};

/// An end that a step has met.
#[derive(Clone, Debug)]
pub enum Ending {
    /// `skip(reason)`.
    Skip(String),
    /// A decision put the step off.
    Deferred(String),
    /// Nobody signed what `attest` asked.
    Outstanding(String),
    /// A claim could not be looked at. The step goes on, and what else it meets may be worse.
    Unseen(Error),
    /// `stop(reason)`: the step fails and the run ends, whatever `on_fail` says.
    Stop(String),
    /// A failed gate, a refused, declined or unapproved change, or another error.
    Error(Error),
}

impl Ending {
    /// The order in which a step that has met several is judged: the lowest counts.
    fn rank(&self) -> u8 {
        match self {
            Ending::Error(e) => match (e.kind(), e.kind().class()) {
                (ErrorKind::Interrupted, _) => 0,
                (ErrorKind::Cleanup, _) => 8,
                (_, Class::Fault) => 1,
                (ErrorKind::Gate, _) => 6,
                (ErrorKind::Declined, _) => 3,
                (ErrorKind::NeedsApproval, _) => 4,
                (_, Class::Abort) => 2,
                (_, Class::Recoverable) => 7,
            },
            Ending::Stop(_) => 5,
            Ending::Unseen(_) => 9,
            Ending::Outstanding(_) => 10,
            Ending::Deferred(_) => 11,
            Ending::Skip(_) => 12,
        }
    }

    /// Whether the step fails by it. Such an end stops every branch of the step; any other leaves the branch that met it.
    pub fn fails(&self) -> bool {
        matches!(self, Ending::Stop(_) | Ending::Error(_))
    }

    /// Whether the run ends with the step. `on_fail: "continue"` goes on after a failed gate and after errors that a
    /// script could have caught, never after an interruption, a refusal or a fault of the host.
    pub(super) fn ends_run(&self, on_fail: OnFail) -> bool {
        match self {
            Ending::Error(e) => {
                let harmless = e.kind() == ErrorKind::Gate || e.kind().class() == Class::Recoverable;
                on_fail == OnFail::Stop || !harmless
            }
            Ending::Stop(_) => true,
            Ending::Unseen(_) => on_fail == OnFail::Stop,
            Ending::Skip(_) | Ending::Deferred(_) | Ending::Outstanding(_) => false,
        }
    }

    /// The verdict of a step that ends with it. A look that could not be taken leaves it unknown what there is; a change that
    /// met the same has failed.
    pub(super) fn verdict(&self, kind: StepKind) -> Verdict {
        match self.clone() {
            Ending::Error(e) if kind == StepKind::Verify && e.kind().could_not_look() => {
                Verdict::Unknown { reason: e.detail().what.clone() }
            }
            Ending::Unseen(e) => Verdict::Unknown { reason: e.detail().what.clone() },
            Ending::Skip(reason) => Verdict::Skipped { reason },
            Ending::Deferred(decision) => Verdict::Deferred { decision },
            Ending::Outstanding(claim) => Verdict::Outstanding { claim },
            Ending::Stop(reason) => Verdict::Fail { reason },
            Ending::Error(e) => Verdict::Fail { reason: e.detail().what.clone() },
        }
    }

    /// It as the error that a run ends with.
    pub fn error(&self) -> Error {
        match self {
            Ending::Error(e) | Ending::Unseen(e) => e.clone(),
            Ending::Stop(reason) => Error::new(ErrorKind::Gate, format!("stopped: {reason}")),
            Ending::Skip(reason) | Ending::Deferred(reason) | Ending::Outstanding(reason) => {
                Error::new(ErrorKind::Refused, format!("the step has ended: {reason}"))
            }
        }
    }

    /// Whether both tell of one event: an error gains its place on its way.
    fn is_same(&self, other: &Ending) -> bool {
        match (self, other) {
            (Ending::Error(a), Ending::Error(b)) => {
                a.kind() == b.kind() && a.detail().what == b.detail().what
            }
            _ => {
                self.rank() == other.rank()
                    && self.verdict(StepKind::Change) == other.verdict(StepKind::Change)
            }
        }
    }
}

/// All that a step has met, with the branch that met it.
#[derive(Debug, Default)]
pub(super) struct Met(Vec<(Vec<u64>, Ending)>);

impl Met {
    /// Keeps an end. What is known of it already gains the place that it came without.
    pub(super) fn add(&mut self, branch: &str, ending: Ending) {
        let known = self.0.iter_mut().find(|(_, known)| known.is_same(&ending));
        match known {
            Some((_, Ending::Error(known))) => {
                if let (None, Ending::Error(ending)) = (&known.detail().place, ending) {
                    *known = ending;
                }
            }
            Some(_) => {}
            // `2/1/` stands before `10/1/`
            None => self.0.push((branch.split('/').filter_map(|n| n.parse().ok()).collect(), ending)),
        }
    }

    /// The end that counts: the worst, of several the one of the first branch.
    pub(super) fn worst(&self) -> Option<&Ending> {
        self.worst_of(|_| true)
    }

    /// The worst that the run ends with.
    pub(super) fn ends_run(&self, on_fail: OnFail) -> Option<&Ending> {
        self.worst_of(|ending| ending.ends_run(on_fail))
    }

    fn worst_of(&self, wanted: impl Fn(&Ending) -> bool) -> Option<&Ending> {
        let all = self.0.iter().filter(|(_, ending)| wanted(ending));
        all.min_by_key(|(branch, ending)| (ending.rank(), branch)).map(|(_, ending)| ending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: ErrorKind) -> Ending {
        Ending::Error(Error::new(kind, kind.name()))
    }

    #[test]
    fn the_worst_counts_whatever_came_first() {
        use ErrorKind::*;
        let text = String::new;
        let worst_first = [
            error(Interrupted),
            error(Journal),
            error(Refused),
            error(Declined),
            error(NeedsApproval),
            Ending::Stop(text()),
            error(Gate),
            error(NotFound),
            error(Cleanup),
            Ending::Unseen(Error::new(Forbidden, text())),
            Ending::Outstanding(text()),
            Ending::Deferred(text()),
            Ending::Skip(text()),
        ];
        for (n, worse) in worst_first.iter().enumerate() {
            for better in &worst_first[n + 1..] {
                let mut met = Met::default();
                met.add("", better.clone());
                met.add("1/2/", worse.clone());
                assert!(met.worst().unwrap().is_same(worse), "{worse:?} before {better:?}");
            }
        }
    }

    #[test]
    fn of_equals_the_first_branch_counts_and_a_place_is_kept() {
        let (gate, mut met) = (|n: &str| Error::new(ErrorKind::Gate, n.to_string()), Met::default());
        met.add("1/10/", Ending::Error(gate("ten")));
        met.add("1/2/", Ending::Error(gate("two")));
        met.add("1/2/", Ending::Error(gate("two").place("main", 3, 1)));
        let worst = met.worst().unwrap().error();
        assert_eq!((worst.detail().what.as_str(), worst.detail().place.is_some()), ("two", true));
    }
}
