//! What a site does otherwise than the shipped scripts, and what that was written against.
//!
//! A site's file of a shipped runbook's name changes steps; one of a shipped module's name replaces functions.
//! Each such override remembers the text that it was written against ([`Base`]), so that a later release that
//! changes this text is seen ([`Review`]).

mod base;
mod review;
mod shipped;
pub mod stub;
mod surface;
mod target;
pub mod threeway;

pub use base::{Base, FILE, read, replace, write};
pub(in crate::script) use review::unmatched;
pub use review::{Drift, Review, State, Written};
pub use shipped::{Shipped, fingerprint};
pub use surface::{Deprecation, Surface, calls};
pub use target::{Piece, Target};
