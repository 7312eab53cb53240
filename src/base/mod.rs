//! Floor 0: time, durations, secrets, private files, permits and error kinds; nothing here knows a protocol.

pub mod clock;
pub mod duration;
pub mod error;
pub mod line;
pub mod panic;
pub mod permit;
pub mod private;
pub mod secret;

pub use clock::{Clock, SimClock, SystemClock};
pub use error::{Class, Error, ErrorKind, Place, Result};
pub use permit::{Intent, Ledger, Mutation, Permit, Undo, is_uuid};
pub use panic::caught;
pub use secret::{Payload, Secret};
pub use tokio_util::sync::CancellationToken;
