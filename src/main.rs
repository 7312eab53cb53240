//! The `rhumb` program: everything is in the library.

fn main() -> std::process::ExitCode {
    rhumb::cli::main()
}
