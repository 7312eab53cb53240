//! Hostile input ends with an error, never with a panic.
