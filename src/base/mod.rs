//! Floor 0: time, durations, secrets, permits, error kinds and the operator's terminal; nothing here knows a protocol.

pub mod bounded;
pub mod clock;
pub mod duration;
pub mod error;
pub mod permit;
pub mod screen;
pub mod secret;

pub use clock::{Clock, SimClock, SystemClock};
pub use error::{Class, Error, ErrorKind, Place, Result};
pub use permit::{Intent, Ledger, Mutation, Permit, Undo};
pub use screen::Drawn;
pub use secret::{Payload, Secret};
pub use tokio_util::sync::CancellationToken;
