//! `:quit`.

use super::{Command, Next};

/// Ends the session, as Ctrl-D does.
pub const QUIT: Command = Command {
    name: "quit",
    arguments: "",
    doc: "Ends the session, as Ctrl-D does.",
    run: |_, _| Ok(Next::Leave),
};
