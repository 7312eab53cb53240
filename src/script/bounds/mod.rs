//! What a script may take: memory, time and depth. The language bounds one string, one list and one map; here are the
//! bounds of whole values, of a run, and of what the language does in one operation.
//!
//! A bound that is reached ends the run as any error does: its clean-ups run.

mod builtins;
mod memory;
mod weight;

pub use builtins::register;
pub use memory::Memory;
pub use weight::{DEEPEST, Excess, LARGEST, Room, check, weigh};
