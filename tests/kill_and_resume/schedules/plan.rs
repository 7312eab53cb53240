//! What a seed stands for: what goes wrong, at which moments, and how long the operator takes to go on.

use std::fmt;
use std::time::Duration;

use crate::proxy::{Play, Told};

/// The longest that a request is held, in seconds. Rhumb takes two minutes for the least until a look settles a doubt
/// (`late_within`).
const LATEST: u64 = 100;

/// A moment, counted over all lives of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// A record of the journal.
    Record,
    /// A request that reads.
    Read,
    /// A request that changes something.
    Change,
    /// A command on a host or of a program.
    Command,
}

/// What goes wrong at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The run is killed as soon as the record is written, before the command is run, or by a request that goes nowhere.
    Kill,
    /// The run is killed after the request or command did its work, and before its answer.
    KillAfter,
    /// The run is killed while it sends: half of the request goes on.
    KillMidway,
    /// The run is killed while its request is on its way; it arrives so many seconds later.
    KillLate(u64),
    /// This is played with the request.
    Play(Play),
    /// This request, and so many changes behind it, are held until these seconds have passed, and arrive in order.
    Queue(u64, u32),
    /// The answer of a command is lost.
    Lost,
}

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: At,
    pub(super) n: u64,
    pub(super) what: What,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}: {:?}", self.at, self.n, self.what)
    }
}

/// Everything that a seed decides.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pub(super) faults: Vec<Fault>,
    /// How long it takes until the run goes on, for each time.
    pub(super) pauses: Vec<Duration>,
}

/// How much of each kind of moment an undisturbed run has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moments {
    pub(super) records: u64,
    pub(super) reads: u64,
    pub(super) changes: u64,
    pub(super) commands: u64,
}

impl Schedule {
    pub(super) fn of(seed: u64, of: Moments) -> Schedule {
        let mut dice = Dice::new(seed);
        let many = 1 + dice.below(4);
        let faults = (0..many).map(|_| fault(&mut dice, of)).collect();
        let pauses = (0..16).map(|_| Duration::from_secs(dice.one(&[0, 0, 0, 3, 60, 1200]))).collect();
        Schedule { faults, pauses }
    }
}

fn fault(dice: &mut Dice, of: Moments) -> Fault {
    // changes and what is around them count for more than what only reads
    let kinds = [
        (At::Record, of.records, 3),
        (At::Read, of.reads, 2),
        (At::Change, of.changes, 6),
        (At::Command, of.commands, 2),
    ];
    let there: Vec<_> = kinds.iter().filter(|(_, moments, _)| *moments > 0).collect();
    let mut rolled = dice.below(there.iter().map(|(_, _, weight)| weight).sum());
    let chosen = there.iter().find(|(_, _, weight)| {
        let is_it = rolled < *weight;
        rolled = rolled.saturating_sub(*weight);
        is_it
    });
    let (at, moments, _) = **chosen.unwrap_or(&there[0]);
    // some come later than the undisturbed run ends: a run that goes on has more of them
    let n = 1 + dice.below(moments + moments / 4);
    let late = dice.one(&[1, 6, 20, 60, LATEST]);
    let told = dice.one(&[Told::Reset, Told::GatewayTimeout]);
    let late_play = Play::Late { after: Duration::from_secs(late), told };
    let read = [
        Play::LostAnswer,
        Play::CutHead,
        Play::CutBody,
        Play::Reset,
        Play::Html,
        Play::Busy { retry_after: 7 },
        Play::BadGateway,
        late_play,
    ];
    let what = match at {
        At::Record => What::Kill,
        At::Command => dice.one(&[What::Kill, What::KillAfter, What::Lost]),
        At::Read => match dice.below(4) {
            0 => What::Kill,
            _ => What::Play(dice.one(&read)),
        },
        At::Change => match dice.below(14) {
            0 => What::Kill,
            1 | 2 => What::KillAfter,
            12 => What::KillMidway,
            13 => What::Play(Play::CutRequest),
            3 | 4 => What::KillLate(late),
            5 => What::Queue(late, 1 + dice.below(2) as u32),
            6 => What::Play(Play::Twice),
            _ => What::Play(dice.one(&read)),
        },
    };
    Fault { at, n, what }
}

/// Throws the same each time.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bf0_3635);
        dice.below(2);
        dice
    }

    /// A number below this one.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        // Knuth's MMIX
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit.max(1)
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}
