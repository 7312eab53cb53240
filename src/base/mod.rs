//! Floor 0: time, durations, secrets, private files, permits, error kinds and the operator's terminal; nothing here
//! knows a protocol.

pub mod again;
pub mod bounded;
pub mod clock;
pub mod duration;
pub mod error;
pub mod line;
pub mod panic;
pub mod permit;
pub mod plain_file;
pub mod private;
pub mod quote;
pub mod screen;
pub mod secret;

pub use clock::{Clock, SimClock, SystemClock};
pub use error::{Class, Error, ErrorKind, Place, Result};
pub use panic::caught;
pub use permit::{Intent, Ledger, Mutation, Permit, Undo, is_uuid};
pub use screen::Drawn;
pub use secret::{Payload, Secret};
pub use tokio_util::sync::CancellationToken;
