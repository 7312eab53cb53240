//! The `rhumb` program: everything is in the library.
fn main() {}
