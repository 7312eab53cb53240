//! What a step has met stays with the step.

mod commands;
mod interruption;
mod questions;
mod scripts;
mod sessions;
mod table;
