//! Floor 5: what a run left behind, for people and for programs. Every renderer is a pure function
//! of a [`RunReport`](crate::run::RunReport); only [`write_all`], [`verify()`] and [`runs`] touch files.

pub mod acceptance;
pub mod agree;
pub mod diff;
pub mod estimates;
pub mod evidence;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod next;
pub mod prose;
pub mod runs;
pub mod summary;
pub mod terminal;
pub mod verify;
pub mod when;
pub mod write;

pub use diff::RunDiff;
pub use estimates::{Estimates, Usual};
pub use summary::{Standing, Summary};
pub use verify::{Verification, verify};
pub use write::{Paths, write_all};
