//! Credentials as operators keep them: openrc files (read, never run), `clouds.yaml`, and explicit
//! sources of a password. Nothing is taken from `OS_*` variables.

mod ansi_c;
pub mod clouds_yaml;
mod entry;
pub mod openrc;
mod secret_source;
pub mod shell;
mod terminal;
mod words;

pub use entry::{CloudEntry, Written};
pub use secret_source::{Ask, NobodyToAsk, SecretSource};
pub use terminal::Terminal;
