//! The one way to the operator's terminal.
//!
//! Names, comments, answers and errors are written by others. What goes to standard output and standard error goes
//! through [`print`], [`complain`], [`document`] and the other functions here, and they take a [`Drawn`]: there is no way to make one
//! in which a control character, an escape sequence or a line break of somebody else still works. Clippy refuses the
//! ordinary ways to write (`clippy.toml`).

mod drawn;
mod visible;
mod write;

pub(crate) use drawn::drawn;
pub use drawn::{Drawn, Piece, Shown};
pub use visible::{is_hidden, json, line, lines};
pub use write::{Stream, complain, document, moving, picture, print};
