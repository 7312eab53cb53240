//! Floor 6: the session an operator triages in. Everything of the script language, persistent, over a run
//! with its journal; read-only unless unlocked.
//!
//! One file for each question of the line editor (`helper`), one for each command, and what a value
//! looks like in [`display`].

pub mod candidates;
pub mod commands;
pub mod continuation;
pub mod cursor;
pub mod display;
pub mod docs;
pub mod handles;
pub mod live;
pub mod lock;
pub mod meant;
pub mod names;
pub mod observer;
pub mod privacy;
pub mod promote;
pub mod prompt;
pub mod session;
pub mod source;
pub mod steps;
pub mod thing;
pub mod uses;

mod completer;
mod helper;
mod highlighter;
mod hinter;
mod history;
mod interactive;
mod lines;
mod script;
mod shell;
mod start;
mod validator;

pub use helper::Assistant;
pub use lines::ask;
pub use start::{NAME, Settings, run};
