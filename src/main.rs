//! The `rhumb` program: everything is in the library.

#![deny(clippy::disallowed_macros, clippy::disallowed_methods)]

fn main() -> std::process::ExitCode {
    rhumb::cli::main()
}
