//! The sweep of states: all that a cloud could have answered instead, one change a rehearsal. A [`Tape`] holds what a passing
//! rehearsal was answered; [`mutants`] lists what each answer could say instead ([`Legal`] knows the sets of the services,
//! [`Situations`] what things are found in besides); each [`Mutant`] is a fault of a scenario, so that what it shows can be rehearsed again. [`Seen`] compares what two
//! rehearsals came to, and [`Reviewed`] holds what a person has looked at.

mod commands;
mod legal;
mod make;
mod mutant;
mod reviewed;
mod seen;
mod situation;
mod tape;
mod unread;

pub use legal::{Legal, State};
pub use make::mutants;
pub use mutant::{Change, EMPTY_TEXT, Mutant};
pub use reviewed::{Idle, Review, Reviewed};
pub use seen::{Noticed, Seen, without_port};
pub use situation::{Situation, Situations};
pub use tape::{Course, Tape, Thing};
pub use unread::{Unread, fields_of, group, uncalled, unread};
