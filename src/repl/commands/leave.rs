//! `:quit`.

use super::{Command, Next};

/// Ends the session, as Ctrl-D does.
pub const QUIT: Command = Command {
    name: "quit",
    arguments: "",
    brief: "ends the session, as Ctrl-D does",
    doc: "Ends the session, as Ctrl-D does.",
    run: |_, _| Ok(Next::Leave),
};
